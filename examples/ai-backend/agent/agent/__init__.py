# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent: the only one that holds the key of the provider."""

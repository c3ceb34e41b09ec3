# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider that speaks as OpenAI does and knows nothing, for clusters without one."""

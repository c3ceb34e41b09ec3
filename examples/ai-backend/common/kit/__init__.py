# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service of the example stands on: mounted files, metrics, traces, logs and the server."""

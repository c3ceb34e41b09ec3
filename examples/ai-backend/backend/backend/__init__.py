# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend: answers who shows a valid token, keeps what was asked, and asks the agent."""

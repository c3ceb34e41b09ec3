# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a service trusts when it asks another one."""

from __future__ import annotations

import ssl
from pathlib import Path


def trust(ca: Path | None) -> ssl.SSLContext:
    """Trust a mounted authority, or those of the system."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

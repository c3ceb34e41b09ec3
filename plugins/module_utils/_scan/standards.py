# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which requirement of a standard a check is about: CIS Docker Benchmark 1.6 and NIST SP 800-190, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Requirement:
    """The sections of both standards; empty where one has none."""

    cis: str = ""
    nist: str = ""


# NIST SP 800-190, section 4.1, countermeasures for images.
VULNERABILITIES, CONFIGURATION, MALWARE, SECRETS, TRUST = "4.1.1", "4.1.2", "4.1.3", "4.1.4", "4.1.5"

USER = Requirement("4.1", CONFIGURATION)
BASE = Requirement("4.2", TRUST)
PACKAGES = Requirement("4.3", CONFIGURATION)
PATCHES = Requirement("4.4", VULNERABILITIES)
CONTENT_TRUST = Requirement("4.5", TRUST)
HEALTH = Requirement("4.6", CONFIGURATION)
UPDATES = Requirement("4.7", VULNERABILITIES)
SETUID = Requirement("4.8", CONFIGURATION)
COPY = Requirement("4.9", CONFIGURATION)
SECRET = Requirement("4.10", SECRETS)
VERIFIED = Requirement("4.11", TRUST)
SHAPE = Requirement("", CONFIGURATION)

REQUIREMENTS = {
    # Our own rules.
    "end-of-life": BASE,
    "licence": Requirement("", TRUST),
    "root-user": USER,
    "size": PACKAGES,
    "vulnerability": PATCHES,
    # dockle
    "CIS-DI-0001": USER,
    "CIS-DI-0002": BASE,
    "CIS-DI-0003": PACKAGES,
    "CIS-DI-0004": PATCHES,
    "CIS-DI-0005": CONTENT_TRUST,
    "CIS-DI-0006": HEALTH,
    "CIS-DI-0007": UPDATES,
    "CIS-DI-0008": SETUID,
    "CIS-DI-0009": COPY,
    "CIS-DI-0010": SECRET,
    "CIS-DI-0011": VERIFIED,
    "DKL-DI-0001": PACKAGES,
    "DKL-DI-0002": SHAPE,
    "DKL-DI-0003": PACKAGES,
    "DKL-DI-0004": PACKAGES,
    "DKL-DI-0005": PACKAGES,
    "DKL-DI-0006": BASE,
    "DKL-LI-0001": SECRET,
    "DKL-LI-0002": USER,
    "DKL-LI-0003": PACKAGES,
    # trivy
    "DS-0001": BASE,
    "DS-0002": USER,
    "DS-0004": SHAPE,
    "DS-0005": COPY,
    "DS-0010": USER,
    "DS-0017": UPDATES,
    "DS-0026": HEALTH,
    "DS-0029": PACKAGES,
    "DS-0031": SECRET,
    # hadolint
    "DL3002": USER,
    "DL3004": USER,
    "DL3006": BASE,
    "DL3007": BASE,
    "DL3008": VERIFIED,
    "DL3009": PACKAGES,
    "DL3013": VERIFIED,
    "DL3015": PACKAGES,
    "DL3016": VERIFIED,
    "DL3018": VERIFIED,
    "DL3020": COPY,
    "DL3026": BASE,
    "DL3055": HEALTH,
    "DL3057": HEALTH,
    "DL3064": SECRET,
}


def requirement(rule: str) -> Requirement:
    """Return what a rule is about; a rule that stands in no standard has neither section."""
    return REQUIREMENTS.get(rule, Requirement())

#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_info
short_description: Read what gates found, and prove that nobody changed it
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Verifies an evidence store as a whole and returns its records, the newest first. It needs no cluster, no
    network and no private key.
  - Every record carries its number, the hash of the record before it and an Ed25519 signature, and a signed
    head says where each chain ends. A changed, deleted, swapped, repeated or foreign record is therefore
    named, and so is a tail that was cut off.
  - The files of a year may be deleted when its retention class has ended; the rest stays verifiable.
  - Who holds the signing key can write another history. Keep the public key and now and then the value of
    RV(chain.heads) somewhere else, and hand them back as O(public_key) and O(noted).
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.read_only
attributes:
  platform:
    platforms: posix
    support: full
options:
  evidence_dir:
    description: The folder of the evidence store.
    type: path
    required: true
  public_key:
    description:
      - The public key that the store must be signed with, kept apart from it.
      - Without it the store's own is used, which shows damage but not a store that was exchanged as a whole.
    type: path
  noted:
    description:
      - Hashes of records that were noted elsewhere, by the records' names, as in RV(chain.heads). A store
        that does not hold them was put back to an older state.
    type: dict
    default: {}
  gates:
    description: Only records of these gates.
    type: list
    elements: str
    default: []
  subjects:
    description: Only records on these subjects, by name or digest.
    type: list
    elements: str
    default: []
  verdicts:
    description: Only records with these verdicts.
    type: list
    elements: str
    choices: [passed, failed, error]
    default: []
  since:
    description: Only records from this time on, such as V(2026-11-22T00:00:00Z).
    type: str
  until:
    description: Only records from before this time.
    type: str
  limit:
    description: Return this many records at most.
    type: int
    default: 100
  report_only:
    description: Whether to return what is broken without failing on it.
    type: bool
    default: false
requirements:
  - cryptography >= 42
seealso:
  - module: rampart.k8s.network_verify
  - module: rampart.k8s.cis_benchmark
"""

EXAMPLES = r"""
- name: Show what failed since yesterday
  rampart.k8s.evidence_info:
    evidence_dir: /var/lib/rampart/evidence
    verdicts: [failed, error]
    since: "2026-11-21T00:00:00Z"

- name: Verify with what was kept elsewhere
  rampart.k8s.evidence_info:
    evidence_dir: /mnt/copy/evidence
    public_key: /etc/rampart/evidence.pub
    noted:
      security_7y:17: 8d5e957f297893487bd98fa830fa6413e9f47bb6a55ad6a6e4e0f6f0c9e8a1b2
"""

RETURN = r"""
reason:
  description: What was found, in a sentence.
  returned: always
  type: str
  sample: 3 of 120 records; the store is whole and signed.
matched:
  description: How many records answer the question, O(limit) left aside.
  returned: success
  type: int
  sample: 3
records:
  description: The records that were asked for, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its chain and its number in it.
      type: str
      sample: security_7y:17
    sequence:
      description: Its number.
      type: int
    hash:
      description: The SHA-256 sum of its line.
      type: str
    key:
      description: The short name of the key that signed it.
      type: str
    gate:
      description: Which gate judged.
      type: str
      sample: network_verify
    subject:
      description: What was judged; its digest covers all that the verdict depends on.
      type: dict
      sample: {"kind": "cluster", "name": "local", "digest": "sha256:5f70..."}
    verdict:
      description: One of V(passed), V(failed) and V(error).
      type: str
    tools:
      description: Versions of the tools that judged.
      type: dict
    databases:
      description: Versions of their databases, and when they were built.
      type: dict
    policy:
      description: Digest of the policy.
      type: str
    exceptions:
      description: The exceptions that were used.
      type: list
    summary:
      description: Counts and short names.
      type: dict
    play:
      description: Which run it was.
      type: dict
    time:
      description: When, in UTC.
      type: str
      sample: "2026-11-22T09:00:00Z"
    retention:
      description: The class that it is kept in, which is also its chain.
      type: str
      sample: security_7y
chain:
  description: What the verification of the whole store found.
  returned: success
  type: dict
  contains:
    valid:
      description: Whether every record is as it was written and none is missing.
      type: bool
    records:
      description: How many records are good, up to the first that is not.
      type: int
    first:
      description: Name, time and hash of the oldest record.
      type: dict
    last:
      description: Name, time and hash of the newest record.
      type: dict
    heads:
      description: Name, time and hash of the last record of each chain, to be noted elsewhere.
      type: dict
    broken:
      description: The first record that is not as it was written, with its gate, its subject and the problem.
      type: dict
      sample: {}
    torn:
      description: What writers left that were killed; it is kept and is no record.
      type: list
      elements: str
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.query import EvidenceInfo

VERDICTS = ["passed", "failed", "error"]

SPEC = REPORT | ArgumentSpec(
    {
        "evidence_dir": {"type": "path", "required": True},
        "public_key": {"type": "path"},
        "noted": {"type": "dict", "default": {}},
        "gates": {"type": "list", "elements": "str", "default": []},
        "subjects": {"type": "list", "elements": "str", "default": []},
        "verdicts": {"type": "list", "elements": "str", "choices": VERDICTS, "default": []},
        "since": {"type": "str"},
        "until": {"type": "str"},
        "limit": {"type": "int", "default": 100},
    }
)


def main() -> None:
    """Run the module."""
    run(SPEC, EvidenceInfo)


if __name__ == "__main__":
    main()

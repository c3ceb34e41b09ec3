# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of signing have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_signing/workshop.py."""

    DOCUMENTATION = r"""
options:
  cosign:
    description: The program cosign, of version 3. Keys in tokens need one that is built with C(pkcs11key).
    type: path
    default: cosign
  crane:
    description: The program crane, which is asked for digests in registries.
    type: path
    default: crane
  registry_ca:
    description:
      - The file with the authorities to trust at registries, in place of the system's own.
    type: path
  docker_config:
    description:
      - The docker configuration with the credentials for registries, as its folder (E(DOCKER_CONFIG)) or as a
        file (E(REGISTRY_AUTH_FILE)). When it is not set, that of the user who runs the module counts.
    type: path
notes:
  - Images are named C(oci:/FOLDER), optionally with C(:TAG) and C(@sha256:DIGEST), for OCI layouts, and
    C(HOST[:PORT]/REPOSITORY) with C(:TAG) or C(@sha256:DIGEST) for registries. A name without a host is
      refused.
  - No transparency log and no timestamp authority is asked; nothing leaves the machine but what goes to the
    registry. Trust stands on the keys alone.
  - Signatures and attestations are Sigstore bundles. In a layout they lie where C(cosign save) puts them, and
    in a registry where C(cosign sign) does, so that C(cosign verify) and admission controllers see them.
"""

    PASSPHRASES = r"""
options:
  passphrase:
    description:
      - What opens private keys in files, at least 12 characters. It reaches cosign by standard input.
    type: str
  passphrase_file:
    description:
      - A file with the passphrase, which only its owner may read, for a machine that no vault serves. The
        first key makes it when it is not there. It guards against a copy of the keys, not against somebody
        who reads this machine.
    type: path
  pin:
    description:
      - The PIN of the token of a C(pkcs11:) key. cosign takes it from its environment only, so it is given to
        that one process.
    type: str
  key_environment:
    description:
      - More variables for the one process that signs, such as C(SOFTHSM2_CONF), or C(VAULT_ADDR) and
        C(VAULT_TOKEN) for a C(hashivault://) key.
    type: dict
    default: {}
"""

    ACCEPTED = r"""
options:
  keyring:
    description:
      - The ring of keys, C(keyring.json) of M(rampart.k8s.signing_keys). Active and accepted keys count,
        until they expire.
    type: path
  public_keys:
    description: Public keys as PEM that count too and do not expire.
    type: list
    elements: str
    default: []
  attestations:
    description: The attestations that every image needs besides its signature.
    type: list
    elements: dict
    default: []
    suboptions:
      type:
        description:
          - One of V(cyclonedx), V(spdx), V(provenance) and C(verdict:GATE), such as V(verdict:image_scan), or
            the URI of another type.
        type: str
        required: true
      constraints:
        description: What must hold of the predicate. What is missing in it fulfils nothing.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Where in the predicate, with dots between the keys. A number picks from a list.
            type: str
            required: true
          equals:
            description: The value that is demanded.
            type: raw
          one_of:
            description: The values one of which is demanded.
            type: list
            elements: raw
          at_least:
            description: The smallest number that is accepted.
            type: float
          at_most:
            description: The largest number that is accepted.
            type: float
          matches:
            description: The regular expression that the whole value must match.
            type: str
          max_age_hours:
            description: How long ago the time may be. One in the future is not accepted.
            type: int
"""

    VERDICTS = r"""
options:
  require_verdicts:
    description:
      - The gates that must have passed an image before anything is done with it, such as V(image_scan). Their
        newest verdict on its digest is read from the evidence, which is verified.
    type: list
    elements: str
    default: []
  verdict_max_age_hours:
    description: How old a verdict may be.
    type: int
    default: 24
  evidence_dir:
    description: The folder of the evidence. O(require_verdicts) needs it.
    type: path
"""

# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that name images and where they lie."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_load/options.py."""

    DOCUMENTATION = r"""
options:
  images:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      layout:
        description: The folder of an OCI image layout.
        type: path
      archive:
        description: An archive as C(docker save) writes it, or of an OCI layout.
        type: path
      docker:
        description:
          - The name of an image in the Docker daemon at O(source_docker_host), or its id. What the daemon has
            not is an error.
        type: str
      registry:
        description:
          - An image to fetch from a registry, as C(HOST[:PORT]/REPOSITORY) with C(:TAG) or C(@sha256:DIGEST).
            Its parts go on from there without being stored in between.
        type: str
      reference:
        description:
          - Which of several images in the layout or the archive; a tag, a whole name, or a digest. What could
            mean several images is refused.
        type: str
      platform:
        description:
          - Which platform of an image for several, such as V(linux/arm64). None is ever guessed.
        type: str
      name:
        description:
          - The name to give it, with its tag. When it is not set, the image has to have one whole name of
            its own.
        type: str
      digest:
        description:
          - What the gates have judged; the digest of the manifest, of the index or of the configuration. Any
            other image is refused.
        type: str
  docker:
    description: The client of the Docker daemon that O(images[].docker) names an image of.
    type: path
    default: docker
  source_docker_host:
    description: The address of that daemon.
    type: str
    default: unix:///var/run/docker.sock
  timeout:
    description: How many seconds all images may take to one place.
    type: int
    default: 600
"""

# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What leads to the node of a minikube profile."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_minikube/options.py."""

    DOCUMENTATION = r"""
options:
  profile:
    description: The name of the profile, which is also the one of its node.
    type: str
    required: true
  docker_host:
    description: The address of the Docker daemon.
    type: str
    required: true
  home:
    description: The folder of minikube's state (E(MINIKUBE_HOME)).
    type: path
    required: true
"""

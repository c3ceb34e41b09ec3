# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads objects from files, for definitions that are too long to pass through variables and templates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import loader


def read(paths: Iterable[str], *, may_be_missing: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the objects of all files, and the files that are not there (yet)."""
    found: list[dict[str, Any]] = []
    missing: list[str] = []
    for path in paths:
        try:
            documents = list(yaml.load_all(Path(path).read_bytes(), Loader=loader()))
        except FileNotFoundError as error:
            if not may_be_missing:
                raise _refuse(path, "it does not exist") from error
            missing.append(path)
            continue
        except OSError as error:
            raise _refuse(path, str(error.strerror)) from error
        except yaml.YAMLError as error:
            raise _refuse(path, "it is not valid YAML") from error
        for document in filter(None, documents):
            if not isinstance(document, dict):
                raise _refuse(path, "it holds something that is not an object")
            found.append(document)
    return found, missing


def _refuse(path: str, why: str) -> RampartError:
    return RampartError(
        f"The objects in {path} could not be read: {why}.",
        next_step="correct the path or the file",
        path=path,
    )

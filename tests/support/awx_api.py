# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of the API of AWX as the modules of awx.awx ask for when objects are applied.

AWX itself cannot be installed from a package registry. This keeps objects the way its API shows them:
references are identifiers that have to exist, what an object has a list of is added and removed one by one,
secrets are shown as ``$encrypted$``. It judges no field; the modules and their documentation do that.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

VERSION = "24.6.1"
ENCRYPTED = "$encrypted$"
# What refers to another object by its identifier, and where that is kept.
REFERENCES = {
    "organization": "organizations",
    "credential_type": "credential_types",
    "execution_environment": "execution_environments",
    "default_environment": "execution_environments",
    "inventory": "inventories",
    "project": "projects",
    "source_project": "projects",
    "unified_job_template": "unified_job_templates",
    "workflow_job_template": "workflow_job_templates",
}
TEMPLATES = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
SECRETS = {"token", "password", "service_key"}
ROLES = ("admin", "read", "member", "execute", "use", "update", "approval", "auditor")
BUILT_IN = ("Red Hat Ansible Automation Platform",)


class MissingError(Exception):
    """Nothing is there."""


class Store:
    """The objects, by kind and identifier."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {}
        self.related: dict[str, list[int]] = {}
        self.surveys: dict[int, dict[str, Any]] = {}
        self.writes: list[str] = []
        self._last = 0
        for name in BUILT_IN:
            self.create("credential_types", {"name": name})
        self.writes.clear()

    def create(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Keep a new object."""
        self._last += 1
        number = self._last
        for name, target in REFERENCES.items():
            if (value := fields.get(name)) is not None and value not in self.all(target):
                raise MissingError(f"{kind}: {name} {value}")
        url = f"/api/v2/{kind}/{number}/"
        self.objects.setdefault(kind, {})[number] = {
            **hidden(fields),
            "id": number,
            "url": url,
            "type": kind.removesuffix("s"),
            "status": "successful",
            "scm_revision": "0" * 40,
            "related": {"survey_spec": f"{url}survey_spec/"},
            "summary_fields": {
                "object_roles": {f"{role}_role": {"id": number * 100 + at} for at, role in enumerate(ROLES)}
            },
        }
        self.writes.append(f"POST {kind} {fields.get('name') or fields.get('identifier')}")
        return self.objects[kind][number]

    def all(self, kind: str) -> dict[int, dict[str, Any]]:
        """Return the objects of a kind; whatever can be started is one kind as well."""
        kinds = TEMPLATES if kind == "unified_job_templates" else (kind,)
        return {number: one for name in kinds for number, one in self.objects.get(name, {}).items()}

    def get(self, kind: str, number: int) -> dict[str, Any]:
        """Return one object."""
        if number not in self.all(kind):
            raise MissingError(f"{kind} {number}")
        return self.all(kind)[number]

    def find(self, kind: str, wanted: dict[str, str]) -> list[dict[str, Any]]:
        """Return those that are what a query says."""
        return [
            one
            for one in self.all(kind).values()
            if all(str(one.get(name)) == value for name, value in wanted.items())
        ]

    def relate(self, path: str, body: dict[str, Any]) -> None:
        """Add something to a list of an object, or take it out."""
        listed = self.related.setdefault(path, [])
        if body.get("disassociate"):
            listed.remove(body["id"])
        elif body["id"] not in listed:
            listed.append(body["id"])
        self.writes.append(f"POST {path}")

    def relations(self) -> dict[str, Any]:
        """Return everything that the API shows, by its address."""
        shown = {one["url"]: dict(one) for kind in self.objects.values() for one in kind.values()}
        return {**shown, **{path: sorted(listed) for path, listed in self.related.items()}}

    def approve(self, node: int, fields: dict[str, Any]) -> dict[str, Any]:
        """Make the approval that a node of a workflow waits for."""
        kept: dict[str, Any] = {
            name: fields[name] for name in ("name", "description", "timeout") if name in fields
        }
        made = self.create("approvals", kept)
        one = self.get("workflow_job_template_nodes", node)
        one["unified_job_template"] = made["id"]
        one["related"]["unified_job_template"] = made["url"]
        return made


def hidden(value: Any) -> Any:
    """Return what the API shows of something."""
    if isinstance(value, dict):
        return {
            name: ENCRYPTED if name in SECRETS and isinstance(one, str) and one else hidden(one)
            for name, one in value.items()
        }
    return value


def answer(
    store: Store, method: str, path: str, query: dict[str, str], body: dict[str, Any]
) -> tuple[int, Any]:
    """Return the status and the body of an answer."""
    parts = path.strip("/").split("/")[2:]
    match (method, parts):
        case ("GET", ["ping"]):
            return 200, {"version": VERSION}
        case ("GET", [kind]):
            found = store.find(kind, query)
            return 200, {"count": len(found), "next": None, "results": found}
        case ("POST", [kind]):
            return 201, store.create(kind, body)
        case ("GET", [kind, number]):
            return 200, store.get(kind, int(number))
        case ("PATCH", [kind, number]):
            one = store.get(kind, int(number))
            one.update(
                hidden({name: value for name, value in body.items() if kind != "approvals" or name in one})
            )
            store.writes.append(f"PATCH {kind} {number}")
            return 200, one
        case ("GET", [_kind, number, "survey_spec"]):
            return 200, store.surveys.get(int(number), {})
        case ("POST", [_kind, number, "survey_spec"]):
            store.surveys[int(number)] = body
            store.writes.append(f"POST survey {number}")
            return 200, {}
        case ("POST", ["workflow_job_template_nodes", number, "create_approval_template"]):
            return 201, store.approve(int(number), body)
        case (_, ["approvals", _number, _list]):
            raise MissingError(path)
        case ("GET", [_kind, _number, _list]):
            listed = [{"id": number} for number in store.related.get(path, [])]
            return 200, {"count": len(listed), "next": None, "results": listed}
        case ("POST", [_kind, _number, _list]):
            store.relate(path, body)
            return 204, None
    raise MissingError(f"{method} {path}")


@contextmanager
def served(token: str) -> Iterator[tuple[str, Store]]:
    """Serve an empty AWX to whoever has the token; yields its address and its objects."""
    store, lock = Store(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            """Answer whatever is asked."""
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            asked = urlsplit(self.path)
            status: int
            said: Any
            if self.headers.get("Authorization") != f"Bearer {token}":
                status, said = 401, {"detail": "who are you"}
            else:
                try:
                    with lock:
                        query = dict(parse_qsl(asked.query))
                        status, said = answer(store, self.command, asked.path, query, body)
                except MissingError as error:
                    status, said = 400, {"__all__": [str(error)]}
            text = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", VERSION)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_unused: Any) -> None:
            """Say nothing."""

    for method in ("GET", "POST", "PATCH"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", store
        finally:
            server.shutdown()
            thread.join()

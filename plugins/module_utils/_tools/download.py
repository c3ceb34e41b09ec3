# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Gets a file over HTTPS: bounded, resumed, retried, and used only when its sum is right."""

from __future__ import annotations

import errno
import http.client
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import sums

MAX_BYTES = 2 * 1024**3
ATTEMPTS = 4
TIMEOUT = 30.0
PROBE_TIMEOUT = 8.0
BACKOFF = (1.0, 3.0, 8.0)
_CHUNK = 1024 * 1024
_AGENT = {"User-Agent": "rampart.k8s"}

# What a second attempt can heal.
_PASSING = (408, 425, 429, 500, 502, 503, 504)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirection only to a scheme that the first address allowed."""

    def __init__(self, schemes: tuple[str, ...]) -> None:
        self._schemes = schemes

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme not in self._schemes:
            raise _refused(req.full_url, f"it redirects to a {scheme} address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _shown(url: str) -> str:
    """Leave out what a mirror's address may hold of a user name and a password."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _refused(url: str, why: str) -> RampartError:
    return RampartError(
        f"{_shown(url)} is refused: {why}.",
        next_step="give an https address that serves the file itself",
        url=_shown(url),
    )


class Downloader:
    """Opens addresses with the environment's proxy settings and the system's authorities."""

    def __init__(self, *, plain_http: bool = False) -> None:
        # Plain HTTP is for a mirror whose list of sums is pinned: then nobody on the way can
        # change a byte unseen.
        self._schemes = ("https", "http") if plain_http else ("https",)
        self._opener = urllib.request.build_opener(_Redirects(self._schemes))

    def _open(
        self, url: str, *, timeout: float, offset: int = 0, method: str = "GET"
    ) -> http.client.HTTPResponse:
        if urllib.parse.urlsplit(url).scheme not in self._schemes:
            raise _refused(url, f"only {' and '.join(self._schemes)} addresses are fetched")
        headers = {**_AGENT, **({"Range": f"bytes={offset}-"} if offset else {})}
        request = urllib.request.Request(url, headers=headers, method=method)  # noqa: S310 (checked above)
        response: http.client.HTTPResponse = self._opener.open(request, timeout=timeout)
        return response

    def trouble(self, url: str) -> str:
        """Ask for the file's head only; say why it cannot be had, or return an empty string."""
        try:
            self._open(url, timeout=PROBE_TIMEOUT, method="HEAD").close()
        except urllib.error.HTTPError as error:
            return f"{_shown(url)} answers {error.code}"
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            return f"{urllib.parse.urlsplit(url).hostname} cannot be reached ({reason})"
        return ""

    def fetch(self, url: str, target: Path, sha256: str, *, limit: int = MAX_BYTES) -> None:
        """Download to ``target`` and check its sum.

        A broken transfer goes on where it ended. When a file that was put together from parts has
        the wrong sum, it is got once more in one piece, since it may have changed on the server
        meanwhile; a wrong sum of a whole file is final.
        """
        resumed = self._transfer(url, target, limit)
        if resumed and sums.sha256_file(target) != sha256:
            target.unlink()
            self._transfer(url, target, limit)
        sums.require(
            target,
            sha256,
            what=f"The download {_shown(url)}",
            next_step="compare both sums with what the project publishes; if the file was replaced there, "
            "find out why before the tool list is changed",
        )

    def text(self, url: str, *, limit: int) -> bytes:
        """Return a small file's bytes."""
        try:
            with self._open(url, timeout=TIMEOUT) as response:
                content = response.read(limit + 1)
        except (OSError, http.client.HTTPException) as error:
            raise RampartError(
                f"Could not read {_shown(url)}: {getattr(error, 'reason', None) or error}.",
                next_step="check the address and that this machine can reach it",
                url=_shown(url),
            ) from error
        if len(content) > limit:
            raise _refused(url, f"it is larger than {limit} bytes")
        return content

    def _transfer(self, url: str, target: Path, limit: int) -> bool:
        """Download in as many attempts as are allowed; tell whether parts were put together."""
        last: Exception | None = None
        for attempt in range(ATTEMPTS):
            offset = target.stat().st_size if target.exists() else 0
            try:
                with self._open(url, timeout=TIMEOUT, offset=offset) as response:
                    return self._append(response, url, target, offset, limit)
            except urllib.error.HTTPError as error:
                last = error
                if error.code == 416:
                    target.unlink(missing_ok=True)
                elif error.code not in _PASSING:
                    break
            except (OSError, http.client.HTTPException) as error:
                last = error
                if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
                    break
            if attempt < len(BACKOFF):
                time.sleep(BACKOFF[attempt])
        raise RampartError(
            f"Could not download {_shown(url)}: {getattr(last, 'reason', None) or last}.",
            next_step="check that this machine can reach it, or set tools_mirror",
            url=_shown(url),
        ) from last

    def _append(
        self, response: http.client.HTTPResponse, url: str, target: Path, offset: int, limit: int
    ) -> bool:
        """Write what comes behind what is there; tell whether anything was there."""
        starts = (response.headers.get("Content-Range") or "").startswith(f"bytes {offset}-")
        continues = bool(offset) and response.status == http.client.PARTIAL_CONTENT and starts
        size = offset if continues else 0
        length = response.headers.get("Content-Length")
        if length and size + int(length) > limit:
            raise _refused(url, f"it is larger than {limit} bytes")
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_APPEND if continues else os.O_TRUNC)
        with os.fdopen(os.open(target, flags, 0o600), "ab" if continues else "wb") as out:
            while block := response.read(_CHUNK):
                size += len(block)
                if size > limit:
                    raise _refused(url, f"it is larger than {limit} bytes")
                out.write(block)
        if length and response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return continues

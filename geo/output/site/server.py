"""A site served to this machine alone: what stands in its folder, and nothing else."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from geo.errors import UsageError
from geo.output.site.plan import MEDIA

_TEXTS = {
    ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".xml": "application/xml", ".csv": "text/csv",
}  # fmt: skip
TYPES = {f".{ending}": kind for ending, kind in MEDIA.items()} | {".png": "image/png"}
TYPES |= {ending: f"{kind}; charset=utf-8" for ending, kind in _TEXTS.items()}
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
# a page brings its scripts and styles along, or has them in the site's folder, and needs nothing from elsewhere
_POLICY = {
    "Content-Security-Policy": (
        "default-src 'self' 'unsafe-inline' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none';"
        " form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def serve(folder: str | Path, *, port: int = 8000) -> ThreadingHTTPServer:
    """A server of a site on 127.0.0.1, not yet at work: call its ``serve_forever``.

    Parameters
    ----------
    folder : str or pathlib.Path
        A site that `geo.build_site` made, or any folder with an ``index.html``.
    port : int
        0 takes any that is free.

    Returns
    -------
    http.server.ThreadingHTTPServer
        Its ``server_address`` has the port.

    Raises
    ------
    UsageError
        There is no site in the folder, or the port is taken.

    Examples
    --------
    >>> built = geo.build_site(archive, "site", from_="2025-01-11", with_downloads=False)
    >>> server = geo.serve("site", port=0)
    >>> server.server_close()
    """
    root = Path(folder).resolve()
    if not (root / "index.html").is_file():
        raise UsageError(f"{folder}: no site there (no index.html); geo site makes one")
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, root))
    except (OSError, OverflowError) as error:
        raise UsageError(f"port {port} cannot be used ({error}): name another one (--port)") from None


class _Handler(BaseHTTPRequestHandler):
    """Files of one folder, to readers of this machine: no listing, no hidden file, no way out."""

    server_version = "geo-control"
    sys_version = ""

    def __init__(self, root: Path, *arguments: Any) -> None:
        self.root = root
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        self._send(with_body=False)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not printed."""

    def _send(self, *, with_body: bool) -> None:
        # another site's page may not read this one by a name that leads here
        if not self._is_for_us():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        file = self._file()
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = file.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", TYPES[file.suffix])
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        for name, value in _POLICY.items():
            self.send_header(name, value)
        # a page in a sandboxed frame is of no origin, and needs the scripts and styles that pages share
        is_shared = file.suffix in (".js", ".css")
        self.send_header("Cross-Origin-Resource-Policy", "cross-origin" if is_shared else "same-origin")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _is_for_us(self) -> bool:
        """One Host header, of a name of this machine; without one, or with two, nobody knows whom it is for."""
        named = self.headers.get_all("Host") or []
        return len(named) == 1 and _HOST.fullmatch(named[0].strip()) is not None

    def _file(self) -> Path | None:
        try:
            path = unquote(urlsplit(self.path).path)
        except ValueError:
            return None
        parts = [p for p in path.split("/") if p]
        if "\0" in path or any(p.startswith(".") for p in parts):
            return None
        wanted = self.root.joinpath(*parts)
        if path.endswith("/"):
            wanted /= "index.html"
        try:
            found = wanted.resolve(strict=True)
        except OSError:
            return None
        inside = found.is_relative_to(self.root)
        return found if inside and found.is_file() and found.suffix in TYPES else None

"""A server on loopback that answers as it is told, and misbehaves as it is told."""

from __future__ import annotations

import gzip
import select
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from geo.automation.network import Limits

# as the real ones, but without the waiting
QUICK = Limits(
    file_bytes=4 << 20, read_seconds=0.4, connect_seconds=2.0, file_seconds=5.0, attempts=3, backoff_seconds=0.0,
    pause_seconds=0.0,
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What is given to one request; `how` says which fault, if any."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "whole"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        server: Server = self.server.owner  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server.posted.append((self.path, dict(parse_qsl(body.decode()))))
        self._whole(server.answer_to_post(self.path, server.posted[-1][1]))

    def do_CONNECT(self) -> None:
        """What a proxy does: bytes are handed on, both ways, to whatever host is named; here it is always this machine."""
        server: Server = self.server.owner  # type: ignore[attr-defined]
        server.asked.append((f"CONNECT {self.path}", dict(self.headers)))
        with socket.create_connection(("127.0.0.1", int(self.path.rpartition(":")[2]))) as far:
            self.send_response(200)
            self.end_headers()
            pair = {self.connection: far, far: self.connection}
            while True:
                for near in select.select(list(pair), [], [], 2.0)[0]:
                    if not (some := near.recv(65536)):
                        self.close_connection = True
                        return
                    pair[near].sendall(some)

    def do_GET(self) -> None:
        server: Server = self.server.owner  # type: ignore[attr-defined]
        server.asked.append((self.path, dict(self.headers)))
        server.headers = dict(self.headers)
        answer = server.answer_to(self.path)
        etag = answer.headers.get("ETag")
        if etag and self.headers.get("If-None-Match") == etag and answer.status == 200:
            answer = Answer(status=304)
        try:
            getattr(self, f"_{answer.how}")(answer)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def _head(self, answer: Answer, **more: str) -> None:
        self.send_response(answer.status)
        for name, value in {**more, **answer.headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _whole(self, answer: Answer) -> None:
        self._head(answer, Content_Length=str(len(answer.body)))
        self.wfile.write(answer.body)

    def _gzip(self, answer: Answer) -> None:
        body = gzip.compress(answer.body)
        self._head(answer, Content_Length=str(len(body)), Content_Encoding="gzip")
        self.wfile.write(body)

    def _gzip_broken(self, answer: Answer) -> None:
        body = gzip.compress(answer.body)[:-20]
        self._head(answer, Content_Length=str(len(body)), Content_Encoding="gzip")
        self.wfile.write(body)

    def _truncated(self, answer: Answer) -> None:
        self._head(answer, Content_Length=str(len(answer.body)))
        self.wfile.write(answer.body[: len(answer.body) // 2])
        self.wfile.flush()
        self.close_connection = True

    def _endless(self, answer: Answer) -> None:
        self._head(answer, Connection="close")
        while not self.server.owner.closing:  # type: ignore[attr-defined]
            self.wfile.write(answer.body or b"{" * 65536)

    def _silent(self, answer: Answer) -> None:
        self.server.owner.stop.wait(2.0)  # type: ignore[attr-defined]
        self.close_connection = True

    def _drip(self, answer: Answer) -> None:
        self._head(answer, Content_Length=str(len(answer.body)))
        self._slowly(answer.body)

    def _drip_head(self, answer: Answer) -> None:
        self._slowly(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 2000)
        self.close_connection = True

    def _slowly(self, body: bytes) -> None:
        for byte in body:
            if self.server.owner.stop.wait(0.02):  # type: ignore[attr-defined]
                break
            self.wfile.write(bytes([byte]))
            self.wfile.flush()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked hung up: that is what some tests are about."""


class Server:
    """Path -> answers, one a request, the last of them for good; what is not there is a 404."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.posted: list[tuple[str, dict[str, str]]] = []
        self.headers: dict[str, str] = {}  # of the last request
        self.stop = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self  # type: ignore[attr-defined]
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_address[1]
        self.url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def closing(self) -> bool:
        return self.stop.is_set()

    def give(self, path: str, *answers: Answer | bytes) -> str:
        self.answers[path] = [a if isinstance(a, Answer) else Answer(a) for a in answers]
        return self.url + path

    def answer_to(self, path: str) -> Answer:
        answers = self.answers.get(path) or self.answers.get(path.partition("?")[0])
        if not answers:
            return Answer(b"nothing here", 404)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def answer_to_post(self, path: str, form: dict[str, str]) -> Answer:
        return Answer(b"nothing here", 404)

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def contents(archive: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that an archive says, without the instants at which it was told and the numbers that it gave."""
    queries = {
        "snapshots": "SELECT source, part, depicts, published, superseded_at IS NULL, retracted_at IS NULL, file_name,"
        " file_bytes, sha256, rows_in, rows_stored, rows_repaired, rows_refused, rows_left_out FROM snapshots",
        "control": "SELECT source, part, controller, status, native, valid_from, valid_to, geom FROM control",
        "superseded": "SELECT source, part, controller, status, native, valid_from, valid_to, geom FROM control_superseded",
        "sources": "SELECT * FROM sources",
        "incidents": "SELECT dataset, event_id, date_start, latitude, longitude FROM incidents",
        "units": "SELECT unit, name, level, boundary, geom FROM units",
    }
    # open for writing: what a killed writer left is rolled back, as the next writer does it
    with closing(sqlite3.connect(archive)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert names >= {"snapshots", "control", "layout"}
        columns = {
            name: q.replace("SELECT *", "SELECT name, title, url, licence, attribution") for name, q in queries.items()
        }
        return {name: sorted(connection.execute(query), key=repr) for name, query in columns.items()}


def leftovers(folder: Path) -> list[str]:
    """Files that a run should have cleared away."""
    return sorted(p.name for p in folder.rglob("*") if p.suffix in (".part", ".new"))


def wait_for(condition: Any, seconds: float = 5.0) -> Iterator[None]:
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.01)
        yield

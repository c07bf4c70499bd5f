"""What a file from outside may cost: plain files alone, and counts that are looked at before anything is made."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from geo.errors import FileError
from geo.extraction.briefing_files import read_text
from geo.formats.geojson import read_bytes
from geo.importing.importer import import_files
from geo.output.site.server import serve

ENDINGS = (".geojson", ".kml", ".kmz", ".csv", ".gpkg", ".fgb", ".shp", ".zip", ".json")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_only_plain_files_are_read(tmp_path: Path, ending: str, kind: str) -> None:
    path = tmp_path / f"2025-01-11{ending}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    start = time.perf_counter()
    (receipt,) = import_files(tmp_path / "a.gpkg", "incidents" if ending == ".csv" else "vector", path)
    assert receipt.outcome == "refused"
    assert "not a plain file" in receipt.error or "No such device" in receipt.error
    assert time.perf_counter() - start < 20


def test_a_briefing_that_is_no_text_is_told_what_it_is(tmp_path: Path) -> None:
    for start, said in ((b"PK\x03\x04\x14", "Word"), (b"%PDF-1.7", "a PDF"), (b"{\\rtf1", "Rich Text")):
        (tmp_path / "briefing.docx").write_bytes(start + b"\0" * 200)
        with pytest.raises(FileError, match=said):
            read_text(tmp_path / "briefing.docx")
    with pytest.raises(FileError, match="no such file"):
        read_bytes(tmp_path / "none.geojson")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "index.html").write_text("<title>x</title>")
    server = serve(tmp_path, port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["127.0.0.1"], 200),
        (["localhost:8000"], 200),
        (["[::1]:8000"], 200),
        ([], 421),
        (["127.0.0.1", "127.0.0.1"], 421),
        (["127.0.0.1", "evil.example"], 421),
        (["evil.example"], 421),
        (["127.0.0.1.evil.example"], 421),
        (["127.0.0.1:80:80"], 421),
        ([""], 421),
    ],
)
def test_the_server_answers_one_host_of_this_machine(port: int, hosts: list[str], status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", "/", skip_host=True)
    for host in hosts:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == status
    if status == 200:
        assert "default-src 'self'" in str(answer.getheader("Content-Security-Policy"))
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
    connection.close()

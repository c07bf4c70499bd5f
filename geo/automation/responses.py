"""What an answer carries: unpacked in small steps, and turned back where it is not what was asked for."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from geo.errors import FetchError

Kind = Literal["json", "zip", "kml", "any"]
_STEP = 256 * 1024  # bytes that a compressed body may grow by at once


def unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """A body's bytes, unpacked in small steps so that a bomb is noticed before it grows."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip"):
        raise FetchError(f"the server packs its answer as {encoding!r}, which was not asked for: nothing is taken")
    unpacker = zlib.decompressobj(wbits=31)
    for piece in pieces:
        while piece:
            yield unpacker.decompress(piece, _STEP)
            piece = unpacker.unconsumed_tail
    if not unpacker.eof or unpacker.unused_data:
        raise zlib.error("the packed answer breaks off, or something follows it")


def declared_bytes(text: str) -> int:
    """How large a Content-Length header says that the body is; 0 where it says nothing that can be read."""
    text = text.strip()
    return int(text[:19]) if text.isascii() and text.isdigit() else 0


def retry_after(text: str, *, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for: a number, or a date in HTTP's way of writing it."""
    text = text.strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None


def refuse_other_kind(path: Path, kind: Kind, *, said: str = "", url: str = "") -> None:
    """Turn back a body that is not what was asked for: an error page, half a file, another format."""
    with path.open("rb") as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        file.seek(max(0, path.stat().st_size - 70_000))
        tail = file.read().rstrip()
    start = head[:200].lower()
    if said.lower().startswith("text/html") or start.startswith((b"<!doctype html", b"<html")):
        raise FetchError(f"{url}: an HTML page came instead of data: is the source closed, or its address another?")
    good = {
        "json": head[:1] + tail[-1:] in (b"{}", b"[]"),
        "zip": head.startswith(b"PK\x03\x04") and b"PK\x05\x06" in tail,
        "kml": head.startswith(b"<") and b"<kml" in head.lower() and tail.endswith(b">"),
        "any": bool(head),
    }
    if not good[kind]:
        raise FetchError(
            f"{url}: {'nothing' if not head else 'something else'} came instead of {kind} (it begins {head[:24]!r})"
        )

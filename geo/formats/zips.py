"""Archives from outside, unpacked into memory under guard: no path that leaves, no link, no bomb, no archive within."""

from __future__ import annotations

import gzip
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from geo.errors import FileError, GateError
from geo.formats.geojson import FILE_LIMIT, MIB, read_bytes

UNPACKED_LIMIT = 256 * MIB
TIMES, ALWAYS = 100, 16 * MIB  # what is packed may grow so many times, and to so many bytes in any case
MEMBER_LIMIT = 10_000
GZIP = b"\x1f\x8b"
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_CHUNK = 1 << 18
_NOT_MEANT = ("__MACOSX/", ".DS_Store")
_ARCHIVES = (".zip", ".kmz", ".7z", ".rar", ".gz", ".tar")


def unpack(
    path: Path, *, raw: bytes | None = None, limit: int = UNPACKED_LIMIT, only: str | None = None
) -> dict[str, bytes]:
    """What a zip archive holds, by name; `only` names the one member that is wanted."""
    raw = read_bytes(path, limit=FILE_LIMIT) if raw is None else raw
    if not raw.startswith(MAGIC):
        raise FileError(f"{path}: not a zip archive")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [member for member in archive.infolist() if only in (None, member.filename)]
            _check(path, members)
            return _contents(path, archive, members, most_unpacked(raw, limit))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
        raise FileError(f"{path}: damaged zip archive ({error}): fetch it again") from None


def gunzipped(path: Path, raw: bytes, *, limit: int = UNPACKED_LIMIT) -> bytes:
    """What a gzip file holds, if it is no more than a file may be."""
    found: list[bytes] = []
    limit = most_unpacked(raw, limit)
    left = limit
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            while chunk := stream.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise too_large(path, limit)
                found.append(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path}: damaged gzip file ({error}): fetch it again") from None
    return b"".join(found)


def choose(
    path: Path, names: Sequence[str], wanted: str | None, *, what: str = "layers", files: bool = False
) -> tuple[str, tuple[str, ...]]:
    """The one layer, or the one named (of files by path or bare name), and a note of those that are not read."""
    bare = {name: Path(name).stem if files else name for name in names}
    # two of one name: only paths tell them apart
    shown = {name: name for name in names} if len(set(bare.values())) < len(names) else bare
    listed = ", ".join(sorted(shown.values()))
    if wanted is None and len(names) != 1:
        twins = sorted({stem for stem in bare.values() if list(bare.values()).count(stem) > 1})
        alike = f" (more than one is called {twins[0]!r}: write its path)" if twins else ""
        raise GateError(f"{path}: {len(names)} {what}: name one of them with --layer: {listed}{alike}")
    found = [n for n in names if wanted in (None, n)] or [n for n in names if bare[n] == wanted]
    if not found:
        raise GateError(f"{path}: no layer {wanted!r}; there {'is' if len(names) == 1 else 'are'}: {listed}")
    if len(found) > 1:
        raise GateError(f"{path}: {len(found)} {what} called {wanted!r}: name one by its path: {', '.join(found)}")
    others = [shown[name] for name in sorted(names) if name != found[0]]
    return found[0], ((f"1 of {len(names)} {what} read; not read: {', '.join(others)}",) if others else ())


def _check(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MEMBER_LIMIT:
        raise FileError(f"{path}: {len(members):,} files in the archive, over the limit of {MEMBER_LIMIT:,}")
    seen: set[str] = set()
    for member in members:
        name = member.filename.replace("\\", "/")
        if not name:
            raise FileError(f"{path}: a file without a name in the archive: pack it again")
        if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/") or "\0" in name:
            raise FileError(f"{path}: the path {member.filename!r} leaves the archive: nothing of it is read")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise FileError(f"{path}: {member.filename!r} is a symbolic link: nothing of the archive is read")
        if member.flag_bits & 1:
            raise FileError(f"{path}: {member.filename!r} is encrypted: unpack it with its password first")
        if name in seen:
            raise FileError(f"{path}: {member.filename!r} is in the archive twice")
        if name.lower().endswith(_ARCHIVES):
            raise FileError(f"{path}: {member.filename!r} is an archive within the archive: unpack the outer one first")
        seen.add(name)


def _contents(path: Path, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limit: int) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    left = limit
    for member in members:
        name = member.filename.replace("\\", "/")
        if member.is_dir() or name.startswith(_NOT_MEANT) or name.endswith(_NOT_MEANT):
            continue
        with archive.open(member) as stream:
            chunks: list[bytes] = []
            # A member that owns up to its size is not unpacked for nothing; one that does not is counted below.
            if member.file_size > left:
                raise too_large(path, limit)
            while chunk := stream.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise too_large(path, limit)
                chunks.append(chunk)
        contents[name] = b"".join(chunks)
        if contents[name].startswith(MAGIC):
            raise FileError(f"{path}: {name!r} is an archive within the archive: unpack the outer one first")
    return contents


def most_unpacked(raw: bytes, limit: int) -> int:
    return min(limit, max(ALWAYS, TIMES * len(raw)))


def too_large(path: Path, limit: int) -> FileError:
    return FileError(
        f"{path}: unpacks to more than the limit of {limit / MIB:,.0f} MiB ({TIMES} times its size, at least"
        f" {ALWAYS // MIB} and at most {UNPACKED_LIMIT // MIB} MiB), perhaps a zip bomb"
    )

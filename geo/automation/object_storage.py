"""Files on object storage (s3://…, gs://…), asked for only where a person names them: listed, and copied here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from geo.errors import FileError, UsageError


def listed(pattern: str) -> list[str]:
    """The addresses that a pattern of names fits, in order; a name without a wildcard is itself."""
    filesystem, path, query = _place(pattern)
    if not set(path) & set("*["):
        return [pattern]
    from pyarrow.fs import FileSelector

    parts = PurePosixPath(path).parts
    fixed = next(i for i, part in enumerate(parts) if set(part) & set("*["))
    with _telling(pattern):
        found = filesystem.get_file_info(FileSelector("/".join(parts[:fixed]), recursive=fixed + 1 < len(parts)))
    paths = [PurePosixPath(one.path) for one in found if one.is_file]
    fitting = [p for p in paths if len(p.parts) == len(parts) and p.match(path)]
    return [f"{urlsplit(pattern).scheme}://{p}{query}" for p in sorted(fitting)]


def copied(address: str, folder: Path) -> Path:
    """A file of object storage, copied into a folder."""
    filesystem, path, _ = _place(address)
    target = folder / PurePosixPath(path).name
    with _telling(address), filesystem.open_input_stream(path) as stream, target.open("wb") as copy:
        while piece := stream.read(1 << 20):
            copy.write(piece)
    return target


def _place(address: str) -> tuple[Any, str, str]:
    """The file system of an address, the path in it, and what the address says of how to reach it."""
    try:
        from pyarrow.fs import FileSystem
    except ImportError:
        raise UsageError(
            f"{address}: needs pyarrow, which is not installed: pip install 'geo-control[scale]'"
        ) from None
    parts = urlsplit(address)
    if "@" in parts.netloc:  # messages and logs would show them
        raise UsageError("keys stand in an address of object storage: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    query = f"?{parts.query}" if parts.query else ""
    with _telling(address):
        filesystem, _ = FileSystem.from_uri(f"{parts.scheme}://{parts.netloc}{query}")
    return filesystem, unquote(parts.netloc + parts.path), query


@contextmanager
def _telling(address: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # pyarrow's own are among these
        why = " ".join(str(error).split())[:300]
        way_out = "see that the address, AWS_ENDPOINT_URL and keys are right"
        raise FileError(f"{address}: cannot be read ({why}): {way_out}") from None

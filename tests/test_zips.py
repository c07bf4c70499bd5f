"""Archives from outside."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from geo.errors import FileError
from geo.formats.zips import _check, gunzipped, unpack


def packed(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return stream.getvalue()


def test_contents_by_path() -> None:
    raw = packed(folder__a=b"1", b=b"22")
    assert unpack(Path("z.zip"), raw=raw) == {"folder/a": b"1", "b": b"22"}


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "C:/x", "a\\..\\..\\x"])
def test_a_path_that_leaves_is_refused(name: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(FileError, match="leaves the archive"):
        unpack(Path("z.zip"), raw=stream.getvalue())


def test_a_link_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, b"/etc/passwd")
    with pytest.raises(FileError, match="symbolic link"):
        unpack(Path("z.zip"), raw=stream.getvalue())


def test_an_archive_within_is_refused_under_any_name() -> None:
    for name in ("x_DOT_zip", "x_DOT_kml"):
        with pytest.raises(FileError, match="an archive within"):
            unpack(Path("z.zip"), raw=packed(**{name: packed(a=b"1")}))


def test_the_limit_counts_what_is_unpacked() -> None:
    raw = packed(a=b"0" * 5000, b=b"0" * 5001)
    assert sum(map(len, unpack(Path("z.zip"), raw=raw, limit=10_001).values())) == 10_001
    with pytest.raises(FileError, match="limit"):
        unpack(Path("z.zip"), raw=raw, limit=10_000)


def test_a_declared_size_is_not_trusted() -> None:
    """The header says 1 byte; the stream holds 5,000: either the checksum or the count turns it back."""
    raw = packed(a=b"0" * 5000)
    size = (5000).to_bytes(4, "little")
    with pytest.raises(FileError, match=r"damaged|limit"):
        unpack(Path("z.zip"), raw=raw.replace(size, (1).to_bytes(4, "little")), limit=100)


def test_damage_is_named() -> None:
    raw = packed(a=b"0123456789" * 50)
    with pytest.raises(FileError, match="not a zip archive"):
        unpack(Path("z.zip"), raw=b"hello")
    with pytest.raises(FileError, match="damaged zip archive"):
        unpack(Path("z.zip"), raw=raw[:-30])


def test_hostile_archives(shared: Path) -> None:
    with pytest.raises(FileError, match="leaves the archive"):
        unpack(shared / "hostile" / "path_traversal.kmz")
    with pytest.raises(FileError, match="zip bomb"):
        unpack(shared / "hostile" / "zip_bomb.kmz")


def test_what_is_packed_may_grow_a_hundred_times() -> None:
    blanks = b" " * 17_000_000
    with pytest.raises(FileError, match="limit of 16 MiB .100 times its size"):
        unpack(Path("z.zip"), raw=packed(a=blanks))
    with pytest.raises(FileError, match="limit of 16 MiB .100 times its size"):
        gunzipped(Path("a.csv.gz"), gzip.compress(blanks))
    assert gunzipped(Path("a.csv.gz"), gzip.compress(blanks[:16_000_000])) == blanks[:16_000_000]


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("x")
    info.filename = ""
    with pytest.raises(FileError, match="without a name"):
        _check(tmp_path / "a.zip", [info])

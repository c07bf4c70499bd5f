"""The folder of a site: what stands in it and why, and the switch from the old pages to the new."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from geo.errors import UsageError
from geo.storage.atomic_write import locked, unwritable

OWN = ".geo-site"
_FORMAT = 1
# leaves first: a page is replaced when all that it links to is there
_RANK = {"data": 0, "shared": 0, "cards": 1, "dates": 2, "units": 3, "sources.html": 4, "index.html": 5}


@dataclass(frozen=True)
class ManifestEntry:
    """A file of the site: a digest of all that it rests on, and what it is."""

    rests_on: str
    bytes: int
    sha256: str
    shares: tuple[str, ...] = ()  # files that it needs and other pages too


@dataclass(frozen=True)
class BuildReport:
    """What a build did."""

    folder: Path
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: int = 0


@dataclass
class SiteFolder:
    """A site's folder while it is built. Get one from `open_site_folder`."""

    folder: Path
    old: Mapping[str, ManifestEntry]
    manifest: str
    wanted: dict[str, ManifestEntry] = field(default_factory=dict)
    staged: set[str] = field(default_factory=set)

    def has(self, path: str, rests_on: str) -> bool:
        """Whether a file stands there that rests on just this; it then belongs to the new site as it is."""
        known = self.old.get(path)
        if known is None or known.rests_on != rests_on or not all(map(self._stands, (path, *known.shares))):
            return False
        self.wanted |= {one: self.old[one] for one in (path, *known.shares)}
        return True

    def _stands(self, path: str) -> bool:
        file = self.folder / path
        return path in self.old and file.is_file() and file.stat().st_size == self.old[path].bytes

    def put(self, path: str, rests_on: str, content: str | bytes, shares: Mapping[str, str] | None = None) -> None:
        """Take a file into the new site, with those that it shares with others."""
        for name, text in (shares or {}).items():
            if name not in self.wanted:
                self.put(name, "", text)
        raw = content.encode() if isinstance(content, str) else content
        made = ManifestEntry(rests_on, len(raw), sha256(raw).hexdigest(), tuple(sorted(shares or ())))
        self.wanted[path] = made
        known = self.old.get(path)
        if known is None or known.sha256 != made.sha256 or not self._stands(path):
            self._stage(path, raw)

    def _stage(self, path: str, raw: bytes) -> None:
        """Write a file of the new site beside the old one."""
        target = self.folder / OWN / "new" / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)
        except OSError as error:
            raise unwritable(target, error) from error
        self.staged.add(path)

    def forget(self) -> None:
        """Begin the new site afresh."""
        self.wanted.clear()
        self.staged.clear()

    def switch(self, told: Mapping[str, Any]) -> BuildReport:
        """Put the new site in the old one's place."""
        removed = sorted(self.old.keys() - self.wanted.keys())
        for path in sorted(self.staged - self.old.keys()):
            if os.path.lexists(self.folder / path):
                raise UsageError(f"{self.folder / path} was not made by geo site and stands in a page's place: move it")
        whole = {"format": _FORMAT, **told, "files": {path: asdict(self.wanted[path]) for path in sorted(self.wanted)}}
        manifest = json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
        built = BuildReport(
            self.folder, tuple(sorted(self.staged - self.old.keys())), tuple(sorted(self.staged & self.old.keys())),
            tuple(removed), len(self.wanted) - len(self.staged),
        )  # fmt: skip
        if self.staged or removed or manifest != self.manifest:
            moves = sorted(self.staged, key=lambda p: (p in self.old, _RANK.get(p.partition("/")[0], 6), p))
            try:
                _commit(self.folder, {"moves": moves, "removed": removed, "manifest": manifest})
                _finish(self.folder)
            except OSError as error:
                raise unwritable(self.folder, error) from error
        return built


@contextmanager
def open_site_folder(folder: Path) -> Iterator[SiteFolder]:
    """A site's folder to build in, after whatever an interrupted build left to do."""
    own = folder / OWN
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; a site is a folder")
    ours = any((own / name).is_file() for name in ("manifest.json", "journal.json"))
    if folder.is_dir() and not ours and any(p.name != OWN for p in folder.iterdir()):
        raise UsageError(f"{folder} holds files that geo site did not make: name an empty folder, or one inside it")
    try:
        own.mkdir(parents=True, exist_ok=True)
        with locked(own / ".lock", f"geo site {folder}"):
            _finish(folder)
            manifest = _read(own / "manifest.json")
            yield SiteFolder(folder, _files(folder, manifest), manifest)
            _discard(folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError:
        raise _damaged(path) from None


def _damaged(path: Path) -> UsageError:
    return UsageError(f"{path} is damaged: build into an empty folder")


def _files(folder: Path, manifest: str) -> dict[str, ManifestEntry]:
    if not manifest:
        return {}
    try:
        told = json.loads(manifest)
        if told["format"] != _FORMAT:
            raise UsageError(f"{folder} was built by a newer geo-control: {told['made_by']}")
        return {_inside(path): _filed(**values) for path, values in told["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(folder / OWN / "manifest.json") from None


def _filed(rests_on: str, bytes: int, sha256: str, shares: Sequence[str] = ()) -> ManifestEntry:
    """A file as the manifest has it; damage can put anything there."""
    if not (isinstance(rests_on, str) and isinstance(bytes, int) and isinstance(sha256, str)):
        raise TypeError(rests_on)
    if not isinstance(shares, list | tuple):
        raise TypeError(shares)
    return ManifestEntry(rests_on, bytes, sha256, tuple(map(_inside, shares)))


def _inside(path: str) -> str:
    """A path as we write it, so that no manifest leads out of the folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or parts[0] == OWN or not path.isprintable():
        raise ValueError(path)
    return path


def _commit(folder: Path, journal: Mapping[str, Any]) -> None:
    """From here on the new site is the site: everything it needs is on the disk, and the journal says so."""
    own = folder / OWN
    for path in journal["moves"]:
        _sync(own / "new" / path)
    temporary = own / "journal.new"
    temporary.write_text(json.dumps(journal, ensure_ascii=False), encoding="utf-8")
    _sync(temporary)
    os.replace(temporary, own / "journal.json")
    _sync(own)


def _sync(path: Path) -> None:
    with suppress(PermissionError):  # folders, on systems that do not open them
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _finish(folder: Path) -> None:
    """Do what the journal says and is not done yet; without one, forget what an interrupted build wrote."""
    own = folder / OWN
    text = _read(own / "journal.json")
    if not text:
        _discard(folder)
        return
    try:
        journal = json.loads(text)
        moves, removed = ([_inside(p) for p in journal[name]] for name in ("moves", "removed"))
        if not isinstance(journal["manifest"], str) or not journal["manifest"]:
            raise TypeError(journal["manifest"])
        _files(folder, journal["manifest"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(own / "journal.json") from None
    for path in moves:
        if (own / "new" / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(own / "new" / path, folder / path)
    (own / "manifest.new").write_text(journal["manifest"], encoding="utf-8")
    os.replace(own / "manifest.new", own / "manifest.json")
    for path in removed:
        (folder / path).unlink(missing_ok=True)
        with suppress(OSError):  # a folder that still holds something stays
            if (folder / path).parent != folder:
                (folder / path).parent.rmdir()
    (own / "journal.json").unlink()
    _discard(folder)


def _discard(folder: Path) -> None:
    shutil.rmtree(folder / OWN / "new", ignore_errors=True)

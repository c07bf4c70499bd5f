"""What is new at a source's address, taken into the archive: each file once, again where the source corrected it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from geo import sources as known_sources
from geo.archive import Archive, open_archive
from geo.archive.shared_docs import described
from geo.automation.addresses import KINDS, Account, Address, RemoteFile, find_address, is_plain_name
from geo.automation.network import Limits, Network, trusting
from geo.automation.offers import offered, write_layer, write_pages
from geo.automation.run_record import load_record
from geo.errors import FetchError, FileError, GateError, UsageError
from geo.formats.geojson import read_bytes
from geo.importing.importer import Receipt, import_files
from geo.schema import Options, Source, last_instant, parse_instant, to_instant, write_instant
from geo.storage.atomic_write import locked, write_page

FIRST_DAYS = 7  # how far back the first run goes where nobody says --since
_HISTORY = 16  # how many times the bytes of a run are allowed for a history
_GIVE_UP = 3  # failures in a row after which a source is left in peace
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class FetchedFile:
    """What became of one file that a source offers."""

    name: str
    url: str
    outcome: str
    path: str = ""
    sha256: str = ""
    bytes: int = 0
    retrieved: str = ""
    receipt: Receipt | None = None
    error: str = ""
    note: str = ""


@dataclass(frozen=True)
class Fetched:
    """What one run brought from a source."""

    credit: Source
    since: str
    until: str
    folder: str
    files: tuple[FetchedFile, ...] = field(default_factory=tuple)

    def count(self, *outcomes: str) -> int:
        """How many files ended so."""
        return sum(file.outcome in outcomes for file in self.files)

    def summary(self) -> str:
        """The run in one line: ``2 new, 1 corrected, 5 as before``."""
        words = {
            "offered": "offered", "new": "new", "corrected": "corrected", "refused": "refused", "failed": "failed",
            "missing": "not there", "unchanged": "as before",
        }  # fmt: skip
        parts = [f"{self.count(outcome)} {word}" for outcome, word in words.items() if self.count(outcome)]
        counts = ", ".join(parts) or "nothing offered"
        new = self.count("new", "corrected", "offered", "refused", "failed")
        return counts if new else f"nothing new ({counts})"


@described
def fetch_new(
    archive: Archive | str | Path,
    source: str,
    *,
    since: str | None = None,
    until: str | None = None,
    address: Address | None = None,
    contact: str | None = None,
    limits: Limits | None = None,
    history: bool = False,
    query: Mapping[str, str] | None = None,
    proxy: str | None = None,
    ca: str | Path | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch what is new from a source's public address and take it into an archive.

    A file is asked for once, and again for some days, because sources correct themselves. It is written to a
    temporary file, hashed, checked, moved beside the archive (``ARCHIVE.files/SOURCE``) and imported with the instant
    at which it came. A file that fails stops none of the others; the next run catches up.

    Parameters
    ----------
    archive : Archive, str or pathlib.Path
        It is made where there is none.
    source : str
        A source whose address is known, or any word where `address` is given.
    since, until : str or None
        Dates or instants: the span of files. Without `since` the last seven days before the newest file that came,
        or before `until`; without `until` now.
    address : Address or None
        Another address than the package's own.
    contact : str or None
        Whom the source can write to; None takes the environment's ``GEO_CONTACT``.
    limits : Limits or None
        How much and how long; None is the address's own.
    history : bool
        Ask for all that the source has had since its first day (or `since`), not for what is new; what was fetched
        before is not asked for again.
    query : mapping or None
        Parameters put to the source's address, as its own documents name them: ``{"country": "Sudan"}``.
    proxy : str or None
        The proxy of the user's network; None takes ``GEO_PROXY``. The proxy settings of other programs are not used.
    ca : str, pathlib.Path or None
        A file of certificates (PEM) that are trusted beside the usual ones; None takes ``GEO_CA``.
    dry_run : bool
        Ask what is offered, and fetch none of it.

    Returns
    -------
    Fetched

    Raises
    ------
    ArchiveError, GateError
    BusyError
        Another run fetches from this source into this archive.
    FetchError
        The source's list cannot be had.
    UsageError
        There is no contact, no address, no key for a source that wants one, or a date cannot be read.

    Examples
    --------
    >>> try:
    ...     geo.fetch_new(archive, "seeds", contact="desk@example.org")
    ... except geo.UsageError as error:
    ...     print(error)
    no address...
    """
    archive = archive if isinstance(archive, Archive) else open_archive(archive)
    address = address or find_address(source)
    address = _of_the_past(address) if history else address
    address = _with_query(address, query) if query else address
    account = Account(address.login) if address.login else None
    tls = trusting(Path(found) if (found := ca or os.environ.get("GEO_CA")) else None)
    folder = archive.path.with_suffix(".files") / address.source
    contact = contact or os.environ.get("GEO_CONTACT")
    with (
        locked(folder / ".lock", f"geo fetch {archive.path} {address.source}"),
        Network(
            contact, limits=limits or address.limits, loopback=address.loopback, account=account, at=address.url,
            proxy=proxy or os.environ.get("GEO_PROXY"), tls=tls,
        ) as network,
    ):  # fmt: skip
        run = _Run(archive, address, folder, network)
        first = write_instant(address.first) if history and address.first else None
        span = run.span(since or first, until)
        try:
            return run.fetch(*span, dry_run=dry_run, progress=progress)
        except FetchError as error:
            raise FetchError(network.hide(str(error))) from None


def _of_the_past(address: Address) -> Address:
    """The address under which a source has its past."""
    if address.first is None:
        raise UsageError(
            f"{address.source}: no history is known at its address: --since asks for the files from a date on"
        )
    past = address.history or address
    total = past.limits.total_bytes * _HISTORY
    return replace(past, limits=replace(past.limits, total_bytes=total), first=address.first)


def _with_query(address: Address, query: Mapping[str, str]) -> Address:
    if address.way == "layers":
        raise UsageError(f"{address.source}: a feature service is read as a whole: leave --query out")
    return replace(address, url=f"{address.url}{'&' if '?' in address.url else '?'}{urlencode(query)}")


@dataclass
class _Run:
    """One run: the source's address, its folder, and what is remembered there of the runs before."""

    archive: Archive
    address: Address
    folder: Path
    network: Network

    def __post_init__(self) -> None:
        self.memory = read_memory(self.folder)
        for left in self.folder.rglob(".*.part"):  # of a run that was cut off
            left.unlink(missing_ok=True)

    @property
    def credit(self) -> Source:
        return self.address.credit or known_sources.reader(self.address.reader).source

    def span(self, since: str | None, until: str | None) -> tuple[datetime, datetime]:
        end = last_instant(until) if until else datetime.now(UTC)
        if since:
            start = to_instant(since, what="since")
        else:
            dates = [parse_instant(e["moment"]) for e in self.memory.values() if e.get("moment") and e.get("sha256")]
            last = min(max(dates, default=end), end)
            days = self.address.recheck_days if dates else FIRST_DAYS
            start = (last - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
        if start > end:
            raise UsageError(f"since {write_instant(start)} is after until {write_instant(end)}: nothing lies between")
        return start, end

    def fetch(self, since: datetime, until: datetime, *, dry_run: bool, progress: Progress | None) -> Fetched:
        wanted = offered(self.network, self.address, since=since, until=until, folder=self.folder)
        wanted = [*self._owed({one.key for one in wanted}), *wanted]
        done = [] if dry_run else self._beside()
        failures = _GIVE_UP if done and done[0].outcome == "failed" else 0
        for number, one in enumerate(wanted, start=1):
            if one.error:
                done.append(FetchedFile(one.name, one.url, "failed", error=self.network.hide(one.error)))
            elif dry_run:
                done.append(self._as_offered(one))
            elif failures >= _GIVE_UP:
                why = f"{one.name}: not asked, because files before it failed; the next run asks again"
                done.append(self._failed(one, why))
            else:
                done.append(self._one(one))
                failures = failures + 1 if done[-1].outcome == "failed" else 0
            if progress is not None:
                progress(number, len(wanted), one.name)
        return Fetched(self.credit, write_instant(since), write_instant(until), str(self.folder), tuple(done))

    def _beside(self) -> list[FetchedFile]:
        """The file without which none of the source's can be read, where there is one."""
        url = self.address.beside
        if not url:
            return []
        one = RemoteFile(url, url, url.rpartition("/")[2], "json")
        target, known = self.folder / one.name, self.memory.get(url, {})
        known = known if target.is_file() else {}
        temporary = self.folder / f".{one.name}.{os.getpid()}.part"
        tags = {name: str(known.get(name, "")) for name in ("etag", "last_modified")}
        try:
            landed = self.network.fetch(url, temporary, kind="json", **tags)
            if landed.outcome == "missing":
                raise FetchError(f"{url}: not there, and without it the source's files cannot be read")
        except FetchError as error:
            return [FetchedFile(one.name, url, "failed", error=self.network.hide(str(error)))]
        if landed.outcome == "unchanged":
            return [self._fetched_file(one, known, "unchanged")]
        try:
            os.replace(temporary, target)
        except OSError as error:
            raise FetchError(f"{target}: the file cannot be put there ({error})") from error
        entry = {**asdict(landed), "retrieved": write_instant(landed.retrieved), "path": one.name, "first": ""}
        del entry["outcome"]
        self._remember(one, {**entry, "taken": "beside"})
        return [self._fetched_file(one, entry, "unchanged" if landed.sha256 == known.get("sha256") else "new")]

    def _as_offered(self, one: RemoteFile) -> FetchedFile:
        known = self.memory.get(one.key, {})
        had = known.get("sha256") and (known.get("changed", "") == one.changed or not one.changed)
        return FetchedFile(one.name, one.url, "offered", note="was fetched before" if had else "")

    def _one(self, one: RemoteFile) -> FetchedFile:
        known = self.memory.get(one.key, {})
        if known.get("sha256") and not (self.folder / str(known.get("path", ""))).is_file():
            known = {}  # somebody took the file away: it is fetched again, whole
        if known.get("sha256") and one.changed and known.get("changed") == one.changed:
            return self._again(one, known)
        try:
            return self._ask(one, known)
        except FetchError as error:
            return self._failed(one, str(error))

    def _failed(self, one: RemoteFile, why: str) -> FetchedFile:
        """A file that did not come is owed: the next run asks for it, however far back it lies."""
        why = self.network.hide(why)
        if one.query is None and not self.address.rows and not self.memory.get(one.key, {}).get("sha256"):
            owed = {"url": one.url, "name": one.name, "kind": one.kind, "options": dict(one.options)}
            self._remember(one, {"owed": owed, "error": why})
        return FetchedFile(one.name, one.url, "failed", error=why)

    def _owed(self, asked: set[str]) -> list[RemoteFile]:
        return [
            RemoteFile(
                key,
                moment=parse_instant(entry["moment"]) if entry["moment"] else None,
                changed=entry["changed"],
                **entry["owed"],
            )
            for key, entry in self.memory.items() if "owed" in entry and key not in asked
        ]  # fmt: skip

    def _ask(self, one: RemoteFile, known: dict[str, Any]) -> FetchedFile:
        temporary = self.folder / f".{one.name}.{os.getpid()}.part"
        if one.query is not None:
            landed = write_layer(self.network, one, one.query, temporary)
        elif self.address.rows:
            landed = write_pages(self.network, self.address, one, temporary)
        else:
            landed = self.network.fetch(
                one.url, temporary, kind=one.kind, etag=known.get("etag", ""),
                last_modified=known.get("last_modified", ""),
            )  # fmt: skip
        if landed.outcome == "missing":
            if "owed" in self.memory.get(one.key, {}):
                del self.memory[one.key]
                self._write()
            return FetchedFile(one.name, one.url, "missing")
        if landed.outcome == "unchanged":
            return self._again(one, known)
        if landed.sha256 == known.get("sha256"):
            temporary.unlink(missing_ok=True)
            self._remember(one, {**known, "etag": landed.etag, "last_modified": landed.last_modified})
            return self._again(one, self.memory[one.key])
        entry = {
            **asdict(landed), "retrieved": write_instant(landed.retrieved),
            "path": self._place(one, temporary, landed.sha256), "taken": "", "first": known.get("sha256", ""),
        }  # fmt: skip
        del entry["outcome"]
        self._remember(one, entry)
        return self._take(one, entry)

    def _place(self, one: RemoteFile, temporary: Path, digest: str) -> str:
        """Move a file to its name; an earlier version of it stays, and this one goes into a folder of its own."""
        version, target = 1, self.folder / one.name
        # one of the same bytes is of a run that was cut off after the move
        while target.exists() and sha256(read_bytes(target)).hexdigest() != digest:
            version += 1
            target = self.folder / f"v{version}" / one.name
        try:
            target.parent.mkdir(exist_ok=True)
            os.replace(temporary, target)
        except OSError as error:
            raise FetchError(f"{target}: the file cannot be put there ({error})") from error
        return str(target.relative_to(self.folder))

    def _again(self, one: RemoteFile, known: dict[str, Any]) -> FetchedFile:
        """A file that was had before: taken in now where the run before was cut off, or the archive refused it."""
        if not known.get("taken"):
            return self._take(one, known)
        return self._fetched_file(one, known, "unchanged")

    def _take(self, one: RemoteFile, entry: dict[str, Any]) -> FetchedFile:
        receipt = import_files(
            self.archive, self.address.reader, self.folder / entry["path"], options=self._options(one, entry),
            credit=self.address.credit,
        )[0]  # fmt: skip
        if receipt.outcome == "refused":
            return replace(self._fetched_file(one, entry, "refused"), receipt=receipt, error=receipt.error)
        self._remember(one, {**entry, "taken": receipt.outcome})
        outcome = "corrected" if entry.get("first") else "new"
        return replace(self._fetched_file(one, entry, outcome), receipt=receipt, note=self._twin(one, entry))

    def _fetched_file(self, one: RemoteFile, entry: Mapping[str, Any], outcome: str) -> FetchedFile:
        return FetchedFile(
            one.name, one.url, outcome, str(self.folder / str(entry["path"])), entry["sha256"], entry["bytes"],
            entry["retrieved"],
        )  # fmt: skip

    def _twin(self, one: RemoteFile, entry: Mapping[str, Any]) -> str:
        """Whether the source put out the same bytes under another name: it says that nothing moved."""
        same = [e["path"] for key, e in self.memory.items() if key != one.key and e.get("sha256") == entry["sha256"]]
        return f"the same bytes as {same[0]}" if same else ""

    def _options(self, one: RemoteFile, entry: Mapping[str, Any]) -> Options:
        given: dict[str, Any] = {"retrieved": entry["retrieved"], **one.options}
        if self.address.way == "file" and self.address.date == "retrieved":
            given["date"] = entry["retrieved"]
        if self.address.way == "file" and self.address.date == "last-modified":
            given["date"] = write_instant(_http_date(one, entry))
        return replace(self.address.options, **given)

    def _remember(self, one: RemoteFile, entry: dict[str, Any]) -> None:
        entry["changed"] = one.changed
        entry["moment"] = write_instant(one.moment) if one.moment else ""
        self.memory[one.key] = entry
        self._write()

    def _write(self) -> None:
        write_page(json.dumps(self.memory, ensure_ascii=False, indent=1, sort_keys=True), _memory_file(self.folder))


def _http_date(one: RemoteFile, entry: Mapping[str, Any]) -> datetime:
    try:
        return parsedate_to_datetime(str(entry.get("last_modified"))).astimezone(UTC)
    except (TypeError, ValueError):
        raise FetchError(
            f"{one.url}: the server does not say when the file was last changed: write date = 'retrieved'"
        ) from None


def _memory_file(folder: Path) -> Path:
    return folder / ".fetched.json"


def read_memory(folder: Path) -> dict[str, dict[str, Any]]:
    """What is remembered of the runs before: address -> hash, ETag, where the file is, whether it was taken in."""
    path = _memory_file(folder)
    way_out = "delete it, and the files are fetched again"
    try:
        found = load_record(path)
    except FileError as error:
        raise FetchError(f"the record of what was fetched is damaged: {error}: {way_out}") from error
    wrong = next((key for key, entry in found.items() if not _is_sound(entry)), None)
    if wrong is not None:
        raise FetchError(f"{path}: the record of what was fetched is damaged at {wrong[:200]!r}: {way_out}")
    return found


def _is_sound(entry: Any) -> bool:
    """Whether an entry is as `_Run` writes it: of a file that came, or of one that is owed."""
    if not isinstance(entry, dict) or not _are_texts(entry, "changed", "moment") or not _is_moment(entry["moment"]):
        return False
    if "owed" in entry:
        owed = entry["owed"]
        good = isinstance(owed, dict) and owed.keys() == {"url", "name", "kind", "options"} and owed["options"] == {}
        good = good and entry.keys() <= {"changed", "moment", "owed", "error"}
        return good and _are_texts(owed, "url", "name") and is_plain_name(owed["name"]) and owed["kind"] in KINDS
    texts = ("path", "sha256", "retrieved", "taken", "first", "etag", "last_modified")
    if not _are_texts(entry, *texts) or not isinstance(entry.get("bytes"), int) or not _is_moment(entry["retrieved"]):
        return False
    parts = entry["path"].split("/")  # NAME, or v2/NAME
    return len(parts) <= 2 and all(map(is_plain_name, parts)) and bool(entry["retrieved"])


def _are_texts(entry: Mapping[str, Any], *names: str) -> bool:
    return all(isinstance(entry.get(name), str) for name in names)


def _is_moment(text: str) -> bool:
    try:
        return not text or bool(parse_instant(text))
    except GateError:
        return False

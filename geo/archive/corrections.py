"""What later recordings changed for dates already on record: km² and polygons, before and after each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import geopandas as gpd
import pandas as pd

from geo.archive.queries import ArchiveBase, Reader
from geo.archive.results import When, moment
from geo.archive.shared_docs import consistent_read, documented
from geo.errors import UsageError
from geo.measure import areas
from geo.presentation.labels import class_words
from geo.presentation.language import N_, gettext, number
from geo.schema import CRS, parse_instant, text_or_none, to_instant, write_instant
from geo.storage import snapshots as history
from geo.storage.settlement_table import take_back_settlements

COLUMNS = (
    "source", "part", "depicts", "published", "retrieved", "change", "corrected_at", "earlier_snapshot",
    "later_snapshot", "controller", "status", "before_km2", "after_km2", "gained_km2", "lost_km2", "net_km2", "why",
)  # fmt: skip
# how a date came to be said otherwise
_CHANGES = {
    "corrected": N_("{snapshot} was corrected on {date}"), "taken back": N_("{snapshot} was taken back on {date}"),
}  # fmt: skip
# a moment at which the archive began to say something else of a date: the first nine columns, and why
_Event = dict[str, Any]


@documented
def retract(self: ArchiveBase, snapshot: str, *, why: str) -> None:
    """Take a wrong import back; what the archive said until now stays on record.

    Parameters
    ----------
    snapshot : str
        Its name, as `snapshots` and every figure give it; of a source of settlements the name of a day
        (``settlements@2025-01-10``), and the last file that speaks of it is taken back, or the source's own name, and
        the last of its files is.
    why : str
        Kept with it.

    Raises
    ------
    ArchiveError
        There is no such snapshot, it was taken back before, or the archive cannot be written.
    UsageError
        No reason is given.

    Examples
    --------
    >>> archive.retract("seeds@2024-12-16", why="traced from the wrong map")
    >>> archive.area("2024-12-16", status="held")["snapshot"].tolist()
    ['seeds@2024-11-23']
    """
    if not why.strip():
        raise UsageError("say why the snapshot is taken back: the reason stays on record")
    panels = self.store.settlement_sources()
    source, _, day = (snapshot, "", None) if snapshot in panels else snapshot.rpartition("@")
    with self.store.writing() as connection:
        if source in panels:
            now = history.next_instant(connection)
            take_back_settlements(connection, source, day, why=why, now=now)
        else:
            history.retract(connection, snapshot, why=why)


@consistent_read
def corrections(
    self: ArchiveBase, *, source: str | None = None, since: When | None = None, as_known_on: When | None = None
) -> pd.DataFrame:
    """What later recordings changed for dates that were on record already, and what was taken back.

    Parameters
    ----------
    source : str or None
        One source's alone; None is every source.

    Returns
    -------
    pandas.DataFrame
        A row for each class that changed: source, part, depicts, published, retrieved, change (``corrected`` or
        ``taken back``), corrected_at, earlier_snapshot, later_snapshot, controller, status, before_km2, after_km2,
        gained_km2, lost_km2, net_km2 (what the archive said of the depicted instant just before and just after), why.
        A recording that changed no ground has one row of zeros. In the order of recording.

    Raises
    ------
    SourceError
        The source is not in the archive.

    Examples
    --------
    >>> archive.retract("seeds@2025-01-11", why="traced from the wrong map")
    >>> table = archive.corrections(source="seeds")
    >>> table[["change", "status", "before_km2", "after_km2", "why"]].round(1).values.tolist()[0]
    ['taken back', 'held', 423.3, 493.7, 'traced from the wrong map']
    """
    return corrections_found(self.reader, source=source, since=since, as_known_on=as_known_on)[0]


@consistent_read
def corrected_ground(
    self: ArchiveBase, *, source: str | None = None, since: When | None = None, as_known_on: When | None = None
) -> gpd.GeoDataFrame:
    """The polygons of `corrections`: what a class gained and lost between the earlier and the later recording.

    Parameters
    ----------
    source : str or None
        One source's alone; None is every source.

    Returns
    -------
    geopandas.GeoDataFrame
        source, part, depicts, published, retrieved, corrected_at, earlier_snapshot, later_snapshot, controller, status,
        change (``gained`` or ``lost``), area_km2, geometry (EPSG:4326).

    Raises
    ------
    SourceError
        The source is not in the archive.

    Examples
    --------
    >>> archive.retract("seeds@2025-01-11", why="traced from the wrong map")
    >>> archive.corrected_ground()[["status", "change", "area_km2"]].round(1).values.tolist()[0]
    ['held', 'gained', 72.2]
    """
    return corrections_found(self.reader, source=source, since=since, as_known_on=as_known_on)[1]


@consistent_read
def correction_notes(self: ArchiveBase, *snapshots: str, as_known_on: When | None = None) -> list[str]:
    """What was corrected of these snapshots or by them, in sentences with km² by class.

    Parameters
    ----------
    *snapshots : str
        Their names.

    Returns
    -------
    list of str

    Examples
    --------
    >>> archive.retract("seeds@2025-01-11", why="traced from the wrong map")
    >>> len(archive.correction_notes("seeds@2025-01-11"))
    1
    """
    table, _ = corrections_found(self.reader, as_known_on=as_known_on, snapshots=snapshots)
    return correction_words(table)


def corrections_found(
    reader: Reader,
    *,
    source: str | None = None,
    since: When | None = None,
    as_known_on: When | None = None,
    snapshots: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    """What was corrected and what was taken back, in km² and as polygons."""
    rows: list[dict[str, Any]] = []
    ground: list[gpd.GeoDataFrame] = []
    for event in _events(reader, source, since, as_known_on):
        if snapshots is not None and not {event["later_snapshot"], event["earlier_snapshot"]} & {*snapshots}:
            continue
        changes = areas.overlaid(*_sides(reader, event))
        changed = [r for r in areas.change_rows(changes) if r["gained_km2"] or r["lost_km2"]]
        # a recording that changes no ground is still one: other classes of the source's own, another file
        rows += [event | r for r in changed] or [event | dict.fromkeys(COLUMNS[11:16], 0.0)]
        shapes = areas.changed_frame(changes)
        if len(shapes):
            ground.append(shapes.assign(**{k: event[k] for k in COLUMNS[:9] if k != "change"}))
    table = pd.DataFrame([[r.get(c) for c in COLUMNS] for r in rows], columns=list(COLUMNS), dtype=object)
    numbers = [c for c in COLUMNS if c.endswith("_km2")]
    table[numbers] = table[numbers].astype(float)
    names = reader.source_name(source) if source is not None else None
    table.attrs["notes"] = reader.notes(*([names] if names else sorted(set(table["source"]))))
    return table, _joined(ground)


def _joined(ground: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    columns = [*COLUMNS[:5], "corrected_at", "earlier_snapshot", "later_snapshot", "controller", "status", "change",
               "area_km2", "geometry"]  # fmt: skip
    if not ground:
        return gpd.GeoDataFrame(pd.DataFrame(columns=columns), geometry="geometry", crs=CRS)
    return gpd.GeoDataFrame(pd.concat(ground, ignore_index=True), geometry="geometry", crs=CRS)[columns]


def _events(reader: Reader, source: str | None, since: When | None, known: When | None) -> Iterator[_Event]:
    """Every correction and retraction, in the order in which they were recorded."""
    table = reader.snapshots(None if source is None else reader.source_name(source))
    until = moment(known)
    first = None if since is None else write_instant(to_instant(since))
    last = None if until is None else write_instant(until)
    instants: dict[tuple[str, str, str], list[dict[Any, Any]]] = {}
    for row in table.sort_values("recorded_at", kind="stable").to_dict("records"):
        instants.setdefault((row["source"], row["part"], row["depicts"]), []).append(row)
    found = [event for recordings in instants.values() for event in _of_one_instant(recordings)]
    found.sort(key=lambda e: (e["corrected_at"], e["source"], e["part"]))
    yield from (e for e in found if (first or "") <= e["corrected_at"] <= (last or "~"))


def _of_one_instant(recordings: Sequence[dict[Any, Any]]) -> Iterator[_Event]:
    """What became of the recordings of one instant, the earliest first."""
    for i, row in enumerate(recordings):
        head = {k: text_or_none(row[k]) for k in ("source", "part", "depicts", "published", "retrieved")}
        standing = [r for r in recordings[:i] if _stood(r, row["recorded_at"])]
        if standing:
            more = {"change": "corrected", "corrected_at": row["recorded_at"], "why": None}
            names = {"earlier_snapshot": standing[-1]["snapshot"], "later_snapshot": row["snapshot"]}
            yield head | more | names
        gone = text_or_none(row["retracted_at"])
        if gone and not any(r["recorded_at"] < gone and _stood(r, gone) for r in recordings[i + 1 :]):
            heirs = [r["snapshot"] for r in recordings[:i] if _stood(r, gone)]
            more = {"change": "taken back", "corrected_at": gone, "why": text_or_none(row["retracted_why"])}
            names = {"earlier_snapshot": row["snapshot"], "later_snapshot": heirs[-1] if heirs else None}
            yield head | more | names


def _stood(recording: dict[Any, Any], at: str) -> bool:
    """Whether it had not been taken back at that moment."""
    gone = text_or_none(recording["retracted_at"])
    return gone is None or gone > at


def _sides(reader: Reader, event: _Event) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """What the archive said of the date just before and just after, of the part in question."""
    source, part, depicts = (event[k] for k in ("source", "part", "depicts"))
    after = parse_instant(event["corrected_at"])
    instant = parse_instant(depicts)
    frames = []
    for known in (after - timedelta(milliseconds=1), after):
        frame = reader.store.control_then(source, instant, as_known_on=known)
        frames.append(gpd.GeoDataFrame(frame[frame["part"] == (part or "")], crs=CRS))
    return frames[0], frames[1]


def correction_words(table: pd.DataFrame) -> list[str]:
    """Corrections in sentences, one for each, with km² by class."""
    sentences = []
    rows = table.to_dict("records")
    for key in dict.fromkeys((r["corrected_at"], r["earlier_snapshot"]) for r in rows):
        group = [r for r in rows if (r["corrected_at"], r["earlier_snapshot"]) == key]
        later, why = (text_or_none(group[0][k]) for k in ("later_snapshot", "why"))
        named = [
            (class_words(text_or_none(r["controller"]), r["status"]), r) for r in group if text_or_none(r["status"])
        ]
        classes = ", ".join(
            gettext(
                "{name} {before} to {after} km²",
                name=name,
                before=number(r["before_km2"], 1),
                after=number(r["after_km2"], 1),
            )
            for name, r in named
        )
        sentences.append(
            gettext(_CHANGES[group[0]["change"]], snapshot=key[1], date=key[0][:10])
            + (f" ({why})" if why else "")
            + ("; " + gettext("{snapshot} took its place", snapshot=later) if later else "")
            + f": {classes or gettext('no ground changed')}"
        )
    return sentences

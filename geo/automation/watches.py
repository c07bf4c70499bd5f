"""Standing questions of a desk: judged on every round, told once for every change of state."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import shapely

from geo import __version__
from geo.archive import Archive
from geo.errors import UsageError
from geo.formats.geojson import read_bytes
from geo.formats.xml import Element, add, xml_bytes
from geo.measure.settlements import place_named
from geo.output.say import say, sourced
from geo.presentation.labels import class_label
from geo.presentation.language import gettext, speaking
from geo.presentation.statuses import named
from geo.schema import number_of, parse_instant, text_or_none, write_instant
from geo.storage.atomic_write import write_page

ENTRIES = 100
_SECONDS = 60  # for a command of the desk's
_IDS = UUID("0d7e2b0e-64f1-5a4c-8f0b-5b0a3c8f2c11")
# of a table, what asks; the rest says how it is told
_ASKS = ("within", "side", "status", "source", "below_km2", "above_km2", "place", "at", "sources", "differ_km2")


def key_of(table: Mapping[str, Any]) -> str:
    """What a watch is remembered by: what it asks, wherever it stands in the plan and whatever it is called."""
    asked = {name: table[name] for name in _ASKS if name in table}
    return sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]


def judge(
    archive: Archive, date: str, table: Mapping[str, Any], max_age_days: float | None
) -> tuple[str, float | None]:
    """The state of a watch (above, below, differ, agree, or whose a place is), and the km² that it rests on."""
    if "place" in table or "at" in table:
        return _whose(archive, date, table, max_age_days), None
    if "differ_km2" in table:
        one, other = (_km2(archive, date, table, source, max_age_days) for source in table["sources"])
        return ("differ" if abs(one - other) > table["differ_km2"] else "agree"), abs(one - other)
    km2 = _km2(archive, date, table, table.get("source"), max_age_days)
    limit = table.get("below_km2", table.get("above_km2"))
    return ("below" if km2 < limit or (km2 == limit and "above_km2" in table) else "above"), km2


def is_told(table: Mapping[str, Any], state: str, before: str | None) -> bool:
    """Whether a state is news: it is another than before; at first, that what is watched for has come already."""
    if before is None:
        return state == next((word for word in ("below", "above", "differ") if f"{word}_km2" in table), None)
    return state != before


def entry_of(
    archive: Archive, date: str, table: Mapping[str, Any], state: str, before: str | None, km2: float | None
) -> dict[str, Any]:
    """What is told of a change of state."""
    with speaking(table.get("lang", "en")):
        sentence = _sentence(archive, date, table, state, before)
    told = {
        "id": str(uuid5(_IDS, "\n".join([key_of(table), date, state, before or ""]))), "watch": _name(table),
        "date": date, "state": state, "before": before, "km2": km2, "sentence": sentence,
        "told_at": write_instant(datetime.now(UTC)),
    }  # fmt: skip
    return {key: value for key, value in told.items() if value is not None}


def tell(folder: Path, entry: Mapping[str, Any], command: Sequence[str], plan: Path) -> tuple[Path, Path]:
    """Write a line of JSON and an entry of the feed, each once, then run the desk's command."""
    lines, feed = folder / "watches.jsonl", folder / "watches.xml"
    told = [json.loads(line) for line in read_bytes(lines).decode().splitlines()] if lines.exists() else []
    if entry["id"] not in {one["id"] for one in told}:
        told.append(dict(entry))
    write_page("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in told), lines)
    write_page(_feed(plan.stem, told[-ENTRIES:]), feed)
    if command:
        _run(command, entry, plan.parent)
    return lines, feed


def _run(command: Sequence[str], entry: Mapping[str, Any], folder: Path) -> None:
    """Run a command as it is listed, without a shell; what is told goes to its input and environment alone."""
    told = {f"GEO_WATCH_{key.upper()}": str(value).replace("\0", "\ufffd") for key, value in entry.items()}
    text = json.dumps(entry, ensure_ascii=False) + "\n"
    try:
        done = subprocess.run(  # noqa: S603  (the desk's own list)
            list(command), input=text.encode("utf-8", "replace"), cwd=folder, env={**os.environ, **told},
            timeout=_SECONDS, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UsageError(f"{command[0]} did not end within {number_of(_SECONDS, 'second')}: it is run again") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{command[0]} cannot be run ({error}): mend the plan's command") from None
    if done.returncode:
        why = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise UsageError(f"{command[0]} ended with {done.returncode}: {why or 'it said nothing'}; it is run again")


def _km2(
    archive: Archive, date: str, table: Mapping[str, Any], source: str | None, max_age_days: float | None
) -> float:
    found = archive.area(
        date, source=source, controller=table["side"], status=table.get("status") or list(named(is_held=True)),
        within=table.get("within"), max_age_days=max_age_days,
    )  # fmt: skip
    return float(found["area_km2"].sum())


def _whose(archive: Archive, date: str, table: Mapping[str, Any], max_age_days: float | None) -> str:
    """Whose a place is, by the codes of sides: ``UA held``; blank where the source shows nobody's."""
    (_, lon, lat), panel = _place(archive, table), archive.reader.panel_meant(table.get("source"))
    if panel is not None:
        day = parse_instant(archive.reader.settlements_on(panel, date, max_age_days=max_age_days)[1])
        near = archive.who(lat, lon, source=panel)
        there = near[(near["valid_from"] <= day) & ~(near["valid_to"] <= day)]
    else:
        frame = archive.control(date, source=table.get("source"), max_age_days=max_age_days)
        there = frame[shapely.intersects(np.asarray(frame.geometry.array, dtype=object), shapely.Point(lon, lat))]
    pairs = zip(there["controller"], there["status"], strict=True)
    return "; ".join(sorted({f"{text_or_none(side) or ''} {status}".strip() for side, status in pairs}))


def _place(archive: Archive, table: Mapping[str, Any]) -> tuple[str, float, float]:
    """A place's name and its longitude and latitude."""
    if "at" in table:
        lat, lon = table["at"]
        return table.get("name") or f"{lat}, {lon}", lon, lat
    within = None if table.get("within") is None else archive.unit(table["within"]).geometry.iloc[0]
    return place_named(table["place"], within=within)


def _sentence(archive: Archive, date: str, table: Mapping[str, Any], state: str, before: str | None) -> str:
    if "place" in table or "at" in table:
        now, then = (_class_words(text) for text in (state, before or ""))
        words = gettext("{place}: {now}; before: {then}.", place=_place(archive, table)[0], now=now, then=then)
        source = archive.reader.panel_meant(table.get("source")) or archive.source_name(table.get("source"))
        return sourced(archive, words, source, date)
    asked: dict[str, Any] = {key: table[key] for key in ("within", "side", "lang") if key in table}
    sources = table.get("sources") or [table.get("source")]
    return " ".join(say(archive, date=date, source=source, **asked) for source in sources)


def _class_words(state: str) -> str:
    pairs = (text.rpartition(" ") for text in state.split("; ") if text)
    return "; ".join(class_label(side or None, status) for side, _, status in pairs) or gettext("not marked")


def _name(table: Mapping[str, Any]) -> str:
    return str(table.get("name") or " ".join(f"{key} {table[key]}" for key in _ASKS if key in table))


def _feed(title: str, told: Sequence[Mapping[str, Any]]) -> bytes:
    """The last of what was told as an Atom feed (RFC 4287), the newest first."""
    root = Element("feed", {"xmlns": "http://www.w3.org/2005/Atom"})
    add(root, "id", uuid5(_IDS, "feed").urn)
    add(root, "title", title)
    add(root, "updated", told[-1]["told_at"])
    add(add(root, "author"), "name", "geo-control")
    add(root, "generator", "geo-control", version=__version__)
    for one in reversed(told):
        entry = add(root, "entry")
        for name, text in (("id", f"urn:uuid:{one['id']}"), ("title", f"{one['watch']}, {one['date']}"),
                           ("updated", one["told_at"]), ("summary", one["sentence"])):  # fmt: skip
            add(entry, name, text)
    return xml_bytes(root)

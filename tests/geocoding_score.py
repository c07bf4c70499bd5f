"""How many mentions of a file of texts come out right."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from rapidfuzz import fuzz

from geo.archive import Archive, open_archive
from geo.geocoding.gazetteer import Gazetteer, archive_prior, distance_km
from geo.geocoding.geocoder import LOCATED, Mention, mentions
from geo.importing.importer import import_files
from geo.text.words import key_of, plain_key

FOLDER = Path(__file__).with_name("geocoding")


@dataclass
class Score:
    """Right and wrong mentions; an answer on the ground where the text has no mention is wrong too."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / (self.right + len(self.wrong))


def texts(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def score(table: dict[str, Any], gazetteer: Gazetteer) -> Score:
    total = Score()
    for entry in table["texts"]:
        found = mentions(entry["text"], gazetteer=gazetteer)
        used: set[int] = set()
        at = 0
        for want in entry["mentions"]:
            start = entry["text"].index(want["text"], at)
            at = start + len(want["text"])
            hit = next((m for m in found if m.start < at and start < m.end and m.start not in used), None)
            why = _wrong(want, hit)
            if hit is not None:
                used.add(hit.start)
            if why:
                total.wrong.append(f"{entry['id']}: {want['text']}: {why}")
            else:
                total.right += 1
            if hit is not None and hit.latitude is not None and want.get("region") not in (None, hit.adm_1):
                total.outside.append(f"{entry['id']}: {want['text']}: {hit.adm_1}")
        for extra in found:
            if extra.start not in used and extra.role in LOCATED and extra.text not in entry.get("free", ()):
                total.wrong.append(f"{entry['id']}: {extra.text}: no mention, but {extra.role} {extra.place}")
    return total


def _wrong(want: dict[str, Any], hit: Mention | None) -> str:
    if hit is None:
        return "not found"
    if hit.role != want["role"]:
        return f"{hit.role}, not {want['role']} ({hit.place}, {hit.adm_1}; {hit.why})"
    if "region" in want and hit.adm_1 != want["region"]:
        return f"in {hit.adm_1} ({hit.place}; {hit.why}; {hit.runner_up})"
    if "prec" in want and hit.where_prec != want["prec"]:
        return f"where_prec {hit.where_prec} ({hit.place}; {hit.why})"
    if "at" in want:
        if hit.latitude is None or hit.longitude is None:
            return "without coordinates"
        away = distance_km((want["at"][0], want["at"][1]), (hit.latitude, hit.longitude))
        if away > 15:
            return f"{away:.0f} km off ({hit.place}, {hit.adm_1}; {hit.why}; {hit.runner_up})"
    return ""


NEAR_DAY = "2025-01-11"
# other days, on which the names are those that the lists have within AROUND days: the weights of an archive's front
# and incidents were fitted to them
OTHER_DAYS = ("2022-04-19", "2022-06-01", "2022-07-18", "2022-09-08", "2022-10-19", "2022-11-24")
AROUND = 20
Named = tuple[str, float, float]  # a name as lists of incidents write it, and its point by the Ukrainian register


def archive_of_the_front(shared: Path, path: Path, days: Sequence[str] = (NEAR_DAY,)) -> Archive:
    """An archive with the maps of days and a list of incidents; the names asked for come from other lists."""
    for file in sorted((shared / "deepstate-raw").iterdir()):
        if _day_of(int(file.stem)).isoformat() in days:
            import_files(path, "deepstate", file)
    import_files(path, "bellingcat", shared / "incidents" / "bellingcat" / "export_events.json")
    return open_archive(path)


def _day_of(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _written(shared: Path, day: str | None) -> Iterator[Named]:
    lists = (("eyes_on_russia/events_maphub_2022.csv", "town/city", "lat", "lon"),
             ("viina_derived/VIINA_2022_EXACT_DEDUPE.csv", "asciiname", "latitude", "longitude"))  # fmt: skip
    for name, place, lat, lon in lists:
        with (shared / "incidents" / name).open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                if not (row[place].strip() and row[lat] and row[lon] and row["date"]):
                    continue
                if day is None or abs(date.fromisoformat(row["date"]) - date.fromisoformat(day)).days <= AROUND:
                    yield row[place].strip(), float(row[lat]), float(row[lon])


def names_near_front(shared: Path, archive: Archive, day: str = NEAR_DAY) -> list[Named]:
    """The settlements within 30 km of a day's front that lists of incidents name, one for each name, the most named first."""
    register = pd.read_csv(shared / "gazetteer" / "ua_settlements.csv").dropna(subset=["lat", "lon"])
    points = gpd.GeoSeries(gpd.points_from_xy(register["lon"], register["lat"]), crs=4326).to_crs(6933)
    front = gpd.GeoSeries([archive.front(day, tolerance_km=0.5, inset_km=2).lines], crs=4326).to_crs(6933)
    listed = register[points.within(front.buffer(30_000).iloc[0]).to_numpy()]
    towns = [
        (plain_key(key_of(n)), a, b) for n, a, b in zip(listed["name_en"], listed["lat"], listed["lon"], strict=True)
    ]
    counts: Counter[Named] = Counter()
    spelled: dict[Named, Counter[str]] = defaultdict(Counter)
    for (name, lat, lon), count in Counter(_written(shared, None if day == NEAR_DAY else day)).items():
        key = plain_key(key_of(name))
        near = [t for t in towns if abs(t[1] - lat) < 0.2 and distance_km((lat, lon), t[1:]) <= 15]
        best = max(near, key=lambda t: (fuzz.ratio(key, t[0]), -distance_km((lat, lon), t[1:])), default=None)
        if best is not None and fuzz.ratio(key, best[0]) >= 88:
            counts[best] += count
            spelled[best][name] += count
    first: dict[str, Named] = {}
    for town, _ in counts.most_common():
        first.setdefault(town[0], (spelled[town].most_common(1)[0][0], town[1], town[2]))
    return list(first.values())


def bare_near_front(
    archive: Archive, gazetteer: Gazetteer, named: Sequence[Named], day: str = NEAR_DAY
) -> tuple[int, list[str], list[str]]:
    """How many names come right when they stand alone, those without a place, and the wrong."""
    prior = archive_prior(archive, day)
    unplaced, wrong = [], []
    for name, *point in named:
        found = mentions(f"Fighting went on near {name}.", gazetteer=gazetteer, prior=prior)
        hit = next((m for m in found if m.latitude is not None), None)
        if hit is None:
            unplaced.append(name)
        elif (away := distance_km((point[0], point[1]), (hit.latitude, hit.longitude))) > 15:
            wrong.append(f"{away:.0f} km {name}: {hit.place}, {hit.adm_1}; {hit.why}")
    return len(named) - len(unplaced) - len(wrong), unplaced, wrong

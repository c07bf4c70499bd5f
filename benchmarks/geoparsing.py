"""How often mentions get their right place: ``python -m benchmarks geoparsing``.

LGL and GeoVirus with gold spans: the share of all mentions with coordinates that come within 161 km, an unanswered one
counting as wrong. GeoVirus is news of the world (Wikinews); in a second row a country or region of it stands by the
gazetteer's point. Eyes on Russia: the share of events whose named town comes within 10 and 25 km of where people
geolocated them (which is seldom the town's middle). Beside each, the most populous place of the name. Speed is measured
in a process of its own, finding the mentions as well, after the index has been built once.
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from geo.archive import Archive
from geo.geocoding.gazetteer import Gazetteer, distance_km, open_gazetteer
from geo.geocoding.geocoder import mentions, resolve
from geo.text.words import key_of
from tests.geocoding_score import (
    NEAR_DAY,
    OTHER_DAYS,
    Named,
    archive_of_the_front,
    bare_near_front,
    names_near_front,
)

Gold = list[tuple[int, int, float, float]]
Document = tuple[str, Gold]
NEAR = ("Ukraine", "Russia", "Belarus", "Moldova")


def local_news(folder: Path) -> Iterator[Document]:
    """LGL: articles of local newspapers; toponyms without coordinates in the gold are left out."""
    for article in ET.parse(folder / "geoparsing" / "lgl.xml").getroot():
        gold = []
        for toponym in article.iter("toponym"):
            tag = toponym.find("gaztag")
            if tag is not None and tag.find("lat") is not None:
                gold.append((*_numbers(toponym, int, "start", "end"), *_numbers(tag, float, "lat", "lon")))
        yield article.findtext("text") or "", gold


def virus_news(folder: Path) -> Iterator[Document]:
    """GeoVirus: its offsets drift, so that each name is taken where it stands nearest to its offset."""
    for article in ET.parse(folder / "geoparsing" / "GeoVirus.xml").getroot():
        text = article.findtext("text") or ""
        gold = []
        for location in article.iter("location"):
            name, (at,) = location.findtext("name") or "", _numbers(location, int, "start")
            starts = [i for i in range(max(0, at - 60), at + 60) if text.startswith(name, i)]
            start = min(starts, key=lambda i: abs(i - at), default=at)
            gold.append((start, start + len(name), *_numbers(location, float, "lat", "lon")))
        yield text, gold


def unit_points(folder: Path, gazetteer: Gazetteer) -> Iterator[Document]:
    """GeoVirus, where a country or region stands by the gazetteer's point: where one is put is nobody's mistake."""
    for article, (text, gold) in zip(
        ET.parse(folder / "geoparsing" / "GeoVirus.xml").getroot(), virus_news(folder), strict=True
    ):
        pages = [location.findtext("page") or "" for location in article.iter("location")]
        yield text, [_unit_point(page, row, gazetteer) for page, row in zip(pages, gold, strict=True)]


def _unit_point(page: str, gold: tuple[int, int, float, float], gazetteer: Gazetteer) -> tuple[int, int, float, float]:
    """The gold, with the point of the unit that its Wikipedia page is named after, if that lies within 1,500 km."""
    title = unquote(page.rpartition("/")[2]).replace("_", " ").partition(" (")[0]
    named = gazetteer.lookup.called(key_of(title), cyrillic=False, loose=False)
    points = [(p.latitude, p.longitude) for p, _ in named if p.kind in ("country", "region", "area", "continent")]
    nearest = min(points, key=lambda at: distance_km(at, gold[2:]), default=gold[2:])
    return (*gold[:2], *(nearest if distance_km(nearest, gold[2:]) < 1500 else gold[2:]))


def _numbers(node: ET.Element, kind: type, *names: str) -> tuple:
    return tuple(kind(node.findtext(name) or "nan") for name in names)


def events(folder: Path) -> Iterator[Document]:
    """Eyes on Russia: what happened, then town, province and country as the list has them; the town is the mention."""
    path = folder / "incidents" / "eyes_on_russia" / "events_maphub_2022.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            town, point = row["town/city"].strip(), _point(row)
            if not town or point is None or row["country"].strip() not in NEAR:
                continue
            lead = f"{row['title'].strip().rstrip('.')}. "
            rest = [row[c].strip() for c in ("province", "country") if row[c].strip()]
            yield lead + ", ".join([town, *rest]), [(len(lead), len(lead) + len(town), *point)]


def _point(row: dict[str, str]) -> tuple[float, float] | None:
    try:
        return float(row["lat"]), float(row["lon"])
    except ValueError:
        return None


def found_names(documents: Sequence[Document], gazetteer: Gazetteer) -> tuple[float, float]:
    """(precision, recall) of mentions with coordinates by overlap with the gold, wherever they are put."""
    given = right = wanted = met = 0
    for text, gold in documents:
        spans = [(m.start, m.end) for m in mentions(text, gazetteer=gazetteer) if m.latitude is not None]
        given, wanted = given + len(spans), wanted + len(gold)
        right += sum(any(a < g[1] and g[0] < b for g in gold) for a, b in spans)
        met += sum(any(a < g[1] and g[0] < b for a, b in spans) for g in gold)
    return right / given, met / wanted


def most_populous(
    text: str, spans: Sequence[tuple[int, int]], gazetteer: Gazetteer
) -> list[tuple[float, float] | None]:
    """The baseline: of all places of the name the one with most people, whatever the text says."""
    found = []
    for start, end in spans:
        best = max(gazetteer.candidates(text[start:end]), key=lambda p: p.population, default=None)
        found.append((best.latitude, best.longitude) if best else None)
    return found


def accuracy(documents: Sequence[Document], gazetteer: Gazetteer, limits: Sequence[float]) -> tuple[list[float], ...]:
    """(baseline, ours): the shares within each limit (km)."""
    right = [[0] * len(limits), [0] * len(limits)]
    count = 0
    for text, gold in documents:
        spans = [(s, e) for s, e, *_ in gold]
        ours = [(m.latitude, m.longitude) if m.latitude is not None else None
                for m in resolve(text, spans, gazetteer=gazetteer)]  # fmt: skip
        for answers, tally in zip((most_populous(text, spans, gazetteer), ours), right, strict=True):
            for (_, _, *point), answer in zip(gold, answers, strict=True):
                away = distance_km((point[0], point[1]), answer) if answer else 1e9
                for i, limit in enumerate(limits):
                    tally[i] += away <= limit
        count += len(gold)
    return tuple([n / count for n in tally] for tally in right)


def speed(folder: Path) -> None:
    """Print seconds of loading, articles a second, and the most memory held, of a process of its own."""
    start = time.perf_counter()
    gazetteer = open_gazetteer()
    mentions("Load.", gazetteer=gazetteer)
    loaded = time.perf_counter() - start
    texts = [text for text, _ in local_news(folder)]
    start = time.perf_counter()
    for text in texts:
        mentions(text, gazetteer=gazetteer)
    rate = len(texts) / (time.perf_counter() - start)
    peak = _peak_mb()
    print(f"load {loaded:.2f} s (goal 3), {rate:.0f} articles a second (goal 50), {peak:.0f} MB (goal 500)")


def _peak_mb() -> float:
    """The most memory held; a child's ru_maxrss begins with its parent's, so that Linux's own count is read instead."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    held = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
    return (int(held) if held else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def _near_front(folder: Path) -> None:
    """Print what becomes of names near a front, and near those of other days, where they stand alone."""
    print(
        "\n| bare, near the front | names | right | without a place | wrong | over 200 km |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as place:
        archive = archive_of_the_front(folder, Path(place) / "front.gpkg", (NEAR_DAY, *OTHER_DAYS))
        first = names_near_front(folder, archive)
        lists = {f"{NEAR_DAY}, 200": [(NEAR_DAY, first[:200])], f"{NEAR_DAY}, the rest": [(NEAR_DAY, first[200:])]}
        lists["other days"] = [(day, names_near_front(folder, archive, day)) for day in OTHER_DAYS]
        for title, files in (
            ("shipped places", []),
            ("with the register", [folder / "gazetteer" / "ua_settlements.csv"]),
        ):
            gazetteer = open_gazetteer(archive=archive, files=files)
            for days, named in lists.items():
                _print_near_front(f"{title}, {days}", archive, gazetteer, named)


def _print_near_front(title: str, archive: Archive, gazetteer: Gazetteer, lists: list[tuple[str, list[Named]]]) -> None:
    found = [bare_near_front(archive, gazetteer, named, day) for day, named in lists]
    right, unplaced = sum(r for r, *_ in found), sum(len(u) for _, u, _ in found)
    wrong = [line for *_, lines in found for line in lines]
    far = sum(int(line.split()[0]) > 200 for line in wrong)
    count = right + unplaced + len(wrong)
    print(f"| {title} | {count} | {right} | {unplaced} | {len(wrong)} | {far} |", *wrong, sep="\n    ", flush=True)


def run(folder: Path) -> int:
    """Print the table and the speed."""
    world = open_gazetteer()
    near = open_gazetteer(countries=["UA", "RU", "BY", "MD"])
    register = folder / "gazetteer" / "ua_settlements.csv"
    listed = open_gazetteer(countries=["UA", "RU", "BY", "MD"], files=[register])
    print("| texts | mentions | within | population only | ours | goal |\n|---|---|---|---|---|---|")
    rows = [
        ("LGL", local_news, world, {161: ".848"}), ("GeoVirus", virus_news, world, {161: ".824"}),
        ("GeoVirus, units by the gazetteer's points", partial(unit_points, gazetteer=world), world, {161: ".90"}),
        ("Eyes on Russia", events, near, {25: "", 10: ""}),
        ("Eyes on Russia, Ukrainian register", events, listed, {25: ".87", 10: ""}),
    ]  # fmt: skip
    for name, read, gazetteer, goals in rows:
        documents = list(read(folder))
        base, ours = accuracy(documents, gazetteer, list(goals))
        count = sum(len(gold) for _, gold in documents)
        for (limit, goal), theirs, mine in zip(goals.items(), base, ours, strict=True):
            print(f"| {name} | {count:,} | {limit} km | {theirs:.3f} | {mine:.3f} | {goal} |", flush=True)
    print("\n| names found, every sixth article | precision | recall |\n|---|---|---|")
    for name, read in (("LGL", local_news), ("GeoVirus", virus_news)):
        print("| {} | {:.3f} | {:.3f} |".format(name, *found_names(list(read(folder))[::6], world)), flush=True)
    _near_front(folder)
    code = f"from pathlib import Path; from benchmarks.geoparsing import speed; speed(Path({str(folder)!r}))"
    return subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[1]).returncode

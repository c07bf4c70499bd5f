"""Files of less than 1 MB that are made to cost much, for each reader: ``python -m tests.fuzzing.structures [SOURCE …]``.

Many, long, deep, tangled, repeated: a file is imported into an archive by a process of its own, under limits.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import math
import multiprocessing
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
from shapely.geometry import Point

from geo.archive import open_archive
from geo.errors import GeoError
from geo.importing.importer import ensure_units, import_files
from geo.sources import KNOWN
from tests.fuzzing.corpus import OWN, Seed, kml, table, zipped
from tests.fuzzing.run import SECONDS, _alarm, attempt, bound_memory, read_and_admit_once

MOST = 1_000_000  # bytes of a file; what a zip or a gzip holds may be more
Ring = list[list[float]]
UNITS = ("{{", "<", "(", "[", "1 ", "51.1 ", "51.1, 35.2; ", "&amp;", '"', "'", "\\", "a.", " ", "\u200b", "а́", "ﷺ", "1,", "-1", "не ", "from ")  # fmt: skip
DEEP = 4_000


def square(west: float = 35.0, south: float = 51.0, size: float = 0.1) -> Ring:
    """A closed ring."""
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def star(corners: int) -> Ring:
    """A ring of which nearly each line crosses each other."""
    turn = 2 * math.pi * (corners // 2) / corners
    return [[35 + math.cos(turn * i) / 2, 51 + math.sin(turn * i) / 2] for i in [*range(corners), 0]]


def comb(teeth: int, *, is_upright: bool) -> Ring:
    """A valid ring of long teeth; one that stands and one that lies cross everywhere."""
    edge = [(i / teeth, (0.05, 0.95)[i % 4 in (1, 2)]) for i in range(teeth)] + [(1.0, 0.0), (0.0, 0.0)]
    ring = [[35 + x, 51 + y] if is_upright else [35 + y, 51 + x] for x, y in edge]
    return [*ring, ring[0]]


def spiral(turns: int) -> Ring:
    """A valid ring wound up on itself."""
    out = [(i / 40 * math.pi, 0.001 * i) for i in range(turns * 80)]
    back = [(turn, far + 0.01) for turn, far in reversed(out)]
    ring = [[35 + far / turns * math.cos(turn), 51 + far / turns * math.sin(turn)] for turn, far in out + back]
    return [*ring, ring[0]]


def needles(count: int) -> Ring:
    """Lines out and back through one point."""
    return [p for i in range(count) for p in ([35.0, 51.0], [35 + math.cos(i), 51 + math.sin(i)])] + [[35.0, 51.0]]


def checkers(side: int, size: float = 0.01) -> list[list[Ring]]:
    """Squares that touch at their corners alone."""
    return [[square(35 + x * size, 51 + y * size, size)] for x in range(side) for y in range(side) if (x + y) % 2]


# name -> polygons, each a list of rings
SHAPES: dict[str, Callable[[], list[list[Ring]]]] = {
    "star": lambda: [[star(1501)]],
    "stars": lambda: [[star(33)]] * 200,
    "combs": lambda: [[comb(2_000, is_upright=True)], [comb(2_000, is_upright=False)]],
    "spiral": lambda: [[spiral(120)]],
    "needles": lambda: [[needles(8_000)]],
    "checkers": lambda: checkers(100),
    "rounds": lambda: [[star(33) * 200]],
    "stack": lambda: [[square()]] * 6_000,
    "shifted": lambda: [[square(35 + i / 1e5, 51 + i / 2e5)] for i in range(4_000)],
    "nested": lambda: [[square(35 + i / 1e5, 51 + i / 1e5, 0.2 - 2 * i / 1e5) for i in range(4_000)]],
    "nested shells": lambda: [[square(35 + i / 1e5, 51 + i / 1e5, 0.2 - 2 * i / 1e5)] for i in range(4_000)],
    "equal holes": lambda: [[square(size=1.0), *[square(35.2, 51.2)] * 5_000]],
    "crossing holes": lambda: [[square(size=1.0), *[square(35.2 + i / 1e4, 51.2 + i / 1e4) for i in range(4_000)]]],
    "hole grid": lambda: [[square(size=1.0), *[r for [r] in checkers(80)]]],
    "slivers": lambda: [[square(35 + i / 1e3, 51, 1e-13)] for i in range(5_000)],
    "back and forth": lambda: [[[[35 + i % 2, 51.0] for i in range(40_000)] + [[35.0, 51.5], [35.0, 51.0]]]],
    "longer and longer": lambda: [[[[35 + i % 2 * i / 2e4, 51.0] for i in range(20_000)] + [[35.0, 51.5], [35.0, 51.0]]]],
    "a line a hundred times": lambda: [[[[35 + i % 2, 51 + i // 100 / 1e4] for i in range(20_000)] + [[35.0, 51.0]]]],
    "zigzag over 180": lambda: [[[[180 + (-1) ** i, i / 500] for i in range(20_000)] + [[179.0, 0.0]]]],
    "whole world": lambda: [[square(-180.0, -90.0, 180.0), *[square(i % 300 - 170.0, i // 300 - 80.0, 0.5) for i in range(6_000)]]],
    "long positions": lambda: [[[[*p, *[0.0] * 30_000] for p in square()]]],
    "long numbers": lambda: [[[[35 + i / 3e15, 51 + i / 7e15] for i in range(15_000)] + [[35.0, 51.0]]]],
    "positions": lambda: [[[[35 + math.cos(i / 1e3), 51 + math.sin(i / 1e3) / 2] for i in range(6_283)] + [[36.0, 51.0]]]] * 3,
}  # fmt: skip


def feature(properties: Any, geometry: Any) -> dict[str, Any]:
    """A GeoJSON feature."""
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def of_polygons(seed: Seed) -> Iterator[tuple[str, bytes]]:
    """GeoJSON with the seed's own properties."""
    document = json.loads(seed.content)
    inner = document.get("value", document)
    given = inner["features"][0]["properties"]
    text = next((k for k, v in given.items() if isinstance(v, str)), "name")

    def made(features: list[dict[str, Any]]) -> bytes:
        inner["features"] = features
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()

    one = {"type": "Polygon", "coordinates": [square()]}
    for name, shape in SHAPES.items():
        polygons = shape()
        yield f"{name}, parts", made([feature(given, {"type": "MultiPolygon", "coordinates": polygons})])
        if len(polygons) > 1:
            rows = [feature(given, {"type": "Polygon", "coordinates": rings}) for rings in polygons]
            yield f"{name}, rows", made(rows[: MOST // (len(made(rows[:1])) + 1)])
    for unit in UNITS:
        yield (
            f"text of {unit!r}",
            made([feature({**given, text: f"{given.get(text, '')}{unit * (100_000 // len(unit))}"}, one)]),
        )
    yield "many keys", made([feature({**given, **{f"k{i}": i for i in range(30_000)}}, one)])
    yield "keys of rows", made([feature({**given, f"k{i % 1_900}": ""}, one) for i in range(4_000)])
    yield "texts of rows", made([feature({**given, text: f"{given.get(text, '')} {i}"}, one) for i in range(4_000)])
    yield (
        "days of rows",
        made([feature({**given, "date": f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}"}, one) for i in range(4_000)]),
    )
    yield "no geometry", made([feature(given, None)] * 8_000)
    collection: dict[str, Any] = one
    for _ in range(300):
        collection = {"type": "GeometryCollection", "geometries": [collection]}
    yield "nested collections", made([feature(given, collection)])
    yield "wide collection", made([feature(given, {"type": "GeometryCollection", "geometries": [one] * 4_000})])
    deep = made([feature({**given, "deep": "@"}, one)])
    yield "deep property", deep.replace(b'"@"', b"[" * DEEP + b"]" * DEEP)
    yield "one key often", deep.replace(b'"deep":"@"', b",".join([b'"deep":1'] * 90_000))
    yield "digits", deep.replace(b'"@"', b"1" * 4_000 + b"." + b"1" * 900_000)


def arcs(count: int) -> list[Ring]:
    """Open lines, one after the other round a square of many positions."""
    return [[[35 + i / count, 51.0], [35 + (i + 1) / count, 51.0]] for i in range(count)]


def of_topologies(properties: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """TopoJSON: arcs that are few, many, repeated, backwards, of nothing."""

    def made(lines: Any, *shapes: Any, **more: Any) -> bytes:
        objects = {f"o{i}": {**shape, "properties": properties} for i, shape in enumerate(shapes)}
        return json.dumps({"type": "Topology", "arcs": lines, "objects": objects, **more}).encode()

    ring = {"type": "Polygon", "arcs": [[0]]}
    nested: dict[str, Any] = ring
    for _ in range(300):
        nested = {"type": "GeometryCollection", "geometries": [nested]}
    yield "one arc often", made([square()], {"type": "Polygon", "arcs": [[0] * 90_000]})
    yield "one ring often", made([square()], {"type": "MultiPolygon", "arcs": [[[0]]] * 60_000})
    yield "forth and back", made([square()], {"type": "Polygon", "arcs": [[0, -1] * 40_000]})
    yield "many arcs", made(arcs(8_000), {"type": "Polygon", "arcs": [[*range(8_000)]]})
    yield "arcs that nobody uses", made(arcs(8_000), ring)
    yield "many objects", made([square()], *[ring] * 6_000)
    yield "nested topology", made([square()], nested)
    yield (
        "deltas",
        made([[[35, 51], *[[1, -1]] * 80_000, [0, 0]]], ring, transform={"scale": [1e-9, 1e-9], "translate": [0, 0]}),
    )
    yield "star of arcs", made([star(1501)], ring)


def of_tables(seed: Seed) -> Iterator[tuple[str, bytes]]:
    """CSV with the seed's own columns."""
    head, first = list(csv.reader(seed.content.decode().splitlines()))[:2]
    row = dict(zip(head, first, strict=True))
    key = head[0]
    texts = [k for k, v in row.items() if v and not any(c.isdigit() for c in v) and k != "confirm"]

    def rows(count: int, **change: Callable[[int], str]) -> bytes:
        return table(*({**row, **{k: give(i) for k, give in change.items()}} for i in range(count)))[:MOST]

    text = texts[-1] if texts else key
    for unit in UNITS:
        yield f"text of {unit!r}", table({**row, text: unit * (100_000 // len(unit))})
    yield "columns", table({**row, **{f"c{i}": "" for i in range(30_000)}})
    yield "one column often", seed.content.replace(b"\n", b"," + b",".join([head[-1].encode()] * 30_000) + b"\n", 1)
    yield "rows", rows(20_000, **{key: lambda i: f"n{i}"})
    yield "one id", rows(20_000)
    yield "names", rows(20_000, **{key: lambda i: f"n{i}"} | {k: lambda i: f"name {i}" for k in texts})
    yield (
        "other days",
        rows(
            8_000,
            **{key: lambda i: f"n{i}"}
            | {k: lambda i: f"{i % 28 + 1}.{i % 12 + 1}.{i % 60:02}" for k in head if "date" in k},
        ),
    )
    yield "no numbers", rows(8_000, **{key: lambda i: f"n{i}", "latitude": lambda i: "1" * 90})
    yield "places of all kinds", rows(8_000, **{key: lambda i: f"n{i}", "latitude": lambda i: f"{i % 90}° {i % 60}' N"})
    yield "an open quotation", seed.content + b'"' + b"a,b\n" * 200_000
    yield "quotations", seed.content + b'""""' * 200_000
    yield "blank lines", seed.content + b"\n" * 900_000
    yield "commas", seed.content + b"," * 900_000
    yield "ragged rows", seed.content + b"\n".join(b"x," * (i % 90) for i in range(9_000))
    yield "ends of lines", seed.content.replace(b"\n", b"\r") + b"\r" * 900_000
    yield "zeros", seed.content + b"\0" * 900_000
    yield "wide letters", (seed.content.decode() * 100).encode("utf-32")
    names = [{**row, key: f"n{i}", f"k{i % 1_900}": ""} for i in range(2_000)]
    yield "keys of an answer", json.dumps({"data": names}).encode()[: MOST * 2]
    yield "one long cell", table({**row, key: "9" * 900_000})


def of_records(seed: Seed) -> Iterator[tuple[str, bytes]]:
    """JSON records with the seed's own keys."""
    (record,) = json.loads(seed.content)

    def made(rows: Any) -> bytes:
        return json.dumps(rows, ensure_ascii=False).encode()[:MOST]

    for unit in UNITS:
        yield f"text of {unit!r}", made([{**record, "description": unit * (100_000 // len(unit))}])
    yield "records", made([{**record, "id": f"n{i}", "filters": [], "description": ""} for i in range(5_000)])
    yield "one id", made([record] * 5_000)
    yield "sources", made([{**record, "sources": [{"path": f"https://example.org/{i}"} for i in range(20_000)]}])
    yield "filters", made([{**record, "filters": [{"key": f"k{i}", "value": "v"} for i in range(20_000)]}])
    yield "keys", made([{**record, **{f"k{i}": i for i in range(40_000)}}])
    yield "keys of records", made([{**record, f"k{i % 1_900}": i} for i in range(4_000)])
    yield "deep", made([{**record, "deep": "@"}]).replace(b'"@"', b"[" * DEEP + b"]" * DEEP)


def mark(inside: str, before: str = "<name>ru</name><styleUrl>#ru</styleUrl>") -> str:
    """A placemark."""
    return f"<Placemark>{before}{inside}</Placemark>"


def of_marks(seed: Seed) -> Iterator[tuple[str, bytes]]:
    """KML with the seed's own placemark, and one of a polygon."""
    text = seed.content.decode()
    body = text[text.index("<Document>") + 10 : text.index("</Document>")]

    def ring(positions: Ring, kind: str = "outer") -> str:
        told = " ".join(f"{p[0]:.12g},{p[1]:.12g}" for p in positions)
        return f"<{kind}BoundaryIs><LinearRing><coordinates>{told}</coordinates></LinearRing></{kind}BoundaryIs>"

    def area(rings: list[Ring]) -> str:
        return f"<Polygon>{ring(rings[0])}{''.join(ring(hole, 'inner') for hole in rings[1:])}</Polygon>"

    for name in ("star", "combs", "spiral", "equal holes", "nested", "stack", "needles", "checkers"):
        parts = [area(rings) for rings in SHAPES[name]()]
        yield name, kml(body + mark(f"<MultiGeometry>{''.join(parts[: 990_000 // len(parts[0])])}</MultiGeometry>"))
    for unit in UNITS:
        safe = unit.replace("&amp;", "&").replace("&", "&amp;").replace("<", "&lt;") * (100_000 // len(unit))
        yield (
            f"text of {unit!r}",
            kml(
                body.replace("</name>", f" {safe}</name>")
                + mark(area([square()]), f"<description>{safe}</description>")
            ),
        )
    yield "marks", kml(body * (900_000 // len(body)))
    yield "folders", kml("<Folder><name>ru</name>" * 2_000 + body + "</Folder>" * 2_000)
    yield "nested shapes", kml(mark("<MultiGeometry>" * 3_000 + area([square()]) + "</MultiGeometry>" * 3_000))
    yield (
        "styles",
        kml(
            "".join(
                f'<Style id="s{i}"/><StyleMap id="m{i}"><Pair><key>normal</key><styleUrl>#m{i + 1}</styleUrl></Pair></StyleMap>'
                for i in range(6_000)
            )
            + body
        ),
    )
    yield (
        "data",
        kml(
            mark(
                "<ExtendedData>"
                + "<Data name='a'><value>1</value></Data>" * 20_000
                + "</ExtendedData>"
                + area([square()])
            )
        ),
    )
    yield (
        "times",
        kml(
            "".join(
                mark(f"<TimeStamp><when>2024-{i % 12 + 1:02}-{i % 28 + 1:02}</when></TimeStamp>{area([square()])}")
                for i in range(3_000)
            )
        ),
    )
    yield "attributes", kml("<Folder " + " ".join(f"a{i}='1'" for i in range(40_000)) + f">{body}</Folder>")
    yield "namespaces", kml("<Folder " + " ".join(f"xmlns:a{i}='u{i}'" for i in range(20_000)) + f">{body}</Folder>")
    yield "unknown prefixes", kml("".join(f"<p{i}:x/>" for i in range(20_000)) + body)
    yield "comments", kml("<!---->" * 100_000 + body)
    yield "blanks", kml(body.replace(" ", " " * 100_000, 1))
    yield "bare signs", kml(body + "<Folder><name>" + "& " * 400_000 + "</name></Folder>")


def of_zips(seed: Seed) -> Iterator[tuple[str, bytes]]:
    """Zips that hold much, often, or each other."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(6_000):
            archive.writestr(f"{i}.kml", b"x")
    yield "entries", out.getvalue()[:MOST]
    inside = b"x" * 1000
    for _ in range(200):
        inside = zipped("doc.kml.zip", inside)
    yield "zips in zips", inside
    yield "blanks inside", zipped("doc.kml", kml(" " * 100_000_000))
    yield "one word inside", zipped("doc.kml", kml("<Folder>" * 5_000_000))


def shapefile(count: int, columns: int, text: str = "x") -> dict[str, bytes]:
    """The parts of a layer of points with Esri's own names of columns."""
    more = {f"c{i}": [text] * count for i in range(columns)}
    frame = gpd.GeoDataFrame({"event_id": range(count), "event_type": [text] * count, "event_date": ["2025-01-11"] * count, **more},
                             geometry=[Point(35, 51)] * count, crs="EPSG:4326")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        frame.to_file(Path(name) / "layer.shp")
        return {path.suffix: path.read_bytes() for path in sorted(Path(name).iterdir())}


def of_layers() -> Iterator[tuple[str, bytes]]:
    """Zipped shapefiles: many rows, columns and layers; headers that promise more than there is."""

    def made(*layers: dict[str, bytes]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for i, layer in enumerate(layers):
                for ending, content in layer.items():
                    archive.writestr(f"layer{i}{ending}", content)
        return out.getvalue()

    small = shapefile(1, 0)
    yield "rows", made(shapefile(15_000, 0))
    yield "columns", made(shapefile(3, 240))
    yield "rows and columns", made(shapefile(2_000, 100))
    yield "layers", made(*[small] * 800)
    for ending, at, width in ((".dbf", 4, "<I"), (".dbf", 8, "<H"), (".dbf", 10, "<H"), (".shp", 24, ">I"), (".shx", 24, ">I"), (".shp", 104, ">I")):  # fmt: skip
        for value in (0, 1, 0x7FFF, 2 ** (8 * struct.calcsize(width)) - 1):
            content = bytearray(small[ending])
            struct.pack_into(width, content, at, value)
            yield f"{ending} at {at}: {value}", made(small | {ending: bytes(content)})
    yield "a long projection", made(small | {".prj": b"PROJCS[" * 200_000})
    yield "projections in brackets", made(small | {".prj": small[".prj"].replace(b"GEOGCS[", b"GEOGCS[" * 3_000)})
    yield "blanks in a table", made(small | {".dbf": small[".dbf"] + b" " * 100_000_000})


def of_modules(seed: Seed) -> Iterator[tuple[str, bytes]]:
    """Modules of dots: many of them, long ones, and signs that are opened and never closed."""
    mark = b' { lat = "50.1", long = "36.2", mark = "Map-ctl2-red+yellow.svg", label = "%d" },\n'
    yield "marks", b"return { marks = {\n" + b"".join(mark % n for n in range(MOST // len(mark))) + b"} }\n"
    for what, sign in (("braces", b"{"), ("spaces", b" "), ("quotes", b'"'), ("words", b"a"), ("names", b'a = "b",'),
                       ("links", b"[["), ("marks that do not end", b'{ mark = "red'), ("backslashes", b"\\")):  # fmt: skip
        yield what, seed.content + sign * (MOST // len(sign))
        yield f"{what} in a mark", b'{ mark = "red", label = "' + sign * (MOST // len(sign)) + b'" }\n'
        yield f"{what} on lines", b"\n".join([sign] * (MOST // (len(sign) + 1)))


def structured(source: str) -> Iterator[tuple[str, Seed]]:
    """What each file tries, and the file."""
    for seed in OWN.get(source, ()):
        name = seed.name
        ending = name.rpartition(".")[2]
        way = {"csv": of_tables, "kml": of_marks, "kmz": of_zips, "lua": of_modules}.get(ending)
        way = way or (of_records if source == "bellingcat" else of_polygons)
        yield from ((f"{ending}: {tried}", Seed(name, content)) for tried, content in way(seed))
        if ending == "csv":
            yield "csv in gzip", Seed(f"{name}.gz", gzip.compress(seed.content + b"\n" * 100_000_000))
    if source in ("isw", "vector"):
        given = json.loads(OWN[source][0].content)["features"][0]["properties"]
        stem = OWN[source][0].name.rpartition(".")[0]
        yield from ((f"topojson: {tried}", Seed(f"{stem}.json", content)) for tried, content in of_topologies(given))
    if source == "isw-events":
        yield from ((f"zip: {tried}", Seed("Events.zip", content)) for tried, content in of_layers())


def _imported(source: str, archive: Path, path: Path, answer: Any) -> None:
    def take() -> None:
        (receipt,) = import_files(archive, source, path)
        if receipt.outcome == "refused":
            raise GeoError(receipt.error)

    signal.signal(signal.SIGPROF, _alarm)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bound_memory()
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))  # no alarm is heard inside of a library
    start = time.process_time()
    outcome = attempt(take)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer.send((outcome, seconds, (peak - before) / 1024))


def tried(source: str, only: str = "", keep: Path | None = None) -> Iterator[tuple[str, str, float, float]]:
    """Of each file what it tries, what came of it, seconds of a processor and MiB more than at rest."""
    warnings.simplefilter("ignore")
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = open_archive(folder / "base.gpkg")
        ensure_units(archive)
        archive.close()
        read_and_admit_once(source)
        for what, seed in structured(source):
            if only not in what:
                continue
            home = folder / "one"
            for _ in range(2):  # what was slow is asked once more: a busy machine's cache is no fault of a reader
                home.mkdir()
                shutil.copy(archive.path, home / "a.gpkg")
                path = home / seed.name
                path.write_bytes(seed.content)
                hear, say = fork.Pipe(duplex=False)
                child = fork.Process(target=_imported, args=(source, home / "a.gpkg", path, say))
                child.start()
                say.close()
                try:
                    outcome, seconds, mib = hear.recv()
                except EOFError:
                    outcome, seconds, mib = "died", 0.0, 0.0
                child.join()
                shutil.rmtree(home)
                if seconds <= SECONDS:
                    break
            if seconds > SECONDS and outcome in ("read", "refused"):
                outcome = f"too slow: {outcome} after {seconds:.1f} s"
            if keep is not None and outcome not in ("read", "refused"):
                keep.mkdir(parents=True, exist_ok=True)
                kept = keep / f"{source}-{''.join(c if c.isalnum() else '-' for c in what)}-{seed.name}"
                kept.write_bytes(seed.content)
            yield what, outcome, seconds, mib


def main(args: list[str]) -> int:
    """Print a line a source; 1 where a file was not read or refused within its budget."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", nargs="*", default=KNOWN)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="", help="words of what a file tries")
    parser.add_argument("--each", action="store_true", help="a line for each file, too")
    given = parser.parse_args(args)
    bad = False
    for source in given.source or KNOWN:
        found = []
        for one in tried(source, given.only, given.keep):
            found.append(one)
            if given.each:
                print(source, *one, sep="\t", flush=True)
        if not found:
            continue
        faults = [f"{what}: {outcome}" for what, outcome, _, _ in found if outcome not in ("read", "refused")]
        counts = {kind: sum(outcome == kind for _, outcome, _, _ in found) for kind in ("read", "refused")}
        print(json.dumps({"source": source, "files": len(found), **counts, "slowest_s": round(max(f[2] for f in found), 2),
                          "most_mib": round(max(f[3] for f in found)), "faults": faults}), flush=True)  # fmt: skip
        bad = bad or bool(faults)
    return int(bad)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

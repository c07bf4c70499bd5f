"""What public names say of themselves: valid numpydoc, examples that run, and errors that do occur."""

from __future__ import annotations

import doctest
import inspect
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import geo
from geo.archive import Archive, open_archive
from geo.cli.demo import build, seeds
from geo.importing.importer import import_files
from geo.sources.vector import read_toml

METHODS = {f"Archive.{name}": getattr(Archive, name) for name in dir(Archive) if not name.startswith("_")}
NAMES = {name: getattr(geo, name) for name in geo.__all__ if name != "__version__"} | METHODS
# what cannot fail has no section of errors
NEVER_FAILS = {"Archive.close"}
# numpydoc's demands that say nothing here: one-line openings, a full stop behind types, "See Also", capital letters
PASSED_OVER = {
    "GL01", "GL02", "GL03", "SA01", "SA04", "ES01", "SS05", "SS06", "PR08", "PR09", "RT03", "RT04", "RT05",
}  # fmt: skip


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example archive, and `pair`, which has control by two sources."""
    folder = tmp_path_factory.mktemp("example")
    build(folder / "data" / "kursk.gpkg").close()
    pair = Path(shutil.copy(folder / "data" / "kursk.gpkg", folder / "pair.gpkg"))
    credit, options = read_toml(seeds() / "control.toml")
    earlier = seeds() / "control" / "2024-11-23.geojson"
    other = replace(credit, name="other", title="Another desk")
    import_files(pair, "vector", earlier, options=replace(options, date="2025-01-10"), credit=other)
    (folder / "towns.csv").write_text("settlement,date,side\nSudzha,2024-08-15,UA\n", encoding="utf-8")
    import_files(pair, "settlements", folder / "towns.csv")
    open_archive(pair).close()
    row = {"event_id": "a", "date_start": "2025-01-11", "latitude": 51.2, "longitude": 35.3}
    pd.DataFrame([row]).to_parquet(folder / "rows.parquet")
    pd.DataFrame([row | {"latitude": 95.0}]).to_parquet(folder / "wrong.parquet")
    return folder


@pytest.fixture
def names(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What examples may use: `geo`, the archive that `geo demo` builds, and `pair`; in a folder of their own."""
    for path in ("data/kursk.gpkg", "pair.gpkg", "rows.parquet", "wrong.parquet"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(built / path, tmp_path / path)
    shutil.copytree(seeds(), tmp_path / "seeds")
    monkeypatch.chdir(tmp_path)
    archive, pair = open_archive("data/kursk.gpkg"), open_archive("pair.gpkg")
    yield {"geo": geo, "archive": archive, "pair": pair}
    archive.close()
    pair.close()


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs(name: str, names: dict[str, Any]) -> None:
    doc = inspect.getdoc(NAMES[name]) or ""
    example = doctest.DocTestParser().get_doctest(doc, names, name, None, None)
    assert example.examples, f"{name} has no example"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(example, out=said.append)
    assert not runner.failures, "".join(said)


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_is_valid_numpydoc(name: str) -> None:
    target = NAMES[name]
    found = validate(f"{target.__module__}.{target.__qualname__}")["errors"]
    assert [e for e in found if e[0] not in PASSED_OVER] == []
    sections = NumpyDocString(inspect.getdoc(target) or "")
    if inspect.isfunction(target):
        answers = bool(sections["Returns"] or sections["Yields"])
        assert answers == (inspect.signature(target).return_annotation != "None")
        assert sections["Raises"] or name in NEVER_FAILS


# of each method what it is called with, and of each error what is called otherwise
WHERE, DAYS, TWO = (51.19, 35.27), ("2024-11-23", "2025-01-11"), {"sources": ["other", "seeds"]}
GROUND = gpd.GeoDataFrame({"name": ["G"]}, geometry=[shapely.box(35.0, 51.1, 35.2, 51.3)], crs=4326)
TOWN = gpd.GeoDataFrame({"name": ["S"]}, geometry=[shapely.Point(35.27, 51.19)], crs=4326)
EVENT = gpd.GeoDataFrame({"event_id": ["a"], "date_start": ["2025-01-11"]}, geometry=[shapely.Point(35, 51)], crs=4326)
IN_PAIR = ("compare", "settlements")  # what is asked of the archive of two sources
CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "change": (DAYS, {}), "changed": (DAYS, {}), "explain_change": (DAYS, {}), "front_movement": (DAYS, {}),
    "changed_hands": ((TOWN, *DAYS), {}),
    "compare": ((), TWO), "compare_span": (("2025-01-10", "2025-01-11"), TWO | {"lag_days": 0}),
    "add_control": ((GROUND,), {"source": "desk", "date": "2025-01-11", "controller": "UA", "status": "held"}),
    "add_incidents": ((EVENT,), {"dataset": "desk"}), "add_units": ((GROUND,), {"boundary": "desk", "level": 2}),
    "polygons": (("seeds",), {}), "retract": (("seeds@2025-01-11",), {"why": "wrong"}),
    "set_accuracy": (("seeds", 1.0), {}), "set_coverage": (("seeds", ["RU-KRS"]), {}), "name_side": (("UA",), {"aliases": ["Kyiv's forces"]}),
    "set_rule": (("embargo", "72"), {}), "unit": (("UA",), {}),
    "attach": (("data/many", ["rows.parquet"]), {"dataset": "many"}), "detach": (("data/many",), {}),
    "compare_places": (("2025-01-11",), TWO | {"places": TOWN}), "settlements": (("2025-01-11",), {}),
    "who": (WHERE, {}), "explain": ((), {"status": "held"}),
}  # fmt: skip
# error -> what is asked otherwise, the first that the method takes: a parameter and its value
SPOILED: dict[str, list[tuple[str, Any]]] = {
    "GateError": [("date", "some day"), ("from_", "2025-02-30"), ("as_known_on", "soon"), ("since", "soon"),
                  ("gdf", GROUND.drop(columns="name").set_geometry(shapely.points([[35, 51]]))),
                  ("files", ["wrong.parquet"])],
    "FileError": [("files", ["none.parquet"])],
    "NoSnapshotError": [("date", "2020-01-01"), ("to", "2020-01-01"), ("from_", "2020-01-01")],
    "SourceError": [("sources", ["seeds", "nobody"]), ("source", "nobody")],
    "UnitError": [("within", "Nowhere"), ("wanted", "Nowhere"), ("units", ["Nowhere"]), ("level", 7)],
    "UsageError": [
        ("gdf", GROUND.set_crs(None, allow_override=True)), ("sources", ["seeds"]), ("max_age_days", -1), ("status", "lost"), ("lat", 91.0), ("accuracy_km", -1.0),
        ("why", " "), ("kind", "silence"), ("inset_km", -1.0), ("colour", "blue"), ("folder", ".."),
    ],
    "ArchiveError": [("snapshot", "seeds@2020-01-01")],
}  # fmt: skip
RAISES = [
    (name, error.type)
    for name, method in METHODS.items()
    for error in NumpyDocString(inspect.getdoc(method) or "")["Raises"]
]


@pytest.mark.parametrize(("name", "error"), RAISES)
def test_an_error_that_is_named_occurs(name: str, error: str, names: dict[str, Any]) -> None:
    method = name.removeprefix("Archive.")
    archive: Archive = names["pair"] if method.startswith(IN_PAIR) else names["archive"]
    args, options = CALLS.get(method, ((), {}))
    bound = inspect.signature(METHODS[name]).bind(archive, *args, **options)
    if error == "ArchiveError" and method != "retract":
        archive.path.write_bytes(b"SQLite format 3\0 and nothing that follows")
    else:
        known = inspect.signature(METHODS[name]).parameters
        bound.arguments.update([next((n, v) for n, v in SPOILED[error] if n in known)])
    with pytest.raises(geo.GeoError) as raised:
        enter(METHODS[name](*bound.args, **bound.kwargs))
    assert type(raised.value).__name__ == error


def enter(answer: Any) -> None:
    """A context manager raises where it is entered."""
    if hasattr(answer, "__enter__"):
        with answer:
            pass


@pytest.mark.parametrize("name", METHODS)
def test_an_error_that_occurs_is_named(name: str, names: dict[str, Any]) -> None:
    method = METHODS[name]
    archive: Archive = names["pair"] if name.removeprefix("Archive.").startswith(IN_PAIR) else names["archive"]
    args, options = CALLS.get(name.removeprefix("Archive."), ((), {}))
    named = {error.type for error in NumpyDocString(inspect.getdoc(method) or "")["Raises"]}
    raised = {}
    for parameter, value in (pair for pairs in SPOILED.values() for pair in pairs):
        bound = inspect.signature(method).bind(archive, *args, **options)
        if parameter in inspect.signature(method).parameters:
            bound.arguments[parameter] = value
            try:
                method(*bound.args, **bound.kwargs)
            except geo.GeoError as error:
                raised[parameter] = type(error).__name__
    assert set(raised.values()) <= named, raised

"""The errors that the functions of ``import geo`` name: each occurs, and no other does."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import GeneratorType
from typing import Any

import pandas as pd
import pytest
from numpydoc.docscrape import NumpyDocString
from test_docstrings import built, names

import geo
from geo.archive import Archive, open_archive

__all__ = ["built", "names"]

PLAIN = {"draw_basemap": False}
HELD = "Ukraine holds 500 km² of Kursk region."
FUNCTIONS = {
    "back_up": {"archive": "data/kursk.gpkg", "copy": "copy.gpkg"},
    "build_site": {"folder": "site", "from_": "2025-01-11", "with_downloads": False},
    "check_archive": {"path": "data/kursk.gpkg"},
    "check_claim": {"claim": geo.read_claim(HELD, date="2025-01-11")},
    "compare_claims": dict.fromkeys(("first", "second"), geo.read_claim(HELD, date="2025-01-11")),
    "draw_brief": {"date": "2025-01-11", "path": "brief.html"},
    "draw_chart": {"path": "chart.svg"},
    "draw_comparison": {"sources": ["other", "seeds"], **PLAIN},
    "draw_dates": {"from_": "2024-11-23", "to": "2025-01-11", **PLAIN},
    "draw_map": PLAIN,
    "draw_maps": {"folder": "maps", "from_": "2025-01-11", **PLAIN},
    "draw_movie": {"path": "kursk.gif", "from_": "2025-01-11"},
    "draw_picture": {"path": "kursk.png", **PLAIN},
    "draw_timeline": PLAIN,
    "find_claims": {"text": HELD},
    "geocode": {"text": "Sudzha"},
    "import_files": {"source": "incidents", "paths": "seeds/incidents.csv"},
    "open_archive": {"path": "data/kursk.gpkg"},
    "open_gazetteer": {},
    "read_briefing": {"briefing": "seeds/briefing-2025-01-11.txt"},
    "read_claim": {"text": HELD},
    "repair_archive": {"archive": "data/kursk.gpkg", "copy": "repaired.gpkg"},
    "run_daily": {"plan": "plan.toml"},
    "serve": {"folder": "site"},
    "show": {"table": pd.DataFrame()},
}  # fmt: skip
# a parameter, and what it is not given in earnest
SPOILED: dict[str, list[Any]] = {
    "date": ["some day", "2020-01-01"], "from_": ["2025-02-30", "2020-01-01"], "to": ["2020-01-01"],
    "as_known_on": ["soon"], "since": ["soon"], "source": ["nobody"], "sources": [["seeds", "nobody"], ["seeds"]],
    "within": ["Nowhere", "UA-43"], "status": ["lost"], "lang": ["xx"], "colours": [{"UA": "x"}], "shape": ["round"],
    "theme": ["pink"], "view": ["up"], "path": ["chart.xyz", "seeds", "seeds/claims.csv/b.html", "seeds/claims.csv/b.png", "seeds/claims.csv/b.gif"],
    "countries": [["QQQ"]], "encoding": ["nope"], "base_url": ["nowhere"], "by": ["x"], "within_percent": [-1.0],
    "first": [geo.Claim(text="x")], "copy": ["data/kursk.gpkg", "seeds/claims.csv/copy.gpkg"], "paths": [[]],
    "briefing": ["none.txt"], "folder": ["seeds", "seeds/claims.csv/site"], "plan": ["seeds/control.toml"],
    "files": [["none.tsv"]], "templates": ["nowhere"], "table": [1], "tiles": ["no address"],
}  # fmt: skip
# a span may begin before the first map: nothing is wrong, and every day would be drawn
SPANS = ("build_site", "draw_maps", "draw_movie")
# what needs a machine, a network or a second run of another kind; tests of their own provoke these
ELSEWHERE = {
    "build_site": {"BusyError", "MapError"}, "draw_timeline": {"MapError"}, "geocode": {"FileError"}, "run_daily": {"ArchiveError", "BusyError"},
    "draw_brief": {"MapError"}, "draw_dates": {"MapError"}, "import_files": {"ArchiveError"},
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_errors_of_a_function_are_those_that_it_names(name: str, names: dict[str, Any]) -> None:
    function = getattr(geo, name)
    known = inspect.signature(function).parameters
    named = {error.type for error in NumpyDocString(inspect.getdoc(function) or "")["Raises"]}
    given: dict[str, Any] = dict(FUNCTIONS[name])
    if "archive" in known:
        given.setdefault("archive", names["pair"] if name == "draw_comparison" else names["archive"])
    spoiled = [
        (n, v) for n in known for v in SPOILED.get(n, []) if (n, v) != ("from_", "2020-01-01") or name not in SPANS
    ]
    spoiled += damaged(given)
    raised: dict[str, tuple[str, str]] = {}
    for parameter, value in spoiled:
        try:
            used_up(function(**given | {parameter: value}))
        except geo.GeoError as error:
            raised.setdefault(type(error).__name__, (parameter, str(error)))
    assert raised.keys() <= named, {k: v for k, v in raised.items() if k not in named}
    assert named - raised.keys() <= ELSEWHERE.get(name, set())


def damaged(given: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments that are archives, as one that is no archive any more."""
    path = Path("damaged.gpkg")
    path.write_bytes(b"SQLite format 3\0 and nothing that follows")
    for name, value in given.items():
        if isinstance(value, Archive):
            yield name, open_archive(path)
        elif name in ("archive", "path") and str(value).endswith(".gpkg"):
            yield from ((name, path), (name, "none.gpkg"))


def used_up(answer: Any) -> None:
    if isinstance(answer, GeneratorType):
        list(answer)

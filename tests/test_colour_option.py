"""The option --colour: every verb that draws sides has it, and what it cannot do is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from geo.archive import Archive
from geo.cli import demo, main

DRAWING = {"map", "maps", "timeline", "compare-dates", "picture", "chart", "movie", "brief", "site"}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return demo.build(tmp_path_factory.mktemp("colours") / "kursk.gpkg")


def test_every_verb_that_draws_sides_has_it() -> None:
    having = {name for name, verb in main.commands.items() if any("--colour" in p.opts for p in verb.params)}
    assert having == DRAWING | {"sides"}  # which keeps it in the archive


def test_a_side_has_the_colour_that_was_asked_for(example: Archive, tmp_path: Path) -> None:
    out = tmp_path / "F.svg"
    given = ["picture", str(example.path), "--no-front", "-o", str(out)]
    assert CliRunner().invoke(main, given).exit_code == 0
    assert "#12ab34" not in out.read_text(encoding="utf-8")
    assert CliRunner().invoke(main, [*given, "--colour", "UA=#12ab34"]).exit_code == 0
    assert "#12ab34" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [("UA=green", "write it as #rrggbb"), ("#12ab34", "SIDE=#RRGGBB"), ("XX=#12ab34", "its sides: UA"), ("UA=", "''")],
)
def test_what_is_wrong_is_said(example: Archive, tmp_path: Path, given: str, said: str) -> None:
    made = CliRunner().invoke(main, ["map", str(example.path), "--colour", given, "-o", str(tmp_path / "F.html")])
    assert made.exit_code == 2
    assert said in made.output
    assert not (tmp_path / "F.html").exists()

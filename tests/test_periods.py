"""Periods: every form in every language, on every verb and argument that takes a date, and what the answer repeats."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from geo.archive import Archive, open_archive
from geo.cli import main
from geo.cli.common import When
from geo.cli.demo import build
from geo.errors import GateError
from geo.output.html.map_page import draw_map, save_map
from geo.text.periods import read_period

LAST = date(2025, 1, 11)
TODAY = date(2026, 11, 29)
# words -> the first day and the last, counted from 11 January 2025
FORMS = {
    "2024-12": ("2024-12-01", "2024-12-31"),
    "1 December 2024": ("2024-12-01",) * 2,
    "1 грудня 2024": ("2024-12-01",) * 2,
    "30 days": ("2024-12-12",) * 2,
    "1 month": ("2024-12-11",) * 2,
    "last month": ("2024-12-01", "2024-12-31"),
    "the 1st": ("2025-01-01",) * 2,
}
MORE = {
    "2024": ("2024-01-01", "2024-12-31"),
    "1 грудня 2024 року": ("2024-12-01",) * 2,
    "1 декабря 2024 г.": ("2024-12-01",) * 2,
    "1. Dezember 2024": ("2024-12-01",) * 2,
    "1er décembre 2024": ("2024-12-01",) * 2,
    "1 de diciembre de 2024": ("2024-12-01",) * 2,
    "1 grudnia 2024": ("2024-12-01",) * 2,
    "1 ديسمبر 2024": ("2024-12-01",) * 2,
    "December 1, 2024": ("2024-12-01",) * 2,
    "01.12.2024": ("2024-12-01",) * 2,
    "20241201": ("2024-12-01",) * 2,
    "December 2024": ("2024-12-01", "2024-12-31"),
    "грудень 2024": ("2024-12-01", "2024-12-31"),
    "six weeks ago": ("2024-11-30",) * 2,
    "the last 30 days": ("2024-12-12",) * 2,
    "last week": ("2024-12-30", "2025-01-05"),
    "Monday": ("2025-01-06",) * 2,
    "30 днів": ("2024-12-12",) * 2,
    "два тижні тому": ("2024-12-28",) * 2,
    "минулого місяця": ("2024-12-01", "2024-12-31"),
    "30 дней": ("2024-12-12",) * 2,
    "прошлый месяц": ("2024-12-01", "2024-12-31"),
    "vor 30 Tagen": ("2024-12-12",) * 2,
    "letzter Monat": ("2024-12-01", "2024-12-31"),
    "il y a 30 jours": ("2024-12-12",) * 2,
    "le mois dernier": ("2024-12-01", "2024-12-31"),
    "le 1er": ("2025-01-01",) * 2,
    "el mes pasado": ("2024-12-01", "2024-12-31"),
    "ostatni miesiąc": ("2024-12-01", "2024-12-31"),
    "30 يوما": ("2024-12-12",) * 2,
}
STARTS = ("since", "from_", "base")
# what a verb cannot be called without
NEEDED = {
    "--output": "out.html",
    "--at": "51.2,35.2",
    "--source": "seeds",
    "--from": "2024-08-21",
    "--to": "2025-01-11",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("periods") / "kursk.gpkg"
    build(made)
    return made


@pytest.mark.parametrize("words", [*FORMS, *MORE])
def test_a_period_is_read_in_every_language(words: str) -> None:
    days = read_period(words, day=LAST)
    assert days is not None
    assert tuple(map(str, days)) == (FORMS | MORE)[words]


@pytest.mark.parametrize("words", ["yesterday", "вчора", "вчера", "gestern", "hier", "ayer", "wczoraj", "أمس"])
def test_yesterday_is_counted_from_the_day_given_for_it(words: str) -> None:
    assert read_period(words, day=LAST, now=TODAY) == (date(2026, 11, 28),) * 2


@pytest.mark.parametrize(
    "words", ["", "soon", "31 February 2024", "2024-13", "30 days of rain", "1", "month", "99999999 days"]
)
def test_what_names_no_period_is_none(words: str) -> None:
    assert read_period(words, day=LAST) is None


def _dated() -> Iterator[tuple[str, str, str]]:
    for verb, command in main.commands.items():
        for option in command.params:
            if isinstance(option.type, When):
                for name in option.opts:
                    yield verb, name, str(option.name)


def _asked(command: click.Command, archive: Path, given: list[str]) -> list[str]:
    """The arguments and options that a verb cannot be called without, besides those given."""
    found = []
    for option in command.params:
        if isinstance(option, click.Argument) and option.required:
            found.append(str(archive))
        elif option.required and not {*option.opts} & {*given}:
            found += [option.opts[-1], NEEDED[option.opts[-1]]] * (2 if option.multiple else 1)
    return found


def _heard(verb: str, archive: Path, given: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a verb gets of its options."""
    command, heard = main.commands[verb], {}
    monkeypatch.setattr(command, "callback", lambda **values: heard.update(values))
    asked = _asked(command, archive, given)
    done = CliRunner().invoke(main, [verb, *asked, *given], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return heard


@pytest.mark.parametrize("words", FORMS)
def test_every_verb_takes_every_form(words: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb, option, name in _dated():
        _takes(verb, option, name, words, path, monkeypatch)


def _takes(verb: str, option: str, name: str, words: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = next(p.type for p in main.commands[verb].params if p.name == name)
    assert isinstance(kind, When)
    if kind.is_day and len({*FORMS[words]}) > 1:  # what a file depicts is one day
        done = CliRunner().invoke(main, [verb, *_asked(main.commands[verb], path, []), option, words])
        assert done.exit_code != 0
        assert "say which day" in done.stderr
        return
    heard = _heard(verb, path, [option, words], monkeypatch)[name]
    counted = read_period(words, day=LAST if _counts_from_maps(verb, name) else date.today())  # noqa: DTZ011
    assert counted is not None
    assert heard == str(counted[0 if name in STARTS else 1]), f"geo {verb} {option} {words!r}"


def _counts_from_maps(verb: str, name: str) -> bool:
    kinds = [p.type for p in main.commands[verb].params if isinstance(p.type, When) and p.name != "as_known_on"]
    has_archive = any(isinstance(p, click.Argument) and p.name == "archive" for p in main.commands[verb].params)
    return name != "as_known_on" and has_archive and not any(kind.of_records for kind in kinds)


def test_verbs_that_compare_take_both_pairs_of_options() -> None:
    for verb in ("change", "compare-dates", "settlements", "map", "picture", "brief", "front"):
        names = {name for option in main.commands[verb].params for name in option.opts}
        assert {"--since", "--date", "--from", "--to"} <= names, verb


def test_a_start_counts_back_from_the_date_of_the_answer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = _heard("change", path, ["--since", "1 month", "--date", "1 November 2024"], monkeypatch)
    assert (heard["from_"], heard["to"]) == ("2024-10-01", "2024-11-01")


def test_yesterday_as_a_start_is_the_day_before_the_answer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _heard("map", path, ["--since", "yesterday"], monkeypatch)["since"] == "2025-01-10"


def test_the_answer_repeats_the_dates(path: Path) -> None:
    done = CliRunner().invoke(main, ["change", str(path), "--since", "30 days"])
    assert "gained and lost, 2024-12-12 to 2025-01-11" in done.stdout


@pytest.fixture(scope="module")
def archive(path: Path) -> Iterator[Archive]:
    with open_archive(path) as kept:
        yield kept


@pytest.mark.parametrize("words", FORMS)
def test_arguments_take_every_form(archive: Archive, words: str) -> None:
    first, last = FORMS[words]
    assert archive.area(words).equals(archive.area(last))
    assert archive.change(words, "2025-01-11").equals(archive.change(first, "2025-01-11"))
    assert archive.series(from_=words).equals(archive.series(from_=first))
    assert archive.front(words, controller="UA").length_km == archive.front(last, controller="UA").length_km


def test_a_map_takes_words_and_says_the_day(archive: Archive, tmp_path: Path) -> None:
    page = save_map(draw_map(archive, "1 грудня 2024", draw_basemap=False, with_front=False), tmp_path / "m.html")
    assert "1 December 2024" in page.read_text(encoding="utf-8")


def test_what_cannot_be_read_names_the_ways_to_write_it(archive: Archive) -> None:
    with pytest.raises(GateError, match=r"date 'soon' cannot be read: write it as 2024-12-31 .*30 days or last month"):
        archive.area("soon")


@pytest.mark.parametrize(
    ("given", "told"), [("09/10/2024", "9 October 2024"), ("13/10/2024", ""), ("10/10/2024", ""), ("2024-10-09", "")]
)
def test_a_date_with_strokes_says_how_it_is_read(archive: Archive, given: str, told: str) -> None:
    done = CliRunner().invoke(main, ["area", str(archive.path), "--date", given])
    assert done.exit_code == 0, done.output
    assert ("read with the day first" in done.stderr, told in done.stderr) == (bool(told), True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        archive.area(given)
    assert [told in str(one.message) for one in said] == ([True] if told else [])

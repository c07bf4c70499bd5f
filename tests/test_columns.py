"""Tables in a terminal: they keep to its width, and nothing that they say is lost or broken in two."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.output import console as printing
from geo.output.console import Column, table_lines

NAMES = ("controller", "snapshot_age_days", "where_coordinates", "Поселення", "单位")
WORDS = st.text(st.sampled_from("abcЖ9 -/@_.:单é"), max_size=60).map(lambda t: " ".join(t.split()))
FIGURES = st.floats(-1e7, 1e7).map(lambda v: f"{v:,.1f}")


@st.composite
def tables(draw: st.DrawFn) -> list[Column]:
    rows = draw(st.integers(1, 5))
    kinds = draw(st.lists(st.booleans(), min_size=1, max_size=8))
    return [
        Column(
            draw(st.sampled_from(NAMES)),
            tuple(draw(st.lists(FIGURES if number else WORDS, min_size=rows, max_size=rows))),
            number=number,
            movable=draw(st.booleans()),
        )
        for number in kinds
    ]


def places(text: str) -> int:
    """By another way than the code's: no marks are in the alphabet, so only the Chinese letters take two."""
    return len(text) + sum(c in "单位" for c in text)


@given(tables(), st.sampled_from((60, 80, 120, 200)))
def test_no_line_is_wider_than_the_terminal(columns: list[Column], width: int) -> None:
    assert max(places(line) for line in table_lines(columns, width=width)) <= width


@given(tables(), st.sampled_from((60, 80, 120, 200)))
def test_nothing_is_lost_and_no_figure_is_broken(columns: list[Column], width: int) -> None:
    said = "\n".join(table_lines(columns, width=width))
    letters = {c: said.count(c) for c in "abcЖ9单é"}
    for column in columns:
        once = column.movable and len(set(column.cells)) == 1
        for letter, there in letters.items():
            wanted = max(c.count(letter) for c in column.cells) if once else sum(c.count(letter) for c in column.cells)
            assert there >= wanted
        assert not column.number or all(cell in said for cell in column.cells)


def test_a_row_that_does_not_fit_at_all_becomes_a_list() -> None:
    columns = [Column(f"name_{i}", (f"{i}" * 12, ""), number=True) for i in range(9)]
    lines = table_lines(columns, width=60)
    assert lines[:9] == [f"name_{i}  {str(i) * 12}" for i in range(9)]


@pytest.mark.parametrize("width", [40, 60, 100])
@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("2025-01-11", ["2025-01-11"]),
        ("2026-11-26T18:38:55.566Z", ["2026-11-26T", "18:38:55.566Z"]),
        ("1,234,567.8", ["1,234,567.8"]),
        ("2025-01-11-kotovsk-drone", ["2025-01-11-", "kotovsk-", "drone"]),
        ("seeds@2025-01-11", ["seeds@", "2025-01-11"]),
    ],
)
def test_dates_and_figures_stay_whole(width: int, word: str, parts: list[str]) -> None:
    columns = [Column(f"name_{i}", (f"said {word} of it",)) for i in range(5)]
    said = "\n".join(table_lines(columns, width=width))
    assert all(said.count(part) == 5 for part in parts)


def test_a_long_word_is_broken_beside_its_dates() -> None:
    word = "https://example.org/reports/2024-08-08/2025-01-11-kotovsk-drone-strike/report-2025-01-12.geojson"
    columns = [Column("address", (word, "")), Column("date", ("2025-01-11", "2025-01-12")), Column("km²", ("1", "2"))]
    lines = table_lines(columns, width=60)
    assert len(lines) > 3
    assert "".join(line[:32].strip() for line in lines[1:]) == word
    assert all(any(date in line for line in lines) for date in ("2024-08-08", "2025-01-11", "2025-01-12"))


def test_what_every_row_says_is_said_once_where_room_is_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.DataFrame(
        {
            "source": ["desk"] * 2,
            "status": ["held", "contested"],
            **{f"{name}_km2": [1234.5, 0.0] for name in ("area", "lower", "upper")},
            "snapshot": ["desk@2025-01-11T09:23:57Z"] * 2,
        }
    )
    monkeypatch.setattr(printing, "_WIDE", 60)
    printing.show(frame, "table", title="held, 2025-01-11")
    title, alike, *rows = capsys.readouterr().out.splitlines()
    assert (title, alike) == ("held, 2025-01-11", "snapshot: desk@2025-01-11T09:23:57Z")
    assert [line.split()[0] for line in rows] == ["source", "desk", "desk"]
    assert rows[1].split()[2:] == ["1,234.5"] * 3
    monkeypatch.setattr(printing, "_WIDE", 120)
    printing.show(frame, "table", title="held, 2025-01-11")
    assert "snapshot:" not in capsys.readouterr().out


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show(pd.DataFrame(columns=["date", "source"]), "table", title="corrections")
    assert capsys.readouterr().out == "corrections: none\n"


def test_no_break_spaces_of_numbers_reach_the_terminal_and_controls_do_not() -> None:
    assert printing.printable("1\u202f234\u00a0km²\x1b[2J\u202e") == "1\u202f234\u00a0km²�[2J�"

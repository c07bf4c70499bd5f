"""Dates in names, in the spellings that were seen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from geo.text.dates_in_names import find_date, without_date


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("UkraineControlMapAO27APR2026", "2026-04-27"),
        ("AssessedRussianAdvancesinUkraineAPR272026", "2026-04-27"),
        ("AssessedRussianAdvancesMAR12025", "2025-03-01"),
        ("ControlMap02FEB22024", "2024-02-02"),
        ("Ukrainian Advances in Russia January 12, 2025", "2025-01-12"),
        ("20220415_RussianAssessedCoTinUkraine", "2022-04-15"),
        ("kursk_2025-01-10", "2025-01-10"),
        ("2024.01.23", "2024-01-23"),
        ("2 апреля 2024", "2024-04-02"),
        ("31 травня 2023 р.", "2023-05-31"),
        ("file20250230", None),
        ("1733788800", None),
        ("Control", None),
    ],
)
def test_full_dates(text: str, day: str | None) -> None:
    found = find_date(text)
    assert (found and found[0]) == (datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None)


@pytest.mark.parametrize(
    ("text", "year", "day"),
    [
        ("creamy_caprice_Control_25_01_01", None, "2025-01-01"),
        ("221208", None, "2022-12-08"),
        ("2 апреля", 2024, "2024-04-02"),
        ("2 апреля", None, None),
        ("продвижения за 17 - 20 октября", 2024, "2024-10-20"),
    ],
)
def test_short_dates_only_where_asked(text: str, year: int | None, day: str | None) -> None:
    found = find_date(text, short=True, year=year)
    assert (found and found[0]) == (datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None)
    assert find_date(text) is None


def test_names_without_their_date() -> None:
    assert without_date("UkraineControlMapAO27APR2026") == "UkraineControlMap"
    assert without_date("Ukrainian Advances in Russia January 12, 2025") == "Ukrainian Advances in Russia"
    assert without_date("20220415_Control") == "Control"
    assert without_date("control_map") == "control_map"

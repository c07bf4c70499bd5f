"""Dates in names, in the spellings that were seen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo.errors import GateError
from geo.formats.dates import date_in_name, find_date, read_instant, without_date


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
        ("221208", None, None),
        ("Map 10.11.24", None, "2024-11-10"),
        ("call 200304", None, None),
        ("24_10_25", None, None),
        ("241007 Kyiv", None, None),
        ("2 апреля", 2024, "2024-04-02"),
        ("2 апреля", None, None),
        ("продвижения за 17 - 20 октября", 2024, "2024-10-20"),
    ],
)
def test_short_dates_only_where_asked(text: str, year: int | None, day: str | None) -> None:
    found = find_date(text, short=True, year=year)
    assert (found and found[0]) == (datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None)
    assert find_date(text) is None or "." in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-11-10", "2024-11-10T00:00"), ("2024/11/10", "2024-11-10T00:00"), ("20241110", "2024-11-10T00:00"),
        ("2024-11-10 14:30", "2024-11-10T14:30"), ("2024-11-10T14:30:00Z", "2024-11-10T14:30"),
        ("2024/11/10 14:30:00+00", "2024-11-10T14:30"), ("2024.11.10", "2024-11-10T00:00"),
        ("10.11.2024", "2024-11-10T00:00"), ("10.11.24", "2024-11-10T00:00"), ("25/12/2024", "2024-12-25T00:00"),
        ("10 November 2024", "2024-11-10T00:00"), ("November 10, 2024", "2024-11-10T00:00"),
        ("10 листопада 2024", "2024-11-10T00:00"), ("10 ноября 2024 г.", "2024-11-10T00:00"),
        ("10.11.2024 года", "2024-11-10T00:00"), ("10 листопада 2024 р.", "2024-11-10T00:00"), ("10NOV2024", "2024-11-10T00:00"),
        ("1731196800000", "2024-11-10T00:00"), ("2025-01-11T00:00:00+02:00", "2025-01-11T00:00"),
        ("2025-01-11T01:00:00+02:00", "2025-01-10T23:00"), ("1936-07-17", "1936-07-17T00:00"),
        ("10/11/2024", None), ("241110", None), ("10.11.09", None), ("24_10_25", None), ("200304", None),
        ("45606", None), ("1731196800", None), ("0025-01-10", None), ("1527-01-10", None), ("31.02.2025", None),
        ("10-11-2024", None), ("10_11_2024", None), ("13-11-2024", "2024-11-13T00:00"), ("10-10-2024", "2024-10-10T00:00"),
        ("2024-11-10Z", "2024-11-10T00:00"), ("2024-11-10+02:00", "2024-11-10T00:00"), ("2024-11-10-05:00", "2024-11-10T00:00"),
        ("2024-W45-7", "2024-11-10T00:00"), ("2024-315", None), ("2024-11", None), ("Q4 2024", None), ("10112024", None),
        ("11/13/2024", None), ("2024-11-10/2024-11-12", None), ("10-11 Nov 2024", None), ("10-11-24", None),
        ("1/2/3", None), ("10.11.924", None), ("2024-11-10T23:59:60Z", None), ("1731196800.0", None),
        ("07-Jun-2025", "2025-06-07T00:00"), ("13.6.2025", "2025-06-13T00:00"), ("20250607T1200Z", "2025-06-07T12:00"),
        ("2025-06-07T23:30-05:00", "2025-06-08T04:30"), ("Sat 7 June 2025", None), ("7th June 2025", None), ("6/7/25", None),
        ("June 2025", None), ("7 Jun", None), ("2025-157", None), ("0000-00-00", None), ("٢٠٢٥-٠٦-٠٧", None), ("20250631", None),
        ("7/6/2025 0:00", None), ("2025-06-07 12:00 EEST", None), ("NULL", None), ("1e12", None), ("7.6.25", None),
        ("2024", None), ("soon", None), ("0050112233", None), ("2024-13-01", None),
    ],
)  # fmt: skip
def test_a_cell_is_a_date_or_is_refused(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(GateError, match=r"date|year"):
            read_instant(text)
    else:
        assert read_instant(text) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("map 2024-11-10", "2024-11-10"),
        ("map_13-11-2024", "2024-11-13"),
        ("IMG_20241110_123456", "2024-11-10"),
        ("map 10.11.2024", "2024-11-10"),
        ("2024-11-10 map 2024-11-10", "2024-11-10"),
        ("area 12.05.22km", None),
        ("map 24.11.10", None),
        ("map 241110", None),
        ("map_2024_315", None),
        ("map v2.10.11", None),
        ("map 31.02.2024", None),
        ("tel 2024101112", None),
        ("map Nov 2024", None),
        ("map 20241110 v20241112", "in the name"),
        ("map_11-10-2024", "day or the month first"),
        ("control_10_11_2024", "day or the month first"),
        ("map 2024-11-10 to 2024-11-12", "in the name"),
        ("10.11.2024 vs 12.11.2024", "in the name"),
        ("state of 2024-11-09, made 10NOV2024", "in the name"),
    ],
)
def test_a_name_that_does_not_say_one_day_is_refused(name: str, day: str | None) -> None:
    if day is not None and not day.startswith("2024"):
        with pytest.raises(GateError, match=f"{day}.*--date"):
            date_in_name(Path("a.geojson"), name)
    else:
        found = date_in_name(Path("a.geojson"), name)
        assert (found and found[0].date().isoformat()) == day


def test_a_stated_form_is_followed_and_nothing_else() -> None:
    assert read_instant("241110", form="%y%m%d") == datetime(2024, 11, 10, tzinfo=UTC)
    assert read_instant("11/10/2024", form="%m/%d/%Y") == datetime(2024, 11, 10, tzinfo=UTC)
    with pytest.raises(GateError, match="date-format"):
        read_instant("2024-11-10", form="%y%m%d")


def test_names_without_their_date() -> None:
    assert without_date("UkraineControlMapAO27APR2026") == "UkraineControlMap"
    assert without_date("Ukrainian Advances in Russia January 12, 2025") == "Ukrainian Advances in Russia"
    assert without_date("20220415_Control") == "Control"
    assert without_date("control_map") == "control_map"

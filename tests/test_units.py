"""Which unit a word means: by code, by name, by what other languages call it; never by half a word."""

from __future__ import annotations

import pandas as pd
import pytest

from geo.errors import UnitError
from geo.formats.geojson import features, read_json
from geo.sources import shipped_units
from geo.units import find_unit


@pytest.fixture(scope="module")
def units() -> pd.DataFrame:
    rows = [f["properties"] for path in shipped_units() for f in features(read_json(path), path=path)]
    return pd.DataFrame(rows).assign(boundary="shipped")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("RU-KRS", "RU-KRS"), ("ru-krs", "RU-KRS"), ("Kursk", "RU-KRS"), ("the Kursk region", "RU-KRS"),
        ("Курская область", "RU-KRS"), ("Курська область", "RU-KRS"), ("Курщина", "RU-KRS"), ("Курск", "RU-KRS"),
        ("Donetsk Oblast", "UA-14"), ("Донецкая область", "UA-14"), ("донеччині", "UA-14"), ("Lugansk", "UA-09"),
        ("Kyiv", "UA-30"), ("Москва", "RU-MOW"), ("Україна", "UA"), ("Syria", "SY"),
    ],
)  # fmt: skip
def test_a_unit_is_known_by_all_its_names(units: pd.DataFrame, wanted: str, code: str) -> None:
    assert units["unit"].iloc[find_unit(units, wanted)] == code


@pytest.mark.parametrize("wanted", ["", " ", "'", "*", "область", "Курскабракадабра", "Кур", "Sudzha", "Курск 1", ".*"])
def test_half_a_word_and_no_word_are_no_unit(units: pd.DataFrame, wanted: str) -> None:
    with pytest.raises(UnitError, match="no unit"):
        find_unit(units, wanted)


def test_every_unit_is_found_by_its_own_names(units: pd.DataFrame) -> None:
    detail = units[units["level"] > 0]
    for column in ("unit", "name", "name_local"):
        for name, code in zip(detail[column], detail["unit"], strict=True):
            assert detail["unit"].iloc[find_unit(detail, name)] == code, name

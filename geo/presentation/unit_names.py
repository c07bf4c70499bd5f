"""What administrative units are called, in the language that is spoken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from geo.assets import ASSETS
from geo.presentation.language import current
from geo.schema import text_or_none
from geo.units import read_table

_FILE = ASSETS / "names" / "unit_names.csv"
_ENGLISH = ((re.compile(r" Oblast$"), " region"), (re.compile(r"^Autonomous Republic of "), ""))


@cache
def _names() -> Mapping[str, Mapping[str, str]]:
    return {row["unit"]: row for row in read_table(_FILE)}


def unit_label(unit: Mapping[str, Any]) -> str:
    """The name of a unit (its row) in the language that is spoken; its own name where none is known."""
    code, lang = text_or_none(unit["unit"]) or "", current().code
    if lang == "en":
        name = str(unit["name"])
        for pattern, words in _ENGLISH:
            name = pattern.sub(words, name)
        return name
    return _names().get(code, {}).get(lang) or _country(code) or str(unit["name"])


def _country(code: str) -> str | None:
    """What CLDR calls a country."""
    from babel import Locale

    return Locale.parse(current().locale).territories.get(code)

"""Every source that can be read, by the name used on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo.assets import ASSETS, read_toml
from geo.errors import UsageError
from geo.presentation.sides import near_words

if TYPE_CHECKING:
    from geo.sources.base import Reader

KNOWN: Mapping[str, Mapping[str, Any]] = read_toml("readers.toml")
NAMES = tuple(KNOWN)


def reader(name: str) -> Reader:
    if name not in KNOWN:
        near = near_words(name, {known: (known,) for known in NAMES})
        raise UsageError(f"no source {name!r}; there are: {', '.join(NAMES)}; a desk's own files are 'vector'{near}")
    module, _, attribute = KNOWN[name]["reader"].partition(".")
    found: Reader = getattr(import_module(f"geo.sources.{module}"), attribute or "READER")
    return found


def shipped_units() -> list[Path]:
    """The boundary sets that the package ships, coarsest first."""
    folder = ASSETS / "units"
    return [folder / "countries.geojson", folder / "admin1_ua_ru.geojson"]

"""Every source that can be read, by the name used on the command line."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from geo.assets import ASSETS
from geo.errors import UsageError
from geo.sources.base import Reader

# name -> module, and which of its readers where it has several; read when asked for, so that importing geo stays light
_MODULES = {
    "acled": "acled",
    "bellingcat": "event_datasets.BELLINGCAT",
    "deepstate": "deepstate",
    "deepstate-mirror": "deepstate_mirror",
    "eyes-on-russia": "event_datasets.EYES_ON_RUSSIA",
    "incidents": "incidents",
    "isw": "isw",
    "isw-events": "isw_events",
    "mymaps": "mymaps",
    "nzz": "nzz",
    "uacontrolmap": "uacontrolmap",
    "review": "incidents.REVIEW",
    "ucdp-ged": "ucdp",
    "units": "units",
    "vector": "vector",
    "viina": "event_datasets.VIINA",
}
NAMES = tuple(_MODULES)


def reader(name: str) -> Reader:
    """The reader of a source."""
    if name not in _MODULES:
        raise UsageError(f"no source {name!r}; there are: {', '.join(NAMES)}. A desk's own files are 'vector'")
    module, _, attribute = _MODULES[name].partition(".")
    found: Reader = getattr(import_module(f"geo.sources.{module}"), attribute or "READER")
    return found


def shipped_units() -> list[Path]:
    """The boundary sets that the package ships, coarsest first."""
    folder = ASSETS / "units"
    return [folder / "countries.geojson", folder / "admin1_ua_ru.geojson"]

"""Every source that can be read, by the name used on the command line."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from geo.assets import ASSETS
from geo.errors import UsageError
from geo.sources.base import Reader

# name -> module; read when asked for, so that importing geo stays light
_MODULES = {
    "acled": "acled",
    "bellingcat": "bellingcat",
    "deepstate": "deepstate",
    "deepstate-mirror": "deepstate_mirror",
    "eyes-on-russia": "eyes_on_russia",
    "incidents": "incidents",
    "isw": "isw",
    "isw-events": "isw_events",
    "mymaps": "mymaps",
    "nzz": "nzz",
    "uacontrolmap": "uacontrolmap",
    "review": "review_rows",
    "ucdp-ged": "ucdp",
    "units": "units",
    "vector": "vector",
    "viina": "viina",
}
NAMES = tuple(_MODULES)


def reader(name: str) -> Reader:
    """The reader of a source."""
    if name not in _MODULES:
        raise UsageError(f"no source {name!r}; there are: {', '.join(NAMES)}. A desk's own files are 'vector'")
    found: Reader = import_module(f"geo.sources.{_MODULES[name]}").READER
    return found


def shipped_units() -> list[Path]:
    """The boundary sets that the package ships, coarsest first."""
    folder = ASSETS / "units"
    return [folder / "countries.geojson", folder / "admin1_ua_ru.geojson"]

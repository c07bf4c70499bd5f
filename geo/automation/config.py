"""What a desk does every day, as one TOML file says it: read, checked key by key, and never guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from geo.assets import ASSETS
from geo.automation.addresses import Address, find_address
from geo.errors import GateError, GeoError, UsageError
from geo.formats.geojson import read_bytes
from geo.output.images.themes import picture_form
from geo.presentation.language import LANGUAGES
from geo.presentation.statuses import STATUSES
from geo.schema import to_instant
from geo.sources import names
from geo.sources.vector import load_toml, read_toml

# In this order they are made: what a later one shows, an earlier one has measured.
OUTPUTS = ("figures", "map", "picture", "brief", "timeline", "site")
FORMATS = ("html", "md", "docx", "pptx")
_NAME = re.compile(r"[\w][\w\-]{0,60}")
_DAYS_BEFORE = re.compile(r"(\d{1,4}) days?")
_EXAMPLE = ASSETS / "desk.toml"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "a text in quotation marks is wanted"


def _pattern(value: Any) -> str | None:
    parts = [] if _text(value) else value.replace("\\", "/").split("/")
    if not parts[:1] or not parts[0] or ":" in value or any(p == ".." or ("**" in p and p != "**") for p in parts):
        return "a pattern of names in the folder is wanted, such as *.csv"
    return None


def _day(value: Any) -> str | None:
    """A date, by TOML's own way of writing it or as text."""
    try:
        to_instant(value)
    except (GateError, AttributeError):
        return "a date is wanted, such as 2025-01-11"
    return None


def _since(value: Any) -> str | None:
    if isinstance(value, str) and _DAYS_BEFORE.fullmatch(value):
        return None
    return _day(value) and 'a date is wanted, such as 2025-01-11, or days before the date, such as "7 days"'


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false is wanted"


def _count(value: Any) -> str | None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return None if good else "a whole number from 1 is wanted"


def _number(value: Any) -> str | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return None if good else "a number above 0 is wanted"


def _name(value: Any) -> str | None:
    return None if isinstance(value, str) and _NAME.fullmatch(value) else "a plain word is wanted: it names a file"


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in words else f"one of {', '.join(words)} is wanted"


def _size(value: Any) -> str | None:
    try:
        picture_form(value if isinstance(value, str) else "")
    except UsageError as error:
        return str(error)
    return None


def _source(value: Any) -> str | None:
    return _one_of(*names())(value)


def _some_of(words: Sequence[str] = ()) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        listed = value if isinstance(value, list) else [value]
        good = bool(listed) and all(isinstance(one, str) and (not words or one in words) for one in listed)
        return None if good else f"a list is wanted{', of ' + ', '.join(words) if words else ''}"

    return check


def _place(value: Any) -> str | None:
    try:
        lat, lon = map(float, value)
        good = -90 <= lat <= 90 and -180 <= lon <= 180
    except (TypeError, ValueError):
        good = False
    return None if good else "latitude and longitude are wanted, as [51.19, 35.27]"


def _list(value: Any) -> str | None:
    good = isinstance(value, list) and bool(value) and all(isinstance(part, str) for part in value)
    return None if good else 'a list is wanted, as ["./tell.sh", "desk"]: no shell reads it'


def _texts(value: Any) -> str | None:
    good = isinstance(value, dict) and bool(value) and all(isinstance(one, str) for one in value.values())
    return None if good else 'names and texts are wanted, as { country = "Sudan" }'


_SHOWN = {
    "name": _name, "source": _text, "within": _text, "title": _text, "lang": _one_of(*LANGUAGES),
}  # fmt: skip
# of what shows a dated map, beside what every page has
LOOK = {"view": _one_of("changes", "ground", "unit", "all"), "patterns": _flag, "liberated": _flag,
        "settlements": _text}  # fmt: skip
# table -> key -> what is wrong with a value, or None
KEYS: dict[str, dict[str, Callable[[Any], str | None]]] = {
    "": {"archive": _text, "output": _text, "contact": _text, "proxy": _text, "ca": _text, "max_age_days": _number},
    "fetch": {"source": _text, "since": _day, "config": _text, "query": _texts},
    "import": {"source": _source, "folder": _text, "pattern": _pattern, "config": _text},
    "figures": {"name": _name, "source": _text, "controller": _text, "status": _some_of(STATUSES), "within": _text,
                "by": _one_of("unit", "native"), "since": _since},
    "map": {**_SHOWN, **LOOK, "since": _since, "incident_days": _count, "front": _flag},
    "picture": {**_SHOWN, **LOOK, "since": _since, "format": _one_of("png", "svg", "pdf"),
                "shape": _size, "theme": _one_of("light", "dark")},
    "brief": {**_SHOWN, **LOOK, "since": _since, "incident_days": _count, "formats": _some_of(FORMATS)},
    "timeline": {**_SHOWN, "source": _some_of(), "from": _day, "status": _some_of(STATUSES)},
    "site": {**_SHOWN, **LOOK, "incident_days": _count, "from": _day, "base_url": _text, "downloads": _flag},
    "watch": {"name": _text, "source": _text, "within": _text, "side": _text, "status": _some_of(STATUSES),
              "below_km2": _number, "above_km2": _number, "place": _text, "at": _place, "sources": _some_of(),
              "differ_km2": _number, "lang": _one_of(*LANGUAGES), "command": _list},
}  # fmt: skip
_NEEDS = {"": ("archive", "output"), "fetch": ("source",), "import": ("source", "folder")}


@dataclass(frozen=True)
class Plan:
    """A desk's day."""

    path: Path
    archive: Path
    output: Path
    contact: str
    proxy: str
    ca: Path | None
    max_age_days: float | None
    fetches: tuple[Mapping[str, Any], ...]
    imports: tuple[Mapping[str, Any], ...]
    outputs: tuple[tuple[str, Mapping[str, Any]], ...]
    watches: tuple[Mapping[str, Any], ...] = ()
    workers: int | None = None
    scheduler: str | None = None

    def beside(self, text: str) -> Path:
        """A path of the plan's, taken from its folder."""
        return self.path.parent / text

    def address(self, table: Mapping[str, Any]) -> Address:
        """Where one of the plan's sources publishes."""
        config = self.beside(table["config"]) if "config" in table else None
        return find_address(table["source"], config=config)


def example() -> str:
    """A plan with every key explained, to begin with."""
    return read_bytes(_EXAMPLE).decode("utf-8")


def read_plan(path: str | Path) -> Plan:
    """Read a desk's day."""
    path = Path(path)
    document = load_toml(path)
    tables = {name: document.pop(name) for name in KEYS if name and name in document}
    _check(path, "", document)
    listed = {name: _listed(path, name, table) for name, table in tables.items()}
    plan = Plan(
        path=path, archive=path.parent / document["archive"], output=path.parent / document["output"],
        contact=document.get("contact", ""), proxy=document.get("proxy", ""),
        ca=path.parent / document["ca"] if "ca" in document else None, max_age_days=document.get("max_age_days"),
        fetches=tuple(listed.get("fetch", ())), imports=tuple(listed.get("import", ())),
        outputs=tuple((kind, table) for kind in OUTPUTS for table in listed.get(kind, ())),
        watches=tuple(listed.get("watch", ())),
    )  # fmt: skip
    _check_names(plan)
    _check_sources(plan)
    return plan


def _listed(path: Path, name: str, table: Any) -> list[dict[str, Any]]:
    """One table or a list of them: ``[map]`` or ``[[map]]``."""
    tables = table if isinstance(table, list) else [table]
    if not all(isinstance(one, dict) for one in tables):
        raise UsageError(f"{path}: {name} is a table: write [{name}], or [[{name}]] for several")
    for number, one in enumerate(tables, start=1):
        _check(path, name, one, number if len(tables) > 1 else 0)
    return tables


def _check(path: Path, name: str, table: Mapping[str, Any], number: int = 0) -> None:
    where = f"{path}: " + (f"[{name}] " if name else "") + (f"number {number}: " if number else "")
    keys = KEYS[name]
    for key, value in table.items():
        if key not in keys:
            known = [*keys, *(f"[{t}]" for t in KEYS if t)] if not name else [*keys]
            raise UsageError(f"{where}{key!r} means nothing here; the known ones: {', '.join(known)}")
        wrong = keys[key](value)
        if wrong:
            raise UsageError(f"{where}{key} is {value!r}: {wrong}")
    missing = [key for key in _NEEDS.get(name, ()) if key not in table]
    if missing:
        raise UsageError(f"{where}lacks {', '.join(missing)}; geo daily --example shows a whole plan")


def _unclear_watch(table: Mapping[str, Any]) -> str | None:
    """What is wrong with a watch as a whole, or None."""
    kinds = [key for key in ("below_km2", "above_km2", "place", "at", "differ_km2") if key in table]
    if len(kinds) != 1:
        return f"one of below_km2, above_km2, place, at, differ_km2 is wanted, not {', '.join(kinds) or 'none'}"
    if kinds[0] in ("below_km2", "above_km2", "differ_km2") and "side" not in table:
        return f"{kinds[0]} needs a side"
    if ("differ_km2" in table) != (len(table.get("sources", ())) == 2):
        return "differ_km2 and two sources go together"
    return None


def _check_names(plan: Plan) -> None:
    for number, table in enumerate(plan.watches, start=1):
        if wrong := _unclear_watch(table):
            raise UsageError(f"{plan.path}: [watch] number {number}: {wrong}")
    if not (plan.fetches or plan.imports or plan.outputs or plan.watches):
        raise UsageError(f"{plan.path}: nothing is to be done: add [[fetch]], [[import]] or {', '.join(OUTPUTS)}")
    names = Counter((kind, table.get("name", kind)) for kind, table in plan.outputs)
    twice = sorted(name for (_, name), times in names.items() if times > 1)
    if twice:
        raise UsageError(f"{plan.path}: two outputs would be called {twice[0]!r}: give one of them another name")


def _check_sources(plan: Plan) -> None:
    """What the plan names is looked at before anything is done: addresses, columns and credits."""
    for table in plan.fetches:
        try:
            plan.address(table)
        except GeoError as error:
            raise UsageError(f"{plan.path}: [fetch] {table['source']}: {error}") from error
    for table in plan.imports:
        if "config" in table:
            read_toml(plan.beside(table["config"]))


def resolve_since(since: Any, day: str) -> str | None:
    """A base date: as it was given, or so many days before the date."""
    if since is None:
        return None
    before = _DAYS_BEFORE.fullmatch(since) if isinstance(since, str) else None
    if before:
        return (to_instant(day) - timedelta(days=int(before[1]))).date().isoformat()
    return since.isoformat() if isinstance(since, date | datetime) else str(since)

"""Where sources publish, as tables of addresses say it: checked, and filled in with days and names of files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from geo.assets import ASSETS
from geo.automation.network import Kind, Limits, check_url
from geo.errors import UsageError
from geo.presentation.sides import near_words
from geo.schema import Options, Source
from geo.sources import KNOWN, names, plugin, plugins
from geo.sources.vector import load_toml, read_settings

Way = Literal["index", "days", "layers", "file"]
# way -> the keys that it needs beside those that all may have
WAYS: dict[str, tuple[str, ...]] = {
    "index": ("index", "url", "name", "date"),
    "days": ("url", "name"),
    "layers": ("url", "layers"),
    "file": ("url", "name"),
}
_TEXTS = ("reader", "way", "url", "index", "name", "kind", "date", "date_format", "changed", "seen")
_KEYS = (*_TEXTS, "recheck_days", "layers", "loopback", "limits")
KINDS = ("json", "zip", "kml", "any")
_FIELD = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_PLAIN = re.compile(r"[\w.\- ]{1,120}")
_NAME = re.compile(r"\w[\w.\- ]{0,150}")
_SHIPPED = ASSETS / "addresses.toml"


@dataclass(frozen=True)
class Layer:
    """A layer of a feature service, and which of its source's classes it is."""

    part: str
    layer: str


@dataclass(frozen=True)
class Address:
    """Where a source publishes, and how its files are found and read."""

    source: str
    reader: str
    way: Way
    url: str
    index: str = ""
    name: str = ""
    kind: Kind = "json"
    date: str = ""
    date_format: str = "iso"
    changed: str = ""
    seen: str = ""
    recheck_days: int = 7
    layers: tuple[Layer, ...] = ()
    loopback: bool = False
    limits: Limits = field(default_factory=Limits)
    credit: Source | None = None
    options: Options = field(default_factory=Options)


def known_addresses() -> dict[str, Address]:
    """The addresses that the package knows, by source."""
    tables = load_toml(_SHIPPED).items()
    return {name: parse_address(table, name=name, where=f"{_SHIPPED.name}: [{name}]") for name, table in tables}


def find_address(source: str, *, config: str | Path | None = None) -> Address:
    """Where a source publishes: by a TOML file, else by the package's own table."""
    if config is not None:
        return _own_address(source, Path(config))
    if source not in KNOWN and source in plugins() and (table := getattr(plugin(source), "address", None)) is not None:
        return parse_address({"reader": source, **table}, name=source, where=f"the address of {source}")
    known = known_addresses()
    if source not in known:
        near = near_words(source, {name: (name,) for name in known})
        raise UsageError(
            f"no address is known for {source!r}; there are: {', '.join(known)}; another one goes into a TOML file"
            f" with a table [fetch]: --config F.toml{near}"
        )
    return known[source]


def _own_address(source: str, path: Path) -> Address:
    document = load_toml(path)
    table = document.pop("fetch", None)
    credit, options = read_settings(path, document)
    if table is None:
        return replace(find_address(source), credit=credit, options=options)
    found = parse_address({"reader": source, **table} if isinstance(table, dict) else table, name=source,
                          where=f"{path}: [fetch]")  # fmt: skip
    named = credit.name if credit else source
    return replace(found, source=named, credit=credit, options=options)


def parse_address(table: Any, *, name: str, where: str) -> Address:
    """One table of addresses, checked."""
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} is a table: write it in square brackets")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{where} {key!r} means nothing here; the known keys: {', '.join(_KEYS)}")
    for key in _TEXTS:
        if not isinstance(table.get(key, ""), str):
            raise UsageError(f"{where} {key} is {table[key]!r}: a text in quotation marks is wanted")
    way = table.get("way", "file")
    if way not in WAYS:
        raise UsageError(f"{where} way {way!r}: one of {', '.join(WAYS)} is wanted")
    missing = [key for key in WAYS[way] if not table.get(key)]
    if missing:
        raise UsageError(f"{where} lacks {', '.join(missing)}, which way = {way!r} needs")
    return _check(_address(table, name, where), where)


def _address(table: Mapping[str, Any], name: str, where: str) -> Address:
    days = table.get("recheck_days", 7)
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= 3660:
        raise UsageError(f"{where} recheck_days is {days!r}: a number of days from 0 to 3660 is wanted")
    if not isinstance(table.get("loopback", False), bool):
        raise UsageError(f"{where} loopback is true or false")
    texts = {"reader": name, "way": "file", **{key: table[key] for key in _TEXTS if key in table}}
    return Address(
        source=name, **texts, recheck_days=days, layers=_layers(table.get("layers", []), where),
        loopback=table.get("loopback", False), limits=_limits(table.get("limits", {}), where),
    )  # fmt: skip


def _limits(table: Any, where: str) -> Limits:
    known = {one.name: int if isinstance(one.default, int) else float for one in fields(Limits)}
    if not isinstance(table, Mapping) or not set(table) <= set(known):
        raise UsageError(f"{where} limits: a table of numbers is wanted, of these: {', '.join(known)}")
    for key, value in table.items():
        least = 0 if key in ("pause_seconds", "backoff_seconds") else 1e-9
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e12:
            raise UsageError(f"{where} limits.{key} is {value!r}: a number above 0 is wanted")
    given: dict[str, Any] = {key: known[key](value) for key, value in table.items()}
    return Limits(**given)


def _layers(listed: Any, where: str) -> tuple[Layer, ...]:
    good = isinstance(listed, list) and all(
        isinstance(one, dict) and set(one) == {"part", "layer"} and all(isinstance(v, str) for v in one.values())
        for one in listed
    )
    if not good:
        raise UsageError(f"{where} layers: a list of tables with part and layer is wanted")
    layers = tuple(Layer(one["part"], one["layer"].strip("/")) for one in listed)
    for one in layers:
        if not re.fullmatch(r"[\w.\-]+(?:/[\w.\-]+)*", one.layer) or ".." in one.layer or not _NAME.fullmatch(one.part):
            raise UsageError(f"{where} layer {one.layer!r}, part {one.part!r}: plain words are wanted")
    return layers


def _check(address: Address, where: str) -> Address:
    if address.reader not in names():
        raise UsageError(f"{where} reader {address.reader!r}: one of {', '.join(names())} is wanted")
    if address.kind not in KINDS:
        raise UsageError(f"{where} kind {address.kind!r}: one of {', '.join(KINDS)} is wanted")
    if address.way == "file" and address.date not in ("", "name", "retrieved", "last-modified"):
        raise UsageError(f"{where} date {address.date!r}: name, retrieved or last-modified is wanted")
    for text in filter(None, (address.url, address.index)):
        try:
            host = check_url(_FIELD.sub("0", text), loopback=address.loopback).host
        except UsageError as error:
            raise UsageError(f"{where} {error}") from None
        if host not in text:
            raise UsageError(f"{where} {text!r}: the host may not depend on what a list says")
    if address.way == "file" and not _NAME.fullmatch(address.name):
        raise UsageError(f"{where} name {address.name!r}: a plain file name is wanted, such as control.geojson")
    return address


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A template with its fields filled in: days by strftime, the rest as plain words."""

    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if isinstance(value, date | datetime):
            return value.strftime(match[2] or "%Y-%m-%d")
        if isinstance(value, bool) or not isinstance(value, int | str) or not _PLAIN.fullmatch(str(value)):
            raise UsageError(f"{template!r}: {match[1]} is {value!r}, which is no plain word")
        if set(str(value)) <= {"."}:
            raise UsageError(f"{template!r}: {match[1]} is {value!r}, which is no name")
        return str(value)

    return _FIELD.sub(fill, template)


def file_name(template: str, values: Mapping[str, Any]) -> str:
    """The name under which a file is kept: never a path."""
    name = filled(template, values)
    if not is_plain_name(name):
        raise UsageError(f"{name!r} is no plain file name")
    return name


def is_plain_name(name: str) -> bool:
    """Whether a text names a file and no path."""
    return bool(_NAME.fullmatch(name))


@dataclass(frozen=True)
class RemoteFile:
    """One file that a source offers."""

    key: str
    url: str
    name: str
    kind: Kind
    moment: datetime | None = None
    changed: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    layer: Layer | None = None

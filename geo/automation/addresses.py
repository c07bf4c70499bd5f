"""Where sources publish, as tables of addresses say it: checked, and filled in with days and names of files."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from geo.assets import ASSETS
from geo.automation.network import Kind, Limits, check_url
from geo.errors import FetchError, GateError, UsageError
from geo.presentation.sides import near_words
from geo.schema import Options, Source, parse_instant
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
STEPS = ("day", "month", "year")
_TEXTS = ("reader", "way", "url", "index", "name", "kind", "date", "date_format", "changed", "step", "rows", "page",
          "total", "held_back", "beside", "seen")  # fmt: skip
_KEYS = (*_TEXTS, "recheck_days", "first_page", "first", "layers", "loopback", "limits", "login", "history")
_LAYER_KEYS = ("part", "layer", "find", "date", "depicts", "fields")
_LOGIN_KEYS = ("account", "header", "url", "client")
KINDS = ("json", "zip", "kml", "any")
_FIELD = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_PLAIN = re.compile(r"[\w.\- ]{1,120}")
_NAME = re.compile(r"\w[\w.\- ]{0,150}")
_SHIPPED = ASSETS / "addresses.toml"


@dataclass(frozen=True)
class Layer:
    """A layer of a feature service, and which of its source's classes it is.

    Its address is `layer`, or that of the services whose names (letters and digits, in small letters) match `find`
    the one last edited. Where it has many days, `date` names the field of the day; where it has one that it does not
    say, `depicts` does. `fields` are those that are kept.
    """

    part: str = ""
    layer: str = ""
    find: str = ""
    date: str = ""
    depicts: str = ""
    fields: str = ""


@dataclass(frozen=True)
class Login:
    """How a source lets an account in: a key in a header, or a token for a name and a password."""

    account: str
    header: str = ""
    url: str = ""
    client: str = ""


@dataclass(frozen=True)
class Address:
    """Where a source publishes, and how its files are found and read.

    With `rows` a file is put together of JSON pages: the list of that name, page by page (`page` is the parameter,
    `first_page` its first number, `total` the member that counts them) until one is empty; `held_back` is the member
    in which the source says what the account may not have. `beside` is a JSON file without which none can be read: it
    is put into the same folder. `history` is the address of the past, from `first` on.
    """

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
    step: str = "day"
    rows: str = ""
    page: str = "page"
    total: str = ""
    held_back: str = ""
    beside: str = ""
    seen: str = ""
    recheck_days: int = 7
    first_page: int = 1
    first: datetime | None = None
    layers: tuple[Layer, ...] = ()
    loopback: bool = False
    limits: Limits = field(default_factory=Limits)
    login: Login | None = None
    history: Address | None = None
    credit: Source | None = None
    options: Options = field(default_factory=Options)


@cache  # a plan of 38 sources asks for it as often
def known_addresses() -> Mapping[str, Address]:
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
    found = _check(_address(table, name, where), where)
    past = table.get("history")
    if past is None:
        return found
    if not isinstance(past, Mapping) or "history" in past:
        raise UsageError(f"{where} history: a table of keys that are otherwise for the past is wanted")
    now = {key: value for key, value in table.items() if key != "history"}
    return replace(found, history=parse_address({**now, **past}, name=name, where=f"{where} history"))


def _address(table: Mapping[str, Any], name: str, where: str) -> Address:
    numbers = {key: table[key] for key in ("recheck_days", "first_page") if key in table}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 3660:
            raise UsageError(f"{where} {key} is {value!r}: a number from 0 to 3660 is wanted")
    if not isinstance(table.get("loopback", False), bool):
        raise UsageError(f"{where} loopback is true or false")
    texts = {"reader": name, "way": "file", **{key: table[key] for key in _TEXTS if key in table}}
    first = table.get("first")
    if first is not None and type(first) is not date:
        raise UsageError(f"{where} first is {first!r}: a date without quotation marks is wanted")
    begin = None if first is None else datetime(first.year, first.month, first.day, tzinfo=UTC)
    return Address(
        source=name, **texts, **numbers, first=begin, layers=_layers(table.get("layers", []), where),
        loopback=table.get("loopback", False), limits=_limits(table.get("limits", {}), where),
        login=_login(table["login"], where) if "login" in table else None,
    )  # fmt: skip


def _login(table: Any, where: str) -> Login:
    if not _are_texts(table, _LOGIN_KEYS) or not table.get("account") or ("header" in table) == ("url" in table):
        raise UsageError(f"{where} login: account, and either header or url (with client) are wanted, as texts")
    if not re.fullmatch(r"[\w\-]{1,40}", table["account"]) or not re.fullmatch(r"[\w\-]*", table.get("header", "")):
        raise UsageError(f"{where} login: account and header are plain words")
    return Login(**table)


def _are_texts(table: Any, keys: tuple[str, ...]) -> bool:
    return isinstance(table, dict) and set(table) <= set(keys) and all(isinstance(v, str) for v in table.values())


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
    if not isinstance(listed, list) or not all(_are_texts(one, _LAYER_KEYS) for one in listed):
        raise UsageError(f"{where} layers: a list of tables is wanted, with the texts {', '.join(_LAYER_KEYS)}")
    layers = tuple(Layer(**{**one, "layer": one.get("layer", "").strip("/")}) for one in listed)
    for one in layers:
        plain = re.fullmatch(r"(?:[\w.\-]+(?:/[\w.\-]+)*)?", one.layer) and ".." not in one.layer
        names = (one.part or "a", one.date or "a", one.fields.replace("*", "a").replace(",", "") or "a")
        if not plain or not (one.layer or one.find) or not all(map(_NAME.fullmatch, names)):
            raise UsageError(f"{where} layer {one.layer!r}, part {one.part!r}: plain words are wanted")
        try:
            re.compile(one.find)
            _ = one.depicts and parse_instant(one.depicts)
        except (re.error, GateError) as error:
            raise UsageError(f"{where} layer {one.layer or one.find!r}: {error}") from None
    return layers


def _check(address: Address, where: str) -> Address:
    if address.reader not in KNOWN and address.reader not in plugins():
        raise UsageError(f"{where} reader {address.reader!r}: one of {', '.join(names())} is wanted")
    if address.kind not in KINDS:
        raise UsageError(f"{where} kind {address.kind!r}: one of {', '.join(KINDS)} is wanted")
    if address.step not in STEPS:
        raise UsageError(f"{where} step {address.step!r}: one of {', '.join(STEPS)} is wanted")
    if address.way == "file" and address.date not in ("", "name", "retrieved", "last-modified"):
        raise UsageError(f"{where} date {address.date!r}: name, retrieved or last-modified is wanted")
    urls = (address.url, address.index, address.beside, address.login.url if address.login else "")
    for text in filter(None, urls):
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
class Query:
    """What a layer of a feature service is asked: its address, the field that numbers rows, which rows and fields."""

    url: str
    key: str
    where: str
    fields: str


@dataclass(frozen=True)
class RemoteFile:
    """One file that a source offers, or (with `error`) what of it cannot be had now."""

    key: str
    url: str
    name: str
    kind: Kind
    moment: datetime | None = None
    changed: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    query: Query | None = None
    error: str = ""


_EARLY = 60.0  # seconds before its end at which a token is renewed
Post = Callable[[str, Mapping[str, str]], Any]


class Account:
    """One run's way into a source."""

    def __init__(self, login: Login) -> None:
        self.login = login
        names = ("token",) if login.header else ("user", "password")
        self._own = {name: _secret(login.account, name) for name in names}
        self._token = self._refresh = ""
        self._ends = 0.0

    @property
    def secrets(self) -> list[str]:
        """What may stand in no message."""
        given = [value for name, value in self._own.items() if name != "user"]
        return [secret for secret in (*given, self._token, self._refresh) if secret]

    def headers(self, post: Post) -> dict[str, str]:
        """What is said with a request; a token that is near its end is renewed first."""
        if self.login.header:
            return {self.login.header: self._own["token"]}
        if time.monotonic() >= self._ends:
            self.renew(post)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self, post: Post) -> bool:
        """Get a token, by the last one's refresh where that does; False where the source gives none for a key."""
        if self.login.header:
            return False
        ways = [{"grant_type": "refresh_token", "refresh_token": self._refresh}] if self._refresh else []
        ways += [{"grant_type": "password", "username": self._own["user"], "password": self._own["password"]}]
        for number, form in enumerate(ways, 1):
            try:
                answer = post(self.login.url, {**form, "client_id": self.login.client})
                break
            except FetchError:
                if number == len(ways):
                    raise
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise FetchError(f"{self.login.url}: no token came: the source answers otherwise than it did")
        self._token, self._refresh = token, str(answer.get("refresh_token") or self._refresh)
        lasts = answer.get("expires_in")
        self._ends = time.monotonic() + max(1.0, (lasts if isinstance(lasts, int | float) else 3600.0) - _EARLY)
        return True

    def where(self) -> str:
        """Where the key, or name and password, come from."""
        return " and ".join(_variable(self.login.account, name) for name in self._own)


def _variable(account: str, name: str) -> str:
    return f"GEO_{account}_{name}".upper().replace("-", "_")


def _secret(account: str, name: str) -> str:
    """A secret from the environment, else from the system's keyring."""
    variable = _variable(account, name)
    found = os.environ.get(variable) or _of_keyring(f"geo-control/{account}", name)
    if not found:
        raise UsageError(
            f"{account} lets accounts in alone, and its {name} is not known: set {variable}, or keep it in the system's"
            f" keyring (pip install 'geo-control[keyring]', then: keyring set geo-control/{account} {name})"
        )
    if not found.isprintable() or (name == "token" and not found.isascii()):
        raise UsageError(f"{variable}: the {account} {name} has signs in it that cannot be sent: copy it again")
    return found


def _of_keyring(service: str, name: str) -> str | None:
    try:
        keyring: Any = import_module("keyring")
    except ImportError:
        return None
    try:
        return str(keyring.get_password(service, name) or "")
    except keyring.errors.KeyringError:
        return None

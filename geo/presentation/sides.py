"""The table of sides: what each is called, its colour and its order; as shipped, and as the archive has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache

from geo.assets import read_toml
from geo.errors import UsageError
from geo.presentation.language import LANGUAGES, current

_LONGEST = 80  # letters of a name
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_FILE = "names/sides.toml"
PALETTE: Sequence[str] = tuple(read_toml(_FILE)["palette"])


@dataclass(frozen=True)
class Side:
    """A side: the code that archives write, its names by language, its colour ("" is the next free one) and place."""

    code: str
    names: Mapping[str, str] = field(default_factory=dict)
    colour: str = ""
    order: int | None = None
    adjectives: Mapping[str, str] = field(default_factory=dict)
    aliases: Sequence[str] = ()
    forms: Sequence[str] = ()  # other words for it that texts use, in every case

    @property
    def label(self) -> str:
        """Its name in the language that is spoken, else in English, else its code."""
        return _spoken(self.names) or self.code

    @property
    def adjective(self) -> str:
        """As `label`, of its adjective; its name where it has none."""
        return _spoken(self.adjectives) or self.label

    @property
    def words(self) -> set[str]:
        """All that an option may call it, in small letters."""
        return {word.casefold() for word in (self.code, *self.names.values(), *self.aliases, *self.forms)}


def _spoken(words: Mapping[str, str]) -> str:
    return words.get(current().code) or words.get("en", "")


@cache
def shipped_sides() -> Mapping[str, Side]:
    """The sides of today's wars, and the countries that have a name in the table."""
    found = {}
    for code, row in read_toml(_FILE)["sides"].items():
        told = [*row.get("words", ()), *row.get("capital", ()), *row.get("people", ())]
        names = row.get("name") or {"en": row["words"][0]}
        found[code] = Side(
            code, names, row.get("colour", ""), row.get("order"), row.get("adjective", {}), row.get("aliases", ()),
            [word for word in told if not word.endswith("*")],
        )  # fmt: skip
    return found


@cache
def _shipped_words() -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for code, side in shipped_sides().items():
        for word in side.words:
            found.setdefault(word, set()).add(code)
    return found


def bare_side(code: str) -> Side:
    """What is known of a side beside any archive: as registered, or as shipped under its code or a name of its."""
    if code in _REGISTERED:
        return _REGISTERED[code]
    shipped = shipped_sides().get(shipped_code(code))
    return Side(code) if shipped is None else replace(shipped, code=code)


def shipped_code(wanted: str) -> str:
    """The code of the shipped side that a name or an alias means; as it is where there is none, or several."""
    fits = {wanted} if wanted in shipped_sides() else _shipped_words().get(wanted.casefold(), {wanted})
    return next(iter(fits)) if len(fits) == 1 else wanted


_REGISTERED: dict[str, Side] = {}
_ARCHIVE: ContextVar[Mapping[str, Side]] = ContextVar("sides", default={})  # noqa: B039  (never changed)


@contextmanager
def knowing(sides: Mapping[str, Side]) -> Iterator[None]:
    """Inside the ``with`` these are the sides: those of the archive that is being read."""
    token = _ARCHIVE.set(sides)
    try:
        yield
    finally:
        with suppress(ValueError):  # a generator may end in another thread
            _ARCHIVE.reset(token)


def side_of(code: str) -> Side:
    """The row of a side; one that is in no row is called by its code."""
    return _ARCHIVE.get().get(code) or bare_side(code)


def side_order(code: str | None) -> tuple[bool, int, str]:
    """What sides are sorted by; nobody is last."""
    return (code is None, 0, "") if code is None else (False, side_of(code).order or 0, code)


def new_side(code: str, there: Mapping[str, Side], *, palette: Sequence[str] = PALETTE) -> Side:
    """A side seen for the first time beside others: its colour and its place are its own where they are free."""
    side, colours = bare_side(code), {one.colour for one in there.values()}
    if side.words - {code.casefold()} and any(side.label == one.label for one in there.values()):
        side = Side(code)  # another is called so: nobody could tell them apart
    if not side.colour or side.colour in colours:
        free = (colour for colour in palette if colour not in colours)
        side = replace(side, colour=next(free, palette[len(there) % len(palette)]))
    orders = {one.order for one in there.values()}
    if side.order is None or side.order in orders:
        side = replace(side, order=next(n for n in range(len(there) + 1) if n not in orders))
    return side


def placed_sides(controllers: Iterable[str | None]) -> dict[str, Side]:
    """Every controller's side with its colour and place, in the order of sides; never by who else is there, where an
    archive is read."""
    known = _ARCHIVE.get()
    wanted = {c for c in controllers if c}
    found = {code: known[code] for code in wanted & known.keys()}
    for code in sorted(wanted - known.keys(), key=lambda c: (not bare_side(c).colour, side_order(c))):
        found[code] = new_side(code, {**known, **found})
    return {code: found[code] for code in sorted(found, key=lambda c: (found[c].order or 0, c))}


def side_colours(controllers: Iterable[str | None], *, colours: Mapping[str, str] | None = None) -> dict[str, str]:
    """A colour for every controller, in the order of sides."""
    for name, colour in (colours or {}).items():
        check_colour(name, colour)
    return {code: (colours or {}).get(code, side.colour) for code, side in placed_sides(controllers).items()}


def find_side(wanted: str, there: Sequence[str]) -> str:
    """The code that a code, a name or an alias means, of those that are there; as it is where none of them fits."""
    if wanted in there:
        return wanted
    key = wanted.casefold()
    fits = [code for code in there if key in side_of(code).words]
    fits = fits or [code for code in there if side_of(code).words & bare_side(wanted).words]
    if len(fits) > 1:
        listed = ", ".join(f"{code} ({side_of(code).label})" for code in fits)
        raise UsageError(f"{wanted!r} may be several sides: {listed}. Give the code")
    return fits[0] if fits else wanted


def near_words(wanted: str, known: Mapping[str, Iterable[str]]) -> str:
    """Which names are written almost like one that is in none: "; did you mean …?", "" where none is."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    words = [(word.casefold(), name) for name, listed in known.items() for word in listed]
    near = process.extract(
        wanted.casefold(), [word for word, _ in words], scorer=OSA.normalized_similarity, limit=9, score_cutoff=0.6
    )
    found = list(dict.fromkeys(words[at][1] for _, _, at in near))[:3]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def register_side(side: Side) -> None:
    """Add a side to the table, or replace its row, for as long as the program runs; every output then knows it."""
    refuse_unclear(side, _REGISTERED)
    _REGISTERED[side.code] = side


def refuse_unclear(side: Side, there: Mapping[str, Side]) -> None:
    """Refuse what is set of a side where it cannot be read, or where another side is called so."""
    for lang in (*side.names, *side.adjectives):
        if lang not in LANGUAGES:
            raise UsageError(f"side {side.code}: no language {lang!r}; there are: {', '.join(LANGUAGES)}")
    for word in (*side.names.values(), *side.adjectives.values(), *side.aliases):
        if len(word) > _LONGEST or not (word.isprintable() or not word):
            raise UsageError(f"side {side.code}: {word[:_LONGEST]!r} is no name: one line of at most {_LONGEST} signs")
    if not side.code.strip() or not all(word.strip() for word in side.aliases):
        raise UsageError(f"side {side.code}: a code or an alias is empty")
    if side.colour:
        check_colour(side.code, side.colour)
    own = shipped_code(side.code)
    # a desk's own side may be a shipped one by another code; a shipped one is no other
    others = {**shipped_sides(), **there} if own in shipped_sides() else there
    twins = {*side.names.values(), *side.aliases} - {""}
    for other in (other for other in others.values() if other.code not in (side.code, own)):
        for word in sorted(word for word in twins if word.casefold() in other.words):
            raise UsageError(
                f"side {side.code}: {word!r} is what {other.code} is called: nobody could tell them apart. Give another"
                f" name; ground of {other.code} is recorded as its own with --set controller={other.code}"
            )


@contextmanager
def registered_side(side: Side) -> Iterator[Side]:
    """A side that is in the table inside the ``with`` alone."""
    before = _REGISTERED.get(side.code)
    register_side(side)
    try:
        yield side
    finally:
        del _REGISTERED[side.code]
        if before is not None:
            _REGISTERED[side.code] = before


def is_colour(text: str) -> bool:
    return _HEX.fullmatch(text) is not None


def check_colour(name: str, colour: str) -> None:
    if not is_colour(colour):
        raise UsageError(f"the colour of {name!r} is {colour!r}: write it as #rrggbb")

"""The language in which pages, pictures, documents and sentences are: words by catalogue, the rest as CLDR has it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, wraps
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from typing import Any, Literal, ParamSpec, TypeVar

from geo.assets import ASSETS
from geo.errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")
CATALOGUES = ASSETS / "languages"
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
# "р." and "г." after a year, whose full stop would meet that of the sentence
_ABBREVIATED_YEAR = re.compile(r"\s[рг]\.$")
_SCRIPT_WORDS = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*")""")


_TURNS = re.compile("[\u202a-\u202e]")  # signs by which a text would turn what follows it
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_ISOLATED = re.compile("\u2068[^\u2068\u2069]*\u2069")


@dataclass(frozen=True)
class Language:
    """A language: its code as people give it, its locale in CLDR, what it calls itself, and the way it is written."""

    code: str
    locale: str
    name: str
    direction: str = "ltr"


# a language is here once geo/assets/languages has its catalogue (CONTRIBUTING: Add a language)
LANGUAGES = {
    language.code: language
    for language in (
        Language("en", "en_GB", "English"),
        Language("uk", "uk", "Українська"),
        Language("ru", "ru", "Русский"),
        Language("de", "de", "Deutsch"),
        Language("fr", "fr", "Français"),
        Language("es", "es", "Español"),
        Language("pl", "pl", "Polski"),
        Language("ar", "ar", "العربية", "rtl"),
    )
}
_current: ContextVar[Language] = ContextVar("language", default=LANGUAGES["en"])


def current() -> Language:
    """The language that is spoken now."""
    return _current.get()


def language_of(code: str) -> Language:
    """The language of a code."""
    if code not in LANGUAGES:
        raise UsageError(f"lang={code!r} is unknown: " + ", ".join(LANGUAGES))
    return LANGUAGES[code]


@contextmanager
def speaking(code: str) -> Iterator[Language]:
    """Inside the ``with`` all words for readers are in this language."""
    token = _current.set(language_of(code))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


def in_language(make: Callable[P, T]) -> Callable[P, T]:
    """Let a function speak the language of its keyword `lang`; without one, that which is spoken."""

    @wraps(make)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> T:
        with speaking(str(kwargs.get("lang") or current().code)):
            return make(*args, **kwargs)

    return spoken


def gettext(text: str, /, **values: Any) -> str:
    """An English text in the language that is spoken; ``{name}`` in it stands for the value of that name."""
    said = _catalogue(_current.get().code).gettext(text) if text else ""  # "" is the head of a catalogue
    return said.format(**{name: isolated(value) for name, value in values.items()}) if values else said


def isolated(value: Any) -> Any:
    """A text that is written the other way than the language that is spoken, so that it turns no word around it."""
    if not isinstance(value, str) or (value.isascii() and _current.get().direction == "ltr"):
        return value
    text = _TURNS.sub("", value)
    other = ("R", "AL") if _current.get().direction == "ltr" else ("L",)
    if any(unicodedata.bidirectional(sign) in other for sign in _ISOLATED.sub("", text)):
        return f"\u2068{text}\u2069"
    return text


def ngettext(one: str, many: str, n: float, /, **values: Any) -> str:
    """The text that goes with a number, which stands in it as ``{n}``."""
    said = _catalogue(_current.get().code).ngettext(one, many, int(n) if float(n).is_integer() else 2)
    values = {name: isolated(value) for name, value in values.items()}
    return said.format(**{"n": number(n, 0 if float(n).is_integer() else 1)} | values)


def N_(text: str) -> str:
    """Mark an English text for the catalogues; it is put into the language where it is shown."""
    return text


def number(value: float, digits: int = 0) -> str:
    """A number with this many decimals and a true minus, as the language writes it."""
    plain = f"{abs(value):,.{digits}f}"
    if value < 0 and plain.strip("0.,"):
        return f"{_sign_mark()}−{number(-value, digits)}"
    language = _current.get()
    if language.code == "en":
        return plain
    from babel.numbers import format_decimal

    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(Decimal(plain.replace(",", "")), format=pattern, locale=language.locale)


def _sign_mark() -> str:
    # without the mark, a sign goes behind its number in a text from right to left
    return "\u200e" if _current.get().direction == "rtl" else ""


def signed(value: float, digits: int = 0) -> str:
    """A change with a plus or a true minus, as the language writes its figures; what rounds to 0 has no sign."""
    size = number(abs(value), digits)
    if size == number(0.0, digits):
        return size
    return number(value, digits) if value < 0 else f"{_sign_mark()}+{size}"


def plain_number(value: float, digits: int = 6) -> str:
    """A number with the decimals that it has, so many digits at most, as the language writes it."""
    plain = f"{value:.{digits}g}"
    return plain if "e" in plain else number(value, len(plain.partition(".")[2]))


def date_words(day: date) -> str:
    """A day in words, "11 January 2025"; an instant with its time in UTC."""
    language = _current.get()
    if language.code == "en":
        text = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    else:
        from babel.dates import format_date

        text = _ABBREVIATED_YEAR.sub("", format_date(day, format="long", locale=language.locale))
    return f"{text}, {day:%H:%M} UTC" if isinstance(day, datetime) else text


def day_words_short(day: date) -> str:
    """A day as charts and narrow columns have it, "11 Jan 2025"."""
    language = _current.get()
    if language.code == "en":
        return f"{day.day} {_MONTHS[day.month - 1][:3]} {day.year}"
    from babel.dates import format_date

    return _ABBREVIATED_YEAR.sub("", format_date(day, format="medium", locale=language.locale))


def month_words(month: date, *, short: bool = False) -> str:
    """A month in words, "January 2025"; short, "Jan 2025"."""
    language = _current.get()
    if language.code == "en":
        name = _MONTHS[month.month - 1]
        return f"{name[:3] if short else name} {month.year}"
    from babel.dates import format_skeleton

    text = format_skeleton("yMMM" if short else "yMMMM", month, locale=language.locale)
    return _ABBREVIATED_YEAR.sub("", text)


def short_month(month: date) -> str:
    """The name of a month alone, short, "Jan"."""
    from babel.dates import get_month_names

    if _current.get().code == "en":
        return _MONTHS[month.month - 1][:3]
    return str(get_month_names("abbreviated", context="stand-alone", locale=_current.get().locale)[month.month])


def listed(items: Sequence[str], *, way: Literal["standard", "or"] = "standard") -> str:
    """Items as a list in words: "A, B and C"; ``way="or"`` for a choice."""
    from babel.lists import format_list

    return format_list(items, style=way, locale=_current.get().locale) if items else ""


def script_words(script: str) -> dict[str, str]:
    """What the texts that a script asks for by ``_("…")`` are in the language that is spoken; none in English."""
    from json import loads

    if _current.get().code == "en":
        return {}
    return {text: gettext(text) for text in map(loads, _SCRIPT_WORDS.findall(script))}


def reworded(note: str) -> str:
    """A note that a reader of texts wrote, which is on record in English, in the language that is spoken."""
    if _current.get().code == "en":
        return note
    for pattern, text in _note_patterns():
        if found := pattern.fullmatch(note):
            return gettext(text, **{name: _value_words(value) for name, value in found.groupdict().items()})
    parts = note.split("; ")
    return "; ".join(map(reworded, parts)) if len(parts) > 1 else note


def _value_words(value: str) -> str:
    return date_words(date.fromisoformat(value)) if _DAY.fullmatch(value) else reworded(value)


@cache
def _note_patterns() -> Sequence[tuple[re.Pattern[str], str]]:
    """What matches the notes that each text of the list makes; those with most words of their own first."""
    texts = (CATALOGUES / "notes.txt").read_text(encoding="utf-8").splitlines()
    texts.sort(key=lambda text: -len(_PLACEHOLDER.sub("", text)))
    parts = ((_PLACEHOLDER.split(text), text) for text in texts)
    return [
        (re.compile("".join(f"(?P<{p}>.+?)" if i % 2 else re.escape(p) for i, p in enumerate(cut)), re.DOTALL), text)
        for cut, text in parts
    ]


@cache
def _catalogue(code: str) -> NullTranslations:
    path = CATALOGUES / f"{code}.po"
    if code == "en" or not path.exists():
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        catalogue = read_po(file, locale=LANGUAGES[code].locale, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)

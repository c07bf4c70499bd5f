"""What is read takes time in proportion to its length: every reader, every pattern and the readers of texts at n, 2n, 4n."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from types import FrameType
from typing import Any

import pytest

import geo
from geo.archive.safety_rules import without_places
from geo.claims.reading import find_claims
from geo.errors import GeoError
from geo.extraction.briefing import read_briefing
from geo.geocoding.geocoder import geocode
from geo.schema import Options
from geo.sources import KNOWN
from tests.fuzzing.corpus import OWN, Seed
from tests.fuzzing.inputs import gazetteer
from tests.fuzzing.run import read_and_admit

pytestmark = pytest.mark.long
MOST = 4**1.3  # times as long for four times as much; a square takes sixteen times
TOO_LONG = 3.0  # seconds of a processor
NOTHING = 0.15  # seconds of a processor at 4n that are too few to tell


class TooLong(BaseException):
    """Raised by the alarm."""


def _alarm(_: int, __: FrameType | None) -> None:
    raise TooLong


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGPROF, _alarm)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def seconds_for(what: Callable[[], Any], repeats: int = 1) -> float:
    """The least seconds of a processor; a refusal is an end as good as any."""
    best = TOO_LONG
    for _ in range(repeats):
        start = time.process_time()
        try:
            with at_most(TOO_LONG):
                what()
        except GeoError:
            pass
        except TooLong:
            return TOO_LONG
        best = min(best, time.process_time() - start)
    return best


def growth(make: Callable[[int], Callable[[], Any]], n: int) -> list[float]:
    """Seconds at n, 2n and 4n; measured three times where once looks like more than in proportion."""
    if (longest := seconds_for(make(4 * n))) < NOTHING:
        return [longest]
    for repeats in (1, 3):
        took = [seconds_for(make(size), repeats) for size in (n, 2 * n, 4 * n)]
        if in_proportion(took):
            break
    return took


def in_proportion(took: list[float]) -> bool:
    return took[-1] < NOTHING or (took[-1] <= MOST * took[0] and took[-1] < TOO_LONG)


def test_a_square_would_be_seen() -> None:
    assert not in_proportion(growth(lambda n: lambda: sum(1 for _ in range(n * n)), 1_000))


def many_rows(seed: Seed, n: int) -> bytes:
    """The last row, feature or mark n times over, each with a name and a place of its own."""
    if seed.name.endswith(".csv"):
        head, row = seed.content.decode().splitlines()[:2]
        first, _, rest = row.partition(",")
        return "\n".join([head, *(f"{first}{i},{rest}" for i in range(n))]).encode()
    if seed.name.endswith(".kml"):
        text = seed.content.decode()
        mark = text[text.index("<Placemark>") : text.index("</Placemark>") + 12]
        return text.replace(mark, "".join(mark.replace("35", f"35.{i:05}", 1) for i in range(n))).encode()
    if seed.name.endswith(".lua"):
        head, *marks, end = seed.content.decode().splitlines()
        label = re.compile('label = "')
        return "\n".join([head, *(label.sub(f'label = "{i}', marks[-1]) for i in range(n)), end]).encode()
    document = json.loads(seed.content)
    inner = document.get("value", document) if isinstance(document, dict) else document
    rows = inner["features"] if isinstance(inner, dict) else inner
    made = []
    for i in range(n):
        row = json.loads(json.dumps(rows[-1]))
        row |= {"id": f"x{i}"}
        if row.get("geometry"):
            ring = row["geometry"]["coordinates"][0]
            row["geometry"]["coordinates"] = [[[x + i % 60 / 20, y - i // 60 / 20] for x, y in ring]]
        made.append(row)
    rows[:] = made
    return json.dumps(document).encode()


def long_texts(seed: Seed, n: int, unit: str) -> bytes:
    """Every text of the last row n times as long, of the one unit."""
    text = seed.content.decode()
    if seed.name.endswith(".csv"):
        head, row = text.splitlines()[:2]
        cells = [f"{cell} {unit * n}" if cell and not re.search(r"\d", cell) else cell for cell in row.split(",")]
        return f"{head}\n{','.join(cells)}\n".encode()
    if seed.name.endswith(".kml"):
        return re.sub(r"(</name>|</description>)", f" {unit * n}\\1", text).encode()
    return re.sub(
        r'("(?:name|description|controller|status|type|location|native)": ")([^"]*)', rf"\1\2 {unit * n}", text
    ).encode()


READABLE = [name for name in KNOWN if name in OWN]


def reading(source: str, folder: Path, content: Callable[[int], bytes], n: int) -> Callable[[], Any]:
    path = folder / OWN[source][0].name
    path.write_bytes(content(n))
    return partial(read_and_admit, source, path, Options(date="2025-01-11"))


@pytest.mark.parametrize("source", READABLE)
def test_a_reader_takes_rows_in_proportion(tmp_path: Path, source: str) -> None:
    seed = OWN[source][0]
    took = growth(partial(reading, source, tmp_path, partial(many_rows, seed)), 400)
    assert in_proportion(took), took


@pytest.mark.parametrize("source", READABLE)
def test_a_reader_takes_a_long_text_in_proportion(tmp_path: Path, source: str) -> None:
    for unit in ("1 ", "{{", "&lt;", "/// a ", "from "):
        took = growth(partial(reading, source, tmp_path, partial(long_texts, OWN[source][0], unit=unit)), 5_000)
        assert in_proportion(took), (unit, took)


SENTENCE = "Shelling of Sudzha killed 3 people on 10 January 2025, said the mayor. "
TEXTS = {
    "sentences": SENTENCE,
    "claims": "Russia took 12 km² of Kursk region between 1 and 9 January 2025. ",
    "no full stop": "Sudzha, Rylsk and Kupiansk, 3 killed and 5 wounded, ",
    "numbers": "5 ", "brackets": "(", "quotes": "«a ", "names": "Kursk Oblast ", "lines": "a\n\n", "units": "12 km2 ",
    "bounds": "> ", "dashes": "- ", "blanks": "          ", "scenes": "In Kursk Oblast, Sudzha. ", "counts": "in Kharkiv 3 killed; ", "digits": "123 ",
    "dates": "on 3 May 2022, 7 March 2024, ", "ages": "a man, aged 46, a 52-year-old woman, ", "apostrophes": "Mar'", "countries": "Kyiv and Warsaw, Ukraine and Poland. ",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_read_in_proportion(tmp_path: Path, name: str) -> None:
    places, unit = gazetteer(), TEXTS[name]
    per = max(1, 1_000 // len(unit))  # characters of the shortest text

    def brief(n: int) -> Callable[[], Any]:
        path = tmp_path / f"{n}.txt"
        path.write_text("11 January 2025\n\n" + unit * n, encoding="utf-8")
        return lambda: read_briefing(path, gazetteer=places)

    asked = [(lambda n: lambda: find_claims(unit * n), 2 * per), (lambda n: lambda: without_places(unit * n), 4 * per)]
    asked += [(brief, per), (lambda n: lambda: geocode(unit * n, gazetteer=places), per)]
    for what, many in asked:
        took = growth(what, many)
        assert in_proportion(took), took


SEEKING = r"\.(?:search|sub|subn|finditer|findall|split)\b"


def patterns() -> dict[re.Pattern[str], bool]:
    """Every compiled pattern that a module keeps or makes once, in tables too, and whether it is sought in a text."""
    found: dict[re.Pattern[str], bool] = {}

    def look(value: Any, name: str, source: str, depth: int = 0) -> None:
        if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
            is_matched_alone = bool(re.search(rf"\b{name}(?:\.|:\s.*\.)(?:full)?match\b", source))
            is_sought = bool(re.search(rf"\b{name}{SEEKING}", source)) or not is_matched_alone
            found[value] = found.get(value, False) or is_sought
        elif isinstance(value, Mapping | list | tuple) and depth < 3:
            for each in value.values() if isinstance(value, Mapping) else value:
                look(each, name, source, depth + 1)
        elif is_dataclass(value) and not isinstance(value, type):
            look([getattr(value, one.name) for one in fields(value)], name, source, depth + 1)

    for module in pkgutil.walk_packages(geo.__path__, "geo."):
        if not module.name.endswith("__main__"):
            loaded = importlib.import_module(module.name)
            source = Path(str(loaded.__file__)).read_text(encoding="utf-8")
            for name, value in vars(loaded).items():
                look(value, name, source)
                made = getattr(value, "__wrapped__", None)
                kept = str(getattr(made, "__annotations__", {}).get("return", ""))
                if hasattr(value, "cache_info") and "Pattern" in kept and not signature(value).parameters:
                    look(value(), rf"{name}\(\)", source)
    return found


def sample(items: Any) -> str:
    """A text that a parsed pattern takes, the shortest of its kind."""
    text = ""
    for kind, value in items:
        match str(kind):
            case "LITERAL":
                text += chr(value)
            case "NOT_LITERAL" | "ANY":
                text += "a"
            case "IN":
                text += next(filter(None, map(_member, value)), "a")
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                text += sample(value[2]) * max(1, value[0])
            case "SUBPATTERN":
                text += sample(value[3])
            case "ATOMIC_GROUP":
                text += sample(value)
            case "BRANCH":
                text += sample(value[1][0])
    return text


def _member(one: Any) -> str:
    kind, value = str(one[0]), one[1]
    if kind == "LITERAL":
        return chr(value)
    if kind == "RANGE":
        return chr(value[0])
    named = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a", "CATEGORY_NOT_SPACE": "a"}
    return named.get(str(value), "") if kind == "CATEGORY" else ""


def repeated(items: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """For each repetition in a pattern, what stands before it and what it takes."""
    for at, (kind, value) in enumerate(items):
        here = before + sample(items[:at])
        match str(kind):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                if value[1] > 20:
                    yield here, sample(value[2])
                yield from repeated(value[2], here)
            case "SUBPATTERN":
                yield from repeated(value[3], here)
            case "ATOMIC_GROUP":
                yield from repeated(value, here)
            case "BRANCH":
                for branch in value[1]:
                    yield from repeated(branch, here)


COMMON = ("1", "a", " ", "51 ", "1.", "1,", "a ", "a.", "(", "<", "> ", "-1", "A", "\n")


def test_every_pattern_takes_time_in_proportion() -> None:
    every = patterns()
    assert len(every) > 100
    slow = {}
    for pattern, is_sought in every.items():
        ask = pattern.search if is_sought else pattern.match
        units = dict.fromkeys([*repeated(parser.parse(pattern.pattern, pattern.flags)), *(("", u) for u in COMMON)])
        for before, unit in ((b, u) for b, u in units if u):

            def asked(n: int, head: str = before, text: str = unit, ask: Any = ask) -> Any:
                whole = head + text * (n // len(text) + 1) + "\0"
                return lambda: ask(whole)

            if seconds_for(asked(4_000)) > 0.02:
                took = growth(asked, 2_000)
                if not in_proportion(took):
                    slow[pattern.pattern[:120], before[:20], unit] = took
                    break
    assert not slow, "\n".join(f"{key}: {took}" for key, took in slow.items())

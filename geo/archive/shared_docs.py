"""What the questions to an archive share in their docstrings: each parameter and error is described here, once.

A question documents what is its own; `documented` adds the other parameters of its signature, the errors that these
may bring about, and the meaning of every error that has none. ``help(Archive.area)`` and the web pages show the whole.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from geo.archive.periods import in_days
from geo.assets import read_toml

if TYPE_CHECKING:
    import pandas as pd

    from geo.archive.queries import ArchiveBase

_TABLES = read_toml("shared_docs.toml")
PARAMETERS: dict[str, Sequence[str]] = _TABLES["parameters"]
DRAWING: dict[str, Sequence[str]] = _TABLES["drawing"]
ERRORS: Mapping[str, str] = _TABLES["errors"]
# what a value of a shared parameter may bring about
_BROUGHT: Mapping[str, Sequence[str]] = _TABLES["brought"]
A = TypeVar("A")
R = TypeVar("R", bound="ArchiveBase")
P = ParamSpec("P")
T = TypeVar("T")
_SECTION = re.compile(r"^(\w+)\n-{3,}\n", re.MULTILINE)
_ENTRY = re.compile(r"^(?=\S)", re.MULTILINE)


def described(draw: Callable[P, T]) -> Callable[P, T]:
    """A function that draws from an archive with the docstring that its readers see."""
    draw.__doc__ = complete(draw.__doc__, list(inspect.signature(draw).parameters), PARAMETERS | DRAWING)
    return in_days(draw)


def from_one_state(draw: Callable[P, T]) -> Callable[P, T]:
    """A function whose first argument is an archive, drawn from one state of it, with its sides' names and colours."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> T:
        archive: Any = args[0] if args else kwargs.get("archive")
        with archive.holding():
            return draw(*args, **kwargs)

    return drawn


def documented(method: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[A, P], T]:
    """A method of `Archive` with the docstring that its readers see."""
    method.__doc__ = complete(method.__doc__, list(inspect.signature(method).parameters)[1:], brought=_BROUGHT)
    method.__module__, method.__qualname__ = "geo.archive", f"Archive.{method.__name__}"
    return in_days(method)


def consistent_read(method: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
    """A documented method that is answered from one state of the archive, in which nothing is read twice."""

    dated = documented(method)

    @wraps(dated)
    def answer(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.store.holding():
            named: dict[str, Any] = dict(kwargs)
            for name in named.keys() & {"controller", "against"}:
                kwargs[name] = self.reader.side_code(named[name])
            return dated(self, *args, **kwargs)

    return answer


def with_dates(*columns: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A question whose answer has datetimes in UTC in these columns, where the package itself keeps text."""

    def wrap(question: Callable[P, T]) -> Callable[P, T]:
        @wraps(question)
        def answer(*args: P.args, **kwargs: P.kwargs) -> T:
            told: Any = question(*args, **kwargs)
            frame, *rest = told if isinstance(told, tuple) else (told,)
            there = {name: instants(frame[name]) for name in columns if name in frame}
            frame = frame.assign(**there) if there else frame
            return cast("T", (frame, *rest) if rest else frame)

        return answer

    return wrap


def instants(values: pd.Series) -> pd.Series:
    """Dates and instants in ISO 8601 as datetimes in UTC; NaT where there is none."""
    import pandas as pd

    return pd.to_datetime(values, utc=True, format="ISO8601", errors="coerce")


def complete(
    doc: str | None, names: list[str], shared: Mapping[str, Sequence[str]] = PARAMETERS, *,
    brought: Mapping[str, Sequence[str]] | None = None,
) -> str | None:  # fmt: skip
    """A docstring with the shared parameters among these names, in their order, and with its errors and their meaning.

    `brought` says which error a value of which shared parameter may bring about; with none named, every question.
    """
    if doc is None:  # python -OO
        return None
    summary, *rest = _SECTION.split(inspect.cleandoc(doc) + "\n")
    sections = {title: body.strip("\n") for title, body in zip(rest[::2], rest[1::2], strict=True)}
    own = {name: entry for entry in _entries(sections.pop("Parameters", "")) for name in _heads(entry)}
    shown = [own.get(name) or f"{name} : {shared[name][0]}\n    {_folded(shared[name][1])}" for name in names]
    asked = set(names) - own.keys()
    errors = {e: _meaning(e) for e, values in (brought or {}).items() if not values or asked & {*values}}
    for entry in _entries(sections.pop("Raises", "")):
        # an error with its own meaning, or a list of names with the shared ones
        errors |= {entry.split("\n")[0]: entry} if "\n" in entry else {e: _meaning(e) for e in entry.split(", ")}
    raised = [errors[name] for name in (sorted(errors) if brought else errors)]
    answers = {title: sections.pop(title, "") for title in ("Returns", "Yields")}
    whole = {"Parameters": "\n".join(dict.fromkeys(shown)), **answers, "Raises": "\n".join(raised), **sections}
    texts = [f"{title}\n{'-' * len(title)}\n{body}" for title, body in whole.items() if body]
    return "\n\n".join([summary.strip(), *texts]) + "\n"


def _entries(body: str) -> list[str]:
    return [entry.rstrip() for entry in _ENTRY.split(body) if entry.strip()]


def _heads(entry: str) -> list[str]:
    return [name.strip().lstrip("*") for name in entry.split("\n")[0].split(" : ")[0].split(",")]


def _meaning(error: str) -> str:
    return f"{error}\n    {_folded(ERRORS[error])}"


@cache
def _folded(text: str) -> str:
    return "\n    ".join(textwrap.wrap(text, 100))

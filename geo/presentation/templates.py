"""HTML from templates: our own files, or a desk's before them; text from outside is only ever a value, and escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from difflib import get_close_matches
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from markupsafe import escape as _escape

from geo import __version__
from geo.assets import ASSETS
from geo.errors import MapError, UsageError
from geo.presentation import language

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

OURS = ASSETS / "templates"
_UNSHOWN = re.compile("[\0\ud800-\udfff]")
_BREAK = re.compile(r"(?<=>)\s*\n\s*(?=<)")
# whose attributes a template may read, beside our own dataclasses: nothing that opens or writes a file
_PLAIN = (str, int, float, date, tuple, list, dict, type(None))


def escape(text: Any) -> Markup:
    """Text as HTML shows it."""
    return _escape("" if text is None else without_unseen(str(text)))


def without_unseen(text: str) -> str:
    """Text with a mark in place of what no HTML may hold."""
    return _UNSHOWN.sub("\ufffd", text)


def templates_folder(given: str | Path | None) -> Path | None:
    """A desk's folder of templates as it was given; refused at once where it cannot be used."""
    if given is None:
        return None
    folder = checked(Path(given))
    environment = _environment(_folders(folder), _stamp(folder))
    for path in sorted(folder.glob("*.html")):
        with _faults_in(path):
            environment.get_template(path.name)
    return folder


def render(name: str, folder: Path | None = None, /, **values: Any) -> Markup:
    """A template with these values; `folder` holds a desk's own templates, which stand before ours."""
    folders = _folders(folder)
    try:
        with _faults_in(folders[0] / name):
            template = _environment(folders, _stamp(folder)).get_template(name)
        text = template.render(values)
    except _faults() as error:
        places = [f for f in extract_tb(error.__traceback__) if Path(f.filename).parent in folders]
        if not places or Path(places[-1].filename).parent == OURS:
            raise
        raise _refusal(places[-1].filename, places[-1].lineno, str(error)) from None
    return Markup(without_unseen(text))  # noqa: S704  (escaped by the template)


def texts_of(folder: Path | None) -> dict[str, str]:
    """The source of each of a desk's own templates, by name."""
    files = [] if folder is None else sorted(checked(folder).glob("*.html"))
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in files}


def digest_of(folder: Path | None) -> str:
    """A digest of all templates in use, by which a site knows that its pages are to be made anew."""
    texts = [path.read_bytes() for path in sorted(OURS.glob("*.html"))]
    return sha256(b"\0".join([*texts, repr(texts_of(folder)).encode("utf-8", "replace")])).hexdigest()[:16]


@cache
def names() -> tuple[str, ...]:
    """The names of our own templates: what a desk's file may be called."""
    found = tuple(sorted(path.name for path in OURS.glob("*.html")))
    if not found:
        raise MapError(f"the templates are missing from {OURS}: install geo-control again")
    return found


def checked(folder: Path) -> Path:
    """A desk's folder of templates, each under the name of one of ours (or its own part: ``_logo.html``)."""
    if not folder.is_dir():
        raise UsageError(f"templates {folder}: no such folder")
    for path in sorted(folder.glob("*.html")):
        if not path.is_file():
            raise UsageError(f"{path}: a template is a file")
        if path.name not in names() and not path.name.startswith("_"):
            close = get_close_matches(path.stem, [name.removesuffix(".html") for name in names()], 1)
            way = f"did you mean {close[0]}.html?" if close else f"there are {', '.join(names())}"
            raise UsageError(f"{path}: no template has that name; {way} (a part of your own begins with _)")
    return folder


def _folders(folder: Path | None) -> tuple[Path, ...]:
    return (OURS,) if folder is None else (checked(folder.resolve()), OURS)


def _stamp(folder: Path | None) -> tuple[tuple[str, int], ...]:
    """What tells that a desk changed its templates since they were read."""
    return tuple(sorted((p.name, p.stat().st_mtime_ns) for p in folder.glob("*.html"))) if folder else ()


@contextmanager
def _faults_in(path: Path) -> Iterator[None]:
    """A template that cannot be read is refused with its file, and the line where there is one."""
    from jinja2 import TemplateSyntaxError

    try:
        yield
    except TemplateSyntaxError as error:
        raise _refusal(error.filename or str(path), error.lineno, error.message or "") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: a template is written in UTF-8, and this is not ({error})") from None
    except OSError as error:
        raise UsageError(f"{path}: it cannot be read ({error.strerror or error})") from None


def _faults() -> tuple[type[Exception], ...]:
    """What a wrong template raises where it is rendered."""
    from jinja2 import TemplateError

    return TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError


def _refusal(file: str, line: int | None, what: str) -> UsageError:
    return UsageError(f"{file}, line {line}: {what or 'this template cannot be read'}")


@lru_cache(maxsize=8)
def _environment(folders: tuple[Path, ...], _: object) -> SandboxedEnvironment:
    from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined

    ours = FileSystemLoader(OURS)
    made = _sandbox()(
        # `ours/map.html` is our own template where a desk has one of the same name
        loader=ChoiceLoader([*(FileSystemLoader(f) for f in folders), PrefixLoader({"ours": ours})]),
        autoescape=True, undefined=StrictUndefined,
        finalize=lambda value: "" if value is None else value,
    )  # fmt: skip
    # markup is made in Python alone: no template may declare a value safe
    del made.filters["safe"]
    made.filters |= _filters()
    made.install_gettext_callables(language.gettext, language.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.policies["ext.i18n.trimmed"] = True
    made.globals |= {"version": __version__, "language": language.current}
    return made


def _lean(text: str, *, after: bool, before: bool) -> str:
    """A template's text without the breaks beside tags; `after` and `before` say that a statement stands there."""
    text = re.sub(r"^\s*\n\s*", "", text) if after else re.sub(r"^\s*\n\s*(?=<)", "", text)
    text = re.sub(r"\s*\n\s*$", "", text) if before else re.sub(r"(?<=>)\s*\n\s*$", "", text)
    return re.sub(r"\s*\n\s*", "\n", _BREAK.sub("", text))


@cache
def _sandbox() -> type[SandboxedEnvironment]:
    """An environment whose templates read values and nothing else: no file, no module, no private name."""
    from jinja2.environment import TemplateModule
    from jinja2.ext import Extension
    from jinja2.lexer import Token, TokenStream
    from jinja2.nodes import EvalContextModifier, Template
    from jinja2.runtime import LoopContext, Macro, TemplateReference, Undefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.utils import Namespace

    own = (*_PLAIN, LoopContext, Macro, TemplateReference, TemplateModule, Undefined, Namespace)

    class Lean(Extension):
        """Line breaks and indents beside tags are for those who read the template: the page has none."""

        def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
            tokens = list(stream)
            for i, token in enumerate(tokens):
                if token.type == "data":
                    after = i == 0 or tokens[i - 1].type == "block_end"
                    before = i + 1 == len(tokens) or tokens[i + 1].type == "block_begin"
                    token = Token(token.lineno, token.type, _lean(token.value, after=after, before=before))
                yield token

    class Sandbox(ImmutableSandboxedEnvironment):
        """Values of plain kinds and of our own dataclasses; their public fields."""

        def __init__(self, **options: Any) -> None:
            super().__init__(extensions=[Lean, "jinja2.ext.i18n"], **options)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            is_ours = hasattr(type(obj), "__dataclass_fields__") and not callable(value)
            return (is_ours or isinstance(obj, own)) and super().is_safe_attribute(obj, attr, value)

        def _parse(self, source: str, name: str | None, filename: str | None) -> Template:
            tree = super()._parse(source, name, filename)
            for node in tree.find_all(EvalContextModifier):
                raise _refusal(filename or str(name), node.lineno, "autoescape stays on: text is shown, never run")
            return tree

    return Sandbox


def _filters() -> Mapping[str, Callable[..., Any]]:
    from geo.presentation.labels import class_key, class_label, figure, km2_cell, sentence, written
    from geo.presentation.language import date_words

    def lines(texts: Iterable[str]) -> list[str]:
        """Texts as sentences, each with one full stop."""
        return [f"{text.rstrip('., ')}." for text in texts]

    return {
        "date_words": date_words, "figure": figure, "km2": km2_cell, "lines": lines,
        "sentence": sentence, "written": written, "label": lambda row: class_label(*class_key(row)),
    }  # fmt: skip

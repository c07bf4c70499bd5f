"""How pictures are lettered: the font that matplotlib ships, how wide a line is, where it breaks. matplotlib's settings
are ours while a picture is made, and the caller's again afterwards.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from geo.errors import MapError


def plain(text: Any) -> str:
    """Text as a picture shows it: on one line, without what no XML file may hold, and without byte order marks."""
    # matplotlib cannot write a byte order mark into a PDF; it has no width and no look
    spaced = " ".join(str(text).replace("\ufeff", "").split())
    return "".join("�" if unicodedata.category(c) in ("Cc", "Cs", "Cn") else c for c in spaced)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a line of text is, in points, unhinted."""
    return _width_at_100(text, bold) * size / 100


def wrapped(text: str, width: float, size: float, *, bold: bool = False, most: int = 0) -> list[str]:
    """Text in lines of a width in points; a word that is too long for one is parted."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if text_width(longer, size, bold=bold) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _parted(word, width, size, bold)
        lines += full
    lines.append(line)
    if most and len(lines) > most:
        last = lines[most - 1]
        while last and text_width(last + "…", size, bold=bold) > width:
            last = last[:-1]
        lines = [*lines[: most - 1], last + "…"]
    return _isolated_alone(lines)


def _isolated_alone(lines: list[str]) -> list[str]:
    """Lines of which each closes the isolates that it opens: every line is set by itself."""
    found, is_open = [], 0
    for line in lines:
        begun = is_open
        is_open = max(0, is_open + line.count("\u2068") - line.count("\u2069"))
        found.append(begun * "\u2068" + line + is_open * "\u2069")
    return found


@contextmanager
def clean_settings() -> Iterator[None]:
    """matplotlib's defaults for as long as this lasts, whatever the caller has set, and ours."""
    need_matplotlib()
    import matplotlib

    with warnings.catch_warnings():
        # a glyph that the font lacks is said once, by `say_missing`
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.simplefilter("ignore", matplotlib.MatplotlibDeprecationWarning)
        settings: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith(("backend", "inter"))}
        settings |= {
            "svg.fonttype": "none",
            "svg.hashsalt": "geo-control",
            "pdf.fonttype": 42,
            "text.parse_math": False,
        }
        settings["text.hinting"] = "none"  # hinted lines would be wider than they were measured
        with matplotlib.rc_context(settings):
            yield


def font(*, size: float, bold: bool = False, slanted: bool = False) -> Any:
    """The font that matplotlib ships, by its file: one that is installed may be of another version."""
    from matplotlib.font_manager import FontProperties

    families = ["DejaVu Sans", "Verdana", "sans-serif"]
    return FontProperties(
        family=families, fname=_font_file(bold, slanted), size=size, weight="bold" if bold else "normal",
        style="oblique" if slanted else "normal",
    )  # fmt: skip


@lru_cache(maxsize=2)
def _slanted_letters() -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(_font_file(False, slanted=True)).get_charmap())


def can_be_slanted(text: str) -> bool:
    """Whether the slanted font has every letter of a text: it has no Arabic."""
    return all(ord(c) in _slanted_letters() for c in text)


def say_missing(text: str) -> None:
    """Warn of letters that the pictures' font has not: PNG and PDF show boxes instead."""
    from matplotlib.font_manager import get_font

    need_matplotlib()
    known = get_font(_font_file(False)).get_charmap()
    missing = sorted({c for c in text if ord(c) not in known and not c.isspace() and unicodedata.category(c) != "Cf"})
    if missing:
        warnings.warn(
            f"the font of pictures (DejaVu Sans) has no {' '.join(missing[:20])}: PNG and PDF show boxes there;"
            " an SVG shows them where the reader's machine has them",
            UserWarning, stacklevel=3,
        )  # fmt: skip


def need_matplotlib() -> tuple[Any, Any]:
    """matplotlib's figure and its canvas of pixels."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MapError(f"pictures need matplotlib and pillow ({error}): pip install 'geo-control[pictures]'") from None
    return Figure, FigureCanvasAgg


def _font_file(bold: bool, slanted: bool = False) -> str:
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans-Oblique.ttf" if slanted else "DejaVuSans.ttf"
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name)


@lru_cache(maxsize=20_000)
def _width_at_100(text: str, bold: bool) -> float:
    need_matplotlib()
    from matplotlib.textpath import TextToPath

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        return float(TextToPath().get_text_width_height_descent(text, font(size=100, bold=bold), False)[0])


def _parted(word: str, width: float, size: float, bold: bool) -> list[str]:
    if text_width(word, size, bold=bold) <= width:
        return [word]
    parts, part = [], ""
    for letter in word:
        if part and text_width(part + letter, size, bold=bold) > width:
            parts.append(part)
            part = ""
        part += letter
    return [*parts, part]

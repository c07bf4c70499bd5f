"""A drawn figure's way into PNG, SVG and PDF: in one step, and the same bytes each time."""

from __future__ import annotations

import html
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geo.errors import MapError
from geo.output.images.fonts import clean_settings, need_matplotlib
from geo.output.images.themes import kind_of
from geo.storage.atomic_write import aside
from geo.version import __version__

if TYPE_CHECKING:
    from geo.output.images.drawing import Figure


def save(figure: Figure, path: Path, *, title: str, text: str, credit: str) -> Path:
    """Write a figure as its file's name says, in one step; the same figure gives the same bytes."""
    kind = kind_of(path)
    made = _encoded(figure, kind, title, text, credit)
    return write(_with_alt_text(made, text) if kind == "svg" else made, path)


def png_bytes(figure: Figure, *, title: str, text: str, credit: str) -> bytes:
    """A figure as PNG, as `save` would write it."""
    return _encoded(figure, "png", title, text, credit)


def _encoded(figure: Figure, kind: str, title: str, text: str, credit: str) -> bytes:
    maker = f"geo-control {__version__}"
    metadata: dict[str, Mapping[str, Any]] = {
        "png": {"Title": title, "Description": text, "Copyright": credit, "Software": maker},
        "svg": {"Title": title, "Description": text, "Rights": credit, "Creator": maker, "Date": None},
        "pdf": {"Title": title, "Subject": text, "Keywords": credit, "Creator": maker, "Producer": maker,
                "CreationDate": None},
    }  # fmt: skip
    stream = BytesIO()
    with clean_settings():
        figure.savefig(stream, format=kind, metadata=dict(metadata[kind]))
    return stream.getvalue()


def write(made: bytes, path: Path) -> Path:
    """Write a file in one step: beside its place, then moved there."""
    try:
        with aside(path) as temporary:
            temporary.write_bytes(made)
    except OSError as error:
        raise MapError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def pixels(figure: Figure) -> Any:
    """A figure as an array of red, green and blue, uint8, shape (height, width, 3)."""
    _, canvas = need_matplotlib()
    with clean_settings():
        drawn = canvas(figure)
        drawn.draw()
        return np.asarray(drawn.buffer_rgba())[..., :3].copy()


def _with_alt_text(made: bytes, text: str) -> bytes:
    """An SVG with its description where screen readers look for it."""
    drawing = made.decode("utf-8")
    drawing = drawing.replace("<svg ", '<svg role="img" aria-labelledby="picture-title picture-text" ', 1)
    drawing = drawing.replace("<title>", '<title id="picture-title">', 1)
    text = html.escape(text, quote=False)
    return drawing.replace("</title>", f'</title>\n <desc id="picture-text">{text}</desc>', 1).encode()

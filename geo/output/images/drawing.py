"""A canvas that pictures are drawn on, in points from its upper left corner, and its way into files."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from xml.etree import ElementTree

import numpy as np
import shapely

from geo import __version__
from geo.errors import MapError
from geo.output.images.fonts import clean_settings, font, need_matplotlib, plain
from geo.output.images.projection import Rect
from geo.output.images.themes import Theme, is_dark, kind_of
from geo.presentation.language import current
from geo.presentation.statuses import HELD_FILL
from geo.presentation.symbols import Symbol, mixed
from geo.storage.atomic_write import write_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Figure


_MIRRORED: dict[str, Literal["left", "center", "right"]] = {"left": "right", "center": "center", "right": "left"}


class Canvas:
    """A page of a size in points, origin at the upper left, y down. What is drawn later lies on top."""

    def __init__(self, width: float, height: float, theme: Theme, *, dpi: int, marks: float = 1.0) -> None:
        figure, _ = need_matplotlib()
        from matplotlib.transforms import Affine2D

        self.width, self.height, self.theme, self.marks = width, height, theme, marks
        self.figure: Figure = figure(figsize=(width / 72, height / 72), dpi=dpi, facecolor=theme.paper)
        self.page = Affine2D().scale(1 / 72, -1 / 72).translate(0, height / 72) + self.figure.dpi_scale_trans
        self.is_mirrored = current().direction == "rtl"  # laid out from right to left; texts are as they are
        self._depth = 0
        self._group = ""
        self._groups: dict[str, str] = {}  # name -> id and label, as the SVG has them

    @contextmanager
    def group(self, name: str, label: str = "") -> Iterator[None]:
        """What is drawn meanwhile is one layer of an SVG: its id, and what it is called."""
        words = re.sub(r"[^\w.-]", "_", plain(name)) + "#" + plain(label or name)
        outer, self._group = self._group, self._group or self._groups.setdefault(name, words)
        try:
            yield
        finally:
            self._group = outer

    def _add(self, artist: Any, clip: Rect | None = None) -> None:
        from matplotlib.transforms import Bbox, TransformedBbox

        self._depth += 1
        if self._group:
            artist.set_gid(f"{self._group}#{self._depth}")
        artist.set_zorder(self._depth)
        self.figure.add_artist(artist, clip=False)
        if clip is not None:
            artist.set_clip_box(TransformedBbox(Bbox.from_extents(*clip), self.page))

    @contextmanager
    def not_mirrored(self) -> Iterator[None]:
        """For maps and charts, of which left is left in every language."""
        was, self.is_mirrored = self.is_mirrored, False
        try:
            yield
        finally:
            self.is_mirrored = was

    def _at(self, x: float) -> float:
        return self.width - x if self.is_mirrored else x

    def across(self, rect: Rect) -> Rect:
        """A rectangle where it is drawn: on the other side of a page that is mirrored."""
        return (self.width - rect[2], rect[1], self.width - rect[0], rect[3]) if self.is_mirrored else rect

    def _path(self, lines: Any, *, close: bool) -> Any:
        path = _path(lines, close=close)
        if path is not None and self.is_mirrored:
            path.vertices = path.vertices * (-1, 1) + (self.width, 0)
        return path

    def areas(
        self, shapes: Any, *, fill: str = "none", opacity: float = 1.0, edge: str = "none", weight: float = 0.0,
        dash: str = "", clip: Rect | None = None,
    ) -> None:  # fmt: skip
        """Polygons in points, as one path."""
        path = self._path(_rings(shapes), close=True)
        if path is not None:
            face = "none" if fill == "none" else (fill, opacity)
            self._patch(path, face, edge, weight, dash, clip)

    def lines(
        self, shapes: Any, *, colour: str, weight: float, dash: str = "", opacity: float = 1.0, clip: Rect | None = None
    ) -> None:
        """Lines in points, as one path."""
        path = self._path(np.asarray(shapes, dtype=object), close=False)
        if path is not None:
            self._patch(path, "none", (colour, opacity), weight, dash, clip)

    def front(self, shapes: Any, *, clip: Rect | None = None) -> None:
        """A front line: dark on light or light on dark, with a rim in the ground's colour."""
        self.lines(shapes, colour=self.theme.halo, weight=2.6 * self.marks, opacity=0.8, clip=clip)
        self.lines(shapes, colour=self.theme.ink, weight=1.15 * self.marks, clip=clip)

    def front_mark(self, x: float, y: float, size: float) -> None:
        """A front line as the legend shows it, in a box of 1.9 by 1.5 sizes."""
        steps = [(0.05, 1.05), (0.5, 0.7), (0.95, 0.95), (1.4, 0.55), (1.85, 0.7)]
        self.front([shapely.LineString([(x + a * size, y + b * size) for a, b in steps])])

    def _patch(self, path: Any, face: Any, edge: Any, weight: float, dash: str, clip: Rect | None) -> None:
        from matplotlib.patches import PathPatch

        # matplotlib multiplies dashes by the line's width
        steps = [float(v) * self.marks / weight for v in dash.split()] if dash and weight else []
        patch = PathPatch(
            path, facecolor=face, edgecolor=edge, linewidth=weight, linestyle=(0, steps) if steps else "-",
            transform=self.page, joinstyle="round",
        )  # fmt: skip
        self._add(patch, clip)

    def symbol(self, shapes: Any, symbol: Symbol, *, clip: Rect, edge: float = 1.0) -> None:
        """Polygons in a class's colour and pattern, as the dated page draws them."""
        path = self._path(_rings(shapes), close=True)
        if path is None:
            return
        clip = self.across(clip)
        fill, strength = self._fill(symbol)
        self._patch(path, (fill, strength), "none", 0.0, "", clip)
        if not symbol.even:
            self._texture(path, symbol, clip)
            self._patch(path, "none", symbol.edge, symbol.weight * edge * self.marks, symbol.dash, clip)

    def _fill(self, symbol: Symbol) -> tuple[str, float]:
        """The colour of a class between its bars, and how strong it is on this paper."""
        if symbol.even in ("gained", "lost"):
            return mixed(symbol.colour, symbol.even, on_dark=is_dark(self.theme)), symbol.tile.opacity
        return symbol.fill, self.theme.held[0] if symbol.tile.opacity == HELD_FILL else symbol.tile.opacity

    def _texture(self, path: Any, symbol: Symbol, clip: Rect) -> None:
        """The pattern's bars and dots inside a path: lines of ours, since matplotlib's hatches differ by format."""
        from matplotlib.collections import LineCollection, PathCollection
        from matplotlib.path import Path as Outline
        from matplotlib.transforms import Affine2D

        size, turn = symbol.tile.size * self.marks, float(symbol.angle % 180)
        box = path.get_extents()
        region = (max(box.x0, clip[0]), max(box.y0, clip[1]), min(box.x1, clip[2]), min(box.y1, clip[3]))
        if region[0] >= region[2] or region[1] >= region[3]:
            return
        drawn: list[Any] = []
        is_held = symbol.tile.opacity == HELD_FILL
        for bar, colour in symbol.bars:
            rows = _bars(region, size, turn + (90 if bar.across else 0))
            strength = self.theme.held[1] if is_held else bar.opacity
            drawn.append(LineCollection(
                rows, colors=[(colour, strength)], linewidths=bar.width * self.marks, capstyle="butt",
                transform=self.page,
            ))  # fmt: skip
        for radius, opacity in [symbol.tile.dot] if symbol.tile.dot else ():
            dot = Outline.circle((0, 0), radius * self.marks)
            x, y = ((np.arange(np.floor(region[i] / size), np.ceil(region[i + 2] / size)) + 0.5) * size for i in (0, 1))
            places = np.column_stack([v.ravel() for v in np.meshgrid(x, y)])
            places = places[path.contains_points(places, radius=radius * self.marks)]
            size_only = Affine2D().scale(1 / 72) + self.figure.dpi_scale_trans
            drawn.append(PathCollection(
                [Outline(dot.vertices, dot.codes)], offsets=places, offset_transform=self.page, linewidths=0,
                facecolors=[(symbol.colour, opacity)], transform=size_only,
            ))  # fmt: skip
        for artist in drawn:
            self._add(artist)
            artist.set_clip_path(path, self.page)

    def disc(self, x: float, y: float, radius: float, *, fill: str, edge: str = "none", weight: float = 0.0,
             dash: str = "", clip: Rect | None = None) -> None:  # fmt: skip
        """A circle around a point, all in points."""
        from matplotlib.path import Path as Outline

        self._patch(Outline.circle((self._at(x), y), radius), fill, edge, weight, dash, clip)

    def box(
        self, rect: Rect, *, fill: str = "none", opacity: float = 1.0, edge: str = "none", weight: float = 0.0
    ) -> None:
        """A rectangle x0, y0, x1, y1 in points."""
        self.areas([shapely.box(*rect)], fill=fill, opacity=opacity, edge=edge, weight=weight)

    def text(self, x: float, y: float, text: str, size: float, *, colour: str = "", bold: bool = False,
             align: Literal["left", "center", "right"] = "left", halo: float = 0.0,
             slanted: bool = False) -> None:  # fmt: skip
        """A line of text, its baseline at y; a halo of so many points lies under it."""
        from matplotlib.text import Text

        x, align = self._at(x), _MIRRORED[align] if self.is_mirrored else align

        def make() -> Any:
            return Text(
                x, y, text, fontproperties=font(size=size, bold=bold, slanted=slanted),
                color=colour or self.theme.ink, ha=align, va="baseline", parse_math=False, transform=self.page,
            )  # fmt: skip

        if halo:
            from matplotlib.patheffects import Stroke

            # outlines of its own under the text, which thereby stays text in an SVG
            under = make()
            under.set_path_effects([Stroke(linewidth=halo, foreground=self.theme.halo, joinstyle="round")])
            self._add(under)
        self._add(make())


def _rings(shapes: Any) -> Any:
    parts = shapely.get_parts(shapely.get_parts(np.asarray(shapes, dtype=object)))
    parts = parts[(shapely.get_dimensions(parts) == 2) & ~shapely.is_empty(parts)]
    # holes are holes by their direction: the formats fill by winding
    return shapely.get_rings(shapely.orient_polygons(parts))


def _path(lines: Any, *, close: bool) -> Any:
    from matplotlib.path import Path as Outline

    points, which = shapely.get_coordinates(lines, return_index=True)
    if not len(points):
        return None
    codes = np.full(len(points), Outline.LINETO, dtype=Outline.code_type)
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    codes[starts] = Outline.MOVETO
    if close:
        codes[np.append(starts[1:], len(points)) - 1] = Outline.CLOSEPOLY
    return Outline(np.round(points, 2), codes)


def _bars(region: Rect, size: float, turn: float) -> list[Any]:
    """Upright lines, one a step, turned about the canvas's origin, where they cross a rectangle."""
    angle = np.deg2rad(turn)
    normal, along = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    corners = np.array([(region[i], region[j]) for i in (0, 2) for j in (1, 3)])
    across, length = corners @ normal, corners @ along
    steps = (np.arange(np.floor(across.min() / size), np.ceil(across.max() / size) + 1) + 0.5) * size
    ends = [shapely.LineString([s * normal + t * along for t in (length.min(), length.max())]) for s in steps]
    cut = shapely.clip_by_rect(np.array(ends, dtype=object), *region)
    return [shapely.get_coordinates(line) for line in cut if not line.is_empty and line.geom_type == "LineString"]


def save(figure: Figure, path: Path, *, title: str, text: str, credit: str) -> Path:
    """Write a figure as its file's name says, in one step; the same figure gives the same bytes."""
    kind = kind_of(path)
    made = _encoded(figure, kind, title, text, credit)
    return write_page(_with_alt_text(_grouped(made), text) if kind == "svg" else made, path)


def png_bytes(figure: Figure, *, title: str, text: str, credit: str) -> bytes:
    """A figure as PNG of 256 colours, a third as large as `save` would write it."""
    from PIL import Image, PngImagePlugin

    drawn = Image.open(BytesIO(_encoded(figure, "png", title, text, credit, pil_kwargs={"compress_level": 0})))
    said = PngImagePlugin.PngInfo()
    for name, value in drawn.info.items():
        if isinstance(value, str):
            said.add_itxt(str(name), value)
    stream = BytesIO()
    drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True, pnginfo=said)
    return stream.getvalue()


def _encoded(figure: Figure, kind: str, title: str, text: str, credit: str, **options: Any) -> bytes:
    maker = f"geo-control {__version__}"
    metadata: dict[str, Mapping[str, Any]] = {
        "png": {"Title": title, "Description": text, "Copyright": credit, "Software": maker},
        "svg": {"Title": title, "Description": text, "Rights": credit, "Creator": maker, "Date": None},
        "pdf": {"Title": title, "Subject": text, "Keywords": credit, "Creator": maker, "Producer": maker,
                "CreationDate": None},
    }  # fmt: skip
    stream = BytesIO()
    with clean_settings():
        if kind == "pdf":
            return _layered_pdf(figure, metadata["pdf"])
        figure.savefig(stream, format=kind, metadata=dict(metadata[kind]), **options)
    return stream.getvalue()


def _layered_pdf(figure: Figure, metadata: Mapping[str, Any]) -> bytes:
    """A figure as PDF whose groups are layers (optional content): matplotlib tells of them, pypdf lists them."""
    from matplotlib.backends import backend_pdf

    backend: Any = backend_pdf
    stream, dpi = BytesIO(), figure.dpi
    width, height = figure.get_size_inches()
    file = backend.PdfFile(stream, metadata=dict(metadata))
    file.newPage(width, height)
    renderer = backend.RendererPdf(file, 72, height, width)
    layers: dict[str, str] = {}  # what a layer is called -> its name in the content
    opened: list[bool] = []

    def open_group(_: str, gid: str | None = None) -> None:
        code = (gid or "").rpartition("#")[0]
        opened.append(bool(code))
        if code:
            name = layers.setdefault(code.partition("#")[2], f"layer{len(layers)}")
            file.output(backend.Verbatim(f"/OC /{name} BDC".encode()))

    def close_group(_: str) -> None:
        if opened.pop():
            file.output(backend.Verbatim(b"EMC"))

    renderer.open_group, renderer.close_group = open_group, close_group
    figure.dpi = 72.0
    try:
        figure.draw(renderer)
        file.finalize()
    finally:
        figure.dpi = dpi
    return _with_layers(stream, layers)


def _with_layers(stream: BytesIO, layers: Mapping[str, str]) -> bytes:
    """A PDF that lists its layers by what they are called."""
    try:
        from pypdf import PdfWriter
        from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject
    except ImportError as error:
        raise MapError(f"a PDF needs pypdf ({error}): pip install 'geo-control[pictures]'") from None
    writer = PdfWriter(clone_from=stream)
    kind = NameObject("/OCG")
    known = {
        name: writer._add_object(
            DictionaryObject({NameObject("/Type"): kind, NameObject("/Name"): TextStringObject(label)})
        )
        for label, name in layers.items()
    }
    resources = cast("DictionaryObject", writer.pages[0]["/Resources"].get_object())
    resources[NameObject("/Properties")] = DictionaryObject({NameObject(f"/{n}"): ref for n, ref in known.items()})
    listed = ArrayObject(known.values())
    shown = DictionaryObject({NameObject("/Order"): listed, NameObject("/ON"): listed})
    writer.root_object[NameObject("/OCProperties")] = DictionaryObject(
        {NameObject("/OCGs"): listed, NameObject("/D"): shown}
    )
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def pixels(figure: Figure) -> Any:
    """A figure as an array of red, green and blue, uint8, shape (height, width, 3)."""
    _, canvas = need_matplotlib()
    with clean_settings():
        drawn = canvas(figure)
        drawn.draw()
        return np.asarray(drawn.buffer_rgba())[..., :3].copy()


_SVG, _INKSCAPE = "http://www.w3.org/2000/svg", "http://www.inkscape.org/namespaces/inkscape"


def _grouped(made: bytes) -> bytes:
    """An SVG whose parts stand in named groups, which Inkscape has as layers."""
    for prefix, name in (("", _SVG), ("xlink", "http://www.w3.org/1999/xlink"), ("inkscape", _INKSCAPE)):
        ElementTree.register_namespace(prefix, name)
    root = ElementTree.fromstring(made)  # noqa: S314  (matplotlib's own)
    figure = next(e for e in root.iter(f"{{{_SVG}}}g") if e.get("id", "").startswith("figure_"))
    parts = list(figure)
    figure[:] = []
    used: Counter[str] = Counter()
    for name, run in groupby(parts, key=lambda part: part.get("id", "").rpartition("#")[0]):
        if not name:
            figure.extend(run)
            continue
        code, _, label = name.partition("#")
        used[code] += 1
        layer = ElementTree.SubElement(figure, f"{{{_SVG}}}g", {
            "id": code if used[code] == 1 else f"{code}-{used[code]}",
            f"{{{_INKSCAPE}}}groupmode": "layer", f"{{{_INKSCAPE}}}label": label,
        })  # fmt: skip
        for part in run:
            del part.attrib["id"]
            layer.append(part)
    grouped: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return grouped


def _with_alt_text(made: bytes, text: str) -> bytes:
    """An SVG with its description where screen readers look for it."""
    drawing = made.decode("utf-8")
    drawing = drawing.replace("<svg ", '<svg role="img" aria-labelledby="picture-title picture-text" ', 1)
    drawing = drawing.replace("<title>", '<title id="picture-title">', 1)
    text = html.escape(text, quote=False)
    return drawing.replace("</title>", f'</title>\n <desc id="picture-text">{text}</desc>', 1).encode()

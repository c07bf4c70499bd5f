"""A span of dates as a moving picture: GIF by pillow, MP4 where the machine has ffmpeg. One frame a snapshot day."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal, Unpack

import numpy as np

from geo.archive import Archive
from geo.archive.results import When
from geo.errors import MapError, UsageError
from geo.output.images.drawing import pixels
from geo.output.images.fonts import need_matplotlib
from geo.output.images.picture import draw_figure, map_frame, view_box
from geo.output.images.themes import ThemeName, chosen, kind_of
from geo.output.map_content import MapContent, days_within, gather, snapshot_days
from geo.output.map_options import MapKeywords, MapOptions, View, map_options, shares_options
from geo.presentation.basemap import Box, around
from geo.presentation.chart_lines import ChartLine
from geo.presentation.labels import row_label, written
from geo.schema import to_instant
from geo.storage.atomic_write import aside, write_page
from geo.workers import attempted, report_left_out, share_out

_DPI = 96  # 1280 × 720 or 720 × 720 pixels
_HOLD = 4  # the last frame stands so many times as long


@shares_options("with_front", "draw_basemap", "templates")
def draw_movie(
    archive: Archive,
    path: str | Path,
    *,
    from_: When | None = None,
    to: When | None = None,
    every_days: int = 1,
    seconds: float = 0.5,
    shape: Literal["slide", "square"] = "slide",
    theme: ThemeName = "light",
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[..., None] | None = None,
    **shown: Unpack[MapKeywords],
) -> Path:
    """Draw a frame for every day that has a snapshot, all of the same ground.

    Parameters
    ----------
    path : str or pathlib.Path
        A file that ends in ``.gif`` or ``.mp4``; an MP4 needs ffmpeg on the machine.
    every_days : int
        Days between frames, at least; the first and the last day that have a snapshot are always there.
    seconds : float
        How long a frame stands; the last one stands longer.

    Returns
    -------
    pathlib.Path
        The file. An equal input gives an equal GIF.

    Raises
    ------
    ArchiveError, GateError, SourceError, UnitError, UsageError
    MapError
        No day of the span has a snapshot, ffmpeg, pillow or matplotlib is missing, or the file cannot be written.

    Examples
    --------
    >>> geo.draw_movie(archive, "kursk.gif", from_="2024-12-16", every_days=30).name
    'kursk.gif'
    """
    target = Path(path)
    kind = kind_of(target, ("gif", "mp4"))
    form, colouring = chosen(shape, theme)
    if not form.height:
        raise UsageError(f"shape={shape!r}: a moving picture is a slide or a square")
    if every_days < 1 or not 0.02 <= seconds <= 60:
        raise UsageError(f"every_days={every_days}, seconds={seconds:g}: a day or more, and 0.02 to 60 seconds")
    # what is missing is said before the frames are gathered, which takes its time
    need_matplotlib()
    encode = _gif(_pillow()) if kind == "gif" else _mp4(_ffmpeg(target))
    options = map_options(draw_movie, shown)
    options = options.of_one_date(source=archive.source_name(options.source), with_front=False)
    days = _days(archive, str(options.source), from_, to, options.as_known_on, every_days)
    shared = partial(share_out, archive=archive, workers=workers, scheduler=scheduler)
    asked = [(day.isoformat(), _of_frame(options, day)) for day in days]
    contents: list[MapContent] = []
    failed: dict[date, Exception] = {}
    for day, found in zip(days, shared(partial(attempted, done=gather), asked), strict=True):
        if isinstance(found, Exception):
            failed[day] = found
        else:
            contents.append(found)
    if not contents:
        report_left_out(failed, of=len(days))
    box = _common_box(contents, options.view)
    form = replace(form, dpi=_DPI)
    counted = _curve(contents)
    curves = [(counted, i) if counted else None for i in range(len(contents))]
    # the map stands still: where every frame has room for it
    frames = [map_frame(content, box, form, colouring, curve=c) for content, c in zip(contents, curves, strict=True)]
    x0, y0, x1, y1 = zip(*frames, strict=True)
    frame = (max(x0), max(y0), min(x1), min(y1))

    drawn = [day for day in days if day not in failed]
    draw = partial(_pixels, box=box, form=form, theme=colouring, frame=frame)
    pictures = shared(draw, list(zip(contents, curves, strict=True)))
    path = encode(_reported(pictures, drawn, progress), draw(archive, contents[-1], curves[-1]), seconds, target)
    report_left_out(failed, of=len(days))
    return path


def _of_frame(options: MapOptions, day: date) -> MapOptions:
    """What is asked of one frame."""
    line = options.title if options.title in (None, "plain") else f"{options.title}, {written(day)}"
    before = options.since if options.since is not None and to_instant(options.since).date() <= day else None
    view = None if options.view == "changes" else options.view  # there are frames without any
    return replace(options, since=before, title=line, view=view)


def _pixels(archive: Archive, content: MapContent, curve: Any, **drawing: Any) -> Any:
    with archive.holding():  # whose sides have names and colours
        return pixels(draw_figure(content, curve=curve, **drawing))


def _days(
    archive: Archive, name: str, from_: When | None, to: When | None, as_known_on: When | None, every: int
) -> list[date]:
    span = days_within(snapshot_days(archive, name, as_known_on), from_, to, name)
    chosen_days = [span[0]]
    for day in span[1:]:
        if day - chosen_days[-1] >= timedelta(days=every):
            chosen_days.append(day)
    return chosen_days if chosen_days[-1] == span[-1] else [*chosen_days, span[-1]]


def _common_box(contents: Sequence[MapContent], view: View | None) -> Box:
    """One view for all frames: what any of them would show."""
    moved = [content for content in contents if content.changes]
    if view == "changes" and not moved:
        raise UsageError('view="changes" shows what changed since a date: give since, and days after it')
    shown = moved if moved and view in (None, "changes") else contents
    return around([view_box(content) for content in shown])


def _curve(contents: Sequence[MapContent]) -> ChartLine | None:
    """The km² of the class whose area changed most over the frames."""
    tables = [{row_label(row): float(row["area_km2"]) for row in content.headlines} for content in contents]
    lines = {label: [table.get(label, math.nan) for table in tables] for table in tables for label in table}
    spans = {label: np.nanmax(km2) - np.nanmin(km2) for label, km2 in lines.items()}
    if not spans or len(contents) < 2:
        return None
    most = max(spans, key=lambda label: spans[label])
    colours = {item.label: item.symbol.colour for content in contents for item in content.classes}
    times = [to_instant(content.date) for content in contents]
    return ChartLine(most, colours[most], (), times, lines[most])


def _reported(pictures: Iterator[Any], days: Sequence[date], progress: Callable[..., None] | None) -> Iterator[Any]:
    """All frames, each drawn when it is wanted: a year of them would fill the memory."""
    for done, (picture, day) in enumerate(zip(pictures, days, strict=True), start=1):
        yield picture
        if progress is not None:
            progress(done, len(days), str(day))


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MapError(f"a GIF needs pillow ({error}): pip install 'geo-control[pictures]'") from None
    return Image


def _gif(image: Any) -> Callable[[Iterator[Any], Any, float, Path], Path]:
    """One palette for all frames, from the first and the last, so that flat colours stay flat and do not flicker."""

    def encode(frames: Iterator[Any], last: Any, seconds: float, path: Path) -> Path:
        first = next(frames)
        palette = _palette(np.concatenate([first, last]))

        def painted(frame: Any) -> Any:
            picture = image.fromarray(_indexes(frame, palette))
            picture.putpalette(palette.ravel().tolist())
            return picture

        stand = round(seconds * 1000)
        stream = BytesIO()
        # equal frames that follow one another are written as one that stands longer: so the end is held
        rest = chain(map(painted, frames), repeat(painted(last), _HOLD - 1))
        painted(first).save(stream, "GIF", save_all=True, append_images=rest, duration=stand, loop=0)
        return write_page(stream.getvalue(), path)

    return encode


def _palette(frame: Any) -> Any:
    """256 colours at most, uint8 of shape (n, 3): the commonest as they are, then those that are farthest from them."""
    packed, counts = np.unique(_packed(frame), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    colours = _unpacked(packed[order])
    kept = list(range(min(96, len(colours))))
    away = np.min([((colours - colours[i]) ** 2).sum(axis=1) for i in kept], axis=0)
    while len(kept) < min(256, len(colours)):
        kept.append(int(away.argmax()))
        away = np.minimum(away, ((colours - colours[kept[-1]]) ** 2).sum(axis=1))
    return colours[kept].astype(np.uint8)


def _unpacked(packed: Any) -> Any:
    return np.column_stack([packed >> 16, (packed >> 8) & 255, packed & 255]).astype(np.float32)


def _indexes(frame: Any, palette: Any) -> Any:
    """The nearest colour of the palette for each pixel; pillow's own search is not exact."""
    colours, where = np.unique(_packed(frame), return_inverse=True)
    apart = _unpacked(colours)
    known = palette.astype(np.float32)
    # |a - b|² without a third dimension
    distance = (apart**2).sum(axis=1)[:, None] - 2 * apart @ known.T + (known**2).sum(axis=1)
    return distance.argmin(axis=1).astype(np.uint8)[where].reshape(frame.shape[:2])


def _packed(frame: Any) -> Any:
    red, green, blue = (frame[..., i].astype(np.uint32) for i in range(3))
    return (red << 16 | green << 8 | blue).ravel()


def _ffmpeg(path: Path) -> str:
    program = shutil.which("ffmpeg")
    if program is None:
        gif = path.with_suffix(".gif").name
        raise MapError(f"{path}: an MP4 needs ffmpeg, which is not on this machine: install it, or write {gif}")
    return program


def _mp4(program: str) -> Callable[[Iterator[Any], Any, float, Path], Path]:
    def encode(frames: Iterator[Any], last: Any, seconds: float, path: Path) -> Path:
        high, wide = last.shape[:2]
        command = [
            program, "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{wide}x{high}",
            "-framerate", f"{1 / seconds:.6f}", "-i", "pipe:0", "-an", "-pix_fmt", "yuv420p", "-movflags", "+faststart",
            "-fflags", "+bitexact",
        ]  # fmt: skip
        try:
            with aside(path, ending=".mp4") as temporary:
                said = _run([*command, f"file:{temporary}"], chain(frames, repeat(last, _HOLD)))
                if said is not None:
                    raise MapError(f"{path}: ffmpeg gave up ({said}); a .gif needs none")
        except OSError as error:
            raise MapError(f"{path} cannot be written: {error.strerror or error}") from error
        return path

    return encode


def _run(command: Sequence[str], frames: Iterator[Any]) -> str | None:
    """Feed frames to ffmpeg; what it complained of last where it failed."""
    with TemporaryFile() as complaints:
        # our own arguments and no shell
        running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints)  # noqa: S603
        assert running.stdin is not None
        with suppress(BrokenPipeError), running.stdin as pipe:
            for frame in frames:
                pipe.write(frame.tobytes())
        if running.wait() == 0:
            return None
        complaints.seek(0)
        lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"exit {running.returncode}"

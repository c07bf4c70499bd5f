"""Moving pictures: a frame for every day that has a snapshot, all of the same ground."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch
from matplotlib.text import Text
from PIL import Image
from test_chart import archive, made  # noqa: F401  (fixtures)

from geo.cli import main
from geo.errors import MapError, UsageError
from geo.output.images import movie, text_blocks
from geo.output.images.drawing import Canvas
from geo.output.images.fonts import clean_settings
from geo.output.images.movie import draw_movie
from geo.output.images.themes import THEMES, chosen
from geo.presentation.chart_lines import ChartLine


def frames_of(path: Path) -> tuple[list[np.ndarray], list[int]]:
    with Image.open(path) as picture:
        frames, times = [], []
        for i in range(picture.n_frames):
            picture.seek(i)
            frames.append(np.asarray(picture.convert("RGB")).astype(int))
            times.append(picture.info["duration"])
    return frames, times


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg that writes down what it is given; the real one is on few machines."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "ffmpeg"
    script.write_text('#!/bin/sh\nfor last; do :; done\nwc -c > "${last#file:}"\necho "$@" >> "${last#file:}"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return script


def test_a_gif_has_a_frame_a_day_and_holds_the_last(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    opened = request.getfixturevalue("archive")
    done: list[Any] = []
    path = draw_movie(opened, tmp_path / "a.gif", seconds=0.2, shape="square", progress=lambda *a: done.append(a))
    frames, times = frames_of(path)
    assert len(frames) == 3
    assert times == [200, 200, 800]
    assert done == [(1, 3, "2025-01-10"), (2, 3, "2025-01-11"), (3, 3, "2025-01-19")]
    assert frames[0].shape == (720, 720, 3)
    # held ground is exactly its colour over the land, in every frame
    red = np.array([int(opened.sides()["colour"].iloc[0][i : i + 2], 16) for i in (1, 3, 5)])
    flat = red * 0.45 + np.array([0xFB, 0xFA, 0xF7]) * 0.55
    counts = [(np.abs(f - flat).max(axis=2) <= 2).sum() for f in frames]
    assert all((f[2, 2] == 255).all() for f in frames)
    assert counts[1] < counts[0] < counts[2]  # as the ground held was less, then more
    assert draw_movie(opened, tmp_path / "b.gif", seconds=0.2, shape="square").read_bytes() == path.read_bytes()


def test_the_map_stands_still_while_the_words_around_it_change(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, seen = request.getfixturevalue("archive"), []
    draw = movie.draw_figure

    def note(content: Any, **drawing: Any) -> Any:
        seen.append((drawing["box"], drawing["frame"]))
        return draw(content, **drawing)

    monkeypatch.setattr(movie, "draw_figure", note)
    draw_movie(opened, tmp_path / "a.gif", since="2025-01-11", shape="square")
    assert len(seen) == 4
    assert len(set(seen)) == 1
    frames, _ = frames_of(tmp_path / "a.gif")
    x0, y0, x1, y1 = (round(v * 96 / 72) for v in seen[0][1])
    edge = [f[y0 + 2 : y1 - 2, x1 - 8 : x1 - 3] for f in frames]  # ground that no frame draws control on
    assert (edge[0] == edge[1]).all()
    assert x0 < x1


def test_every_frame_counts_what_changed_most(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, drawn = request.getfixturevalue("archive"), []
    curve = text_blocks.curve
    monkeypatch.setattr(text_blocks, "curve", lambda *a: drawn.append(a[:2]) or curve(*a))
    draw_movie(opened, tmp_path / "a.gif")
    line = drawn[0][0]
    assert {now for _, now in drawn} == {0, 1, 2}
    assert all(other == line for other, _ in drawn)
    days = ["2025-01-10", "2025-01-11", "2025-01-19"]
    assert [f"{t:%Y-%m-%d}" for t in line.times] == days
    key = {"controller": "X", "status": "held"}
    assert line.km2 == [opened.area(day, **key)["area_km2"].iloc[0] for day in days]
    assert line.label == "Held by X"


@pytest.mark.parametrize("now", [0, 1, 4])
def test_a_curve_is_drawn_up_to_its_day_and_breaks_at_gaps(now: int) -> None:
    times = [datetime(2025, month, 1, tzinfo=UTC) for month in (1, 2, 3, 6, 7)]
    line = ChartLine("Held by X", "#b2182b", (), times, [100.0, 110.0, math.nan, 120.0, 130.0])
    canvas = Canvas(300, 200, THEMES["light"], dpi=96)
    with clean_settings():
        blocks = text_blocks.curve(line, now, chosen("slide", "light")[0], 300)
        text_blocks.stack(canvas, blocks, 0, 0)
    texts = [t.get_text() for t in canvas.figure.findobj(Text)]
    assert f"{line.km2[now]:.1f}" in texts
    assert any("begins at 100" in text for text in texts)  # or the reader takes a tenth for double
    strokes = [p for p in canvas.figure.findobj(PathPatch) if to_hex(p.get_edgecolor()) == line.colour]
    starts = [int((p.get_path().codes == 1).sum()) for p in strokes]
    assert starts == {0: [], 1: [1], 4: [2]}[now]


def test_days_are_picked_with_the_first_and_the_last(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    opened = request.getfixturevalue("archive")
    days: list[str] = []
    path = draw_movie(opened, tmp_path / "a.gif", every_days=8, progress=lambda *a: days.append(a[2]), shape="square")
    assert days == ["2025-01-10", "2025-01-19"]
    assert len(frames_of(path)[0]) == 2


def test_an_mp4_is_fed_every_frame_whole(request: pytest.FixtureRequest, tmp_path: Path, program: Path) -> None:
    opened = request.getfixturevalue("archive")
    path = draw_movie(opened, tmp_path / "-a.mp4", seconds=0.5, since="2025-01-10", to="2025-01-11")
    size, command = path.read_text().splitlines()
    assert int(size) == 1280 * 720 * 3 * (2 + 4)  # two days, and the last held
    assert "-framerate 2.0" in command
    assert "-s 1280x720" in command
    assert sorted(p.name for p in tmp_path.glob("*.mp4")) == ["-a.mp4"]


def test_an_ffmpeg_that_fails_is_quoted(request: pytest.FixtureRequest, tmp_path: Path, program: Path) -> None:
    program.write_text("#!/bin/sh\necho 'Unknown encoder' >&2\nexit 3\n")
    with pytest.raises(MapError, match=r"Unknown encoder.*\.gif"):
        draw_movie(request.getfixturevalue("archive"), tmp_path / "a.mp4", to="2025-01-10")
    assert not list(tmp_path.glob("*.mp4"))


def test_without_ffmpeg_the_way_out_is_named(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movie.shutil, "which", lambda name: None)
    with pytest.raises(MapError, match=r"ffmpeg.*a\.gif"):
        draw_movie(request.getfixturevalue("archive"), tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("a.avi", {}, UsageError, ".gif, .mp4"), ("a.gif", {"shape": "column"}, UsageError, "slide or a square"),
        ("a.gif", {"seconds": 0}, UsageError, "0.02"), ("a.gif", {"every_days": 0}, UsageError, "a day or more"),
        ("a.gif", {"from_": "2026-01-01"}, MapError, "2025-01-10 to 2025-01-19"),
        ("a.gif", {"view": "changes"}, UsageError, "give since"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, options: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        draw_movie(request.getfixturevalue("archive"), tmp_path / name, **options)


def test_the_verb_writes_what_the_function_writes(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    opened = request.getfixturevalue("archive")
    span = ["--from", "2025-01-10", "--to", "2025-01-11", "--since", "2025-01-10", "--view", "changes"]
    words = ["movie", str(opened.path), *span, "--seconds", "0.2", "--shape", "square", "-o", str(tmp_path / "a.gif")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "a.gif")
    wanted = draw_movie(
        opened, tmp_path / "b.gif", from_="2025-01-10", to="2025-01-11", since="2025-01-10", view="changes",
        seconds=0.2, shape="square",
    )  # fmt: skip
    assert (tmp_path / "a.gif").read_bytes() == wanted.read_bytes()


@pytest.mark.parametrize("module", ["PIL", "matplotlib.figure"])
def test_the_verb_names_the_extra_that_is_missing_before_it_gathers_anything(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    opened = request.getfixturevalue("archive")
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delattr(movie, "gather")
    done = CliRunner().invoke(main, ["movie", str(opened.path), "-o", str(tmp_path / "a.gif")])
    assert done.exit_code == 1
    assert "pip install 'geo-control[pictures]'" in done.stderr
    assert not list(tmp_path.glob("*.gif"))

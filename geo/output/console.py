"""What the command line prints: tables, CSV, JSON, receipts and progress, none of which a terminal obeys."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from geo.errors import UsageError
from geo.schema import dated
from geo.storage.atomic_write import aside, unwritable, write_page

if TYPE_CHECKING:
    import pandas as pd

# line breaks, no-break spaces (of numbers and punctuation in several languages), isolates of text from right to left
_KEPT = "\n\t\u00a0\u202f\u2068\u2069"
_OBEYED = re.compile("[\x7f-\x9f]")  # JSON itself escapes those below a blank
# what each column's figures are rounded to in tables; CSV and JSON carry them in full
_DECIMALS = {"net_percent": 1, "snapshot_age_days": 2}
# the width of what is not read in a terminal, in characters
_WIDE = 200
# below this a column of text is no longer read in one look
_LEAST = 10
# a longer word, such as an address, may be broken: after / @ _, before a letter after a hyphen, before a file's
# ending, after a date
_LONGEST = 32
_SHORT = 14  # where room is short
_BREAK = re.compile(r"(?<=[/@_])(?=\S)|(?<=-)(?=[^\W\d])|(?=\.[^\W\d])|(?<=\d{4}-\d\d-\d\d[T-])")


def complain(text: str) -> None:
    """One error on stderr, without control characters that a terminal would obey."""
    click.echo(f"geo: {printable(text)}", err=True)


def give(text: str) -> None:
    """Data on stdout: as it is to a file or another program, without signs that a terminal would obey to a terminal."""
    # told that colours are wanted, click takes no sign out of the data
    click.echo(printable(text) if sys.stdout.isatty() else text, nl=False, color=True)


def give_json(value: Any, *, indent: int | None = 1) -> None:
    """A value as JSON on stdout; signs that a terminal would obey stand in it as escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    give(_OBEYED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text) + "\n")


def printable(text: Any) -> str:
    """Text from outside, fit for a terminal: control characters become ``�``."""
    return "".join(c if c.isprintable() or c in _KEPT else "�" for c in str(text))


def show(frame: pd.DataFrame, form: str, *, title: str = "", head: Mapping[str, Any] | None = None) -> None:
    """Print a frame as a table, as CSV or as one JSON object, in which `head` stands before the rows."""
    frame = dated(frame)
    if form == "json":
        notes = {"notes": list(frame.attrs["notes"])} if frame.attrs.get("notes") else {}
        give_json({**(head or {}), "rows": records(frame), **notes})
    elif form == "csv":
        give(_csv(frame))
    else:
        _print_table(frame, title)
    for note in frame.attrs.get("notes", ()):
        click.echo(printable(f"note: {note}"), err=True)


def show_workings(workings: Any, form: str) -> None:
    """Print a number's workings as text or as JSON."""
    if form == "csv":
        raise UsageError("workings are text or JSON: --format table or json")
    click.echo(workings.to_json() if form == "json" else printable(str(workings)))


def show_front(facts: Mapping[str, Any], lines: Any, form: str) -> None:
    """Print a front: what is known of it, and its movement where that was asked for."""
    moved = facts.get("movement")
    plain = {k: v for k, v in facts.items() if k != "movement"}
    if form == "table":
        import pandas as pd

        listed = {k: ", ".join(v) if isinstance(v, tuple | list) else v for k, v in plain.items()}
        show(pd.DataFrame([listed]), "table", title="front, length at the stated tolerance and inset")
        if moved is not None:
            show(moved, "table", title=f"movement since {plain['since']}; the first row is the whole")
        return
    out = plain if moved is None else {**plain, "movement": records(moved)}
    if form == "geojson":
        out = {"type": "Feature", "properties": out, "geometry": lines.__geo_interface__}
    give_json(out)


def write_table(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame as CSV or Parquet, whole or not at all."""
    ending = path.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise UsageError(f"{path}: write to a path that ends in .csv or .parquet")
    if ending == ".csv":
        write_page(_csv(frame), path)
        return path
    import pandas as pd

    try:
        content = frame.assign(date=pd.to_datetime(frame["date"], utc=True)).to_parquet(None, index=False)
    except ImportError:
        raise UsageError("Parquet needs pyarrow, which is not installed: pip install 'geo-control[parquet]'") from None
    write_page(content, path)
    return path


@contextmanager
def whole_file(path: Path | None) -> Iterator[IO[str]]:
    """A text file that has its name only when all of it is written; the screen where there is no path."""
    if path is None or str(path) == "-":
        yield sys.stdout
        return
    try:
        with aside(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise unwritable(path, error) from error


def _csv(frame: pd.DataFrame) -> str:
    import pandas as pd

    from geo.formats.tables import csv_lines, defused

    text = frame.copy()
    for column in text.columns[[not pd.api.types.is_numeric_dtype(t) for t in text.dtypes]]:
        text[column] = text[column].map(lambda v: v if v is None or v != v else defused(v))
    cells = text.astype(object).where(text.notna(), "")
    return "".join(csv_lines([list(text.columns), *cells.itertuples(index=False)]))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON takes them: missing values are null."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]


def _print_table(frame: pd.DataFrame, title: str) -> None:
    shown = [c for c in frame.columns if c != "boundary" and not frame[c].isin([None, ""]).all()]
    shown = [c for c in shown if not frame[c].isna().all()]
    if not shown:
        click.echo(f"{printable(title)}: none" if title else "none")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    if title:
        click.secho(printable(title), bold=True)
    click.echo("\n".join(table_lines(_columns(frame[shown]), width=width)))
    for boundary in sorted(set(frame["boundary"].dropna())) if "boundary" in frame and "unit" in frame else ():
        click.echo("\n".join(_wrapped(f"boundary: {printable(boundary)}", width)))


@dataclass(frozen=True)
class Column:
    """A heading and its cells; a `movable` one is said once above the table where its cells agree and room is short."""

    name: str
    cells: tuple[str, ...]
    number: bool = False
    movable: bool = False

    @cached_property
    def full(self) -> int:
        """How wide it is where nothing is wrapped."""
        return max(_width(line) for text in (self.name, *self.cells) for line in text.split("\n"))

    @cached_property
    def least(self) -> int:
        """How narrow it can be with every word whole."""
        words = max(_width(word) for text in (self.name, *self.cells) for word in (text.split() or [""]))
        return min(self.full, max(words, _LEAST))

    def with_words_up_to(self, most: int) -> Column:
        """The same with longer words on several lines."""
        cells = self.cells if self.number else tuple(_broken(cell, most) for cell in self.cells)
        return replace(self, name=_broken(self.name, most), cells=cells)


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def table_lines(columns: Sequence[Column], *, width: int) -> list[str]:
    """The lines of a table in a width: side by side where words stay whole, else each row as a list."""
    from rich.table import Table
    from rich.text import Text

    whole, alike = _say_once(columns, width)
    kept = whole
    if _total(kept, "full", 2) > width:
        kept = [column.with_words_up_to(_LONGEST) for column in kept]
    if _total(kept, "least", 2) > width:
        kept = [column.with_words_up_to(_SHORT) for column in kept]
    gap = next((gap for gap in (2, 1) if _total(kept, "least", gap) <= width), None)
    if gap is None:
        return [*alike, *_lists(whole, width)]
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    for column, room in zip(kept, _shares(kept, width, gap), strict=True):
        table.add_column(Text(column.name), justify="right" if column.number else "left", width=room, overflow="fold")
    for cells in zip(*(c.cells for c in kept), strict=True):
        table.add_row(*map(Text, cells))
    return [*alike, *_rendered(table, width)]


def _total(columns: Sequence[Column], which: str, gap: int) -> int:
    return sum(int(getattr(c, which)) + gap for c in columns) - gap


def _shares(columns: Sequence[Column], width: int, gap: int) -> list[int]:
    """A width for each column: its least, and of the rest the more the further it is from its full width."""
    widths = [c.least for c in columns]
    for _ in range(width - _total(columns, "least", gap)):
        short = [c.full - w for c, w in zip(columns, widths, strict=True)]
        if max(short) <= 0:
            break
        widths[short.index(max(short))] += 1
    return widths


def _say_once(columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """The columns that stay, and lines that say once what every row says alike, where room is short."""
    kept, moved = list(columns), []
    for column in sorted((c for c in columns if c.movable and len(set(c.cells)) == 1), key=lambda c: -c.full):
        if _total(kept, "full", 2) <= width or len(kept) == 1:
            break
        kept.remove(column)
        moved.append(column)
    said = "; ".join(f"{c.name}: {c.cells[0]}" for c in columns if c in moved)
    return kept, _wrapped(said, width) if said else []


def _lists(columns: Sequence[Column], width: int) -> list[str]:
    """Each row as a list of its names and values, one after the other, for want of room side by side."""
    from rich.table import Table
    from rich.text import Text

    out: list[str] = []
    for at in range(len(columns[0].cells)):
        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(no_wrap=True)
        rows.add_column(overflow="fold")
        for column in columns:
            if column.cells[at]:
                rows.add_row(Text(column.name), Text(column.cells[at]))
        out += [*_rendered(rows, width), ""]
    return out[:-1]


def _rendered(what: Any, width: int) -> list[str]:
    from rich.console import Console

    console = Console(width=width, file=StringIO(), color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(what)
    return [line.rstrip() for line in capture.get().splitlines()]


def _wrapped(text: str, width: int) -> list[str]:
    from rich.text import Text

    return _rendered(Text(_broken(text), overflow="fold"), width)


def _broken(text: str, most: int = _LONGEST) -> str:
    """A text with longer words on several lines, torn in no date and no figure."""
    out = []
    for word in re.split(r"(\s+)", text):
        line = ""
        for piece in _BREAK.split(word) if _width(word) > most else [word]:
            if line and _width(line + piece) > most:
                out.append(f"{line}\n")
                line = ""
            line += piece
        out.append(line)
    return "".join(out)


def _columns(frame: pd.DataFrame) -> list[Column]:
    import pandas as pd

    rows = records(frame)
    numbers = {str(name): pd.api.types.is_numeric_dtype(frame[name]) for name in frame.columns}
    return [
        Column(
            printable(name),
            tuple(_cell(name, row[name]) for row in rows),
            number=number,
            movable=not number or name in _DECIMALS,
        )
        for name, number in numbers.items()
    ]


def _cell(name: str, value: Any) -> str:
    if isinstance(value, float):
        known = name in _DECIMALS or name.endswith(("_km2", "_km"))
        return f"{value:,.{_DECIMALS.get(name, 1)}f}" if known else f"{value:g}"
    # a map's instants are mostly midnights: thousandths that are none say nothing
    return "" if value is None else printable(value).replace(".000Z", "Z")


@contextmanager
def bar(what: str) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr, silent where that is no terminal; gives a function (done, of how many, name)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, total: int, name: str = "") -> None:
            progress.update(task, completed=done, total=total, description=f"{what} {printable(name)}")

        yield advance

"""What the command line prints: tables, CSV, JSON, receipts and progress, none of which a terminal obeys."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from geo.errors import MapError, UsageError
from geo.formats.tables import csv_lines, defused
from geo.output.text_table import Column, broken, set_in_columns
from geo.storage.atomic_write import aside, write_page

_OBEYED = re.compile("[\x7f-\x9f]")  # JSON itself escapes those below a blank
# what each column's figures are rounded to in tables; CSV and JSON carry them in full
_DECIMALS = {"net_percent": 1, "snapshot_age_days": 2}
# the width of what is not read in a terminal, in characters
_WIDE = 200


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
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in str(text))


def show(frame: pd.DataFrame, form: str, *, title: str = "", head: Mapping[str, Any] | None = None) -> None:
    """Print a frame as a table, as CSV or as one JSON object.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to print.
    form : {"table", "csv", "json"}
        How.
    title : str
        Of the table.
    head : mapping or None
        Members of the JSON object before ``rows``.
    """
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
        raise MapError(f"{path}: it cannot be written ({error.strerror or error})") from error


def _csv(frame: pd.DataFrame) -> str:
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
    width = _terminal_width()
    sheet = set_in_columns(_columns(frame[shown]), width=width)
    if title:
        click.secho(printable(title), bold=True)
    click.echo("\n".join((*sheet.alike, *sheet.lines)))
    for boundary in sorted(set(frame["boundary"].dropna())) if "boundary" in frame and "unit" in frame else ():
        click.echo("\n".join(broken(f"boundary: {printable(boundary)}", width)))


def _terminal_width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE


def _columns(frame: pd.DataFrame) -> list[Column]:
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
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, total: int, name: str = "") -> None:
            progress.update(task, completed=done, total=total, description=f"{what} {printable(name)}")

        yield advance

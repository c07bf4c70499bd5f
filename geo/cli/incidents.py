"""Verbs about incidents: listed, counted, out again in the field's shapes."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import IO, Any

import click

from geo.cli import common
from geo.cli.common import main, opened, print_notes
from geo.errors import UsageError
from geo.output.console import show, whole_file
from geo.schema import BREAK

_SHORT = ("event_id", "dataset", "date_start", "where_coordinates", "adm_1", "event_type", "best", "verification")


@main.command()
@common.ARCHIVE
@click.option("--from", "from_", type=common.WHEN, help="First event date.")
@click.option("--to", type=common.WHEN, help="Last event date.")
@common.ONLY_IN
@common.INCIDENTS
@common.KNOWN
@click.option("--by", type=click.Choice(["unit", "day", "week", "month", "type"]), help="Counts, by dataset.")
@click.option("--level", type=int, help="Level of the units with --by unit; 1 by default.")
@click.option("--with-control", is_flag=True, help="Who held the place at the time, and how far the front was.")
@common.several("--source", "sources", metavar="S", help="With --with-control: by this source alone.")
@click.option(
    "--max-age-days", type=common.Days(), metavar="N", help="With --with-control: an older snapshot says nothing."
)
@click.option("--duplicates", is_flag=True, help="Pairs of two datasets that may be one event, with a score and why.")
@click.option("--limit", type=float, help="With --duplicates: the lowest score, 0 to 1.")
@click.option("--within-dataset", is_flag=True, help="With --duplicates: pairs of one dataset too.")
@click.option("-o", "--output", type=common.FILE, help="Write to this file instead of the screen.")
@common.form_option("table", "csv", "json", "geojson", "acled", "ucdp-ged")
def incidents(archive: Path, output: Path | None, form: str, **asked: Any) -> None:
    """Incidents, by date, place, type and verification.

    --format acled and --format ucdp-ged write CSV in the shape of ACLED (31 columns) and of UCDP GED (49); --format csv
    has our own columns. All three come back in without loss: geo import ARCHIVE acled FILE.
    """
    kept = opened(archive)
    chosen = {name: asked.pop(name) for name in ("event_type", "verification", "dataset")}
    of = {name: asked.pop(name) for name in ("from_", "to", "within", "as_known_on")}
    _refuse_two_ways(asked)
    with kept.holding():
        table = _counts(kept, of | {"wanted": chosen}, asked) if asked["by"] else None
    if table is None:
        from geo.archive.contents import incidents as incidents_of

        frame = incidents_of(kept, **of, **chosen)
        print_notes(frame.attrs.get("notes", ()))
        table = _table(kept, frame, asked)
    if table is not None and form not in ("table", "csv", "json"):
        raise UsageError(
            f"--format {form} is for the incidents themselves: take --by, --with-control, --duplicates off"
        )
    with whole_file(output) as stream, redirect_stdout(stream):
        if table is not None:
            show(table[0], form, title=table[1])
        elif form == "geojson":
            _write_geojson(frame, stream)
        elif form in ("acled", "ucdp-ged", "csv"):
            from geo.formats.tables import csv_lines
            from geo.incidents.export import shaped

            stream.writelines(csv_lines(shaped(frame, form)))
        else:
            plain = frame.drop(columns=["geometry", "orig"])
            if form == "table":
                plain = plain[list(_SHORT)].rename(columns={"best": "fatalities best"})
            show(plain, form, title="incidents")


@main.command()
@common.ARCHIVE
@click.argument("folder", type=common.FILE)
@click.argument("files", nargs=-1, type=common.FILE)
@click.option("--dataset", metavar="NAME", help="Under which name the rows of FILES are kept.")
@click.option("--remove", is_flag=True, help="Take the folder off; its files stay.")
@common.form_option("table", "csv", "json")
def attach(archive: Path, folder: Path, files: tuple[Path, ...], dataset: str | None, remove: bool, form: str) -> None:
    """Add millions of incidents in Parquet, beside the archive.

    FOLDER lies below the archive's own folder. Where FILES are given, it is written from them: a file for each dataset
    and year, sorted by day and place. All verbs then count its incidents too. Needs the extra scale (DuckDB).
    """
    kept = opened(archive)
    if remove:
        if files or dataset:
            raise UsageError("--remove takes a folder alone")
        kept.detach(folder)
        click.echo(f"{folder} is taken off {archive}; its files stay")
        return
    with kept:
        show(kept.attach(folder, files, dataset=dataset), form, title=f"attached to {archive}: {folder}")


def _refuse_two_ways(asked: dict[str, Any]) -> None:
    if sum(bool(asked[name]) for name in ("by", "with_control", "duplicates")) > 1:
        raise UsageError("one of --by, --with-control and --duplicates at a time")


def _counts(archive: Any, of: dict[str, Any], asked: dict[str, Any]) -> tuple[Any, str]:
    """Counts, and their title; the database counts, and no incident is read."""
    from geo.incidents.control_join import counted

    days = archive.reader.tally(("date_start",), **of)
    print_notes(days.attrs.get("notes", ()))
    table = counted(archive, by=asked["by"], level=asked["level"], **of)
    print_notes(_breaks(days))
    return table, f"incidents by {asked['by']}{_span_words(days)}; each dataset by itself"


def _breaks(days: Any) -> list[str]:
    """The breaks in how many incidents each dataset has a day."""
    from geo.measure.coverage import break_words, breaks_in_counts

    told = days[days["date_start"].notna()]
    day = told["date_start"].astype(str).str[:10]
    return [
        f"{name}: {BREAK}{words} (medians of 28 days): counts across it are not comparable"
        for name, mine in told["incidents"].groupby([told["dataset"], day]).sum().groupby(level=0)
        for words in break_words(breaks_in_counts(mine.droplevel(0).to_dict()))
    ]


def _table(archive: Any, frame: Any, asked: dict[str, Any]) -> tuple[Any, str] | None:
    """What is asked of the incidents, where it is not they themselves."""
    if asked["with_control"]:
        from geo.incidents.control_join import INSET_KM, encounters

        table = encounters(archive, frame, sources=asked["sources"], max_age_days=asked["max_age_days"])
        return table, f"incidents and control; the front {INSET_KM:g} km or more inside border and coast"
    if asked["duplicates"]:
        from geo.incidents.duplicates import LIMIT, doubles

        limit = LIMIT if asked["limit"] is None else asked["limit"]
        table = doubles(frame, limit=limit, within_dataset=asked["within_dataset"])
        return table, f"pairs that may be one event (score {limit:g} or more); nothing is merged"
    return None


def _span_words(frame: Any) -> str:
    """From when to when incidents are, and of which datasets."""
    starts, ends = frame["first"].dropna(), frame["last"].dropna()
    if starts.empty:  # there are none, or their days are withheld
        return ""
    days = sorted({min(starts), max(ends)})
    return f", {' to '.join(days)}, of {', '.join(sorted(set(frame['dataset'])))}"


def _write_geojson(frame: Any, stream: IO[str]) -> None:
    """One feature a line, so that a million of them need no memory."""
    names = [c for c in frame.columns if c not in ("geometry", "orig")]
    stream.write('{"type": "FeatureCollection", "features": [')
    lead = "\n"
    for point, *values in zip(frame.geometry, *(frame[n].tolist() for n in names), strict=True):
        known = {n: v for n, v in zip(names, values, strict=True) if v is not None and v == v}
        geometry = {"type": "Point", "coordinates": [point.x, point.y]}
        feature = {"type": "Feature", "properties": known, "geometry": geometry}
        stream.write(lead + json.dumps(feature, ensure_ascii=False))
        lead = ",\n"
    stream.write("\n]}\n")

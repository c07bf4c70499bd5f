"""The command group, options that several verbs share, and receipts in words."""

from __future__ import annotations

import functools
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo import __version__
from geo.errors import STOPPED, STOPPED_CODE, GeoError, UsageError
from geo.output.console import complain, give_json, printable, records
from geo.presentation.language import LANGUAGES
from geo.schema import number_of

if TYPE_CHECKING:
    import pandas as pd

# longer than any first sentence, in characters
_WHOLE = 400
_GROUPS = {
    "Start": ("demo", "import", "fetch", "daily", "help", "doctor"),
    "Figures": ("area", "say", "change", "series", "panel", "front", "who", "settlements", "compare"),
    "Maps and pictures": ("map", "maps", "timeline", "compare-dates", "picture", "chart", "movie"),
    "Publish": ("brief", "site", "serve", "embed", "export", "release"),
    "Incidents": ("incidents", "attach", "read", "import-review", "places", "geocode"),
    "Claims": ("claims",),
    "Archive": ("snapshots", "sources", "sides", "units", "coverage", "corrections", "rules", "basemap", "retract"),
    "Care": ("check", "repair", "backup", "completion"),
}
_MOST_DAYS = 36_525  # a century


class _Geo(click.Group):
    """Turns errors raised on purpose into a line on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GeoError as error:
            if ctx.params.get("debug"):
                raise
            complain(str(error))
            if type(error) is not GeoError:
                complain(f"more: geo help {error.page}")
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            ctx.exit(0)
        except KeyboardInterrupt:
            complain(STOPPED)
            ctx.exit(STOPPED_CODE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every verb with its first sentence, in groups by what they are for."""
        rest = {name: verb for name in self.list_commands(ctx) if (verb := self.get_command(ctx, name))}
        for title, names in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, rest.pop(name).get_short_help_str(_WHOLE)) for name in names])
        if others := [(name, verb.get_short_help_str(_WHOLE)) for name, verb in rest.items() if not verb.hidden]:
            with formatter.section("More"):
                formatter.write_dl(others)


class _Verb(click.Command):
    """A verb whose dates in words are days before it sees them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first, *rest = args or [""]  # click takes its arguments off the list
        archive = next((arg for arg in rest if arg.endswith(".gpkg")), None)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            takes_archive = any(param.name == "archive" for param in self.params)
            if takes_archive and archive and not first.startswith("-") and not first.endswith(".gpkg"):
                way_out = f"{error.message}; the archive comes first: geo {ctx.info_name} {archive} …"
                raise click.UsageError(way_out, ctx) from None
            raise

    def invoke(self, ctx: click.Context) -> Any:
        from geo.archive.periods import has_words, read_dates

        kinds = {p.name: p.type for p in self.params if isinstance(p.type, When) and p.name}
        given = {name: ctx.params[name] for name in kinds}
        if has_words(given):
            archive, source = ctx.params.get("archive"), ctx.params.get("source")
            now = archive is None or any(kind.of_records for name, kind in kinds.items() if name != "as_known_on")
            alone = [name for name, kind in kinds.items() if kind.is_day]
            ctx.params |= read_dates(
                given | {"source": source},
                None if archive is None or now else opened(archive),
                of_records=now,
                alone=alone,
                tell=lambda note: click.echo(f"note: {note}", err=True),
            )
        return super().invoke(ctx)


_Geo.command_class = _Verb


@click.group(cls=_Geo, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="geo")
def main(debug: bool) -> None:
    """Dated maps of territorial control, their areas and changes, from one archive (a GeoPackage).

    A date is a day (2024-08-01: its last snapshot), an instant (2024-08-01T00:00Z), a month (2024-08), a date in words
    (1 August 2024), or counts back from the last map: "30 days", "1 month", "last month", "the 1st". Every figure
    carries its source, its classes and the snapshot that it rests on.
    """
    if not debug and not sys.warnoptions:  # what libraries have to say is not for those who use the command
        click.get_current_context().with_resource(warnings.catch_warnings(action="ignore"))


def options(*decorators: Callable[..., Any]) -> Callable[..., Any]:
    def wrap(command: Callable[..., Any]) -> Callable[..., Any]:
        return functools.reduce(lambda f, decorate: decorate(f), reversed(decorators), command)

    return wrap


class Days(click.FloatRange):
    """Days as a number, not below 0, and no more than a calendar has."""

    def __init__(self) -> None:
        super().__init__(min=0, max=_MOST_DAYS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        days = super().convert(value, param, ctx)
        if days != days:
            self.fail(f"{value!r} is no number of days", param, ctx)
        return days


class When(click.ParamType):  # type: ignore[type-arg]
    """A day, an instant, month, or words such as "30 days"; of records, counted back from today; `is_day`: no month."""

    name = "d"

    def __init__(self, *, of_records: bool = False, is_day: bool = False) -> None:
        self.of_records, self.is_day = of_records, is_day


WHEN, WHEN_RECORDED, DAY = When(), When(of_records=True), When(of_records=True, is_day=True)
WHOLE_DAYS = click.IntRange(1, _MOST_DAYS)
FILE = click.Path(path_type=Path)
ARCHIVE = click.argument("archive", type=FILE)
SOURCE = click.option("--source", metavar="S", help="Which source; may be left out where the archive has one.")


def several(*names: str, metavar: str, help: str) -> Callable[..., Any]:
    """An option that may be given several times; None where it is not given at all."""
    return click.option(*names, metavar=metavar, multiple=True, help=help, callback=lambda _, __, given: given or None)


STATUS = several("--status", metavar="S", help="Only this status; may be given several times.")
CLASSES = options(click.option("--controller", metavar="C", help="Only this side."), STATUS)


class WithPlugins(_Verb):
    """A verb whose help names the sources that other packages give."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from geo.sources import plugin_words

        super().format_epilog(ctx, formatter)
        if known := plugin_words():
            with formatter.section("Sources of other packages"):
                formatter.write_dl(list(known.items()))


def within_option(words: str) -> Callable[..., Any]:
    """The option --in with what it is for."""
    return click.option("--in", "within", metavar="UNIT", help=f"{words} (a code or a name).")


def output_option(words: str) -> Callable[..., Any]:
    """The option --output, which must be given."""
    return click.option("-o", "--output", required=True, type=FILE, help=words)


ONLY_IN = within_option("Only inside this unit")
WHERE = options(
    ONLY_IN,
    click.option("--level", type=int, help="Level of the units with --by unit."),
    click.option("--boundary", metavar="SET", help="Which boundary set; the last taken in by default."),
)
KNOWN = click.option("--as-known-on", type=WHEN_RECORDED, help="What the archive said at that date or instant.")
DATE = click.option("--date", type=WHEN, help="The last snapshot by default.")
# where a date is answered, and what changed since another
DATE_OR_TO = click.option("--to", "--date", "date", type=WHEN, help="The last snapshot by default.")
SPAN = options(
    click.option("--from", "from_", type=WHEN, help="The first date; the first snapshot by default."),
    click.option("--to", type=WHEN, help="The last date; the last snapshot by default."),
)


def since_option(words: str) -> Callable[..., Any]:
    """The option --since, also --from, with what it is for."""
    return click.option("--from", "--since", "since", type=WHEN, help=words)


def from_option(words: str, *, required: bool = False) -> Callable[..., Any]:
    """The option --from, also --since, of two dates that are compared."""
    return click.option("--since", "--from", "from_", type=WHEN, required=required, help=words)


def to_option(words: str) -> Callable[..., Any]:
    """The option --to, also --date, of two dates that are compared."""
    return click.option("--date", "--to", "to", type=WHEN, help=words)


LANG = click.option("--lang", type=click.Choice(list(LANGUAGES)), default="en", show_default=True, help="Its language.")
# of every output that shows a map
TWO_DATES_LOOK = options(
    click.option(
        "--liberated/--no-liberated", default=None, help="Draw liberated ground.  [default: where no change is shown]"
    ),
    click.option("--patterns", is_flag=True, help="Hatch every class, for print in grey."),
    LANG,
)
MAP_LOOK = options(
    click.option(
        "--settlements", metavar="S", help="Draw a dot for each of this source's settlements; 'none' for none."
    ),
    TWO_DATES_LOOK,
)


def with_view(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --view and --bbox, of which one may be given."""

    @functools.wraps(command)
    def viewed(view: str | None, bbox: str | None, **given: Any) -> Any:
        if view is not None and bbox is not None:
            raise UsageError("--view and --bbox: give one of them")
        return command(view=view if bbox is None else _box(bbox), **given)

    words = "Where the map opens: on what changed, the front or held ground, the unit, or all there is."
    names = click.Choice(["changes", "ground", "unit", "all"])
    box = click.option("--bbox", metavar="W,S,E,N", help="Where the map opens, in degrees.")(viewed)
    return click.option("--view", type=names, help=words)(box)


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--bbox {text!r}: write it as W,S,E,N in degrees, such as 36,47.5,38.5,49") from None
    return west, south, east, north


# which incidents are meant
INCIDENTS = options(
    several("--type", "event_type", metavar="T", help="Only this type or sub-type of event."),
    several("--verification", metavar="V", help="Only these; 'not stated' where nothing is said."),
    several("--dataset", metavar="S", help="Only what was taken in under this name."),
)
PAGE = output_option("The page, F.html.")
TEMPLATES = click.option("--templates", metavar="DIR", type=FILE, help="A folder of your own page templates.")
SHARED_OUT = options(
    click.option("--workers", type=click.IntRange(1), metavar="N", help="Share the work among N local processes."),
    click.option(
        "--scheduler", metavar="tcp://…", help="Share the work by a running Dask scheduler (extra 'cluster')."
    ),
)
TABLE_FILE = click.option("-o", "--output", type=FILE, help="Write to F.csv or F.parquet instead.")
AGE = click.option("--max-age-days", type=Days(), metavar="N", help="Refuse a snapshot older than this on the date.")
BY = click.option(
    "--by", type=click.Choice(["unit", "native"]), help="A row for each unit, or each class of the source."
)
# of areas, changes and series alike
OF_FIGURES = options(SOURCE, CLASSES, WHERE, BY, KNOWN)


def fitting(patterns: Sequence[str]) -> list[str]:
    """The files that are named, or that patterns fit, each once; also on object storage."""
    found: dict[str, None] = {}
    for text in patterns:
        if "://" in text:
            from geo.automation.object_storage import listed

            fits = listed(text)
        else:
            fits = [text] if Path(text).exists() else sorted(glob(text))
        if not fits:
            raise UsageError(f"{text}: no such archive")
        found |= dict.fromkeys(fits)
    return list(found)


def places_option(words: str) -> Callable[..., Any]:
    """The options --places, with what it is for, and --column."""
    return options(
        click.option("--places", metavar="FILE", type=FILE, help=words),
        click.option("--column", metavar="C", help="Which column of --places has the names."),
    )


def read_if_given(places: Path | None, column: str | None) -> Any:
    """The places of --places, where a file is given."""
    if places is None:
        return None
    from geo.measure.settlements import read_places

    return read_places(places, column=column)


def give_features(frame: Any, head: Mapping[str, Any]) -> None:
    """Print a table with geometries as one GeoJSON collection, `head` among its members."""
    features = [
        {"type": "Feature", "properties": row, "geometry": shape.__geo_interface__}
        for row, shape in zip(records(frame.drop(columns="geometry")), frame.geometry, strict=True)
    ]
    give_json({"type": "FeatureCollection", **head, "features": features}, indent=None)


def pairs(texts: Sequence[str], option: str, form: str = "NAME=VALUE") -> dict[str, str]:
    """The names and values of an option that is given as NAME=VALUE, several times."""
    parted = [text.partition("=") for text in texts]
    for text, (_, sign, _) in zip(texts, parted, strict=True):
        if not sign:
            raise UsageError(f"{option} {text!r}: write it as {form}")
    return {name: value for name, _, value in parted}


def print_notes(notes: Iterable[Any]) -> None:
    """Notes beside an answer, on stderr."""
    for note in notes:
        click.echo(printable(f"note: {note}"), err=True)


def form_option(*choices: str) -> Callable[..., Any]:
    """The option --format with its choices."""
    words = "How the answer is printed."
    return click.option(
        "--format", "form", type=click.Choice(choices), default=choices[0], show_default=True, help=words
    )


def place(at: str, option: str = "--at") -> tuple[float, float]:
    """LAT,LON as two numbers, in degrees."""
    try:
        lat, lon = (float(part) for part in at.split(","))
    except ValueError:
        raise UsageError(f"{option} {at!r}: write it as LAT,LON in degrees, such as 51.197,35.272") from None
    return lat, lon


EXPLAIN = options(
    click.option("--explain", is_flag=True, help="The workings in full: snapshots, hashes, dates, range and causes."),
    click.option("--accuracy-km", type=float, metavar="E", help="How far the drawn lines may be off (--explain)."),
)
RAW = click.option("--raw", is_flag=True, help="Pass over the rules against harm: for the owner's own eyes.")


def opened(path: Path, *, raw: bool = False, max_age_days: float | None = None) -> Any:
    """The archive at a path, which must be there."""
    from geo.archive import open_archive

    if not path.exists():
        raise UsageError(f"{path}: no such archive; geo import makes one")
    return open_archive(path, raw=raw, max_age_days=max_age_days)


def with_archive(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb that has --max-age-days the archive itself for its path."""

    @functools.wraps(command)
    def given_archive(archive: Path, max_age_days: float | None, **given: Any) -> Any:
        return command(archive=opened(archive, max_age_days=max_age_days), **given)

    return given_archive


def last_day(archive: Any, source: str | None) -> str:
    """The day of the last map of a source."""
    with archive.holding():
        return str(archive.reader.day_of_map(archive.source_name(source)))


def name_units(archive: Any, frame: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """A table by unit with what each unit is called as its last column, ``unit_name``; others as they are."""
    if by != "unit":
        return frame
    if "unit_name" not in frame:
        called = archive.reader.unit_names(frame["boundary"].tolist() if "boundary" in frame else ())
        frame = frame.assign(unit_name=frame["unit"].map(called).astype(object))
    return frame[[*(name for name in frame if name != "unit_name"), "unit_name"]]


def with_colours(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --colour, checked against the sides that the archive has."""

    @functools.wraps(command)
    def checked(archive: Path, colours: tuple[str, ...], **given: Any) -> Any:
        return command(archive=archive, colours=_colours(archive, colours), **given)

    words = "A side's own colour, such as UA=#0b6e4f; may be given several times."
    return click.option("--colour", "colours", multiple=True, metavar="SIDE=#RRGGBB", help=words)(checked)


def _colours(archive: Path, given: tuple[str, ...]) -> dict[str, str] | None:
    if not given:
        return None
    found = {}
    for one in given:
        side, _, colour = (part.strip() for part in one.rpartition("="))
        if not side:
            raise UsageError(f"--colour {one!r}: write it as SIDE=#RRGGBB, such as UA=#0b6e4f")
        found[side] = colour
    from geo.presentation.sides import find_side, side_colours

    kept = opened(archive)
    there = kept.controllers()
    with kept.holding():
        found = {find_side(side, there): colour for side, colour in found.items()}
    side_colours(there, colours=found)
    unknown = sorted(found.keys() - set(there))
    if unknown:
        listed = ", ".join(there) or "none"
        raise UsageError(f"--colour: {archive} has no ground held by {', '.join(unknown)}; its sides: {listed}")
    return found


_NUMBER = re.compile(r"(?<![\w-])\d(?:[\d:.,TZ-]*[\dZ])?")
# rows turned back that are listed one by one; all of them are in the file beside the archive
_MOST_REFUSALS = 20
_TALLY = {"stored": "new", "superseded": "superseding", "unchanged": "unchanged", "refused": "refused"}


def print_receipts(receipts: Sequence[Any]) -> None:
    """What became of every file; what is said of several of them, once for each kind; how many files were what."""
    kinds: dict[str, dict[int, list[str]]] = {}
    for number, receipt in enumerate(receipts):
        for text in _said(receipt):
            kinds.setdefault(_NUMBER.sub("#", text), {}).setdefault(number, []).append(text)
    for receipt in receipts:
        if receipt.outcome != "refused":
            _print_receipt(receipt, {kind for kind, files in kinds.items() if len(files) > 1})
    for files in kinds.values():
        if len(files) > 1:
            click.echo(
                printable(f"in {len(files)} files: {_as_one([text for said in files.values() for text in said])}")
            )
    if len(receipts) > 1:
        click.echo(tally(receipts))


def _said(receipt: Any) -> list[str]:
    left = [f"left out: {count} × {why}" for why, count in receipt.left_out.items()]
    return [*left, *dict.fromkeys((*receipt.repairs, *receipt.notes))]


def _as_one(texts: Sequence[str]) -> str:
    """Texts that differ in their numbers as one, each number as the range that they have."""
    ranges = (
        (min(found, key=_size), max(found, key=_size)) for found in zip(*map(_NUMBER.findall, texts), strict=True)
    )
    shown = [low if low == high else f"{low} to {high}" for low, high in ranges]
    return _NUMBER.sub(lambda _: shown.pop(0), texts[0])


def _size(number: str) -> tuple[float, str]:
    try:
        return float(number.replace(",", "")), number
    except ValueError:  # a date, which its letters put in order
        return 0.0, number


def _print_receipt(receipt: Any, common: set[str]) -> None:
    counts = f"{receipt.rows_in} rows in = {receipt.rows_stored} stored"
    for number, word in (
        (receipt.rows_refused, "refused"),
        (receipt.rows_left_out, "left out"),
        (receipt.duplicates, "duplicates"),
    ):
        counts += f" + {number} {word}" if number else ""
    click.echo(printable(f"{receipt.file}: {_became(receipt)}; {counts}"))
    for text in _said(receipt):
        if _NUMBER.sub("#", text) not in common:
            click.echo(printable(f"  {text}"))
    print_refusals(receipt)


def _became(receipt: Any) -> str:
    named = ", ".join(receipt.snapshots)
    if receipt.outcome == "superseded":
        return f"stored as {named}, supersedes {', '.join(receipt.supersedes)}"
    return f"{receipt.outcome}{f' as {named}' if named else ''}"


def tally(receipts: Sequence[Any]) -> str:
    """How many files were new, superseded another recording, were unchanged or refused."""
    counts = Counter(receipt.outcome for receipt in receipts)
    listed = ", ".join(f"{counts[outcome]} {word}" for outcome, word in _TALLY.items() if counts[outcome])
    return f"{number_of(len(receipts), 'file')}: {listed}"


def print_refusals(receipt: Any) -> None:
    """The rows of a file that were turned back, each with why, and where they all are."""
    for refusal in receipt.refusals[:_MOST_REFUSALS]:
        click.echo(printable(f"  row {refusal.row} refused: {refusal.why}"), err=True)
    if len(receipt.refusals) > _MOST_REFUSALS:
        click.echo(f"  and {len(receipt.refusals) - _MOST_REFUSALS:,} more", err=True)
    if receipt.sidecar:
        click.echo(printable(f"  refused rows: {receipt.sidecar}"), err=True)

"""The verb that sets, lists and lifts the rules against harm."""

from __future__ import annotations

from pathlib import Path

import click

from geo.cli.common import ARCHIVE, form_option, main, opened, places_option
from geo.errors import UsageError
from geo.printing import show
from geo.schema import number_of


@main.command("rules")
@ARCHIVE
@click.option("--embargo-hours", metavar="N", help="Show nothing that is newer than N hours.")
@click.option("--embargo-days", type=float, metavar="N", help="The same in days.")
@click.option("--coarsen", metavar="TO", help="Incidents: to 'settlement', 'grid:5km' or 'grid:0.1deg'.")
@click.option("--withhold", metavar="FIELDS", help="Incidents: leave these fields out, by commas.")
@click.option("--source", metavar="S", help="Only for this source or dataset; all by default.")
@click.option("--event-type", metavar="T", help="Only for incidents of this type or sub-type.")
@places_option("The settlements of --coarsen settlement.")
@click.option("--lift", is_flag=True, help="Lift the rules for --source and --event-type.")
@form_option("table", "csv", "json")
def rules_command(
    archive: Path, embargo_hours: str | None, embargo_days: float | None, coarsen: str | None, withhold: str | None,
    source: str | None, event_type: str | None, places: Path | None, column: str | None, lift: bool, form: str,
) -> None:  # fmt: skip
    """Rules against harm, on by choice: an embargo, coarsened incidents, fields withheld. Every output passes them."""
    from geo.settlements import read_places

    wanted = {"embargo": embargo_hours, "coarsen": coarsen, "withhold": withhold}
    if embargo_days is not None:
        wanted["embargo"] = f"{24 * embargo_days:g}"
    given = {kind: value for kind, value in wanted.items() if value is not None}
    if lift and given:
        raise UsageError("--lift goes without new rules")
    if places is not None and coarsen is None:
        raise UsageError("--places goes with --coarsen settlement")
    with opened(archive) as kept:
        if lift:
            click.echo(f"{number_of(kept.lift_rules(source=source, event_type=event_type), 'rule')} lifted")
        for kind, value in given.items():
            named = read_places(places, column=column) if places is not None and kind == "coarsen" else None
            kept.set_rule(kind, value, source=source, event_type=event_type, places=named)
        show(kept.rules(), form, title="rules against harm")

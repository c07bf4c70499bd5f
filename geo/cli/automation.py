"""Verbs that fetch what is new, and the whole daily run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo.cli.common import ARCHIVE, form_option, main, print_receipts
from geo.errors import UsageError
from geo.output.console import bar, complain, give_json, printable

if TYPE_CHECKING:
    from geo.automation.fetch import Fetched


@main.command()
@ARCHIVE
@click.argument("source")
@click.option("--since", metavar="D", help="Files from this date on; else from a week before the newest one.")
@click.option("--until", metavar="D", help="Files up to this date; else up to now.")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file with an address of your own: [fetch].")
@click.option("--contact", metavar="WHO", envvar="GEO_CONTACT", help="An e-mail or https address, told to the source.")
@click.option("--dry-run", is_flag=True, help="Ask what is offered, and fetch none of it.")
@form_option("table", "json")
@click.pass_context
def fetch(ctx: click.Context, /, archive: Path, source: str, config: Path | None, form: str, **given: Any) -> None:
    """Fetch what is new from SOURCE's public address, keep it beside ARCHIVE and take it in.

    Sources: deepstate, deepstate-mirror, nzz, isw, uacontrolmap; any other with --config. The exit code is 1 where a
    file failed or was refused; the next run catches up.
    """
    from geo.automation.endpoints import find_address
    from geo.automation.fetch import fetch_new

    address = find_address(source, config=config)
    with bar("fetching") as advance:
        done = fetch_new(archive, source, address=address, progress=advance, **given)
    if form == "json":
        give_json(asdict(done))
    else:
        _print_fetched(done)
    failed = [file for file in done.files if file.outcome in ("failed", "refused")]
    for file in failed:
        complain(file.error)
    if failed:
        ctx.exit(1)


@main.command()
@click.argument("plan", required=False, type=click.Path(path_type=Path))
@click.option("--date", metavar="D", help="The day of figures and pages; that of the last snapshot by default.")
@click.option("--example", is_flag=True, help="Print a plan with every key explained, and do nothing.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something failed.")
@form_option("table", "json")
@click.pass_context
def daily(ctx: click.Context, /, plan: Path | None, date: str | None, example: bool, quiet: bool, form: str) -> None:
    """Do the desk's round as PLAN (a TOML file) says: fetch, take in, measure, draw, write; the next run catches up.

    Exit codes: 0 all done, 3 nothing new, 4 done in part, 1 failed, 2 the plan is wrong, 5 another run is on.
    """
    from geo.automation import config as plans
    from geo.automation.daily import run_daily
    from geo.automation.run_record import as_record

    if example:
        click.echo(plans.example(), nl=False)
        return
    if plan is None:
        raise UsageError("which plan? geo daily desk.toml; geo daily --example > desk.toml makes one to begin with")
    with bar("daily") as advance:
        done = run_daily(plan, date=date, progress=None if quiet or form == "json" else advance)
    if form == "json":
        give_json(as_record(done))
    elif not quiet or done.outcome in ("failed", "done in part"):
        click.echo(printable(done.summary()))
    ctx.exit(done.exit_code)


def _print_fetched(done: Fetched) -> None:
    credit = done.credit
    click.echo(printable(f"{credit.title}: {credit.licence or 'no licence stated'}. Credit: {credit.attribution}"))
    print_receipts([file.receipt for file in done.files if file.receipt is not None])
    for file in done.files:
        if file.outcome == "offered":
            click.echo(printable(f"{file.name}: offered at {file.url}{', ' + file.note if file.note else ''}"))
        elif file.note:
            click.echo(printable(f"{file.name}: {file.note}"))
    click.echo(printable(f"{credit.name}, {done.since[:10]} to {done.until[:10]}: {done.summary()}"))

"""Verbs that care for an archive: is it whole, a mended copy, a backup."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from geo.cli.common import ARCHIVE, form_option, main
from geo.printing import give_json, printable


@main.command()
@ARCHIVE
@form_option("table", "json")
@click.pass_context
def check(ctx: click.Context, /, archive: Path, form: str) -> None:
    """Look whether ARCHIVE is whole: structure, hashes, intervals, geometries, sources, incidents, fetched files.

    Nothing is changed. The exit code is 1 where there is a fault; notes harm nothing.
    """
    from geo.care.checking import check_archive

    report = check_archive(archive)
    if form == "json":
        give_json(report.as_record())
    else:
        for line in report.told():
            click.echo(printable(line))
    ctx.exit(0 if report.is_whole else 1)


@main.command()
@ARCHIVE
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The mended copy.")
@form_option("table", "json")
def repair(archive: Path, output: Path, form: str) -> None:
    """Write a mended copy of ARCHIVE, which is not touched; what cannot be proved goes to COPY.left-out.csv."""
    from geo.care.repair import mend_copy

    mended = mend_copy(archive, output)
    if form == "json":
        give_json({**asdict(mended), "report": mended.report.as_record()})
        return
    for line in (*mended.done, *mended.report.told()):
        click.echo(printable(line))
    if mended.left_out:
        click.echo(printable(f"rows that were not taken over: {mended.left_out}"))


@main.command()
@ARCHIVE
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The copy, or a folder for it.")
@click.option("--replace", is_flag=True, help="Take the place of a file that is there.")
def backup(archive: Path, output: Path, replace: bool) -> None:
    """Copy ARCHIVE as it stands this instant, while others read it and write to it."""
    from geo.care.backup import back_up

    click.echo(printable(back_up(archive, output, replace=replace)))

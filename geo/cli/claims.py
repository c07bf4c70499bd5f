"""The verb that holds published figures against the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from geo.cli.common import ARCHIVE, KNOWN, Days, form_option, main, opened, places_option
from geo.errors import UsageError
from geo.output.console import give_json, printable, show


@main.command("claims")
@ARCHIVE
@click.option(
    "--text", metavar="SENTENCE", help="A sentence with a figure; without it the claims on record are checked."
)
@click.option("--and", "other", metavar="SENTENCE", help="A second claim: what both imply together.")
@click.option("--date", metavar="D", help="When it was said; of the claims on record, those said on or about that day.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only these claims on record.")
@click.option("--set", "given", multiple=True, metavar="FIELD=VALUE", help="What was left empty or read wrong.")
@click.option("--in", "within", metavar="UNIT", help="Measure inside this unit (a code or a name).")
@click.option("--boundary", metavar="SET", help="Which boundary set; the last taken in by default.")
@click.option("--source", "sources", multiple=True, metavar="S", help="Only this source; may be given several times.")
@click.option("--within-percent", type=float, default=5.0, show_default=True, metavar="P",
              help="What 'about', 'some' and 'nearly' leave open.")  # fmt: skip
@click.option("--max-age-days", type=Days(), default=7.0, show_default=True, metavar="N",
              help="An older snapshot says nothing of the day.")  # fmt: skip
@places_option("Geodata or CSV with names, to count settlements.")
@KNOWN
@click.option("--chart", type=click.Path(path_type=Path), metavar="F.png", help="Draw the series with the claim in it.")
@form_option("table", "text", "csv", "json")
def claims_command(
    archive: Path, text: str | None, other: str | None, date: str | None, ids: tuple[str, ...], given: tuple[str, ...],
    places: Path | None, column: str | None, chart: Path | None, form: str, **options: Any,
) -> None:  # fmt: skip
    """Published figures held against every source and every set of classes: supports or contradicts, with workings."""
    from geo.claims.checking import check_claim, check_claims

    kept = opened(archive)
    if places is not None:
        from geo.measure.settlements import read_places

        options["places"] = read_places(places, column=column)
    options["sources"] = list(options["sources"]) or None
    if other is not None and text is None:
        raise UsageError("--and needs a first claim (--text)")
    within = options["within"]
    claims = _drafts(kept, text, other, date, given, within) if text else _recorded(kept, date, ids)
    if text is None:
        findings = check_claims(kept, claims, date=date, **options)
    else:
        findings = [check_claim(kept, c, date=date, **options) for c in claims]
    pair = _pair(claims, options["within_percent"]) if other else None
    if chart is not None:
        from geo.output.images.chart import draw_claim

        click.echo(draw_claim(kept, findings[0], chart), err=True)
    _print(findings, pair, form, drafted=text is not None)


def _drafts(
    archive: Any, text: str, other: str | None, date: str | None, given: Sequence[str], within: str | None
) -> list[Any]:
    """Every figure of a sentence; with a second sentence the first of each, and what else stands in them is said."""
    from geo.claims.model import confirmed, follow
    from geo.claims.reading import find_claims, read_claim
    from geo.text.control_words import names_of

    units = archive.units().drop(columns="geometry").to_dict("records")
    names = names_of(units, archive.controllers())
    found = [find_claims(t, date=date, names=names) for t in (text, other or "")]
    first = read_claim(text, date=date, names=names)
    if other is None:
        return confirmed(found[0] if len(found[0]) > 1 else [first], given, within=within)
    second = read_claim(other, date=date, names=names)
    first, second = (_alone(c, among) for c, among in zip((first, second), found, strict=True))
    (first,) = confirmed([first], given, within=within)
    return [first, follow(first, *confirmed([second], [], within=within))]


def _alone(claim: Any, found: Sequence[Any]) -> Any:
    """A claim with a note on the other figures of its text, which are not looked at."""
    from geo.claims.wording import figure_words

    if len(found) < 2:
        return claim
    others = ", ".join(figure_words(c) for c in found[1:])
    return replace(claim, notes=(*claim.notes, f"with --and one figure of a sentence counts; left unread: {others}"))


def _recorded(archive: Any, date: str | None, ids: Sequence[str]) -> list[Any]:
    from geo.claims.model import claim_of, claims_about

    claims = [claim_of(row) for row in archive.claims().to_dict("records")]
    known = {c.claim_id for c in claims}
    if unknown := [i for i in ids if i not in known]:
        raise UsageError(f"no claim {', '.join(unknown)} on record; there are: {', '.join(sorted(known)) or 'none'}")
    claims = [c for c in claims if not ids or c.claim_id in ids]
    claims = claims if date is None or ids else claims_about(claims, date)
    if not claims:
        about = f" about {date}" if date else ""
        raise UsageError(f"no claims{about} on record: give one (--text), or bring some in (geo import … claims F.csv)")
    return claims


def _pair(claims: Sequence[Any], within_percent: float) -> Any:
    from geo.claims.checking import compare_claims

    return compare_claims(claims[0], claims[1], within_percent=within_percent)


def _print(findings: Sequence[Any], pair: Any, form: str, *, drafted: bool) -> None:
    from geo.claims.checking import unknown_fields
    from geo.claims.model import way_out
    from geo.claims.wording import claim_words, paragraph, table_of_findings

    if form == "json":
        listed = [f.as_dict() for f in findings]
        out = dict(listed[0]) if drafted else {"claims": listed}
        if drafted and pair is None and len(listed) > 1:
            out["claims"] = listed  # the first claim has the places it always has; all of them stand here
        if pair is not None:
            out |= {"and": listed[1], "together": pair.as_dict()}
        give_json(out)
        return
    if form == "text":
        for finding in findings:
            click.echo(printable(paragraph(finding)))
    else:
        if form == "table":
            for number, finding in enumerate(findings, start=1):
                name = finding.claim.claim_id or str(number)
                click.echo(printable(f"{name}: “{finding.claim.text}” → {claim_words(finding.claim)}"))
                for note in dict.fromkeys((*finding.claim.notes, *finding.notes)):
                    click.echo(printable(f"  {note}"))
        show(table_of_findings(findings), form, title="verdicts by source and classes")
    if pair is not None:
        click.echo(printable(f"together: {pair.text}"))
    told = [unknown_fields(f.claim) for f in findings if drafted and not f.verdicts]
    for missing in dict.fromkeys(m for m in told if m):
        click.echo(f"note: {way_out(missing)}", err=True)

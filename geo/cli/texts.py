"""Verbs that read texts: places that they name, drafts of a briefing, published figures checked by the archive."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from geo.cli import common
from geo.cli.common import main, options
from geo.errors import UsageError
from geo.output.console import bar, complain, give_json, printable, records, show
from geo.presentation.language import gettext, speaking

GAZETTEER = options(
    click.option(
        "--gazetteer", "files", type=common.FILE, multiple=True,
        help="A gazetteer file (GeoNames, a register as CSV, OSM places); may be given several times.",
    ),
    click.option("--country", "countries", metavar="CC", multiple=True, help="A country in play (ISO 3166-1 alpha-2)."),
)  # fmt: skip
PLACES = options(
    click.option("--archive", type=common.FILE, help="Its units, its front and its incidents are used."),
    click.option("--date", type=common.WHEN, help="The date of the front; the last snapshot by default."),
    click.option("--source", metavar="S", help="By which source the front is taken."),
    GAZETTEER,
)


def _open(given: dict[str, Any], *, name: str | None = None) -> tuple[Any, Any]:
    """The gazetteer, and what an archive says of places."""
    from geo.geocoding.gazetteer import archive_prior, open_gazetteer

    archive = common.opened(given["archive"]) if given["archive"] else None
    with bar("indexing places") as advance:
        gazetteer = open_gazetteer(
            countries=given["countries"] or None, files=given["files"], archive=archive, name=name, progress=advance
        )
    prior = archive_prior(archive, given["date"], source=given["source"]) if archive is not None else None
    return gazetteer, prior


@main.command()
@click.argument("name")
@PLACES
@common.form_option("table", "csv", "json")
def places(name: str, form: str, **given: Any) -> None:
    """The places that NAME may mean, in any spelling.

    With unit, population, distance to the front and id.
    """
    from geo.geocoding.gazetteer import list_places

    gazetteer, prior = _open(given, name=name)
    table = list_places(gazetteer, name, prior=prior)
    if given["countries"]:
        table = table[table["country"].isin([c.upper() for c in given["countries"]])].reset_index(drop=True)
    show(table, form, title=f"{len(table)} place{'' if len(table) == 1 else 's'} called {name}; GeoNames, CC BY 4.0")


@main.command("geocode")
@click.argument("text")
@PLACES
@common.form_option("json", "table", "csv")
def geocode_command(text: str, form: str, **given: Any) -> None:
    """The places that TEXT mentions, with coordinates.

    Point, precision and reason, or the region alone; - reads the input.
    """
    import pandas as pd

    from geo.geocoding.geocoder import as_frame, mentions

    gazetteer, prior = _open(given)
    content = sys.stdin.read() if text == "-" else text
    table = pd.DataFrame(as_frame(mentions(content, gazetteer=gazetteer, prior=prior)).drop(columns="geometry"))
    if form == "json":
        give_json({"mentions": records(table)})
    else:
        show(table, form, title="mentions; places by GeoNames, CC BY 4.0")


_SHOWN = (
    "date_start", "date_prec", "where_coordinates", "adm_1", "country", "where_prec", "sub_event_type", "low", "best",
    "high", "injured_low", "injured_best", "injured_high", "captured", "abducted", "claimed_by",
    "verification",
)  # fmt: skip


@main.command("read")
@click.argument("briefing", type=common.FILE)
@click.option("--date", type=common.DAY, help="The day of the briefing; its own dateline by default.")
@click.option("--archive", type=common.FILE, help="Its units, its front and its incidents are used; drawn on the page.")
@GAZETTEER
@click.option(
    "--text-lang", type=click.Choice(["en", "uk", "ru", "de", "fr"]), help="Of the text; found out by default."
)
@click.option("--source", metavar="S", help="Whose briefing it is; what the page states, or its name, by default.")
@click.option("--encoding", metavar="E", help="Of the file, where it does not say; UTF-8 by default.")
@click.option("-o", "--output", type=common.FILE, help="Write the drafts to REVIEW.csv.")
@click.option("--page", type=common.FILE, help="Write a page with the text and the map: REVIEW.html.")
@common.LANG
@common.TEMPLATES
@common.form_option("table", "json")
def read_command(
    briefing: Path, files: tuple[Path, ...], output: Path | None, page: Path | None, form: str, templates: Path | None,
    lang: str, text_lang: str | None, **given: Any,
) -> None:  # fmt: skip
    """Draft the incidents and area claims of a BRIEFING.

    A .txt, .md, .html, .docx or .pdf file; nothing is stored (geo import-review).
    """
    from geo.extraction.briefing import read_briefing, write_review
    from geo.extraction.briefing_files import read_text
    from geo.geocoding.gazetteer import open_gazetteer
    from geo.presentation.templates import templates_folder

    for path, ending in ((output, ".csv"), (page, ".html")):
        if path is not None and path.suffix.lower() != ending:
            raise UsageError(f"{path}: write to a path that ends in {ending}")
    if templates is not None and page is None:
        raise UsageError("--templates goes with --page")
    templates_folder(templates)  # refused before a text is read
    text = read_text(briefing, encoding=given.pop("encoding"))
    archive = common.opened(given.pop("archive")) if given["archive"] else given.pop("archive")
    countries = given.pop("countries") or None
    with bar("indexing places") as advance:
        gazetteer = open_gazetteer(countries=countries, files=files, archive=archive, progress=advance)
    reading = read_briefing(text, archive=archive, gazetteer=gazetteer, lang=text_lang, **given)
    written = [] if output is None else [write_review(reading, output)]
    if page is not None:
        from geo.output.html.map_page import save_map
        from geo.output.html.review_page import draw_review

        written.append(save_map(draw_review(reading, archive=archive, lang=lang, templates=templates), page))
    if form == "json":
        give_json(reading.as_dict())
    else:
        _print_reading(reading)
    for path in written:
        click.echo(path, err=form == "json")


def _print_reading(reading: Any) -> None:
    import pandas as pd

    day = "no dateline" if reading.dateline is None else reading.dateline.isoformat()
    frame = pd.DataFrame([{n: d.fields[n] for n in _SHOWN} for d in reading.incidents], columns=[*_SHOWN])
    show(frame, "table", title=f"{len(frame)} drafts from {reading.source.name}, {day}; places by GeoNames, CC BY 4.0")
    names = ("quantity", "controller", "unit", "comparator", "value", "value_unit", "date_to", "said_by", "text")
    claims = pd.DataFrame([{n: c.as_dict()[n] for n in names} for c in reading.claims], columns=[*names])
    if len(claims):
        show(claims, "table", title=f"{len(claims)} area claims")
    unread = pd.DataFrame(reading.as_dict()["unread"], columns=["text", "notes"])
    if len(unread):
        show(unread.assign(notes=unread["notes"].str.join("; ")), "table", title=f"{len(unread)} figures not read")


@main.command("import-review")
@common.ARCHIVE
@click.argument("review", type=common.FILE)
@click.option("--encoding", default="utf-8", show_default=True, help="Of the file, where a spreadsheet changed it.")
@click.option("--delimiter", help="Of the file; a comma, semicolon or tab is found out.")
@click.option("--decimal", help="The decimal mark of the file.")
@common.form_option("table", "json")
@click.pass_context
def import_review(ctx: click.Context, /, archive: Path, review: Path, form: str, **given: Any) -> None:
    """Take confirmed drafts from REVIEW.csv into ARCHIVE.

    The rows that a person confirmed (y in the column confirm), with a receipt.
    """
    from geo.extraction.briefing import accept_review

    receipt = accept_review(archive, review, **given)
    if form == "json":
        give_json({"receipts": [asdict(receipt)]})
    else:
        common.print_receipts([receipt])
    if receipt.outcome == "refused":
        complain(receipt.error)
        ctx.exit(1)


# the verb's earlier name (docs/public.md)
main.add_command(
    click.Command(
        "accept", params=import_review.params, callback=import_review.callback, help=import_review.help, hidden=True,
        deprecated="It is called import-review now.",
    )
)  # fmt: skip


@main.command("claims")
@common.ARCHIVE
@click.option(
    "--text", metavar="SENTENCE", help="A sentence with a figure; without it the claims on record are checked."
)
@click.option("--and", "other", metavar="SENTENCE", help="A second claim: what both imply together.")
@click.option(
    "--date", type=common.WHEN, help="When it was said; of the claims on record, those said on or about that day."
)
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only these claims on record.")
@click.option("--set", "given", multiple=True, metavar="FIELD=VALUE", help="What was left empty or read wrong.")
@click.option("--in", "within", metavar="UNIT", help="Measure inside this unit (a code or a name).")
@click.option("--boundary", metavar="SET", help="Which boundary set; the last taken in by default.")
@common.several("--source", "sources", metavar="S", help="Only this source; may be given several times.")
@click.option("--within-percent", type=float, default=5.0, show_default=True, metavar="P",
              help="What 'about', 'some' and 'nearly' leave open.")  # fmt: skip
@click.option("--max-age-days", type=common.Days(), default=7.0, show_default=True, metavar="N",
              help="An older snapshot says nothing of the day.")  # fmt: skip
@common.places_option("Geodata or CSV with names, to count settlements.")
@common.KNOWN
@click.option("--chart", type=common.FILE, metavar="F.png", help="Draw the series with the claim in it.")
@click.option("--publisher", metavar="NAME", help="Who checks, for --format claimreview (schema.org's JSON-LD).")
@click.option("--url", default="", metavar="URL", help="Where the check will stand, for --format claimreview.")
@common.LANG
@common.form_option("table", "text", "csv", "json", "claimreview")
def claims_command(
    archive: Path, text: str | None, other: str | None, date: str | None, ids: tuple[str, ...], given: tuple[str, ...],
    places: Path | None, column: str | None, chart: Path | None, lang: str, form: str, publisher: str | None, url: str,
    **options: Any,
) -> None:  # fmt: skip
    """Check published figures: supported or contradicted.

    Against every source and every set of classes, with workings.
    """
    from geo.claims.checking import check_claim, check_claims, compare_claims

    is_review = form == "claimreview"
    if bool(publisher or url) != is_review or (is_review and not publisher):
        raise UsageError("--publisher NAME goes with --format claimreview, and so does --url")
    kept = common.opened(archive)
    if places is not None:
        options["places"] = common.read_if_given(places, column)
    if other is not None and text is None:
        raise UsageError("--and needs a first claim (--text)")
    within = options["within"]
    claims = _drafts(kept, text, other, date, given, within) if text else _recorded(kept, date, ids)
    with speaking(lang):
        if text is None:
            findings = check_claims(kept, claims, date=date, **options)
        else:
            findings = [check_claim(kept, c, date=date, **options) for c in claims]
        pair = compare_claims(*claims[:2], within_percent=options["within_percent"]) if other else None
        if chart is not None:
            from geo.output.images.chart import draw_claim

            click.echo(draw_claim(kept, findings[0], chart), err=True)
        if publisher is not None:
            _print_reviews(kept, findings, publisher, url)
            return
        _print_findings(findings, pair, form, drafted=text is not None)


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
        told = {c.text for c in found[0]}
        rest = [c for c in find_claims(text, date=date, names=names, unread=True) if c.text not in told]
        several = [*found[0], *rest]
        return confirmed(several if len(several) > 1 else [first], given, within=within)
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

    claims = [claim_of(row) for row in archive.store.claims().to_dict("records")]
    known = {c.claim_id for c in claims}
    if unknown := [i for i in ids if i not in known]:
        raise UsageError(f"no claim {', '.join(unknown)} on record; there are: {', '.join(sorted(known)) or 'none'}")
    claims = [c for c in claims if not ids or c.claim_id in ids]
    claims = claims if date is None or ids else claims_about(claims, date)
    if not claims:
        about = f" about {date}" if date else ""
        raise UsageError(f"no claims{about} on record: give one (--text), or bring some in (geo import … claims F.csv)")
    return claims


def _print_reviews(archive: Any, findings: Sequence[Any], publisher: str, url: str) -> None:
    """ClaimReview as a page takes it: nothing in it ends the script that it stands in."""
    from geo.claims.wording import claim_review

    sources = {row["name"]: row for row in records(archive.sources())}
    found = [claim_review(finding, sources, publisher=publisher, url=url) for finding in findings]
    text = json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False, indent=1)
    click.echo(printable(text.replace("<", "\\u003c")))


def _print_findings(findings: Sequence[Any], pair: Any, form: str, *, drafted: bool) -> None:
    from geo.claims.checking import unknown_fields
    from geo.claims.model import way_out
    from geo.claims.wording import claim_words, notes_words, paragraph, table_of_findings

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
                click.echo(printable(f"{name}: “{finding.claim.text}” → {claim_words(finding.claim, finding.place)}"))
                for note in notes_words((*finding.claim.notes, *finding.notes)):
                    click.echo(printable(f"  {note}"))
                if finding.option:
                    click.echo(f"  {finding.option}")
        frame = table_of_findings(findings)
        show(
            frame.rename(columns=gettext) if form == "table" else frame, form,
            title=gettext("verdicts by source and classes"),
        )  # fmt: skip
    if pair is not None:
        click.echo(printable(gettext("together: {what}", what=pair.text)))
    told = [unknown_fields(f.claim) for f in findings if drafted and not f.verdicts]
    for missing in dict.fromkeys(m for m in told if m):
        click.echo(f"note: {way_out(missing)}", err=True)

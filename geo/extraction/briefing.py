"""A briefing into drafts: its text, the places in it, the incidents it tells of and the area claims it makes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as day_type
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from geo.archive.shared_docs import described
from geo.errors import UsageError
from geo.extraction import event_merging
from geo.extraction.briefing_files import Text, read_text, tidy
from geo.extraction.event_merging import HEADLINE, DraftBuilder, Span, casualty_fields, check_of
from geo.extraction.events import Dateline, Place, date_fields, find_days, located, opening
from geo.extraction.events import dateline as first_dateline
from geo.formats.dates import find_date
from geo.importing.importer import Receipt, import_files
from geo.schema import INCIDENT_COLUMNS, to_instant
from geo.sources.incidents import CONFIRM, escaped
from geo.storage.atomic_write import write_page
from geo.text.languages import Rule, country_of, languages, pattern, words
from geo.text.sentences import Lang, TextSpan, language_of, paragraphs

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When
    from geo.geocoding.gazetteer import Gazetteer

# what `geo read --format json` gives of a mention
MENTION_FIELDS = (
    "text", "start", "end", "role", "place", "adm_1", "country", "latitude", "longitude", "where_prec",
    "uncertainty_km", "score", "why",
)  # fmt: skip
# the fields of a draft that have words of the briefing behind them, in the order of the review file
SPAN_FIELDS = (
    "what", "where", "when", "killed", "injured", "captured", "abducted", "claimed_by", "verification", "actor1",
    "actor2",
)  # fmt: skip
_TAKEN = "Non-state actor overtakes territory"  # by a foreign state, too, as ACLED counts


@dataclass(frozen=True)
class Draft:
    """An incident as a text tells it: the columns of `geo.schema.INCIDENT_COLUMNS`, and the words behind them."""

    fields: Mapping[str, Any]
    spans: Mapping[str, Sequence[Span]]
    sentences: Sequence[Span] = ()


@dataclass(frozen=True)
class Reading:
    """All that was read from a briefing. Offsets count characters of ``source.text``."""

    source: Text
    lang: Lang
    dateline: day_type | None
    mentions: gpd.GeoDataFrame
    incidents: Sequence[Draft]
    claims: Sequence[Any] = field(default_factory=tuple)
    unread: Sequence[Any] = field(default_factory=tuple)  # figures of ground and percentages that are no claim

    def as_dict(self) -> dict[str, Any]:
        """As ``geo read --format json`` prints it."""
        return {
            "file": self.source.name,
            "sha256": self.source.sha256,
            "dateline": None if self.dateline is None else self.dateline.isoformat(),
            "lang": self.lang,
            "text": self.source.text,
            "mentions": [
                {name: _plain(row.get(name)) for name in MENTION_FIELDS} for row in self.mentions.to_dict("records")
            ],
            "incidents": [
                {**d.fields, "spans": {name: [vars(s) for s in spans] for name, spans in d.spans.items()}}
                for d in self.incidents
            ],
            "claims": [claim.as_dict() for claim in self.claims],
            "unread": [
                {"start": c.start, "end": c.end, "text": self.source.text[c.start : c.end], "notes": list(c.notes)}
                for c in self.unread
            ],
        }


@described
def read_briefing(
    briefing: str | Path | Text,
    *,
    date: When | None = None,
    archive: Archive | None = None,
    gazetteer: Gazetteer | None = None,
    countries: Sequence[str] | None = None,
    lang: Lang | None = None,
    source: str | None = None,
    encoding: str | None = None,
) -> Reading:
    """Draft the incidents and area claims of a briefing's text. Nothing is stored.

    Parameters
    ----------
    briefing : path or Text
        ``.txt``, ``.md``, ``.html``, ``.docx`` or ``.pdf`` (extra ``documents``); or a text that
        `geo.extraction.briefing_files` gave.
    date : str, date, datetime or None
        The day of the briefing, from which "yesterday" counts; None is its own dateline.
    archive : Archive or None
        Gives the countries in play and the front of the day, as in `geo.geocode`.
    gazetteer : geo.geocoding.gazetteer.Gazetteer or None
        Opened once, for many briefings.
    countries : sequence of str or None
        ISO 3166-1 alpha-2 codes of the countries in play.
    lang : {"en", "uk", "ru", "de", "fr"} or None
        None finds it out, paragraph by paragraph.
    source : str or None
        Whose briefing it is; None is what the page itself states, else the file's name.
    encoding : str or None
        Of the file, where it does not say.

    Returns
    -------
    Reading
        Mentions (a GeoDataFrame in EPSG:4326), drafts and claims, each with the words that it comes from.

    Raises
    ------
    ArchiveError
    FileError
        The file cannot be read, or is no text.
    GateError
        `date` cannot be read.
    UsageError
        There is no such encoding, language or country.

    Examples
    --------
    >>> reading = geo.read_briefing("seeds/briefing-2025-01-11.txt", archive=archive)
    >>> [claim.value for claim in reading.claims]
    [500.0, 40.0]
    """
    from geo.claims.reading import find_claims
    from geo.geocoding.geocoder import geocode

    if lang is not None and not words(lang):
        known = [code for code in languages() if words(code)]
        raise UsageError(f"lang={lang!r} is unknown: {', '.join(known)}")
    text = briefing if isinstance(briefing, Text) else read_text(Path(briefing), encoding=encoding)
    passages = paragraphs(text.text, lang=lang)
    line = dateline_of(text, passages, date)
    today = None if line is None else line.day
    mentions = geocode(text.text, date=today, archive=archive, gazetteer=gazetteer, countries=countries)
    drafts = draft_incidents(text, mentions, dateline=line, lang=lang, source=source)
    figures = find_claims(text.text, date=today, unread=True)
    claims, unread = ([c for c in figures if (c.value is None) is left] for left in (False, True))
    return Reading(text, lang or language_of(text.text), today, mentions, drafts, claims, unread)


def text_of(text: str, *, name: str = "text") -> Text:
    """A text that stands in no file, as `read_briefing` takes it."""
    from hashlib import sha256

    return Text(tidy(text), name, sha256(text.encode()).hexdigest())


def dateline_of(text: Text, passages: Sequence[TextSpan], date: When | None) -> Dateline | None:
    """The day of a briefing: as told, else as its first lines, its page or its file's name state it."""
    if date is not None:
        return Dateline(to_instant(date).date())
    found = first_dateline(passages)
    if found is None:
        stated = find_date(text.published) or find_date(text.name)
        found = None if stated is None else _without_year(passages, stated[0].date())
    return found


def _without_year(passages: Sequence[TextSpan], stated: day_type) -> Dateline:
    """The day of a dateline without a year ("KYIV, May 2 –"), in the year that the page or the file states."""
    opened = next((o for o in map(opening, passages[:1]) if o is not None), None)
    days = find_days(opened, stated) if opened is not None else []
    return Dateline(days[0].last, days[0].start, days[0].end) if days else Dateline(stated)


def draft_incidents(
    text: Text,
    mentions: gpd.GeoDataFrame,
    *,
    dateline: Dateline | None = None,
    lang: Lang | None = None,
    source: str | None = None,
) -> list[Draft]:
    """Draft the incidents of a text whose places are known."""
    passages = paragraphs(text.text, lang=lang)
    places = located(mentions.to_dict("records"))
    today = None if dateline is None else dateline.day
    # the line of the date itself, where it is a line of its own
    at = None if dateline is None else dateline.start
    skip = [p for p in passages if at is not None and p.start <= at < p.end and len(p.text) < 100]
    skip = [p for p in skip if p.text.count(" ") < 12 and opening(p) is None]
    builders = event_merging.merge_events(passages, places, today=today, skip=skip)
    first = passages[0].text if passages else ""
    head = first if 0 < len(first) <= HEADLINE and not first.endswith((".", "!", "…")) else None
    made = [_draft(text, builder, today, head=head, source=source) for builder in builders]
    return _numbered(made, text)


def _draft(text: Text, builder: DraftBuilder, today: day_type | None, *, head: str | None, source: str | None) -> Draft:
    unread = builder.day is None and bool(builder.unread)
    when, named = date_fields(builder.days, builder.day, None if unread else builder.today)
    when_spans = [Span(d.start, d.end, d.text) for d in named]
    counted, spans = casualty_fields(builder)
    verification, check_spans = check_of(builder.checks, builder.attributions)
    rule = builder.rule
    found: dict[str, Any] = dict.fromkeys(c for c in INCIDENT_COLUMNS if c != "orig")
    found |= when | counted | _where(builder.place) | _who(builder, text)
    found |= {
        "event_type": rule.event_type if rule else None,
        "sub_event_type": _kind(rule, builder, text),
        "report_date": None if today is None else today.isoformat(),
        "source_date": None if today is None else today.isoformat(),
        "source": source or text.publisher or text.name,
        "source_headline": head,
        "lang": builder.lang,
        "claimed_by": "; ".join(v.name for v in builder.attributions) or None,
        "verification": verification,
        "notes": _notes(builder),
        "tags": rule.name if rule else None,
    }
    words = {
        "what": [Span(t.start, t.end, t.text) for t in builder.triggers],
        "where": [Span(p.start, p.end, p.text) for p in (builder.place, *builder.also) if p is not None],
        "when": when_spans,
        **spans,
        "claimed_by": [Span(v.start, v.end, v.text) for v in builder.attributions],
        "verification": check_spans,
        **{
            name: [Span(a.start, a.end, a.text) for role, a in builder.actors if role == name][:1]
            for name in ("actor1", "actor2")
        },
    }
    sentences = [Span(a, b, text.text[a:b]) for a, b in sorted(set(builder.clauses))]
    return Draft(
        found, {k: tuple(sorted(set(v), key=lambda s: (s.start, s.end))) for k, v in words.items() if v}, sentences
    )


def _where(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {}
    name, numeric = country_of(place.country)
    return {
        "latitude": place.latitude, "longitude": place.longitude, "where_prec": place.where_prec,
        "uncertainty_km": place.uncertainty_km, "where_coordinates": place.place,
        "where_description": place.why or None,
        "adm_1": place.adm_1, "adm_2": place.adm_2, "country": name, "iso": numeric,
        "gazetteer": place.gazetteer, "place_id": place.place_id,
    }  # fmt: skip


def _who(builder: DraftBuilder, text: Text) -> dict[str, Any]:
    """The forces named before and after the words of the event; people killed who are no soldiers are civilians."""
    first = next((a.name for role, a in builder.actors if role == "actor1"), None)
    second = next((a.name for role, a in builder.actors if role == "actor2" and a.name != first), None)
    if second is None and builder.place is not None and builder.place.country:
        counted = " ".join(text.text[t.start : t.end] for t in builder.counts if t.kind != "captured")
        if pattern(builder.lang, "persons", "civilians").search(counted):
            second = f"Civilians ({country_of(builder.place.country)[0]})"
    return {"actor1": first, "actor2": second}


def _kind(rule: Rule | None, builder: DraftBuilder, text: Text) -> str | None:
    """What a rule calls the event; ground taken by the force named before the verb, as ACLED tells who takes it."""
    if rule is None or rule.sub_event_type:
        return None if rule is None else rule.sub_event_type
    at = next((t.start for t in builder.triggers if t.rule is rule), 0)
    start = next((a for a, b in builder.clauses if a <= at < b), at)
    forces = [a.name for _, a in builder.actors if start <= a.start < at]
    if not forces:
        armed_groups = words(builder.lang)["persons"]["sides"][1]
        return _TAKEN if re.search(armed_groups, text.text[start:at], re.IGNORECASE) else None
    country = country_of(builder.place.country if builder.place else None)[0]
    return "Government regains territory" if forces[-1] == f"Military Forces of {country}" else _TAKEN


def _notes(builder: DraftBuilder) -> str | None:
    lines = [] if builder.day else [f"The date “{m.text}” cannot be read: {m.problem}" for m in builder.unread]
    lines += [f"Denied in the text: “{d.text}”" for d in builder.denials]
    open_ = [t for t in builder.counts if t.doubt]
    lines += [
        f"Number of {t.kind} left open: “{t.doubt}” stands beside it and may be of the same people" for t in open_
    ]
    if builder.shared:
        lines.append(f"Counted for several places together: “{builder.shared}”")
    return "; ".join(dict.fromkeys(lines)) or None


def _numbered(drafts: Sequence[Draft], text: Text) -> list[Draft]:
    """Drafts with ids of their own: day, place, kind of event, and the briefing, so that no two briefings share one."""
    seen: dict[str, int] = {}
    found = []
    for draft in drafts:
        place = re.sub(r"[^\w]+", "-", (draft.fields["where_coordinates"] or "no-place").lower()).strip("-") or "place"
        name = "-".join(
            [draft.fields["date_start"] or "undated", place, draft.fields["tags"] or "incident", text.sha256[:6]]
        )
        seen[name] = seen.get(name, 0) + 1
        number = f"-{seen[name]}" if seen[name] > 1 else ""
        found.append(Draft({**draft.fields, "event_id": name + number}, draft.spans, draft.sentences))
    return found


def _plain(value: Any) -> Any:
    """A cell as JSON takes it: nothing where it is missing, however pandas writes that."""
    if value is None or value != value or str(value) == "<NA>":
        return None
    return value.item() if hasattr(value, "item") else value


def accept_review(archive: Archive | str | Path, review: str | Path, **settings: Any) -> Receipt:
    """Take the confirmed rows of a review file into an archive.

    Parameters
    ----------
    archive : Archive, str or pathlib.Path
        It is made where there is none.
    review : str or pathlib.Path
        As `geo.write_review` wrote it, with ``y`` in the column ``confirm`` of the rows to keep. What was corrected
        in other cells counts; the row as it stands, with the words of the briefing, its name and its hash, goes into
        ``orig``.
    **settings
        Fields of `geo.Options`: ``encoding``, ``delimiter``, ``decimal``.

    Returns
    -------
    Receipt
        Rows in = stored + refused + left out (not confirmed). ``outcome`` is ``refused``, with the reason in ``error``,
        where nothing is confirmed or the file is no review file.

    Raises
    ------
    ArchiveError
        The archive cannot be made or written.
    UsageError
        There is no such setting.

    Examples
    --------
    >>> reading = geo.read_briefing("seeds/briefing-2025-01-11.txt", archive=archive)
    >>> receipt = geo.accept_review(archive, geo.write_review(reading, "review.csv"))
    >>> receipt.outcome  # no row is confirmed yet
    'refused'
    """
    return import_files(archive, "review", review, **settings)[0]


# what a desk looks at first stands first; the columns are those of `geo import … incidents`
COLUMNS = (
    "event_id", "date_start", "date_end", "date_prec", "where_coordinates", "adm_1", "adm_2", "country",
    "latitude", "longitude", "where_prec", "uncertainty_km", "event_type", "sub_event_type", "actor1", "actor2",
    "low", "best", "high", "injured_low", "injured_best", "injured_high", "captured", "abducted", "claimed_by",
    "verification",
    "source", "source_date", "source_headline", "source_article", "lang", "report_date", "notes", "tags", "iso",
    "where_description", "gazetteer", "place_id",
)  # fmt: skip
QUOTES = tuple(f"words_{name}" for name in SPAN_FIELDS)
PROVENANCE = ("told", "briefing", "briefing_sha256")


def write_review(reading: Reading, path: str | Path) -> Path:
    """Write the drafts of a briefing as a file that opens in a spreadsheet.

    Parameters
    ----------
    reading : Reading
        As `geo.read_briefing` gives it.
    path : str or pathlib.Path
        A CSV file: UTF-8 with a byte order mark, commas. Cells that a spreadsheet would compute begin with an
        apostrophe, which ``geo import-review`` takes off again.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    MapError
        The file cannot be written.

    Examples
    --------
    >>> reading = geo.read_briefing("seeds/briefing-2025-01-11.txt", archive=archive)
    >>> geo.write_review(reading, "review.csv").name
    'review.csv'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([CONFIRM, *COLUMNS, *QUOTES, *PROVENANCE])
    for draft in reading.incidents:
        writer.writerow(["", *(escaped(v) for v in _row(draft, reading))])
    return write_page("\ufeff" + text.getvalue(), Path(path))


def _row(draft: Draft, reading: Reading) -> list[Any]:
    words = [quoted(draft.spans.get(name, ())) for name in SPAN_FIELDS]
    sentences = " […] ".join(span.text.strip() for span in draft.sentences)
    cells = [round(v, 6) if isinstance(v := draft.fields[c], float) else v for c in COLUMNS]
    return [*cells, *words, sentences, reading.source.name, reading.source.sha256]


def quoted(spans: Sequence[Span]) -> str:
    """Words of the briefing with their offsets: ``drone attack [936-948]``."""
    return " | ".join(f"{span.text.strip()} [{span.start}-{span.end}]" for span in spans)

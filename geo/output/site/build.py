"""A site built from an archive: only what rests on something new is made, and all of it is put in place at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from geo import __version__
from geo.archive import Archive, contents
from geo.archive.results import FAR, When, moment, refused_notes
from geo.output.console import records
from geo.output.html.map_page import ControlMap, PageMap
from geo.output.html.page import PageParts, SharedFiles, json_block
from geo.output.html.timeline_page import timeline_of
from geo.output.map_content import credit_of, credits_of, gather, has_points_alone, on_points
from geo.output.map_options import MapKeywords, map_options, shares_options
from geo.output.site.downloads import data_package, download_bytes, read_day, read_span
from geo.output.site.pages import (
    ENTRIES,
    Unit,
    card_png,
    card_words,
    dataset_record,
    downloads,
    feed_xml,
    index_values,
    learnt,
    site_values,
    sitemap_xml,
    sources_page,
    unit_page,
    units_of,
)
from geo.output.site.plan import Day, Plan, SiteOptions, checked_address, digest, plan_site
from geo.output.site.publish import BuildReport, SiteFolder, open_site_folder
from geo.presentation import basemap
from geo.presentation.labels import credit_line, sentence, written
from geo.presentation.language import gettext, ngettext
from geo.presentation.templates import templates_folder
from geo.presentation.titles import known_words
from geo.schema import parse_instant, text_or_none, write_instant
from geo.workers import attempted, report_left_out, share_out

Progress = Callable[..., None]


@dataclass(frozen=True)
class _Job:
    """What is to be made of a date: paths of the site, and the sizes of its downloads that stand already."""

    day: Day
    wanted: Sequence[str]
    sizes: Mapping[str, int]


@shares_options("since", "draw_basemap")
def build_site(
    archive: Archive,
    folder: str | Path,
    *,
    from_: When | None = None,
    to: When | None = None,
    base_url: str | None = None,
    with_downloads: bool = True,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    **shown: Unpack[MapKeywords],
) -> BuildReport:
    """Build a static site of an archive, or bring one up to date.

    Parameters
    ----------
    folder : str or pathlib.Path
        Where the site is, or is made. A folder with files in it that no build made is refused.
    base_url : str or None
        Where the site will be (``https://example.org/map/``): feed, cards and site map then have absolute links.
    with_downloads : bool
        False leaves the data files out, where the source does not allow passing its data on.
    incident_days : int or None
        Every date shows the incidents of so many days up to it; None is 1. Its downloads are of the date alone.

    Returns
    -------
    BuildReport
        What was added, changed, removed and kept. The same input gives the same bytes.

    Raises
    ------
    ArchiveError, GateError, SourceError, UnitError
    MapError
        No day of the span has a snapshot, the folder cannot be written, or days could not be drawn: they are named once
        the site stands without them.
    UsageError
        The folder holds files of others, or the address is none.
    BusyError
        Another build is at work in it.

    Examples
    --------
    >>> built = geo.build_site(archive, "site", from_="2025-01-11", with_downloads=False)
    >>> "dates/2025-01-11.html" in built.added
    True
    """
    with archive.holding(), open_site_folder(Path(folder)) as site:
        given = map_options(build_site, shown)
        known = moment(given.as_known_on)
        fixed = {
            "source": "" if has_points_alone(archive, given.source) else archive.source_name(given.source),
            "settlements": on_points(archive, given).settlements,
            "as_known_on": None if known is None else write_instant(known),
            "templates": templates_folder(given.templates and Path(given.templates).absolute()),
            "view": given.view or "ground",  # not another view every day
            "incident_days": 1 if given.incident_days is None else given.incident_days,
        }  # fmt: skip
        own = {"base_url": checked_address(base_url), "with_downloads": with_downloads}
        options = SiteOptions(**{**vars(given), **fixed, **own})
        plan = plan_site(archive, options, from_=from_, to=to)
        shared = {"workers": workers, "scheduler": scheduler}
        count, failed = len(plan.days), _put_days(archive, plan, site, shared, progress)
        while failed and len(failed) < count:  # a site without those days: their neighbours link past them
            site.forget()
            plan = plan_site(archive, options, from_=from_, to=to, without=failed)
            more = _put_days(archive, plan, site, shared, progress)
            if not more:
                break
            failed |= more
        if len(failed) < count:
            _put_whole(archive, plan, site)
            dates = {
                day.day: {str(s["snapshot"]): s["sha256"] for s in day.snapshots if "sha256" in s} for day in plan.days
            }
            made_by = f"geo-control {__version__}"
            built = site.switch({"made_by": made_by, "options": dict(plan.recorded), "dates": dates})
    report_left_out(failed, of=count)
    return built


def _put_days(
    archive: Archive, plan: Plan, site: SiteFolder, shared: Mapping[str, Any], progress: Progress | None
) -> dict[str, Exception]:
    """Every date that can be drawn; those that cannot, with why."""
    failed: dict[str, Exception] = {}
    rests: dict[str, str] = {}
    jobs = []
    for day in plan.days:
        files = {**dict.fromkeys(day.files, day.state), _page(day): day.page}
        if plan.recorded["cards"]:
            files[_card(day)] = day.card
        wanted = [path for path, key in files.items() if not site.has(path, key)]
        rests |= {path: files[path] for path in wanted}
        if wanted:
            jobs.append(_Job(day, wanted, {p: f.bytes for p, f in site.wanted.items() if p in day.files}))
    making = partial(attempted, done=partial(_make_day, plan=replace(plan, days=())))
    own = [path for path in [plan.options.templates] if path]
    made = share_out(making, [(job,) for job in jobs], archive=archive, files=own, **shared)
    for count, (job, files_made) in enumerate(zip(jobs, made, strict=True), start=1):
        if isinstance(files_made, Exception):
            failed[job.day.day] = files_made
        else:
            for path, content in files_made.items():
                site.put(path, rests[path], *content)
        if progress is not None:
            progress(count, len(jobs), job.day.day)
    return failed


def _page(day: Day) -> str:
    return f"dates/{day.day}.html"


def _card(day: Day) -> str:
    return f"cards/{day.day}.png"


_Made = tuple[str | bytes, Mapping[str, str]]  # a file, and those that it shares with others


def _make_day(archive: Archive, job: _Job, *, plan: Plan) -> dict[str, _Made]:
    """Whatever is wanted of a date."""
    day = job.day
    made: dict[str, _Made] = {}
    wanted = set(job.wanted)
    data = [path for path in day.files if path in wanted]
    if data:
        loaded = read_day(archive, day.day, plan.options)
        made = {path: (download_bytes(path, loaded), {}) for path in data}
    if wanted - set(data):
        options = plan.options
        title = None if options.title is None else gettext(", ").join((plan.title, written(day.day)))
        content = gather(archive, day.day, options.of_one_date(since=day.since, title=title))
        if _card(day) in wanted:
            headed = content.title if options.title is None else plan.title
            # no legend has room there: ground alone
            alone = replace(content, changes=[], markers=[], credits=content.credits[:1]) if options.source else content
            made[_card(day)] = card_png(alone, headed, plan.shown), {}
        if _page(day) in wanted:
            page = ControlMap(content, templates=options.templates)
            sizes = {**job.sizes, **{path: len(made[path][0]) for path in data}}
            made[_page(day)] = _render_day(archive, page, plan, day, sizes)
    return made


def _render_day(
    archive: Archive, made: ControlMap, plan: Plan, day: Day, sizes: Mapping[str, int]
) -> tuple[str, Mapping[str, str]]:
    """The page of a date, and the files that it shares with others."""
    content, parts = made.content, made.page.parts
    text = (
        card_words(content.figures, day.day, plan.shown, place=content.place) if plan.options.source else content.title
    )
    card = _card(day) if plan.recorded["cards"] else ""
    site = site_values(plan, path=_page(day), text=text, card=card, day=day)
    values = {
        **parts.values,
        "site": site,
        "downloads": downloads(day.files, sizes),
        "has_all": bool(plan.files),
        "dataset": "",
    }
    if day.files:
        happened = contents.incidents(archive, day.day, day.day, **plan.options.incidents)
        owed = credits_of(archive, *filter(None, [plan.options.source, *sorted(set(happened["dataset"]))]))
        record = dataset_record(plan, day, sizes, owed, text, content.bounds)
        values["dataset"] = json_block(record, name="dataset", kind="application/ld+json")
    return _sharing(made, plan, replace(parts, template="site_date.html", values=values), up="../")


def _sharing(made: PageMap, plan: Plan, parts: PageParts, *, up: str) -> tuple[str, Mapping[str, str]]:
    """A page with a map, and the files that it shares with others."""
    shared = SharedFiles(up, plan.options.base_url)
    made.page.parts = replace(parts, shared=shared)
    return str(made.get_root().render()), shared.files


def _put_whole(archive: Archive, plan: Plan, site: SiteFolder) -> None:
    if new := [path for path in plan.files if not site.has(path, plan.whole)]:
        loaded = read_span(archive, plan.days[0].day, plan.days[-1].day, plan.options)
        for path in new:
            site.put(path, plan.whole, download_bytes(path, loaded))
    standing = [p for p, f in site.old.items() if p.startswith("units/") and f.rests_on == plan.series]
    index = digest(plan.series, plan.whole)  # it tells the size of the downloads
    if not all([*(site.has(p, plan.series) for p in standing), site.has("index.html", index)]):
        units = units_of(archive, plan) if plan.options.source else []
        control = credit_of(archive, plan.options.source)
        for unit in units:
            credit = credit_line(control) or control["name"]
            owed = [
                gettext("Control: {credit}", credit=credit),
                gettext("Unit: {boundary}", boundary=gettext(unit.boundary)),
            ]
            site.put(unit.path, plan.series, unit_page(unit, archive, plan, owed))
        for gone in set(standing) - {unit.path for unit in units}:
            site.wanted.pop(gone, None)
        sizes = {path: site.wanted[path].bytes for path in plan.files}
        site.put("index.html", index, *_index(archive, plan, units, sizes))
    credits = [credit_of(archive, name) for name in (plan.options.source, *plan.datasets) if name]
    site.put("sources.html", plan.series, _sources(archive, plan, credits))
    _put_feed(archive, plan, site, [credit_line(c) or c["name"] for c in credits])
    named = [*plan.files, *(path for day in plan.days for path in day.files)]
    files = {path: site.wanted[path] for path in named if path in site.wanted}
    if files:
        listed = {path: (entry.bytes, entry.sha256) for path, entry in files.items()}
        site.put("datapackage.json", "", data_package(plan.title, listed, credits, plan.options.base_url))
    if plan.options.base_url:
        pages = sorted((p for p in site.wanted if p.endswith(".html")), key=lambda p: (p != "index.html", p))
        site.put("sitemap.xml", "", sitemap_xml(plan, pages))


def _put_feed(archive: Archive, plan: Plan, site: SiteFolder, credits: Sequence[str]) -> None:
    newest = sorted(plan.days, key=lambda d: (learnt(d), d.day), reverse=True)[:ENTRIES]
    updated = _updated(archive, plan)
    key = digest(plan.series, str(updated), [(d.day, str(learnt(d))) for d in newest], credits)
    if not site.has("feed.xml", key):
        summaries = {day.day: _summary(archive, plan, day) for day in newest}
        site.put("feed.xml", key, feed_xml(plan, summaries, updated, credits))


def _updated(archive: Archive, plan: Plan) -> datetime:
    """When the archive last learnt something of the source, or took something back."""
    limit = moment(plan.options.as_known_on) or FAR
    if not plan.options.source:
        return max(learnt(day) for day in plan.days)
    table = archive.reader.snapshots(plan.options.source)
    texts = [text_or_none(v) for c in ("recorded_at", "superseded_at", "retracted_at") for v in table[c]]
    return max(at for at in (parse_instant(t) for t in texts if t) if at <= limit)


def _summary(archive: Archive, plan: Plan, day: Day) -> str:
    options = plan.options
    if not options.source:
        return gather(archive, day.day, options).title
    table = archive.area(day.day, source=options.source, within=options.within, as_known_on=options.as_known_on)
    words = card_words(records(table), day.day, plan.shown, place=plan.place)
    return " ".join([words, *map(sentence, refused_notes(archive.reader.snapshots(), sorted(set(table["snapshot"]))))])


def _index(
    archive: Archive, plan: Plan, units: Sequence[Unit], sizes: Mapping[str, int]
) -> tuple[str, Mapping[str, str]]:
    options, first, last = plan.options, plan.days[0], plan.days[-1]
    made = timeline_of(archive, options.source or None, options, (first.day, last.day))
    parts = made.page.parts
    card = _card(last) if plan.recorded["cards"] else ""
    text = f"{plan.span}. {_summary(archive, plan, last)}"
    site = site_values(plan, path="index.html", text=text, card=card)
    values = {**parts.values, "site": site, **index_values(plan, units), "downloads": downloads(plan.files, sizes)}
    template = "site_index.html" if options.source else "site_points.html"
    return _sharing(made, plan, replace(parts, template=template, values=values), up="")


def _sources(archive: Archive, plan: Plan, credits: Sequence[Mapping[str, str]]) -> str:
    boundary = "; ".join(sorted({gettext(text) for v in archive.units()["boundary"] if (text := text_or_none(v))}))
    subtitle = ngettext(
        "{title}: whom it is owed to, and the snapshots that its {n} date rests on.",
        "{title}: whom it is owed to, and the snapshots that its {n} dates rest on.",
        len(plan.days), title=plan.title,
    )  # fmt: skip
    if plan.options.as_known_on is not None:
        subtitle += known_words(plan.options.as_known_on)
    shipped = basemap.credits()
    return sources_page(plan, subtitle, credits, [shipped[name] for name in ("basemap", "places")], boundary)

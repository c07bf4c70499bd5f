"""The feed of new dates (Atom, RFC 4287) and the site map: what machines that follow a site read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from geo.formats.xml import Element, add, xml_bytes
from geo.output.site.plan import Day, Plan
from geo.presentation.labels import written
from geo.schema import parse_instant
from geo.version import __version__

ENTRIES = 100
_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
# ids stay the same wherever the site is moved to
_NAMES = UUID("6f0b6c9e-3a53-5d0e-9d57-0f3a7f0f9b11")


def feed_xml(plan: Plan, summaries: Mapping[str, str], updated: datetime, credits: Sequence[str]) -> bytes:
    """The newest dates as an Atom feed: what was recorded last comes first."""
    options = plan.options
    root = Element("feed", xmlns=_ATOM)
    add(root, "id", _id(plan, "feed"))
    add(root, "title", plan.title)
    add(root, "updated", _stamp(updated))
    add(add(root, "author"), "name", plan.shown or plan.options.source)
    add(root, "generator", "geo-control", version=__version__)
    add(root, "rights", "; ".join(credits))
    add(root, "link", rel="self", type="application/atom+xml", href=options.address("feed.xml"))
    add(root, "link", rel="alternate", type="text/html", href=options.address("index.html"))
    for day in sorted(plan.days, key=lambda d: (learnt(d), d.day), reverse=True)[:ENTRIES]:
        entry = add(root, "entry")
        add(entry, "id", _id(plan, day.day))
        add(entry, "title", f"{plan.title}, {written(day.day)}")
        add(entry, "published", _stamp(published(day)))
        add(entry, "updated", _stamp(learnt(day)))
        add(entry, "link", rel="alternate", type="text/html", href=options.address(f"dates/{day.day}.html"))
        add(entry, "summary", summaries.get(day.day, ""))
    return xml_bytes(root)


def learnt(day: Day) -> datetime:
    """When the archive took in what it now says of a date."""
    return max(parse_instant(str(row["recorded_at"])) for row in day.snapshots)


def published(day: Day) -> datetime:
    """When the source put a date's map out; where that is not known, when the archive first took one in."""
    stated = [parse_instant(str(row["published"])) for row in day.snapshots if _is_known(row["published"])]
    return min(stated or [parse_instant(str(row["recorded_at"])) for row in day.snapshots])


def sitemap_xml(plan: Plan, pages: Sequence[str]) -> bytes:
    """The addresses of a site's pages, for search engines; it needs a base address."""
    changed = {f"dates/{day.day}.html": learnt(day) for day in plan.days}
    root = Element("urlset", xmlns=_SITEMAP)
    for path in pages:
        url = add(root, "url")
        add(url, "loc", plan.options.address(path))
        if path in changed:
            add(url, "lastmod", _stamp(changed[path]))
    return xml_bytes(root)


def _is_known(value: Any) -> bool:
    return value is not None and value == value


def _id(plan: Plan, what: str) -> str:
    return uuid5(_NAMES, "\n".join([plan.options.source, plan.options.within or "", what])).urn


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

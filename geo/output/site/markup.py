"""The HTML around a site's maps and the pages without one: from escaped text, each with a policy of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from geo.output.html.page import LEAFLET_CREDIT, asset, policy_of
from geo.output.site.plan import Day, Plan
from geo.output.site.social_image import HEIGHT, WIDTH
from geo.presentation.html_text import escape
from geo.presentation.labels import written
from geo.schema import text_or_none
from geo.version import __version__


def styles() -> str:
    """The styles of what a site adds to a page."""
    return f"<style>{asset('site.css')}</style>"


def top(*, up: str = "../", day: Day | None = None, here: str = "") -> str:
    """The way to the other pages of the site."""
    pages = (("Timeline", "index.html"), ("Dates", "index.html#dates"), ("Units", "index.html#units"),
             ("Sources", "sources.html"))  # fmt: skip
    links = [f'<li><a href="{up}{path}"{_here(path == here)}>{name}</a></li>' for name, path in pages] + [
        f'<li><a href="{up}feed.xml" type="application/atom+xml">Feed</a></li>'
    ]
    steps = ""
    if day is not None:
        steps = _step(day.before, "prev", "←", "Date before") + _step(day.after, "next", "→", "Next date")
        steps = f'<ul class="steps">{steps}</ul>' if steps else ""
    return f'<nav class="site" aria-label="Site"><ul>{"".join(links)}</ul>{steps}</nav>'


def _here(here: bool) -> str:
    return ' aria-current="page"' if here else ""


def _step(day: str | None, rel: str, sign: str, words: str) -> str:
    if day is None:
        return ""
    arrow = f'<span aria-hidden="true">{sign}</span>'
    shown = f"{arrow} {written(day)}" if rel == "prev" else f"{written(day)} {arrow}"
    return f'<li><a rel="{rel}" href="{day}.html"><span class="unseen">{words}: </span>{shown}</a></li>'


def meta(plan: Plan, *, path: str, title: str, text: str, card: str = "", up: str = "../") -> str:
    """What feeds, search engines and messengers read of a page."""
    wishes = plan.wishes
    named = [("description", text), ("twitter:card", "summary_large_image" if card else "summary"),
             ("twitter:title", title), ("twitter:description", text)]  # fmt: skip
    graph = [("og:type", "article" if path.startswith("dates/") else "website"), ("og:site_name", plan.title),
             ("og:title", title), ("og:description", text)]  # fmt: skip
    links = f'<link rel="alternate" type="application/atom+xml" title="{escape(plan.title)}" href="{up}feed.xml">'
    if wishes.base_url:
        graph.append(("og:url", wishes.address(path)))
        links += f'<link rel="canonical" href="{escape(wishes.address(path))}">'
    if card:
        picture = wishes.address(card, up=up)
        graph += [("og:image", picture), ("og:image:type", "image/png"), ("og:image:width", str(WIDTH)),
                  ("og:image:height", str(HEIGHT)), ("og:image:alt", text)]  # fmt: skip
        named += [("twitter:image", picture), ("twitter:image:alt", text)]
    return (
        "".join(f'<meta name="{name}" content="{escape(value)}">' for name, value in named)
        + "".join(f'<meta property="{name}" content="{escape(value)}">' for name, value in graph)
        + links
    )


def downloads(day: Day, sizes: Mapping[str, int]) -> str:
    """The files of a date, each with its size."""
    if not day.files:
        return ""
    items = "".join(
        f'<li><a href="../{path}" download>{escape(words)}</a> <small>{_size(sizes[path])}</small></li>'
        for path, words in day.files.items()
    )
    return f'<section class="downloads"><h2>Download this date</h2><ul>{items}</ul></section>'


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(count / 1e3, 0.1):,.1f} KB"


def index_sections(plan: Plan, units: str) -> str:
    """What stands under the timeline: the dates, and the units as a table of rows that are HTML."""
    months = []
    for (year, month), days in groupby(
        (date.fromisoformat(d.day) for d in reversed(plan.days)), lambda d: (d.year, d.month)
    ):
        links = "".join(
            f'<li><a href="dates/{d}.html" aria-label="{written(d)}">{d.day}</a></li>' for d in reversed(list(days))
        )
        months.append(f"<div><h3>{date(year, month, 1):%B %Y}</h3><ul>{links}</ul></div>")
    count = f"{len(plan.days)} date{'s' if len(plan.days) > 1 else ''} with a snapshot"
    listed = (
        f'<section class="days" id="dates"><h2>Dates</h2><p class="workings">{count}</p>{"".join(months)}</section>'
    )
    caption = f"km² by {plan.shown} in every unit with ground of a class, each since the date in the last column"
    table = f'<table><caption class="unseen">Units</caption>{units}</table>'
    none = '<p class="workings">No unit has ground of a class.</p>'
    scroll = f'<p class="workings">{escape(caption)}.</p>{_scroll("Units", table)}'
    return f'{listed}<section id="units" class="units"><h2>Units</h2>{scroll if units else none}</section>'


def bare_page(
    plan: Plan,
    *,
    path: str,
    title: str,
    subtitle: str,
    body: str,
    css: str = "",
    up: str = "../",
    credits: Sequence[str] = (),
) -> str:
    """A page without a map and without a script."""
    head = f"<style>{asset('map.css')}</style><style>{asset('brief.css')}{css}</style>{styles()}"
    inside = (
        f'<div class="page">{top(up=up, here=path)}<header><h1>{escape(title)}</h1>'
        f'<p class="dek">{escape(subtitle)}</p></header><main>{body}</main>{foot(credits)}</div>'
    )
    policy, _ = policy_of(head + inside)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n{meta(plan, path=path, title=title, text=subtitle, up=up)}\n{head}\n</head>\n"
        f"<body>\n{inside}\n</body>\n</html>\n"
    )


def foot(credits: Sequence[str] = ()) -> str:
    """What the figures of a page without a map rest on."""
    lines = [
        *credits,
        "Areas on the WGS 84 ellipsoid, edges straight in longitude and latitude (RFC 7946)",
        f"Made with geo-control {__version__}",
    ]
    return "<footer>" + "".join(f"<p>{escape(line.rstrip('., '))}.</p>" for line in lines) + "</footer>"


def sources_body(plan: Plan, credits: Sequence[Mapping[str, str]], shipped: Sequence[str], boundary: str) -> str:
    """Whom the site is owed to, under which licences, and the snapshots that it rests on."""
    rows = "".join(
        f'<tr><th scope="row">{escape(c["title"] or c["name"])}</th>'
        f'<td class="word">{"Incidents" if i else "Control"}</td>'
        + "".join(
            f'<td class="word">{escape(c[name] or "not stated")}</td>' for name in ("attribution", "licence", "url")
        )
        + "</tr>"
        for i, c in enumerate(credits)
    )
    heads = "".join(f'<th scope="col" class="word">{h}</th>' for h in ("What", "Credit", "Licence", "Address"))
    table = f'<table><thead><tr><th scope="col">Source</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    under = [*shipped, *([f"Units: {boundary}"] if boundary else []), LEAFLET_CREDIT]
    ground = "".join(f"<p>{escape(line.rstrip('., '))}.</p>" for line in under)
    return (
        f'<div class="brief"><section><h2>Sources</h2>{_scroll("Sources", table)}</section>'
        f'<section class="ground"><h2>Under the maps</h2>{ground}</section>'
        f"<section><h2>Snapshots</h2>{_snapshots(plan)}</section></div>"
    )


def _scroll(name: str, table: str) -> str:
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">{table}</div>'


def _snapshots(plan: Plan) -> str:
    columns = (("depicts", "Depicts"), ("published", "Published"), ("recorded_at", "Taken in"), ("file_name", "File"),
               ("sha256", "SHA-256"))  # fmt: skip
    heads = "".join(f'<th scope="col" class="word">{words}</th>' for _, words in columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(row["snapshot"])}</th>'
        + "".join(f'<td class="word">{escape(_cell(name, row))}</td>' for name, _ in columns)
        + "</tr>"
        for day in reversed(plan.days)
        for row in day.snapshots
    )
    head = f'<thead><tr><th scope="col">Snapshot</th>{heads}</tr></thead>'
    return _scroll("Snapshots", f'<table class="snapshots">{head}<tbody>{rows}</tbody></table>')


def _cell(name: str, row: Mapping[str, Any]) -> str:
    text = text_or_none(row[name]) or "–"
    if name in ("depicts", "published", "recorded_at") and len(text) > 10:
        return text[:10] if text[11:23] == "00:00:00.000" else f"{text[:16].replace('T', ' ')} UTC"
    return text

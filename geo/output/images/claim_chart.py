"""A claim drawn into the series of every source: the values that agree with it shaded, its day marked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geo.claims.wording import figure_words
from geo.errors import MapError
from geo.output.images.chart_panels import ChartText, Panel, save_panels
from geo.output.map_content import credit_of
from geo.presentation.chart_lines import ChartLine
from geo.presentation.labels import credit_line, written
from geo.presentation.sides import NOBODY, side_colours
from geo.presentation.statuses import status_of
from geo.schema import last_instant
from geo.version import __version__

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.claims.class_series import ClassSeries
    from geo.claims.verdict import Finding
    from geo.output.images.themes import Shape, ThemeName

_MONTHS_SHOWN = 400  # days before the claim's: a series of years would hide what it is about


def draw_claim(
    archive: Archive,
    finding: Finding,
    path: str | Path,
    *,
    title: str | None = None,
    shape: Shape = "slide",
    theme: ThemeName = "light",
) -> Path:
    """Draw the series that a claim was held against as PNG, SVG or PDF, a panel for each source."""
    claim = finding.claim
    if finding.span is None or finding.date is None or not finding.series:
        raise MapError("the claim was not held against a series of areas: there is nothing to draw")
    if claim.quantity not in ("held", "share retaken"):
        raise MapError(f"{claim.quantity} is not drawn over time: ground held and shares retaken are")
    sources = list(dict.fromkeys(s.source for s in finding.series))
    panels = [_panel(archive, finding, name) for name in sources]
    credits = "; ".join(credit_line(credit_of(archive, s)) for s in sources)
    of = ", of the most up to that day" if claim.quantity == "share retaken" else ""
    boundary = f" Units: {finding.place.boundary}." if finding.place and finding.place.boundary else ""
    side = claim.against if claim.quantity == "share retaken" else claim.controller
    text = ChartText(
        title=title or f"“{claim.text.strip()}”",
        subtitle=f"Ground of {side or 'the side'} in km² by each source up to {written(finding.date[:10])}."
        f" Shaded: what agrees with {figure_words(claim)}{of}.",
        notes=["Upright line: the day of the claim", *(n[:1].upper() + n[1:] for n in finding.notes)],
        credit=f"Control: {credits}.{boundary} Areas on the WGS 84 ellipsoid, edges straight in longitude and latitude"
        f" (RFC 7946). Made with geo-control {__version__}.",
    )
    return save_panels(panels, text, Path(path), shape=shape, theme=theme)


def _panel(archive: Archive, finding: Finding, source: str) -> Panel:
    mine = [s for s in finding.series if s.source == source]
    day = last_instant(str(finding.date))
    lines = [_line(archive, finding, series) for series in mine]
    name = credit_of(archive, source)["title"] or source
    return Panel(name, [line for line in lines if line.times], _band(finding, mine[0]), day.replace(tzinfo=None))


def _line(archive: Archive, finding: Finding, series: ClassSeries) -> ChartLine:
    day = last_instant(str(finding.date))
    claim = finding.claim
    side = (claim.against if claim.quantity == "share retaken" else claim.controller) or ""
    shown = [i for i, t in enumerate(series.times) if t <= day and (day - t).days <= _MONTHS_SHOWN]
    colour = side_colours(archive.controllers()).get(side, NOBODY)
    part = f" ({series.part})" if series.part else ""
    return ChartLine(
        label=" + ".join(series.statuses) + part, colour=colour, dash=status_of(series.statuses[-1]).chart_dash,
        times=[series.times[i].replace(tzinfo=None) for i in shown], km2=[series.values[i] for i in shown],
    )  # fmt: skip


def _band(finding: Finding, series: ClassSeries) -> tuple[float, float] | None:
    """The km² that agree with a claim, by one series."""
    span, day = finding.span, last_instant(str(finding.date))
    assert span is not None
    if finding.claim.quantity == "share retaken":
        most = max((v for t, v in zip(series.times, series.values, strict=True) if t <= day), default=0.0)
        return most * (1 - min(span.high, 100.0) / 100), most * (1 - span.low / 100)
    if finding.claim.value_unit == "percent":
        whole = series.place.area_km2 or 0.0
        return whole * span.low / 100, whole * span.high / 100
    return span.low, span.high

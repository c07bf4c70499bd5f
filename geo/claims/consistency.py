"""Two claims held against each other: what follows from both, before any map is looked at."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from geo.claims.model import WITHIN_PERCENT, Claim, Span, kind_of_unit, span_of

_WORDS = {"km2": "km²", "percent": "percent", "settlements": "settlements", "km": "km"}


@dataclass(frozen=True)
class Pair:
    """What two claims imply together: `low` and `high` bound `what`, in `unit`; `compatible` None where it is open."""

    what: str
    text: str
    low: float | None
    high: float | None
    unit: str
    compatible: bool | None

    def as_dict(self) -> dict[str, Any]:
        """The pair as JSON takes it."""
        return asdict(self)


def compare_claims(first: Claim, second: Claim, *, within_percent: float = WITHIN_PERCENT) -> Pair:
    """What two claims imply together.

    Parameters
    ----------
    first, second : Claim
        With value, unit and comparator.
    within_percent : float
        What "about", "some" and "nearly" leave open.

    Returns
    -------
    Pair
        For ground held and a share retaken: the peak in km² that both imply. For ground held on two days: the change.
        For the same quantity on the same day: whether any value agrees with both.

    Raises
    ------
    UsageError
        A claim has no value, unit or comparator.

    Examples
    --------
    >>> held = geo.read_claim("Ukraine holds 500 km² of Kursk region", date="2025-01-11")
    >>> share = geo.read_claim("Russia has retaken 40% of the area in Kursk region", date="2025-01-11")
    >>> geo.compare_claims(held, share).text
    '500 km² held and 40 percent retaken imply a peak of 833 km² (826 to 841 km² with what the words leave open)'
    """
    spans = [span_of(c, within_percent=within_percent) for c in (first, second)]
    kinds = [(c.quantity, kind_of_unit(c.value_unit)) for c in (first, second)]
    where = {c.unit for c in (first, second) if c.unit}
    if len(where) > 1:
        return _nothing(f"the units differ: {', '.join(sorted(where))}")
    if kinds == [("share retaken", "percent"), ("held", "km2")]:
        first, second = second, first
        spans.reverse()
        kinds.reverse()
    if kinds == [("held", "km2"), ("share retaken", "percent")]:
        return _peak(first, second, spans)
    sides = {c.controller for c in (first, second) if c.controller}
    if kinds[0] != kinds[1] or len(sides) > 1:
        return _nothing("they are about different things")
    unit = str(kinds[0][1])
    if first.quantity in ("held", "settlements held") and _apart(first, second):
        return _growth(first, second, spans, unit)
    return _both(spans, unit)


def _nothing(why: str) -> Pair:
    return Pair("", f"nothing follows from the two together: {why}", None, None, "", None)


def _apart(first: Claim, second: Claim) -> bool:
    days = (first.date_to, second.date_to)
    return None not in days and days[0] != days[1]


def _peak(held: Claim, share: Claim, spans: list[Span]) -> Pair:
    """What is left and the share that was retaken give what there was."""
    low = _whole(max(spans[0].low, 0.0), spans[1].low)
    high = _whole(spans[0].high, spans[1].high)
    plain = [span_of(replace(c, comparator="exactly", step=None)) for c in (held, share)]
    said = _whole(plain[0].low, plain[1].low)
    ends = _ends(said if held.comparator in ("more than", "at least") else None, held.comparator)
    text = (
        f"{_said(held)} held and {_said(share)} retaken imply a peak of {ends or f'{said:,.0f} km²'}"
        f" ({_range(low, high, 'km2')} with what the words leave open)"
    )
    return Pair("peak", text, _finite(low), _finite(high), "km2", low <= high)


def _whole(left: float, retaken: float) -> float:
    return math.inf if retaken >= 100 or math.isinf(left) else left / (1 - max(retaken, 0.0) / 100)


def _ends(value: float | None, comparator: str | None) -> str:
    return "" if value is None or comparator is None else f"{value:,.0f} km² or more"


def _growth(first: Claim, second: Claim, spans: list[Span], unit: str) -> Pair:
    early, late = sorted(zip((first, second), spans, strict=True), key=lambda p: str(p[0].date_to))
    low, high = late[1].low - early[1].high, late[1].high - early[1].low
    text = (
        f"{_said(early[0])} on {early[0].date_to} and {_said(late[0])} on {late[0].date_to} imply a change of"
        f" {_range(low, high, unit)}"
    )
    if early[0].value and late[0].value:
        text += f" ({100 * (late[0].value / early[0].value - 1):+.0f} percent by the figures as given)"
    return Pair("change", text, _finite(low), _finite(high), unit, None)


def _both(spans: list[Span], unit: str) -> Pair:
    low, high = max(s.low for s in spans), min(s.high for s in spans)
    open_end = any((s.open_low and s.low == low) or (s.open_high and s.high == high) for s in spans)
    fits = low < high or (low == high and not open_end)
    text = f"both agree with {_range(low, high, unit)}" if fits else "no value agrees with both"
    return Pair("value", text, _finite(low) if fits else None, _finite(high) if fits else None, unit, fits)


def _said(claim: Claim) -> str:
    lead = "" if claim.comparator in ("exactly", "between") else f"{claim.comparator} "
    unit = str(claim.value_unit)
    to = f" to {claim.high:,g}" if claim.high is not None else ""
    words = {"km2": "km²", "mi2": "square miles", "ha": "hectares", "acre": "acres", "mi": "miles"}.get(unit, unit)
    return f"{lead}{claim.value:,g}{to} {words}"


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def _range(low: float, high: float, unit: str) -> str:
    word = _WORDS.get(unit, unit)
    if math.isinf(high) and math.isinf(low):
        return f"any number of {word}"
    if math.isinf(high):
        return f"{low:,.0f} {word} or more"
    if math.isinf(low):
        return f"{high:,.0f} {word} or less"
    return f"{low:,.0f} to {high:,.0f} {word}"

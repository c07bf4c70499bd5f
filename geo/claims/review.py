"""What a person says of a draft, and what a second claim takes from the first one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, replace

from geo.claims.model import UNREAD_DATE, Claim
from geo.errors import UsageError

FIELDS = tuple(sorted({f.name for f in fields(Claim)} - {"notes", "start", "end", "text"}))
# of one figure alone; all else that a person says holds for every figure of the sentence
_OF_A_FIGURE = {"claim_id", "quantity", "comparator", "value", "high", "value_unit", "step", "base"}
_NUMBERS = ("value", "high", "step")
# how the reader's notes on a field begin, which are settled when a person gives it
_NOTES = {
    "controller": ("no side is named", "a pronoun stands for the side", "two sides are named together"),
    "unit": ("no unit is named", "several units are named", "several countries are named"),
    "date_from": ("since when is not said",),
    "date_to": (UNREAD_DATE,),
}
_OF_IT = re.compile(r"\bof (?:it|that|this)\b", re.IGNORECASE)


def confirmed(claims: Sequence[Claim], given: Sequence[str], *, within: str | None = None) -> list[Claim]:
    """Drafts with what a person says of them; the notes that this settles go."""
    said = dict(_read(pair) for pair in given)
    shared = {name: value for name, value in said.items() if name not in _OF_A_FIGURE}
    settled = {*shared, *(["unit"] if within is not None else [])}
    drafts = [replace(c, **(shared if at else said)) for at, c in enumerate(claims)]  # type: ignore[arg-type]
    return [_settled(draft, settled) for draft in drafts]


def _read(pair: str) -> tuple[str, str | float | None]:
    name, sign, value = pair.partition("=")
    if not sign or name not in FIELDS:
        raise UsageError(f"--set {pair!r}: write it as FIELD=VALUE, with one of {', '.join(FIELDS)}")
    try:
        return name, float(value) if name in _NUMBERS else value or None
    except ValueError:
        raise UsageError(f"--set {pair!r}: {name} is a number") from None


def _settled(claim: Claim, given: set[str]) -> Claim:
    begins = tuple(begin for name in given for begin in _NOTES.get(name, ()))
    return replace(claim, notes=tuple(n for n in claim.notes if not n.startswith(begins)))


def follow(first: Claim, second: Claim) -> Claim:
    """A second claim that speaks of "it" with the unit and the ground of the first."""
    if not _OF_IT.search(second.text) or second.quantity != "share retaken" or second.unit or not first.unit:
        return second
    against = first.controller if first.controller != second.controller else None
    taken = replace(second, unit=first.unit, against=second.against or against)
    note = "“it” is read as the ground of the first claim"
    return replace(_settled(taken, {"unit"}), notes=(*_settled(taken, {"unit"}).notes, note))


def way_out(missing: Sequence[str]) -> str:
    """How a person says what a draft lacks: the options of ``geo claims``, and all fields."""
    example = {"controller": "UA", "date_from": "2024-08-06", "date_to": "2025-01-11", "value": "500"}
    options = " ".join(f"--set {name}={example.get(name, '…')}" for name in missing)
    return f"say it with {options}; FIELDS of --set: {', '.join(FIELDS)}"

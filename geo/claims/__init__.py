"""Claims: published figures as records, read from sentences, and held against the archive."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_ROOMS = {
    name: room
    for room, names in {
        "checking": "check_claim",
        "names": "Names names_of shipped_names",
        "reading": "find_claims read_claim",
        "pair": "Pair weigh_claims",
        "record": "Claim Span claim_of row_of span_of",
        "verdict": "Finding Verdict",
        "wording": "paragraph table_of_findings verdict_line",
    }.items()
    for name in names.split()
}

__all__ = sorted(_ROOMS)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'geo.claims' has no attribute {name!r}")
    return getattr(import_module(f"geo.claims.{_ROOMS[name]}"), name)

"""What makes a sentence no statement of what is: a denial, a question of how many, a plan or a condition."""

from __future__ import annotations

import re

from geo.text.lemmas import find_phrases

_KINDS = (
    ("denial", "a denial"), ("unknown", "what is not known"), ("plan", "a plan, a condition or a forecast"),
)  # fmt: skip
_NOT = re.compile(r"n['’]t\b", re.IGNORECASE)
_MONTH_OF_MAY = re.compile(r"\bMay \d|\d May\b")


def negation(text: str) -> str | None:
    """Why a text states nothing, in words; None where it does."""
    for table, why in _KINDS:
        found = list(find_phrases(text, "negation", table))
        spans = [(p.start, p.end) for p in found if p.name != "except"]
        allowed = [(p.start, p.end) for p in found if p.name == "except"]
        if table == "denial":
            spans += [m.span() for m in _NOT.finditer(text)]
        if table == "plan":
            allowed += [m.span() for m in _MONTH_OF_MAY.finditer(text)]
        if any(not any(a <= start < b for a, b in allowed) for start, _ in spans):
            return why
    return None

"""Receipts in words: what became of every file and of the rows that were turned back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from geo.output.console import printable
from geo.schema import number_of

# rows turned back that are told one by one; all of them are in the file beside the archive
_MOST_REFUSALS = 20
_TALLY = {"stored": "new", "superseded": "superseding", "unchanged": "unchanged", "refused": "refused"}


def print_receipts(receipts: Sequence[Any]) -> None:
    """What became of every file, what holds for several of them once, and of many files how many were what."""
    told = Counter(note for receipt in receipts for note in dict.fromkeys(receipt.notes))
    for receipt in receipts:
        if receipt.outcome != "refused":
            _print_receipt(receipt, {note for note in receipt.notes if told[note] > 1})
    for note, count in told.items():
        if count > 1:
            click.echo(printable(f"of {count} files: {note}"))
    if len(receipts) > 1:
        click.echo(tally(receipts))


def _print_receipt(receipt: Any, told_below: set[str]) -> None:
    counts = f"{receipt.rows_in} rows in = {receipt.rows_stored} stored"
    for number, word in (
        (receipt.rows_refused, "refused"),
        (receipt.rows_left_out, "left out"),
        (receipt.duplicates, "duplicates"),
    ):
        counts += f" + {number} {word}" if number else ""
    click.echo(printable(f"{receipt.file}: {_became(receipt)}; {counts}"))
    for why, count in receipt.left_out.items():
        click.echo(printable(f"  left out: {count} × {why}"))
    for text in (*receipt.repairs, *receipt.notes):
        if text not in told_below:
            click.echo(printable(f"  {text}"))
    print_refusals(receipt)


def _became(receipt: Any) -> str:
    named = ", ".join(receipt.snapshots)
    if receipt.outcome == "superseded":
        return f"stored as {named}, supersedes {', '.join(receipt.supersedes)}"
    return f"{receipt.outcome}{f' as {named}' if named else ''}"


def tally(receipts: Sequence[Any]) -> str:
    """How many files were new, superseded another recording, were unchanged or refused."""
    counts = Counter(receipt.outcome for receipt in receipts)
    listed = ", ".join(f"{counts[outcome]} {word}" for outcome, word in _TALLY.items() if counts[outcome])
    return f"{number_of(len(receipts), 'file')}: {listed}"


def print_refusals(receipt: Any) -> None:
    """The rows of a file that were turned back, each with why, and where they all are."""
    for refusal in receipt.refusals[:_MOST_REFUSALS]:
        click.echo(printable(f"  row {refusal.row} refused: {refusal.why}"), err=True)
    if len(receipt.refusals) > _MOST_REFUSALS:
        click.echo(f"  and {len(receipt.refusals) - _MOST_REFUSALS:,} more", err=True)
    if receipt.sidecar:
        click.echo(printable(f"  refused rows: {receipt.sidecar}"), err=True)

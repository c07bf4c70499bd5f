"""How right the readers of language are, corpus by corpus: ``python -m benchmarks reading [--wrong]``."""

from __future__ import annotations

from collections.abc import Mapping

from tests import briefing_scores, sentence_scores
from tests.briefing_scores import Score

PARTS = (
    "later",
    "unseen",
    "fresh",
    "mixed",
    "mixed_unseen",
    "wires",
    "wires_unseen",
    "desk",
    "desk_unseen",
    "plain",
    "doubtful",
    *(f"outlets_{number}" for number in range(1, 11)),
    "styles",
    "styles_unseen",
    "stranger",
    "forms",
    "traps",
    *(f"s{number}" for number in range(1, 15)),
)

STRANGERS = ("strangers", "strangers_2", "strangers_3", "strangers_4")


def _print(title: str, scores: Mapping[str, Score], *, wrong: bool) -> None:
    for name, score in scores.items():
        print(f"| {title} | {name} | {score.precision:.2f} | {score.recall:.2f} | {score.right} of {score.wanted} |")
    if wrong:
        print("\n".join(f"    {line}" for score in scores.values() for line in score.wrong))


def run(args: list[str]) -> int:
    """Print precision and recall of every field, for the corpora named, else for all."""
    wrong = "--wrong" in args
    chosen = [arg for arg in args if not arg.startswith("-")]
    print("| corpus | field | precision | recall | right |\n|---|---|---|---|---|")
    for folder in ("known", "later", "wars", "styles", "unseen", "fresh", "outlets", *STRANGERS):
        if not chosen or folder in chosen:
            _print(f"briefings, {folder}", briefing_scores.score(folder), wrong=wrong)
    for kind in ("casualties", "areas", "places"):
        for name in (kind, *(f"{kind}_{part}" for part in PARTS)):
            if (sentence_scores.FOLDER / f"{name}.csv").is_file() and (not chosen or name in chosen):
                _print(f"sentences, {name}", getattr(sentence_scores, kind)(name), wrong=wrong)
    return 0

"""What is fuzzed: where mutation starts, how it spoils, and what is done with each spoiled file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzzing.corpus import Seed
from tests.fuzzing.mutation import mutated

Use = Callable[[Path, random.Random, int], Any]


class Broken(AssertionError):
    """Something was read or written that should not have been."""


@dataclass(frozen=True)
class Target:
    """One kind of input.

    ``seeds`` gives the sound files (it may write into the folder), ``opened`` what is done with a spoiled one (its path,
    a source of chance, its number); ``after`` says what is wrong when all are through. ``share`` is how many of CI's inputs
    it gets: the costly ones get fewer.
    """

    seeds: Callable[[Path], list[Seed]]
    opened: Callable[[Path], Use]
    spoil: Callable[[Seed, Sequence[Seed], random.Random], Seed] = mutated
    after: Callable[[Path], str] = lambda folder: ""
    share: int = 2000

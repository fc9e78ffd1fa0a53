"""Cells: the single fits that a comparison is made of.

A cell is a kind, a seed, a number of training pieces, and a *regime*:

    budget     all training pieces, within the fit's share of the budget
    own stop   all training pieces, until it stops by itself, `PATIENCE` times its share at most
    curve      some of the training pieces, within the budget divided by the number of seeds, whatever the kind

The share is the budget divided by the number of fits under the first regime: one a seed, or one where a fit holds no
randomness. Everything that determines a fit goes into its key, under which its result is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, TypeAlias

from stochastic_music import __version__
from stochastic_music.errors import UsageError
from stochastic_music.reports.comparison.contenders import Contender
from stochastic_music.reports.comparison.music import Music

Regime: TypeAlias = Literal["budget", "own stop", "curve"]
#: how many times its share a fit may take that should stop by itself
PATIENCE = 6
#: a share of the budget in which nothing can be fitted, in seconds
LEAST_SHARE = 0.5
#: how long a fit that was asked to stop may still take, and one that cannot be asked: a part of its share and seconds
_ASKED, _UNASKED = (0.25, 10.0), (0.05, 2.0)


@dataclass(frozen=True, eq=False)
class Cell:
    """One fit: of `contender` by `seed`, on the training pieces `rows` stand for, in `seconds`.

    `composing` are the seeds by which the fitted model then composes.
    """

    contender: Contender
    seed: int
    regime: Regime
    n_pieces: int
    seconds: float
    composing: tuple[int, ...] = ()

    def __str__(self) -> str:
        seed = f", seed {self.seed}" if self.contender.seeded else ""
        return f"{self.contender.name}{seed}, {self.n_pieces:,} pieces, {self.regime}"

    @property
    def patience(self) -> float:
        """After how many seconds the fit is ended."""
        part, more = _ASKED if self.contender.stops_in_time else _UNASKED
        return self.seconds * (1 + part) + more

    @property
    def stem(self) -> str:
        """The name of its folder, without its key."""
        words = f"{self.contender.name} s{self.seed} {self.regime} {self.n_pieces}"
        return "-".join("".join(letter if letter.isalnum() else " " for letter in words).split())

    def facts(self, music: Music) -> dict[str, Any]:
        """Everything that determines the fit, as JSON."""
        own = {name: music.facts[name] for name in ("encoding", "transpose", "training")}
        return {
            **own,
            "model": self.contender.model(self.seed),
            "n_pieces": self.n_pieces,
            "subset": music.seed,
            "seconds": self.seconds,
            "versions": versions(self.contender.family),
        }


def cells(
    compared: Sequence[Contender], music: Music, *, budget: float, seeds: int, sizes: Sequence[int]
) -> list[Cell]:
    """The cells that are known at the start: those under the budget, and of the learning curves, by one seed.

    Raises UsageError for a budget in which nothing can be fitted.
    """
    if budget / seeds < LEAST_SHARE:
        raise UsageError(
            f"a budget of {budget:g} seconds leaves {budget / seeds:.2g} for each of {seeds} fits, in which nothing "
            "can be learned: give more, for example --budget 2m, or fewer --seeds"
        )
    return [cell for each in compared for cell in _cells_of(each, music, budget, seeds, sizes)]


def _cells_of(each: Contender, music: Music, budget: float, seeds: int, sizes: Sequence[int]) -> list[Cell]:
    whole, share = len(music.names), budget / (seeds if each.seeded else 1)
    fits = range(seeds) if each.seeded else range(1)
    main = [Cell(each, s, "budget", whole, share, (s,) if each.seeded else tuple(range(seeds))) for s in fits]
    return main + [Cell(each, 0, "curve", size, budget / seeds) for size in sizes if size < whole]


def on_its_own(cell: Cell) -> Cell:
    """The cell that fits until it stops by itself."""
    return Cell(cell.contender, cell.seed, "own stop", cell.n_pieces, cell.seconds * PATIENCE)


def key(facts: Any) -> str:
    """A short fingerprint of JSON."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def versions(family: str = "statistical") -> dict[str, str]:
    """What results are made with: this package, NumPy, and torch where it has a part."""
    found = {"stochastic_music": __version__, "numpy": version("numpy")}
    if family == "neural":
        try:
            found["torch"] = version("torch")
        except PackageNotFoundError:
            found["torch"] = "none"
    return found

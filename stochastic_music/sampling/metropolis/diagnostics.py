"""How well chains have mixed: effective sample size, R-hat, error, acceptance; of the second half of a run.

Of each quantity (the log density, its terms, the number of notes, their mean pitch) the table has

    mean   over all chains
    mcse   Monte Carlo standard error of that mean
    ess    bulk effective sample size: as many independent draws would say as much
    r_hat  split, rank-normalised [1]: the spread of all chains beside that within halves of each; 1 where they agree

computed by arviz-stats. Above 1.01 the chains have not come to the same place yet [1]; fewer than about 100
effective draws a chain say little. A quantity that never changes has no R-hat (nan), and its effective size is nan too.

[1] A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Bürkner. Rank-normalization, folding, and localization: an
    improved R-hat for assessing convergence of MCMC. Bayesian Analysis 16(2), 2021.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music._showing import ShowsItself
from stochastic_music.protocols import BoolArray, FloatArray
from stochastic_music.sampling.metropolis.chains import Pieces
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.soft import events_of

if TYPE_CHECKING:
    from stochastic_music.sampling.metropolis.run import Run

#: above this chains have not mixed [1]
GOOD_R_HAT = 1.01
#: fewer effective draws than these, all chains together, are few
GOOD_ESS = 400


class Row(NamedTuple):
    """What is known of one quantity; nan where it cannot be told."""

    name: str
    mean: float
    mcse: float
    ess: float
    r_hat: float

    def __str__(self) -> str:
        return f"{self.name} {self.mean:.2f}, error {self.mcse:.2g}, ESS {self.ess:.0f}, R-hat {self.r_hat:.3f}"


class Moved(NamedTuple):
    """How often a proposal was tried, and in which share of these steps a chain moved."""

    name: str
    tried: int
    accepted: float


@dataclass(frozen=True)
class Diagnostics(ShowsItself):
    """How well chains have mixed; see the module's article. `frozen` (n_chains,) tells the chains that never moved."""

    shown_by = "walks"

    rows: tuple[Row, ...]
    proposals: tuple[Moved, ...]
    frozen: tuple[bool, ...]
    n_steps: int
    n_kept: int
    stopped: str

    @property
    def acceptance(self) -> float:
        """The share of all steps in which a chain moved."""
        tried = sum(moved.tried for moved in self.proposals)
        return sum(moved.tried * moved.accepted for moved in self.proposals) / max(tried, 1)

    def remarks(self) -> list[str]:
        """What is worth knowing, in sentences."""
        still = [str(i + 1) for i, frozen in enumerate(self.frozen) if frozen]
        said = []
        if still:
            chains = f"Chain {still[0]}" if len(still) == 1 else f"Chains {', '.join(still)}"
            said.append(
                f"{chains} never moved: no change was accepted in {self.n_steps:,} steps, so that R-hat and ESS say "
                "nothing. Try other proposals, a higher temperature, smaller weights"
            )
        first = self.rows[0]
        if not still and math.isnan(first.r_hat):
            few = self.n_kept - self.n_kept // 2 < (4 if len(self.frozen) > 1 else 8)
            why = "too few states were kept" if few else "the log density never changed"
            said.append(f"How well the chains agree cannot be told: {why}. Take more steps, or other proposals")
            return said
        if not still and not first.r_hat < GOOD_R_HAT:
            said.append(
                f"The chains have not come to the same place: R-hat is {first.r_hat:.3f}, and should be below "
                f"{GOOD_R_HAT}. Take more steps, or other proposals"
            )
        if not still and not first.ess > GOOD_ESS:
            said.append(
                f"The draws depend much on each other: they say as much as {first.ess:.0f} independent ones, and "
                f"{GOOD_ESS} would be good. Take more steps"
            )
        return said

    def text(self) -> str:
        """The tables, for people."""
        wide = max(14, *(len(r.name) for r in self.rows))
        lines = [f"{'quantity':<{wide}} {'mean':>10} {'error':>8} {'ESS':>7} {'R-hat':>6}"]
        lines += [f"{r.name:<{wide}} {r.mean:>10.3f} {r.mcse:>8.3f} {r.ess:>7.0f} {r.r_hat:>6.3f}" for r in self.rows]
        lines += ["", f"{'proposal':<14} {'tried':>10} {'accepted':>9}"]
        lines += [f"{m.name:<14} {m.tried:>10,} {m.accepted:>9.1%}" for m in self.proposals]
        n_chains = len(self.frozen)
        lines += ["", f"{n_chains} {'chain' if n_chains == 1 else 'chains'}; {self.stopped}."]
        return "\n".join([*lines, *(f"{remark}." for remark in self.remarks())]) + "\n"

    def to_json(self) -> dict[str, Any]:
        """The same as plain values; null where something cannot be told."""
        return {
            "quantities": [
                {"name": r.name, "mean": _plain(r.mean), "mcse": _plain(r.mcse), "ess": _plain(r.ess),
                 "r_hat": _plain(r.r_hat)} for r in self.rows
            ],
            "proposals": [{"name": m.name, "tried": m.tried, "acceptance": _plain(m.accepted)} for m in self.proposals],
            "acceptance": _plain(self.acceptance),
            "chains_that_never_moved": [i + 1 for i, frozen in enumerate(self.frozen) if frozen],
            "chains": len(self.frozen),
            "steps": self.n_steps,
            "kept": self.n_kept,
            "stopped": self.stopped,
            "remarks": self.remarks(),
        }  # fmt: skip


def diagnosed(run: Run) -> Diagnostics:
    """The diagnostics of a run's second half."""
    values = {name: found[run.burn_in :] for name, found in quantities(run).items()}
    moved = tuple(
        Moved(name, n, float(accepted.mean()) / max(n, 1))
        for name, n, accepted in zip(run.proposals, run.tried.tolist(), run.accepted, strict=True)
    )
    return Diagnostics(
        tuple(summary(name, found.T) for name, found in values.items()),
        moved,
        tuple(_frozen(run).tolist()),
        run.n_steps,
        len(run.lengths),
        run.stopped,
    )


def _frozen(run: Run) -> BoolArray:
    """Which chains never moved, be it by a change or by an exchange of replicas: (n_chains,)."""
    there = (run.symbols == run.start.symbols).all(axis=(0, 2)) & (run.lengths == run.start.lengths).all(axis=0)
    frozen: BoolArray = there & (run.accepted.sum(axis=0) == 0)
    return frozen


def quantities(run: Run) -> dict[str, FloatArray]:
    """What is followed of each kept state, by name: (n_kept, n_chains) each."""
    followed = [i for i, name in enumerate(run.target.names) if name not in {"constraint", "guide"}]
    names = _distinct([run.target.names[i] for i in followed])
    terms = {name: run.terms[:, :, i] for name, i in zip(names, followed, strict=True)}
    several = terms if len(terms) > 1 else {}
    return {"log density": run.log_density, **several, **_musical(run)}


def _distinct(names: list[str]) -> list[str]:
    """Names, those that were there before with a number: contour, contour 2."""
    met = [names[: i + 1].count(name) for i, name in enumerate(names)]
    return [name if n == 1 else f"{name} {n}" for name, n in zip(names, met, strict=True)]


def _musical(run: Run) -> dict[str, FloatArray]:
    shape = run.lengths.shape
    pieces = Pieces(run.symbols.reshape(-1, run.symbols.shape[2]), run.lengths.ravel())
    events = events_of(Layout(run.target.vocabulary), pieces)
    pitch = np.where(events.there, events.pitch, 0).sum(axis=1) / np.maximum(events.n, 1)
    return {"notes": events.n.reshape(shape), "mean pitch": pitch.reshape(shape)}


def summary(name: str, values: FloatArray) -> Row:
    """What `values` (n_chains, n_draws) say; nan where there are too few, or they never change.

    >>> row = summary("dice", np.random.default_rng(0).integers(1, 7, size=(4, 500)).astype(float))
    >>> row.r_hat < 1.01 and row.ess > 1500
    True
    """
    mean = float(values.mean()) if values.size else math.nan
    if values.shape[1] < 4 or _still(values).all():
        return Row(name, mean, math.nan, math.nan, math.nan)
    from arviz_stats.base import array_stats as typed  # type: ignore[attr-defined]

    array_stats: Any = typed  # its functions have no types

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        ess, mcse = float(array_stats.ess(values)), float(array_stats.mcse(values))
        r_hat = float(array_stats.rhat(values)) if len(values) > 1 or values.shape[1] >= 8 else math.nan
    return Row(name, mean, mcse, ess, r_hat)


def _still(values: FloatArray) -> BoolArray:
    """Which chains show one value only: (n_chains,)."""
    still: BoolArray = (values == values[:, :1]).all(axis=1)
    return still


def _plain(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None

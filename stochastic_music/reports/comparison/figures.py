"""Tables of prediction: bits per note, learning curves, and paired differences, out of the results of cells.

The bits of a held-out piece are first averaged over the seeds of a fit; intervals are then a bootstrap over pieces, so
that they say how far a figure would move with other pieces, and `per_seed` says how far with other seeds. Differences
are paired by piece (`evaluation.likelihood`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stochastic_music.evaluation.likelihood import Totals, difference, estimate
from stochastic_music.evaluation.significance import holm, paired_permutation
from stochastic_music.reports.comparison.cells import Regime
from stochastic_music.reports.comparison.records import finite
from stochastic_music.reports.comparison.running import Result


def under(results: Iterable[Result], name: str, regime: Regime, n_pieces: int | None = None) -> list[Result]:
    """The results of a contender under a regime, by seed, of those that predicted."""
    found = [
        result
        for result in results
        if (result.cell.contender.name, result.cell.regime) == (name, regime)
        and result.predicted is not None
        and n_pieces in (None, result.cell.n_pieces)
    ]
    return sorted(found, key=lambda result: result.cell.seed)


def own_stop(results: Sequence[Result], name: str) -> list[Result]:
    """The fits of a contender that went on until they stopped: under the budget, where they did so there."""
    longer = {result.cell.seed: result for result in under(results, name, "own stop")}
    within = under(results, name, "budget")
    seeds = {result.cell.seed: result for result in within if result.by_itself} | longer
    return [seeds[seed] for seed in sorted(seeds)]


def totals(results: Sequence[Result]) -> Totals:
    """Bits and notes of each held-out piece, averaged over fits: each (n_pieces,)."""
    bits = np.mean([_bits(result) for result in results], axis=0)
    return Totals(bits, np.array(_predicted(results[0])["notes"], dtype=np.float64))


def prediction(results: Sequence[Result], *, seed: int = 0) -> dict[str, Any] | None:
    """The figures of some fits of one contender: mean with interval, per seed, per piece, and how each stopped."""
    if not results:
        return None
    whole = totals(results)
    pseudo = bool(_fit(results[0])["pseudo"])
    figure = estimate(whole, seed=seed).to_json()
    single = [Totals(_bits(result), whole.counts) for result in results]
    return {
        "bits_per_note": None if pseudo else figure,
        "pseudo_bits_per_note": figure if pseudo else None,
        "per_seed": finite(np.array([each.bits.sum() / each.counts.sum() for each in single])),
        "per_piece": finite(whole.bits / np.maximum(whole.counts, 1)),
        "stopped": ["by itself" if result.by_itself else f"after {result.cell.seconds:.0f} s" for result in results],
        **{name: [_fit(result)[name] for result in results] for name in ("seconds", "processor_seconds")},
    }


def curve(results: Sequence[Result], name: str, sizes: Sequence[int], *, seed: int = 0) -> list[dict[str, Any]]:
    """Bits per note by number of training pieces, all of them last."""
    rows = []
    for size in sizes:
        found = under(results, name, "curve", size) or under(results, name, "budget", size)
        figures = prediction(found, seed=seed)
        if figures is not None:
            kept = ("bits_per_note", "pseudo_bits_per_note", "per_seed")
            rows.append({"n_pieces": size, **{key: figures[key] for key in kept}})
    return rows


def differences(tables: Mapping[int | None, Mapping[str, Sequence[Result]]], *, seed: int = 0) -> list[dict[str, Any]]:
    """Bits per note of `b` minus those of `a`, for every two contenders that predict: below zero `b` predicts better.

    One table for each number of training pieces (None where that goes without saying). `p` is of a permutation test
    that swaps pieces; `p_corrected` is Holm's, over all rows.
    """
    rows = [
        {**({} if size is None else {"n_pieces": size}), **_difference(*pair, seed)}
        for size, fits in tables.items()
        for pair in itertools.combinations(_comparable(fits).items(), 2)
    ]
    corrected = finite(holm([math.nan if row["p"] is None else row["p"] for row in rows]))
    return [{**row, "p_corrected": p} for row, p in zip(rows, corrected, strict=True)]


def _comparable(fits: Mapping[str, Sequence[Result]]) -> dict[str, Totals]:
    return {name: totals(found) for name, found in fits.items() if found and not _fit(found[0])["pseudo"]}


def _difference(a: tuple[str, Totals], b: tuple[str, Totals], seed: int) -> dict[str, Any]:
    p = paired_permutation(a[1], b[1], seed=seed)
    found = difference(a[1], b[1], seed=seed).to_json()
    return {"a": a[0], "b": b[0], "bits_per_note": found, "p": None if math.isnan(p) else p}


def _bits(result: Result) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.inf if bits is None else bits for bits in _predicted(result)["bits"]], dtype=np.float64)


def _predicted(result: Result) -> dict[str, Any]:
    assert result.predicted is not None  # noqa: S101 - `under` sees to that
    return result.predicted


def _fit(result: Result) -> dict[str, Any]:
    assert result.fit is not None  # noqa: S101 - what predicted was fitted
    return result.fit

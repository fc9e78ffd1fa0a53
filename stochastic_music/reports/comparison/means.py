"""Measures of several sets of pieces, one a seed, as those of their model.

What is measured of sets is the mean over seeds; what is measured piece by piece, shapes and copies, is that of all
pieces together, with bootstrap intervals over them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stochastic_music import _random
from stochastic_music.evaluation.music import DIVERSITY, Shape, averages

#: how many traits of a judgement are told
TOLD = 8
_RESAMPLES = 2000


def features(sets: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Features of several sets as one: every number, and both ends of every interval, is the mean over sets.

    Densities have grids of their own, and are those of the first set.
    """
    first = {name: {"densities": found["densities"]} if "densities" in found else {} for name, found in sets[0].items()}
    return {
        name: {key: _mean([found[name][key] for found in sets]) for key in sets[0][name] if key != "densities"} | drawn
        for name, drawn in first.items()
    }


def shape(found: Iterable[Sequence[float | None]]) -> dict[str, dict[str, Any]]:
    """Shapes of pieces on the average, each figure with its interval and spread over pieces."""
    rows = (Shape(*(math.nan if value is None else value for value in row)) for row in found)
    return {name: average.to_json() for name, average in averages(list(rows)).items()}


def similarity(sets: Sequence[Mapping[str, Any]]) -> list[float | None] | None:
    """The curves of several sets as one; None without any."""
    found: list[float | None] | None = _mean([each["similarity"] for each in sets]) if sets else None
    return found


def diversity(sets: Sequence[Mapping[str, Any]]) -> dict[str, float | None] | None:
    """The diversity of several sets, each for itself, on the average; None without any."""
    return {name: _mean([each["diversity"][name] for each in sets]) for name in DIVERSITY} if sets else None


def originality(found: Sequence[Mapping[str, Sequence[float]] | None]) -> dict[str, Any] | None:
    """The copies of several sets of pieces together: mean, interval, median and ninth decile; None where unknown."""
    known = [each for each in found if each is not None]
    if not known:
        return None
    return {name: spread([value for each in known for value in each[name]]) for name in ("longest", "share")}


def judge(sets: Sequence[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """Judgements of several sets as one.

    Accuracy, its interval and AUC are means. `p` is twice the mean of those of single sets, which is a p-value however
    these depend on each other (Vovk and Wang, Combining p-values via averaging, Biometrika 107, 2020). Traits are told
    by their mean weight, in words those of the set where they weigh most.
    """
    known = [found for found in sets if found is not None]
    if not known:
        return None
    means = {name: _mean([found[name] for found in known]) for name in ("accuracy", "interval", "auc")}
    p = known[0]["p"] if len(known) == 1 else min(1.0, 2 * float(np.mean([found["p"] for found in known])))
    return {**means, "p": p, "level": known[0]["level"], "n": known[0]["n"], "telling": _telling(known)}


def metrics(sets: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Metrics of several sets as one: values are means over sets, null where one is."""
    return {name: {**found, "value": _mean([each[name]["value"] for each in sets])} for name, found in sets[0].items()}


def spread(values: Sequence[float], *, seed: int = 0) -> dict[str, Any]:
    """Mean with its bootstrap interval, median and ninth decile of values, one a piece.

    >>> spread([1, 1, 1])["interval"]
    [1.0, 1.0]
    """
    given = np.asarray(values, dtype=np.float64)
    drawn = _random.generator(seed).integers(0, len(given), (_RESAMPLES, len(given)))
    low, high = np.quantile(given[drawn].mean(axis=1), [0.025, 0.975])
    median, q90 = np.quantile(given, [0.5, 0.9])
    numbers = {"value": float(given.mean()), "median": float(median), "q90": float(q90)}
    return {
        **{name: round(number, 6) for name, number in numbers.items()},
        "interval": [round(float(low), 6), round(float(high), 6)],
        "level": 0.95,
    }


def _telling(sets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The traits that weigh most, the weightiest first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in (entry for each in sets for entry in each["telling"]):
        found.setdefault(entry["feature"], []).append(entry)
    rows = [
        {
            "feature": name,
            "weight": round(sum(entry["weight"] for entry in entries) / len(sets), 6),
            "words": max(entries, key=lambda entry: float(entry["weight"]))["words"],
        }
        for name, entries in found.items()
    ]
    return sorted(rows, key=lambda row: -float(row["weight"]))[:TOLD]


def _mean(values: Sequence[Any]) -> Any:
    """The mean of numbers, or of lists of numbers place by place; null where one is null, or shapes differ."""
    if any(value is None for value in values):
        return None
    if isinstance(values[0], list):
        return [_mean(column) for column in zip(*values, strict=True)] if len(set(map(len, values))) == 1 else None
    return round(float(np.mean(values)), 6)

"""Exact samplers draw from the conditioned model: every kind of constraint, and pairs of them.

All p-values of this file together err once in a thousand runs, were the seeds not fixed (Bonferroni).
"""

from functools import cache

import numpy as np
import pytest

from stochastic_music.errors import UnsatisfiableError
from tests.constraints.kinds import PICKUP, PLAIN
from tests.statistical.conditioning import ALONE, MODELS, PAIRS, Truth, goodness, homogeneity

N_DRAWS = 100_000
NAMES = list(MODELS)
#: pairs of which draws are compared here, each with another model; the others are in benchmarks/quality/exactness.py
SOME_PAIRS = PAIRS[:: max(1, len(PAIRS) // 24)]
LEVEL = 1e-3 / (2 * len(ALONE) + len(SOME_PAIRS))


@cache
def truth(i):
    """Models in turn, and headers."""
    return Truth(NAMES[i % len(NAMES)], (PLAIN, PICKUP)[i % 2])


def impossible(known, demand):
    """Whether no piece is as demanded, in which case the sampler says so."""
    if known.conditioned(demand).any():
        return False
    with pytest.raises(UnsatisfiableError):
        known.sampler(demand)
    return True


@pytest.mark.parametrize("i", range(len(ALONE)), ids=[demand.name for demand in ALONE])
def test_draws_under_a_constraint_follow_the_conditioned_model_and_rejection(i):
    known, demand = truth(i % len(NAMES)), ALONE[i]
    expected = known.conditioned(demand)
    if impossible(known, demand):
        return
    counts = known.drawn(demand, N_DRAWS, seed=1000 + i)
    assert counts.sum() == N_DRAWS
    assert goodness(counts, expected) > LEVEL
    assert homogeneity(counts, np.where(expected > 0, known.free, 0)) > LEVEL


@pytest.mark.parametrize("i", range(len(SOME_PAIRS)), ids=[demand.name for demand in SOME_PAIRS])
def test_draws_under_two_constraints_follow_the_conditioned_model(i):
    known, demand = truth(i % len(NAMES)), SOME_PAIRS[i]
    if not impossible(known, demand):
        assert goodness(known.drawn(demand, N_DRAWS, seed=2000 + i), known.conditioned(demand)) > LEVEL


@pytest.mark.parametrize("name", NAMES)
def test_the_probability_of_meeting_a_constraint_is_that_of_all_pieces_that_do(name):
    known = Truth(name, PLAIN)
    for demand in ALONE:
        expected = known.conditioned(demand).sum()
        if expected:
            assert known.sampler(demand).log_evidence == pytest.approx(np.log(expected), abs=1e-9), demand.name


def test_masking_step_by_step_is_rejected():
    known, demand = truth(0), next(demand for demand in ALONE if demand.name == "end")
    expected = known.conditioned(demand)
    counts = known.masked(demand, 20_000, seed=5)
    assert not counts[expected == 0].any()
    assert goodness(counts, expected) < LEVEL
    assert homogeneity(counts, np.where(expected > 0, known.free, 0)) < LEVEL

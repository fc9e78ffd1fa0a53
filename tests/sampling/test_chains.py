import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from stochastic_music.errors import InvalidParameterError, UnsatisfiableError
from stochastic_music.sampling.chains import (
    Chain,
    Varying,
    best_path,
    conditionals,
    log_partition,
    marginals,
    pair_marginals,
    path_score,
    restricted,
    sample_paths,
    tempered,
)


@dataclass(frozen=True)
class Enumerated:
    """Every path of a small chain, and its probability."""

    paths: np.ndarray
    log_total: float
    probabilities: np.ndarray

    @classmethod
    def of(cls, chain: Chain) -> "Enumerated":
        n_places, n_states = chain.unary.shape
        paths = np.array(list(itertools.product(range(n_states), repeat=n_places)), dtype=np.int64)
        scores = []
        for path in paths:
            score = sum(chain.unary[t, y] for t, y in enumerate(path))
            score += sum(chain.step(t)[path[t], path[t + 1]] for t in range(n_places - 1))
            scores.append(score)
        total = np.logaddexp.reduce(scores)
        return cls(paths, float(total), np.exp(np.array(scores) - total))


def chain(seed: int, n_places: int = 4, n_states: int = 3, *, each: bool = True, zeros: float = 0.2) -> Chain:
    """Random potentials, some of them -inf; state 0 may always come and go."""
    generator = np.random.default_rng(seed)
    unary = generator.normal(scale=3, size=(n_places, n_states))
    pairwise = generator.normal(scale=3, size=(max(n_places - 1, 0), n_states, n_states) if each else (n_states,) * 2)
    for potentials in (unary[..., 1:], pairwise[..., 1:, 1:]):
        potentials[generator.random(potentials.shape) < zeros] = -np.inf
    return Chain(unary, pairwise)


def varying(seed: int, *, each: bool, n_places: int = 4) -> Chain:
    """The same, and steps add weighted patterns to it."""
    generator = np.random.default_rng(seed)
    added = Varying(generator.normal(size=(n_places - 1, 2)), generator.normal(size=(2, 3, 3)))
    return chain(seed, n_places, each=each)._replace(varying=added)


CHAINS = [
    *(chain(seed, each=bool(seed % 2)) for seed in range(6)),
    chain(6, n_places=1),
    chain(7, n_states=1),
    varying(8, each=False),
    varying(9, each=True),
    varying(10, each=False, n_places=1),
]


@pytest.mark.parametrize("case", CHAINS)
class TestEveryPath:
    def test_the_partition_is_the_sum_over_all_paths(self, case: Chain) -> None:
        assert log_partition(case) == pytest.approx(Enumerated.of(case).log_total, abs=1e-12)

    def test_marginals_are_sums_over_the_paths_that_pass(self, case: Chain) -> None:
        whole = Enumerated.of(case)
        expected = np.zeros(case.unary.shape)
        for path, p in zip(whole.paths, whole.probabilities, strict=True):
            expected[np.arange(len(path)), path] += p
        np.testing.assert_allclose(marginals(case), expected, atol=1e-12)

    def test_pair_marginals_are_sums_over_the_paths_that_take_the_step(self, case: Chain) -> None:
        whole = Enumerated.of(case)
        n_places, n_states = case.unary.shape
        expected = np.zeros((n_places - 1, n_states, n_states))
        for path, p in zip(whole.paths, whole.probabilities, strict=True):
            expected[np.arange(n_places - 1), path[:-1], path[1:]] += p
        np.testing.assert_allclose(pair_marginals(case), expected, atol=1e-12)

    def test_conditionals_multiply_to_each_path_s_probability(self, case: Chain) -> None:
        whole = Enumerated.of(case)
        first, steps = conditionals(case)
        for path, p in zip(whole.paths, whole.probabilities, strict=True):
            log_p = first[path[0]] + sum(steps[t, path[t], path[t + 1]] for t in range(len(steps)))
            assert np.exp(log_p) == pytest.approx(p, abs=1e-12)

    def test_the_best_path_is_the_likeliest(self, case: Chain) -> None:
        whole = Enumerated.of(case)
        assert best_path(case).tolist() == whole.paths[whole.probabilities.argmax()].tolist()

    def test_scores_are_those_of_the_paths(self, case: Chain) -> None:
        whole = Enumerated.of(case)
        scores = [path_score(case, path) for path in whole.paths]
        np.testing.assert_allclose(np.exp(np.array(scores) - whole.log_total), whole.probabilities, atol=1e-12)

    def test_restricted_is_the_chain_given_what_is_allowed(self, case: Chain) -> None:
        allowed = np.ones(case.unary.shape, dtype=bool)
        allowed[-1, 1:] = False  # it ends in state 0, which is always possible
        whole = Enumerated.of(case)
        ends = whole.paths[:, -1] == 0
        given_it = restricted(case, allowed)
        assert log_partition(given_it) - log_partition(case) == pytest.approx(np.log(whole.probabilities[ends].sum()))
        assert best_path(given_it).tolist() == whole.paths[ends][whole.probabilities[ends].argmax()].tolist()


@pytest.mark.parametrize("case", CHAINS)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_temperature_raises_probabilities_to_a_power(case: Chain, temperature: float) -> None:
    cold, raised = Enumerated.of(tempered(case, temperature)), Enumerated.of(case).probabilities ** (1 / temperature)
    np.testing.assert_allclose(cold.probabilities, raised / raised.sum(), atol=1e-12)


def test_a_temperature_is_above_0() -> None:
    with pytest.raises(InvalidParameterError, match="temperature is 0"):
        tempered(CHAINS[0], 0)


def _p_value(paths: np.ndarray, whole: Enumerated, n_states: int) -> float:
    """The chi-square p-value of drawn paths against the distribution over all of them."""
    weights = n_states ** np.arange(paths.shape[1])[::-1]
    seen = np.bincount(paths @ weights, minlength=len(whole.paths))
    expected = whole.probabilities * len(paths)
    assert not seen[expected == 0].any()
    common = expected >= 5
    observed = np.append(seen[common], seen[~common].sum())
    hoped = np.append(expected[common], expected[~common].sum())
    keep = hoped > 0
    statistic = ((observed[keep] - hoped[keep]) ** 2 / hoped[keep]).sum()
    return float(chi2.sf(statistic, keep.sum() - 1))


@pytest.mark.parametrize("case", CHAINS[:4])
def test_paths_are_drawn_from_the_chain(case: Chain) -> None:
    # Each of four fixed seeds would fail by chance in 1 of 10,000.
    paths = sample_paths(case, 50_000, seed=11)
    assert _p_value(paths, Enumerated.of(case), case.unary.shape[1]) > 1e-4


def test_the_test_above_notices_a_sampler_that_forgets_the_steps() -> None:
    case = CHAINS[0]
    wrong = Chain(case.unary, np.where(np.isneginf(case.pairwise), -np.inf, case.pairwise * 0.9))
    assert _p_value(sample_paths(wrong, 50_000, seed=11), Enumerated.of(case), 3) < 1e-4


def test_a_path_does_not_depend_on_how_many_are_drawn() -> None:
    few, many = sample_paths(CHAINS[0], 3, seed=5), sample_paths(CHAINS[0], 50, seed=5)
    assert few.tolist() == many[:3].tolist()


def test_potentials_of_any_size_neither_overflow_nor_vanish() -> None:
    small = chain(3, zeros=0)
    large = Chain(small.unary * 1e3 - 5e4, small.pairwise * 1e3)
    whole = Enumerated.of(large)
    assert log_partition(large) == pytest.approx(whole.log_total, rel=1e-12)
    assert best_path(large).tolist() == whole.paths[whole.probabilities.argmax()].tolist()


def test_a_chain_without_places_is_certain() -> None:
    empty = Chain(np.zeros((0, 3)), np.zeros((3, 3)))
    assert log_partition(empty) == 0
    assert best_path(empty).shape == (0,)
    assert sample_paths(empty, 2, seed=0).shape == (2, 0)
    assert marginals(empty).shape == (0, 3)
    assert conditionals(empty)[1].shape == (0, 3, 3)
    assert path_score(empty, np.zeros(0, dtype=np.int64)) == 0


ASKED = [log_partition, best_path, marginals, conditionals, lambda chain: sample_paths(chain, 1, seed=0)]


@pytest.mark.parametrize("ask", ASKED)
def test_what_cannot_be_passed_is_an_error_that_names_the_place(ask: object) -> None:
    stays = np.where(np.eye(2, dtype=bool), 0.0, -np.inf)
    unary = np.array([[0.0, -np.inf], [0.0, 0.0], [-np.inf, 0.0]])
    with pytest.raises(UnsatisfiableError, match="place 3 of 3"):
        ask(Chain(unary, stays))  # type: ignore[operator]


def test_a_negative_number_of_paths_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="n is -1"):
        sample_paths(CHAINS[0], -1, seed=0)


def test_an_array_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match=r"\(2, 3\); expected \(4, 3\)"):
        restricted(CHAINS[0], np.ones((2, 3), dtype=bool))


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_beliefs_agree_with_each_other(seed: int, n_places: int, n_states: int) -> None:
    case = chain(seed, n_places, n_states)
    single, pairs = marginals(case), pair_marginals(case)
    np.testing.assert_allclose(single.sum(axis=1), 1)
    np.testing.assert_allclose(pairs.sum(axis=2), single[:-1], atol=1e-12)
    np.testing.assert_allclose(pairs.sum(axis=1), single[1:], atol=1e-12)
    path = best_path(case)
    drawn = sample_paths(case, 20, seed=seed)
    assert all(path_score(case, path) >= path_score(case, other) - 1e-9 for other in drawn)


def test_what_varies_is_added_to_what_all_steps_share() -> None:
    case = varying(8, each=False)
    assert case.varying is not None
    weights, patterns = case.varying
    for t in range(3):
        expected = case.pairwise + weights[t, 0] * patterns[0] + weights[t, 1] * patterns[1]
        np.testing.assert_allclose(case.step(t), expected)
    written_out = Chain(case.unary, np.stack([case.step(t) for t in range(3)]))
    assert log_partition(case) == pytest.approx(log_partition(written_out))
    np.testing.assert_allclose(marginals(case), marginals(written_out))

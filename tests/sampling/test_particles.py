"""Conditioning by particles against enumeration, with masking alone as the negative control."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_models import MELODY, PICKUP, PLAIN, EndlessMemory, ToyModel, marks_of, pieces, stops_at

from stochastic_music.constraints import Bars, Length
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, ProductTooLargeError, UnsatisfiableError
from stochastic_music.models import STM, Markov
from stochastic_music.models.idyom import Idyom
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.sampling import ExactSampler, sample
from stochastic_music.sampling.particles import foresight
from stochastic_music.sampling.particles.crowds import pick, resampled
from stochastic_music.tokens import Vocabulary


def toy(**options):
    return ToyModel(MELODY, seed=4, marks=marks_of(MELODY, PLAIN, PICKUP), **options)


def conditioned(model, header):
    """Pieces of two bars with their probability, by enumeration."""
    found = dict(pieces(model, header, 5, lambda p: stops_at(MELODY, p) > 5))
    found = {p: lp for p, lp in found.items() if stops_at(MELODY, p) in {4, 5}}
    total = np.logaddexp.reduce(list(found.values()))
    return {p: float(np.exp(lp - total)) for p, lp in found.items()}


def distance(drawn, expected):
    """Total variation between the draws and the truth."""
    share = dict.fromkeys(expected, 0.0)
    for one in drawn:
        share[tuple(one.symbols.tolist())] += 1 / len(drawn)
    return 0.5 * sum(abs(share[p] - expected[p]) for p in expected)


def drawn(model, header, bars=2, n=2_000, seed=1, **options):
    return sample(model, n, header=header, constraint=Bars(bars), seed=seed, method="particle", **options)


@pytest.fixture(scope="module")
def guided():
    """A toy, a guide learned from its pieces that remembers less, and the truth about two bars with a pickup."""
    model = toy(zeros=False)
    heard = [one.symbols[:-1] for one in sample(model, 300, header=PICKUP, seed=9)]
    guide = Markov(0, "witten_bell").fit(TokenCorpus.from_sequences(heard, MELODY, headers=[PICKUP] * 300))
    return EndlessMemory(model), guide, conditioned(model, PICKUP)


def test_particles_come_near_to_conditioning_and_masking_does_not():
    # how far draws lie off by chance is told by exact ones; greedy masking is far outside
    model = toy(zeros=False)
    expected = conditioned(model, PICKUP)
    options = {"header": PICKUP, "constraint": Bars(2), "seed": 1}
    crowds = sample(model, 2_000, method="particle", n_particles=16, sweeps=1, **options)
    masked = sample(model, 2_000, method="greedy", **options)
    exact = sample(model, 2_000, method="exact", **options)
    chance = distance(exact, expected)
    assert distance(crowds, expected) < chance + 0.03
    assert distance(masked, expected) > chance + 0.1
    assert {one.guarantee for one in crowds} == {"particle"}
    assert all(1 <= one.effective <= 16 for one in crowds)


def test_more_particles_and_more_sweeps_come_nearer(guided):
    # total variation of 2,000 draws has a standard deviation below 0.01 here: gaps of 0.04 come by chance less than
    # once in 10^3 times; one particle without a sweep is masking
    model, _, expected = guided
    masked, crowd = (distance(drawn(model, PICKUP, n_particles=n, sweeps=0), expected) for n in (1, 8))
    corrected = distance(drawn(model, PICKUP, n_particles=1, sweeps=8), expected)
    assert crowd < masked - 0.04
    assert corrected < masked - 0.04


def test_a_guide_brings_few_particles_nearer(guided):
    model, guide, expected = guided
    alone = drawn(model, PICKUP, n_particles=2, sweeps=0)
    led = drawn(model, PICKUP, n_particles=2, sweeps=0, guide=guide)
    assert distance(led, expected) < distance(alone, expected) - 0.04
    assert np.mean([one.effective for one in led]) > np.mean([one.effective for one in alone])


def test_led_by_the_model_itself_particles_are_exact(guided):
    # then no weight ever differs, every crowd is accepted, and one particle is a draw from the truth
    model, _, expected = guided
    own = toy(zeros=False)
    exact = distance(sample(own, 2_000, header=PICKUP, constraint=Bars(2), seed=1), expected)
    led = drawn(model, PICKUP, n_particles=1, sweeps=1, guide=own)
    assert distance(led, expected) < exact + 0.03
    assert {one.acceptance for one in led} == {1.0}
    evidence = ExactSampler(own, Bars(2), PICKUP).log_evidence
    assert [one.log_evidence for one in led] == pytest.approx([evidence] * len(led))


@pytest.mark.parametrize("with_guide", [False, True])
def test_crowds_estimate_the_evidence_without_bias(guided, with_guide):
    # the mean of 2,000 estimates, five standard errors allowed: wrong less than once in 10^6 times
    model, guide, _ = guided
    crowds = drawn(model, PICKUP, n_particles=4, sweeps=0, guide=guide if with_guide else None)
    truth = np.exp(ExactSampler(toy(zeros=False), Bars(2), PICKUP).log_evidence)
    estimates = np.exp([one.log_evidence for one in crowds])
    assert estimates.mean() == pytest.approx(truth, abs=5 * estimates.std() / np.sqrt(len(estimates)))


def test_the_first_guide_that_is_small_enough_leads(guided, monkeypatch):
    model, guide, _ = guided
    options = {"n": 3, "n_particles": 2}
    large = toy(zeros=False)
    monkeypatch.setattr(foresight, "GUIDE_ARCS", 100)
    assert ExactSampler(guide, Bars(2), PICKUP, max_arcs=100).log_evidence < 0
    with pytest.raises(ProductTooLargeError):
        ExactSampler(large, Bars(2), PICKUP, max_arcs=100)
    second = drawn(model, PICKUP, guide=[large, guide], **options)
    only = drawn(model, PICKUP, guide=guide, **options)
    assert [one.symbols.tolist() for one in second] == [one.symbols.tolist() for one in only]
    alone = drawn(model, PICKUP, guide=[large], **options)
    assert [one.symbols.tolist() for one in alone] == [one.symbols.tolist() for one in drawn(model, PICKUP, **options)]


@pytest.mark.parametrize("wrong", [{"n_particles": 0}, {"sweeps": -1}])
def test_crowds_of_nothing_are_told(wrong):
    with pytest.raises(InvalidParameterError, match="expected 1 particle or more, and 0 sweeps or more"):
        drawn(toy(), PLAIN, n=1, **wrong)


def test_a_guided_piece_goes_on_from_its_start(guided):
    model, guide, _ = guided
    begun = [0, 2, 1, 3]
    for one in drawn(model, PLAIN, n=20, n_particles=2, guide=guide, start=begun):
        assert one.symbols[:4].tolist() == begun
        assert stops_at(MELODY, tuple(one.symbols.tolist())) == 4


def test_a_piece_does_not_depend_on_the_others():
    # pieces are of many lengths, so that crowds end at different steps
    model = toy(zeros=False)
    options = {"constraint": Length(1, 9), "seed": 6, "method": "particle", "n_particles": 4}
    many = sample(model, 40, headers=[PLAIN, PICKUP] * 20, **options)
    few = sample(model, 2, headers=[PLAIN, PICKUP], **options)
    assert len({len(one.symbols) for one in many}) > 4
    for one, other in zip(few, many, strict=False):
        assert one.symbols.tolist() == other.symbols.tolist()
        assert (one.log_prob, one.effective) == (other.log_prob, other.effective)
    alone = [sample(model, i + 1, header=PLAIN, **options)[i].symbols.tolist() for i in range(6)]
    assert alone == [one.symbols.tolist() for one in sample(model, 6, header=PLAIN, **options)]


def test_scores_are_those_of_the_model():
    model = toy(zeros=False)
    truth = dict(pieces(model, PLAIN, 4))
    for one in sample(model, 20, header=PLAIN, constraint=Bars(2), seed=3, method="particle", temperature=0.7):
        assert one.log_prob == pytest.approx(truth[tuple(one.symbols.tolist())], abs=1e-9)


def test_crowds_outlive_particles_that_are_stuck():
    # with probabilities of exactly 0 masks run into dead ends; with one particle a piece some draw does
    model = ToyModel(MELODY, seed=4, marks=marks_of(MELODY, PLAIN))
    options = {"header": PLAIN, "constraint": Bars(2), "seed": 3, "method": "particle"}
    assert len(sample(model, 200, n_particles=32, **options)) == 200
    with pytest.raises(UnsatisfiableError, match="dead end"):
        sample(model, 2_000, n_particles=1, sweeps=0, **options)


def test_no_pitch_comes_too_often_in_a_row():
    model = toy(zeros=False)
    options = {"header": PLAIN, "constraint": Length(6), "seed": 1, "method": "particle", "n_particles": 16}
    free, held = (sample(model, 200, most_repeats=most, **options) for most in (None, 2))
    assert max(MELODY.most_repeats(one.symbols) for one in free) > 2
    assert max(MELODY.most_repeats(one.symbols) for one in held) == 2


@given(
    st.lists(st.floats(0.01, 1), min_size=1, max_size=12),
    st.floats(0, 1, exclude_max=True),
)
def test_resampling_keeps_every_particle_as_often_as_its_weight_says(shares, uniform):
    share = np.array(shares) / sum(shares)
    kept = resampled(np.log(share)[None], np.array([True]), np.array([uniform]))
    times, hoped = np.bincount(kept, minlength=len(share)), len(share) * share
    assert len(kept) == len(share)
    assert (times >= np.floor(hoped - 1e-9)).all()
    assert (times <= np.ceil(hoped + 1e-9)).all()


def test_states_are_picked_by_rows():
    class State(NamedTuple):
        context: np.ndarray
        parts: tuple[dict[str, np.ndarray], int]

    picked = pick(State(np.array([4, 5, 6]), ({"a": np.eye(3)}, 7)), np.array([2, 2]))
    assert picked.context.tolist() == [6, 6]
    assert picked.parts[0]["a"].tolist() == [[0, 0, 1]] * 2
    assert picked.parts[1] == 7


@pytest.mark.parametrize("kind", [MultipleViewpoint, Idyom, STM])
def test_rows_of_models_are_picked_ended_or_not(kind):
    runs = [[0, 1, 2, 3], [1, 2, 3], [3, 2, 1, 0], [2, 1, 0], [0, 1, 2], [3, 2, 1]]
    model = kind().fit(TokenCorpus.from_sequences(runs, Vocabulary.plain(4, name="pitch")))
    state = model.initial_state(3)
    for symbols in ([0, 3, 1], [1, 2, 4], [2, 4, 4]):  # 4 is END
        state = model.advance(state, np.array(symbols))
    rows = np.array([2, 0, 1, 0])
    assert np.array_equal(model.next_log_probs(pick(state, rows)), model.next_log_probs(state)[rows])
    drawn = sample(model, 3, constraint=Length(4), seed=1)
    assert {len(one.symbols) for one in drawn} == {5}
    assert {one.guarantee for one in drawn} == {"particle"}

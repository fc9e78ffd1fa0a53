"""Pieces that begin with a start: what comes after it follows the model conditioned on it, by enumeration."""

import numpy as np
import pytest
from scipy.stats import chisquare
from toy_models import CHORDS, MELODY, PICKUP, PLAIN, WORDS, EndlessMemory, ToyModel, marks_of, pieces

from stochastic_music.constraints import AtMost, Bars, Length, PitchRange
from stochastic_music.errors import InvalidParameterError, UnsatisfiableError, VocabularyError
from stochastic_music.models import Markov
from stochastic_music.sampling import ExactSampler, sample
from stochastic_music.testing.toys import TOYS

#: vocabulary, header, start, constraint, longest accepted piece in events
CASES = {
    "words": (WORDS, None, (1,), Length(3), 3),
    "at most": (MELODY, PLAIN, (0, 3), AtMost(3), 3),
    "bars": (MELODY, PICKUP, (1, 2), Bars(2), 4),
    "bars and range": (MELODY, PLAIN, (0, 4, 1, 3), Bars(2) & PitchRange(61, 62), 4),
    "chords": (CHORDS, PLAIN, (0, 3, 5), Bars(1) & AtMost(3), 3),
}
LEVEL = 1e-3 / len(CASES)


def toy(name):
    vocabulary, header, start, constraint, most = CASES[name]
    model = ToyModel(vocabulary, seed=3, marks=marks_of(vocabulary, header) if header else (), zeros=False)
    return model, header, np.array(start), constraint, most


def continuations(name):
    """Accepted pieces that begin with the start, with their log probability given it."""
    model, header, start, constraint, most = toy(name)
    begins = lambda piece: piece[: len(start)] != tuple(start[: len(piece)])  # noqa: E731
    found = dict(pieces(model, header, most, begins))
    automaton = constraint.compile(model.vocabulary_, header)
    kept = {}
    for piece, log_prob in found.items():
        state = np.array([automaton.start()])
        for symbol in piece:
            state = automaton.advance(state, np.array([symbol]))
        if state[0] >= 0 and piece[: len(start)] == tuple(start):
            kept[piece] = log_prob
    state, before = model.initial_state(1, header), 0.0
    for symbol in start:
        before += model.next_log_probs(state)[0, symbol]
        state = model.advance(state, np.array([symbol]))
    return {piece: log_prob - before for piece, log_prob in kept.items()}


@pytest.mark.parametrize("name", CASES)
def test_exact_sampling_conditions_on_the_start(name):
    model, header, start, constraint, _ = toy(name)
    expected = continuations(name)
    total = np.logaddexp.reduce(list(expected.values()))
    assert ExactSampler(model, constraint, header, start=start).log_evidence == pytest.approx(total)
    drawn = sample(model, 20_000, header=header, constraint=constraint, start=start, seed=1)
    counts = dict.fromkeys(expected, 0)
    for one in drawn:
        counts[tuple(one.symbols.tolist())] += 1
        assert one.guarantee == "exact"
        assert one.n_given == len(start)
        assert one.log_prob == pytest.approx(expected[tuple(one.symbols.tolist())])
    mass = np.exp(np.array(list(expected.values())) - total)
    observed = np.array(list(counts.values()))
    assert p_value(observed, mass) > LEVEL
    wrong = mass ** (1 / 2)
    assert p_value(observed, wrong / wrong.sum()) < LEVEL


def p_value(observed, mass):
    expected = mass * observed.sum()
    rare = expected < 5
    return chisquare(
        np.append(observed[~rare], observed[rare].sum()), np.append(expected[~rare], expected[rare].sum() + 1e-9)
    ).pvalue


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("method", ["greedy", "particle"])
def test_other_samplers_begin_with_it_and_meet_the_constraint(name, method):
    model, header, start, constraint, _ = toy(name)
    possible = continuations(name)
    options = {"header": header, "constraint": constraint, "start": start, "method": method}
    for one in sample(EndlessMemory(model), 50, seed=1, **options):
        assert one.guarantee == method
        assert tuple(one.symbols.tolist()) in possible
        assert one.log_prob == pytest.approx(possible[tuple(one.symbols.tolist())])


def test_without_a_constraint_the_model_goes_on_by_itself():
    model = ToyModel(WORDS, seed=5, zeros=False)
    drawn = sample(model, 4000, start=[2, 0], least_events=3, max_events=5, seed=2)
    lengths = np.array([len(one.symbols) for one in drawn])
    assert all(one.symbols[:2].tolist() == [2, 0] for one in drawn)
    assert lengths.min() == 4  # three events and END
    assert lengths.max() <= 6
    state = model.initial_state(1)
    for symbol in (2, 0):
        state = model.advance(state, np.array([symbol]))
    going_on = np.exp(model.next_log_probs(state)[0, :3])
    third = np.bincount([one.symbols[2] for one in drawn], minlength=3)
    # each third symbol counts as often as a longer piece follows it, which is always: least_events is 3
    assert p_value(third, going_on / going_on.sum()) > LEVEL


def test_a_take_does_not_depend_on_how_many_are_drawn():
    model, header, start, constraint, _ = toy("bars")
    for kind in (model, EndlessMemory(model)):
        one = sample(kind, 1, header=header, constraint=constraint, start=start, seed=3)
        many = sample(kind, 5, header=header, constraint=constraint, start=start, seed=3)
        assert np.array_equal(one[0].symbols, many[0].symbols)


def test_reshaping_leaves_the_start_alone():
    corpus = TOYS["ticking"]()
    model = Markov(1).fit(corpus)
    rare = np.array([1, 3])  # top_k=1 alone would play something else
    for constraint in (None, Length(1, 6)):
        [one] = sample(model, 1, header=corpus.headers[0], start=rare, constraint=constraint, top_k=1, seed=0)
        assert one.symbols[:2].tolist() == [1, 3]


def test_starts_that_make_no_sense():
    corpus = TOYS["ticking"]()
    model = Markov(1, "none").fit(corpus)
    options = {"header": corpus.headers[0], "seed": 0}
    with pytest.raises(InvalidParameterError, match="ended already"):
        sample(model, start=corpus[0], **options)
    with pytest.raises(InvalidParameterError, match="whole events"):
        sample(model, start=[0], **options)
    with pytest.raises(VocabularyError, match="no symbol"):
        sample(model, start=[0, 99], **options)
    with pytest.raises(InvalidParameterError, match="2 events, and max_events is 2"):
        sample(model, start=[0, 2, 0, 3], max_events=2, **options)
    for constraint in (None, Length(4)):
        with pytest.raises(UnsatisfiableError, match=r"event 3 \(duration 1\) to be impossible"):
            sample(model, start=[0, 2, 0, 3, 0, 3], constraint=constraint, **options)
    with pytest.raises(UnsatisfiableError, match=r"cannot lead to Bars\(1\): its event 2 \(duration 2\)"):
        sample(model, start=[0, 2, 1, 3], constraint=Bars(1) & Length(9), **options)

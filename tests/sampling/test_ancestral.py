from collections import Counter

import numpy as np
import pytest
from scipy.stats import chi2
from toy_models import MELODY, PICKUP, PLAIN, WORDS, ToyModel, marks_of, pieces

from stochastic_music.constraints import Bars
from stochastic_music.errors import InvalidParameterError, NotFittedError, UnknownNameError, UsageError
from stochastic_music.sampling import Shaping, sample
from stochastic_music.sampling.drawing import choose


def toy() -> ToyModel:
    return ToyModel(MELODY, seed=2, marks=marks_of(MELODY, PLAIN, PICKUP))


def test_samples_follow_the_model():
    # 20,000 draws; pieces up to three notes are cells of their own, the rest is one cell. Errs once in 1,000 seeds.
    model = toy()
    drawn = [tuple(s.symbols.tolist()) for s in sample(model, 20_000, header=PICKUP, seed=4)]
    expected = {piece: 20_000 * np.exp(lp) for piece, lp in pieces(model, PICKUP, 3)}
    cells = [piece for piece, n in expected.items() if n >= 5]
    counts = Counter(drawn)
    seen, hoped = np.array([counts[c] for c in cells]), np.array([expected[c] for c in cells])
    rest = 20_000 - hoped.sum()
    statistic = ((seen - hoped) ** 2 / hoped).sum() + (20_000 - seen.sum() - rest) ** 2 / rest
    assert chi2.sf(statistic, len(cells)) > 1e-3


def test_log_prob_is_that_of_the_model_whatever_the_shaping():
    model = toy()
    truth = dict(pieces(model, PLAIN, 4))
    for one in sample(model, 200, header=PLAIN, seed=1, temperature=0.8, top_k=3):
        piece = tuple(one.symbols.tolist())
        if piece in truth:
            assert one.log_prob == pytest.approx(truth[piece], abs=1e-9)


def test_equal_seeds_give_equal_notes_whatever_the_batch():
    model = toy()
    many, few = sample(model, 64, header=PLAIN, seed=5), sample(model, 3, header=PLAIN, seed=5)
    assert all((a.symbols == b.symbols).all() for a, b in zip(many, few, strict=False))
    other = sample(model, 64, header=PLAIN, seed=6)
    assert any(a.symbols.tolist() != b.symbols.tolist() for a, b in zip(many, other, strict=True))


@pytest.mark.parametrize("constraint", [None, Bars(2)])
def test_each_piece_stands_under_its_own_header(constraint):
    model = toy()
    mixed = sample(model, 4, headers=[PLAIN, PICKUP, PLAIN, PICKUP], seed=5, constraint=constraint)
    under_pickup = sample(model, 4, header=PICKUP, seed=5, constraint=constraint)
    assert [s.header for s in mixed] == [PLAIN, PICKUP, PLAIN, PICKUP]
    assert (mixed[3].symbols == under_pickup[3].symbols).all()


def test_a_piece_cut_at_the_cap_says_so():
    model = ToyModel(WORDS, seed=0)
    drawn = sample(model, 200, seed=0, max_events=2)
    assert {s.capped for s in drawn} == {True, False}
    for one in drawn:
        assert one.capped == (WORDS.end not in one.symbols)
        assert len(one.symbols) <= 3
        assert not one.capped or len(one.symbols) == 2


def test_an_open_vocabulary_never_ends_and_is_capped():
    model = ToyModel(MELODY)
    model._probs[:, -1] = 0
    model._probs /= np.maximum(model._probs.sum(axis=1, keepdims=True), 1e-300)
    model._probs[model._probs.sum(axis=1) == 0, 0] = 1.0
    [one] = sample(model, 1, header=PLAIN, seed=0, max_events=5)
    assert one.capped
    assert len(one.symbols) == 5 * MELODY.n_fields


ROWS = np.log(np.array([[0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]]))


@pytest.mark.parametrize(
    ("shaping", "expected"),
    [
        (Shaping(), [0.4, 0.3, 0.2, 0.1]),
        (Shaping(temperature=0.5), [16 / 30, 9 / 30, 4 / 30, 1 / 30]),  # squares: .16 .09 .04 .01 of .30
        (Shaping(top_k=2), [4 / 7, 3 / 7, 0, 0]),
        (Shaping(top_p=0.69), [4 / 7, 3 / 7, 0, 0]),  # .4 alone is too little, .4 + .3 is enough
        (Shaping(top_p=0.71), [4 / 9, 3 / 9, 2 / 9, 0]),
        (Shaping(top_p=1e-9), [1, 0, 0, 0]),
    ],
)
def test_shaping_by_hand(shaping, expected):
    assert np.exp(shaping(ROWS))[0] == pytest.approx(expected, abs=1e-12)


def test_shaping_treats_arcs_as_it_treats_rows():
    shaping = Shaping(temperature=0.7, top_k=3, top_p=0.9)
    row = np.repeat([0, 1], 4)
    assert shaping.ragged(row, ROWS.ravel()) == pytest.approx(shaping(ROWS).ravel())
    short = np.array([0, 0, 2])
    assert np.exp(Shaping(temperature=2.0).ragged(short, np.log([0.2, 0.8, 1.0]))) == pytest.approx([1 / 3, 2 / 3, 1])


def test_ties_go_to_the_lower_symbol():
    assert np.exp(Shaping(top_k=2)(ROWS))[1] == pytest.approx([0.5, 0.5, 0, 0])


def test_a_symbol_of_no_weight_is_never_chosen():
    weights = np.tile([0.0, 1e-300, 0.0, 1.0, 0.0], (3, 1))
    assert choose(weights, np.array([0.0, 0.5, 1 - 2.0**-53])).tolist() == [1, 3, 3]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"temperature": 0}, InvalidParameterError, "temperature is 0"),
        ({"top_k": 0}, InvalidParameterError, "top_k is 0"),
        ({"top_p": 1.5}, InvalidParameterError, "top_p is 1.5"),
        ({"max_events": 0}, InvalidParameterError, "max_events is 0"),
        ({"headers": [None]}, InvalidParameterError, "1 headers arrived for 2 pieces"),
        ({"method": "exakt"}, UnknownNameError, "did you mean 'exact'"),
        ({"method": "ancestral", "constraint": Bars(1)}, UsageError, r"cannot meet Bars\(1\)"),
    ],
)
def test_requests_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        sample(toy(), 2, **options)


def test_an_unfitted_model_says_so():
    with pytest.raises(NotFittedError, match="call fit"):
        sample(object(), 1)


def test_no_pieces_is_an_answer():
    assert sample(toy(), 0) == []


def test_a_piece_cut_at_the_least_length_is_long_enough():
    [one] = sample(toy(), 1, header=PLAIN, seed=1, least_events=3, max_events=3)
    assert len(one.symbols) - (not one.capped) >= 3 * MELODY.n_fields

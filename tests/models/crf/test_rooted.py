from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.errors import (
    EmptyCorpusError,
    InputError,
    InvalidParameterError,
    NotFittedError,
    UnknownNameError,
)
from stochastic_music.models.crf import RootedCRF
from stochastic_music.sampling.chains import log_partition

TEMPLATES = ["always", "pitch_classes", "{pitch_classes}", "bass", "bass@-1"]
PIECES = [
    [{"pitch_classes": (0, 4, 7), "bass": 0, "weight": 4}, {"pitch_classes": (2, 7, 11), "bass": 7, "weight": 2}],
    [
        {"pitch_classes": (2, 5, 9), "bass": 2, "weight": 4},
        {"pitch_classes": (2, 9), "bass": 2, "weight": 0},
        {"pitch_classes": (0, 4, 9), "bass": 9, "weight": 4},
    ],
]
LABELS = [["0 maj", "7 maj"], ["2 min", "2 min", "9 min"]]


def fitted(**settings: object) -> RootedCRF:
    return RootedCRF(TEMPLATES, step="weight", **{"l2": 0.3, **settings}).fit(PIECES, LABELS)


def turned(piece: list[dict[str, object]], up: int) -> list[dict[str, object]]:
    return [
        {**e, "pitch_classes": tuple(sorted((p + up) % 12 for p in e["pitch_classes"])), "bass": (e["bass"] + up) % 12}
        for e in piece
    ]


def raised(labels: list[str], up: int) -> list[str]:
    return [f"{(int(label.split()[0]) + up) % 12} {label.split()[1]}" for label in labels]


def test_log_probabilities_of_every_labelling_add_up_to_one() -> None:
    model = fitted()
    every = [list(path) for path in itertools.product(model.labels_, repeat=2)]
    assert len(every) == 24**2
    total = np.exp(model.log_prob(every, [PIECES[0]] * len(every))).sum()
    assert total == pytest.approx(1, abs=1e-9)


def test_marginals_and_likeliest_labels_are_those_of_the_enumeration() -> None:
    model = fitted(l2=3.0)
    every = [list(path) for path in itertools.product(model.labels_, repeat=2)]
    shares = np.exp(model.log_prob(every, [PIECES[0]] * len(every)))
    [marginal] = model.predict_marginals([PIECES[0]])
    for place in (0, 1):
        sums = [sum(p for p, path in zip(shares, every, strict=True) if path[place] == own) for own in model.labels_]
        np.testing.assert_allclose(marginal[place], sums, atol=1e-9)
    assert model.predict([PIECES[0]])[0] == every[int(shares.argmax())]


def test_training_ends_where_given_and_expected_counts_agree() -> None:
    model = fitted(max_iterations=500)
    best = penalised(model, model.weights_)
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert penalised(model, model.weights_ + 0.05 * rng.standard_normal(len(model.weights_))) < best


def penalised(model: RootedCRF, weights: np.ndarray) -> float:
    meta, _ = model.to_arrays()
    moved = RootedCRF.from_arrays(meta, {"weights": weights})
    return float(moved.log_prob(LABELS, PIECES).sum() - 0.5 * model.l2 * weights @ weights)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 11), st.integers(0, 1))
def test_what_holds_in_one_key_holds_in_every_other(up: int, which: int) -> None:
    model = fitted()
    here = model.log_prob([LABELS[which]], [PIECES[which]])
    there = model.log_prob([raised(LABELS[which], up)], [turned(PIECES[which], up)])
    np.testing.assert_allclose(here, there, atol=1e-9)


def test_training_on_moved_pieces_learns_the_same() -> None:
    other = RootedCRF(TEMPLATES, step="weight", l2=0.3).fit(
        [turned(piece, 5) for piece in PIECES], [raised(labels, 5) for labels in LABELS]
    )
    np.testing.assert_allclose(fitted().weights_, other.weights_, atol=1e-3)


def test_samples_follow_the_marginals() -> None:
    # 4,000 draws: a share of p lies within 4.5 standard errors of p but once in 150,000 times
    model = fitted(l2=3.0)
    [marginal] = model.predict_marginals([PIECES[0]])
    draws = model.sample(PIECES[0], 4000, seed=3)
    share = np.mean([[label == own for own in model.labels_] for label, _ in draws], axis=0)
    assert (np.abs(share - marginal[0]) < 4.5 * np.sqrt(marginal[0] * (1 - marginal[0]) / 4000) + 1e-4).all()
    assert not (np.abs(share - np.roll(marginal[0], 1)) < 4.5 * np.sqrt(marginal[0] / 4000) + 1e-4).all()


def test_a_model_comes_back_from_its_arrays() -> None:
    model = fitted()
    meta, arrays = model.to_arrays()
    again = RootedCRF.from_arrays(meta, arrays)
    assert again.labels_ == model.labels_
    assert log_partition(again.chain(PIECES[1])) == log_partition(model.chain(PIECES[1]))
    assert fitted().weights_.tobytes() == model.weights_.tobytes()


def test_steps_and_attributes_never_met_say_nothing() -> None:
    strange = [{"pitch_classes": (1, 2, 3), "bass": 1, "weight": 99}, {"pitch_classes": (), "bass": 0, "weight": 99}]
    chain = fitted().chain(strange)
    assert np.isfinite(chain.unary).all()
    assert chain.pairwise.shape == (1, 24, 24)


def test_a_piece_without_events() -> None:
    assert fitted().predict([[]]) == [[]]


@pytest.mark.parametrize("label", ["C maj", "12 maj", "7", "maj", "-1 maj"])
def test_labels_without_a_root(label: str) -> None:
    with pytest.raises(InputError, match="label with a root"):
        RootedCRF().fit([[{"bass": 0}]], [[label]])


def test_bad_requests() -> None:
    with pytest.raises(EmptyCorpusError):
        RootedCRF().fit([[]], [[]])
    with pytest.raises(InvalidParameterError, match="l2"):
        RootedCRF(l2=-1).fit(PIECES, LABELS)
    with pytest.raises(InvalidParameterError, match="max_iterations"):
        RootedCRF(max_iterations=0).fit(PIECES, LABELS)
    with pytest.raises(UnknownNameError):
        RootedCRF(["nothing"]).fit(PIECES, LABELS)
    with pytest.raises(NotFittedError):
        RootedCRF().predict(PIECES)
    with pytest.raises(InputError):
        RootedCRF().fit(PIECES, LABELS[:1])

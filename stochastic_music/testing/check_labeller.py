"""`check_labeller`: does a labeller keep the contract of `stochastic_music.protocols.SequenceLabeller`?

    def test_contract():
        check_labeller(MyLabeller())

Each check is a function of its own, on pieces short enough to enumerate every labelling: one with plain columns, one
whose labels are chords. What breaks is named in the AssertionError. Samples are tested by chi-square at a fixed seed; a
correct labeller fails it with probability 1e-4 for each corpus, once and for all seeds, and a distribution known to be
wrong must be refused by the same test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.corpus import LabelledCorpus
from stochastic_music.errors import InputError, NotFittedError, UnsatisfiableError
from stochastic_music.protocols import BoolArray, FloatArray, Observation
from stochastic_music.testing.check_model import (
    LEVEL,
    check_constructor,
    chi_square,
    fresh,
    params_of,
)
from stochastic_music.testing.check_model import _require as require
from stochastic_music.testing.check_model import _require_same as require_same
from stochastic_music.testing.toys import LABELLED

#: at most so many labellings of a piece are enumerated; so many are drawn
AT_MOST, DRAWS = 1500, 3000
_SLACK = 1e-8


class Labellings(NamedTuple):
    """Every labelling of a piece, and its probability."""

    piece: tuple[Observation, ...]
    labellings: list[list[str]]
    probabilities: FloatArray

    def marginals(self, labels: Sequence[str], allowed: BoolArray) -> FloatArray:
        """(T, n_labels), of the labellings that are allowed alone."""
        column = {label: k for k, label in enumerate(labels)}
        found = np.zeros(allowed.shape)
        for labelling, probability in zip(self.labellings, self.probabilities, strict=True):
            places = [column[label] for label in labelling]
            if allowed[np.arange(len(places)), places].all():
                found[np.arange(len(places)), places] += probability
        total: FloatArray = found / found.sum(axis=1, keepdims=True)
        return total


def check_labeller(labeller: Any, *, corpora: Mapping[str, Callable[[], LabelledCorpus]] = LABELLED) -> None:
    """Raise AssertionError, naming what broke, unless `labeller` keeps the contract.

    `labeller` is an instance with the parameters to be tested; it is copied, not changed. `corpora` are the toy
    corpora to fit, by name: leave out those that a labeller is not made for.
    """
    check_constructor(labeller)
    for name, make in corpora.items():
        try:
            _check_on(labeller, make())
        except AssertionError as error:
            raise AssertionError(f"{type(labeller).__name__} on the toy corpus '{name}': {error}") from error


def _check_on(labeller: Any, corpus: LabelledCorpus) -> None:
    check_unfitted(labeller, corpus)
    check_fit(labeller, corpus)
    fitted = fresh(labeller).fit(corpus.observations, corpus.labels)
    check_labels(fitted, corpus)
    everything = enumerate_labellings(fitted, corpus)
    check_answers(fitted, everything)
    check_demands(fitted, everything)
    check_samples(fitted, everything)
    check_short(fitted, corpus)
    check_bad_input(fitted, corpus)
    check_round_trip(fitted, corpus)


def check_unfitted(labeller: Any, corpus: LabelledCorpus) -> None:
    """Use before `fit` raises NotFittedError."""
    try:
        fresh(labeller).predict(corpus.observations)
    except NotFittedError:
        return
    raise AssertionError("predict before fit raises no NotFittedError")


def check_fit(labeller: Any, corpus: LabelledCorpus) -> None:
    """`fit` returns self, leaves parameters and pieces alone, and gives the same again."""
    one, observations, labels = fresh(labeller), deepcopy(corpus.observations), deepcopy(corpus.labels)
    params = params_of(one)
    require(one.fit(corpus.observations, corpus.labels) is one, "fit does not return self")
    require(params_of(one) == params, "fit changes the parameters: what is learned goes to attributes that end in _")
    require(observations == corpus.observations and labels == corpus.labels, "fit changes the pieces it was given")
    first = one.log_prob(corpus.labels, corpus.observations)
    again = fresh(labeller).fit(corpus.observations, corpus.labels).log_prob(corpus.labels, corpus.observations)
    require_same(first, again, "two fits on one corpus differ")


def check_labels(labeller: Any, corpus: LabelledCorpus) -> None:
    """`labels_` are distinct texts, and what training held can be."""
    labels = labeller.labels_
    require(isinstance(labels, tuple) and len(set(labels)) == len(labels), f"labels_ is {labels!r}; expected a tuple")
    found = np.asarray(labeller.log_prob(corpus.labels, corpus.observations))
    require(found.shape == (len(corpus),), f"log_prob of {len(corpus)} pieces has shape {found.shape}")
    require(
        np.isfinite(found).all() and (found <= _SLACK).all(), f"log_prob of the training labels is {found.tolist()}"
    )


def enumerate_labellings(labeller: Any, corpus: LabelledCorpus) -> Labellings:
    """Every labelling of the beginning of the longest piece, as many events as can be enumerated."""
    longest = max(corpus.observations, key=len)
    n_labels = len(labeller.labels_)
    n_events = max(n for n in range(1, len(longest) + 1) if n == 1 or n_labels**n <= AT_MOST)
    piece = longest[:n_events]
    labellings = [list(labels) for labels in product(labeller.labels_, repeat=n_events)]
    probabilities = np.exp(np.asarray(labeller.log_prob(labellings, [piece] * len(labellings))))
    total = float(probabilities.sum())
    require(abs(total - 1) < _SLACK, f"all labellings together have probability {total}; expected 1")
    return Labellings(piece, labellings, probabilities)


def check_answers(labeller: Any, everything: Labellings) -> None:
    """`predict` gives a likeliest labelling, `predict_marginals` the sums over all."""
    [said] = labeller.predict([everything.piece])
    probability = everything.probabilities[everything.labellings.index(list(said))]
    best = everything.probabilities.max()
    require(probability >= best - _SLACK, f"predict gives a labelling of probability {probability}; one has {best}")
    allowed = np.ones((len(everything.piece), len(labeller.labels_)), dtype=bool)
    [rows] = labeller.predict_marginals([everything.piece])
    require_same(
        everything.marginals(labeller.labels_, allowed), rows, "marginals are not the sums over all labellings"
    )


def check_demands(labeller: Any, everything: Labellings) -> None:
    """What `allowed` demands is met exactly; where nothing is left UnsatisfiableError is raised."""
    allowed = _half(everything, labeller.labels_)
    [rows] = labeller.predict_marginals([everything.piece], allowed=[allowed])
    require_same(everything.marginals(labeller.labels_, allowed), rows, "marginals under demands are not conditioned")
    [said] = labeller.predict([everything.piece], allowed=[allowed])
    met = [_meets(labelling, labeller.labels_, allowed) for labelling in everything.labellings]
    require(_meets(said, labeller.labels_, allowed), f"predict gives {said}, which was not allowed")
    probability = everything.probabilities[everything.labellings.index(list(said))]
    require(probability >= everything.probabilities[met].max() - _SLACK, "predict under demands is not the likeliest")
    drawn = labeller.sample(everything.piece, 50, allowed=allowed, seed=1)
    require(all(_meets(labels, labeller.labels_, allowed) for labels in drawn), "sample gives what was not allowed")
    try:
        labeller.predict([everything.piece], allowed=[np.zeros_like(allowed)])
    except UnsatisfiableError:
        return
    raise AssertionError("predict under demands that nothing meets raises no UnsatisfiableError")


def _half(everything: Labellings, labels: Sequence[str]) -> BoolArray:
    """An unlikely labelling that can be, and every second label of the first event."""
    possible = [i for i in np.argsort(everything.probabilities, kind="stable") if everything.probabilities[i] > 0]
    kept = everything.labellings[possible[len(possible) // 3]]
    allowed = np.ones((len(everything.piece), len(labels)), dtype=bool)
    allowed[0, ::2] = False
    allowed[np.arange(len(kept)), [list(labels).index(label) for label in kept]] = True
    return allowed


def _meets(labelling: Sequence[str], labels: Sequence[str], allowed: BoolArray) -> bool:
    places = [list(labels).index(label) for label in labelling]
    return bool(allowed[np.arange(len(places)), places].all())


def check_samples(labeller: Any, everything: Labellings) -> None:
    """Samples follow the probabilities, equal seeds give equal labels, and a wrong distribution is refused."""
    drawn, again = (labeller.sample(everything.piece, DRAWS, seed=2026) for _ in range(2))
    require(drawn == again, "the same seed gives other labels")
    place = {tuple(labels): i for i, labels in enumerate(everything.labellings)}
    counts = np.bincount([place[tuple(labels)] for labels in drawn], minlength=len(place))
    p = chi_square(counts, everything.probabilities)
    require(p > LEVEL, f"samples do not follow the probabilities: chi-square p = {p:.1g}")
    flat = everything.probabilities ** (1 / 3)
    if np.ptp(flat) > 0.2:
        p = chi_square(counts, flat / flat.sum())
        require(p < LEVEL, f"the test of samples does not refuse a flattened distribution: p = {p:.1g}")


def check_short(labeller: Any, corpus: LabelledCorpus) -> None:
    """Pieces of no events and of one."""
    one = next(piece for piece in corpus.observations if piece)[:1]
    said = labeller.predict([[], one])
    require(list(said[0]) == [] and len(said[1]) == 1, f"pieces of no events and of one are labelled {said}")
    empty, single = labeller.predict_marginals([[], one])
    n = len(labeller.labels_)
    require(empty.shape == (0, n) and single.shape == (1, n), f"marginals have shapes {empty.shape} and {single.shape}")
    require(float(labeller.log_prob([[]], [[]])[0]) == 0.0, "the labels of a piece without events have probability 1")
    require([list(labels) for labels in labeller.sample([], 2, seed=0)] == [[], []], "samples of nothing are nothing")


def check_bad_input(labeller: Any, corpus: LabelledCorpus) -> None:
    """Labels of another length raise InputError; a label that training never held has no probability."""
    piece = max(corpus.observations, key=len)
    unknown = [["never trained on"] * len(piece)]
    require(float(labeller.log_prob(unknown, [piece])[0]) == -np.inf, "a label never trained on has a probability")
    for what, labels in (("labels of another length", [list(labeller.labels_[:1])]), ("missing labels", [None])):
        try:
            fresh(labeller).fit([piece], labels)
        except InputError:
            continue
        raise AssertionError(f"fit with {what} raises no InputError")


def check_round_trip(labeller: Any, corpus: LabelledCorpus) -> None:
    """What `to_arrays` gives is JSON and plain numbers, and `from_arrays` makes the same labeller of it."""
    if not hasattr(labeller, "to_arrays"):
        return
    meta, arrays = labeller.to_arrays()
    for name, array in arrays.items():
        require(isinstance(array, np.ndarray), f"to_arrays()[1]['{name}'] is a {type(array).__name__}, no array")
        require(array.dtype.kind in "biuf", f"to_arrays()[1]['{name}'] has dtype {array.dtype}; expected plain numbers")
    loaded = type(labeller).from_arrays(json.loads(json.dumps(meta)), {name: a.copy() for name, a in arrays.items()})
    require(tuple(loaded.labels_) == tuple(labeller.labels_), "labels_ differ after to_arrays and from_arrays")
    mine, theirs = (model.log_prob(corpus.labels, corpus.observations) for model in (labeller, loaded))
    require(np.array_equal(mine, theirs), "log_prob differs after to_arrays and from_arrays")

"""Cross-validation by piece: every piece is predicted by a model that never saw it.

The pieces are shuffled by a seed and dealt to `k` folds as evenly as can be; for each fold a model is fitted on the
others and predicts the fold. Several seeds tell how much the dealing itself matters. With `groups` the pieces of
one group (variants of a tune) stay in one fold (`corpus.folds`).

Pool before dividing: `bits_per_pitch` sums the bits of all folds of a seed and divides once, so that folds of unequal
length weigh by their notes; the interval is a bootstrap over pieces (`evaluation.likelihood`). Values per fold
are given beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from stochastic_music._parallel import mapped
from stochastic_music._showing import ShowsItself
from stochastic_music.corpus import TokenCorpus, folds
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.evaluation import likelihood
from stochastic_music.evaluation.likelihood import Estimate, Totals, totals_of
from stochastic_music.evaluation.surprise import Prediction, joined, predict, predict_adapting
from stochastic_music.protocols import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class CrossValidation(ShowsItself):
    """The predictions of all folds.

    `fold` is (n_seeds, n_pieces), the fold of each piece; `log_probs` (n_seeds, n_symbols), in nats and aligned
    with `corpus.symbols`, what the models that did not see the piece gave it; `entropy`, in bits, and what each of
    their `parts` gave are of the same shape, where they were asked for.
    """

    shown_by = "findings"

    corpus: TokenCorpus
    seeds: tuple[int, ...]
    fold: IntArray
    log_probs: FloatArray
    entropy: FloatArray | None = None
    parts: Mapping[str, FloatArray] = field(default_factory=dict)

    def bits_per_symbol(self) -> list[Estimate]:
        """One figure a seed."""
        return [likelihood.bits_per_symbol(self.corpus, row) for row in self.log_probs]

    def bits_per_note(self) -> list[Estimate]:
        """One figure a seed."""
        return [likelihood.bits_per_note(self.corpus, row) for row in self.log_probs]

    def bits_per_pitch(self) -> list[Estimate | None]:
        """One figure a seed; None where there is no field `pitch`."""
        return [likelihood.bits_per_pitch(self.corpus, row) for row in self.log_probs]

    def per_fold(self, figure: str = "bits_per_pitch") -> list[list[float]]:
        """The values of a figure, seed by seed, fold by fold."""
        return [
            [_value(totals_of(figure, self.corpus, row), fold == f) for f in np.unique(fold)]
            for row, fold in zip(self.log_probs, self.fold, strict=True)
        ]

    def mean(self, figure: str = "bits_per_pitch") -> float:
        """The mean of a figure over the seeds."""
        every = np.ones(len(self.corpus), dtype=bool)
        return float(np.mean([_value(totals_of(figure, self.corpus, row), every) for row in self.log_probs]))

    def difference(self, other: CrossValidation, figure: str = "bits_per_pitch") -> list[Estimate]:
        """The figure of `other` minus this one's, seed by seed, paired by piece: below zero `other` is better."""
        if self.seeds != other.seeds or not np.array_equal(self.fold, other.fold):
            raise InvalidParameterError("these were cross-validated on other folds: use one k and the same seeds")
        return [
            likelihood.difference(totals_of(figure, self.corpus, mine), totals_of(figure, other.corpus, theirs))
            for mine, theirs in zip(self.log_probs, other.log_probs, strict=True)
        ]


def cross_validate(
    make_model: Callable[[], Any],
    corpus: TokenCorpus,
    *,
    k: int = 10,
    seeds: Iterable[int] = (0,),
    groups: Sequence[int] | None = None,
    dealt: IntArray | None = None,
    adapt: bool = False,
    entropy: bool = False,
    parts: bool = False,
    executor: Executor | None = None,
) -> CrossValidation:
    """Fit `make_model()` on k - 1 folds of `corpus` and predict the last, for each fold and seed.

    `dealt` (n_seeds, n_pieces) gives the folds themselves, in place of `k` and `groups`. With `adapt` the model
    goes on learning while it reads the fold it predicts, piece after piece (LTM+). `entropy` and `parts` (see
    `evaluation.surprise`) are asked for, because they take longer. With `executor` each fold is a task: what
    `make_model` makes travels to other processes, where its class must be found by its name.
    Raises InvalidParameterError where there are fewer pieces, or groups, than folds.
    """
    drawn = tuple(seeds)
    if dealt is None:
        dealt = np.stack([folds(len(corpus), k, seed=seed, groups=groups) for seed in drawn])
    _check_dealt(dealt, (len(drawn), len(corpus)))
    ask: Callable[[Any, TokenCorpus], Prediction] = partial(
        predict_adapting if adapt else predict, entropy=entropy, parts=parts
    )
    tasks = (fold for row in dealt for fold in _folds(make_model, corpus, row, ask))
    answers = mapped(_predicted, tasks, executor)
    said = [_in_reading_order(corpus, row, answers) for row in dealt]
    return CrossValidation(
        corpus,
        drawn,
        dealt,
        np.stack([prediction.log_probs for prediction in said]),
        np.stack([p.entropy for p in said if p.entropy is not None]) if entropy else None,
        {name: np.stack([prediction.parts[name] for prediction in said]) for name in said[0].parts},
    )


def _check_dealt(dealt: IntArray, shape: tuple[int, int]) -> None:
    if dealt.shape != shape:
        raise InvalidParameterError(
            f"the folds given are {dealt.shape[-1]} pieces by {len(dealt)} seeds; expected {shape[1]} by {shape[0]}"
        )
    for row in dealt:
        if len(np.unique(row)) < 2 or row.min() < 0:
            raise InvalidParameterError("the folds given hold fewer than two folds, numbered from 0: deal them anew")


class _Fold(NamedTuple):
    """Pieces to fit a model on, and pieces to ask it about."""

    model: Any
    train: TokenCorpus
    test: TokenCorpus
    ask: Callable[[Any, TokenCorpus], Prediction]


def _folds(
    make_model: Callable[[], Any],
    corpus: TokenCorpus,
    fold: IntArray,
    ask: Callable[[Any, TokenCorpus], Prediction],
) -> Iterator[_Fold]:
    for f in np.unique(fold):
        train, test = corpus.select(np.flatnonzero(fold != f)), corpus.select(np.flatnonzero(fold == f))
        yield _Fold(make_model(), train, test, ask)


def _predicted(fold: _Fold) -> Prediction:
    return fold.ask(fold.model.fit(fold.train), fold.test)


def _in_reading_order(corpus: TokenCorpus, fold: IntArray, answers: Iterator[Prediction]) -> Prediction:
    """What is said of all pieces, from what is said of each fold in turn."""
    of_symbol = np.repeat(fold, corpus.lengths)
    places = [np.flatnonzero(of_symbol == f) for f in np.unique(fold)]
    return joined(list(itertools.islice(answers, len(places)))).at(np.argsort(np.concatenate(places)))


def _value(totals: Totals, chosen: Any) -> float:
    counts = totals.counts[chosen].sum()
    if counts == 0:
        raise EmptyCorpusError("a fold holds nothing that is counted: take fewer folds")
    return float(totals.bits[chosen].sum() / counts)

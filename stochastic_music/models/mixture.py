"""Mixtures: several models over one vocabulary predict together.

Each model m gives a distribution p_m over the next symbol; a mixture of weights w_m, not negative, says

    "linear"     P(x) = sum of w_m p_m(x) / sum of w_m
    "geometric"  P(x) proportional to the product of p_m(x) to the power w_m / (sum of w)
    "learned"    P(x) proportional to the product of p_m(x) to the power v_m, where the v_m, one a model and field
                 of the event, make held-out pieces as probable as can be: a convex problem [1]
    "posterior"  P = p_m for the one m that is most probable given the piece so far, w_m being its prior weight

With a `bias` b above 0 the linear and geometric rules trust certain models more [2, 3]: w_m is multiplied by
(H(p_m) / H_max) to the power -b, H being the entropy of p_m and H_max that of equal chances for all symbols
that may come. IDyOM combines its models by the geometric rule with a bias.

Weights may change with time: then they are a function of the `Moment`, which is itself a pure function of the
symbols so far. `Glide` leads from some weights to others over a range of bars or events.

A model of weight zero is not heard: zero times -inf is zero. A symbol that some model of positive weight holds to
be impossible is impossible under the geometric and the learned rule; where that leaves none, the linear rule
speaks. Models may differ in alphabet, not in declaration: the mixture has the union of their alphabets.

[1] G. E. Hinton. Training products of experts by minimizing contrastive divergence. Neural Computation 14(8), 2002;
    with few exponents and small alphabets the likelihood itself is at hand.
[2] M. T. Pearce, D. Conklin, G. A. Wiggins. Methods for combining statistical models of music. CMMR 2004.
[3] M. T. Pearce. The construction and evaluation of statistical models of melodic structure in music perception
    and composition. PhD thesis, City University London, 2005, chapter 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from stochastic_music.corpus import TokenCorpus, folds
from stochastic_music.errors import (
    InvalidParameterError,
    NotFittedError,
    UnknownNameError,
    UsageError,
    VocabularyError,
)
from stochastic_music.models.base import BaseModel, headers_of
from stochastic_music.models.online import STM
from stochastic_music.models.ppm import PPM
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import ClockState, Header, Vocabulary

RULES = ("linear", "geometric", "learned", "posterior")
#: weights are learned on models fitted to the other folds, and from at most so many events
_FOLDS, _EVENTS = 5, 10_000
#: relative entropies below this count as this: a certain model has all the weight that matters
_CERTAIN = 1e-9


class Moment(NamedTuple):
    """When the next symbol falls: complete events so far, and the printed bar with its fraction: (batch,) each."""

    event: IntArray
    bar: FloatArray


@dataclass(frozen=True)
class Glide:
    """Weights that lead in a straight line from `start` to `end` while the bar, or event, goes from `first` to `last`.

    Before `first` and after `last` they stay as they are. A plain value: a mixture with it can be saved, one with
    another function only if its class is registered (`stochastic_music.weights`).

        >>> glide = Glide((1, 0), (0, 1), first=1, last=5)
        >>> glide(Moment(np.array([0, 9]), np.array([2.0, 9.5]))).tolist()
        [[0.75, 0.25], [0.0, 1.0]]
    """

    start: tuple[float, ...]
    end: tuple[float, ...]
    first: float
    last: float
    unit: Literal["bar", "event"] = "bar"

    def __post_init__(self) -> None:
        """Lists, as JSON has them, are stored as tuples."""
        object.__setattr__(self, "start", tuple(self.start))
        object.__setattr__(self, "end", tuple(self.end))

    def __call__(self, moment: Moment) -> FloatArray:
        """(batch, n_models)."""
        now = np.asarray(moment.bar if self.unit == "bar" else moment.event, dtype=np.float64)
        passed = np.clip((now - self.first) / max(self.last - self.first, _CERTAIN), 0, 1)[:, None]
        weights: FloatArray = (1 - passed) * np.array(self.start) + passed * np.array(self.end)
        return weights


Weights: TypeAlias = Sequence[float] | str | Callable[[Moment], FloatArray] | None


class MixtureState(NamedTuple):
    """The states of all models, the clock, the number of complete events, and what each model made of the piece.

    `evidence` is (batch, n_models): the log probability of the symbols so far (zero where the rule needs none).
    """

    parts: tuple[Any, ...]
    clock: ClockState
    event: IntArray
    evidence: FloatArray


class Mixture(BaseModel[MixtureState]):
    """Models that predict together; see the module's article.

    Args:
        models: what is mixed; None for PPM and STM, long- and short-term memory. `fit` fits copies of them;
            `Mixture.of` takes fitted ones as they are.
        rule: "linear", "geometric", "learned" or "posterior".
        weights: one a model (in text "1,3"), or a function from `Moment` to (batch, n_models) such as `Glide`; None
            for equal ones. The rule "learned" learns its own.
        bias: how much more certain models count, 0 or more; IDyOM takes 7 for long- with short-term models.

    `fit` and `of` raise InvalidParameterError for weights that are negative or sum to zero, VocabularyError, naming
    the first difference, for models of different vocabularies.

        >>> from stochastic_music.models import Markov
        >>> corpus = TokenCorpus.from_sequences([[0, 1, 0, 2]], Vocabulary.plain(3, closed=False))
        >>> model = Mixture([Markov(0, "none"), Markov(1, "none")], weights=(1, 3)).fit(corpus)
        >>> np.exp(model.log_probs([0, 1])).round(3).tolist()  # 1/4 of 2/4 and 3/4 of 1; 1/4 of 1/4 and 3/4 of 1/2
        [0.875, 0.438]
    """

    #: whether the models were fitted before they were mixed, maybe each on music of its own
    apart_: bool = False

    def __init__(
        self, models: Sequence[Any] | None = None, rule: str = "linear", *, weights: Weights = None, bias: float = 0.0
    ) -> None:
        self.models = models
        self.rule = rule
        self.weights = weights
        self.bias = bias

    @classmethod
    def of(cls, models: Sequence[Any], rule: str = "linear", *, weights: Weights = None, bias: float = 0.0) -> Self:
        """A mixture of fitted models. With the rule "learned" call `learn_weights` before use."""
        mixture = cls(models, rule, weights=weights, bias=bias)._settle(models)
        mixture.apart_ = True
        return mixture

    def fit(self, corpus: TokenCorpus) -> Self:
        """Fit a copy of each model to `corpus`; returns self.

        Exponents are learned on five folds of it, each predicted by models fitted to the others; from a corpus
        of one piece there is nothing to learn them, and all models count alike.
        """
        self._check_params()
        exponents = self._cross_fitted(corpus) if self.rule == "learned" and len(corpus) > 1 else None
        self._settle([copy(model).fit(corpus) for model in self._members])
        self.apart_ = False
        if self.rule == "learned":
            self.exponents_ = _alike(self) if exponents is None else exponents
        return self

    def learn_weights(self, held_out: TokenCorpus) -> Self:
        """The exponents that make `held_out`, which no model has seen, as probable as can be; returns self."""
        self.exponents_ = learned_exponents([field_rows(self, self._same_symbols(held_out))], self.n_models)
        return self

    @property
    def n_models(self) -> int:
        """How many models are mixed."""
        return len(self._members)

    @property
    def _members(self) -> Sequence[Any]:
        return (PPM(), STM()) if self.models is None else self.models

    def merge(self, other: Self, *, pieces: TokenCorpus | None = None) -> Self:
        """The mixture fitted on the pieces of both; models that were fitted apart are merged before they are mixed."""
        self._check_fitted_together("merged")
        return super().merge(other, pieces=pieces)

    def forget(self, lost: TokenCorpus, *, kept: TokenCorpus | None = None) -> Self:
        """The mixture fitted without `lost`; models that were fitted apart forget before they are mixed."""
        self._check_fitted_together("made to forget")
        return super().forget(lost, kept=kept)

    def _check_fitted_together(self, what: str) -> None:
        self._check_fitted()
        if self.apart_:
            raise UsageError(f"models that were fitted apart are {what} one by one: do that, and mix them again")

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned: `<number of the model>.<name>`, and the exponents. Raises UsageError, naming the model."""
        self._check_fitted()
        arrays: dict[str, NDArray[Any]] = {"apart": np.array([self.apart_])}
        if hasattr(self, "exponents_"):
            arrays["exponents"] = self.exponents_
        for i, model in enumerate(self.models_):
            if not hasattr(model, "to_arrays"):
                raise UsageError(f"{model!r} keeps no arrays, so that a mixture with it cannot be saved")
            arrays |= {f"{i}.{name}": array for name, array in model.to_arrays().items()}
        return arrays

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """Take back what `to_arrays` gave, in a mixture with the same parameters; returns self."""
        models = []
        for i, model in enumerate(self._members):
            own = {name.removeprefix(f"{i}."): array for name, array in arrays.items() if name.startswith(f"{i}.")}
            models.append(copy(model).from_arrays(own, vocabulary))
        self._settle(models)
        self.apart_ = bool(arrays["apart"][0])
        if "exponents" in arrays:
            self.exponents_ = np.asarray(arrays["exponents"])
        return self

    def adapt(self, symbols: Sequence[int] | IntArray, header: Header | None = None) -> Self:
        """The mixture after those of its models that can learn have learned one piece more; self stays as it is."""
        self._check_fitted()
        other = copy(self)
        other.models_ = tuple(m.adapt(symbols, header) if hasattr(m, "adapt") else m for m in self.models_)
        return other

    def parts(self) -> dict[str, Any]:
        """Long- and short-term memory, where one `STM` is mixed with one other model; else empty."""
        self._check_fitted()
        memories = {"short_term" if isinstance(model, STM) else "long_term": model for model in self.models_}
        return memories if len(memories) == self.n_models == 2 else {}

    def restricted(self, vocabulary: Vocabulary) -> Self:
        """The same mixture over another alphabet, with those of its models that can take it."""
        self._check_fitted()
        if reason := self.vocabulary_.difference(vocabulary):
            raise VocabularyError(f"the mixture cannot take this vocabulary: {reason}")
        other = copy(self)
        other.vocabulary_ = vocabulary
        other.models_ = tuple(widened(model, vocabulary) for model in self.models_)
        return other

    def _check_params(self) -> None:
        if self.rule not in RULES:
            raise UnknownNameError("rule", str(self.rule), RULES)
        if isinstance(self.models, str) or not self._members:
            raise InvalidParameterError(
                f"models is {self.models!r}; expected one or more models, or None for PPM and STM. Fitted models are "
                "mixed by Pipeline.mix, or stochmusic generate --mix"
            )
        if not 0 <= self.bias < np.inf:
            raise InvalidParameterError(f"bias is {self.bias!r}; expected a number, 0 or more")
        if isinstance(self.weights, Glide):
            for weights in (self.weights.start, self.weights.end):
                checked_weights(np.array([weights]), self.n_models)
        elif not callable(self.weights):
            checked_weights(self._constant(), self.n_models)

    def _constant(self) -> FloatArray:
        weights = self.weights.split(",") if isinstance(self.weights, str) else self.weights
        try:
            given = np.ones(self.n_models) if weights is None else np.asarray(weights, dtype=np.float64)
        except ValueError as error:
            raise InvalidParameterError(
                f"weights are {self.weights!r}; expected a number for each model, such as '1,3', or a Glide"
            ) from error
        return np.atleast_2d(given)

    def _cross_fitted(self, corpus: TokenCorpus) -> FloatArray:
        fold = folds(len(corpus), min(_FOLDS, len(corpus)), seed=0)
        parts = []
        for f in range(int(fold.max()) + 1):
            fitted = copy(self)._settle([copy(m).fit(corpus.select(np.flatnonzero(fold != f))) for m in self._members])
            text = fitted._same_symbols(corpus.select(np.flatnonzero(fold == f)))
            parts.append(field_rows(fitted, text, _EVENTS // _FOLDS))
        return learned_exponents(parts, self.n_models)

    def _settle(self, models: Sequence[Any]) -> Self:
        self._check_params()
        self.vocabulary_ = common_vocabulary(models)
        self.models_ = tuple(widened(model, self.vocabulary_) for model in models)
        self.stale_ = any(getattr(model, "stale_", False) for model in models)
        return self

    def initial_state(
        self, batch_size: int = 1, header: Header | Sequence[Header | None] | None = None
    ) -> MixtureState:
        """The initial states of all models."""
        self._check_fitted()
        headers = headers_of(header, batch_size)
        parts = tuple(model.initial_state(batch_size, headers) for model in self.models_)
        clock = self.vocabulary_.clock.start(headers)
        nothing = np.zeros((batch_size, self.n_models))
        return MixtureState(parts, clock, np.zeros(batch_size, dtype=np.int64), nothing)

    def advance(self, state: MixtureState, symbols: IntArray) -> MixtureState:
        """All models one symbol further."""
        evidence = state.evidence
        if self.rule == "posterior":
            evidence = evidence + self.rows(state)[:, np.arange(len(symbols)), symbols].T
        parts = tuple(model.advance(part, symbols) for model, part in zip(self.models_, state.parts, strict=True))
        clock = self.vocabulary_.clock.advance(state.clock, symbols)
        return MixtureState(parts, clock, state.event + (clock.due == 0), evidence)

    def next_log_probs(self, state: MixtureState) -> FloatArray:
        """(batch, n_symbols): the log probability of every symbol."""
        rows = self.rows(state)
        if self.rule == "learned":
            return log_linear(rows, self._exponents()[state.clock.due])
        weights = self.weights_at(state)
        if self.rule == "posterior":
            with np.errstate(divide="ignore"):
                chosen = np.argmax(np.log(weights) + state.evidence, axis=1)
            largest: FloatArray = rows[chosen, np.arange(len(chosen))]
            return largest
        if self.bias:
            weights = weights * certainty(rows, self.vocabulary_.due_mask[state.clock.due]) ** self.bias
        return linear(rows, weights) if self.rule == "linear" else geometric(rows, weights)

    def rows(self, state: MixtureState) -> FloatArray:
        """What each model says: (n_models, batch, n_symbols)."""
        return np.stack([m.next_log_probs(part) for m, part in zip(self.models_, state.parts, strict=True)])

    def weights_at(self, state: MixtureState) -> FloatArray:
        """The weights at the present moment, each row adding up to 1: (batch, n_models)."""
        weights = self.weights(moment(self.vocabulary_, state)) if callable(self.weights) else self._constant()
        return np.broadcast_to(checked_weights(weights, self.n_models), (len(state.event), self.n_models))

    def _exponents(self) -> FloatArray:
        if not hasattr(self, "exponents_"):
            raise NotFittedError("the weights of this mixture are not learned yet: call learn_weights(held_out) first")
        return self.exponents_


def common_vocabulary(models: Sequence[Any]) -> Vocabulary:
    """The union of the vocabularies of fitted models. Raises VocabularyError naming the first difference."""
    for number, model in enumerate(models, start=1):
        if not hasattr(model, "vocabulary_"):
            raise NotFittedError(
                f"model {number} of the mixture, {model!r}, has not learned anything yet: fit it first"
            )
        if reason := models[0].vocabulary_.difference(model.vocabulary_):
            raise VocabularyError(
                f"models 1 and {number} cannot be mixed, their vocabularies differ: {reason}. Fit them with one "
                "encoding and grid"
            )
    vocabularies: list[Vocabulary] = [model.vocabulary_ for model in models]
    return reduce(Vocabulary.union, vocabularies)


def widened(model: Any, vocabulary: Vocabulary) -> Any:
    """`model` over the alphabet of `vocabulary`, where it can be moved; else as it is."""
    if np.array_equal(model.vocabulary_.mask, vocabulary.mask) or not hasattr(model, "restricted"):
        return model
    return model.restricted(vocabulary)


def checked_weights(weights: FloatArray, n_models: int) -> FloatArray:
    """`weights` (batch, n_models) divided by the sum of their row. Raises InvalidParameterError."""
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != n_models:
        raise InvalidParameterError(
            f"weights have shape {weights.shape[1:]}; expected one for each of {n_models} models"
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise InvalidParameterError(f"weights are {weights.tolist()}; expected finite numbers, 0 or more")
    total = weights.sum(axis=1, keepdims=True)
    if not (total > 0).all():
        raise InvalidParameterError("the weights of the mixture sum to zero: give some model a weight above 0")
    normalized: FloatArray = weights / total
    return normalized


def moment(vocabulary: Vocabulary, state: MixtureState) -> Moment:
    """When the next symbol falls."""
    place = vocabulary.clock.place(state.clock)
    return Moment(state.event, place.bar + place.position / place.bar_length)


def linear(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Rows (n_models, batch, n_symbols) averaged with weights (batch, n_models): (batch, n_symbols)."""
    with np.errstate(divide="ignore"):
        shares = np.log(weights / weights.sum(axis=1, keepdims=True)).T[:, :, None]
    mixed: FloatArray = logsumexp(rows + shares, axis=0)
    return mixed


def geometric(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Rows multiplied with weights as exponents, which add up to 1; shapes as in `linear`."""
    return log_linear(rows, weights / weights.sum(axis=1, keepdims=True))


def log_linear(rows: FloatArray, exponents: FloatArray) -> FloatArray:
    """The normalized product of rows to the power of exponents (batch, n_models); the linear mean where it is empty."""
    powers = exponents.T[:, :, None]
    product = np.multiply(rows, powers, where=powers > 0, out=np.zeros_like(rows)).sum(axis=0)
    impossible = np.isneginf(rows).all(axis=0)
    product[impossible] = -np.inf
    total = logsumexp(product, axis=1, keepdims=True)
    empty = np.isneginf(total[:, 0])
    mixed: FloatArray = product - np.where(empty[:, None], 0.0, total)
    if empty.any():
        mixed[empty] = linear(rows[:, empty], np.maximum(exponents[empty], _CERTAIN))
    return mixed


def certainty(rows: FloatArray, may_come: BoolArray) -> FloatArray:
    """H_max / H for each row and model: (batch, n_models); 1 where only one symbol may come.

    >>> rows = np.log(np.array([[[0.5, 0.5]], [[0.9, 0.1]]]))
    >>> certainty(rows, np.ones((1, 2), dtype=bool)).round(3).tolist()
    [[1.0, 2.132]]
    """
    finite = np.where(np.isneginf(rows), 0.0, rows)
    entropy = -(np.exp(rows) * finite).sum(axis=2).T
    largest = np.log(may_come.sum(axis=1))[:, None]
    relative = np.divide(entropy, largest, out=np.ones_like(entropy), where=largest > 0)
    certain: FloatArray = 1 / np.maximum(relative, _CERTAIN)
    return certain


class FieldRows(NamedTuple):
    """What the models said of one field: log probabilities (n, n_models, n_symbols), symbol that came (n,)."""

    rows: FloatArray
    came: IntArray


def field_rows(mixture: Mixture, corpus: TokenCorpus, at_most: int = _EVENTS) -> list[FieldRows]:
    """What the models say along `corpus`, field by field, of the first pieces up to `at_most` events."""
    vocabulary = mixture.vocabulary_
    whole = np.cumsum(corpus.lengths) <= at_most * vocabulary.n_fields
    corpus = corpus.select(np.arange(max(1, int(whole.sum()))))
    padded, lengths = corpus.padded(), corpus.lengths
    found: list[list[FieldRows]] = [[] for _ in range(vocabulary.n_fields)]
    state = mixture.initial_state(len(corpus), corpus.headers)
    for t, symbols in enumerate(padded.T):
        rows, due = mixture.rows(state), state.clock.due
        for field in range(vocabulary.n_fields):
            here = np.flatnonzero((due == field) & (t < lengths))
            mask = vocabulary.due_mask[field]
            came = (np.cumsum(mask) - 1)[symbols[here]]
            found[field].append(FieldRows(rows[:, here][:, :, mask].swapaxes(0, 1), came))
        state = mixture.advance(state, symbols)
    return [FieldRows(*(np.concatenate(column) for column in zip(*parts, strict=True))) for parts in found]


def learned_exponents(parts: Sequence[Sequence[FieldRows]], n_models: int) -> FloatArray:
    """Exponents of greatest likelihood: (n_fields + 1, n_models), the last row for pieces that have ended."""
    fields = [FieldRows(*(np.concatenate(c) for c in zip(*same, strict=True))) for same in zip(*parts, strict=True)]
    return np.stack([*(_exponents_of(field) for field in fields), np.full(n_models, 1 / n_models)])


def _exponents_of(field: FieldRows) -> FloatArray:
    """A model that held a symbol that came to be impossible is not heard: its exponent is 0."""
    n, n_models, _ = field.rows.shape
    spoken = field.rows[np.arange(n), :, field.came]
    heard = np.asarray(np.isfinite(spoken).all(axis=0))
    if not heard.any():
        raise InvalidParameterError(
            "every model of the mixture holds some of the held-out text to be impossible: smooth one of them"
        )
    if not n:
        return np.full(n_models, 1 / n_models)
    rows: FloatArray = np.maximum(np.where(heard[None, :, None], field.rows, 0.0), np.log(np.finfo(np.float64).tiny))
    reached = np.where(heard, spoken, 0.0)

    def loss(exponents: FloatArray) -> tuple[float, FloatArray]:
        mixed = np.einsum("nms,m->ns", rows, exponents)
        total = logsumexp(mixed, axis=1)
        expected = np.einsum("nms,ns->nm", rows, np.exp(mixed - total[:, None]))
        return float((total - reached @ exponents).mean()), (expected - reached).mean(axis=0)

    bounds = [(0.0, None) if h else (0.0, 0.0) for h in heard]
    found = minimize(loss, heard / heard.sum(), jac=True, method="L-BFGS-B", bounds=bounds)
    exponents: FloatArray = found.x
    return exponents


def _alike(mixture: Mixture) -> FloatArray:
    return np.full((mixture.vocabulary_.n_fields + 1, mixture.n_models), 1 / mixture.n_models)

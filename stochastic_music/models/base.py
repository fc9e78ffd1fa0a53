"""What every model has: estimator manners, and everything that follows from three methods.

A model of sequences implements `initial_state`, `advance` and `next_log_probs` (and `fit`); log
probabilities of sequences and corpora, scores and samples follow from these. Log probabilities are
natural, -inf is exact, and every symbol counts, END included.

Constructors store their arguments under their own names and do nothing else; checks happen in `fit`,
which returns the model; what is learned ends in an underscore.

Models are merged, and made to forget, as if they had been fitted so: `merge` gives what `fit` gives for the pieces
of both, `forget` what it gives without those lost. Where counts add, they are added and taken away, and the pieces
need not be at hand; weights that were learned need them, or stay as they were and are *stale* (`stale_`).
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Any, Generic, Self, cast

import numpy as np

from stochastic_music._showing import ShowsItself
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, NotFittedError, UnknownNameError, UsageError, VocabularyError
from stochastic_music.protocols import FloatArray, IntArray, State
from stochastic_music.sampling.scoring import corpus_log_probs, stepwise_log_probs
from stochastic_music.tokens import Header, Vocabulary

__all__ = ["BaseModel", "Estimator", "corpus_log_probs", "headers_of", "stepwise_log_probs", "still_live"]


class Estimator(ShowsItself):
    """Parameters by name, as scikit-learn has them."""

    shown_by = "models"

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        parameters = inspect.signature(cls).parameters.values()
        return {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}

    def get_params(self) -> dict[str, Any]:
        """The constructor's arguments, by name."""
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self, **params: Any) -> Self:
        """Change parameters; they take effect at the next `fit`. Raises UnknownNameError, naming the nearest."""
        known = self._defaults()
        for name in params:
            if name not in known:
                raise UnknownNameError(f"parameter of {type(self).__name__}", name, known)
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = self._defaults()
        changed = [f"{name}={value!r}" for name, value in self.get_params().items() if value != defaults[name]]
        return f"{type(self).__name__}({', '.join(changed)})"


class BaseModel(Estimator, ABC, Generic[State]):
    """An autoregressive model; subclasses supply the four abstract methods and set `vocabulary_` in `fit`."""

    vocabulary_: Vocabulary
    #: whether counts have changed since weights were learned
    stale_: bool = False

    @abstractmethod
    def fit(self, corpus: TokenCorpus) -> Self:
        """Learn from `corpus`, which carries the vocabulary; returns self."""

    @abstractmethod
    def initial_state(self, batch_size: int = 1, header: Header | Sequence[Header | None] | None = None) -> State:
        """The state before the first symbol; `header` is one for all, or a sequence of one a row."""

    @abstractmethod
    def advance(self, state: State, symbols: IntArray) -> State:
        """The state after one more symbol a row: symbols (batch,)."""

    @abstractmethod
    def next_log_probs(self, state: State) -> FloatArray:
        """(batch, n_symbols): exp of a row sums to 1; -inf outside the field now due."""

    def log_probs(self, sequence: Sequence[int] | IntArray, header: Header | None = None) -> FloatArray:
        """The log probability of each symbol of `sequence` given those before it, in nats: (n,).

        END is scored where the sequence holds it. Raises VocabularyError for symbols outside the alphabet.
        """
        return self.corpus_log_probs(self._piece(sequence, header))

    def log_prob(self, sequence: Sequence[int] | IntArray, header: Header | None = None) -> float:
        """The log probability of `sequence`, in nats."""
        return float(self.log_probs(sequence, header).sum())

    def corpus_log_probs(self, corpus: TokenCorpus) -> FloatArray:
        """The log probability of every symbol, aligned with `corpus.symbols`, in nats: (n,).

        Raises VocabularyError where `corpus` does not fit the model's vocabulary.
        """
        return stepwise_log_probs(self, self._same_symbols(corpus))

    def remarks(self, corpus: TokenCorpus) -> list[str]:  # noqa: ARG002, most have nothing to say
        """What is worth knowing of a fit to `corpus`, in sentences."""
        return []

    def score(self, corpus: TokenCorpus) -> float:
        """The mean log probability per symbol of `corpus`, in nats. Raises EmptyCorpusError where it has none."""
        log_probs = self.corpus_log_probs(corpus)
        if not len(log_probs):
            raise EmptyCorpusError("there is nothing to score: the corpus has no symbols")
        return float(log_probs.mean())

    def sample(self, n: int = 1, **options: Any) -> Any:
        """`n` pieces drawn from the model; see `stochastic_music.sampling.sample` for the options."""
        from stochastic_music import sampling

        self._check_fitted()
        return sampling.sample(cast("Any", self), n, **options)

    def merge(self, other: Self, *, pieces: TokenCorpus | None = None) -> Self:
        """The model fitted on the pieces of both; neither is changed.

        `pieces` are those of both, this one's first, for models that cannot do without. This one is fitted on
        them anew. Raises UsageError for models of different kinds or parameters, and where pieces are needed;
        VocabularyError, naming the first difference, for different vocabularies.
        """
        self._check_alike(other)
        return self._fitted_anew(pieces, "merged")

    def forget(self, lost: TokenCorpus, *, kept: TokenCorpus | None = None) -> Self:
        """The model fitted without the pieces `lost`, which it has seen; this one is not changed.

        `kept` are the other pieces, for models that cannot do without. This one is fitted on them anew. Raises
        UsageError where they are needed, or where `lost` was never seen.
        """
        self._same_symbols(lost)
        return self._fitted_anew(kept, "made to forget")

    def _fitted_anew(self, corpus: TokenCorpus | None, what: str) -> Self:
        if corpus is None:
            raise UsageError(
                f"{self!r} cannot be {what} without its training pieces: what it counts does not add up. Keep the "
                "sources in the file, or fit again"
            )
        return copy(self).fit(corpus)

    def _check_alike(self, other: BaseModel[Any]) -> None:
        """Raise UsageError, or VocabularyError, naming the first difference between two models to merge."""
        self._check_fitted()
        other._check_fitted()
        if type(self) is not type(other):
            raise UsageError(f"{self!r} and {other!r} cannot be merged: fit both with one kind of model")
        theirs = other.get_params()
        for name, value in self.get_params().items():
            if repr(value) != repr(theirs[name]):
                raise UsageError(
                    f"these models cannot be merged: {name} is {value!r} in one and {theirs[name]!r} in the other. "
                    "Fit one of them again"
                )
        if reason := self.vocabulary_.difference(other.vocabulary_):
            raise VocabularyError(f"these models cannot be merged, their vocabularies differ: {reason}")

    def _check_fitted(self) -> None:
        if not hasattr(self, "vocabulary_"):
            raise NotFittedError(f"this {type(self).__name__} has not learned anything yet: call fit(corpus) first")

    def _piece(self, sequence: Sequence[int] | IntArray, header: Header | None) -> TokenCorpus:
        """A corpus of one piece, symbol for symbol. Raises VocabularyError for symbols outside the alphabet."""
        self._check_fitted()
        symbols = np.asarray(sequence, dtype=np.int64)
        self.vocabulary_.check(symbols)
        return TokenCorpus(self.vocabulary_, symbols, np.array([0, len(symbols)]), (header,), ("",))

    def _same_symbols(self, corpus: TokenCorpus) -> TokenCorpus:
        """`corpus` under the model's alphabet, symbol for symbol."""
        self._check_fitted()
        reason = corpus.vocabulary.difference(self.vocabulary_)
        if reason:
            raise VocabularyError(f"this corpus does not fit the model: {reason}")
        return corpus.with_vocabulary(self.vocabulary_)


def headers_of(header: Header | Sequence[Header | None] | None, batch_size: int) -> list[Header | None]:
    """One header a row, from one for all or one each. Raises VocabularyError where the numbers differ."""
    if header is None or isinstance(header, Header):
        return [header] * batch_size
    if len(header) != batch_size:
        raise VocabularyError(f"{len(header)} headers arrived for {batch_size} rows: give one for all, or one each")
    return list(header)


def still_live(live: IntArray, batch_size: int, chosen: IntArray) -> tuple[IntArray, IntArray]:
    """Of the rows `chosen` of a batch of which some are `live`: where these stand in `live`, and their new numbers.

    >>> [part.tolist() for part in still_live(np.array([1, 3]), 4, np.array([3, 0, 3, 1]))]
    [[1, 1, 0], [0, 2, 3]]
    """
    place = np.full(batch_size, -1)
    place[live] = np.arange(len(live))
    places = place[chosen]
    return places[places >= 0], np.flatnonzero(places >= 0)

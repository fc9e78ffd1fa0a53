"""The contracts of the house on one page.

A third party satisfies these by shape; inheritance is not asked for. Log probabilities are natural;
-inf is exact. Randomness is an explicit keyword `seed`. States are opaque, never mutated, batch axis
first. Symbols are integers; what they mean, and the clock that reads them, is the vocabulary's.
`Any` stands for types that live further up the house (`Vocabulary`, `Header`, `TokenCorpus`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
State = TypeVar("State")
#: told of long work as it goes on: how much is done, of how much, and what is being worked on
Progress: TypeAlias = Callable[[int, int, str], None]

#: The automaton state from which nothing is accepted; it absorbs.
DEAD = -1


class Arcs(NamedTuple):
    """What may follow a batch of contexts, flat: `row` indexes the batch, rows ascend."""

    row: IntArray
    symbol: IntArray
    log_prob: FloatArray
    next_context: IntArray


@runtime_checkable
class AutoregressiveModel(Protocol[State]):
    """Predicts the next symbol from those before it."""

    def fit(self, corpus: Any) -> Self:
        """Learn from a `TokenCorpus`, which carries the vocabulary; returns self."""

    def initial_state(self, batch_size: int = 1, header: Any = None) -> State:
        """The state before the first symbol; `header` is one for all, or a sequence of one a row."""

    def advance(self, state: State, symbols: IntArray) -> State:
        """The state after one more symbol a row: symbols (batch,)."""

    def next_log_probs(self, state: State) -> FloatArray:
        """(batch, n_symbols): exp of a row sums to 1; -inf outside the field now due."""


@runtime_checkable
class FiniteContextModel(Protocol):
    """A model whose memory is one of finitely many contexts: what exact sampling walks.

    `hear` takes the clock's mark where an event begins (-1: none); it must be called there before `arcs`.
    """

    @property
    def n_contexts(self) -> int:
        """How many contexts there are."""

    def start(self) -> int:
        """The context before the first symbol."""

    def hear(self, contexts: IntArray, marks: IntArray) -> IntArray:
        """The contexts after reading the clock's marks."""

    def arcs(self, contexts: IntArray) -> Arcs:
        """Every symbol of positive probability after each context."""


@runtime_checkable
class HiddenContextModel(Protocol):
    """A model whose memory is a belief over finitely many contexts that nobody hears: optional, for exact sampling."""

    def finite_contexts(self) -> FiniteContextModel:
        """The model with its contexts told: arcs of one context may share a symbol and lead to different contexts.

        Their probabilities add up to the model's own, so that the symbols of a draw of arcs are a draw of the model.
        It carries the model's `vocabulary_`.
        """


@runtime_checkable
class HiddenChain(Protocol):
    """A model whose memory is one of K hidden states: what exact inference walks. Log probabilities, in nats."""

    @property
    def log_startprob(self) -> FloatArray:
        """(K,): of the first state."""

    @property
    def log_transmat(self) -> FloatArray:
        """(K, K) as [from, to]: rows sum to 1 as probabilities."""

    def log_emissions(self, corpus: Any) -> FloatArray:
        """(n_events, K): of each event of a `TokenCorpus` given each state."""


@runtime_checkable
class EnergyModel(Protocol):
    """A model that tells how likely pieces are beside each other, and need not sum to 1: what Metropolis walks on.

    One that has only pieces of equal length to compare says so with a further attribute, `compares_lengths` False.
    """

    def log_density(self, symbols: IntArray, lengths: IntArray, headers: Any = None) -> FloatArray:
        """The log of each piece's unnormalised density, in nats, -inf for what cannot be: (batch,).

        Row i of `symbols` (batch, T) begins with a piece of `lengths[i]` symbols, its END among them where the
        vocabulary is closed; what stands after it (END) says nothing. `headers` are one a piece, or one for all. Row i
        of the answer depends on that piece alone.
        """


@runtime_checkable
class WalkingModel(Protocol):
    """A model that cannot be drawn from left to right: its own Markov chains walk to it from pieces that are begun."""

    @property
    def opening_(self) -> Any:
        """The model that draws, under any constraint, what chains begin with."""

    def walk(self, begun: Any, constraint: Any = None, *, key: int, temperature: float = 1.0) -> Any:
        """The `Sample`s `begun`, which meet `constraint`, after the walk; piece i depends on it and the seed alone."""


@runtime_checkable
class LatentStateModel(Protocol):
    """A model that explains a sequence of symbols by hidden states, one an event."""

    def decode(self, sequence: Any, header: Any = None) -> IntArray:
        """The likeliest states: (n_events,)."""

    def predict_proba(self, sequence: Any, header: Any = None) -> FloatArray:
        """The probability of each state at each event, given the whole sequence: (n_events, K)."""

    def sample_states(self, sequence: Any, n: int = 1, *, header: Any = None, seed: Any = None) -> IntArray:
        """Independent draws of all states, given the whole sequence: (n, n_events)."""


#: what is seen of an event: named values
Observation: TypeAlias = Mapping[str, Any]


@runtime_checkable
class SequenceLabeller(Protocol):
    """Gives a label to each event of an observed sequence.

    `allowed` holds, for each sequence, a Boolean array (T, n_labels) of the labels that may stand at each event, or
    None; it is met exactly. UnsatisfiableError is raised where nothing is left.
    """

    #: the labels that training held, in the order of all columns
    labels_: tuple[str, ...]

    def fit(self, observations: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]) -> Self:
        """Learn from sequences with a label for each event; returns self."""

    def predict(self, observations: Sequence[Sequence[Observation]], *, allowed: Any = None) -> list[list[str]]:
        """The likeliest labels of each sequence."""

    def predict_marginals(
        self, observations: Sequence[Sequence[Observation]], *, allowed: Any = None
    ) -> list[FloatArray]:
        """The probability of each label at each event: (T, n_labels) for each sequence."""

    def log_prob(self, labels: Sequence[Sequence[str]], observations: Sequence[Sequence[Observation]]) -> FloatArray:
        """The log probability of the labels of each sequence given all of its observations, in nats: (n,)."""

    def sample(
        self, observations: Sequence[Observation], n: int = 1, *, allowed: Any = None, seed: Any = None
    ) -> list[list[str]]:
        """`n` independent draws of the labels of one sequence; `allowed` is (T, n_labels)."""


@runtime_checkable
class MergingModel(Protocol):
    """A fitted model that can take up what another counted, or lose what it counted of some pieces.

    Both give a new model, the one that `fit` would give, and leave this one as it is. The `TokenCorpus`es `pieces`
    and `kept` hold the pieces of the new model, or are None where these are not at hand: weights that were learned are
    then left as they are, and the new model has `stale_` True. UsageError is raised where that is not possible.
    """

    def merge(self, other: Any, *, pieces: Any = None) -> Any:
        """The model of the pieces of both, this one's first."""

    def forget(self, lost: Any, *, kept: Any = None) -> Any:
        """The model without the pieces of the `TokenCorpus` `lost`."""


@runtime_checkable
class CountingModel(Protocol):
    """A model that learns by counting, so that a corpus larger than memory can be counted part by part."""

    def fit_parts(self, parts: Sequence[Any], *, memory: int | None = None, executor: Executor | None = None) -> Self:
        """Learn from `parts`, a sequence of `TokenCorpus`es over one vocabulary that may be read again; returns self.

        Equal, to the byte of the model file, to `fit` on their concatenation, whatever the parts, the limit on
        `memory` (in bytes, None: any) and the executor that counts them (None: this process). Raises UsageError,
        saying the least that works, where the memory is too little.
        """


@runtime_checkable
class TrainedModel(Protocol):
    """A model that learns in steps, each a little better than the last: a fit may be limited, watched and resumed.

    Models whose `fit` takes only some of these keywords are given those.
    """

    def fit(
        self,
        corpus: Any,
        *,
        seconds: float | None = None,
        checkpoint: Path | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn from a `TokenCorpus`; returns self.

        After `seconds` of wall-clock time the best that was found so far is kept (None: until it stops by itself).
        `checkpoint` is a file that is written now and then, resumed from where it fits, refused where it is of another
        fit, and deleted at the end. `progress` is told (done, total, label).
        """


class Reason(NamedTuple):
    """What one part of a model said of a symbol: `nats` above 0 for it, below 0 against it.

    The part, `name`, spoke out of its `memory`. The latest or most telling of what it heard is `context`, in words,
    after which the symbol came `times` of `total` times.
    """

    name: str
    memory: Literal["corpus", "piece"]
    nats: float
    context: str
    times: int
    total: int

    @property
    def bits(self) -> float:
        """The same, base 2."""
        return self.nats / math.log(2)


class Reasons(NamedTuple):
    """Why a model gave a symbol its probability.

    `sources` (n,) are places of the training symbols where this continuation was learned, the most telling first, and
    `n_sources` says how many there are in all.
    """

    reasons: tuple[Reason, ...]
    sources: IntArray
    n_sources: int


@runtime_checkable
class ReasoningModel(Protocol):
    """A model that can say why: optional, and what explanations ask for."""

    def reasons(self, corpus: Any, places: IntArray, learned: Any = None, *, at_most: int = 3) -> Sequence[Reasons]:
        """Why the symbols at ascending `places` (n,) of a `TokenCorpus` were as likely as they were: one each.

        `learned` are the training symbols, a `TokenCorpus`; without them no sources are named. Of many sources
        `at_most` are given.
        """


@runtime_checkable
class AdaptiveModel(Protocol):
    """A model that can go on learning: optional, and asked by evaluation alone (LTM+)."""

    def adapt(self, symbols: Any, header: Any = None) -> Any:
        """The model that has also learned the piece `symbols` (n,); self stays as it is."""


@runtime_checkable
class RememberingModel(Protocol):
    """A model whose long- and short-term memory can be heard alone: optional, and asked for tables of notes."""

    def parts(self) -> Mapping[str, Any]:
        """Fitted models as "long_term" and "short_term"; empty where there are not both."""


@runtime_checkable
class Automaton(Protocol):
    """A set of accepted sequences: total, deterministic, states are int64, DEAD absorbs."""

    def start(self) -> int:
        """The state before the first symbol."""

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The states after one more symbol each: both (n,)."""

    def allowed(self, states: IntArray) -> BoolArray:
        """(n, n_symbols): a sequence is accepted where END is allowed."""

    def progress(self, states: IntArray) -> IntArray | None:
        """A number that grows with every symbol, or None where runs may be endless."""


@runtime_checkable
class Constraint(Protocol):
    """A musical demand, compiled against a vocabulary and a header."""

    def compile(self, vocabulary: Any, header: Any) -> Automaton:
        """The automaton of the sequences that meet the demand."""


@runtime_checkable
class Encoding(Protocol):
    """Scores to symbols and back."""

    @property
    def vocabulary(self) -> Any:
        """The declared vocabulary."""

    def encode(self, score: Any) -> Sequence[Any]:
        """The `TokenPiece`s of a score; raises EncodingError where it cannot be expressed."""

    def decode(self, pieces: Sequence[Any]) -> Any:
        """The score of pieces that sound together."""

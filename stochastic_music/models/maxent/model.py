"""The maximum-entropy model of melodies: as random as can be, but for how often pairs of symbols come.

    p(x)  =  1/Z  exp( sum of what each symbol adds by itself, and of what each pair adds, up to K events apart )

Of all distributions in which each symbol, and each pair of symbols at each distance, comes as often as in the corpus,
this is the one of greatest entropy: it knows the pairs and nothing else [1]. A Markov model of order K remembers whole
contexts, whose number grows as the alphabet's size to the power K; here the number of parameters grows in proportion to
K. Longer phrases come about where many pairs agree.

An event may have several fields. There is a block of couplings for each two fields of an event, and for each field,
field and distance; the clock's mark, meter and place in the bar, is heard as one field more, which is known and never
changed. What comes before a piece and after it is silence, coupled as a note is, so that pieces begin and end as those
of the corpus do. How many events a piece has is not part of the model.

Learning takes two steps: pseudo-likelihood (`likelihood`), which is quick, then moments (`refinement`), by chains of
the model itself. Pieces are drawn by chains too (`composing`): Gibbs updates, and figures of rhythm that change places.

[1] J. Sakellariou, F. Tria, V. Loreto, F. Pachet. Maximum entropy models capture melodic styles. Scientific Reports 7,
    9172, 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, NotFittedError, UsageError
from stochastic_music.models.base import Estimator, headers_of
from stochastic_music.models.deadline import Deadline
from stochastic_music.models.markov import Markov
from stochastic_music.models.maxent.composing import Walk, walked
from stochastic_music.models.maxent.events import Columns, Events, events_of
from stochastic_music.models.maxent.likelihood import Objective, Surroundings, conditionals, learned, room_on
from stochastic_music.models.maxent.potentials import Potentials, log_density
from stochastic_music.models.maxent.refinement import refined
from stochastic_music.models.maxent.rhythm import LONGEST, Figures, time_fields
from stochastic_music.protocols import Constraint, FloatArray, IntArray, Progress
from stochastic_music.sampling import Sample
from stochastic_music.tokens import Header, Vocabulary

#: events that the model of beginnings remembers
_OPENING_ORDER = 2


class Learned(NamedTuple):
    """What `fit` finds out, or a file brings back."""

    columns: Columns
    potentials: Potentials
    figures: tuple[Figures, ...]
    opening: Markov
    n_events: int


class MaxEnt(Estimator):
    """A pairwise maximum-entropy model, drawn by Markov chains; see the module's article.

    Args:
        reach: K, how many events apart two symbols may know of each other, 1 or more.
        l2: strength of the penalty on couplings, 0 or more: the inverse variance of a normal prior.
        n_steps: steps of the search for the greatest pseudo-likelihood, at most.
        n_refinements: steps by which moments are then made equal; 0 leaves the pseudo-likelihood's potentials.
        n_sweeps: how often chains go through a piece that is drawn.
        clock: whether symbols hear where in the bar their event begins, in music that has bars.
        backend: where learning computes: "numpy", "cupy" on a GPU, or "auto"; the same potentials up to rounding.
        seed: of the chains that learning walks; equal seeds give equal models.

    After `fit`: `potentials_` over `columns_` (see `potentials` and `events`), in nats; `figures_` of rhythm by width;
    `opening_`, a Markov model that draws what chains begin with; `n_events_` of the corpus; `converged_`.

    Raises EmptyCorpusError where there is nothing to learn from, InvalidParameterError for parameters outside their
    range.

        >>> corpus = TokenCorpus.from_sequences([[0, 1, 0, 1, 0, 1]] * 4, Vocabulary.plain(2))
        >>> model = MaxEnt(reach=1, l2=0.1, n_refinements=0).fit(corpus)
        >>> alike, other = model.log_density(np.array([[0, 1, 0, 1], [0, 0, 0, 0]]), np.array([4, 4]))
        >>> bool(alike > other)
        True
    """

    vocabulary_: Vocabulary
    #: whether counts have changed since weights were learned; a model of this kind is always fitted anew
    stale_: bool = False
    #: how many events a piece has is no part of the model, so that Metropolis must not change their number
    compares_lengths: bool = False
    #: whether a limit of time ended the fit
    timed_out_: bool = False

    def __init__(
        self,
        reach: int = 5,
        *,
        l2: float = 3.0,
        n_steps: int = 100,
        n_refinements: int = 150,
        n_sweeps: int = 60,
        clock: bool = True,
        backend: str = "numpy",
        seed: int = 0,
    ) -> None:
        self.reach = reach
        self.l2 = l2
        self.n_steps = n_steps
        self.n_refinements = n_refinements
        self.n_sweeps = n_sweeps
        self.clock = clock
        self.backend = backend
        self.seed = seed

    def fit(self, corpus: TokenCorpus, *, seconds: float | None = None, progress: Progress | None = None) -> Self:
        """Learn from `corpus`; returns self. `progress` is told (done, total, label) at each step.

        After so many `seconds` it ends with what it has: half of them are for the pseudo-likelihood, of which one step
        is taken in any case, what is left is for the moments.
        """
        self._check_params()
        deadline = Deadline(seconds)
        first = deadline.part(0.5)
        columns = Columns.of(corpus, clock=self.clock)
        events = events_of(corpus, columns)
        if not len(events.values):
            raise EmptyCorpusError("there is nothing to learn from: the corpus has no events")
        total = self.n_steps + self.n_refinements

        def told(before: int, label: str) -> Callable[[int], None] | None:
            return None if progress is None else lambda done: progress(before + done, total, label)

        blocked, room = columns.blocked(corpus.vocabulary), room_on(self.backend)
        objective = Objective(events, columns, self.reach, self.l2, blocked, room=room)
        found = learned(objective, n_steps=self.n_steps, told=told(0, "pseudo-likelihood"), deadline=first)
        moving = time_fields(corpus.vocabulary)
        potentials = refined(
            found.potentials,
            events,
            columns,
            blocked,
            l2=self.l2,
            n_steps=self.n_refinements,
            free=[f for f in range(columns.n_fields) if f not in moving],
            seed=self.seed,
            told=told(self.n_steps, "moments"),
            room=room,
            deadline=deadline,
        )
        widths = range(1, LONGEST + 1) if moving else ()
        figures = tuple(Figures.of(events, columns, corpus.vocabulary, width) for width in widths)
        opening = Markov(_OPENING_ORDER, "witten_bell").fit(corpus.seen())
        self.converged_, self.timed_out_ = found.converged, first.hit or deadline.hit
        found_out = Learned(columns, potentials, figures, opening, len(events.values))
        return self._settle(corpus.vocabulary, found_out)

    def log_density(
        self,
        symbols: IntArray,
        lengths: IntArray,
        headers: Header | Sequence[Header | None] | None = None,
    ) -> FloatArray:
        """The unnormalised log density of pieces, in nats: (batch,); -inf for symbols that the corpus never has.

        Row i of `symbols` (batch, T) begins with a piece of `lengths[i]` symbols, its END among them or not; `headers`
        say under which meter it stands. Pieces of different length are not comparable.
        """
        self._check_fitted()
        events = self._events(symbols, lengths, headers)
        density = log_density(self.potentials_, events, self.columns_, self._blocked)
        blanks = [self.columns_.blank(f) for f in range(self.columns_.n_fields)]
        unknown = np.bincount(events.piece, (events.values == blanks).any(axis=1), minlength=len(events.lengths))
        return np.where(unknown > 0, -np.inf, density)

    def conditional_log_probs(self, sequence: Sequence[int] | IntArray, header: Header | None = None) -> FloatArray:
        """The log probability of each symbol in each place given all other symbols, in nats: (n, n_symbols).

        END, which is no part of the model, has probability 1 where it stands. Bar lines are taken as they are.
        """
        symbols = np.asarray(sequence, dtype=np.int64)[None]
        events = self._events(symbols, np.array([symbols.shape[1]]), header)
        rows = self._conditionals(events)
        out = np.full((symbols.shape[1], self.vocabulary_.n_symbols), -np.inf)
        for f in range(self.columns_.n_fields):
            own = slice(*self.columns_.bounds[f : f + 2])
            places = np.arange(f, len(events.values) * self.columns_.n_fields, self.columns_.n_fields)
            out[places[:, None], self.columns_.symbols[own]] = rows[:, own]
        ends = np.flatnonzero(symbols[0] == self.vocabulary_.end)
        out[ends, self.vocabulary_.end] = 0.0
        return out

    def pseudo_log_probs(self, corpus: TokenCorpus) -> FloatArray:
        """The log probability of every symbol given all others of its piece, in nats, aligned with `corpus.symbols`.

        This is no probability of the piece: each symbol is told what comes after it. Symbols that training never held
        share, within their field, what one more event would have counted for; END has 0.
        """
        self._check_fitted()
        corpus = corpus.with_vocabulary(self.vocabulary_)
        events = events_of(corpus, self.columns_)
        rows, numbers = self._conditionals(events), np.arange(len(events.values))
        out = np.zeros(len(corpus.symbols))
        first = np.repeat(corpus.offsets[:-1], events.lengths)
        place = numbers - np.repeat(events.offsets[:-1], events.lengths)
        for f, start in enumerate(self.columns_.bounds[:-1]):
            value, novelty = events.values[:, f], self._novelty(f)
            known = value < self.columns_.size(f)
            said = rows[numbers, np.where(known, value + start, 0)] + np.log1p(-np.exp(novelty))
            unseen = int(self.vocabulary_.mask[self.vocabulary_.starts[f] : self.vocabulary_.starts[f + 1]].sum())
            unseen -= self.columns_.size(f)
            share = novelty - np.log(max(unseen, 1))
            out[first + place * self.columns_.n_fields + f] = np.where(known, said, share)
        return out

    def initial_state(self, batch_size: int = 1, header: Any = None) -> Any:
        """Raise UsageError: this model predicts nothing from left to right."""
        del batch_size, header
        raise UsageError(
            "MaxEnt has no probability of the next symbol, nor of a piece: it compares pieces of one length, and knows "
            "each symbol given all others (MaxEnt.pseudo_log_probs, stochmusic score). Use another model to predict, "
            "explain, classify or mix"
        )

    def walk(
        self, begun: Sequence[Sample], constraint: Constraint | None = None, *, key: int, temperature: float = 1.0
    ) -> list[Sample]:
        """The pieces `begun`, which meet `constraint`, after `n_sweeps` sweeps; `key` is a 64-bit seed."""
        self._check_fitted()
        parts = (self.potentials_, self.columns_, self.vocabulary_, self._blocked, self.figures_)
        return walked(Walk(*parts, self.n_sweeps, temperature), begun, constraint, key)

    def sample(self, n: int = 1, **options: Any) -> list[Sample]:
        """`n` pieces drawn from the model; see `stochastic_music.sampling.sample` for the options."""
        from stochastic_music import sampling

        self._check_fitted()
        return sampling.sample(self, n, **options)

    def restricted(self, vocabulary: Vocabulary) -> Self:
        """The same model, whose pieces begin with symbols of another alphabet of the same declaration."""
        self._check_fitted()
        found = copy(self)
        found.opening_ = self.opening_.restricted(vocabulary)
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays."""
        self._check_fitted()
        arrays: dict[str, NDArray[Any]] = dict(self.potentials_._asdict())
        arrays |= {"symbols": self.columns_.symbols, "marks": self.columns_.marks}
        arrays["n_events"] = np.array([self.n_events_, self.converged_])
        for figures in self.figures_:
            name = f"figures.{figures.width}"
            arrays |= {f"{name}.values": figures.values, f"{name}.marks": figures.marks}
            arrays[f"{name}.times"] = figures.times(np.arange(len(figures.key)))
        return arrays | {f"opening.{name}": array for name, array in self.opening_.to_arrays().items()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """Take back what `to_arrays` gave, in a model with the same parameters; returns self."""
        self._check_params()
        symbols = arrays["symbols"]
        columns = Columns(symbols, np.searchsorted(symbols, vocabulary.starts), arrays["marks"])
        potentials = Potentials(*(np.array(arrays[name]) for name in Potentials._fields))
        widths = range(1, LONGEST + 1) if time_fields(vocabulary) else ()
        figures = tuple(
            Figures.counted(
                arrays[f"figures.{width}.values"],
                arrays[f"figures.{width}.marks"],
                arrays[f"figures.{width}.times"],
                (columns, vocabulary),
            )
            for width in widths
        )
        seen = vocabulary.restrict(symbols)
        prefix = "opening."
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        opening = Markov(_OPENING_ORDER, "witten_bell").from_arrays(own, seen)
        n_events, converged = arrays["n_events"].tolist()
        self.converged_ = bool(converged)
        return self._settle(vocabulary, Learned(columns, potentials, figures, opening, n_events))

    def remarks(self, corpus: TokenCorpus) -> list[str]:
        """What is worth knowing of a fit to `corpus`, in sentences."""
        said = -float(self.pseudo_log_probs(corpus).sum()) / np.log(2) / max(self.n_events_, 1)
        found = [f"Each event given all others of its piece, in training: {said:.2f} bits (not bits per note)"]
        if self.timed_out_:
            found.append("The time was up before learning came to rest: this is what it had come to")
        elif not self.converged_:
            found.append(
                f"The search stopped after its {self.n_steps} steps, before it came to rest (--set n_steps=500)"
            )
        return found

    def _settle(self, vocabulary: Vocabulary, found: Learned) -> Self:
        self.vocabulary_, self.columns_, self.potentials_ = vocabulary, found.columns, found.potentials
        self.figures_, self.opening_, self.n_events_ = found.figures, found.opening, found.n_events
        self._blocked = found.columns.blocked(vocabulary)
        return self

    def _events(self, symbols: IntArray, lengths: IntArray, headers: Header | Sequence[Header | None] | None) -> Events:
        self._check_fitted()
        rows = [row[:length] for row, length in zip(symbols, lengths, strict=True)]
        rows = [row[row != self.vocabulary_.end] for row in rows]
        corpus = TokenCorpus.from_sequences(rows, self.vocabulary_, headers=headers_of(headers, len(rows)))
        return events_of(corpus, self.columns_)

    def _conditionals(self, events: Events) -> FloatArray:
        around = Surroundings(events, self.columns_, self.reach)
        rows: FloatArray = conditionals(around.logits(self.potentials_, self.columns_, self._blocked), self.columns_)
        return rows

    def _novelty(self, field: int) -> float:
        """The log of what unseen symbols of a field share; -inf where every declared one was seen."""
        first, last = self.vocabulary_.starts[field : field + 2]
        if int(self.vocabulary_.mask[first:last].sum()) == self.columns_.size(field):
            return -np.inf
        return -float(np.log(self.n_events_ + 1))

    def _check_params(self) -> None:
        for name, least in (("reach", 1), ("n_steps", 1), ("n_refinements", 0), ("n_sweeps", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise InvalidParameterError(f"{name} is {value!r}; expected a whole number, {least} or more")
        if not 0 <= self.l2 < np.inf:
            raise InvalidParameterError(f"l2 is {self.l2!r}; expected a number, 0 or more")

    def _check_fitted(self) -> None:
        if not hasattr(self, "vocabulary_"):
            raise NotFittedError(f"this {type(self).__name__} has not learned anything yet: call fit(corpus) first")

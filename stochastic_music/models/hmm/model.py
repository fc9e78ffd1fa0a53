"""Hidden Markov models: states that nobody hears follow one another, and each emits an event.

    p(z, x)  =  start[z_1]  *  product of  step[z_t-1, z_t]  *  product over t, f of  emission_f[z_t, x_t,f]

An event of several fields (rest, duration, phrase mark and pitch of a note) is emitted by one state, fields independent
given the state. END is a value of the first field: at each event a state may end the piece instead of playing, with a
probability of its own, and then emits nothing else. So the states of a closed piece are one more than its notes, and a
vocabulary without END has none of this.

Where there are bars, states hear the clock: a state emits rests, durations and END otherwise on the first beat than on
the fourth. The place is known before the event and never predicted; what a state has not been heard to play there is
what the corpus plays there. So pieces keep their meter, and states are left to tell one phase of the music from
another. `clock=False` makes them deaf.

What is predicted of the next symbol is exact: what is believed of the present state after all symbols so far, those of
the present event among them. Learning is Baum-Welch with Dirichlet priors from several random starts (`training`,
`parameters`), or counting where states are given. The likeliest path, posteriors and draws of states given the whole
sequence are exact too (`filtering`, `paths`).

[1] L. R. Rabiner. A tutorial on hidden Markov models and selected applications in speech recognition. Proceedings of
    the IEEE 77(2), 1989.
[2] S. L. Scott. Bayesian methods for hidden Markov models. Journal of the American Statistical Association 97, 2002.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music import _random
from stochastic_music._backends import Room
from stochastic_music.corpus import TokenCorpus
from stochastic_music.corpus.report import counted as plural
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    UnknownNameError,
    UnsatisfiableError,
    VocabularyError,
)
from stochastic_music.models.base import BaseModel, headers_of
from stochastic_music.models.deadline import Deadline
from stochastic_music.models.hmm import inference, paths
from stochastic_music.models.hmm.array_engine import ArrayEngine
from stochastic_music.models.hmm.contexts import HiddenContexts
from stochastic_music.models.hmm.engines import ENGINES, engine_of
from stochastic_music.models.hmm.filtering import room_on
from stochastic_music.models.hmm.observations import (
    NO_MARKS,
    Observations,
    blocks,
    declared,
    event_places,
    marks_of,
    observed,
    table_shapes,
    table_sizes,
)
from stochastic_music.models.hmm.parameters import (
    TOPOLOGIES,
    Parameters,
    Priors,
    base_distribution,
    block_bases,
    counted,
    maximised,
    n_free,
    priors,
)
from stochastic_music.models.hmm.requests import check_topology, checked_states, numbers_of_states
from stochastic_music.models.hmm.states import StateReport, state_report
from stochastic_music.models.hmm.training import (
    CRITERIA,
    Choice,
    Climb,
    best_climb,
    choice,
    chosen,
    put_aside,
)
from stochastic_music.protocols import FloatArray, IntArray, Progress
from stochastic_music.sampling.chains import Chain
from stochastic_music.tokens import ClockState, Header, Vocabulary

#: expected events below which a state is dead
_DEAD = 1e-3


class HmmState(NamedTuple):
    """What is believed of the present event's state, (batch, K), and which field is due: n_fields after END.

    `block` (batch,) is where in the bar the event begins, as a block of the emission tables; `clock` tells the next.
    """

    belief: FloatArray
    due: IntArray
    block: IntArray
    clock: ClockState


class HMM(BaseModel[HmmState]):
    """A hidden Markov model of categorical emissions; see the module's article.

    Args:
        n_states: how many hidden states; or "auto", "2..16", "4,8,16" or a sequence, to choose by held-out likelihood.
        engine: who computes EM: "array", or "hmmlearn" or "pomegranate" for events of one field.
        backend: "numpy", or "cupy" for a GPU, "auto" for one where there is one. Learning (of the array engine) needs
            what it asks for; what was learned is scored, decoded and drawn from on a GPU where there is one.
        topology: "full", "left_to_right" (a piece starts in state 0, states never decrease) or "sticky".
        stickiness: pseudo-counts that staying has more in a sticky model.
        n_iterations: steps of EM at most.
        tolerance: EM stops where a step gains less, in nats an event.
        n_restarts: random starts, of which the best is kept.
        start_prior: pseudo-count of each state at the beginning of a piece.
        transition_prior: pseudo-count of each step that the topology allows.
        emission_prior: pseudo-counts of each state and field, spread as the corpus has it; with 0 what a state was not
            heard to play is impossible.
        clock: whether states hear where in the bar an event begins, in music that has bars.
        criterion: what chooses the number of states: "held_out" likelihood, "aic" or "bic".
        seed: equal seeds give equal models.

    After `fit`: `startprob_` (K,), `transmat_` (K, K) as [from, to], `emissions_`, a (K, size) array for each field,
    END being the last column of the first, or (K, n_marks + 1, size) for fields that hear the clock; `marks_`, which of
    its marks are known, and `places_` (K, n_marks + 1), how often each state's events begin at each; `n_states_`;
    `occupancy_` (K,), the share of events that each state explains; `dead_`, states that explain none; `choices_`, what
    each number of states came to; `converged_`, `n_steps_` and `log_likelihood_` of the training pieces, in nats.

    Raises EmptyCorpusError where there is nothing to learn from, InvalidParameterError or UnknownNameError for
    parameters outside their range.

        >>> from stochastic_music.corpus import TokenCorpus
        >>> corpus = TokenCorpus.from_sequences([[0, 0, 0, 0, 2, 2, 2, 2]] * 4, Vocabulary.plain(3))
        >>> model = HMM(n_states=2).fit(corpus)
        >>> model.startprob_.round(1).tolist(), model.decode([0, 0, 2, 2]).tolist()
        ([0.0, 1.0], [1, 1, 0, 0])
    """

    parameters_: Parameters
    #: whether a limit of time ended the fit
    timed_out_: bool = False

    def __init__(
        self,
        n_states: int | str | Sequence[int] = 8,
        *,
        engine: str = "array",
        backend: str = "numpy",
        topology: str = "full",
        stickiness: float = 50.0,
        n_iterations: int = 100,
        tolerance: float = 1e-4,
        n_restarts: int = 4,
        start_prior: float = 0.1,
        transition_prior: float = 0.1,
        emission_prior: float = 1.0,
        clock: bool = True,
        criterion: str = "held_out",
        seed: int = 0,
    ) -> None:
        self.n_states = n_states
        self.engine = engine
        self.backend = backend
        self.topology = topology
        self.stickiness = stickiness
        self.n_iterations = n_iterations
        self.tolerance = tolerance
        self.n_restarts = n_restarts
        self.start_prior = start_prior
        self.transition_prior = transition_prior
        self.emission_prior = emission_prior
        self.clock = clock
        self.criterion = criterion
        self.seed = seed

    # --- learning -----------------------------------------------------------------------------------------------------

    def fit(
        self,
        corpus: TokenCorpus,
        states: Sequence[Sequence[int] | IntArray] | None = None,
        *,
        seconds: float | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn by EM, or by counting where the `states` of each piece are given; returns self.

        Given states are numbers from 0, one an event; where END has none of its own, the last event's state ends the
        piece. `progress` is told (done, total, label) at each step of EM. After so many `seconds` the best so far is
        kept; half of them are for choosing the number of states.
        """
        numbers, deadline = self._check_params(), Deadline(seconds)
        if not len(corpus.symbols):
            raise EmptyCorpusError("there is nothing to learn from: the corpus has no symbols")
        if states is not None:
            return self._fit_supervised(corpus, states, numbers)
        choices, trials = [], deadline.part(0.5)
        for index, n in enumerate(numbers if numbers[1:] else []):
            if index and trials.passed():
                break
            choices.append(self._tried(corpus, n, index, numbers, progress=progress, deadline=trials))
        n_states = chosen(choices, self.criterion) if choices else numbers[0]
        done = len(choices) * self.n_restarts * self.n_iterations
        found = self._climbed(corpus, n_states, progress, deadline, done=done, n_runs=len(choices) + 1)
        self._settle(corpus, found, choices)
        self.timed_out_ = deadline.hit or trials.hit
        return self

    def _tried(
        self,
        corpus: TokenCorpus,
        n_states: int,
        index: int,
        numbers: Sequence[int],
        *,
        progress: Progress | None,
        deadline: Deadline,
    ) -> Choice:
        """What `n_states` come to: fitted to some pieces, heard on those put aside."""
        aside = put_aside(len(corpus), _random.key(self.seed))
        train, test = corpus.select(np.flatnonzero(~aside)), corpus.select(np.flatnonzero(aside))
        if not len(train.symbols):
            train, test = corpus, corpus.select([])
        done = index * self.n_restarts * self.n_iterations
        found = self._climbed(train, n_states, progress, deadline, done=done, n_runs=len(numbers) + 1)
        held_out = None
        if len(test.symbols):
            log_probs = inference.field_log_probs(found.parameters, observed(test, self._marks(train)), self._room())
            held_out = float(log_probs.sum() / len(log_probs))
        counts, prior, _ = self._prior(train, n_states)
        seen = [int((row > 0).sum()) for count in counts for row in np.atleast_2d(count)]
        n_events = len(observed(train).columns)
        return choice(
            n_states,
            held_out=held_out,
            log_likelihood=found.log_likelihood,
            n_parameters=n_free(prior, seen),
            n_events=n_events,
        )

    def _climbed(
        self,
        corpus: TokenCorpus,
        n_states: int,
        progress: Progress | None,
        deadline: Deadline,
        *,
        done: int,
        n_runs: int,
    ) -> Climb:
        marks = self._marks(corpus)
        observations = observed(corpus, marks)
        _, prior, bases = self._prior(corpus, n_states)
        sizes = table_sizes(corpus.vocabulary, marks)
        return best_climb(
            engine_of(
                self.engine, self.backend, observations, sizes, n_states, in_blocks=any(b.ndim > 1 for b in bases)
            ),
            prior,
            bases,
            n_restarts=self.n_restarts,
            n_iterations=self.n_iterations,
            tolerance=self.tolerance,
            n_events=len(observations.columns),
            key=_random.key(self.seed),
            progress=progress,
            done=done,
            total=n_runs * self.n_restarts * self.n_iterations,
            deadline=deadline,
        )

    def _prior(self, corpus: TokenCorpus, n_states: int) -> tuple[list[FloatArray], Priors, list[FloatArray]]:
        """How often each column of each field comes, the pseudo-counts, and what a state without data emits."""
        marks = self._marks(corpus)
        columns, shapes = observed(corpus, marks).columns, table_shapes(corpus.vocabulary, marks)
        counts = []
        for f, shape in enumerate(shapes):
            size = math.prod(shape)
            found = np.bincount(columns[:, f], minlength=size + 2)[:size]
            counts.append(found.reshape(shape).astype(np.float64))
        masks = declared(corpus.vocabulary)
        bases = [
            block_bases(count, mask) if count.ndim > 1 else base_distribution(count, mask)
            for count, mask in zip(counts, masks, strict=True)
        ]
        prior = priors(
            self.topology,
            n_states,
            bases,
            start=self.start_prior,
            transition=self.transition_prior,
            emission=self.emission_prior,
            stickiness=self.stickiness,
        )
        return counts, prior, bases

    def _fit_supervised(
        self, corpus: TokenCorpus, states: Sequence[Sequence[int] | IntArray], numbers: Sequence[int]
    ) -> Self:
        marks = self._marks(corpus)
        observations = observed(corpus, marks)
        given = checked_states(states, observations, corpus)
        reached = max((int(path.max(initial=-1)) for path in given), default=-1) + 1
        n_states = numbers[0] if len(numbers) == 1 else max(reached, 1)
        if reached > n_states:
            raise InvalidParameterError(
                f"the states given go up to {reached - 1}, and n_states is {n_states}: expected 0 to {n_states - 1}"
            )
        _, prior, bases = self._prior(corpus, n_states)
        events = np.split(observations.columns, observations.offsets[1:-1])
        counts = counted(given, events, n_states, table_sizes(corpus.vocabulary, marks))
        check_topology(counts.start, counts.transitions, prior, self.topology)
        even = Parameters(
            prior.may_start / prior.may_start.sum(),
            prior.may_step / prior.may_step.sum(axis=1, keepdims=True),
            tuple(np.stack([base] * n_states) for base in bases),
        )
        parameters = maximised(counts, prior, even)
        log_likelihood = float(inference.field_log_probs(parameters, observations, self._room()).sum())
        return self._settle(corpus, Climb(parameters, log_likelihood, log_likelihood, 0, converged=True), [])

    def _settle(self, corpus: TokenCorpus, found: Climb, choices: Sequence[Choice]) -> Self:
        marks = self._marks(corpus)
        observations = observed(corpus, marks)
        sizes, n_states = table_sizes(corpus.vocabulary, marks), found.parameters.n_states
        expected = ArrayEngine(observations, sizes, n_states, self._room()).expect(found.parameters)
        self._take(found.parameters, corpus.vocabulary, marks)
        self.occupancy_ = expected.emissions[0].sum(axis=1) / max(len(observations.columns), 1)
        self.places_ = _places(expected.emissions, found.parameters)
        self.dead_ = np.flatnonzero(self.occupancy_ * len(observations.columns) < _DEAD).tolist()
        self.choices_ = tuple(choices)
        self.log_likelihood_ = found.log_likelihood
        self.n_steps_ = found.n_steps
        self.converged_ = found.converged
        self.timed_out_ = self.stale_ = False
        return self

    def _room(self) -> Room:
        """Where arrays are worked on once there are parameters: on a GPU that was asked for, if it is there."""
        return room_on("numpy" if self.backend == "numpy" else "auto")

    def _marks(self, corpus: TokenCorpus) -> IntArray:
        """The marks to listen to."""
        return marks_of(corpus) if self.clock else NO_MARKS

    def _take(self, parameters: Parameters, vocabulary: Vocabulary, marks: IntArray) -> None:
        self.vocabulary_ = vocabulary
        self.parameters_ = parameters
        self.marks_ = marks
        self._tables = parameters.with_padding()

    def _check_params(self) -> list[int]:
        """The numbers of states to try, ascending. Raises InvalidParameterError or UnknownNameError."""
        if self.topology not in TOPOLOGIES:
            raise UnknownNameError("topology", str(self.topology), TOPOLOGIES)
        if self.engine not in ENGINES:
            raise UnknownNameError("engine", str(self.engine), ENGINES)
        if self.criterion not in CRITERIA:
            raise UnknownNameError("criterion", str(self.criterion), CRITERIA)
        for name, least in (("n_iterations", 0), ("n_restarts", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise InvalidParameterError(f"{name} is {value!r}; expected a whole number, {least} or more")
        for name in ("tolerance", "stickiness", "start_prior", "transition_prior", "emission_prior"):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise InvalidParameterError(f"{name} is {value!r}; expected a number, 0 or more")
        return numbers_of_states(self.n_states)

    # --- what was learned ---------------------------------------------------------------------------------------------

    @property
    def n_states_(self) -> int:
        """K."""
        self._check_fitted()
        return self.parameters_.n_states

    @property
    def startprob_(self) -> FloatArray:
        """The probability of each state at the first event: (K,)."""
        self._check_fitted()
        return self.parameters_.start

    @property
    def transmat_(self) -> FloatArray:
        """The probability of each state given the one before: (K, K) as [from, to]."""
        self._check_fitted()
        return self.parameters_.transitions

    @property
    def emissions_(self) -> tuple[FloatArray, ...]:
        """The probability of each symbol of each field given the state: (K, size) each, END last in the first."""
        self._check_fitted()
        return self.parameters_.emissions

    @property
    def log_startprob(self) -> FloatArray:
        """Of `protocols.HiddenChain`: (K,), in nats."""
        return _log(self.startprob_)

    @property
    def log_transmat(self) -> FloatArray:
        """Of `protocols.HiddenChain`: (K, K) as [from, to], in nats."""
        return _log(self.transmat_)

    def log_emissions(self, corpus: TokenCorpus) -> FloatArray:
        """Of `protocols.HiddenChain`: of each event of `corpus`, END among them, given each state: (n_events, K)."""
        columns = self._observed(corpus).columns
        rows = np.zeros((len(columns), self.n_states_))
        for f, table in enumerate(self._tables):
            rows += _log(table)[columns[:, f]]
        return rows

    def chain(self, sequence: Sequence[int] | IntArray, header: Header | None = None) -> Chain:
        """The states of a sequence as a chain of potentials, for `sampling.chains`."""
        unary = self.log_emissions(self._piece(sequence, header))
        unary[:1] += self.log_startprob
        return Chain(unary, self.log_transmat)

    def finite_contexts(self) -> HiddenContexts:
        """Of `protocols.HiddenContextModel`: symbols and hidden states together, for exact sampling."""
        self._check_fitted()
        return HiddenContexts(self.parameters_, self.vocabulary_, self.marks_)

    def state_report(self) -> list[StateReport]:
        """What each state plays; each prints as a line, and `to_json` gives plain numbers."""
        self._check_fitted()
        return state_report(self.parameters_, self.occupancy_, self.vocabulary_, self.marks_, self.places_)

    def remarks(self, corpus: TokenCorpus) -> list[str]:
        """What is worth knowing of a fit to `corpus`: how states were chosen, which died, whether EM settled."""
        self._check_fitted()
        kinds = len(np.unique(observed(corpus).columns, axis=0))
        facts = {
            self._chosen_in_words(): bool(self.choices_),
            "That is the most that was tried: more states may do better still (n_states).": (
                len(self.choices_) > 1 and self.n_states_ == self.choices_[-1].n_states
            ),
            f"{self.n_states_} states for {plural(kinds, 'kind')} of events: some states are spare.": (
                self.n_states_ > kinds
            ),
            self._dead_in_words(): bool(self.dead_),
            f"EM was still gaining after {self.n_steps_} steps: more may help (n_iterations).": (
                not self.converged_ and not self.timed_out_
            ),
            "The time was up before every number of states, every start and every step had its turn: this is the best "
            "so far.": self.timed_out_,
        }
        return [sentence for sentence, holds in facts.items() if holds]

    def _dead_in_words(self) -> str:
        which = ", ".join(map(str, self.dead_))
        said = f"States {which} died: they explain" if len(self.dead_) > 1 else f"State {which} died: it explains"
        return f"{said} no event, and what the prior says is all there is. Try fewer states, or another seed."

    def _chosen_in_words(self) -> str:
        measured = [row for row in self.choices_ if row.held_out is not None]
        tried = ", ".join(str(row.n_states) for row in self.choices_)
        named = {"aic": "AIC", "bic": "BIC", "held_out": "held-out likelihood"}
        alone = self.criterion == "held_out" and not measured
        by = "BIC, there being no piece to put aside" if alone else named[self.criterion]
        figures = "; ".join(
            f"{row.n_states}: {'' if row.held_out is None else f'{-row.held_out / math.log(2):.3f} bits an event, '}"
            f"AIC {row.aic:,.0f}, BIC {row.bic:,.0f}"
            for row in self.choices_
        )
        return f"{self.n_states_} states, of {tried}, by {by} ({figures})."

    # --- hidden states ------------------------------------------------------------------------------------------------

    def decode(self, sequence: Sequence[int] | IntArray, header: Header | None = None) -> IntArray:
        """The likeliest states of all events, that of END last where the sequence holds it: (n_events,).

        Raises VocabularyError for symbols outside the alphabet, UnsatisfiableError for a sequence that is impossible.
        """
        return self.corpus_decode(self._piece(sequence, header))

    def predict_proba(self, sequence: Sequence[int] | IntArray, header: Header | None = None) -> FloatArray:
        """The probability of each state at each event given the whole sequence: (n_events, K). Raises as `decode`."""
        return self.corpus_predict_proba(self._piece(sequence, header))

    def sample_states(
        self,
        sequence: Sequence[int] | IntArray,
        n: int = 1,
        *,
        header: Header | None = None,
        seed: _random.Seed = None,
    ) -> IntArray:
        """`n` independent draws of all states given the whole sequence: (n, n_events). Raises as `decode`.

        Row i depends on the seed and on i alone, not on `n`.
        """
        return self.corpus_sample_states(self._piece(sequence, header), n, seed=seed)

    def corpus_decode(self, corpus: TokenCorpus) -> IntArray:
        """`decode` of all pieces, one after another: (n_events,)."""
        observations = self._observed(corpus)
        path, score = paths.best_paths(self.parameters_, observations, self._room())
        _check_possible(score, corpus)
        return path

    def corpus_predict_proba(self, corpus: TokenCorpus) -> FloatArray:
        """`predict_proba` of all pieces, one after another: (n_events, K)."""
        observations = self._observed(corpus)
        self._check_possible(observations, corpus)
        return inference.posteriors(self.parameters_, observations, self._room())

    def corpus_sample_states(self, corpus: TokenCorpus, n: int = 1, *, seed: _random.Seed = None) -> IntArray:
        """`sample_states` of all pieces, one after another: (n, n_events)."""
        if n < 0:
            raise InvalidParameterError(f"n is {n}; expected how many paths to draw, 0 or more")
        observations = self._observed(corpus)
        self._check_possible(observations, corpus)
        return paths.sampled_paths(self.parameters_, observations, key=_random.key(seed), n=n, room=self._room())

    def _check_possible(self, observations: Observations, corpus: TokenCorpus) -> None:
        if not all(table[:-2].all() for table in self._tables) or (observations.columns > self._silent).any():
            log_probs = inference.field_log_probs(self.parameters_, observations, self._room()).sum(axis=1)
            _check_possible(np.add.reduceat(np.append(log_probs, 0.0), observations.offsets[:-1]), corpus)

    @property
    def _silent(self) -> IntArray:
        return np.array(table_sizes(self.vocabulary_, self.marks_))

    def _observed(self, corpus: TokenCorpus) -> Observations:
        return observed(self._same_symbols(corpus), self.marks_)

    # --- prediction ---------------------------------------------------------------------------------------------------

    def initial_state(
        self,
        batch_size: int = 1,
        header: Header | Sequence[Header | None] | None = None,
    ) -> HmmState:
        """Nothing heard but the clock: (batch_size,) rows."""
        self._check_fitted()
        belief = np.tile(self.parameters_.start, (batch_size, 1))
        clock = self.vocabulary_.clock.start(headers_of(header, batch_size))
        due = np.zeros(batch_size, dtype=np.int64)
        return HmmState(belief, due, blocks(self.vocabulary_.clock.marks(clock), self.marks_), clock)

    def advance(self, state: HmmState, symbols: IntArray) -> HmmState:
        """One more symbol a row: symbols (batch,). A row that hears the impossible believes what it did."""
        belief, due, block, clock = state
        vocabulary = self.vocabulary_
        ended = (symbols == vocabulary.end) | (due == vocabulary.n_fields)
        heard = np.where(ended[:, None], belief, 0.0)
        for f in range(vocabulary.n_fields):
            here = np.flatnonzero((due == f) & ~ended)
            column = symbols[here] - vocabulary.starts[f]
            size = vocabulary.fields[f].size
            width = self.emissions_[f].shape[-1] if self.emissions_[f].ndim > 2 else 0
            inside = (column >= 0) & (column < size)
            column = np.where(inside, block[here] * width + column, len(self._tables[f]) - 1)
            heard[here] = belief[here] * self._tables[f][column]
        total = heard.sum(axis=1, keepdims=True)
        heard = np.where(total > 0, heard / np.where(total > 0, total, 1.0), belief)
        complete = ~ended & (due == vocabulary.n_fields - 1)
        # einsum adds row by row: a row comes out the same in any batch, which products of matrices do not promise
        heard[complete] = np.einsum("bj,jk->bk", heard[complete], self.parameters_.transitions)
        due = np.where(ended, vocabulary.n_fields, (due + 1) % vocabulary.n_fields)
        clock = vocabulary.clock.advance(clock, symbols)
        if len(self.marks_):
            block = np.where(due == 0, blocks(vocabulary.clock.marks(clock), self.marks_), block)
        return HmmState(heard, due, block, clock)

    def next_log_probs(self, state: HmmState) -> FloatArray:
        """(batch, n_symbols): the log probability of every symbol."""
        belief, due, block, _ = state
        vocabulary = self.vocabulary_
        out = np.full((len(due), vocabulary.n_symbols), -np.inf)
        out[due == vocabulary.n_fields, vocabulary.end] = 0.0
        for f, field in enumerate(vocabulary.fields):
            here = np.flatnonzero(due == f)
            if not len(here):
                continue
            table = self.emissions_[f]
            if table.ndim > 2:
                rows = _log(np.einsum("bk,kbs->bs", belief[here], table[:, block[here]]))
            else:
                rows = _log(np.einsum("bk,ks->bs", belief[here], table))
            start = int(vocabulary.starts[f])
            out[here, start : start + field.size] = rows[:, : field.size]
            if f == 0 and vocabulary.closed:
                out[here, vocabulary.end] = rows[:, -1]
        return out

    def corpus_log_probs(self, corpus: TokenCorpus) -> FloatArray:
        """The log probability of every symbol, aligned with `corpus.symbols`, in nats: (n,).

        Raises VocabularyError where `corpus` does not fit the model's vocabulary.
        """
        corpus = self._same_symbols(corpus)
        by_event = inference.field_log_probs(self.parameters_, self._observed(corpus), self._room())
        event, field = event_places(corpus)
        found: FloatArray = by_event[event, field]
        return found

    # --- files and alphabets ------------------------------------------------------------------------------------------

    def restricted(self, vocabulary: Vocabulary) -> Self:
        """The same model over another alphabet of the same declaration, what is left in it shared out anew.

        A symbol that the model's own alphabet lacks becomes as likely as the least likely one of each state.
        """
        self._check_fitted()
        if reason := self.vocabulary_.difference(vocabulary):
            raise VocabularyError(f"the model cannot take this vocabulary: {reason}")
        emissions = []
        for table, mine, theirs in zip(self.emissions_, declared(self.vocabulary_), declared(vocabulary), strict=True):
            least = np.where(table > 0, table, np.inf).min(axis=-1, keepdims=True)
            moved = np.where(mine, table, np.where(np.isfinite(least), least, 1.0)) * theirs
            total = moved.sum(axis=-1, keepdims=True)
            even = theirs / max(int(theirs.sum()), 1)
            emissions.append(np.where(total > 0, moved / np.where(total > 0, total, 1.0), even))
        other = copy(self)
        other._take(self.parameters_._replace(emissions=tuple(emissions)), vocabulary, self.marks_)
        return other

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays."""
        self._check_fitted()
        emissions = zip(self.vocabulary_.fields, self.emissions_, strict=True)
        return {
            "startprob": self.startprob_,
            "transmat": self.transmat_,
            **{f"emissions.{field.name}": table for field, table in emissions},
            "marks": self.marks_,
            "places": self.places_,
            "occupancy": self.occupancy_,
            "dead": np.array(self.dead_, dtype=np.int64),
            "choices": self._choices_as_array(),
            "run": np.array([self.log_likelihood_, self.n_steps_, self.converged_], dtype=np.float64),
        }

    def _choices_as_array(self) -> FloatArray:
        """A row for each number of states; -inf stands for what was not measured."""
        rows = [[-math.inf if figure is None else figure for figure in row] for row in self.choices_]
        return np.array(rows, dtype=np.float64).reshape(-1, len(Choice._fields))

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """Take back what `to_arrays` gave, in a model with the same parameters; returns self."""
        emissions = tuple(np.asarray(arrays[f"emissions.{field.name}"]) for field in vocabulary.fields)
        start, transitions = np.asarray(arrays["startprob"]), np.asarray(arrays["transmat"])
        self._take(Parameters(start, transitions, emissions), vocabulary, np.asarray(arrays["marks"]))
        self.places_ = np.asarray(arrays["places"])
        self.occupancy_ = np.asarray(arrays["occupancy"])
        self.dead_ = np.asarray(arrays["dead"]).tolist()
        self.choices_ = tuple(
            Choice(int(n), None if math.isinf(held_out) else held_out, in_sample, int(learned), aic, bic)
            for n, held_out, in_sample, learned, aic, bic in arrays["choices"].tolist()
        )
        log_likelihood, n_steps, converged = arrays["run"].tolist()
        self.log_likelihood_, self.n_steps_, self.converged_ = log_likelihood, int(n_steps), bool(converged)
        return self


def _places(counts: Sequence[FloatArray], parameters: Parameters) -> FloatArray:
    """How often events of each state begin in each block of the tables, as shares: (K, n_blocks)."""
    pairs = zip(counts, parameters.emissions, strict=True)
    found = next((count.reshape(table.shape).sum(axis=2) for count, table in pairs if table.ndim > 2), None)
    if found is None:
        return np.ones((parameters.n_states, 1))
    total = found.sum(axis=1, keepdims=True)
    shares: FloatArray = np.where(total > 0, found / np.where(total > 0, total, 1.0), 1 / found.shape[1])
    return shares


def _check_possible(scores: FloatArray, corpus: TokenCorpus) -> None:
    impossible = np.flatnonzero(np.isneginf(scores))
    if len(impossible):
        name = corpus.names[int(impossible[0])]
        raise UnsatisfiableError(
            f"no states explain piece {int(impossible[0]) + 1}{f' ({name!r})' if name else ''}: the model holds it to "
            "be impossible. Fit with emission_prior and transition_prior above 0"
        )


def _log(values: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        logs: FloatArray = np.log(values)
    return logs

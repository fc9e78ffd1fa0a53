"""Exact sampling under constraints, for models whose memory is one of finitely many contexts.

Samples follow the model *conditioned* on the constraint: p(piece | accepted) = p(piece) / p(accepted).
Messages computed backward over the product of model and automaton say how likely each context is to end
well; sampling then goes forward, each symbol weighted by the model's probability times the message it leads
to [1, 2]. Only what can be reached is computed, and what repeats from bar to bar is computed once.

[1] F. Pachet, P. Roy, G. Barbieri. Finite-length Markov processes with constraints. IJCAI 2011.
[2] A. Papadopoulos, F. Pachet, P. Roy, J. Sakellariou. Exact sampling for regular and Markov constraints
    with belief propagation. CP 2015.
"""

from __future__ import annotations

from itertools import count
from typing import Any, NamedTuple

import numpy as np

from stochastic_music import _random
from stochastic_music.constraints import conjuncts
from stochastic_music.errors import UnsatisfiableError
from stochastic_music.protocols import (
    AutoregressiveModel,
    Constraint,
    FiniteContextModel,
    FloatArray,
    HiddenContextModel,
    IntArray,
)
from stochastic_music.sampling.ancestral import begun
from stochastic_music.sampling.compiling import by_timing
from stochastic_music.sampling.drawing import NO_START, Sample, as_samples, choose, vocabulary_of
from stochastic_music.sampling.ending import sized
from stochastic_music.sampling.exact.clashes import explained
from stochastic_music.sampling.exact.context_sets import ArcTable
from stochastic_music.sampling.exact.messages import Messages
from stochastic_music.sampling.exact.product import END, Product
from stochastic_music.sampling.exact.setting import Setting
from stochastic_music.sampling.shaping import Shaping
from stochastic_music.tokens import Header, Vocabulary

#: arcs of the product, some 100 bytes each
MAX_ARCS = 25_000_000
#: how often pieces of a length that was not asked for are drawn again before the length is conditioned on as well
PATIENCE = 16
#: added to the 64-bit seed for each time; keys of 128 bits leave room above every seed
_NEXT = 1 << 64
#: the step whose uniforms say where chains begin: none of the others
_FIRST = (1 << 62) - 1


class ExactSampler:
    """A model conditioned on a constraint under one header: prepare once, draw as often as you like.

    `log_evidence` is the log probability (nats) that the (reshaped) model meets the constraint by itself.
    `tables` hold the messages, for samplers that are guided by them.
    `table` is that of another sampler of the same model and shaping, whose arcs need not be fetched again.
    Pieces begin with `start`, on which all is conditioned: what is drawn, and returned, comes after it.
    For a model of hidden contexts it takes what `finite_contexts` gives, and draws these contexts as well.
    Raises UnsatisfiableError where nothing can be accepted, ProductTooLargeError where the product grows
    past `max_arcs`.
    """

    def __init__(
        self,
        model: FiniteContextModel,
        constraint: Constraint,
        header: Header | None = None,
        *,
        shaping: Shaping | None = None,
        max_arcs: int = MAX_ARCS,
        table: ArcTable | None = None,
        start: IntArray = NO_START,
    ) -> None:
        self.header = header
        self.vocabulary: Vocabulary = vocabulary_of(model)
        parts, table = conjuncts(constraint), table or ArcTable(model, shaping or Shaping())
        setting = Setting(table, self.vocabulary, header, max_arcs, start)
        product = setting.product(parts)
        messages = Messages(product)
        self.bounded = not any(stage.cyclic for stage in messages.stages)
        self.log_evidence = float(np.logaddexp.reduce(messages.start_weights))
        if self.log_evidence == -np.inf:
            raise UnsatisfiableError(explained(setting, parts))
        self.tables = Tables(product, messages)

    def draw(self, chains: IntArray, *, key: int, max_events: int | None = None) -> tuple[IntArray, FloatArray]:
        """Symbols and their log probabilities under the model, filled up with END: both (len(chains), n_steps).

        Chain i takes its uniforms from lane i of `key`, whichever chains it is drawn with. A constraint that limits the
        length itself is always met; elsewhere chains stop after `max_events` events, ended or not.
        """
        tables, n = self.tables, len(chains)
        place = tables.begin(_random.uniforms(key, _FIRST, int(chains.max(initial=0)) + 1)[chains])
        columns, scores = [], []
        cut = None if max_events is None or self.bounded else max_events * self.vocabulary.n_fields + 1
        for step in count() if cut is None else range(cut):
            active = np.flatnonzero(place != tables.end)
            if not len(active):
                break
            uniforms = _random.uniforms(key, step, int(chains.max()) + 1)[chains[active]]
            arc, place[active] = tables.step(place[active], uniforms)
            columns.append(np.full(n, self.vocabulary.end, dtype=np.int64))
            columns[-1][active] = tables.symbol[arc]
            scores.append(np.zeros(n))
            scores[-1][active] = tables.log_prob[arc]
        return np.stack(columns, axis=1), np.stack(scores, axis=1)


class Options(NamedTuple):
    """What chains may do next, padded to the most that one of them may: (n, most) each.

    `arc` is a place in the table of arcs, `there` the place it leads to, `log_weight` the log of its probability as it
    is sampled from, -inf in padding.
    """

    arc: IntArray
    there: IntArray
    log_weight: FloatArray


class Tables:
    """Product and messages laid flat, so that chains at any nodes step together.

    A chain's *place* is the index of its message in `value`, which tells the stage and the row of its context there.
    """

    def __init__(self, product: Product, messages: Messages) -> None:
        self.symbol, self.log_prob, self.weight = product.table.symbol, product.table.log_prob, product.table.weight
        self.value = messages.values
        self.starts, self.start_weights = messages.starts, messages.start_weights
        self.end = int(messages.offset[END])
        stages, plans = messages.stages, list(dict.fromkeys(messages.plans))
        entries = _starts([len(plan.arcs) for plan in plans])
        self._first = np.concatenate([plan.first[:-1] + e for plan, e in zip(plans, entries, strict=True)])
        self._count = np.concatenate([np.diff(plan.first) for plan in plans])
        self._arc = np.concatenate([plan.arcs for plan in plans])
        self._slot = np.concatenate([plan.slot for plan in plans])
        self._column = np.concatenate([plan.column for plan in plans])
        rows = dict(zip(plans, _starts([len(plan.first) - 1 for plan in plans]), strict=True))
        self._begins = messages.offset[[stage.nodes[0] for stage in stages]]  # the first place of each stage
        self._row = np.array([rows[plan] for plan in messages.plans]) - self._begins
        self._slots = _starts([len(stage.targets) for stage in stages])
        paired = zip(stages, messages.plans, strict=True)
        offset = [messages.offset[stage.targets] - plan.base for stage, plan in paired]
        self._shift = np.concatenate(offset)  # from a column of a stage's target to its place

    def begin(self, uniforms: FloatArray) -> IntArray:
        """The place at which each chain begins: (n,)."""
        weights = np.exp(self.start_weights - self.start_weights.max())
        begins: IntArray = self.starts[choose(np.broadcast_to(weights, (len(uniforms), len(weights))), uniforms)]
        return begins

    def options(self, place: IntArray) -> Options:
        """What chains at these places, none of them the end, may do next."""
        stage = np.searchsorted(self._begins, place, side="right") - 1
        row = self._row[stage] + place
        first, count = self._first[row], self._count[row]
        within = np.arange(count.max()) < count[:, None]
        at = first[:, None] + np.where(within, np.arange(count.max()), 0)
        arc, there = self._arc[at], self._column[at] + self._shift[self._slots[stage][:, None] + self._slot[at]]
        return Options(arc, there, np.where(within, self.weight[arc], -np.inf))

    def step(self, place: IntArray, uniforms: FloatArray) -> tuple[IntArray, IntArray]:
        """The arc each chain takes, and the place it leads to: both (n,)."""
        arc, there, log_weight = self.options(place)
        chosen = choose(np.exp(log_weight + self.value[there] - self.value[place][:, None]), uniforms)
        each = np.arange(len(place))
        return arc[each, chosen], there[each, chosen]


def _starts(sizes: list[int]) -> IntArray:
    """Where each of some arrays begins, laid end to end."""
    return np.cumsum([0, *sizes], dtype=np.int64)[:-1]


def finite_contexts(model: Any, shaping: Shaping) -> FiniteContextModel | None:
    """What exact sampling walks: the model itself, or its contexts told; None where there are none that it can.

    Hidden contexts cannot be reshaped: their arcs are not the model's own probabilities.
    """
    if isinstance(model, FiniteContextModel):
        return model
    return model.finite_contexts() if isinstance(model, HiddenContextModel) and shaping.neutral else None


def exact(
    model: Any,
    headers: list[Header | None],
    constraint: Constraint,
    *,
    key: int,
    max_events: int,
    shaping: Shaping | None = None,
    max_arcs: int = MAX_ARCS,
    start: IntArray = NO_START,
    least_events: int | None = None,
) -> list[Sample]:
    """One sample a header that begins with `start`, conditioned on `constraint`; see the module's article.

    The `model` has contexts that `finite_contexts` finds. A constraint that limits the length itself is never cut;
    without one, a chain is capped at `max_events` events. With `least_events` pieces are conditioned on having so many
    events or more, and on not being capped: others are drawn again, and after PATIENCE times under a constraint that
    counts, which gives the same distribution and is dearer to prepare.
    """
    vocabulary, contexts = vocabulary_of(model), finite_contexts(model, shaping or Shaping())
    assert contexts is not None  # noqa: S101 - callers made sure
    samples: dict[int, Sample] = {}
    table, n_fields = ArcTable(contexts, shaping or Shaping()), vocabulary.n_fields

    def conditioned(header: Header | None, asked: Constraint) -> ExactSampler:
        return ExactSampler(contexts, asked, header, max_arcs=max_arcs, table=table, start=start)

    def drawn(sampler: ExactSampler, chains: list[int], key: int) -> list[Sample]:
        left, under = max_events - len(start) // n_fields, [headers[i] for i in chains]
        symbols, scores = sampler.draw(np.array(chains), key=key, max_events=left)
        if contexts is not model:
            scores = scored(model, under, symbols, start)
        most = max_events * n_fields
        return as_samples(symbols, scores, under, end=vocabulary.end, most=most, guarantee="exact", start=start)

    def longer(header: Header | None, most: int | None) -> ExactSampler:
        try:
            return conditioned(header, sized(constraint, least=least_events or 0, most=most))
        except UnsatisfiableError as error:
            raise (error if most else _nothing_after(constraint)) from None

    for group in by_timing(headers, constraint):
        chains, header = group, headers[group[0]]
        sampler = conditioned(header, constraint)
        for attempt in range(PATIENCE + 1):
            found = dict(zip(chains, drawn(sampler, chains, key + attempt * _NEXT), strict=True))
            samples |= found
            chains = [i for i, one in found.items() if _is_unfit(one, least_events, n_fields)]
            if not chains:
                break
            if attempt == PATIENCE - 1:
                sampler = longer(header, None if sampler.bounded else max_events)
    return [samples[i] for i in range(len(headers))]


def _nothing_after(constraint: Constraint) -> UnsatisfiableError:
    return UnsatisfiableError(
        f"nothing comes after the start, which {constraint} takes for whole: ask for more bars or notes (--bars N, "
        "--length N), or give a shorter start"
    )


def _is_unfit(drawn: Sample, least_events: int | None, n_fields: int) -> bool:
    """Whether a piece is cut, or has fewer events than are asked for; None: any will do."""
    return least_events is not None and (drawn.capped or len(drawn.symbols) <= least_events * n_fields)


def scored(
    model: AutoregressiveModel[Any], headers: list[Header | None], symbols: IntArray, start: IntArray
) -> FloatArray:
    """The log probability of each of the `symbols` (n, n_steps), which come after `start`, under `model`."""
    state, rows = begun(model, headers, start, None), np.arange(len(symbols))
    scores = np.zeros(symbols.shape)
    for step, column in enumerate(symbols.T):
        scores[:, step] = model.next_log_probs(state)[rows, column]
        state = model.advance(state, column)
    return scores

"""Forms, exactly: sections that come back are one variable.

For a model of finitely many contexts. A letter of the plan is drawn once, all its sections growing together: each
stands at a *place* of its own (a context of the model with a state of the automaton of all other demands), takes its
own form of the common symbol, and the weight of that symbol is the product of what the model says in each. So the
potentials of a tied variable are sums of logarithms over its copies.

What joins the sections are the places between them. Where a section begins with the end of one that is drawn later, or
that grows beside it, its first place is not known yet: all places are tried, and a way is kept if the earlier section
does end there. The letters are drawn in the order in which they come, each letter's symbols one after another; what is
known so far is a *row* of places: where the sections now growing stand, where finished ones ended if that still
matters, and what was supposed. The rows met after each symbol form a layer. Every arc leads to a later layer, so one
sweep backward over the layers gives all messages, and one forward draws exactly, as in `exact`.

Their number grows with the product of the contexts that are possible at the lines whose places must be supposed. It is
small for small models; where it is not, ProductTooLargeError is raised, and particles take over. Varied sections are
not functions of the first: for them there are particles only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stochastic_music import _random
from stochastic_music.constraints.form import form_of
from stochastic_music.errors import ProductTooLargeError, UnsatisfiableError
from stochastic_music.protocols import Constraint, FiniteContextModel, FloatArray, IntArray
from stochastic_music.sampling.compiling import by_timing
from stochastic_music.sampling.drawing import Sample, choose, vocabulary_of
from stochastic_music.sampling.exact.places import Places
from stochastic_music.sampling.exact.sampler import MAX_ARCS, ExactSampler
from stochastic_music.sampling.particles.forms import Plan, is_pitched
from stochastic_music.sampling.shaping import Shaping
from stochastic_music.tokens import Header, Vocabulary

#: in a row: nothing known, or nothing that still matters
_NONE = -1
#: what a row costs, for each place in it, in arcs of an ordinary product
_COST = 8
#: the symbol of an arc from the end of one letter to the beginning of the next
_TURN = -1


@dataclass(eq=False)
class _Layer:
    """Rows that were met after equally many symbols of a letter, and the arcs that leave them.

    `number` is that of the first row. An arc is (row in the layer, number of the row it leads to, weight, symbol).
    """

    rows: IntArray
    number: int
    arcs: list[tuple[IntArray, IntArray, FloatArray, IntArray]] = field(default_factory=list)


class CopySampler:
    """A model conditioned on a form, and on what is joined with it, under one header; see the module's article.

    `log_evidence` is the log probability (nats) that the (reshaped) model meets them by itself. Raises
    UnsatisfiableError where nothing can, ProductTooLargeError where there is too much to sum over.
    """

    def __init__(
        self,
        model: FiniteContextModel,
        constraint: Constraint,
        header: Header | None = None,
        *,
        shaping: Shaping | None = None,
        max_arcs: int = MAX_ARCS,
    ) -> None:
        form, regular = form_of(constraint)
        assert form is not None  # noqa: S101 - callers made sure
        assert regular is not None  # noqa: S101 - a form has a regular part
        if any(section.varied for section in form.sections):
            raise ProductTooLargeError(f"{form}: a varied section is no function of the first one: use particles")
        self.vocabulary: Vocabulary = vocabulary_of(model)
        under = header or Header(self.vocabulary.resolution)
        tables = ExactSampler(model, regular, header, shaping=shaping, max_arcs=max_arcs).tables
        self.plan = Plan.of(form, self.vocabulary, under, self.vocabulary.mask)
        self.places = Places.of(tables, self.vocabulary, under)
        self._n, self._rests = len(form.sections), self.vocabulary.fields[0].advances == "now"
        self._start, self._left = int(tables.starts[0]), max_arcs // (_COST * (2 * self._n + 1))
        self._layers = self._grown()
        self._settle()
        if self.log_evidence == -np.inf:
            raise UnsatisfiableError(f"nothing this model can play has the form {form} with all else that is asked for")

    def _grown(self) -> list[_Layer]:
        """All layers, from the one before the first letter to the one after the last."""
        layers = [_Layer(np.full((1, 2 * self._n + 1), _NONE), 0)]
        ends = [(layers[0], np.zeros(1, dtype=np.int64), np.zeros(1), layers[0].rows)]
        for letter in sorted(set(self.plan.first.tolist())):
            sections = np.flatnonzero(self.plan.first == letter)
            source, rows = self._opened(np.concatenate([end[3] for end in ends]), sections)
            self._turn(layers, ends, source, rows)
            ends = self._letter(layers, sections)
        rows = np.concatenate([end[3] for end in ends])
        self._turn(layers, ends, np.arange(len(rows)), rows[:, :0])
        return layers

    def _turn(
        self,
        layers: list[_Layer],
        ends: list[tuple[_Layer, IntArray, FloatArray, IntArray]],
        source: IntArray,
        rows: IntArray,
    ) -> None:
        """Join the `ends` of a letter, laid end to end, to a new layer: end `source[i]` leads to `rows[i]`."""
        new, target = self._layer(layers, rows)
        where = np.repeat(np.arange(len(ends)), [len(end[1]) for end in ends])[source]
        row, weight = (np.concatenate([end[i] for end in ends])[source] for i in (1, 2))
        for i, end in enumerate(ends):
            own = where == i
            end[0].arcs.append((row[own], target[own], weight[own], np.full(int(own.sum()), _TURN)))
        layers.append(new)

    def _layer(self, layers: list[_Layer], rows: IntArray) -> tuple[_Layer, IntArray]:
        """The layer of distinct `rows`, after those that are there, and the number of each row."""
        self._left -= len(rows)
        self._allow(0)
        distinct, place = np.unique(rows, axis=0, return_inverse=True)
        number = layers[-1].number + len(layers[-1].rows)
        return _Layer(distinct, number), number + place.ravel()

    def _allow(self, n_rows: int) -> None:
        if n_rows > self._left:
            raise ProductTooLargeError(
                f"{self.plan.form} and the model together are too large to sum over: use a lower order, raise "
                "max_arcs, or ask for method='particle'"
            )

    def _letter(self, layers: list[_Layer], sections: IntArray) -> list[tuple[_Layer, IntArray, FloatArray, IntArray]]:
        """Grow the sections of a letter from the last layer on; the rows of all layers where the letter may end."""
        ends, step = [], 0
        while len(layers[-1].rows):
            layer, due = layers[-1], step % self.vocabulary.n_fields
            if step and due == 0:
                ends.append((layer, *self._ended(layer.rows, sections)))
            source, rows, weight, symbol = self._followed(layer.rows, sections, step)
            if not len(rows):
                break
            new, target = self._layer(layers, rows)
            layer.arcs.append((source, target, weight, symbol))
            layers.append(new)
            step += 1
        return ends

    def _opened(self, rows: IntArray, sections: IntArray) -> tuple[IntArray, IntArray]:
        """The rows with which sections begin, and which of `rows` each goes on from."""
        source = np.arange(len(rows))
        for section in sections.tolist():
            if section == 0:
                rows[:, 0] = self._start
            elif self.plan.first[section - 1] < sections[0]:
                rows[:, section], rows[:, section - 1] = rows[:, section - 1].copy(), _NONE
            else:
                supposed = self._beginnings(section)
                self._allow(len(rows) * len(supposed))
                source, rows = np.repeat(source, len(supposed)), np.repeat(rows, len(supposed), axis=0)
                places = np.tile(supposed, len(rows) // max(len(supposed), 1))
                rows[:, section] = rows[:, self._n + section] = places
        return source, rows

    def _beginnings(self, section: int) -> IntArray:
        """The places at which the section before may end, and from which this one can begin."""
        places, time = self.places, self.places.time
        ends = np.flatnonzero((places.due == 0) & (self._section(time - 1) == section - 1))
        row, arc = places.arcs_of(ends)
        onset = time[places.there[arc]] if self._rests else time[ends[row]]
        begins = (self._section(onset) == section) & (places.symbol(arc) != self.vocabulary.end)
        beginnings: IntArray = ends[np.unique(row[begins])]
        return beginnings

    def _section(self, time: IntArray) -> IntArray:
        section: IntArray = np.searchsorted(self.plan.lines, time, side="right") - 1
        return section

    def _followed(
        self, rows: IntArray, sections: IntArray, step: int
    ) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
        """One more symbol of a letter: where each way comes from, the rows, the weights, the first section's symbol."""
        places, due, own = self.places, step % self.vocabulary.n_fields, int(sections[0])
        source, arc = places.arcs_of(rows[:, own])
        symbol = places.symbol(arc)
        kept = symbol != self.vocabulary.end
        if due == 0:
            onset = places.time[places.there[arc]] if self._rests else places.time[rows[source, own]]
            kept &= self._section(onset) == own
        source, arc, symbol = source[kept], arc[kept], symbol[kept]
        following, weight = rows[source], places.weight[arc]
        following[:, own] = places.there[arc]
        if step == int(is_pitched(self.vocabulary).argmax()):
            following[:, -1] = self._first_pitch(sections, symbol)
        alive = np.ones(len(source), dtype=bool)
        for section in sections[1:].tolist():
            taken = self._taken(section, rows[source], following[:, -1], symbol, step)
            arc, found = places.find(rows[source, section], taken)
            following[:, section], weight, alive = places.there[arc], weight + places.weight[arc], alive & found
        return source[alive], following[alive], weight[alive], symbol[alive]

    def _first_pitch(self, sections: IntArray, symbol: IntArray) -> IntArray | int:
        """What is to be remembered of the first pitch of a letter: nothing, unless a section is inverted."""
        inverted = any(len(self.plan.moves[section]) > 1 for section in sections.tolist())
        return self.vocabulary.values(symbol) if inverted else _NONE

    def _taken(self, section: int, rows: IntArray, pitch: IntArray, symbol: IntArray, step: int) -> IntArray:
        """The symbols that a section has where the first of its letter has `symbol` (n,); -1 where there is none."""
        if step == 0 and self._rests:
            first = int(self.plan.first[section])
            silence = self.plan.lines[[first, section]] - self.places.time[rows[:, [first, section]]]
            taken = symbol - silence[:, 0] + silence[:, 1]
            return np.where((taken >= 0) & (taken < self.vocabulary.starts[1]), taken, -1)
        moves = self.plan.moves[section]
        return moves[np.maximum(pitch, 0) if len(moves) > 1 else np.zeros_like(symbol), symbol]

    def _ended(self, rows: IntArray, sections: IntArray) -> tuple[IntArray, FloatArray, IntArray]:
        """The rows in which a letter may end, what that weighs, and what of them still matters."""
        after, weight, alive = rows.copy(), np.zeros(len(rows)), np.ones(len(rows), dtype=bool)
        after[:, -1] = _NONE
        for section in sections.tolist():
            place = rows[:, section]
            if section == self._n - 1:
                arc, found = self.places.find(place, np.full(len(rows), self.vocabulary.end))
                weight, alive = weight + self.places.weight[arc], alive & found
            elif self.plan.first[section + 1] <= sections[0]:
                alive &= rows[:, self._n + section + 1] == place
                after[:, self._n + section + 1] = _NONE
            else:
                continue
            after[:, section] = _NONE
        kept = np.flatnonzero(alive)
        return kept, weight[kept], after[kept]

    def _settle(self) -> None:
        """Lay all arcs flat, in the order of their rows, and find the messages."""
        arcs = [
            (layer.number + row, target, weight, symbol)
            for layer in self._layers
            for row, target, weight, symbol in layer.arcs
        ]
        source, target, weight, symbol = (np.concatenate(column) for column in zip(*arcs, strict=True))
        order = np.argsort(source, kind="stable")
        self._target, self._weight, self._symbol = target[order], weight[order], symbol[order]
        self._end = self._layers[-1].number
        self._first = np.searchsorted(source[order], np.arange(self._end + 2))
        self._value = np.full(self._end + 1, -np.inf)
        if len(self._layers[-1].rows):
            self._value[self._end] = 0.0
        for layer in reversed(self._layers[:-1]):
            own = slice(layer.number, layer.number + len(layer.rows))
            first = self._first[layer.number : layer.number + len(layer.rows) + 1]
            within = slice(first[0], first[-1])
            self._value[own] = _log_sums(first - first[0], self._weight[within] + self._value[self._target[within]])
        self.log_evidence = float(self._value[0])

    def draw(self, chains: IntArray, *, key: int) -> list[tuple[IntArray, float]]:
        """A piece each with its log probability under the model; chain i takes its uniforms from lane i of `key`."""
        at, steps = np.zeros(len(chains), dtype=np.int64), list[IntArray]()
        while (going := np.flatnonzero(at != self._end)).size:
            uniforms = _random.uniforms(key, len(steps), int(chains.max()) + 1)[chains[going]]
            arc = self._chosen(at[going], uniforms)
            steps.append(np.full(len(chains), _TURN))
            steps[-1][going], at[going] = self._symbol[arc], self._target[arc]
        return [self._piece(column) for column in np.array(steps).T]

    def _chosen(self, at: IntArray, uniforms: FloatArray) -> IntArray:
        """The arc that each chain takes from its row."""
        first, count = self._first[at], self._first[at + 1] - self._first[at]
        place = np.arange(count.max())
        arc = first[:, None] + np.where(place < count[:, None], place, 0)
        weight = self._weight[arc] + self._value[self._target[arc]] - self._value[at][:, None]
        chosen = choose(np.where(place < count[:, None], np.exp(weight), 0.0), uniforms)
        taken: IntArray = arc[np.arange(len(at)), chosen]
        return taken

    def _piece(self, drawn: IntArray) -> tuple[IntArray, float]:
        """The piece whose letters were drawn, a turn before each and after the last, and its log probability."""
        turns = np.flatnonzero(drawn == _TURN)
        letters = dict.fromkeys(self.plan.first.tolist())
        material = {letter: drawn[turns[i] + 1 : turns[i + 1]] for i, letter in enumerate(letters)}
        place, log_prob, symbols = np.array([self._start]), 0.0, []
        silence: dict[int, int] = {}
        for section, letter in enumerate(self.plan.first.tolist()):
            own = self._own(section, material[letter])
            if self._rests:
                time, rest = int(self.places.time[place[0]]), int(self.vocabulary.values(own[:1])[0])
                since = silence.setdefault(letter, time + rest - int(self.plan.lines[section]))
                own[0] += int(self.plan.lines[section]) + since - time - rest
            for symbol in [*own.tolist(), *([self.vocabulary.end] if section == self._n - 1 else [])]:
                arc, _ = self.places.find(place, np.array([symbol]))
                place, log_prob = self.places.there[arc], log_prob + float(self.places.log_prob[arc][0])
                symbols.append(symbol)
        return np.array(symbols, dtype=np.int64), log_prob

    def _own(self, section: int, symbols: IntArray) -> IntArray:
        """What a section makes of the symbols of the first one; its first rest is that of the first one still."""
        moves, pitched = self.plan.moves[section], int(is_pitched(self.vocabulary).argmax())
        pitch = int(self.vocabulary.values(symbols[pitched : pitched + 1])[0]) if len(moves) > 1 else 0
        moved: IntArray = moves[pitch, symbols]
        return moved


def _log_sums(first: IntArray, terms: FloatArray) -> FloatArray:
    """The log of the sum of the exponentials of `terms[first[i] : first[i + 1]]`, -inf of none: (n,)."""
    sums, filled = np.full(len(first) - 1, -np.inf), first[1:] > first[:-1]
    if filled.any():
        sums[filled] = np.logaddexp.reduceat(terms, first[:-1][filled])
    return sums


def exact_copies(
    model: FiniteContextModel,
    headers: list[Header | None],
    constraint: Constraint,
    *,
    key: int,
    shaping: Shaping | None = None,
    max_arcs: int = MAX_ARCS,
) -> list[Sample]:
    """One sample a header that has the form in `constraint`, conditioned on all of it; see the module's article."""
    samples: dict[int, Sample] = {}
    for chains in by_timing(headers, constraint):
        sampler = CopySampler(model, constraint, headers[chains[0]], shaping=shaping, max_arcs=max_arcs)
        for i, (symbols, log_prob) in zip(chains, sampler.draw(np.array(chains), key=key), strict=True):
            samples[i] = Sample(symbols, log_prob, headers[i], "exact", capped=False)
    return [samples[i] for i in range(len(headers))]

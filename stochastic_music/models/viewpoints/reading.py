"""Reading along: from symbols heard to the keys of all contexts, for a batch of pieces side by side.

Before each symbol a `Reading` knows, for the field now due, the key of every term's context and the reference of
every viewpoint that predicts the field. It is the one place where contexts are made: learning reads the corpus with
it, and so do prediction and composition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse

from stochastic_music.errors import InvalidParameterError
from stochastic_music.models.viewpoints.language import Term, known_from, resolve
from stochastic_music.models.viewpoints.past import NONE, Past
from stochastic_music.models.viewpoints.tables import END, Keys
from stochastic_music.models.viewpoints.viewpoint import Viewpoint
from stochastic_music.models.viewpoints.voices import NO_PITCH, Columns, Sounding
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Header, Vocabulary

#: the multipliers of all keys come from this
_MULTIPLIERS = 0x6D75736963


class Memory(NamedTuple):
    """What one field brought in the piece so far.

    `keys` of the short-term terms are (batch, n_events, n_short), `symbols` (batch, n_events, n_targets).
    """

    keys: Keys
    symbols: IntArray

    def rows(self, chosen: slice | IntArray) -> Memory:
        """Some of the rows."""
        return Memory(self.keys[chosen], self.symbols[chosen])


class Reading(NamedTuple):
    """Where a batch stands; see the module's article.

    `field` is due; `keys` (batch, n_terms) and `references` (batch, n_targets) are those of its terms and targets.
    `present` (batch, n_viewpoints) holds what is known of the event under way, `recent` (batch, depth, n_viewpoints)
    the events before it, latest first, `memories` one `Memory` a field.
    """

    past: Past
    field: int
    present: IntArray
    recent: IntArray
    keys: Keys
    references: IntArray
    memories: tuple[Memory, ...]

    def rows(self, chosen: slice | IntArray) -> Reading:
        """Some of the rows."""
        memories = tuple(memory.rows(chosen) for memory in self.memories)
        return self._replace(
            past=self.past.rows(chosen),
            present=self.present[chosen],
            recent=self.recent[chosen],
            keys=self.keys[chosen],
            references=self.references[chosen],
            memories=memories,
        )


@dataclass(frozen=True, eq=False)
class FieldPlan:
    """The terms that predict one field.

    `targets` are the viewpoints derived from it, and `target` (n_terms,) says which of them a term counts. `parts`
    (n_rows,) are the viewpoints as they were written, those of the long terms before those of the short ones.
    `multiplier` is (n_terms, (depth + 1) * n_viewpoints + n_columns), `salt` (n_terms,); `columns` are what contexts
    read off voices. A term is silent before `least` events. `n_long` terms are counted in the corpus, and those
    numbered `short` in the piece so far.
    """

    terms: tuple[Term, ...]
    n_long: int
    short: IntArray
    parts: tuple[str, ...]
    targets: tuple[Viewpoint, ...]
    target: IntArray
    least: IntArray
    columns: Columns
    multiplier: sparse.csr_matrix
    salt: Keys

    @property
    def n_rows(self) -> int:
        """How many weights are learned together: the long terms', then the short ones'."""
        return self.n_long + len(self.short)

    @property
    def rows(self) -> list[str]:
        """The names of these."""
        return [*map(str, self.terms[: self.n_long]), *(f"{self.terms[i]}, short" for i in self.short)]

    @cached_property
    def folds(self) -> tuple[IntArray, IntArray]:
        """Which targets take octaves off a distance, and which take its sign."""
        folds = np.array([viewpoint.fold for viewpoint in self.targets])
        return np.flatnonzero(folds == "class"), np.flatnonzero(folds == "sign")

    def see(self, values: IntArray, references: IntArray) -> IntArray:
        """What each target sees of values: (n or 1, m), from references (n, n_targets): (n, n_targets, m).

        Values below 0 are seen alike from everywhere.
        """
        octaves, signs = self.folds
        out = values[:, None, :] - references[:, :, None]
        fixed = values < 0
        if len(octaves):
            out[:, octaves] %= 12
        if len(signs):
            out[:, signs] = np.sign(out[:, signs])
        if fixed.any():
            out = np.where(fixed[:, None], END + values[:, None], out)
        out[references == NONE] = NONE
        return out


class Reader:
    """Reads pieces over one vocabulary with given terms; see the module's article.

    `long` and `short` give the terms by field name.
    """

    def __init__(
        self, vocabulary: Vocabulary, long: Mapping[str, Sequence[Term]], short: Mapping[str, Sequence[Term]]
    ) -> None:
        self.vocabulary = vocabulary
        everything = [term for group in (long, short) for terms in group.values() for term in terms]
        resolved = {name: resolve(name, vocabulary) for term in everything for name in _names(term)}
        named = {name: found for name, found in resolved.items() if isinstance(found, Viewpoint)}
        self._soundings = {name: found for name, found in resolved.items() if isinstance(found, Sounding)}
        self.depth = max((lag for term in everything for name, lag in term.context if name in named), default=1) or 1
        fields = {field.name: Viewpoint(field.name, None, field=field.name) for field in vocabulary.fields}
        self.viewpoints = list({**fields, **named}.values())
        self._index = {viewpoint.name: i for i, viewpoint in enumerate(self.viewpoints)}
        self._lasting = [(i, viewpoint) for i, viewpoint in enumerate(self.viewpoints) if viewpoint.lasting]
        self._observed = [self._observed_at(f) for f in range(vocabulary.n_fields)]
        self.plans = tuple(self._plan(f.name, long.get(f.name, ()), short.get(f.name, ())) for f in vocabulary.fields)

    def _observed_at(self, field: int) -> list[int]:
        """The observed viewpoints whose value is known just before `field`."""
        last = self.vocabulary.n_fields
        late = [v.name for v in self.viewpoints if not v.field and known_from(v, self.vocabulary) == last]
        if late:
            raise InvalidParameterError(f"the viewpoint '{late[0]}' is known only when its event is over")
        known = [not v.field and known_from(v, self.vocabulary) == field for v in self.viewpoints]
        return np.flatnonzero(known).tolist()

    def _plan(self, field: str, long: Sequence[Term], short: Sequence[Term]) -> FieldPlan:
        terms = tuple(dict.fromkeys((*long, *short)))
        targets = [v for v in self.viewpoints if v.field == field]
        numbers = {v.name: i for i, v in enumerate(targets)}
        target = np.array([numbers[term.target] for term in terms], dtype=np.int64)
        least = np.array([term.least for term in terms], dtype=np.int64)
        chosen = np.array([terms.index(term) for term in short], dtype=np.int64)
        parts = (*(term.part for term in long), *(f"{term.part}, short" for term in short))
        columns, places = self._places(terms, target if field in self.vocabulary.voices else [NO_PITCH] * len(terms))
        multiplier, salt = self._hashing(field, terms, places, len(columns))
        return FieldPlan(terms, len(long), chosen, parts, tuple(targets), target, least, columns, multiplier, salt)

    def _places(self, terms: Sequence[Term], seen_from: Sequence[int] | IntArray) -> tuple[Columns, list[list[int]]]:
        """Where each term finds its context, and what that reads off other voices, from the reference of a target."""
        pairs = [(term, int(target)) for term, target in zip(terms, seen_from, strict=True)]
        heard = [(name, lag, target) for term, target in pairs for name, lag in term.context if name in self._soundings]
        columns = Columns([(self._soundings[name], lag, target) for name, lag, target in heard])
        first = (self.depth + 1) * len(self.viewpoints)

        def of(name: str, lag: int, target: int) -> Iterable[int]:
            if name in self._soundings:
                return (first + place for place in columns.places[name, lag, target])
            return [lag_column(self._index[name], lag, len(self.viewpoints))]

        return columns, [
            [place for name, lag in term.context for place in of(name, lag, target)] for term, target in pairs
        ]

    def _hashing(
        self, field: str, terms: Sequence[Term], places: Sequence[Sequence[int]], n_columns: int
    ) -> tuple[sparse.csr_matrix, Keys]:
        """Random multipliers: those of a term follow from the field and its own name alone."""
        values, salts = [], []
        for term, mine in zip(terms, places, strict=True):
            random = np.random.default_rng([_MULTIPLIERS, *f"{field} {term}".encode()])
            values.append(random.integers(1, 1 << 63, len(mine), dtype=np.uint64) * np.uint64(2) + np.uint64(1))
            salts.append(random.integers(1, 1 << 63, dtype=np.uint64))
        shape = (len(terms), (self.depth + 1) * len(self.viewpoints) + n_columns)
        data = np.concatenate([np.zeros(0, dtype=np.uint64), *values])
        columns = np.array([place for mine in places for place in mine], dtype=np.int64)
        matrix = sparse.csr_matrix((data, columns, np.cumsum([0, *map(len, places)])), shape=shape)
        return matrix, np.array(salts, dtype=np.uint64)

    def begin(self, headers: Sequence[Header | None]) -> Reading:
        """Nothing heard yet, one row a header."""
        n, width = len(headers), len(self.viewpoints)
        present = np.full((n, width), NONE)
        recent = np.full((n, self.depth, width), NONE)
        memories = tuple(
            Memory(np.zeros((n, 0, len(p.short)), dtype=np.uint64), np.zeros((n, 0, len(p.targets)), dtype=np.int64))
            for p in self.plans
        )
        return self._look(Past.begin(self.vocabulary, headers), 0, present, recent, memories)

    def advance(self, reading: Reading, symbols: IntArray) -> Reading:
        """One more symbol a row."""
        field, plan = reading.field, self.plans[reading.field]
        heard = self.symbols(reading, self.vocabulary.values(symbols))
        memory = reading.memories[field]
        keys = np.concatenate([memory.keys, reading.keys[:, None, plan.short]], axis=1)
        memory = Memory(keys, np.concatenate([memory.symbols, heard[:, None]], axis=1))
        memories = (*reading.memories[:field], memory, *reading.memories[field + 1 :])
        present, recent, past = reading.present.copy(), reading.recent, reading.past.hear(symbols)
        present[:, [self._index[v.name] for v in plan.targets]] = heard
        if field + 1 == self.vocabulary.n_fields:
            recent = np.concatenate([present[:, None], recent[:, :-1]], axis=1)
            present = np.full_like(present, NONE)
        return self._look(past, (field + 1) % self.vocabulary.n_fields, present, recent, memories)

    def symbols(self, reading: Reading, values: IntArray) -> IntArray:
        """What each target sees of one value a row: (batch, n_targets)."""
        return self.plans[reading.field].see(values[:, None], reading.references)[:, :, 0]

    def _look(
        self, past: Past, field: int, present: IntArray, recent: IntArray, memories: tuple[Memory, ...]
    ) -> Reading:
        """Read what is known now; `present` is filled in."""
        plan = self.plans[field]
        for i in self._observed[field]:
            present[:, i] = self.viewpoints[i].reference(past)
        references = np.stack([v.reference(past) for v in plan.targets], axis=1)
        seen = np.concatenate([present[:, None], self._seen_from_now(past, recent)], axis=1)
        flat = seen.reshape(len(seen), -1)
        if len(plan.columns):
            flat = np.concatenate([flat, plan.columns.read(past, references)], axis=1)
        flat = flat.view(np.uint64)
        keys = (plan.multiplier @ flat.T).T + plan.salt
        keys[:, past.n_events < plan.least] = 0
        return Reading(past, field, present, recent, keys, references, memories)

    def _seen_from_now(self, past: Past, recent: IntArray) -> IntArray:
        """`recent`, with lasting references where they stand now."""
        out = recent.copy()
        for i, viewpoint in self._lasting:
            values = recent[:, :, self._index[viewpoint.field]]
            out[:, :, i] = viewpoint.symbols(values, viewpoint.reference(past)[:, None])
        return out


def lag_column(viewpoint: int, lag: int, n_viewpoints: int) -> int:
    """Where a context finds a viewpoint's value `lag` events ago, 0 being the present."""
    return lag * n_viewpoints + viewpoint


def _names(term: Term) -> list[str]:
    return [term.target, *(name for name, _ in term.context)]

"""What a model keeps of its training pieces besides their symbols: one row a piece, added and struck out exactly.

>>> from stochastic_music.tokens import Vocabulary
>>> corpus = TokenCorpus.from_sequences([[0, 1, 0], [1]], Vocabulary.plain(2))
>>> roster = Roster.of(corpus, n_notes=np.array([3, 1]), licences=["CC0", ""])
>>> roster.facts()["licences"], roster.without(np.array([0]), corpus.select([0])).facts()["licences"]
(['CC0'], [])
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus.token_corpus import TokenCorpus
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Header

_Value = TypeVar("_Value", bound=Hashable)
#: pieces of more symbols than this are not asked where they stop, and others so many at a time
_LONGEST, _AT_ONCE = 4096, 512
#: the columns that hold a header or a text a piece, and those that hold a number
_TEXTS = ("headers", "licences")
_NUMBERS = ("fingerprints", "n_events", "n_notes", "repeats", "on_line", "opens")


@dataclass(frozen=True, eq=False)
class Roster:
    """The training pieces of a model, without their symbols; see the module's article.

    Each column has an entry a piece: `headers`, `licences` ("" where there is none), `fingerprints`, `n_events`,
    `n_notes`, `repeats`, how often in a row one pitch came, `on_line`, whether the music stops on a bar line (1, 0, -1
    where that was not asked), and `opens`, whether new pieces may begin under its header. `times` (n_symbols,) is how
    often each symbol came in all of them.
    """

    headers: tuple[Header | None, ...]
    licences: tuple[str, ...]
    fingerprints: NDArray[np.uint64]
    n_events: IntArray
    n_notes: IntArray
    repeats: IntArray
    on_line: NDArray[np.int8]
    opens: BoolArray
    times: IntArray

    @classmethod
    def of(cls, corpus: TokenCorpus, *, n_notes: IntArray, licences: Sequence[str]) -> Self:
        """The roster of `corpus`; `n_notes` and `licences` have an entry a piece."""
        ends = corpus.sums(corpus.symbols == corpus.vocabulary.end).astype(np.int64)
        return cls(
            corpus.headers,
            tuple(licences),
            fingerprints(corpus),
            (corpus.lengths - ends) // corpus.vocabulary.n_fields,
            n_notes,
            np.array([corpus.vocabulary.most_repeats(row) for row in corpus], dtype=np.int64),
            _stops_on_line(corpus),
            np.ones(len(corpus), dtype=bool),
            np.bincount(corpus.symbols, minlength=corpus.n_symbols),
        )

    def __len__(self) -> int:
        return len(self.headers)

    @classmethod
    def joined(cls, rosters: Iterable[Roster]) -> Self:
        """The pieces of all rosters, one or more, over one vocabulary."""
        every = list(rosters)
        together: dict[str, Any] = {
            **{name: tuple(chain.from_iterable(getattr(one, name) for one in every)) for name in _TEXTS},
            **{name: np.concatenate([getattr(one, name) for one in every]) for name in _NUMBERS},
        }
        return cls(**together, times=np.sum([one.times for one in every], axis=0))

    def __add__(self, other: Roster) -> Self:
        return self.joined([self, other])

    def without(self, places: IntArray, lost: TokenCorpus) -> Self:
        """The roster without the pieces at `places`, which are those of `lost`."""
        kept = np.setdiff1d(np.arange(len(self)), places)
        left: dict[str, Any] = {
            "headers": tuple(self.headers[i] for i in kept),
            "licences": tuple(self.licences[i] for i in kept),
            **{name: getattr(self, name)[kept] for name in _NUMBERS},
        }
        return replace(self, **left, times=self.times - np.bincount(lost.symbols, minlength=len(self.times)))

    def opening(self, opens: bool) -> Self:
        """The same roster, whose headers new pieces may begin under, or not."""
        return replace(self, opens=self.opens & opens)

    def places_of(self, corpus: TokenCorpus) -> list[IntArray]:
        """Where each piece of `corpus` stands in the roster: all places with the same notes."""
        return [np.flatnonzero(self.fingerprints == mark) for mark in fingerprints(corpus)]

    @property
    def alphabet(self) -> IntArray:
        """The symbols that came, END left out: ascending."""
        return np.flatnonzero(self.times[:-1])

    def facts(self) -> dict[str, Any]:
        """What the card says: licences, how many pieces, notes and repeats, whether most pieces stop on a bar line."""
        asked = self.on_line[self.on_line >= 0]
        return {
            "licences": sorted({licence for licence in self.licences if licence}),
            "n_pieces": len(self),
            "n_notes": int(self.n_notes.sum()),
            "most_repeats": int(self.repeats.max(initial=0)),
            "ends_on_line": bool(asked.mean() >= 0.5) if len(asked) else True,
        }

    def to_file(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """JSON and arrays; titles are left out."""
        headers, header_index = _numbered(header and replace(header, title="") for header in self.headers)
        licences, licence_index = _numbered(self.licences)
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in _NUMBERS}
        arrays |= {"header_index": header_index, "licence_index": licence_index}
        arrays |= {"alphabet": self.alphabet, "times": self.times[self.alphabet]}
        return {"headers": [header and header.to_json() for header in headers], "licences": licences}, arrays

    @classmethod
    def from_file(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_symbols: int) -> Self:
        """The inverse of `to_file`; `arrays` may hold others too."""
        headers = [header and Header.from_json(header) for header in meta["headers"]]
        times = np.zeros(n_symbols, dtype=np.int64)
        times[arrays["alphabet"]] = arrays["times"]
        columns: dict[str, Any] = {name: arrays[name] for name in _NUMBERS}
        chosen = tuple(headers[i] for i in arrays["header_index"].tolist())
        licences = tuple(meta["licences"][i] for i in arrays["licence_index"].tolist())
        return cls(headers=chosen, licences=licences, times=times, **columns)


def fingerprints(corpus: TokenCorpus) -> NDArray[np.uint64]:
    """A 64-bit fingerprint per piece, of its symbols: (n_pieces,). Tells training pieces apart from new ones."""
    digests = (hashlib.sha256(row.astype("<i8").tobytes()).digest()[:8] for row in corpus)
    return np.array([int.from_bytes(digest, "little") for digest in digests], dtype=np.uint64)


def _stops_on_line(corpus: TokenCorpus) -> NDArray[np.int8]:
    """Whether each piece stops sounding on a bar line, -1 for very long ones and where symbols carry no time."""
    out = np.full(len(corpus), -1, dtype=np.int8)
    by_length = np.argsort(corpus.lengths, kind="stable")
    asked = by_length[corpus.lengths[by_length] <= _LONGEST] if corpus.vocabulary.clock.ticks else by_length[:0]
    for first in range(0, len(asked), _AT_ONCE):
        some = asked[first : first + _AT_ONCE]
        out[some] = _on_line(corpus, some)
    return out


def _on_line(corpus: TokenCorpus, places: IntArray) -> BoolArray:
    clock, end = corpus.vocabulary.clock, corpus.vocabulary.end
    headers = [corpus.headers[i] for i in places]
    state = clock.start(headers)
    for column in zip_longest(*(corpus[i].tolist() for i in places), fillvalue=end):
        state = clock.advance(state, np.array(column, dtype=np.int64))
    return clock.on_line(state, np.array([header.pickup if header else 0 for header in headers]))


def _numbered(values: Iterable[_Value]) -> tuple[list[_Value], IntArray]:
    """Distinct values in the order of their coming, and the number of each."""
    places: dict[_Value, int] = {}
    index = [places.setdefault(value, len(places)) for value in values]
    return list(places), np.array(index, dtype=np.int64)

"""A piece explained note by note: how likely each note was, and why.

A note's *information content* is -log2 of the probability of the symbol that begins it, given the past and what its
own event says before (its rhythm); the *entropy* is what the model expected that to be. The other symbols up to a note
(rest, duration, phrase mark) have bits of their own, which stand beside it: a note's `total_bits` are all of these.
What comes after the last note, END among it, is the piece's `closing_bits`. So everything adds up to what the model
says of the piece, the total that `bits_per_note` divides by the number of notes.

A model that can give reasons (`protocols.ReasoningModel`) says which of its parts spoke for and against the
note, and, where training symbols are at hand, in which pieces and bars it learned the continuation. Of
other models probability, information content and entropy are told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music._showing import ShowsItself
from stochastic_music.corpus import TokenCorpus
from stochastic_music.evaluation.surprise import Notes, notes_of, predict
from stochastic_music.models import corpus_log_probs
from stochastic_music.protocols import BoolArray, FloatArray, IntArray, Reason, ReasoningModel, Reasons
from stochastic_music.tokens import Vocabulary, pitch_name

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_NOTHING = Reasons((), np.zeros(0, dtype=np.int64), 0)


@dataclass(frozen=True)
class Source:
    """A place of the training corpus: `bar` as printed, None where symbols carry no time.

    `itself`: the piece explained is this one, symbol for symbol.
    """

    piece: str
    bar: int | None
    itself: bool = False

    def to_json(self) -> dict[str, Any]:
        """`piece`, `bar` and `itself`."""
        return {"piece": self.piece, "bar": self.bar, "itself": self.itself}


@dataclass(frozen=True)
class NoteExplanation:
    """One note; see the module's article.

    `bar` is as printed, `beat` counts from 1 at the bar line, `onset` quarter notes from the beginning of the piece:
    None where symbols carry no time. `pitch` is the MIDI number as printed, `name` says it in words, `part` is the
    number of its voice from the top, from 0. `log_prob` is natural, `entropy` in bits; `other_bits` are those of the
    symbols before it, by field. `seen` is False for a symbol that training never brought. Of `n_sources` places where
    it was learned `sources` are the most telling.
    """

    bar: int | None
    beat: float | None
    onset: float | None
    pitch: int
    name: str
    part: int
    log_prob: float
    entropy: float
    other_bits: tuple[tuple[str, float], ...]
    seen: bool
    reasons: tuple[Reason, ...]
    sources: tuple[Source, ...]
    n_sources: int

    @property
    def probability(self) -> float:
        """Of the symbol that begins the note."""
        return math.exp(self.log_prob)

    @property
    def bits(self) -> float:
        """The information content."""
        return -self.log_prob / math.log(2) + 0.0

    @property
    def total_bits(self) -> float:
        """The information content of the note and of the symbols before it."""
        return math.fsum([self.bits, *(bits for _, bits in self.other_bits)])

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings; infinity, for which JSON has no name, is null."""
        return {
            "bar": self.bar,
            "beat": self.beat,
            "onset": self.onset,
            "pitch": self.pitch,
            "name": self.name,
            "part": self.part,
            "probability": self.probability,
            "bits": _finite(self.bits),
            "entropy": _finite(self.entropy),
            "other_bits": {name: _finite(bits) for name, bits in self.other_bits},
            "total_bits": _finite(self.total_bits),
            "seen": self.seen,
            "reasons": [_reason_to_json(reason) for reason in self.reasons],
            "sources": [source.to_json() for source in self.sources],
            "n_sources": self.n_sources,
        }


@dataclass(frozen=True)
class Explanation(ShowsItself):
    """A piece, note by note; see the module's article.

    `sources_kept` tells whether training symbols were at hand, `in_training` whether the piece is among them, symbol
    for symbol. `score` is what the model heard, as printed, the notes of each track in the order of `by_part`; None
    where they cannot be told apart. `remarks` say what was not heard.
    """

    shown_by = "findings"

    notes: tuple[NoteExplanation, ...]
    closing_bits: float
    sources_kept: bool
    in_training: bool = False
    remarks: tuple[str, ...] = ()
    score: ScoreTick | None = field(default=None, compare=False, repr=False)

    @property
    def bits(self) -> float:
        """The information content of the whole piece."""
        return math.fsum([*(note.total_bits for note in self.notes), self.closing_bits])

    @property
    def bits_per_note(self) -> float:
        """The same, divided by the notes."""
        return self.bits / max(len(self.notes), 1)

    def by_part(self) -> list[list[NoteExplanation]]:
        """The notes of each part, in order."""
        n_parts = max((note.part for note in self.notes), default=-1) + 1
        return [[note for note in self.notes if note.part == i] for i in range(n_parts)]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings; infinity, for which JSON has no name, is null."""
        return {
            "n_notes": len(self.notes),
            "bits": _finite(self.bits),
            "bits_per_note": _finite(self.bits_per_note),
            "closing_bits": _finite(self.closing_bits),
            "in_training": self.in_training,
            "sources_kept": self.sources_kept,
            "remarks": list(self.remarks),
            "notes": [note.to_json() for note in self.notes],
        }


def explain(
    model: Any,
    corpus: TokenCorpus,
    learned: TokenCorpus | None = None,
    *,
    seen: IntArray | None = None,
    at_most: int = 3,
) -> Explanation:
    """What `model` says of the notes of `corpus`, as a rule one piece, and why.

    `learned` are the training symbols; without them no sources are named. `seen` (n,) are the symbols that training
    brought, None for those of `learned`. Of many sources `at_most` are named.

        >>> from stochastic_music.models import Markov
        >>> toy = TokenCorpus.from_sequences([[0, 1, 0, 1]], Vocabulary.plain(3, closed=False))
        >>> note = explain(Markov(1).fit(toy), toy, toy).notes[1]
        >>> [(r.name, r.context, r.times, r.total) for r in note.reasons], note.n_sources
        ([('order 1', 'after symbol 0', 2, 2), ('order 0', '', 2, 4)], 2)
    """
    log_probs = corpus_log_probs(model, corpus)
    entropy = predict(model, corpus, entropy=True).entropy
    notes = notes_of(corpus)
    why = [_NOTHING] * len(notes.place)
    if isinstance(model, ReasoningModel) and len(notes.place):
        why = list(model.reasons(corpus, notes.place, learned, at_most=at_most))
    said = _Said(corpus, notes, log_probs, entropy if entropy is not None else log_probs, _mask(corpus, learned, seen))
    sources = _sources(learned, corpus, why) if learned is not None else [()] * len(why)
    explained = tuple(said.note(i, reasons, named) for i, (reasons, named) in enumerate(zip(why, sources, strict=True)))
    last = int(notes.place[-1]) + 1 if len(notes.place) else 0
    return Explanation(explained, math.fsum(_bits(log_probs[last:])), learned is not None)


def as_heard(explanation: Explanation, score: ScoreTick) -> ScoreTick | None:
    """`score` with the notes of each part in the order of those explained; None where they are not the same notes."""
    parts = explanation.by_part()
    if len(score.tracks) < len(parts):
        return None
    ordered = score.copy()
    for track, notes in zip(ordered.tracks, [*parts, *[[]] * (len(score.tracks) - len(parts))], strict=True):
        columns = track.notes.numpy()
        order = np.lexsort((-columns["pitch"].astype(np.int64), columns["time"]))
        if columns["pitch"][order].tolist() != [note.pitch for note in notes]:
            return None
        track.notes = type(track.notes).from_numpy(
            *(columns[name][order] for name in ("time", "duration", "pitch", "velocity"))
        )
    return ordered


@dataclass(frozen=True, eq=False)
class _Said:
    """What was said of all symbols of a corpus."""

    corpus: TokenCorpus
    notes: Notes
    log_probs: FloatArray
    entropy: FloatArray
    seen: BoolArray

    def note(self, i: int, why: Reasons, sources: Sequence[Source]) -> NoteExplanation:
        """Note `i`."""
        place, timed = int(self.notes.place[i]), not math.isnan(self.notes.onset[i])
        before = slice(int(self.notes.place[i - 1]) + 1 if i else 0, place)
        symbol, pitch = int(self.corpus.symbols[place]), int(self.notes.pitch[i])
        return NoteExplanation(
            bar=int(self.notes.bar[i]) if timed else None,
            beat=float(self.notes.beat[i]) if timed else None,
            onset=float(self.notes.onset[i]) if timed else None,
            pitch=pitch,
            name=_name(self.corpus.vocabulary, symbol, pitch),
            part=_part(self.corpus.vocabulary, symbol),
            log_prob=float(self.log_probs[place]),
            entropy=float(self.entropy[place]),
            other_bits=_by_field(self.corpus.vocabulary, self.corpus.symbols[before], self.log_probs[before]),
            seen=bool(self.seen[symbol]),
            reasons=why.reasons,
            sources=tuple(sources),
            n_sources=why.n_sources,
        )


def _mask(corpus: TokenCorpus, learned: TokenCorpus | None, seen: IntArray | None) -> BoolArray:
    """Which symbols training brought, all where nothing is known: (n_symbols,)."""
    mask = np.zeros(corpus.n_symbols, dtype=bool)
    if seen is None and learned is None:
        return ~mask
    mask[learned.symbols if seen is None and learned is not None else seen] = True
    return mask


def _bits(log_probs: FloatArray) -> list[float]:
    return [bits + 0.0 for bits in (-log_probs / math.log(2)).tolist()]


def _by_field(vocabulary: Vocabulary, symbols: IntArray, log_probs: FloatArray) -> tuple[tuple[str, float], ...]:
    """The bits of symbols, by the name of their field."""
    names = [*(f.name for f in vocabulary.fields), "end"]
    total: dict[str, float] = {}
    for index, bits in zip(vocabulary.field_of(symbols).tolist(), _bits(log_probs), strict=True):
        total[names[index]] = total.get(names[index], 0.0) + bits
    return tuple(total.items())


def _name(vocabulary: Vocabulary, symbol: int, pitch: int) -> str:
    name = vocabulary.fields[int(vocabulary.field_of(np.array(symbol)))].name
    return pitch_name(pitch) if name == "pitch" or name in vocabulary.voices else vocabulary.describe(symbol)


def _part(vocabulary: Vocabulary, symbol: int) -> int:
    """The number of a symbol's voice from the top, 0 where there are no voices."""
    name = vocabulary.fields[int(vocabulary.field_of(np.array(symbol)))].name
    return vocabulary.voices.index(name) if name in vocabulary.voices else 0


def _sources(learned: TokenCorpus, corpus: TokenCorpus, why: Sequence[Reasons]) -> list[list[Source]]:
    """Pieces and bars of the places that reasons name, each once."""
    places = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(reasons.sources for reasons in why)]))
    found = dict(zip(places.tolist(), places_named(learned, places, itself=corpus), strict=True))
    return [list(dict.fromkeys(found[place] for place in reasons.sources.tolist())) for reasons in why]


def places_named(learned: TokenCorpus, places: IntArray, *, itself: TokenCorpus | None = None) -> list[Source]:
    """The piece and printed bar of each of `places` (n,) of training symbols.

    Pieces of `itself` are said to be those explained.
    """
    pieces = np.searchsorted(learned.offsets, places, side="right") - 1
    chosen, rank = np.unique(pieces, return_inverse=True)
    asked = learned.select(chosen)
    mine = {row.tobytes() for row in itself or ()}
    known = [row.tobytes() in mine for row in asked]
    bars = _bars(asked, asked.offsets[rank] + places - learned.offsets[pieces])
    return [Source(asked.names[i], bar, known[i]) for i, bar in zip(rank.tolist(), bars, strict=True)]


def _bars(corpus: TokenCorpus, places: IntArray) -> list[int | None]:
    """The printed bar of the note that begins at each place, None where symbols carry no time."""
    notes = notes_of(corpus)
    bars = dict(zip(notes.place.tolist(), notes.bar.tolist(), strict=True))
    return [bar if (bar := bars.get(place, -1)) >= 0 else None for place in places.tolist()]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _reason_to_json(reason: Reason) -> dict[str, Any]:
    return {**reason._asdict(), "nats": _finite(reason.nats), "bits": _finite(reason.bits)}

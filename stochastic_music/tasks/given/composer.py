"""Melodies over what is given: a conditional random field that composes.

Other models invent whole pieces. Here the rhythm is given, or the chords, and the field draws what is missing from its
exact posterior, which knows all that is given from beginning to end.

    a rhythm       any score: its notes keep their places and lengths and get new pitches
    a chart        "C | F G | C": bars of chords, for which a rhythm is drawn first, then pitches

Two fields learn from the melodies of a corpus, in a common key: one labels beats with rhythmic *cells*, the other
labels notes with their pitch and how it was reached, so that each note knows two before it. What they see is told in
`tasks.given.lines`. Chords are those that a score prints, or else what its parts sound on each beat.

A draw is exact: cells and pitches come by forward-filter backward-sample, restricted to labels that make sense after
each other, to the range asked for and to what is demanded of single notes.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music import _random, model_file
from stochastic_music._showing import ShowsItself
from stochastic_music._version import __version__
from stochastic_music.corpus import Corpus, Piece
from stochastic_music.corpus.encoding import encode_piece
from stochastic_music.corpus.lines import Line, from_arrays, to_arrays
from stochastic_music.corpus.report import Skipped
from stochastic_music.errors import (
    EmptyCorpusError,
    EncodingError,
    InvalidParameterError,
    NotFittedError,
    UnsatisfiableError,
    UsageError,
)
from stochastic_music.evaluation.originality import OriginalityIndex
from stochastic_music.models.base import Estimator
from stochastic_music.models.crf import CRF
from stochastic_music.music.chords import Chord, parse_chart
from stochastic_music.music.keys import Key, key_of, parse_key, printed_key, semitones_to_common
from stochastic_music.music.parts import choose_part, sounding_parts
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.chains import Chain, log_partition, path_score, restricted, sample_paths, tempered
from stochastic_music.tasks.given.cells import Beat, beats, begins_held, cell_length, cells_of, may_follow, notes_of
from stochastic_music.tasks.given.charts import chart_header, chord_times, key_of_chart, leadsheet, repitched
from stochastic_music.tasks.given.lines import (
    Rhythm,
    beats_seen,
    chords_under,
    consistent,
    notes_seen,
    pitches_of,
    reached,
)
from stochastic_music.tokens import Header, MelodyEncoding

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

#: what the field of pitches sees of a note, and the field of rhythm of a beat
_OF_NOTES = (
    "always", "duration", "place", "strength*mode", "until*mode", "left*mode", "phrase*mode", "before*duration*after",
    "since*until", "chord", "chord*strength", "chord*next_chord", "chord@-1*chord", "chord@-1*chord*strength",
    "chord*chord@1", "chord*phrase", "chord*mode", "chord*left", "chord@1*strength@1", "chord@2",
)  # fmt: skip
_OF_BEATS = (
    "always",
    "place",
    "place*until",
    "place*left",
    "place*bar",
    "meter*bar*until",
    "left",
    "until",
    "change",
    "change*place",
    "change@1",
)
#: bars of a phrase of a chart
PHRASE = 4
#: quarter notes of the longest note or rest
_LONGEST = 256
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CRFTake(ShowsItself):
    """One melody over what was given: `log_prob` (nats) is that of its pitches, and of its rhythm where that was drawn.

    `bits_per_note` is the same, base 2, a note; `track` the number of the melody's. Pitches and rhythms are exact draws
    from the posterior.
    """

    shown_by = "scores"

    score: Score
    log_prob: float
    n_notes: int
    line: Line
    track: int = 0

    @property
    def bits_per_note(self) -> float:
        """Surprise of a note, in bits."""
        return -self.log_prob / math.log(2) / max(self.n_notes, 1)


class Wish(NamedTuple):
    """What is asked of pitches besides what is given: the lowest and the highest, those of single notes, boldness."""

    pitch_range: tuple[int, int] | None = None
    demands: Mapping[int, Collection[int]] = MappingProxyType({})
    temperature: float = 1.0


#: nothing in particular: the model's own distribution
_ANY = Wish()


class CRFComposer(Estimator):
    """Conditional random fields that draw a melody over a rhythm, or over chords; see the module's article.

    Args:
        part: which part of the training pieces holds the melody; None for the one that carries the tune.
        grid: note values that positions are rounded to.
        l1: strength of the L1 penalty, under which weights vanish.
        l2: strength of the L2 penalty.
        max_iterations: at most so many steps of training.

    After `fit`: `pitches_` and `cells_`, the two fields; `card_`; `skipped_`, pieces that could not be read.

        >>> import stochastic_music as sm
        >>> corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
        >>> composer = CRFComposer(max_iterations=20).fit(corpus)
        >>> [take] = composer.compose(corpus[0].score, seed=1)
    """

    def __init__(
        self,
        *,
        part: str | int | None = None,
        grid: str = "1/16,1/12",
        l1: float = 0.0,
        l2: float = 1.0,
        max_iterations: int = 50,
    ) -> None:
        self.part = part
        self.grid = grid
        self.l1 = l1
        self.l2 = l2
        self.max_iterations = max_iterations

    def fit(self, corpus: Corpus) -> Self:
        """Learn from scores; returns self. Pieces without a readable melody are left out and listed in `skipped_`.

        Raises EmptyCorpusError where none is left.
        """
        read, self.skipped_ = self._read(corpus)
        if not read:
            reasons = "; ".join(piece.in_words() for piece in self.skipped_[:3])
            raise EmptyCorpusError(f"no piece has a melody that can be read: {reasons or 'there are none'}")
        settings: dict[str, Any] = {"l1": self.l1, "l2": self.l2, "max_iterations": self.max_iterations}
        rhythms = [rhythm for _, rhythm, _ in read]
        self.pitches_ = CRF(_OF_NOTES, **settings).fit(
            [notes_seen(rhythm) for rhythm in rhythms], [reached(pitch) for *_, pitch in read]
        )
        along = [beats(rhythm.header, rhythm.end) for rhythm in rhythms]
        self.cells_ = CRF(_OF_BEATS, **settings).fit(
            [
                beats_seen(rhythm.header, row, rhythm.onset[rhythm.ends_phrase].tolist(), rhythm.chords)
                for rhythm, row in zip(rhythms, along, strict=True)
            ],
            [cells_of(rhythm.onset, rhythm.duration, row) for rhythm, row in zip(rhythms, along, strict=True)],
        )
        self.lines_ = tuple(_line(piece.name, rhythm, pitch) for piece, rhythm, pitch in read)
        self.card_ = _card([piece for piece, *_ in read], rhythms)
        return self

    def log_probs(self, corpus: Corpus) -> tuple[FloatArray, IntArray]:
        """Of each readable piece the log probability of its pitches given all else, in nats, and how many these are.

        -inf for a pitch, or a way to reach it, that training never held. Both are (n_pieces,).
        """
        self._check_fitted()
        read = self._read(corpus)[0]
        found = np.array([self._log_prob(rhythm, reached(pitch)) for _, rhythm, pitch in read])
        return found, np.array([len(pitch) for *_, pitch in read], dtype=np.int64)

    def score(self, corpus: Corpus) -> float:
        """Mean log probability of a pitch given the whole rhythm and harmony, in nats."""
        log_probs, n_notes = self.log_probs(corpus)
        return float(log_probs.sum() / max(n_notes.sum(), 1))

    def _log_prob(self, rhythm: Rhythm, labels: Sequence[str]) -> float:
        number = {label: k for k, label in enumerate(self.pitches_.labels_)}
        if any(label not in number for label in labels):
            return -np.inf
        chain = self._melodies(rhythm)
        return path_score(chain, np.array([number[label] for label in labels])) - log_partition(chain)

    def compose(
        self,
        given: Score | str,
        n: int = 1,
        *,
        seed: _random.Seed = None,
        key: str | None = None,
        meter: str | None = None,
        tempo: float | None = None,
        pitch_range: tuple[int, int] | None = None,
        demands: Mapping[int, Collection[int]] | None = None,
        temperature: float = 1.0,
    ) -> list[CRFTake]:
        """`n` melodies over a score, whose rhythm they take, or over a chart of chords, for which they find one.

        Of a score the part with the tune is taken, its other parts stay and are its harmony. `key` is that of the
        music that comes out (None: as printed, or as the notes or chords suggest); `meter` and `tempo` are for charts.
        `pitch_range` (lowest, highest) and `demands`, MIDI pitches by number of the note (from 0, or from the end
        below 0), are met exactly. Raises UnsatisfiableError where nothing can meet them, EncodingError for a score
        without a rhythm, UsageError for chords where training had none.
        """
        self._check_fitted()
        seed_key, wish = _random.key(seed), Wish(pitch_range, demands or {}, temperature)
        if isinstance(given, str):
            return self._over_chart(parse_chart(given), n, wish, seed=seed_key, key=key, meter=meter, tempo=tempo)
        if meter is not None or tempo is not None:
            raise UsageError("a score brings its own meter and tempo; leave them out, or give a chart of chords")
        rhythm, track = self._given(given, key)
        shift = -semitones_to_common(self._key_of(given, key))
        chain = self._melodies(rhythm, shift, wish)
        plain = self._melodies(rhythm)
        paths = sample_paths(chain, n, seed=seed_key)
        total = log_partition(plain)
        return [
            self._take(repitched(given, track, rhythm, pitch), track, rhythm, pitch, path_score(plain, path) - total)
            for path in paths
            for pitch in [self._pitches(path) + shift]
        ]

    def _over_chart(
        self,
        bars: Sequence[Sequence[Chord | None]],
        n: int,
        wish: Wish,
        *,
        seed: int,
        key: str | None,
        meter: str | None,
        tempo: float | None,
    ) -> list[CRFTake]:
        if not self.card_["chords"]:
            raise UsageError(
                "this model learned from melodies without chords, so a chart tells it nothing: fit it on pieces with "
                "chord symbols or several parts, or give it a rhythm"
            )
        tonic = parse_key(key) if key else key_of_chart(bars)
        header = chart_header(self.resolution, meter or self.card_["meter"], str(tonic), tempo)
        shift = -semitones_to_common(tonic)
        length = header.meters[0].bar_length(header.resolution)
        if str(header.meters[0]) not in self.card_["meters"]:
            known = ", ".join(self.card_["meters"])
            raise UnsatisfiableError(
                f"training has no piece in {header.meters[0]} (it has {known}): choose one with --meter"
            )
        harmony = chord_times(bars, length)
        common = tuple((time, chord and chord.transposed(-shift)) for time, chord in harmony)
        along = beats(header, length * len(bars))
        closing = [
            length * (bar + 1) - 1 for bar in range(len(bars)) if (bar + 1) % PHRASE == 0 or bar + 1 == len(bars)
        ]
        chain = self._rhythms(header, along, closing, common)
        plain_total = log_partition(chain)
        takes = []
        for i, path in enumerate(sample_paths(tempered(chain, wish.temperature), n, seed=seed)):
            onset, duration = notes_of([self.cells_.labels_[k] for k in path], along)
            last = np.unique([int(np.searchsorted(onset, time, side="right")) - 1 for time in closing])
            ends = np.isin(np.arange(len(onset)), last)
            rhythm = Rhythm(header, onset, duration, ends, common, "minor" if tonic.is_minor else "major")
            plain = self._melodies(rhythm)
            [pitched] = sample_paths(
                self._melodies(rhythm, shift, wish),
                1,
                seed=np.random.default_rng([seed, i, 0x5049]),
            )
            log_prob = path_score(chain, path) - plain_total + path_score(plain, pitched) - log_partition(plain)
            pitch = self._pitches(pitched) + shift
            score = leadsheet(rhythm, pitch, harmony, length * len(bars))
            takes.append(self._take(score, 0, rhythm, pitch, log_prob))
        return takes

    def _take(self, score: Score, track: int, rhythm: Rhythm, pitch: IntArray, log_prob: float) -> CRFTake:
        return CRFTake(score, log_prob, len(pitch), _line("", rhythm, pitch), track)

    def over(self, given: Score, *, key: str | None = None) -> tuple[Rhythm, Chain]:
        """The rhythm of a score, and what it makes of pitches: a chain over `pitches_.labels_`, both in the common key.

        Of a score the part with the tune is taken. Raises EncodingError where that has no rhythm.
        """
        self._check_fitted()
        rhythm, _ = self._given(given, key)
        return rhythm, self._melodies(rhythm)

    def originality(self) -> OriginalityIndex | None:
        """The lines of the corpus, to ask how much of a take's `line` is copied; None for a model without sources."""
        return OriginalityIndex(self.lines_) if self.lines_ else None

    @property
    def _encoding(self) -> MelodyEncoding:
        return MelodyEncoding(grid=self.grid, part=self.part, max_length=_LONGEST)

    @property
    def resolution(self) -> int:
        """Units in a quarter note."""
        return self._encoding.vocabulary.resolution

    def _read(self, corpus: Corpus) -> tuple[list[tuple[Piece, Rhythm, IntArray]], list[Skipped]]:
        read, skipped = [], []
        for piece in corpus.transpose("common"):
            try:
                mode = "minor" if key_of(piece.score).key.is_minor else "major"
                read.append((piece, *_rhythm_of(piece, self._encoding, mode)))
            except EncodingError as error:
                skipped.append(Skipped(piece.name, str(error).rstrip("."), "Another --part may do"))
        return read, skipped

    def _given(self, given: Score, key: str | None) -> tuple[Rhythm, int]:
        """The rhythm of a score in the common key, and the track that it is of."""
        tonic = self._key_of(given, key)
        encoding = replace(self._encoding, part=None if len(sounding_parts(given)) == 1 else self.part)
        rhythm, _ = _rhythm_of(Piece(given), encoding, "minor" if tonic.is_minor else "major", told=True)
        shift = semitones_to_common(tonic)
        chords = tuple((time, chord and chord.transposed(shift)) for time, chord in rhythm.chords)
        return rhythm._replace(chords=chords), choose_part(given, encoding.part).track

    @staticmethod
    def _key_of(given: Score, key: str | None) -> Key:
        """The key asked for, else the printed one, else what several parts suggest; a bare rhythm is in C."""
        if key:
            return parse_key(key)
        return printed_key(given) or (key_of(given).key if len(sounding_parts(given, drums=False)) > 1 else Key(0))

    def _melodies(self, rhythm: Rhythm, shift: int = 0, wish: Wish = _ANY) -> Chain:
        """The pitches of a rhythm as a chain, under everything that is asked of them `shift` semitones higher."""
        chain = self.pitches_.chain(notes_seen(rhythm))
        label = self.pitches_.labels_
        pitch = pitches_of(label)
        arrived = np.array([text[-1] for text in label])
        allowed = np.ones(chain.unary.shape, dtype=bool)
        allowed[:1] &= arrived == "."
        allowed[1:] &= arrived != "."
        if wish.pitch_range is not None:
            low, high = wish.pitch_range
            allowed &= (pitch + shift >= low) & (pitch + shift <= high)
        for place, wanted in wish.demands.items():
            if not -len(allowed) <= place < len(allowed):
                raise InvalidParameterError(f"a demand is on note {place}; the rhythm has {len(allowed)} notes")
            allowed[place] &= np.isin(pitch + shift, [wanted] if isinstance(wanted, int) else list(wanted))
        _check_some(allowed, pitch + shift, wish.pitch_range)
        steps = np.where(consistent(pitch, arrived), chain.pairwise, -np.inf)
        return tempered(restricted(chain._replace(pairwise=steps), allowed), wish.temperature)

    def _rhythms(
        self, header: Header, along: Sequence[Beat], closing: Sequence[int], chords: Sequence[tuple[int, Chord | None]]
    ) -> Chain:
        """The cells of the beats of a chart as a chain; a melody begins with a note."""
        marked = bool(self.card_["phrases"])
        chain = self.cells_.chain(beats_seen(header, along, closing if marked else [], chords))
        cells = self.cells_.labels_
        fits = np.array([[cell_length(cell) == beat.length for cell in cells] for beat in along], dtype=bool)
        if not fits.any(axis=1).all():
            length = along[int((~fits.any(axis=1)).argmax())].length / header.resolution
            raise UnsatisfiableError(
                f"training has no beat of {length:g} quarter notes, as {header.meters[0]} has them (it has "
                f"{', '.join(self.card_['meters'])}): choose one of its meters with --meter"
            )
        fits[0] &= ~np.array([begins_held(cell) or cell.startswith("r") for cell in cells])
        steps = np.array([[may_follow(before, after) for after in cells] for before in cells], dtype=bool)
        return restricted(chain._replace(pairwise=np.where(steps, chain.pairwise, -np.inf)), fits)

    def _pitches(self, path: IntArray) -> IntArray:
        return pitches_of(self.pitches_.labels_)[path]

    def _check_fitted(self) -> None:
        if not hasattr(self, "pitches_"):
            raise NotFittedError("this CRFComposer has not learned anything yet: call fit(corpus) first")

    def contents(self, *, sources: bool = True) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What a model file holds: JSON and arrays; `sources=False` leaves the training melodies out."""
        self._check_fitted()
        meta: dict[str, Any] = {
            "version": __version__,
            "task": "given",
            "model": ["crf", self.get_params()],
            "card": self.card_,
        }
        arrays: dict[str, NDArray[Any]] = {}
        for name, field in (("pitches", self.pitches_), ("cells", self.cells_)):
            meta[name], learned = field.to_arrays()
            arrays |= {f"{name}.{key}": array for key, array in learned.items()}
        if sources and self.lines_:
            meta["names"], columns = to_arrays(self.lines_)
            arrays |= {f"corpus.{column}": array for column, array in columns.items()}
        return json.loads(json.dumps(meta)), arrays

    def save(self, path: str | Path, *, sources: bool = True, force: bool = False) -> Path:
        """Write a model file; raises UsageError where another file stands at `path` and `force` is not given."""
        meta, arrays = self.contents(sources=sources)
        model_file.write(Path(path), meta, arrays, force=force)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> CRFComposer:
        """Open a model file; raises ModelFileError where it is damaged, or for another task."""
        return cls.from_file(model_file.ModelFile(path))

    @classmethod
    def from_file(cls, file: model_file.ModelFile) -> CRFComposer:
        """The composer that `file` holds; raises ModelFileError for a model of another task."""
        meta = file.expect("given").meta
        composer = cls(**meta["model"][1])
        composer.pitches_, composer.cells_ = (CRF.from_arrays(meta[n], _part(file, n)) for n in ("pitches", "cells"))
        composer.card_ = meta["card"]
        composer.skipped_ = []
        composer.lines_ = from_arrays(meta["names"], _part(file, "corpus")) if "corpus.offsets" in file else ()
        return composer


def _rhythm_of(piece: Piece, encoding: MelodyEncoding, mode: str, *, told: bool = False) -> tuple[Rhythm, IntArray]:
    """The melody of a piece without its pitches, and these: (n,). What reading lost is `told` in the log, or not."""
    [(symbols, header)], loss = encode_piece(piece, encoding)
    columns = encoding.columns(symbols[symbols != encoding.vocabulary.end])
    onset = np.cumsum(columns["rest"] + columns["duration"]) - columns["duration"]
    rhythm = Rhythm(header, onset, columns["duration"], columns["phrase"] == 1, (), mode)
    if loss.rests_shortened:
        raise EncodingError(f"the melody rests for more than {_LONGEST} quarter notes: cut the silence")
    for sentence in loss.sentences() if told else ():
        if not sentence.endswith("not encoded"):  # other parts stay, and are the harmony
            _log.warning("Of the rhythm: %s.", sentence)
    return rhythm._replace(chords=chords_under(piece.score, header, rhythm.end)), columns["pitch"]


def _check_some(allowed: BoolArray, pitch: IntArray, pitch_range: tuple[int, int] | None) -> None:
    """Raise UnsatisfiableError naming the first note for which no pitch is left."""
    if allowed.size and not allowed.any(axis=1).all():
        place = int((~allowed.any(axis=1)).argmax())
        asked = f" from {pitch_range[0]} to {pitch_range[1]}" if pitch_range else ""
        raise UnsatisfiableError(
            f"no pitch{asked} is left for note {place + 1}: in this key the corpus has melodies from {pitch.min()} to "
            f"{pitch.max()} (MIDI). Widen the range, or choose another key"
        )


def _line(name: str, rhythm: Rhythm, pitch: IntArray) -> Line:
    starts, lengths, numbers = (np.array(column) for column in rhythm.header.bar_spans())
    span = np.maximum(np.searchsorted(starts, rhythm.onset, side="right") - 1, 0)
    bar = numbers[span] + (rhythm.onset - starts[span]) // lengths[span]
    return Line.of(name, onset=rhythm.onset, duration=rhythm.duration, pitch=pitch, bar=bar)


def _card(pieces: Sequence[Piece], rhythms: Sequence[Rhythm]) -> dict[str, Any]:
    """What the corpus was: licences, how much of it, its meters, and how many pieces have chords and phrase marks."""
    meters = [str(rhythm.header.meters[0]) for rhythm in rhythms]
    return {
        "n_pieces": len(pieces),
        "n_notes": sum(len(rhythm.onset) for rhythm in rhythms),
        "licences": sorted({piece.licence for piece in pieces if piece.licence}),
        "chords": sum(any(chord for _, chord in rhythm.chords) for rhythm in rhythms),
        "phrases": sum(bool(rhythm.ends_phrase.any()) for rhythm in rhythms),
        "meters": sorted(set(meters)),
        "meter": max(sorted(set(meters)), key=meters.count),
    }


def _part(file: model_file.ModelFile, name: str) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(f"{name}."): file[key] for key in file if key.startswith(f"{name}.")}

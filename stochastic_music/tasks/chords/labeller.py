"""Chord labelling: learns from scores with chords, and tells the chords and keys of others.

A score is cut into events (`tasks.chords.events`). Two fields with roots (`RelativeCRF`) label them, one after the
other: the chords, from what sounds at and around each event; then the local keys, from what sounds and from the chords.
Both see everything from the root of their label, so keys need not be known, and pieces in one key teach all others.
Each label comes with its posterior probability, its *confidence*. Of the labels, spans are made as musicians write
them: a chord lasts until another one comes, an inversion is told by the bass, and a key in which only a passing chord
or two would stand is an applied chord in the key around it.

    labeller = ChordLabeller().fit(label_pieces(corpus, texts=...)[0])
    print(labeller.label(score).table())
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music import model_file
from stochastic_music._version import __version__
from stochastic_music.corpus import Corpus
from stochastic_music.corpus import folds as dealt
from stochastic_music.corpus.builtin import BUILTIN
from stochastic_music.corpus.chord_labels import LabelledPiece, agreement, label_pieces
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, NotFittedError
from stochastic_music.io.roman_text import Harmony
from stochastic_music.models.base import Estimator
from stochastic_music.models.crf import RelativeCRF
from stochastic_music.music.chords import QUALITIES, Chord
from stochastic_music.music.keys import Key, KeyFinding, key_of, key_on
from stochastic_music.protocols import FloatArray, IntArray, Observation
from stochastic_music.sampling.chains import best_path, marginals
from stochastic_music.tasks.chords.analysis import Analysis, ChordSpan
from stochastic_music.tasks.chords.events import (
    CHORD_PITCHES,
    CHORD_STEPS,
    CHORD_TEMPLATES,
    KEY_PITCHES,
    KEY_STEPS,
    KEY_TEMPLATES,
    MELODY_PITCHES,
    MELODY_STEPS,
    MELODY_TEMPLATES,
    Events,
    chord_observations,
    events,
    key_observations,
    melody_observations,
    tune_events,
)
from stochastic_music.tasks.kept import Contents, kept_model

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: the built-in corpus with labels
ANALYSES = "bach-analyses"
#: events that a quality needs in training to be a label of its own
_ENOUGH = 5
#: rarer qualities are learned as these
_SIMPLER = {
    "minmaj7": "min", "6": "maj", "min6": "min", "sus2": "sus4", "sus4": "maj", "7sus4": "7", "aug7": "7",
    "augmaj7": "aug", "7b5": "7", "7b9": "7", "7#9": "7", "9": "7",
    "maj9": "maj7", "min9": "min7", "11": "7", "min11": "min7",
    "13": "7", "add9": "maj", "minadd9": "min", "6/9": "6", "5": "maj", "maj7": "maj", "min7": "min", "hdim7": "dim",
    "dim7": "dim", "7": "maj", "aug": "maj", "dim": "min",
}  # fmt: skip
#: a chord that is less likely than this may be a passing doubt
_LIKELY = 0.5
#: the chords of a piece that name less of what sounds than this are remarked on
_NAMED = 0.75
#: events that are read at a time, and how many on either side are read with them
_STRETCH, _LAP = 1000, 100
#: a mean confidence in the local keys below this is remarked on
_UNSURE = 0.5


class _Example(NamedTuple):
    """A piece for training: what is seen, and the labels of events that have one (None elsewhere)."""

    found: Events
    chords: list[Chord | None]
    keys: list[Key | None]


class Counted(NamedTuple):
    """Of one piece: events, those right, time, that right, right roots; events with a key, those right."""

    n: int
    right: int
    time: float
    time_right: float
    roots: int
    n_keys: int
    keys: int


class Figures(NamedTuple):
    """How labels were told on pieces that were not learned from: shares of events, and of their time."""

    n_pieces: int
    n_events: int
    chord: float
    chord_by_time: float
    root: float
    key: float | None
    per_piece: tuple[Counted, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        names = ("n_pieces", "n_events", "chord", "chord_by_time", "root", "key")
        return {name: round(v, 5) if isinstance(v := getattr(self, name), float) else v for name in names}


class ChordLabeller(Estimator):
    """Tells the chords and keys of scores; see the module's article.

    Args:
        l2: strength of the penalty on the weights of chords.
        key_l2: the same for keys.
        melody_l2: the same for the chords of melodies.
        max_iterations: passes over the training pieces at most.

    After `fit`: `chords_`, `melodies_` (for one note at a time) and `keys_`, the fields (`keys_` is None where no label
    says its key), and `card_`.
    """

    def __init__(
        self, *, l2: float = 4.0, key_l2: float = 8.0, melody_l2: float = 4.0, max_iterations: int = 60
    ) -> None:
        self.l2 = l2
        self.melody_l2 = melody_l2
        self.key_l2 = key_l2
        self.max_iterations = max_iterations

    def fit(self, pieces: Sequence[LabelledPiece]) -> ChordLabeller:
        """Learn from labelled pieces (`corpus.chord_labels`); returns self.

        Raises EmptyCorpusError where none has a labelled event.
        """
        examples = [_example(piece, events(piece.piece.score)) for piece in pieces]
        if not any(chord for example in examples for chord in example.chords):
            raise EmptyCorpusError("there is nothing to learn from: no piece has a chord over its notes")
        kinds = _kinds(examples)
        full = [e for e in examples if e.found.texture != "melody"] or examples
        tunes = [
            (e if e.found.texture == "melody" else _example(p, tune_events(p.piece.score)), key_of(p.piece.score).key)
            for e, p in zip(examples, pieces, strict=True)
        ]
        self.chords_ = self._field(
            (CHORD_TEMPLATES, CHORD_PITCHES, CHORD_STEPS, self.l2),
            [(chord_observations(e.found), _chord_labels(e, kinds)) for e in full],
        )
        self.melodies_ = self._field(
            (MELODY_TEMPLATES, MELODY_PITCHES, MELODY_STEPS, self.melody_l2),
            [(melody_observations(e.found, home), _chord_labels(e, kinds)) for e, home in tunes],
        )
        keyed = [(key_observations(e.found, _filled(_chord_labels(e, kinds))), _key_labels(e)) for e in full]
        known = any(label for _, labels in keyed for label in labels)
        self.keys_ = self._field((KEY_TEMPLATES, KEY_PITCHES, KEY_STEPS, self.key_l2), keyed) if known else None
        self.card_: dict[str, Any] = {
            "n_pieces": len(pieces),
            "n_events": sum(chord is not None for e in examples for chord in e.chords),
            "licences": sorted({piece.piece.licence for piece in pieces if piece.piece.licence}),
            "pieces": [piece.piece.name for piece in pieces],
        }
        return self

    def label(self, score: ScoreTick, name: str = "") -> Analysis:
        """The keys and chords of a score; raises EncodingError where it has no pitched notes."""
        self._check_fitted()
        found = events(score)
        home = key_of(score)
        chords, chord_beliefs = self._chords(found, home.key)
        keys, key_beliefs = self._keys(found, chords, home.key)
        spans = _spans(found, chords, keys, home.key, (chord_beliefs, key_beliefs))
        remarks = _remarks(found, home, spans, key_beliefs)
        return Analysis(name, home, tuple(spans), tuple(found.bars), found.texture, remarks)

    def event_labels(self, score: ScoreTick) -> tuple[Events, list[str], list[str]]:
        """The events of a score with the labels of chord ("7 maj7") and key ("0 major") that each of them gets."""
        self._check_fitted()
        found = events(score)
        home = key_of(score).key
        chords, _ = self._chords(found, home)
        return found, chords, self._keys(found, chords, home)[0]

    def contents(self, *, sources: bool = True) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:  # noqa: ARG002
        """What a model file holds: JSON and arrays. Training pieces are not kept, with or without `sources`."""
        self._check_fitted()
        meta: dict[str, Any] = {
            "version": __version__,
            "task": "chords",
            "model": ["chord_labeller", self.get_params()],
            "card": self.card_,
        }
        arrays: dict[str, NDArray[Any]] = {}
        for name, field in (("chords", self.chords_), ("melodies", self.melodies_), ("keys", self.keys_)):
            if field is not None:
                meta[name], learned = field.to_arrays()
                arrays |= {f"{name}.{key}": array for key, array in learned.items()}
        return json.loads(json.dumps(meta)), arrays

    def save(self, path: str | Path, *, sources: bool = True, force: bool = False) -> Path:
        """Write a model file; raises UsageError where another file stands at `path` and `force` is not given."""
        meta, arrays = self.contents(sources=sources)
        model_file.write(Path(path), meta, arrays, force=force)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> ChordLabeller:
        """Open a model file; raises ModelFileError where it is damaged, or for another task."""
        return cls.from_file(model_file.ModelFile(path))

    @classmethod
    def from_file(cls, file: model_file.ModelFile) -> ChordLabeller:
        """The labeller that `file` holds; raises ModelFileError for a model of another task."""
        return cls._of(file.expect("chords").meta, file)

    @classmethod
    def of_analyses(cls, *, say: Callable[[str], object] = str) -> tuple[ChordLabeller, str]:
        """The labeller of the built-in corpus `bach-analyses`, and its checksum: fitted once, then kept.

        `say` is told when it has to be fitted first. Raises MissingExtraError without music21.
        """

        def make() -> Contents:
            say(f"A model of {ANALYSES} is fitted: that takes some seconds, once.")
            pieces, _ = label_pieces(Corpus.builtin(ANALYSES), paired=BUILTIN[ANALYSES].analysis_files())
            return cls().fit(pieces).contents()

        kept = kept_model("chords", make)
        return cls._of(kept.meta, kept.arrays), kept.checksum

    @classmethod
    def _of(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> ChordLabeller:
        labeller = cls(**meta["model"][1])
        labeller.chords_ = _opened(meta, arrays, "chords")
        labeller.melodies_ = _opened(meta, arrays, "melodies")
        labeller.keys_ = _opened(meta, arrays, "keys") if "keys" in meta else None
        labeller.card_ = meta["card"]
        return labeller

    def _field(
        self,
        settings: tuple[Sequence[str], Sequence[str], Sequence[str], float],
        rows: Sequence[tuple[Sequence[Observation], Sequence[str | None]]],
    ) -> RelativeCRF:
        templates, pitches, steps, l2 = settings
        field = RelativeCRF(
            templates, steps, l2=l2, every_root=True, pitched=pitches, max_iterations=self.max_iterations
        )
        return field.fit(*_runs(rows))

    def _chords(self, found: Events, home: Key) -> tuple[list[str], FloatArray]:
        melody = found.texture == "melody"
        field, seen = (
            (self.melodies_, melody_observations(found, home)) if melody else (self.chords_, chord_observations(found))
        )
        path, shares = _told(field, seen)
        path = _settled(found, path, shares)
        return [field.labels_[i] for i in path.tolist()], shares[np.arange(len(path)), path]

    def _keys(self, found: Events, chords: Sequence[str], home: Key) -> tuple[list[str], FloatArray]:
        if self.keys_ is None or found.texture == "melody":
            return [_key_label(home)] * len(chords), np.ones(len(chords))
        path, shares = _told(self.keys_, key_observations(found, chords))
        return [self.keys_.labels_[i] for i in path.tolist()], shares[np.arange(len(path)), path]

    def _check_fitted(self) -> None:
        if not hasattr(self, "chords_"):
            raise NotFittedError("this ChordLabeller has not learned anything yet: call fit(pieces) first")


def cross_validated(
    labeller: ChordLabeller, pieces: Sequence[LabelledPiece], *, folds: int = 5, seed: int = 0
) -> Figures:
    """How well a labeller tells the chords of pieces that it did not learn from, each piece held out once.

    Raises InvalidParameterError for less than two pieces.
    """
    if len(pieces) < 2:
        raise InvalidParameterError(f"cross-validation needs two labelled pieces or more; got {len(pieces)}")
    fold = dealt(len(pieces), min(folds, len(pieces)), seed=seed)
    counts = []
    for k in np.unique(fold):
        model = ChordLabeller(**labeller.get_params()).fit([p for p, f in zip(pieces, fold, strict=True) if f != k])
        counts += [_counted(model, p) for p, f in zip(pieces, fold, strict=True) if f == k]
    return _figures(counts)


def measured(labeller: ChordLabeller, pieces: Sequence[LabelledPiece]) -> Figures:
    """How well a fitted labeller tells the chords of these pieces."""
    return _figures([_counted(labeller, piece) for piece in pieces])


def _counted(model: ChordLabeller, piece: LabelledPiece) -> Counted:
    example = _example(piece, events(piece.piece.score))
    found, chords, keys = model.event_labels(piece.piece.score)
    rows = [
        (chord == _chord_label(given), int(chord.split()[0]) == given.root, float(event.length))
        for chord, given, event in zip(chords, example.chords, found.slices, strict=True)
        if given is not None
    ]
    keyed = [said == _key_label(given) for said, given in zip(keys, example.keys, strict=True) if given is not None]
    right, roots, lengths = zip(*rows, strict=True) if rows else ((), (), ())
    time_right = sum(length for ok, length in zip(right, lengths, strict=True) if ok)
    return Counted(len(rows), sum(right), sum(lengths), time_right, sum(roots), len(keyed), sum(keyed))


def _figures(counts: Sequence[Counted]) -> Figures:
    total = Counted(*(sum(column) for column in zip(*counts, strict=True)))
    n = max(total.n, 1)
    return Figures(
        len(counts),
        total.n,
        total.right / n,
        total.time_right / max(total.time, 1e-9),
        total.roots / n,
        total.keys / total.n_keys if total.n_keys else None,
        tuple(counts),
    )


def _opened(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], name: str) -> RelativeCRF:
    own = {key.removeprefix(f"{name}."): arrays[key] for key in arrays if key.startswith(f"{name}.")}
    return RelativeCRF.from_arrays(meta[name], own)


# Labels of events


def _example(piece: LabelledPiece, found: Events) -> _Example:
    """The labels of a piece, event by event."""
    under = [_longest(piece.harmonies, s.onset, s.onset + s.length) for s in found.slices]
    chords = [harmony.chord if harmony else None for harmony in under]
    keys = [harmony.key if harmony and harmony.chord else None for harmony in under]
    return _Example(found, chords, keys)


def _longest(harmonies: Sequence[Harmony], start: Fraction, end: Fraction) -> Harmony | None:
    """The harmony that lasts longest during [start, end), of equal ones the first."""
    best, most = None, Fraction(0)
    ends = [*(harmony.onset for harmony in harmonies[1:]), end]
    for harmony, stop in zip(harmonies, ends, strict=True):
        if harmony.onset < end and stop > start:
            share = min(stop, end) - max(harmony.onset, start)
            if share > most:
                best, most = harmony, share
    return best


def _kinds(examples: Sequence[_Example]) -> dict[str, str]:
    """The label of each quality: itself, or a simpler one where it is rare."""
    counts = Counter(chord.quality for e in examples for chord in e.chords if chord)
    enough = {quality for quality, n in counts.items() if n >= _ENOUGH}
    found = {}
    for quality in QUALITIES:
        kind = quality
        while kind not in enough and kind in _SIMPLER:
            kind = _SIMPLER[kind]
        found[quality] = kind if kind in enough or kind in ("maj", "min") else "maj"
    return found


def _chord_label(chord: Chord) -> str:
    return f"{chord.root} {chord.quality}"


def _chord_labels(example: _Example, kinds: dict[str, str]) -> list[str | None]:
    return [c and _chord_label(c._replace(quality=kinds[c.quality])) for c in example.chords]


def _key_label(key: Key) -> str:
    return f"{key.tonic} {'minor' if key.is_minor else 'major'}"


def _key_labels(example: _Example) -> list[str | None]:
    return [key and _key_label(key) for key in example.keys]


def _filled(labels: Sequence[str | None]) -> list[str]:
    """Labels with each gap filled by the label before it, or the first one."""
    last = next((label for label in labels if label), "0 maj")
    return [last := label or last for label in labels]


def _runs(
    rows: Sequence[tuple[Sequence[Observation], Sequence[str | None]]],
) -> tuple[list[list[Observation]], list[list[str]]]:
    """The stretches of events that have labels, as pieces of their own."""
    observations, labels = [], []
    for seen, own in rows:
        for has_label, group in groupby(zip(seen, own, strict=True), lambda pair: pair[1] is not None):
            if has_label:
                stretch = list(group)
                observations.append([event for event, _ in stretch])
                labels.append([str(label) for _, label in stretch])
    return observations, labels


# From labels to spans


def _spans(
    found: Events, chords: Sequence[str], keys: Sequence[str], home: Key, beliefs: tuple[FloatArray, FloatArray]
) -> list[ChordSpan]:
    basses = _basses(found, chords)
    local = [_key(label, home) for label in keys]
    starts = [
        i
        for i in range(len(chords))
        if i == 0 or chords[i] != chords[i - 1] or local[i] != local[i - 1] or basses[i] != basses[i - 1]
    ]
    ends = [*starts[1:], len(chords)]
    end = found.slices[-1].onset + found.slices[-1].length
    spans = []
    for a, b in zip(starts, ends, strict=True):
        root, _, kind = chords[a].partition(" ")
        stop = found.slices[b].onset if b < len(chords) else end
        onset = found.slices[a].onset
        weights = np.array([float(s.length) for s in found.slices[a:b]])
        sure, key_sure = (float(np.average(belief[a:b], weights=weights)) for belief in beliefs)
        bass = basses[a]
        chord = Chord(int(root), kind, None if bass == int(root) else bass)
        spans.append(ChordSpan(onset, stop - onset, local[a], chord, sure, key_sure))
    return spans


def _told(field: RelativeCRF, seen: Sequence[Observation]) -> tuple[IntArray, FloatArray]:
    """The likeliest labels, (T,), and the probability of each label at each event, (T, n_labels).

    Long pieces are read in stretches that overlap, of which the middles count: memory stays bounded, and what lies a
    hundred events off has no say in a chord.
    """
    paths, shares = [], []
    for start in range(0, max(len(seen), 1), _STRETCH):
        first, last = max(start - _LAP, 0), min(start + _STRETCH + _LAP, len(seen))
        chain = field.chain(seen[first:last])
        inner = slice(start - first, min(start + _STRETCH, len(seen)) - first)
        paths.append(best_path(chain)[inner])
        shares.append(marginals(chain)[inner])
    return np.concatenate(paths), np.concatenate(shares)


def _settled(found: Events, path: IntArray, shares: FloatArray) -> IntArray:
    """The path without passing doubts.

    A chord less likely than not that lasts no beat and begins off the beat, or stands between two of the same, gives
    way to the chord before it.
    """
    settled = path.copy()
    runs = [list(group) for _, group in groupby(range(len(path)), lambda i: int(path[i]))]
    for before, run, after in zip(runs, runs[1:], [*runs[2:], None], strict=False):
        members = np.array(run)
        likely = float(shares[members, path[members]].mean()) >= _LIKELY
        length = sum(found.slices[i].length for i in run)
        between = after is not None and path[after[0]] == settled[before[-1]]
        if not likely and ((length < 1 and found.slices[run[0]].weight < 2) or (length <= 1 and between)):
            settled[members] = settled[before[-1]]
    return settled


def _basses(found: Events, chords: Sequence[str]) -> list[int | None]:
    """The bass of the chord at each event: a note of the chord, new only where a reader would write a new inversion.

    A fifth in the bass that comes after another bass of the same chord is no new inversion, and neither is any change
    off the beat or in broken chords: there a root that is anywhere the lowest note is the bass, with a seventh or
    without.
    """
    out: list[int | None] = []
    whole = found.texture == "slices"
    for _, same in groupby(range(len(chords)), lambda i: chords[i] if whole else chords[i].partition(" ")[0]):
        members = list(same)
        root, _, kind = chords[members[-1]].partition(" ")
        notes = Chord(int(root), kind).pitch_classes
        low = [found.slices[i].pitches[0] % 12 if found.slices[i].pitches else None for i in members]
        now = next((bass for bass in low if bass in notes), None)
        if found.texture == "melody" or (not whole and int(root) in low):
            now = None
        for i, bass in zip(members, low, strict=True):
            fifth = len(notes) > 2 and bass == notes[2]
            if whole and bass in notes and not fifth and found.slices[i].weight >= 2:
                now = bass
            out.append(now)
    return out


def _key(label: str, home: Key) -> Key:
    tonic, _, mode = label.partition(" ")
    same = int(tonic) == home.tonic and (mode == "minor") == home.is_minor
    return home if same else key_on(int(tonic), mode, home)


def _remarks(found: Events, home: KeyFinding, spans: Sequence[ChordSpan], key_beliefs: FloatArray) -> tuple[str, ...]:
    said = []
    if found.texture == "melody":
        said.append(
            "one note sounds at a time: these are chords that would go with the melody, a guess at each half bar"
        )
    elif found.texture != "slices":
        said.append(
            f"few notes sound at once: chords are told for {found.texture if found.texture == 'beats' else 'half bars'}"
        )
    if home.doubtful or float(key_beliefs.mean()) < _UNSURE:
        said.append(
            f"no clear tonal centre: the key is a guess ({home.key}), and so are the Roman numerals; "
            "chord symbols do not depend on it"
        )
    narrow = [part for inside in found.inside for part in inside]
    named = agreement(narrow, [Harmony(span.onset, span.chord) for span in spans])
    if named < _NAMED and found.texture != "melody":
        said.append(
            f"the chords found name only {named:.0%} of what sounds: this music may not be made of such chords, "
            "or have no tonal centre"
        )
    return tuple(said)

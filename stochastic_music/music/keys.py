"""Keys: their names, the printed one, the one the notes suggest, and moving between them.

A `Key` is a signature (-7 .. 7 sharps) and a mode. It is spelled `G`, `Em` or `G:dorian`. A reader that knows a printed
key for certain says so with a score-level marker `key:<name>` beside symusic's KeySignature, which has no place
for modes.

`key_of(score)` follows this policy:

    marker `key:`                   trusted as printed
    signature, minor                trusted
    signature, major, not C         the signature is trusted; programs write "major" when they do not know, so the notes
                                    decide between it and its relative minor
    signature of C major            what programs write when they know nothing: trusted if the notes agree
    none                            estimated

The estimate compares the piece's distribution of pitch classes, weighted by duration, with 24 key profiles by Euclidean
distance [1], a descendant of Krumhansl and Schmuckler's correlation with probe-tone profiles [2]. Its confidence is
1 - nearest / second nearest distance: 0 where two keys fit alike.

[1] J. Albrecht, D. Shanahan. The use of large corpora to train a new type of key-finding algorithm. Music Perception
31(1), 2013. [2] C. L. Krumhansl. Cognitive Foundations of Musical Pitch. Oxford University Press, 1990.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from stochastic_music.errors import InvalidParameterError
from stochastic_music.music import marks
from stochastic_music.music.signs import Signs, signs_of
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: mode -> how many fifths its tonic lies above that of the major key of the same signature
MODES = {"major": 0, "minor": 3, "dorian": 2, "phrygian": 4, "lydian": -1, "mixolydian": 1, "locrian": 5}
_SYNONYMS = {"maj": "major", "m": "minor", "min": "minor", "ionian": "major", "aeolian": "minor"}
_LETTERS = "FCGDAEB"
_NAME = re.compile(r"([A-G])(#{1,2}|b{1,2}|-{1,2}|♯{1,2}|♭{1,2}|)(?:[: ]?([a-z]+))?")
_MARKER = "key:"

#: Share of the duration that each scale step takes, from the tonic on (Albrecht and Shanahan 2013, table 1).
_MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
_MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
#: (24, 12): twelve major keys from C upwards, then twelve minor ones.
_PROFILES = np.array([np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)])

#: Estimates less sure than this are reported as doubtful.
DOUBTFUL = 0.1
#: How much nearer than C major or A minor another key must be before a C major signature is not believed.
_DISBELIEF = 0.8


class Key(NamedTuple):
    """A signature and a mode."""

    sharps: int
    mode: str = "major"

    @property
    def tonic(self) -> int:
        """The tonic's pitch class, C = 0."""
        return 7 * (self.sharps + MODES[self.mode]) % 12

    @property
    def is_minor(self) -> bool:
        """Whether the third above the tonic is a minor one."""
        return self.mode in ("minor", "dorian", "phrygian", "locrian")

    def __str__(self) -> str:
        fifths = self.sharps + MODES[self.mode] + 1
        octaves, letter = divmod(fifths, 7)
        tonic = _LETTERS[letter] + ("#" * octaves if octaves > 0 else "b" * -octaves)
        return tonic + {"major": "", "minor": "m"}.get(self.mode, f":{self.mode}")


class KeyFinding(NamedTuple):
    """What key a piece is in, where that is known from, and how sure it is (1 for printed keys)."""

    key: Key
    source: Literal["printed", "mode estimated", "estimated"]
    confidence: float

    @property
    def doubtful(self) -> bool:
        """Whether it should be reported."""
        return self.source == "estimated" and self.confidence < DOUBTFUL


def parse_key(name: str) -> Key:
    """The key that `name` spells; raises InvalidParameterError for anything else.

    >>> parse_key("Em"), parse_key("G:dorian"), str(parse_key("Bb minor"))
    (Key(sharps=1, mode='minor'), Key(sharps=-1, mode='dorian'), 'Bbm')
    """
    match = _NAME.fullmatch(name.strip())
    mode = _SYNONYMS.get(word := (match[3] or "major") if match else "", word)
    if not match or mode not in MODES:
        raise InvalidParameterError(
            f"'{name}' is no key: expected a letter A to G, # or b, and m or a mode, as in G, Ebm or D:dorian "
            f"(modes: {', '.join(MODES)})"
        )
    letter, accidental = match[1], match[2].replace("♯", "#")
    fifths = _LETTERS.index(letter) - 1 + 7 * (len(accidental) if "#" in accidental else -len(accidental))
    sharps = fifths - MODES[mode]
    if abs(sharps) > 7:
        raise InvalidParameterError(f"'{name}' has {abs(sharps)} sharps or flats: spell it with at most seven")
    return Key(sharps, mode)


@lru_cache(maxsize=256)
def format_key(key: Key) -> str:
    """The key's name.

    >>> format_key(Key(-3, "minor")), format_key(Key(2, "mixolydian"))
    ('Cm', 'A:mixolydian')
    """
    return str(key)


def pitch_class_weights(score: ScoreTick) -> FloatArray:
    """How long each pitch class sounds, as shares that add up to 1 (or all 0), drums left out: (12,)."""
    weights = np.zeros(12)
    for track in score.tracks:
        if not track.is_drum:
            columns = track.notes.numpy()
            weights += np.bincount(columns["pitch"].astype(np.int64) % 12, columns["duration"], minlength=12)
    total = weights.sum()
    return weights / total if total else weights


def key_distances(weights: FloatArray) -> FloatArray:
    """Distance of pitch-class shares, (..., 12), from 24 keys, C to B major, then C to B minor: (..., 24)."""
    apart = weights[..., None, :] - _PROFILES
    distances: FloatArray = np.sqrt((apart * apart).sum(axis=-1))
    return distances


def estimate_key(weights: FloatArray) -> tuple[Key, float]:
    """The key that fits pitch-class shares, (12,), best, and the confidence in it; C and 0 for no notes.

    >>> print(*estimate_key(np.eye(12)[[7, 9, 11, 0, 2, 4, 6, 7]].mean(axis=0))[:1])
    G
    """
    return _nearest_key(key_distances(weights)) if weights.any() else (Key(0), 0.0)


def key_of(score: ScoreTick) -> KeyFinding:
    """What key a piece begins in, by the policy of the module's article."""
    return keys_of([signs_of(score)], pitch_class_weights(score)[None])[0]


def keys_of(signs: Sequence[Signs], weights: FloatArray) -> list[KeyFinding]:
    """What key each of several scores begins in, by its signs and its pitch-class shares, a row of (n_scores, 12)."""
    sounds: BoolArray = np.any(weights, axis=1)
    distances = key_distances(weights)
    order = np.argsort(distances, axis=1, kind="stable")[:, :2]
    nearest, second = np.take_along_axis(distances, order, axis=1).T
    confidence = np.where(sounds, 1 - nearest / second, 0.0).tolist()
    estimated = np.where(sounds, order[:, 0], 0).tolist()
    return [
        _printed_or_mode(own, distances[i] if sounds[i] else None)
        or KeyFinding(_PROFILE_KEYS[estimated[i]], "estimated", confidence[i])
        for i, own in enumerate(signs)
    ]


def _printed_or_mode(signs: Signs, distances: FloatArray | None) -> KeyFinding | None:
    """What a score prints, its mode decided by the distances of its notes from the keys; None if it prints nothing."""
    printed = stated_key(signs)
    if printed:
        return KeyFinding(printed, "printed", 1.0)
    if distances is None or not signs.keys:
        return None
    _, sharps, _ = min(signs.keys, key=itemgetter(0))
    major, minor = (float(distances[_profile_index(Key(sharps, mode))]) for mode in ("major", "minor"))
    if sharps == 0 and distances.min() < _DISBELIEF * min(major, minor):
        return None
    confidence = 1 - min(major, minor) / max(major, minor)
    return KeyFinding(Key(sharps, "major" if major <= minor else "minor"), "mode estimated", confidence)


def printed_key(score: ScoreTick) -> Key | None:
    """The key that a `key:` marker or a minor key signature states, None without one."""
    return stated_key(signs_of(score))


def stated_key(signs: Signs) -> Key | None:
    """As `printed_key`, from the signs of a score."""
    for _, text in signs.markers:
        if key := _marked_key(text):
            return key
    if not signs.keys:
        return None
    _, sharps, tonality = min(signs.keys, key=itemgetter(0))
    return Key(sharps, "minor") if tonality == 1 else None


def relative_mode(sharps: int, weights: FloatArray) -> Key:
    """Of the major and the minor key of one signature, that which pitch-class shares, (12,), fit better."""
    distances = key_distances(weights)
    return min((Key(sharps, mode) for mode in ("major", "minor")), key=lambda k: float(distances[_profile_index(k)]))


def mark_key(score: ScoreTick, key: Key, time: int = 0) -> None:
    """Say in place that `key` is printed at `time` (ticks): a KeySignature, and a marker that keeps its mode."""
    from symusic.core import KeySignatureTick, TextMetaTick

    score.key_signatures.append(KeySignatureTick(time, key.sharps, int(key.is_minor)))
    score.markers.append(TextMetaTick(time, f"{_MARKER}{key}"))


def semitones_to_common(key: Key) -> int:
    """The shortest way to the key without sharps or flats (C major, A minor, D dorian): -6 .. 5 semitones.

    >>> semitones_to_common(parse_key("G")), semitones_to_common(parse_key("Gm"))
    (5, 2)
    """
    return (6 - 7 * key.sharps) % 12 - 6


def transpose(score: ScoreTick, semitones: int) -> ScoreTick:
    """A copy moved by `semitones`, with its printed keys and chord symbols; drums stay.

    Where that would leave MIDI's range, the copy is an octave nearer to it.
    """
    if not semitones:
        return score.copy()
    moved = score.copy()
    pitched = [track for track in moved.tracks if not track.is_drum and len(track.notes)]
    step = _within_midi(pitched_range([t.notes.numpy()["pitch"] for t in pitched]), semitones)
    for track in pitched:
        track.shift_pitch(step, inplace=True)
    for signature in moved.key_signatures:
        signature.key = transposed_key(Key(signature.key), semitones).sharps
    for marker in moved.markers:
        if key := _marked_key(marker.text):
            marker.text = f"{_MARKER}{transposed_key(key, semitones)}"
    if symbols := marks.chord_symbols(moved):
        from stochastic_music.music.chords import transposed_symbol

        key = printed_key(moved)
        marks.set_chord_symbols(moved, [(time, transposed_symbol(text, semitones, key)) for time, text in symbols])
    return moved


def transposed_key(key: Key, semitones: int) -> Key:
    """The key `semitones` higher, spelled with as few sharps or flats as can be (six: as sharps).

    >>> str(transposed_key(parse_key("Em"), 3)), str(transposed_key(parse_key("C"), 6))
    ('Gm', 'F#')
    """
    return Key((key.sharps + 7 * semitones + 5) % 12 - 5, key.mode)


def key_on(tonic: int, mode: str, near: Key) -> Key:
    """The key on a tonic (pitch class) whose signature is nearest to that of `near`, of at most seven sharps or flats.

    >>> str(key_on(6, "major", parse_key("Db"))), str(key_on(6, "major", parse_key("B")))
    ('Gb', 'F#')
    """
    place = 7 * tonic % 12 - MODES[mode]
    signatures = [place + 12 * turn for turn in range(-2, 3) if abs(place + 12 * turn) <= 7]
    return Key(min(signatures, key=lambda sharps: (abs(sharps - near.sharps), sharps)), mode)


def pitched_range(pitches: list[IntArray]) -> tuple[int, int]:
    """The lowest and highest of some arrays of pitches, (60, 60) without any."""
    return min((int(p.min()) for p in pitches), default=60), max((int(p.max()) for p in pitches), default=60)


def transpose_to_common(score: ScoreTick) -> tuple[ScoreTick, int, KeyFinding]:
    """A copy in C major, A minor or the mode without sharps or flats; by how many semitones; and from which key."""
    finding = key_of(score)
    semitones = semitones_to_common(finding.key)
    return transpose(score, semitones), semitones, finding


def transpose_to_key(score: ScoreTick, name: str) -> ScoreTick:
    """A copy in the key `name`, the shortest way.

    A minor piece asked for in a major key (or the reverse) goes to that key's relative: the signature is the one asked
    for.
    """
    here, wanted = key_of(score).key, parse_key(name)
    same = here.is_minor == wanted.is_minor
    steps = wanted.tonic - here.tonic if same else 7 * (wanted.sharps - here.sharps)
    return transpose(score, (steps + 6) % 12 - 6)


def _marked_key(text: str) -> Key | None:
    """The key that a marker states; other programs write markers as well, so nonsense is left alone."""
    if not text.startswith(_MARKER):
        return None
    try:
        return parse_key(text.removeprefix(_MARKER))
    except InvalidParameterError:
        return None


def _nearest_key(distances: FloatArray) -> tuple[Key, float]:
    """The key of the smallest of 24 distances, and the confidence in it."""
    nearest, second = np.argsort(distances, kind="stable")[:2]
    return _PROFILE_KEYS[int(nearest)], float(1 - distances[nearest] / distances[second])


def _profile_key(index: int) -> Key:
    mode = "minor" if index >= 12 else "major"
    fifths = 7 * (index % 12) - MODES[mode]
    return Key((fifths + 5) % 12 - 5, mode)


def _profile_index(key: Key) -> int:
    return key.tonic + 12 * (key.mode == "minor")


_PROFILE_KEYS = [_profile_key(index) for index in range(24)]


def _within_midi(span: tuple[int, int], semitones: int) -> int:
    low, high = span
    return next((s for s in (semitones, semitones - 12, semitones + 12) if low + s >= 0 and high + s <= 127), 0)

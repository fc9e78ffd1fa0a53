"""What is asked of the chords of a melody: where it begins and ends, and how phrases close."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from stochastic_music.models.harmony.harmony import Harmony
from stochastic_music.models.harmony.labels import Alphabet
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.music import voice_leading
from stochastic_music.music.voice_leading import Context
from stochastic_music.protocols import BoolArray, IntArray

#: which labels may stand at each frame: (n_frames, n_labels)
Demand: TypeAlias = Callable[[Harmony, Melody], BoolArray]
#: kinds of steps into the last note of a phrase
AUTHENTIC, _OTHER, WEAK = 0, 1, 2


def begins_near(harmony: Harmony, melody: Melody) -> BoolArray:
    """The first chord is the tonic's or the dominant's: (n_frames, n_labels)."""
    near = [label.root in (0, 7) and label.quality in ("maj", "min", "7") for label in harmony.alphabet.labels]
    allowed = np.ones((len(melody), harmony.alphabet.n), dtype=bool)
    allowed[:1] = [*near, False]
    return allowed


def ends_at_home(harmony: Harmony, melody: Melody) -> BoolArray:
    """The last chord is the tonic triad in root position, in minor keys the major one too: (n_frames, n_labels)."""
    third = ("maj", "min") if melody.minor else ("maj",)
    home = [label.bass == label.root == 0 and label.quality in third for label in harmony.alphabet.labels]
    allowed = np.ones((len(melody), harmony.alphabet.n), dtype=bool)
    allowed[-1:] = [*home, False]
    return allowed


def phrases_rest(harmony: Harmony, melody: Melody) -> BoolArray:
    """Each phrase ends on a triad in root position: (n_frames, n_labels)."""
    triads = [label.bass == label.root and label.quality in ("maj", "min") for label in harmony.alphabet.labels]
    allowed = np.ones((len(melody), harmony.alphabet.n), dtype=bool)
    allowed[phrase_ends(melody)] = [*triads, False]
    return allowed


#: what is asked of the skeleton, the most first, and what is said where that was too much
DEMANDS: tuple[tuple[tuple[Demand, ...], str], ...] = (
    ((begins_near, ends_at_home, phrases_rest), ""),
    ((ends_at_home, phrases_rest), "the first chord is neither tonic nor dominant"),
    ((ends_at_home,), "phrases may end on any chord"),
    ((phrases_rest,), "the last chord is not the tonic"),
    ((), "phrases and the piece may end on any chord"),
)


def closes(alphabet: Alphabet) -> IntArray:
    """What each step from label to label is: AUTHENTIC, another cadence, or WEAK, (n, n); the same root goes on."""
    context, chords = Context(0), [label.chord(0) for label in alphabet.labels]
    table = np.full((alphabet.n, alphabet.n), WEAK)
    for j, last in enumerate(chords):
        for i, before in enumerate(chords):
            kind = voice_leading.cadence(before, last, context)
            stays = before.root == last.root
            table[i, j] = AUTHENTIC if stays or kind == "authentic" else WEAK if kind == "other" else _OTHER
    return table


def phrase_ends(melody: Melody) -> IntArray:
    """The last frame of each phrase."""
    return np.flatnonzero(np.append(melody.since[1:] == 0, True)[: len(melody)])

"""Harmony of a melody: a skeleton of chords, and voices under it.

    p(chords, voices | melody)  =  product over beats of
        p(chord_t | chord_t-1, melody)  p(voices_t | chord_t, voices_t-1, melody)

`Harmony.fit` learns both from pieces in four voices, beat by beat. Everything is heard relative to the tonic, or from
voice to voice, so that pieces in all keys teach each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import EmptyCorpusError
from stochastic_music.models.harmony.labels import Alphabet, Label
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.mixture import NONE, Columns
from stochastic_music.models.harmony.skeleton import Contents, Skeleton, kind_named
from stochastic_music.models.harmony.voices import PLACES, Voices
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.sampling.chains import Chain

#: labels that came less often are `other`
AT_LEAST = 5


class Setting(NamedTuple):
    """A melody and voices that someone set under it: (n_frames, 4) from the top, a row of NONE where not all sound."""

    melody: Melody
    voices: IntArray

    @property
    def whole(self) -> BoolArray:
        """The frames in which all four voices sound: (n_frames,)."""
        return np.asarray((self.voices != NONE).all(axis=1) & ~self.melody.silent)


class Harmony:
    """A skeleton and voices; see the module's article.

    `skeleton` is its kind: "crf", "mixture" or "hmm".
    """

    skeleton_: Skeleton
    voices_: Voices

    def __init__(self, skeleton: str = "crf") -> None:
        self.skeleton = skeleton

    def fit(self, settings: Sequence[Setting]) -> Self:
        """Learn from settings; raises EmptyCorpusError where no beat has four voices."""
        kind = kind_named(self.skeleton)
        labels, rows, piece = _taught(settings)
        if not len(piece):
            raise EmptyCorpusError(
                "none of the pieces has a beat on which four voices sound: expected music in four parts, such as the "
                "built-in bach-chorales"
            )
        self.skeleton_ = kind.fit(labels, rows, piece)
        self.voices_ = Voices.fit(rows, piece)
        return self

    @property
    def alphabet(self) -> Alphabet:
        """The labels of chords."""
        return self.skeleton_.alphabet

    def chain(self, melody: Melody) -> Chain:
        """The skeleton of a melody, before any demand."""
        return self.skeleton_.chain(melody)

    def columns(self, melody: Melody, frames: IntArray, label: IntArray, before: IntArray | None = None) -> Columns:
        """What the voices of some frames hear of the melody, of chords numbered `label`, and of the voices `before`.

        `frames` and `label` are (n,), `before` (n, 4) from the top, or None for none.
        """
        heard = {name: column[frames] for name, column in melody.columns.items()}
        last = np.full((len(frames), 4), NONE) if before is None else before
        heard |= {f"p{voice}": last[:, place] for voice, place in PLACES.items()}
        return heard | self.alphabet.columns(label, heard["tonic"])

    def contents(self) -> Contents:
        """What was learned, as plain JSON and arrays."""
        known, arrays = self.skeleton_.contents()
        meta = {"skeleton": self.skeleton, "labels": [list(label) for label in self.alphabet.labels], "known": known}
        return meta, {
            **{f"skeleton.{name}": array for name, array in arrays.items()},
            **{f"voices.{name}": array for name, array in self.voices_.to_arrays().items()},
        }

    @classmethod
    def of_contents(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `contents`."""
        model = cls(meta["skeleton"])
        alphabet = Alphabet(tuple(Label(*label) for label in meta["labels"]))
        kind = kind_named(model.skeleton)
        model.skeleton_ = kind.of_contents(alphabet, meta["known"], _under("skeleton.", arrays))
        model.voices_ = Voices.from_arrays(_under("voices.", arrays))
        return model


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}


def _taught(settings: Sequence[Setting]) -> tuple[Alphabet, dict[str, IntArray], IntArray]:
    """The alphabet of all beats with four voices, what is heard at each of them, and the number of its piece."""
    whole = [setting.whole for setting in settings]
    alphabet = Alphabet.of(
        [
            label
            for setting, kept in zip(settings, whole, strict=True)
            for label in _labels(setting.voices[kept], setting.melody.tonic)
        ],
        AT_LEAST,
    )
    parts: list[dict[str, IntArray]] = []
    for setting, kept in zip(settings, whole, strict=True):
        melody, voices = setting
        sounding = np.where(kept[:, None], voices, NONE)
        label = np.full(len(melody), NONE)
        label[kept] = alphabet.numbers(voices[kept], melody.tonic)
        columns = dict(melody.columns)
        for voice, place in PLACES.items():
            columns[voice], columns[f"p{voice}"] = sounding[:, place], _delayed(sounding[:, place])
        columns |= alphabet.columns(np.where(kept, label, alphabet.other), columns["tonic"])
        columns["before"] = _delayed(label)
        parts.append({name: column[kept] for name, column in columns.items()})
    piece = np.repeat(np.arange(len(settings)), [int(kept.sum()) for kept in whole])
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
    return alphabet, rows, piece


def _delayed(column: IntArray) -> IntArray:
    """Each frame's last value, NONE at first."""
    return np.concatenate([[NONE], column[:-1]])[: len(column)]


def _labels(voices: IntArray, tonic: int) -> list[Label | None]:
    from stochastic_music.models.harmony.labels import label_of, masks

    return [
        label_of(mask, bass, tonic) for mask, bass in zip(masks(voices).tolist(), voices[:, -1].tolist(), strict=True)
    ]

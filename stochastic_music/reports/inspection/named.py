"""The conditional random fields of a model, by name, and how what they see and what they say is called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from stochastic_music.errors import UsageError
from stochastic_music.models.crf.features import PITCHED
from stochastic_music.models.harmony.labels import Alphabet
from stochastic_music.models.harmony.skeleton import CRFSkeleton
from stochastic_music.music.chords import roman
from stochastic_music.music.keys import Key
from stochastic_music.reports.inspection.attributes import (
    OF_BEATS,
    OF_CHORDS,
    OF_NOTES,
    OF_SOPRANOS,
    Sight,
    cell_in_words,
    chord_in_words,
    in_words,
    note_in_words,
)
from stochastic_music.tasks.chords.labeller import ChordLabeller
from stochastic_music.tasks.given.composer import CRFComposer
from stochastic_music.tasks.harmonize import Harmonizer


class Named(NamedTuple):
    """One field of a model: its name, what its features mean, and how its labels are said."""

    name: str
    field: Any
    sight: Sight
    said: Callable[[str], str]

    def feature(self, feature: str) -> str:
        """A feature in words; the label before is one (`after=...`)."""
        before = feature.removeprefix("after=")
        known = before != feature and before in self.field.labels_
        return f"after {self.said(before)}" if known else in_words(feature, self.sight)


def fields_of(model: ChordLabeller | CRFComposer | Harmonizer) -> list[Named]:
    """The fields of a model, by name. Raises UsageError for a harmoniser whose chords are told in another way."""
    if isinstance(model, Harmonizer):
        skeleton = model.harmony_.skeleton_
        if not isinstance(skeleton, CRFSkeleton):
            raise UsageError(
                f"the chords of this harmoniser are told by '{model.skeleton}': only those of 'crf' are weights"
            )
        return [Named("chords", skeleton.field, OF_SOPRANOS, partial(_roman, skeleton.alphabet))]
    if isinstance(model, CRFComposer):
        quarter = model.resolution
        return [
            Named("pitches", model.pitches_, OF_NOTES._replace(quarter=quarter), note_in_words),
            Named("rhythms", model.cells_, OF_BEATS._replace(quarter=quarter), partial(cell_in_words, quarter=quarter)),
        ]
    named = [("chords", model.chords_, "root"), ("melodies", model.melodies_, "root"), ("keys", model.keys_, "tonic")]
    return [
        Named(name, field, OF_CHORDS._replace(pitched=PITCHED | set(field.pitched), home=home), chord_in_words)
        for name, field, home in named
        if field is not None
    ]


def _roman(alphabet: Alphabet, number: str) -> str:
    """The chord of a number, as a Roman numeral of a major key."""
    return "other" if int(number) == alphabet.other else roman(alphabet.labels[int(number)].chord(0), Key(0))

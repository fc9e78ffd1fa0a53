"""Scores to and from partitura, by MusicXML."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from stochastic_music import _optional
from stochastic_music.io.engrave import to_musicxml
from stochastic_music.io.engraved import read_engraved

if TYPE_CHECKING:
    from symusic.core import ScoreTick


def to_partitura(score: ScoreTick) -> Any:
    """A `partitura.score.Score`: parts in bars, spelled by the key.

    Carried: notes, meters, key, names, pickup. Lost: velocities, tempos, programs, which drum is struck and for how
    long (unpitched notes stand on their lines); notes that lie on no 64th or triplet go to the nearest.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "ignoring direction type", UserWarning)  # it skips the metronome mark
        return _partitura().load_musicxml(io.BytesIO(to_musicxml(score)))


def from_partitura(score: Any) -> ScoreTick:
    """The score of a `partitura.score.Score`, or of one of its parts. Carried and lost: as in `to_partitura`.

    Raises UnreadableFileError where there is no note.
    """
    return read_engraved(_partitura().save_musicxml(score), ".musicxml")[0].score


def _partitura() -> Any:
    """The library, whose parser (lark) imports modules of Python that are on their way out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
        library = _optional.require("partitura")
    unpitched = library.score.UnpitchedNote
    if not hasattr(unpitched, "is_grace_chord"):  # up to 1.9 its reader asks that of drums that are struck together
        unpitched.is_grace_chord = False
    return library

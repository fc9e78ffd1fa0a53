"""Scores to and from pretty_midi, by MIDI."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from stochastic_music import _optional
from stochastic_music.io.midi import midi_bytes, read_midi

if TYPE_CHECKING:
    from symusic.core import ScoreTick


def to_pretty_midi(score: ScoreTick) -> Any:
    """A `pretty_midi.PrettyMIDI`: instruments with notes in seconds.

    Carried: notes with velocities, meters, keys, tempos, programs, drums, names; a pickup is a first bar under a meter
    of its own. Lost: tracks without notes, phrase ends and chord symbols.
    """
    return _optional.require("pretty_midi").PrettyMIDI(io.BytesIO(midi_bytes(score)))


def from_pretty_midi(music: Any) -> ScoreTick:
    """The score of a PrettyMIDI, in ticks of its resolution.

    Carried: as in `to_pretty_midi`, and a first bar under a shorter meter is a pickup. Raises UnreadableFileError where
    there is no note.
    """
    buffer = io.BytesIO()
    music.write(buffer)
    return read_midi(buffer.getvalue())[0].score

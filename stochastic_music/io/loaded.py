"""What a reader gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class Started(NamedTuple):
    """A MIDI file that was parsed, and not yet put right, empty tracks included; see `stochastic_music.io.start`."""

    data: bytes
    score: ScoreTick


class LoadedScore(NamedTuple):
    """One piece of a file.

    `tune` tells the pieces of one file apart (the number a tune book prints, or the place in the file), empty where
    a file holds one piece. `warnings` are sentences about what had to be repaired or left out.
    """

    score: ScoreTick
    title: str = ""
    tune: str = ""
    warnings: tuple[str, ...] = ()

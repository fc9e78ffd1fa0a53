"""Colors and words for single notes, as `explain` has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music import _optional
from stochastic_music.errors import InvalidParameterError
from stochastic_music.io.layout import note_names

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick


class Look(NamedTuple):
    """What notes show beside their pitch: for each track, for each of its notes in the order of time and pitch.

    `colors` are `#rrggbb`, `#rgb` or names as CSS has them, None for the color of everything else; `lyrics` are texts
    or None. Notes that begin together have their texts beneath them, joined from the top down. Without lyrics the
    score's own are printed.
    """

    colors: Sequence[Sequence[str | None]] = ()
    lyrics: Sequence[Sequence[str | None]] = ()


def colored(score: ScoreTick, look: Look) -> dict[str, str]:
    """The colors (`#rrggbb`) by the names of notes; raises InvalidParameterError for what is none, or too few."""
    names = note_names(score)
    _check("colors", look.colors, names)
    pairs = zip(chain(*names), chain(*look.colors), strict=False)
    return {name: _hex(color) for name, color in pairs if color}


@cache
def _hex(color: str) -> str:
    try:
        return str(_optional.require("matplotlib.colors").to_hex(color))
    except ValueError as error:
        raise InvalidParameterError(
            f"the color {color!r} is none; expected #rrggbb, #rgb or a name such as 'navy'"
        ) from error


def sung(score: ScoreTick, look: Look) -> ScoreTick:
    """The score with the lyrics of a look, itself if it has none."""
    if not look.lyrics:
        return score
    _check("lyrics", look.lyrics, note_names(score))
    from symusic.core import TextMetaTick, TextMetaTickList

    score = score.copy()
    for track, texts in zip(score.tracks, look.lyrics, strict=False):
        track.lyrics = TextMetaTickList([TextMetaTick(time, text) for time, text in _joined(track, texts)])
    return score


def _joined(track: TrackTick, texts: Sequence[str | None]) -> Iterator[tuple[int, str]]:
    """(tick, texts of the notes that begin there, from the top down)."""
    notes = track.notes.numpy()
    times = notes["time"][np.lexsort((notes["pitch"], notes["time"]))].tolist()
    for time, group in groupby(zip(times, texts, strict=True), key=lambda pair: pair[0]):
        if said := [text for _, text in group if text]:
            yield time, "/".join(reversed(said))


def _check(what: str, given: Sequence[Sequence[object]], names: Sequence[Sequence[str]]) -> None:
    expected = [len(row) for row in names]
    if given and (found := [len(row) for row in given]) != expected:
        raise InvalidParameterError(
            f"the look has {what} for {found} notes; expected one for each note of each track: {expected}"
        )

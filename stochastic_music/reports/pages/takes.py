"""Takes as pages hold them: plain notes in quarter notes, with all that a player needs to follow them.

of_score(score)     of anything that has a score: bars, beats, tempo map, families of instruments, surprise
of_report(take)     of a take in a comparison's report, which has notes and a tempo alone
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music.music.bars import Bar, bars
from stochastic_music.music.beats import beats
from stochastic_music.music.spelling import spell
from stochastic_music.protocols import FloatArray
from stochastic_music.reports.pages.markup import short

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick

#: The family that is struck and has no pitch, and the one of parts of which nothing is told.
DRUMS, PIANO = "drums", "piano"

#: Onset and duration in quarter notes, MIDI pitch and velocity.
Note = tuple[float, float, int, int]


class Part(NamedTuple):
    """The notes of one track; `instrument` is a family of timbres, `bits` the surprise of each note or NaN.

    `signs` name, for each note, the signs that show it in an engraving beside the player.
    """

    name: str
    notes: Sequence[Note]
    instrument: str = PIANO
    bits: Sequence[float] = ()
    signs: Sequence[Sequence[str]] = ()


class Take(NamedTuple):
    """A piece to hear.

    `tempos` are places in quarter notes with quarter notes a minute from there on, the first at 0. `bars` and `beats`
    (inner beats, in quarter notes) are empty where nobody knows them; `names` are those of the pitches in
    the key; without them they have those of no key.
    """

    parts: Sequence[Part]
    tempos: Sequence[tuple[float, float]] = ((0.0, 100.0),)
    bars: Sequence[Bar] = ()
    beats: Sequence[float] = ()
    names: Mapping[int, str] = {}

    @property
    def length(self) -> float:
        """Quarter notes until the last bar or note ends; 1 where nothing sounds."""
        end = max((onset + duration for onset, duration, _, _ in self.notes), default=0.0)
        return max(end, float(self.bars[-1].end) if self.bars else 0.0) or 1.0

    @property
    def notes(self) -> list[Note]:
        """The notes of all parts."""
        return [note for part in self.parts for note in part.notes]


def of_report(take: Mapping[str, Any]) -> Take:
    """A take as reports hold it: `tempo`, and `notes` or `parts` with `name` and `notes`.

    >>> of_report({"tempo": 96, "notes": [[0, 1, 60, 80]]}).length
    1
    """
    parts = take.get("parts") or [{"name": "Melody", "notes": take["notes"]}]
    plain = [Part(part["name"], [tuple(note[:4]) for note in part["notes"]]) for part in parts]
    return Take(plain, [(0.0, take["tempo"])])


def of_score(score: ScoreTick, bits: Sequence[FloatArray] | None = None) -> Take:
    """A score as a take, a part for each track; `bits` as `Heard` has them.

    Raises EncodingError for a meter that nobody can print.
    """
    from stochastic_music.render.audio.instruments import family

    parts = [
        Part(
            " ".join(str(track.name).split()) or f"Part {i + 1}",
            _notes(track, score.ticks_per_quarter),
            family(int(track.program), bool(track.is_drum)),
            () if bits is None else [float(x) for x in bits[i]],
        )
        for i, track in enumerate(score.tracks)
    ]
    printed = bars(score)
    lines = {bar.start for bar in printed}
    inner = [float(beat.start) for beat in beats(score) if beat.start not in lines]
    return Take(parts, _tempos(score), printed, inner, _names(score, parts))


def _notes(track: TrackTick, quarter: int) -> list[Note]:
    """The notes of a track by (time, pitch)."""
    arrays = track.notes.numpy()
    columns = [arrays[name].tolist() for name in ("time", "pitch", "duration", "velocity")]
    return [
        (short(time / quarter), short(duration / quarter), pitch, velocity)
        for time, pitch, duration, velocity in sorted(zip(*columns, strict=True), key=itemgetter(0, 1))
    ]


def _tempos(score: ScoreTick) -> list[tuple[float, float]]:
    """The tempo map; what changes nothing is left out."""
    quarter = score.ticks_per_quarter
    told = {0.0: 120.0} | {tempo.time / quarter: float(tempo.qpm) for tempo in score.tempos if tempo.qpm > 0}
    kept: list[tuple[float, float]] = []
    for place, speed in sorted(told.items()):
        if not kept or kept[-1][1] != speed:
            kept.append((short(place), short(speed)))
    return kept


def _names(score: ScoreTick, parts: Sequence[Part]) -> dict[int, str]:
    """The pitches in use, spelled in the first key of the score."""
    signs = list(score.key_signatures)[:1]
    fifths, minor = (int(signs[0].key), bool(signs[0].tonality)) if signs else (0, False)
    used = sorted({note[2] for part in parts if part.instrument != DRUMS for note in part.notes})
    return {pitch: str(spell(pitch, fifths, minor=minor)) for pitch in used}

"""Scores to and from MusPy, note by note and tick by tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stochastic_music import _optional

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick

#: The group of annotations that hold markers: phrase ends, the pickup, chord symbols.
_MARKER = "marker"


def to_muspy(score: ScoreTick) -> Any:
    """A `muspy.Music` whose resolution is the score's ticks a quarter note. Nothing of a score is lost.

    Markers (phrase ends, pickup, chord symbols) are annotations of the group `marker`.
    """
    muspy = _optional.require("muspy")
    return muspy.Music(
        resolution=score.ticks_per_quarter,
        tempos=[muspy.Tempo(time=t.time, qpm=float(t.qpm)) for t in score.tempos],
        key_signatures=[
            muspy.KeySignature(time=k.time, mode="minor" if k.tonality else "major", fifths=k.key)
            for k in score.key_signatures
        ],
        time_signatures=[
            muspy.TimeSignature(time=s.time, numerator=s.numerator, denominator=s.denominator)
            for s in score.time_signatures
        ],
        annotations=[muspy.Annotation(time=m.time, annotation=m.text, group=_MARKER) for m in score.markers],
        tracks=[_track(muspy, track) for track in score.tracks],
    )


def from_muspy(music: Any) -> ScoreTick:
    """The score of a `muspy.Music`.

    Carried: notes with velocities, chords as their notes, meters, tempos, programs, drums, names, and keys that say
    how many fifths they have. Lost: lyrics, metadata, and annotations of other groups than `marker`.
    """
    from symusic.core import KeySignatureTick, ScoreTick, TempoTick, TextMetaTick, TimeSignatureTick

    score = ScoreTick(music.resolution)
    for part in music.tracks:
        score.tracks.append(_read(part))
    for tempo in music.tempos:
        score.tempos.append(TempoTick(tempo.time, tempo.qpm))
    for meter in music.time_signatures:
        score.time_signatures.append(TimeSignatureTick(meter.time, meter.numerator, meter.denominator))
    for key in music.key_signatures:
        if key.fifths is not None:
            score.key_signatures.append(KeySignatureTick(key.time, key.fifths, int(key.mode == "minor")))
    for said in music.annotations:
        if said.group == _MARKER:
            score.markers.append(TextMetaTick(said.time, str(said.annotation)))
    return score


def _read(part: Any) -> TrackTick:
    from symusic.core import NoteTick, TrackTick

    track = TrackTick(part.name or "", part.program, part.is_drum)
    sounds = [(n.time, n.duration, n.pitch, n.velocity) for n in part.notes]
    sounds += [(c.time, c.duration, pitch, c.velocity) for c in part.chords for pitch in c.pitches]
    for sound in sorted(sounds):
        track.notes.append(NoteTick(*sound))
    return track


def _track(muspy: Any, track: TrackTick) -> Any:
    notes = [muspy.Note(time=n.time, pitch=n.pitch, duration=n.duration, velocity=n.velocity) for n in track.notes]
    return muspy.Track(program=track.program, is_drum=track.is_drum, name=track.name, notes=notes)

"""Small scores to hear and see, in quarter notes."""

from __future__ import annotations

from symusic import KeySignature, Note, Score, Tempo, TimeSignature, Track


def a_score(*parts, drums=(), tempos=((0, 96),), meters=((0, 4, 4),), fifths=0):
    """A score of 480 ticks a quarter: parts as lists of (onset, duration, pitch) in quarters."""
    score = Score(480)
    score.tempos.extend(Tempo(480 * at, qpm=speed) for at, speed in tempos)
    score.time_signatures.extend(TimeSignature(480 * at, *meter) for at, *meter in meters)
    score.key_signatures.append(KeySignature(0, fifths, 0))
    for i, notes in enumerate([*parts, *([drums] if drums else [])]):
        track = Track(f"part {i + 1}", is_drum=i == len(parts))
        track.notes.extend(Note(int(480 * on), int(480 * long), pitch, 80) for on, long, pitch in notes)
        score.tracks.append(track)
    return score


TUNE = [(0, 1, 60), (1, 1, 62), (2, 2, 64), (4, 4, 65)]
LOW = [(0, 4, 48), (4, 4, 53)]

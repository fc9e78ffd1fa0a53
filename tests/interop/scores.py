"""Scores that exchange is tried on, and what of two scores is equal."""

from __future__ import annotations

from hypothesis import strategies as st
from symusic import KeySignature, Note, Score, Tempo, TimeSignature, Track

from stochastic_music.music.marks import add_phrase_ends, pickup, set_pickup

TPQ = 480


def trio():
    """Flute, bass with chords, drums; a pickup, two meters, two tempos, a key and a phrase end."""
    score = Score(TPQ)
    score.tempos = [Tempo(0, 90), Tempo(5 * TPQ, 120)]
    score.time_signatures = [TimeSignature(0, 3, 4), TimeSignature(7 * TPQ, 4, 4)]
    score.key_signatures = [KeySignature(0, -1, 1)]
    flute, bass, drums = Track("Flute", 73), Track("Bass", 33), Track("Drums", 0, True)
    flute.notes = [Note(TPQ * i, TPQ - 120 * (i % 2), 69 + i % 5, 60 + i) for i in range(12)]
    bass.notes = [Note(480, 960, 38, 70), Note(1440, 240, 45, 71), Note(1440, 240, 52, 71), Note(2400, 960, 38, 80)]
    drums.notes = [Note(480, 120, 36, 90), Note(960, 120, 38, 91), Note(960, 120, 42, 80)]
    score.tracks = [flute, bass, drums]
    set_pickup(score, TPQ)
    add_phrase_ends(score, 0, [5 * TPQ])
    return score


def notes(score, *, velocities=True):
    """(onset, duration, pitch, velocity) of each track, sorted, times in quarters."""
    quarter = score.ticks_per_quarter
    return [
        sorted((n.time / quarter, n.duration / quarter, n.pitch, n.velocity if velocities else 0) for n in track.notes)
        for track in score.tracks
    ]


def instruments(score):
    return [(track.name, track.program, track.is_drum) for track in score.tracks]


def meters(score):
    return [(s.time / score.ticks_per_quarter, s.numerator, s.denominator) for s in score.time_signatures]


def keys(score):
    return [(k.time / score.ticks_per_quarter, k.key, k.tonality) for k in score.key_signatures]


def tempos(score):
    return [(t.time / score.ticks_per_quarter, round(float(t.qpm), 3)) for t in score.tempos]


def frame(score):
    """Everything but notes and instruments."""
    return meters(score), keys(score), tempos(score), pickup(score) / score.ticks_per_quarter


#: Parts of notes that do not sound twice at one time and pitch; velocities that are heard.
sounds = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(1, 2000), st.integers(0, 127), st.integers(1, 127)),
    max_size=12,
    unique_by=lambda sound: (sound[0], sound[2]),
)


@st.composite
def any_score(draw):
    score = Score(draw(st.sampled_from([96, 480, 1000])))
    for part in draw(st.lists(sounds, max_size=3)):
        score.tracks.append(Track("part", draw(st.integers(0, 127)), draw(st.booleans()), [Note(*s) for s in part]))
    return score

"""Hypothesis strategies: scores on the default grid, with pickups, changes of meter and marks."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from symusic import KeySignature, Note, Score, Tempo, TimeSignature, Track

from stochastic_music.music import marks
from stochastic_music.tokens.grid import Timeline, grid_of

GRID = grid_of("1/16,1/12")
METERS = [(4, 4), (3, 4), (2, 2), (6, 8), (5, 8), (7, 8), (3, 8), (5, 16), (12, 8), (1, 4)]
#: Ticks a quarter note; 220 and 1024 are no multiples of the grid's 12.
TICKS = [24, 96, 220, 480, 960, 1024]


@st.composite
def frames(draw, *, meters=METERS):
    """A score without tracks, and the meters in units: [(start, numerator, denominator)], pickup, last unit."""
    tpq = draw(st.sampled_from(TICKS))
    spans = draw(st.lists(st.tuples(st.sampled_from(meters), st.integers(1, 4)), min_size=1, max_size=3))
    spans = [span for i, span in enumerate(spans) if i == 0 or span[0] != spans[i - 1][0]]
    bar = 48 * spans[0][0][0] // spans[0][0][1]
    pickup = (bar - int(GRID.snap(np.array(draw(st.integers(0, bar - 1))), 12))) % bar
    score = Score(tpq)
    starts, at = [], pickup
    for i, ((numerator, denominator), n_bars) in enumerate(spans):
        start = 0 if i == 0 else at
        starts.append((start, numerator, denominator))
        score.time_signatures.append(TimeSignature(to_ticks(start, tpq), numerator, denominator))
        at += n_bars * 48 * numerator // denominator
    marks.set_pickup(score, to_ticks(pickup, tpq))
    if draw(st.booleans()):
        score.key_signatures.append(KeySignature(0, draw(st.integers(-7, 7)), draw(st.integers(0, 1))))
    for at_unit in sorted(draw(st.sets(st.integers(0, 200), max_size=3))):
        score.tempos.append(
            Tempo(to_ticks(at_unit, tpq), qpm=draw(st.sampled_from([40.0, 66.667, 96.0, 120.0, 181.5])))
        )
    timeline = Timeline(GRID, 12, pickup=pickup, meters=starts)
    return score, timeline, at


@st.composite
def lines(draw, timeline, last, *, lowest=40, highest=80, max_size=24):
    """One note at a time: [(onset, end, pitch)] in units on the grid."""
    ends = draw(st.lists(st.integers(0, last + 24), min_size=2, max_size=2 * max_size, unique=True))
    points = np.unique(timeline.units(np.array(ends, dtype=np.int64)))
    heard = draw(st.lists(st.booleans(), min_size=len(points), max_size=len(points)))
    pitches = draw(st.lists(st.integers(lowest, highest), min_size=len(points), max_size=len(points)))
    pairs = zip(points[:-1].tolist(), points[1:].tolist(), pitches, heard, strict=False)
    found = [(a, b, p) for a, b, p, sounds in pairs if sounds and b - a <= 192]
    return found or [(int(points[0]), int(timeline.after(points[:1])[0]), pitches[0])]


@st.composite
def melodies(draw, *, meters=METERS):
    """A score of one line, its notes in units, and the onsets that end a phrase."""
    score, timeline, last = draw(frames(meters=meters))
    notes = draw(lines(timeline, last))
    add_track(score, notes, name=draw(st.sampled_from(["", "Voice", "Flöte"])), program=draw(st.integers(0, 127)))
    ends = sorted({onset for onset, _, _ in notes if draw(st.booleans())})
    marks.add_phrase_ends(score, 0, [to_ticks(u, score.ticks_per_quarter) for u in ends])
    return score, notes, ends


@st.composite
def chords(draw):
    """A score of one polyphonic part without unisons, and its notes in units."""
    score, timeline, last = draw(frames())
    pitches = draw(st.lists(st.integers(0, 127), min_size=1, max_size=30, unique=True))
    onsets = timeline.units(np.array([draw(st.integers(0, last)) for _ in pitches], dtype=np.int64))
    ends = timeline.units(onsets + np.array([draw(st.integers(1, 180)) for _ in pitches], dtype=np.int64))
    ends = np.maximum(ends, timeline.after(onsets))
    notes = list(zip(onsets.tolist(), ends.tolist(), pitches, strict=True))
    add_track(score, notes, velocity=draw(st.integers(1, 127)))
    return score, notes


@st.composite
def ensembles(draw, *, n_voices=None, programs=None, meters=METERS):
    """A score of several lines, the highest first, and the notes of each."""
    score, timeline, last = draw(frames(meters=meters))
    n = n_voices or draw(st.integers(2, 4))
    parts = [draw(lines(timeline, last, lowest=100 - 20 * i, highest=110 - 20 * i, max_size=12)) for i in range(n)]
    for i, notes in enumerate(parts):
        program, drum = (0, False) if programs is None else programs[i]
        add_track(score, notes, name=f"part {i}", program=program, drum=drum)
    return score, parts


def to_ticks(units, tpq):
    return (units * tpq + 6) // 12


def add_track(score, notes, *, name="", program=0, drum=False, velocity=80):
    tpq = score.ticks_per_quarter
    track = Track(name, program, drum)
    for onset, end, pitch in notes:
        start = to_ticks(onset, tpq)
        track.notes.append(Note(start, to_ticks(end, tpq) - start, pitch, velocity))
    score.tracks.append(track)


def notes_of(score, index=0):
    """(onset, end, pitch) of a decoded track in units."""
    ticks = score.ticks_per_quarter // 12
    found = [(n.time // ticks, (n.time + n.duration) // ticks, n.pitch) for n in score.tracks[index].notes]
    assert all(n.time % ticks == n.duration % ticks == 0 for n in score.tracks[index].notes)
    return sorted(found)


def same_pieces(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a.symbols, b.symbols) and a.header == b.header for a, b in zip(one, other, strict=True)
    )

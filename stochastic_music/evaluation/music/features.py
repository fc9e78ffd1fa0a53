"""Twelve features of a piece, after Yang and Lerch: what is played, and in what rhythm.

Task: a score becomes twelve numbers, vectors and matrices, six of pitch and six of rhythm, in which sets of pieces may
be compared (`distances`). The features are those of [1]; times are quarter notes, pitches semitones.

    pitch_count                     different pitches
    pitch_count_per_bar             different pitches among the notes that begin in each bar (n_bars,)
    pitch_class_histogram           share of the sounding time that each pitch class has, C first (12,)
    pitch_class_histogram_per_bar   the same of each bar (n_bars, 12)
    pitch_class_transition_matrix   share of the steps from pitch class i to pitch class j (12, 12)
    pitch_range                     highest pitch minus lowest
    average_pitch_interval          mean size of the steps, up or down
    note_count                      notes
    note_count_per_bar              notes that begin in each bar (n_bars,)
    average_inter_onset_interval    mean time from one onset of the piece to the next
    note_length_histogram           share of the notes that each of `NOTE_LENGTHS` is nearest to (12,)
    note_length_transition_matrix   share of the steps from length i to length j (12, 12)

Conventions. A *step* leads from one onset of a track to the next onset of that track; where several notes of a track
begin together the highest stands for them. So a voice, a melody over a rest and the top of a row of chords are lines,
and parts do not mix. *Bars* are those printed: the meter and its changes are the score's, a pickup is no bar (its notes
count in the other nine features), and bars end with the music. *Drums* have no pitch: features of pitch leave drum
tracks out, features of rhythm count them. What there is nothing of is 0: a piece without notes has one bar and zeros
all over, one note has no step and no interval. Every feature is finite. Velocity, tempo and resolution change nothing.

Where the authors' toolbox [2] differs, and why we do:

- It reads one track; we read all, so that a chorale in four tracks is one piece.
- Time is seconds there, so a tempo is a rhythm; it is quarter notes here. Its pitch class histograms also weigh notes
  by velocity, and those of bars assume 120 quarters a minute and the last meter of the piece.
- The meter is looked for in the track of the notes alone, and 4/4 taken where it is not there (most files have it in
  another); three features read the wrong part of it unless that track is the first. Bars have one length, counted from
  the beginning of the file, pickup or not; their number is rounded, which drops the notes of a last bar that is less
  than half full, and a change of meter begins the counts anew.
- Note lengths are shares of the bar there, so that in 3/4 a half note is nearest to a "dotted half" of 2.25 quarters. A
  half note is two quarters here in every meter. In 4/4 both agree.
- Both transition matrices are counts there, and so tell the length of a piece first; here they sum to one, as its
  `normalize=2` does.
- Its steps of pitch class lead from each note to whatever begins within 50 ms of its end, which loses steps over a
  rest; its intervals and lengths follow the order of events in the file, even within a chord.
- One note gives NaN there in four features; no note raises an error.

[1] L.-C. Yang, A. Lerch. On the evaluation of generative models in music. Neural Computing and Applications 32 (2020),
    4773-4784; published online in 2018. doi:10.1007/s00521-018-3849-7
[2] mgeval, the toolbox published with [1] (MIT licence). Read for its behaviour; none of its code is here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music.music.bars import bars
from stochastic_music.music.notes import gather
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: the lengths that notes are told apart by, in quarter notes, in the order of [1]
NOTE_LENGTHS = {
    **{"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "sixteenth": 0.25},
    **{"dotted half": 3.0, "dotted quarter": 1.5, "dotted eighth": 0.75, "dotted sixteenth": 0.375},
    **{"half triplet": 4 / 3, "quarter triplet": 2 / 3, "eighth triplet": 1 / 3},
}
#: the same in twenty-fourths of a quarter, where all of them, and the borders between them, are exact
_LENGTHS_IN_24THS = np.round(24 * np.array(list(NOTE_LENGTHS.values())))
_SEMITONES, _QUARTERS, _NOTES, _SHARE = "semitones", "quarter notes", "notes", "share"


class Features(NamedTuple):
    """The twelve features of one piece; shapes and units are in the module's article."""

    pitch_count: float
    pitch_count_per_bar: FloatArray
    pitch_class_histogram: FloatArray
    pitch_class_histogram_per_bar: FloatArray
    pitch_class_transition_matrix: FloatArray
    pitch_range: float
    average_pitch_interval: float
    note_count: float
    note_count_per_bar: FloatArray
    average_inter_onset_interval: float
    note_length_histogram: FloatArray
    note_length_transition_matrix: FloatArray


class Feature(NamedTuple):
    """What a feature is called, what it says, in which unit, and whether it has a row for each bar."""

    title: str
    meaning: str
    unit: str
    per_bar: bool = False


#: name -> what it is, in the order of `Features`
FEATURES = {
    "pitch_count": Feature("pitch count", "how many different pitches a piece uses", "pitches"),
    "pitch_count_per_bar": Feature("pitch count per bar", "how many different pitches begin in a bar", "pitches", True),
    "pitch_class_histogram": Feature("pitch classes", "how long each pitch class sounds", _SHARE),
    "pitch_class_histogram_per_bar": Feature(
        "pitch classes per bar", "how long each pitch class sounds in a bar", _SHARE, True
    ),
    "pitch_class_transition_matrix": Feature(
        "pitch class transitions", "which pitch class follows which in a line", _SHARE
    ),
    "pitch_range": Feature("pitch range", "from the lowest pitch to the highest", _SEMITONES),
    "average_pitch_interval": Feature("average interval", "how far lines move from note to note", _SEMITONES),
    "note_count": Feature("note count", "how many notes a piece has", _NOTES),
    "note_count_per_bar": Feature("note count per bar", "how many notes begin in a bar", _NOTES, True),
    "average_inter_onset_interval": Feature("average inter-onset interval", "time between onsets", _QUARTERS),
    "note_length_histogram": Feature("note lengths", "how many notes are halves, quarters, dotted quarters", _SHARE),
    "note_length_transition_matrix": Feature(
        "note length transitions", "which note length follows which in a line", _SHARE
    ),
}


class _Notes(NamedTuple):
    """The notes of a piece, each (n,): times in quarters, the number of the nearest length, whether it has a pitch."""

    track: IntArray
    onset: FloatArray
    end: FloatArray
    pitch: IntArray
    length: IntArray
    pitched: BoolArray

    def where(self, keep: BoolArray) -> _Notes:
        columns: Iterable[Any] = (column[keep] for column in self)
        return _Notes(*columns)


def features_of(score: ScoreTick) -> Features:
    """The twelve features of a score. Raises EncodingError for a meter nobody can print.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(0, 480, 60, 80), Note(480, 960, 64, 80), Note(1440, 480, 62, 80)]))
    >>> found = features_of(score)  # C for a quarter, E for two, D for one
    >>> found.pitch_count, found.pitch_range, found.average_pitch_interval, found.average_inter_onset_interval
    (3.0, 4.0, 3.0, 1.5)
    >>> tuple(found.pitch_class_histogram[:5].tolist())
    (0.25, 0.0, 0.25, 0.0, 0.5)
    """
    notes, printed = _notes(score), bars(score)
    edges = np.array([float(bar.start) for bar in printed] + [float(printed[-1].end)])
    full = np.array([bar.number > 0 for bar in printed])
    pitched = notes.where(notes.pitched)
    steps, sounded = _steps(pitched), _sounded(pitched, edges)
    return Features(
        pitch_count=float(len(np.unique(pitched.pitch))),
        pitch_count_per_bar=_different(_bar_of(pitched.onset, edges), pitched.pitch, len(full))[full],
        pitch_class_histogram=_shares(sounded.sum(axis=0)),
        pitch_class_histogram_per_bar=np.array([_shares(bar) for bar in sounded[full]]),
        pitch_class_transition_matrix=_transitions(pitched.pitch % 12, steps),
        pitch_range=float(np.ptp(pitched.pitch)) if len(pitched.pitch) else 0.0,
        average_pitch_interval=_mean(np.abs(pitched.pitch[steps.after] - pitched.pitch[steps.before])),
        note_count=float(len(notes.onset)),
        note_count_per_bar=np.bincount(_bar_of(notes.onset, edges), minlength=len(full)).astype(np.float64)[full],
        average_inter_onset_interval=_mean(np.diff(np.unique(notes.onset))),
        note_length_histogram=_shares(np.bincount(notes.length, minlength=len(NOTE_LENGTHS))),
        note_length_transition_matrix=_transitions(notes.length, _steps(notes)),
    )


class _Steps(NamedTuple):
    """The steps of all tracks as indices of notes, each (n_steps,)."""

    before: IntArray
    after: IntArray


def _notes(score: ScoreTick) -> _Notes:
    table = gather([score])
    notes, quarter = table.notes, table.signs[0].ticks_per_quarter
    # of two lengths equally near, the one that stands first
    nearest = np.abs(24 * notes.duration[:, None] / quarter - _LENGTHS_IN_24THS).argmin(axis=1)
    onset, end = notes.onset / quarter, (notes.onset + notes.duration) / quarter
    return _Notes(notes.track, onset, end, notes.pitch, nearest, ~table.is_drum[notes.track])


def _steps(notes: _Notes) -> _Steps:
    """From each onset of a track to its next, between the highest notes; of equal ones the longest."""
    order = np.lexsort((notes.end, notes.pitch, notes.onset, notes.track))
    track, onset = notes.track[order], notes.onset[order]
    highest = np.flatnonzero(np.append((track[1:] != track[:-1]) | (onset[1:] != onset[:-1]), len(order) > 0))
    line = order[highest]
    stays = notes.track[line[1:]] == notes.track[line[:-1]]
    return _Steps(line[:-1][stays], line[1:][stays])


def _bar_of(time: FloatArray, edges: FloatArray) -> IntArray:
    """The number, from 0, of the bar that each time lies in; the end of the last bar belongs to it."""
    return np.minimum(np.searchsorted(edges, time, side="right"), len(edges) - 1) - 1


def _sounded(notes: _Notes, edges: FloatArray) -> FloatArray:
    """How many quarters each pitch class sounds in each bar: (n_bars, 12). Notes are cut at the bar lines."""
    first, last = _bar_of(notes.onset, edges), _bar_of(notes.end, edges)
    pieces = last - first + 1
    note = np.arange(len(first)).repeat(pieces)
    bar = first[note] + np.arange(len(note)) - (np.cumsum(pieces) - pieces)[note]
    quarters = np.minimum(notes.end[note], edges[bar + 1]) - np.maximum(notes.onset[note], edges[bar])
    cells = bar * 12 + notes.pitch[note] % 12
    return np.bincount(cells, quarters, 12 * (len(edges) - 1)).reshape(-1, 12).astype(np.float64)


def _different(bar: IntArray, pitch: IntArray, n_bars: int) -> FloatArray:
    """How many different pitches each bar has: (n_bars,)."""
    return np.bincount(np.unique(bar * 128 + pitch) // 128, minlength=n_bars).astype(np.float64)


def _transitions(values: IntArray, steps: _Steps) -> FloatArray:
    """The share of the steps that lead from each of twelve values to each: (12, 12)."""
    counts = np.bincount(values[steps.before] * 12 + values[steps.after], minlength=144)
    return _shares(counts).reshape(12, 12)


def _shares(amounts: FloatArray | IntArray) -> FloatArray:
    """Amounts divided by their sum, zeros where there is nothing."""
    total = amounts.sum()
    return amounts / total if total > 0 else np.zeros(amounts.shape)


def _mean(values: FloatArray | IntArray) -> float:
    return float(values.mean()) if len(values) else 0.0

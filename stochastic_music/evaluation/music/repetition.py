"""Repetition: how alike the bars of a piece are, how far apart they come back, and how much of that is order.

Task: music comes back to what was heard, and models of short memory do not know how. Bars are compared with each
other, as in self-similarity matrices of recordings [1], of which [2] and [3] make figures; here they are notes.

A *bar* is the set of the notes that begin in it, each told by its place in the bar (a 24th of a quarter note; that of
a pickup is counted from its end) and its pitch, and of the pitches held over from before. Drums are pitches of their
own. How long notes are, how loud, and in which part they lie does not count. Two bars are as similar as the share of
their notes that they have in common, of all that either has: 1 for bars of the same notes, silent ones too, 0 for
bars without any in common. A bar that returns in another key is not similar; `of="rhythm"` compares places alone.

    similarity_curve   how similar bars are that lie 1, 2, 3 ... apart. Phrases of four bars make peaks at 4, 8, 16
    recurrence         how well each two bars in a row are foreshadowed: the similarity to the most similar two bars
                       before them, taken as that of the less similar bar; the mean over the piece. 1: all was heard
                       before
    excess             recurrence minus that of the same bars shuffled (mean of 32 fixed shuffles). Bars drawn
                       independently of each other have an excess of 0 on average, however often each comes: it
                       measures the order of repetition, that is form, and not that few different bars are used. One
                       bar repeated has recurrence 1 and excess 0
    groove             how similar the rhythms of neighboring bars are, on average

A piece of fewer than two bars has no groove, of fewer than three no recurrence: NaN. A performance that was not
quantised has no two equal bars; quantise it first.

Other definitions. MusPy's `groove_consistency` [4] is 1 minus the share of places at which neighboring bars differ.
Places where neither bar has an onset count as agreement there, so that silence beside a full bar is told to be
almost as consistent as a bar beside its copy, the more so the finer the grid; it supposes one meter, and a bar after
the last. Here nothing counts that is in neither bar, and equal bars are 1 always. The structureness indicators of [3]
are read off recordings, over spans of seconds.

[1] J. Foote. Visualizing music and audio using self-similarity. ACM Multimedia 1999. [2] M. Müller, P. Grosche,
N. Jiang. A segment-based fitness measure for capturing repetitive structures of music recordings. ISMIR 2011. [3] S.-L.
Wu, Y.-H. Yang. The Jazz Transformer on the front line. ISMIR 2020 (MusDr). [4] H.-W. Dong, K. Chen, J. McAuley,
T. Berg-Kirkpatrick. MusPy: a toolkit for symbolic music generation. ISMIR 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from stochastic_music.errors import InvalidParameterError
from stochastic_music.music.bars import bars
from stochastic_music.music.notes import gather
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: places in a quarter note: triplets and thirty-seconds fall on them
_PLACES = 24
_N_SHUFFLES = 32
#: pitches of drums begin here
_DRUMS = 128
#: what a held note has for a place
_HELD = -1


def bar_similarity(score: ScoreTick, *, of: Literal["notes", "rhythm"] = "notes") -> FloatArray:
    """How similar each bar is to each other: (n_bars, n_bars), 0 to 1. Raises EncodingError for an impossible meter.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)  # two bars: C D and C E
    >>> places = [(0, 60), (2, 62), (4, 60), (6, 64)]
    >>> score.tracks.append(Track(notes=[Note(480 * at, 960, pitch, 80) for at, pitch in places]))
    >>> round(float(bar_similarity(score)[0, 1]), 3)  # one note in common of three
    0.333
    """
    contents = _contents(score, of)
    common = contents @ contents.T
    sizes = contents.sum(axis=1)
    either = sizes[:, None] + sizes - common
    similarity: FloatArray = np.divide(common, either, out=np.ones_like(common), where=either > 0)
    return similarity


def similarity_curve(similarity: FloatArray, longest: int = 32) -> FloatArray:
    """Mean similarity of bars 1 to `longest` apart: (longest,), NaN where no two bars are so far apart.

    Raises InvalidParameterError where `longest` is not positive.

    >>> similarity_curve(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]), 3).tolist()
    [0.0, 1.0, nan]
    """
    if longest < 1:
        raise InvalidParameterError(f"longest is {longest}; expected a distance of one bar or more")
    n = len(similarity)
    return np.array([similarity.diagonal(d).mean() if d < n else math.nan for d in range(1, longest + 1)])


def mean_curve(scores: Sequence[ScoreTick], longest: int = 32) -> FloatArray:
    """The mean of the curves of several pieces: (longest,). A piece counts where it is long enough; NaN: none is."""
    curves = np.array([similarity_curve(bar_similarity(score), longest) for score in scores]).reshape(-1, longest)
    known = ~np.isnan(curves)
    n = known.sum(axis=0)
    mean: FloatArray = np.divide(np.where(known, curves, 0.0).sum(axis=0), n, out=np.full(longest, np.nan), where=n > 0)
    return mean


def recurrence(similarity: FloatArray) -> float:
    """How well each two bars in a row are foreshadowed by the most similar two before them, 0 to 1; NaN below 3 bars.

    >>> recurrence(np.ones((4, 4)))
    1.0
    """
    if len(similarity) < 3:
        return math.nan
    pairs = np.minimum(similarity[:-1, :-1], similarity[1:, 1:])
    earlier = np.tri(len(pairs), k=-1, dtype=bool)
    return float(np.where(earlier, pairs, 0.0).max(axis=1)[1:].mean())


def excess(similarity: FloatArray) -> float:
    """Recurrence minus that of shuffled bars; NaN below 3 bars."""
    rng = np.random.default_rng(0)  # part of the definition: equal pieces have equal figures
    orders = (rng.permutation(len(similarity)) for _ in range(_N_SHUFFLES))
    return recurrence(similarity) - float(np.mean([recurrence(similarity[np.ix_(o, o)]) for o in orders]))


def groove(score: ScoreTick) -> float:
    """How similar the rhythms of neighboring bars are, 0 to 1; NaN for a single bar."""
    return float(similarity_curve(bar_similarity(score, of="rhythm"), 1)[0])


def _contents(score: ScoreTick, of: str) -> FloatArray:
    """What is in each bar, a column for each thing that is in any: (n_bars, n_things) of 0 and 1."""
    if of not in ("notes", "rhythm"):
        raise InvalidParameterError(f"of is '{of}'; expected 'notes' or 'rhythm'")
    bar, place, pitch = _notes(score)
    things = np.stack([place, pitch if of == "notes" else np.zeros_like(pitch)])
    wanted: BoolArray = (place != _HELD) | (of == "notes")
    different, column = np.unique(things[:, wanted], axis=1, return_inverse=True)
    contents = np.zeros((len(bars(score)), different.shape[1]))
    contents[bar[wanted], column.ravel()] = 1.0
    return contents


def _notes(score: ScoreTick) -> tuple[IntArray, IntArray, IntArray]:
    """The bar, place and pitch of each note, and again for each further bar in which it is held."""
    printed = bars(score)
    table = gather([score])
    onset = np.rint(table.notes.onset * _PLACES / score.ticks_per_quarter).astype(np.int64)
    end = np.rint((table.notes.onset + table.notes.duration) * _PLACES / score.ticks_per_quarter).astype(np.int64)
    starts = np.array([float(bar.start) * _PLACES for bar in printed])
    missing = np.array([float(bar.nominal - bar.length) * _PLACES if bar.number == 0 else 0.0 for bar in printed])
    first = np.maximum(np.searchsorted(starts, onset, side="right") - 1, 0)
    last = np.maximum(np.searchsorted(starts, end, side="left") - 1, first)
    note = np.arange(len(onset)).repeat(last - first + 1)
    bar = first[note] + np.arange(len(note)) - np.searchsorted(note, note)
    began = bar == first[note]
    place = np.where(began, np.rint(onset[note] - starts[bar] + missing[bar]).astype(np.int64), _HELD)
    pitch = table.notes.pitch + _DRUMS * table.is_drum[table.notes.track]
    return bar, place, pitch[note]

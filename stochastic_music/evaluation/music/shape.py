"""The shape of a piece: whether it comes back, how it ends, whether it keeps to its key, how often a note repeats.

Task: what listeners notice before they notice anything else, as ten figures of each piece. Three tell of
repetition (`repetition`); the others are these, drums left out:

    ends_on_tonic        1 where the last note of the top line (`top_line`) is the tonic of the key, else 0
    ends_long            1 where it is longer than the median note of the line
    ends_on_strong_beat  1 where it begins on a downbeat, or on the beat that halves a bar (`music.beats`)
    ends_by_step         1 where it lies one or two semitones from the last different pitch before it
    scale_consistency    share of all notes within the scale that holds most of them, of the twelve major scales [1, 2]
    key_consistency      share of all notes within the scale of the key; minor has the sixth and seventh steps both
                         natural and raised
    repeated_notes       share of the steps of the top line that stay on one pitch

The *key* is the printed one, else the one the notes suggest (`music.keys`): where pieces generated in a known key
are measured, print it. A mean of noughts and ones over a set is the share of pieces that end so.

No figure is good for being high. Most chorales end on the tonic, not all; a scale run up and down for ever
keeps to its key perfectly. All are read beside held-out music: near is good, on both sides.

What is wrong with scale consistency: the scale is chosen after the notes are known. Few pitch classes always fit some
scale, so that one note repeated has 1, short pieces have more than long ones, and the right notes of the wrong key
count as right; twelve pitch classes used evenly still have 7/12; and a leading tone in minor counts as an error. A
natural minor scale holds the notes of a major one, so the 24 scales of [2] are these twelve. The figure is kept
because others report it, and `key_consistency` is put beside it.

Silence and drums alone have neither line nor key: what needs them is NaN. One note has no step: it neither repeats nor
ends by step or long. Means leave NaN out and count it (`averages`).

[1] O. Mogren. C-RNN-GAN: continuous recurrent neural networks with adversarial training. Constructive Machine Learning
Workshop, NIPS 2016. [2] H.-W. Dong, K. Chen, J. McAuley, T. Berg-Kirkpatrick. MusPy: a toolkit for symbolic music
generation. ISMIR 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music import _random
from stochastic_music.constraints.naming import scale_of
from stochastic_music.evaluation.likelihood import Estimate, Totals, estimate
from stochastic_music.evaluation.music.features import Feature
from stochastic_music.evaluation.music.repetition import bar_similarity, excess, groove, recurrence
from stochastic_music.evaluation.music.top_line import TopLine, top_line
from stochastic_music.music.beats import beats
from stochastic_music.music.keys import Key, key_of
from stochastic_music.music.notes import gather
from stochastic_music.protocols import FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
#: (12, 12): which pitch classes the major scale on each holds
_SCALES = np.array([np.isin(np.arange(12), (_MAJOR + root) % 12) for root in range(12)])
#: raised sixth and seventh steps of minor, above the tonic
_RAISED = (9, 11)
#: places of beats that are strong (`music.beats`)
_STRONG = (0, 2)
_SHARE, _PIECES = "share", "share of pieces"


class Shape(NamedTuple):
    """The figures of one piece, each 0 to 1 but for `excess` (-1 to 1), or NaN; see the module's article."""

    recurrence: float
    excess: float
    groove: float
    ends_on_tonic: float
    ends_long: float
    ends_on_strong_beat: float
    ends_by_step: float
    scale_consistency: float
    key_consistency: float
    repeated_notes: float


#: name -> what it is, in the order of `Shape`
SHAPE = {
    "recurrence": Feature("recurrence", "how well two bars in a row are foreshadowed by earlier ones", _SHARE),
    "excess": Feature("order of repetition", "recurrence beyond that of the same bars shuffled", _SHARE),
    "groove": Feature("groove", "how alike the rhythms of neighboring bars are", _SHARE),
    "ends_on_tonic": Feature("ends on the tonic", "the last note is the tonic", _PIECES),
    "ends_long": Feature("ends long", "the last note is longer than most", _PIECES),
    "ends_on_strong_beat": Feature("ends on a strong beat", "the last note begins on a strong beat", _PIECES),
    "ends_by_step": Feature("ends by step", "the last note is reached by one or two semitones", _PIECES),
    "scale_consistency": Feature("scale consistency", "notes within the major scale that fits best", _SHARE),
    "key_consistency": Feature("key consistency", "notes within the printed or estimated key", _SHARE),
    "repeated_notes": Feature("repeated notes", "steps of the top line that stay on one pitch", _SHARE),
}


class Average(NamedTuple):
    """A figure over a set: mean with a bootstrap interval over pieces, standard deviation, how many pieces count."""

    mean: Estimate
    std: float
    n: int
    n_missing: int

    def to_json(self) -> dict[str, Any]:
        """`mean`, `std`, `interval`, `level`, `n`, `n_missing`; null where no piece counts."""
        estimate = self.mean.to_json()
        std = self.std if math.isfinite(self.std) else None
        return {"mean": estimate.pop("value"), "std": std, **estimate, "n": self.n, "n_missing": self.n_missing}


def shape_of(score: ScoreTick) -> Shape:
    """The shape of a score. Raises EncodingError for a meter nobody can print.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> places = [(0, 1, 60), (1, 1, 64), (2, 1, 62), (3, 1, 62), (4, 4, 60)]
    >>> score.tracks.append(Track(notes=[Note(480 * at, 480 * long, pitch, 80) for at, long, pitch in places]))
    >>> found = shape_of(score)
    >>> found.ends_on_tonic, found.ends_long, found.ends_by_step, found.repeated_notes
    (1.0, 1.0, 1.0, 0.25)
    """
    similarity, line = bar_similarity(score), top_line(score)
    silent = not len(gather([score]).notes.pitch)
    recurring = (math.nan,) * 3 if silent else (recurrence(similarity), excess(similarity), groove(score))
    if not len(line.pitch):
        return Shape(*recurring, *(math.nan,) * 7)
    classes, key = _pitch_classes(score), key_of(score).key
    return Shape(
        *recurring,
        ends_on_tonic=float(line.pitch[-1] % 12 == key.tonic),
        ends_long=float(line.duration[-1] > np.median(line.duration)) if len(line.pitch) > 1 else math.nan,
        ends_on_strong_beat=float(_is_strong(score, float(line.onset[-1]))),
        ends_by_step=_ends_by_step(line),
        scale_consistency=float((_SCALES @ classes).max() / classes.sum()),
        key_consistency=float(classes[_key_classes(key)].sum() / classes.sum()),
        repeated_notes=float(np.mean(line.intervals == 0)) if len(line.pitch) > 1 else math.nan,
    )


def averages(shapes: Sequence[Shape], *, seed: _random.Seed = 0, level: float = 0.95) -> dict[str, Average]:
    """Each figure over a set of pieces: name -> average.

    >>> averages([])["groove"].to_json()["mean"] is None
    True
    """
    table = np.array(shapes, dtype=np.float64).reshape(-1, len(SHAPE))
    rng = _random.generator(seed)
    return {name: _average(column, rng, level) for name, column in zip(SHAPE, table.T, strict=True)}


def approaches(scores: Sequence[ScoreTick]) -> FloatArray:
    """From which step the last note of the top line is reached: shares of pieces, by semitones above the tonic, (12,).

    The step is that of the last different pitch before the end; pieces of one pitch, silence and drums do not count,
    and where none is left all are 0.
    """
    found = [_approach(top_line(score), key_of(score).key) for score in scores]
    counts = np.bincount([step for step in found if step is not None], minlength=12)
    shares: FloatArray = counts / max(counts.sum(), 1)
    return shares


def _average(values: FloatArray, rng: np.random.Generator, level: float) -> Average:
    kept = values[~np.isnan(values)]
    if not len(kept):
        return Average(Estimate(math.nan, (math.nan, math.nan), level), math.nan, 0, len(values))
    mean = estimate(Totals(kept, np.ones(len(kept))), seed=rng, level=level)
    return Average(mean, float(kept.std()), len(kept), len(values) - len(kept))


def _pitch_classes(score: ScoreTick) -> IntArray:
    """How many notes each pitch class has: (12,)."""
    table = gather([score])
    pitched = table.notes.where(~table.is_drum[table.notes.track])
    return np.bincount(pitched.pitch % 12, minlength=12)


def _key_classes(key: Key) -> list[int]:
    raised = [(key.tonic + step) % 12 for step in _RAISED] if key.mode == "minor" else []
    return sorted({*scale_of(key), *raised})


def _is_strong(score: ScoreTick, onset: float) -> bool:
    return any(abs(float(beat.start) - onset) < 1e-6 for beat in beats(score) if beat.place in _STRONG)


def _ends_by_step(line: TopLine) -> float:
    moves = line.intervals[line.intervals != 0]
    return float(abs(moves[-1]) <= 2) if len(moves) else math.nan


def _approach(line: TopLine, key: Key) -> int | None:
    others = line.pitch[line.pitch != line.pitch[-1]] if len(line.pitch) else line.pitch
    return int(others[-1] - key.tonic) % 12 if len(others) else None

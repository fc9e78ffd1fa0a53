"""Beside the toolbox of Yang and Lerch: equal numbers where it is right, and where it is not, by how much.

`tests/golden/mgeval.json` holds what the toolbox says of melodies in 4/4 at 120 quarters a minute, all notes equally
loud: there its seconds and velocities do no harm. How the file was made stands in `tests/golden`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats
from symusic import Note, Score, TimeSignature, Track

from stochastic_music.evaluation.music import FEATURES, NOTE_LENGTHS, compared, densities, features_of

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "mgeval.json").read_text(encoding="utf-8"))
#: seconds there, quarter notes here
SECONDS_A_QUARTER = 0.5


def score(notes, meter=(4, 4)):
    made = Score(480)
    made.time_signatures.append(TimeSignature(0, *meter))
    ticks = [(round(480 * start), round(480 * length), pitch) for start, length, pitch in notes]
    made.tracks.append(Track(notes=[Note(*note, 80) for note in ticks]))
    return made


def scores(name):
    return [score(notes) for notes in GOLDEN["pieces"][name]]


@pytest.fixture(scope="module")
def comparisons():
    return compared(scores("generated"), scores("reference"), n_resamples=0)


@pytest.mark.parametrize("name", FEATURES)
def test_features_are_equal_in_four_four(name):
    for which in ("reference", "generated"):
        for piece, told in zip(scores(which), GOLDEN["features"][which], strict=True):
            factor = SECONDS_A_QUARTER if name == "average_inter_onset_interval" else 1.0
            np.testing.assert_allclose(factor * getattr(features_of(piece), name), told[name], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", FEATURES)
def test_figures_are_equal_when_integrated_as_the_toolbox_does(name, comparisons):
    # the distances are those of the toolbox but for a factor (a half for seconds, root of 8 for the bars), which
    # neither figure feels; what differs is where the densities are evaluated
    intra, inter = comparisons[name].intra, comparisons[name].inter
    p, q = stats.gaussian_kde(intra), stats.gaussian_kde(inter)
    both = np.concatenate([intra, inter])
    x = np.linspace(both.min(), both.max(), 4001)
    overlap = integrate.trapezoid(np.minimum(p(x), q(x)), x)
    assert overlap == pytest.approx(GOLDEN["figures"][name]["overlap"], abs=2e-3)
    points = [np.linspace(values.min(), values.max(), 1000) for values in (intra, inter)]
    assert stats.entropy(p(points[0]), q(points[1])) == pytest.approx(GOLDEN["figures"][name]["kl"], rel=1e-6)


@pytest.mark.parametrize("name", FEATURES)
def test_overlap_differs_by_what_lies_beyond_the_limits(name, comparisons):
    ours, theirs = comparisons[name].overlap.value, GOLDEN["figures"][name]["overlap"]
    assert ours >= theirs - 2e-3
    densities_ = comparisons[name].densities
    both = np.concatenate([comparisons[name].intra, comparisons[name].inter])
    beyond = (densities_.grid < both.min()) | (densities_.grid > both.max())
    lost = np.minimum(densities_.intra, densities_.inter)[beyond].sum() * (densities_.grid[1] - densities_.grid[0])
    assert ours - theirs == pytest.approx(lost, abs=0.02)


def densities_of(*sets):
    grid = densities.common_grid(sets)
    rows = np.array([np.bincount(grid.cells(values), minlength=densities.N_CELLS) for values in sets], dtype=float)
    widths = [densities.scott_bandwidth(len(values), values.std(ddof=1)) / grid.step for values in sets]
    return densities.smoothed(rows, np.array(widths))


def test_equal_densities_overlap_wholly_and_distant_ones_diverge():
    ten = np.arange(10.0)
    told = GOLDEN["ten_and_ten"]
    assert told["overlap"] == pytest.approx(0.794, abs=1e-3)  # a fifth of the mass lies beyond 0 and 9
    assert densities.overlap(*densities_of(ten, ten)) == pytest.approx(1)
    assert told["kl_50_apart"] == pytest.approx(0, abs=1e-9)  # each density is looked at where it lies
    assert densities.divergence(*densities_of(ten, ten + 50)) > 10


def test_lengths_in_three_four():
    # C half, D quarter, E half, F quarter: with lengths as shares of a bar of three quarters the nearest are its
    # "dotted half" (2.25 quarters) and its "half triplet" (one quarter)
    told = dict(zip(NOTE_LENGTHS, GOLDEN["three_four_lengths"], strict=True))
    assert (told["dotted half"], told["half triplet"]) == (0.5, 0.5)
    notes = [(0, 2, 60), (2, 1, 62), (3, 2, 64), (5, 1, 65)]
    ours = dict(zip(NOTE_LENGTHS, features_of(score(notes, (3, 4))).note_length_histogram, strict=True))
    assert (ours["half"], ours["quarter"]) == (0.5, 0.5)

"""Distances within and between sets of pieces, their densities, overlap and divergence; negative controls."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import integrate, stats
from symusic import Note, Score, Track

from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, UnknownNameError
from stochastic_music.evaluation.music import FEATURES, compared, densities, features_of, summaries
from stochastic_music.evaluation.music.distances import distances


def piece(pitches, length=1.0):
    score = Score(480)
    ticks = round(480 * length)
    score.tracks.append(Track(notes=[Note(i * ticks, ticks, int(p), 80) for i, p in enumerate(pitches)]))
    return score


def walks(n, *, seed):
    """Melodies of 24 to 40 notes that wander by small steps through a scale of eight, and turn at its ends."""
    rng, scale = np.random.default_rng(seed), np.array([0, 2, 4, 5, 7, 9, 11, 12])
    paths = (np.cumsum(rng.choice([-1, 0, 1], rng.integers(24, 40))) for _ in range(n))
    return [piece(60 + scale[np.abs(path % 14 - 7)]) for path in paths]


def overlaps(generated, reference, **options):
    found = compared(generated, reference, n_resamples=0, **options)
    return {name: comparison.overlap.value for name, comparison in found.items()}


def test_distances_by_hand():
    first, second = (features_of(piece(pitches)) for pitches in ([60, 64], [60, 62, 72]))
    assert distances("pitch_range", [first], [first, second]).tolist() == [[0, 8]]
    # C and E half each; two thirds C, one third D: differences 1/6, 1/3, 1/2
    expected = math.sqrt(1 / 36 + 1 / 9 + 1 / 4)
    np.testing.assert_allclose(distances("pitch_class_histogram", [first], [second]), [[expected]])


def test_bars_that_both_have_are_compared():
    four, eight = features_of(piece([60] * 4)), features_of(piece([60, 62, 64, 65, *[60] * 4]))
    assert distances("note_count_per_bar", [four], [eight]).tolist() == [[0]]
    assert distances("pitch_count_per_bar", [four], [eight]).tolist() == [[3]]  # 1 and 4
    two_bars = features_of(piece([60] * 8))  # differences 3 and 0: root of the mean of 9 and 0
    np.testing.assert_allclose(distances("pitch_count_per_bar", [two_bars], [eight]), [[math.sqrt(4.5)]])


def test_sets_from_one_source_overlap():
    found = compared(walks(40, seed=1), walks(40, seed=2), n_resamples=40)
    for name, comparison in found.items():
        assert comparison.overlap.value > 0.8, name
        assert comparison.kl.value < 0.3, name
        low, high = comparison.overlap.interval
        assert 0 <= low <= comparison.overlap.value <= high <= 1


def test_a_set_and_itself():
    pieces = walks(30, seed=3)
    for name, comparison in compared(pieces, pieces, n_resamples=0).items():
        assert 0.9 < comparison.overlap.value <= 1, name
        assert comparison.overlap.value == comparison.generated_overlap.value
        assert len(comparison.intra) == 30 * 29
        assert len(comparison.inter) == 30 * 30


def test_sets_far_apart():
    high_leaps = [piece(np.array([20, 120, 21, 119]) + i % 2) for i in range(10)]
    found = compared(high_leaps, walks(10, seed=4), n_resamples=0)
    for name in ("pitch_range", "average_pitch_interval"):
        assert found[name].overlap.value < 1e-6
        assert 12 < found[name].kl.value < -math.log(densities.FLOOR)


def test_pieces_and_their_order():
    first, second = walks(12, seed=5), walks(15, seed=6)
    there, back = overlaps(first, second), overlaps(first[::-1], second[::-1])
    assert there == pytest.approx(back)


def test_all_distances_equal():
    same, other = [piece([60, 62])] * 4, [piece([60, 67])] * 4
    equal, apart = (compared(pieces, same, features=["pitch_range"])["pitch_range"] for pieces in (same, other))
    assert equal.overlap.value == pytest.approx(1)
    assert equal.kl.value == pytest.approx(0, abs=1e-9)
    assert apart.overlap.value == pytest.approx(0, abs=1e-6)
    assert apart.overlap.interval == pytest.approx((0, 0), abs=1e-6)


def test_sets_of_one_and_none():
    one, several = walks(1, seed=7), walks(5, seed=8)
    found = compared(one, several)["pitch_count"]
    assert 0 <= found.overlap.value <= 1  # the reference has distances within it
    assert math.isnan(found.generated_overlap.value)
    assert math.isnan(compared(several, one)["pitch_count"].overlap.value)
    assert all(math.isnan(c.kl.value) for c in compared(one, one).values())
    with pytest.raises(EmptyCorpusError, match="generated set has no pieces"):
        compared([], several)


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"features": ["pitch_rage"]}, UnknownNameError, "did you mean 'pitch_range'"),
        ({"n_resamples": -1}, InvalidParameterError, "n_resamples is -1"),
        ({"level": 95}, InvalidParameterError, "level is 95"),
    ],
)
def test_mistakes_are_told(options, error, told):
    with pytest.raises(error, match=told):
        compared(walks(2, seed=1), walks(2, seed=2), **options)


def test_json_holds_no_number_that_it_has_no_name_for():
    found = compared(walks(1, seed=7), walks(5, seed=8), n_resamples=5)
    told = json.loads(json.dumps({name: c.to_json() for name, c in found.items()}, allow_nan=False))
    assert told["pitch_range"]["generated_intra"] is None
    assert told["pitch_range"]["generated_overlap"]["value"] is None
    assert len(told["pitch_range"]["densities"]["grid"]) == len(told["pitch_range"]["densities"]["inter"])


def test_equal_seeds_give_equal_intervals():
    first, second = walks(10, seed=9), walks(10, seed=10)
    runs = [compared(first, second, n_resamples=20, seed=seed) for seed in (3, 3, 4)]
    intervals = [[c.kl.interval for c in run.values()] for run in runs]
    assert intervals[0] == intervals[1] != intervals[2]


def test_densities_are_those_of_gaussian_kernels():
    found = compared(walks(15, seed=11), walks(20, seed=12), n_resamples=0, features=["pitch_class_histogram"])
    [comparison] = found.values()
    grid = comparison.densities.grid
    for name in ("intra", "generated_intra", "inter"):
        kernels = stats.gaussian_kde(getattr(comparison, name))
        np.testing.assert_allclose(getattr(comparison.densities, name), kernels(grid), atol=2e-3 * kernels(grid).max())
    p, q = (stats.gaussian_kde(values) for values in (comparison.intra, comparison.inter))
    p, q = p(grid), q(grid)
    assert comparison.overlap.value == pytest.approx(integrate.trapezoid(np.minimum(p, q), grid), abs=1e-3)
    far = p * np.log(np.maximum(p, 1e-300) / np.maximum(q, 1e-300))
    assert comparison.kl.value == pytest.approx(integrate.trapezoid(far, grid), abs=2e-3)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_overlap_of_two_normal_densities(shift):
    # of two normal densities of deviation s whose means lie d apart, the overlap is 2 Phi(-d / 2s), the divergence
    # d^2 / 2s^2; kernels of bandwidth h widen s to root(s^2 + h^2)
    values = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    grid = densities.common_grid([values, values + shift])
    rows = np.array([np.bincount(grid.cells(v), minlength=densities.N_CELLS) for v in (values, values + shift)])
    h = float(densities.scott_bandwidth(2000, values.std(ddof=1)))
    p, q = densities.smoothed(rows.astype(float), np.full(2, h / grid.step))
    s = math.hypot(values.std(), h)
    assert densities.overlap(p, q) == pytest.approx(2 * stats.norm.cdf(-shift / 2 / s), abs=3e-3)
    assert densities.divergence(p, q) == pytest.approx(shift**2 / 2 / s**2, rel=0.02, abs=1e-9)


def test_negative_controls_look_bad_where_they_ought_to():
    reference, fresh = walks(30, seed=13), walks(30, seed=14)
    rng = np.random.default_rng(0)

    def pitches(score):
        return score.tracks[0].notes.numpy()["pitch"].astype(int)

    ceiling = overlaps(fresh, reference)
    shuffled = overlaps([piece(rng.permutation(pitches(s))) for s in fresh], reference)
    transposed = overlaps([piece(pitches(s) + 6) for s in fresh], reference)
    repeated = compared([piece([60, 62, 64, 65] * 8)] * 30, reference, n_resamples=0)
    twice_as_fast = overlaps([piece(pitches(s), 0.5) for s in fresh], reference)
    assert shuffled["average_pitch_interval"] < 0.3
    assert shuffled["pitch_class_transition_matrix"] < ceiling["pitch_class_transition_matrix"] - 0.05
    assert all(shuffled[name] == pytest.approx(ceiling[name]) for name in ("pitch_class_histogram", "pitch_range"))
    assert transposed["pitch_class_histogram"] < 0.4
    assert transposed["average_pitch_interval"] == pytest.approx(ceiling["average_pitch_interval"])
    assert repeated["pitch_range"].overlap.value > 0.7  # the one bar lies in the middle of the corpus
    assert all(repeated[n].generated_overlap.value < 0.1 for n in FEATURES if "pitch" in n)  # copies have no distance
    assert twice_as_fast["average_inter_onset_interval"] < 0.1
    assert twice_as_fast["pitch_class_histogram"] == pytest.approx(ceiling["pitch_class_histogram"])


def test_summaries():
    found = summaries([piece([60, 62]), piece([60, 64, 67])])
    assert (found["note_count"].mean, found["note_count"].std) == (2.5, 0.5)
    assert found["pitch_class_histogram"].mean[0] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found["note_count_per_bar"].to_json() == {"mean": 2.5, "std": 0.5}
    with pytest.raises(EmptyCorpusError):
        summaries([])

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.corpus.facts import grid_distances, is_without_click, measure
from stochastic_music.corpus.variants import find_variants


def line(tune, pitches):
    return tune([(i, 1, int(p)) for i, p in enumerate(pitches)])


def test_measuring_many_is_measuring_each(tune):
    rng = np.random.default_rng(1)
    scores = [line(tune, rng.integers(40, 90, n)) for n in (30, 1, 9, 8, 40)]
    together = measure(scores)
    for score, (facts, runs) in zip(scores, together, strict=True):
        [(alone, own)] = measure([score])
        assert facts == alone
        assert (runs == own).all()
    assert [len(runs) for _, runs in together] == [22, 0, 1, 0, 32]


def test_no_scores_are_no_facts():
    assert measure([]) == []


def test_the_top_line_is_the_highest_note_of_the_highest_part(tune):
    melody = [72, 74, 76, 77, 79, 81, 83, 84, 86, 88]
    low = line(tune, np.array(melody) - 24)
    both = tune([(i, 1, p) for i, p in enumerate(melody)] + [(i, 1, p - 7) for i, p in enumerate(melody)])
    both.tracks.append(low.tracks[0])
    [(_, runs)] = measure([both])
    [(_, own)] = measure([line(tune, melody)])
    assert (runs == own).all()


def test_quantisation_error_is_the_distance_to_the_nearest_grid_place(tune):
    score = tune([(0, 1, 60), (1.05, 1, 62), (2 + 1 / 3, 1, 64), (3.25, 1, 65)])
    [(facts, _)] = measure([score])
    assert facts.worst == pytest.approx(0.05, abs=1e-6)
    assert facts.error == pytest.approx(0.05 / 4, abs=1e-6)


@given(st.integers(0, 10**6), st.sampled_from([3, 4, 6]))
def test_what_lies_on_the_grid_has_no_distance(place, parts):
    # sixths of a quarter note are on the grid only where they are thirds or quarters
    onset = np.array([place / parts])
    expected = 0.0 if parts != 6 or place % 6 in (0, 2, 3, 4) else 1 / 12
    assert grid_distances(onset)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5, 6, 8])
def test_music_on_a_grid_with_a_human_touch_has_a_click(parts):
    rng = np.random.default_rng(parts)
    assert not is_without_click(np.arange(200) / parts + rng.normal(0, 0.02, 200))


def test_music_played_freely_has_none(tune):
    rng = np.random.default_rng(2)
    free = np.cumsum(rng.gamma(4, 0.2, 120))
    [(facts, _)] = measure([tune([(t, 0.1, 60) for t in free])])
    assert facts.without_click


def test_few_notes_prove_nothing():
    assert not is_without_click(np.random.default_rng(3).uniform(0, 20, 20))


def test_transposed_and_near_variants_are_found(tune):
    rng = np.random.default_rng(4)
    a, b = rng.integers(55, 80, 40), rng.integers(55, 80, 40)
    near = a.copy()
    near[20:22] += 1
    scores = [line(tune, p) for p in (a, b, a + 3, near, b[:12], np.full(12, 60))]
    groups = find_variants([runs for _, runs in measure(scores)])
    assert groups == [[0, 2, 3], [1, 4]]


def brute_force(runs, n):
    pairs = [
        (i, j)
        for i in range(n)
        for j in range(i)
        if len(runs[i])
        and len(runs[j])
        and 2 * len(np.intersect1d(runs[i], runs[j])) >= min(len(runs[i]), len(runs[j]))
    ]
    group = list(range(n))
    for i, j in pairs * n:
        group[i] = group[j] = min(group[i], group[j])
    return sorted(g for g in ([i for i in range(n) if group[i] == k] for k in range(n)) if len(g) > 1)


@given(st.lists(st.sets(st.integers(0, 30), max_size=12), max_size=8))
def test_the_inverted_index_agrees_with_comparing_all_pairs(sets):
    runs = [np.array(sorted(s), dtype=np.uint64) for s in sets]
    assert find_variants(runs) == brute_force(runs, len(runs))


def test_a_thousand_copies_are_one_group():
    assert find_variants([np.arange(5, dtype=np.uint64)] * 1000) == [list(range(1000))]

"""What is usual among held-out pieces, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus.lines import Line
from stochastic_music.corpus.matching import WAYS, Matching
from stochastic_music.evaluation import OriginalityIndex
from stochastic_music.evaluation.held_out import LEAST_PIECES, HeldOut, Spread, covered
from stochastic_music.evaluation.suffixes import Suffixes

NOTES = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 2), st.integers(60, 62)), max_size=12)


def line(name, notes):
    gap, duration, pitch = np.array(notes, dtype=np.int64).reshape(-1, 3).T
    return Line.of(name, onset=np.cumsum(gap + duration), duration=duration, pitch=pitch)


def lengths_by_asking_the_others(lines, kin, how):
    """For each note: the copies that begin there, found in the lines of other kin alone."""
    found = [
        OriginalityIndex(other for other, group in zip(lines, kin, strict=True) if group != own)
        .suffixes(how)
        .matches(line)[0]
        for line, own in zip(lines, kin, strict=True)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *found])


@settings(max_examples=150, deadline=None)
@given(st.lists(NOTES, min_size=1, max_size=6), st.data(), st.sampled_from(WAYS))
def test_one_pass_finds_what_holding_out_each_piece_finds(notes, data, how):
    lines = [line(str(i), some) for i, some in enumerate(notes)]
    kin = data.draw(st.lists(st.integers(0, 3), min_size=len(lines), max_size=len(lines)))
    each = np.repeat(kin, [len(some) for some in lines]).astype(np.int64)
    found = Suffixes(lines, how).elsewhere(each)
    assert found.tolist() == lengths_by_asking_the_others(lines, kin, how).tolist()


def random_lines(n, seed, n_notes=30):
    random = np.random.default_rng(seed)
    tables = [
        zip(np.zeros(n_notes), random.integers(1, 3, n_notes), random.integers(60, 67, n_notes), strict=True)
        for _ in range(n)
    ]
    return [line(f"piece {i}", [tuple(map(int, row)) for row in table]) for i, table in enumerate(tables)]


def test_the_figures_are_quantiles_over_pieces_and_the_limit_is_one_of_them():
    lines = random_lines(20, seed=1)
    index = OriginalityIndex(lines)
    for how in WAYS:
        longest, shares = [], []
        for i, own in enumerate(lines):
            lengths, _ = OriginalityIndex(lines[:i] + lines[i + 1 :]).suffixes(how).matches(own)
            longest.append(int(lengths.max()))
            shares.append(float(covered(lengths).mean()))
        assert index.held_out[how].longest == (sorted(longest)[9], sorted(longest)[17])
        assert index.held_out[how].share == pytest.approx((sorted(shares)[9], sorted(shares)[17]))
        assert index.held_out[how].n_pieces == 20
    assert index.limit == index.held_out[Matching()].longest.high


def test_doubles_variants_and_lines_of_one_name_are_not_held_against_each_other():
    lines = random_lines(20, seed=2)
    plain = OriginalityIndex(lines)
    transposed = [
        Line.of(f"again {i}", onset=a.onset, duration=a.duration, pitch=a.pitch + 5) for i, a in enumerate(lines)
    ]
    varied = [
        Line.of(f"varied {i}", onset=a.onset, duration=a.duration, pitch=a.pitch.copy()) for i, a in enumerate(lines)
    ]
    for variant in varied:
        variant.pitch[-1] += 1
    for more in (
        transposed,
        varied,
        [Line.of(a.name, onset=a.onset, duration=a.duration, pitch=a.pitch) for a in lines],
    ):
        assert OriginalityIndex([*lines, *more]).limit <= plain.limit + 2


def test_a_corpus_of_few_pieces_says_nothing_of_what_is_usual():
    assert OriginalityIndex(random_lines(LEAST_PIECES - 1, seed=3)).held_out is None
    assert OriginalityIndex(random_lines(LEAST_PIECES - 1, seed=3)).limit is None
    assert OriginalityIndex(random_lines(LEAST_PIECES, seed=3)).limit is not None
    # thirty doubles of one piece are one piece
    [own] = random_lines(1, seed=3)
    doubles = [Line.of(str(i), onset=own.onset, duration=own.duration, pitch=own.pitch) for i in range(30)]
    assert HeldOut(doubles).n_kin == 1
    assert OriginalityIndex(doubles).limit is None
    assert OriginalityIndex([]).limit is None


def test_nine_in_ten_have_no_more_than_the_high_value():
    assert Spread.of([3] * 9 + [40]) == (3, 3)
    assert Spread.of([3] * 8 + [40] * 2) == (3, 40)


def test_a_report_reads_well():
    lines = random_lines(12, seed=4)
    report = OriginalityIndex(lines).report(lines[0].until(10))
    told = str(report).splitlines()
    assert len(told) == 4
    assert told[3].startswith(
        "intervals and rhythm:  10 notes of piece 0; 100% of the notes in copies of 8 or more (held"
    )
    assert report.to_json()["copies"]["pitch"]["longest"]["length"] == 10
    assert str(OriginalityIndex(lines[:2]).report(Line.of("", onset=[], duration=[], pitch=[]))).count("none") == 4

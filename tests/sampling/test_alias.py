from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.sampling.backends import AliasTable, TransitionTable
from stochastic_music.sampling.backends.alias import columns, units

ROW = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=40).filter(lambda row: sum(row) > 1e-3)


def rows_of(rows: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.append(0, np.cumsum([len(row) for row in rows])), np.concatenate([np.array(row) for row in rows])


@given(st.lists(ROW, min_size=1, max_size=6))
def test_each_arc_is_drawn_as_often_as_its_units_say(rows):
    # The columns of a row, added up by hand: an arc has its column's threshold, and what is above that where it is the
    # alias. That is exact: whole units of 2^-(32 + bits).
    offsets, probability = rows_of(rows)
    made = columns(offsets, probability)
    drawn = np.zeros(len(probability), dtype=object)
    for threshold, own, alias in zip(made.threshold.tolist(), made.own, made.alias, strict=True):
        drawn[own] += threshold
        drawn[alias] += 2**32 - threshold
    assert drawn.tolist() == units(offsets, probability, made.bits).tolist()
    row = np.repeat(np.arange(len(rows)), np.diff(offsets))
    for i, bits in enumerate(made.bits.tolist()):
        assert sum(drawn[row == i].tolist()) == 2 ** (32 + bits)
        assert 2**bits >= len(rows[i]) > 2 ** (bits - 1)


@given(st.lists(ROW, min_size=1, max_size=4))
def test_rounding_is_half_a_unit_and_what_is_impossible_stays_so(rows):
    offsets, probability = rows_of(rows)
    made = columns(offsets, probability)
    mass = units(offsets, probability, made.bits)
    for i, row in enumerate(rows):
        own = slice(offsets[i], offsets[i + 1])
        whole, total = 2 ** (32 + int(made.bits[i])), sum(map(Fraction, row))
        error = [abs(m - Fraction(p) / total * whole) for m, p in zip(mass[own].tolist(), row, strict=True)]
        assert sum(e > Fraction(1, 2) + Fraction(whole, 2**50) for e in error) <= 1  # the largest takes what is left
        assert (mass[own][np.array(row) == 0] == 0).all()
    reached = set(made.own.tolist()) | set(made.alias.tolist())
    assert all(mass[arc] > 0 for arc in reached)


def test_last_bits_of_probabilities_do_not_matter():
    # A row whose columns are full but for rounding errors: classed by floats, each error would change who fills whom.
    generator = np.random.default_rng(0)
    for n in (3, 5, 6, 7, 48):
        exact = np.full(n, 1 / n)
        nudged = exact * (1 + generator.integers(-4, 5, n) * 2.0**-52)
        first, second = (columns(np.array([0, n]), row) for row in (exact, nudged))
        assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_a_row_does_not_depend_on_those_beside_it():
    rows = [[0.1, 0.9], [0.2, 0.3, 0.5], [1.0], [0.25] * 4, [0.6, 0.05, 0.05, 0.1, 0.2]]
    together = columns(*rows_of(rows))
    for i, row in enumerate(rows):
        alone = columns(*rows_of([row]))
        own = slice(together.first[i], together.first[i] + (1 << together.bits[i]))
        before = sum(len(r) for r in rows[:i])
        assert (together.threshold[own] == alone.threshold).all()
        assert (together.own[own] == alone.own + before).all()
        assert (together.alias[own] == alone.alias + before).all()


def test_layouts():
    even = AliasTable.of(TransitionTable.from_matrix([[0.5, 0.5, 0], [0, 0, 1], [0.2, 0.3, 0.5]]))
    assert (even.bits, even.words.shape) == (2, (12, 1))  # the longest row takes four columns, and so do all
    table = TransitionTable(np.array([0, 2, 3]), np.array([0, 1, 0]), np.array([0, 1, 1]), np.array([0.5, 0.5, 1.0]), 2)
    wide = AliasTable.of(table)
    assert (wide.bits, wide.words.shape) == (-1, (3, 2))
    assert wide.places.tolist() == [1, 2 << 5]


def test_a_table_of_too_many_columns_is_refused(monkeypatch):
    monkeypatch.setattr("stochastic_music.sampling.backends.alias._MOST_COLUMNS", 4)
    monkeypatch.delattr("stochastic_music.sampling.backends.alias.columns")  # before any is made
    with pytest.raises(ValueError, match="12 columns, and places for 4"):
        AliasTable.of(TransitionTable.from_matrix(np.full((3, 3), 1 / 3)[[0, 0, 0]]))

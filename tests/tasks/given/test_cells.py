import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.tasks.given.cells import beats, cell_length, cells_of, may_follow, notes_of
from stochastic_music.tokens import Header, Meter


@st.composite
def melodies(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    spans = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), min_size=1, max_size=20))
    rest, duration = np.array(spans).T
    return np.cumsum(rest + duration) - duration, duration


@st.composite
def headers(draw: st.DrawFn) -> Header:
    first = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2), (3, 8)]))
    length = Meter(0, *first).bar_length(12)
    pickup = draw(st.integers(0, length - 1))
    meters = [Meter(0, *first)]
    if draw(st.booleans()):
        meters.append(Meter(pickup + length * draw(st.integers(1, 3)), *draw(st.sampled_from([(3, 4), (6, 8)]))))
    return Header(12, tuple(meters), pickup)


@given(melodies(), headers())
def test_cells_hold_the_whole_rhythm(melody, header):
    onset, duration = melody
    along = beats(header, int((onset + duration).max()))
    cells = cells_of(onset, duration, along)
    found = notes_of(cells, along)
    assert [column.tolist() for column in found] == [onset.tolist(), duration.tolist()]
    assert [cell_length(cell) for cell in cells] == [beat.length for beat in along]
    assert all(may_follow(a, b) for a, b in itertools.pairwise(cells))


@given(headers(), st.integers(1, 200))
def test_beats_follow_each_other_from_the_beginning_and_lie_in_their_bars(header, end):
    along = beats(header, end)
    assert along[0].start == 0
    assert all(a.start + a.length == b.start for a, b in itertools.pairwise(along))
    assert along[-1].start < end <= along[-1].start + along[-1].length
    if header.pickup and end > header.pickup:
        assert [beat.bar for beat in along if beat.start == header.pickup] == [1]
        assert all(beat.bar == 0 for beat in along if beat.start < header.pickup)


@pytest.mark.parametrize(
    ("before", "after", "sense"),
    [
        ("r12", "~12", False),
        ("n12", "~12", True),
        ("r12", "n12", True),
        ("n12", "~~12", False),
        ("~~~12", "~~~~6 n6", True),
    ],
)
def test_only_notes_go_on(before, after, sense):
    assert may_follow(before, after) is sense

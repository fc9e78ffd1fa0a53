import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.errors import EncodingError, InvalidParameterError
from stochastic_music.tokens import Grid
from stochastic_music.tokens.grid import Timeline


@pytest.mark.parametrize(
    ("spec", "resolution", "period", "points"),
    [
        ("1/4", 1, 1, [0, 1]),
        ("1/16", 4, 1, [0, 1]),
        ("1/16,1/12", 12, 12, [0, 3, 4, 6, 8, 9, 12]),
        ("1/32, 1/24", 24, 12, [0, 3, 4, 6, 8, 9, 12]),
        ("1/2", 1, 2, [0, 2]),
    ],
)
def test_units_are_the_common_parts_of_the_grid(spec, resolution, period, points):
    grid = Grid(spec)
    assert (grid.resolution, grid.period, grid.points.tolist()) == (resolution, period, points)


@pytest.mark.parametrize("spec", ["", "1/0", "3/16", "16", "1/16;1/12", "1/16,", "1/-4"])
def test_what_is_no_grid_is_refused(spec):
    with pytest.raises(InvalidParameterError, match="expected parts of a whole note"):
        _ = Grid(spec).resolution


@given(
    st.integers(-(10**7), 10**7),
    st.sampled_from([1, 24, 220, 480, 1024]),
    st.sampled_from(["1/16,1/12", "1/8", "1/16,1/20"]),
)
def test_snapping_takes_the_nearest_point_and_the_earlier_of_two(tick, tpq, spec):
    grid = Grid(spec)
    snapped = int(grid.snap(np.array([tick]), tpq)[0])
    base = (tick * grid.resolution // (tpq * grid.period)) * grid.period
    points = [base + int(p) for p in grid.points]
    assert snapped == min(points, key=lambda u: (abs(u * tpq - tick * grid.resolution), u))


@given(st.integers(-500, 500))
def test_the_point_after_is_the_next_one(unit):
    grid = Grid()
    on_grid = [u for u in range(unit + 1, unit + 5) if u % 3 == 0 or u % 4 == 0]
    assert int(grid.after(np.array([unit]))[0]) == on_grid[0]


def test_bars_that_are_no_whole_quarters_start_the_grid_anew():
    # 5/16 is 15 units: the second bar's triplet lies at 15 + 4, which counted from the first bar line is off the grid.
    timeline = Timeline(Grid(), 480, pickup=0, meters=[(0, 5, 16)])
    assert timeline.units(np.array([(15 + 4) * 40, (15 + 5) * 40, (15 + 14) * 40])).tolist() == [19, 19, 30]


def test_a_pickup_is_the_end_of_a_full_bar():
    timeline = Timeline(Grid(), 480, pickup=160, meters=[(0, 3, 4)])
    assert timeline.pickup == 4
    assert timeline.units(np.array([0, 160, 400, 640])).tolist() == [0, 4, 10, 16]


def test_notes_between_grid_points_are_moved_and_measured():
    timeline = Timeline(Grid(), 480, pickup=0, meters=[(0, 4, 4)])
    ticks = np.array([0, 10, 130, 480])
    units = timeline.units(ticks)
    assert units.tolist() == [0, 0, 3, 12]
    # 10 ticks are 1/48 of a quarter note, and so is 130 from 120.
    assert (timeline.error(ticks, units) / timeline.error_scale).tolist() == pytest.approx([0, 1 / 48, 1 / 48, 0])


@pytest.mark.parametrize(
    ("meter", "message"), [((3, 32), "choose a finer --grid"), ((0, 4), "is none"), ((4, 0), "is none")]
)
def test_a_meter_that_does_not_fit_is_an_error_of_the_score(meter, message):
    with pytest.raises(EncodingError, match=message):
        Timeline(Grid(), 480, pickup=0, meters=[(0, *meter)])


def test_meters_that_change_nothing_are_dropped_and_the_last_of_several_holds():
    timeline = Timeline(Grid(), 480, pickup=0, meters=[(0, 4, 4), (0, 3, 4), (1440, 3, 4), (2880, 2, 4)])
    assert [tuple(m) for m in timeline.meters] == [(0, 3, 4), (72, 2, 4)]

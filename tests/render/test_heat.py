"""Heat maps: shades, numbers and names, told of known tables."""

from __future__ import annotations

import numpy as np
import pytest

from stochastic_music.errors import InvalidParameterError
from stochastic_music.render.heat import HeatMap, heat_maps

NAMES = ["C4", "D4"]


def shades(figure, panel=0):
    mesh = figure.axes[panel].collections[0]
    figure.draw_without_rendering()
    return mesh.to_rgba(mesh.get_array())


def test_nothing_is_white_and_more_is_darker():
    figure = heat_maps([HeatMap(np.array([[0.0, 0.2], [0.5, 1.0]]), NAMES, NAMES)], label="probability")
    light = shades(figure)[..., :3].sum(axis=-1).ravel()
    assert light[0] == 3
    assert (np.diff(light) < 0).all()


def test_weights_about_0_are_as_dark_for_as_against_and_differ_in_color():
    figure = heat_maps([HeatMap(np.array([[-1.0, 0.0], [1.0, 0.5]]), NAMES, NAMES)], label="nats", signed=True)
    against, nothing, in_favor, _ = shades(figure).reshape(-1, 4)
    assert nothing[:3].tolist() == [1, 1, 1]
    assert against[0] > against[2]
    assert in_favor[0] < in_favor[2]


def test_panels_share_one_scale():
    small, large = (HeatMap(np.full((2, 2), value), NAMES, NAMES) for value in (0.5, 2.0))
    figure = heat_maps([small, large], label="nats", signed=True, abreast=2)
    assert [axes.collections[0].get_clim() for axes in figure.axes[:2]] == [(-2, 2), (-2, 2)]


def test_numbers_are_written_into_small_tables_only_and_never_as_0():
    values = np.array([[0.25, 0.001], [0.0, np.nan]])
    figure = heat_maps([HeatMap(values, NAMES, NAMES)], label="probability")
    assert [text.get_text() for text in figure.axes[0].texts] == [".25"]
    many = [str(i) for i in range(20)]
    assert not heat_maps([HeatMap(np.ones((20, 20)), many, many)], label="probability").axes[0].texts


def test_rows_run_downwards():
    axes = heat_maps([HeatMap(np.eye(2), NAMES, NAMES, down="from", across="to")], label="probability").axes[0]
    assert axes.yaxis.get_inverted()
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("from", "to")


@pytest.mark.parametrize("maps", [[], [HeatMap(np.full((1, 1), np.nan), ["a"], ["b"])]])
def test_nothing_to_draw_is_said(maps):
    with pytest.raises(InvalidParameterError, match="nothing to draw"):
        heat_maps(maps, label="nats")

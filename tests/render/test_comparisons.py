"""Pictures that set models side by side: what stands where, and what is told of what cannot be drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stochastic_music.errors import InvalidParameterError
from stochastic_music.render.comparisons import (
    Series,
    Spread,
    Value,
    density_panels,
    forest_plot,
    learning_curves,
    similarity_curves,
    to_svg,
)

SIZES = np.array([10.0, 100.0, 1000.0])
ROWS = [Value("ppm", 2.25, (2.1, 2.4), "statistical"), Value("lstm", 2.5, (2.3, 2.6), "neural")]


def labels(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def test_the_best_stands_on_top_whichever_way_is_better():
    assert labels(forest_plot(ROWS, label="bits per note").axes[0]) == ["ppm", "lstm"]
    assert labels(forest_plot(ROWS, label="overlap", lower_is_better=False).axes[0]) == ["lstm", "ppm"]


def test_each_row_has_its_interval_value_and_the_mark_of_its_group():
    axes = forest_plot(ROWS, label="bits per note").axes[0]
    drawn = [(line.get_xdata(), line.get_marker()) for line in axes.lines]
    assert [list(x) for x, _ in drawn] == [[2.1, 2.4], [2.25], [2.3, 2.6], [2.5]]
    assert drawn[1][1] != drawn[3][1]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["statistical", "neural"]


def test_what_is_infinite_is_named_and_what_has_no_interval_is_a_point():
    axes = forest_plot([Value("crf", math.inf), Value("hmm", 2.0)], label="bits per note").axes[0]
    assert labels(axes) == ["hmm"]
    assert axes.get_xlabel() == "bits per note (further left is better); not drawn: crf"
    assert len(axes.lines) == 1


def test_learning_curves_run_over_a_logarithmic_axis_of_the_sizes_given():
    series = [Series(name, SIZES, SIZES**-0.1, SIZES**-0.1 - 0.1, SIZES**-0.1 + 0.1) for name in ("a", "b")]
    axes = learning_curves(series, label="bits per note").axes[0]
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["10", "100", "1,000"]
    first, second = axes.lines
    assert first.get_xdata()[0] < 10 < second.get_xdata()[0]  # beside each other
    assert (first.get_color(), first.get_marker()) != (second.get_color(), second.get_marker())


def test_a_curve_of_one_size_is_a_point():
    one = Series("a", np.array([45.0]), np.array([2.0]), np.array([1.9]), np.array([2.1]))
    axes = learning_curves([one], label="bits per note").axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["45"]


def test_more_lines_than_colors_still_differ():
    looks = learning_curves([Series(str(i), SIZES, SIZES) for i in range(16)], label="y").axes[0].lines
    assert len({(line.get_color(), line.get_marker()) for line in looks}) == 16
    assert len({(line.get_color(), line.get_linestyle(), str(line._dash_pattern)) for line in looks}) == 16


def test_a_point_without_a_value_is_left_out():
    [line] = learning_curves([Series("a", SIZES, np.array([3, math.nan, 2]))], label="y").axes[0].lines
    assert line.get_ydata().tolist() == [3, 2]


def test_each_model_has_a_panel_with_held_out_music_behind():
    apart = np.arange(1.0, 17)
    held_out = Series("held-out music", apart, np.where(apart % 4, 0.1, 0.4))
    models = [Series(f"model {i}", apart, np.full(16, 0.2)) for i in range(4)]
    figure = similarity_curves(models, reference=held_out, title="Self-similarity")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == [model.name for model in models]
    assert all(len(axes.lines) == 2 for axes in panels)
    assert figure.get_supxlabel() == "bars apart; shaded: held-out music"


def test_equal_figures_give_equal_bytes_and_words_stay_words():
    one, again = (to_svg(forest_plot(ROWS, label="bits per note", title="A & B <c>")) for _ in range(2))
    assert one == again
    assert b">lstm</text>" in one
    assert b"A &amp; B &lt;c&gt;" in one


@pytest.mark.parametrize(
    "draw",
    [
        lambda: forest_plot([Value("a", math.nan)], label="y"),
        lambda: learning_curves([], label="y"),
        lambda: similarity_curves([Series("a", SIZES, np.full(3, math.nan))]),
    ],
    ids=["forest", "learning", "similarity"],
)
def test_nothing_to_draw_is_refused(draw):
    with pytest.raises(InvalidParameterError, match="nothing to draw"):
        draw()


def spread(name, shift):
    grid = np.linspace(-1, 20, 200)
    intra, inter, own = (np.exp(-((grid - at) ** 2)) for at in (2, 2 + shift, 1))
    return Spread(name, grid, intra, inter, own)


def test_densities_have_a_panel_each_and_one_scale():
    figure = density_panels([spread("ceiling", 0), spread("markov", 6)], label="distance")
    first, second = figure.axes
    assert [axes.get_title(loc="left") for axes in (first, second)] == ["ceiling", "markov"]
    assert first.get_xlim() == second.get_xlim()
    assert 8 < first.get_xlim()[1] < 12  # nothing is seen beyond
    between, within = second.lines
    assert between.get_xdata()[between.get_ydata().argmax()] == pytest.approx(8, abs=0.1)
    assert (between.get_linestyle(), between.get_color()) != (within.get_linestyle(), within.get_color())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "within the reference",
        "between set and reference",
        "within the set",
    ]


def test_densities_of_several_features_have_scales_of_their_own():
    first, second = density_panels([spread("a", 0), spread("b", 6)], label="distance", one_scale=False).axes
    assert first.get_xlim()[1] < second.get_xlim()[1]


def test_sets_without_a_density_are_refused():
    lost = Spread("one piece", *np.full((3, 10), np.nan))
    with pytest.raises(InvalidParameterError, match="nothing to draw"):
        density_panels([lost], label="distance")
    density_panels([lost, spread("a", 0)], label="distance")

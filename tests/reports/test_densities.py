"""Densities in the page: a picture for each model and feature, one scale a row, cut peaks, and what is not there."""

from __future__ import annotations

import re

import numpy as np

from stochastic_music.reports.pages.densities import density_table

GRID = np.linspace(-1, 9, 101)


def told(intra, inter, own, width=1.0, overlap=0.5):
    peaks = [np.exp(-(((GRID - at) / width) ** 2)).tolist() for at in (intra, inter, own)]
    names = ("intra", "inter", "generated_intra")
    return {"overlap": overlap, "densities": {"grid": GRID.tolist(), **dict(zip(names, peaks, strict=True))}}


def lines(html):
    """Of each picture, the points of its line."""
    paths = re.findall(r'<path d="M([^"]*)" stroke="var\(--part-0\)"', html)
    return [np.array([pair.split(",") for pair in path.split()], dtype=float) for path in paths]


def test_a_row_has_one_scale_and_pictures_say_their_overlap():
    columns = [("markov", {"range": told(2, 4, 3, overlap=0.25)}), ("Ceiling", {"range": told(2, 2, 2, overlap=0.97)})]
    html = density_table({"range": "pitch range"}, columns)
    assert 'aria-label="overlap 0.25"' in html
    assert 'aria-label="overlap 0.97"' in html
    first, second = (points[points[:, 1].argmin()] for points in lines(html))
    assert first[0] == 2 * second[0]  # peaks at 4 and 2
    assert first[1] == second[1] > 0


def test_pieces_that_are_alike_do_not_flatten_the_rest():
    copied = told(2, 2, 0)
    copied["densities"]["generated_intra"] = [1000.0 if x == 0 else 0.0 for x in GRID.tolist()]
    [line] = lines(density_table({"range": "pitch range"}, [("copies", {"range": copied})]))
    assert line[:, 1].min() < 5  # as high as the picture


def test_what_was_not_measured_is_a_dash():
    columns = [("markov", {"range": told(2, 4, 3)}), ("failed", {}), ("old", {"range": {"overlap": 0.5}})]
    html = density_table({"range": "pitch range"}, columns)
    assert html.count("<svg") == 1
    assert html.count("<td>–</td>") == 2
    alone = told(2, 4, 3)
    alone["densities"]["generated_intra"] = [None] * len(GRID)
    assert density_table({"range": "pitch range"}, [("one piece", {"range": alone})]).count("<svg") == 1
    assert density_table({"range": "pitch range"}, columns[1:]) == ""


def test_heads_are_escaped():
    assert "<b>" not in density_table({"range": "pitch <b>"}, [("<b>", {"range": told(2, 4, 3)})])

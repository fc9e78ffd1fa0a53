"""Suffix arrays, and matches in them, against sorting and looking."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus.lines import Line
from stochastic_music.corpus.matching import WAYS
from stochastic_music.evaluation.suffixes import Suffixes, _suffix_array


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=40))
def test_the_suffix_array_is_all_suffixes_sorted(text):
    found = _suffix_array(np.array(text, dtype=np.int64))
    assert found.tolist() == sorted(range(len(text)), key=lambda i: text[i:])


def test_long_matches_are_as_long_as_they_are():
    random = np.random.default_rng(1)
    long = Line.of("long", onset=np.arange(300), duration=np.ones(300), pitch=random.integers(40, 80, 300))
    for how in WAYS:
        lengths, places = Suffixes([long, long.since(150)], how).matches(long.until(299))
        assert lengths.tolist() == list(range(299, 0, -1))
        assert places[0] == 0

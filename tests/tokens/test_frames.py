"""Chords as sets: one way to write each, and nothing that is no set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.errors import EncodingError
from stochastic_music.tokens import Frames, Vocabulary

CHORDS = st.lists(st.frozensets(st.integers(0, 127), max_size=4), max_size=8)


@given(CHORDS)
def test_sets_come_back(chords):
    frames = Frames()
    symbols = frames.symbols(chords)
    frames.vocabulary.check(symbols)
    assert frames.sets(symbols) == [tuple(sorted(chord, reverse=True)) for chord in chords]


@given(CHORDS)
def test_what_is_written_is_possible(chords):
    frames = Frames()
    vocabulary = frames.vocabulary
    table = frames.symbols(chords).reshape(-1, 4)
    names = [field.name for field in vocabulary.fields]
    for f in range(1, 4):
        present = {name: vocabulary.values(table[:, i]) for i, name in enumerate(names[:f])}
        possible = vocabulary.possible(f, np.arange(vocabulary.n_symbols), present)
        assert possible[np.arange(len(table)), table[:, f]].all()
    assert vocabulary.possible(0, np.arange(3), {}) is None


def test_what_is_below_is_saved():
    vocabulary = Frames(3).vocabulary
    assert [field.below for field in vocabulary.fields] == ["", "voice1", "voice2"]
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@pytest.mark.parametrize(
    ("chord", "says"), [([1, 2, 3, 4, 5], "frame 1 holds 5 pitches; expected at most 4"), ([128], "expected 0 to 127")]
)
def test_what_is_no_frame(chord, says):
    with pytest.raises(EncodingError, match=says):
        Frames().symbols([[60], chord])

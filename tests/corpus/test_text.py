"""TinyNotation, against music21's own reading of it."""

import music21
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import Corpus
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import InputError
from stochastic_music.music import marks


def ours(text):
    score = score_from_text(text)
    return [(n.time / 480, n.duration / 480, n.pitch) for n in score.tracks[0].notes]


def theirs(text):
    stream = music21.converter.parse("tinyNotation: " + text, makeNotation=False).stripTies()
    return [(float(n.offset), float(n.quarterLength), n.pitch.midi) for n in stream.recurse().notes]


@pytest.mark.parametrize(
    "text",
    [
        "4/4 c4 d e c",
        "3/4 CC4 D8 E c'2. d''4 b-4 c#8 f##16 g--4 an4",
        "4/4 c2~ c8 d8 r4 e2",
        "4/4 trip{c8 d e} f4 trip{g4 a b} c'2",
        "2/4 quad{c8 d e f} g2",
        "c4_la d=name e4..",
        "4/4 c4 d e c 3/4 d2.",
    ],
)
def test_it_agrees_with_music21(text):
    np.testing.assert_allclose(ours(text), theirs(text))


NOTES = st.from_regex(r"([A-G]{1}|[a-g]'{0,2})(#|-|n)?(1|2|4|8|16)\.?", fullmatch=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(NOTES, st.sampled_from(["r4", "r8."])), min_size=1, max_size=12).filter(
    lambda words: any(word[0] != "r" for word in words)))  # fmt: skip
def test_it_agrees_with_music21_on_random_tunes(words):
    np.testing.assert_allclose(ours(" ".join(words)), theirs(" ".join(words)))


def test_meter_and_pickup():
    [piece] = Corpus.from_text("3/4 c4 | d e f | g2.")
    assert marks.pickup(piece.score) == 480
    assert [(s.numerator, s.denominator) for s in piece.score.time_signatures] == [(3, 4)]
    assert marks.pickup(score_from_text("3/4 c4 d e | f2.")) == 0
    assert [(s.time, s.numerator) for s in score_from_text("2/4 c2 3/4 d2.").time_signatures] == [(0, 2), (960, 3)]


@pytest.mark.parametrize("text", ["", "4/4", "r4 r", "c4 h4", "c4 d5", "hello", "GGGGGGGGG4", "3/5 c4"])
def test_what_makes_no_sense_is_named(text):
    with pytest.raises(InputError, match=r"TinyNotation|MIDI range"):
        score_from_text(text)


def test_a_tune_in_text_plays_at_120_quarter_notes_a_minute():
    assert [tempo.qpm for tempo in score_from_text("4/4 c4 d").tempos] == [120]
    assert [tempo.qpm for tempo in Corpus.from_text("4/4 c4 d")[0].score.tempos] == [120]

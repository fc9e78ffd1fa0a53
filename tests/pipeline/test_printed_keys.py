"""Which key new pieces are printed in: the one that is heard, unless something was said of keys."""

import pytest

from stochastic_music import Corpus, EndsOn, Length, Markov, MelodyEncoding, Pipeline
from stochastic_music.cli import _takes
from stochastic_music.music.keys import printed_key


@pytest.fixture(scope="module")
def pipeline():
    """Of a tune printed in C, with all notes of A minor but for its end."""
    from symusic import KeySignature, Note, Score, TimeSignature, Track

    score = Score(480)
    score.time_signatures.append(TimeSignature(0, 4, 4))
    score.key_signatures.append(KeySignature(0, 0, 0))
    pitches = [69, 76, 69, 71, 72, 71, 69, 68, 69, 76, 69, 60] * 2
    score.tracks.append(Track("tune", notes=[Note(480 * i, 480, pitch, 80) for i, pitch in enumerate(pitches)]))
    return Pipeline(MelodyEncoding(), Markov(1)).fit(Corpus.from_scores([score]))


@pytest.mark.parametrize(("end", "heard"), [("tonic", 0), ("C", 1)])
def test_where_steps_are_asked_for_the_key_they_are_meant_in_is_printed(pipeline, end, heard):
    """`heard` is the tonality of the signature, 1 for minor: an end on C by its name does not hold the key."""
    for take in pipeline.compose(3, constraint=Length(12) & EndsOn(end, key="C"), seed=1):
        assert take.score.tracks[0].notes[-1].pitch % 12 == 0
        assert take.score.key_signatures[0].tonality == heard


def test_the_key_asked_for_is_printed(pipeline):
    [take] = pipeline.compose(1, constraint=Length(12) & EndsOn("C"), seed=1)
    for key, shift, signature in (("Em", -5, (1, 1)), ("G", -5, (1, 0)), ("D:dorian", 0, (0, 1))):
        moved = _takes.in_key(take.score, key, shift)
        assert [(k.key, k.tonality) for k in moved.key_signatures] == [signature]
        assert str(printed_key(moved)) == key

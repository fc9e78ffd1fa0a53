"""What is known of a note when its pitch is predicted, and nothing more."""

from __future__ import annotations

import numpy as np
import pytest

from stochastic_music.corpus import Corpus
from stochastic_music.errors import UnknownNameError
from stochastic_music.evaluation import KNOWN, bits_per_pitch, encode_known
from stochastic_music.models import Markov
from stochastic_music.tokens import MelodyEncoding


@pytest.fixture(scope="module")
def music():
    return Corpus.from_scores([Corpus.builtin("essen-kinder")[i].score for i in range(6)])


@pytest.mark.parametrize("known", KNOWN)
def test_events_hold_what_is_known(music, known):
    corpus, report = encode_known(music, known)
    vocabulary = corpus.vocabulary
    names = [field.name for field in vocabulary.fields]
    assert ("duration" in names) == ("timing" in known)
    assert ("phrase" in names) == ("phrase" in known)
    assert bool(vocabulary.clock.ticks) == ("timing" in known)
    assert any(header.key for header in corpus.headers) == ("key" in known)
    assert set(vocabulary.alphabet) == set(corpus.symbols.tolist()) - {vocabulary.end}
    assert vocabulary.closed == (vocabulary.end in corpus.symbols) == (known != "none")
    assert not report.left_out


@pytest.mark.parametrize("known", KNOWN)
def test_every_row_counts_the_same_pitches(music, known):
    corpus, _ = encode_known(music, known)
    pitch = corpus.vocabulary.index("pitch")
    counted = corpus.vocabulary.field_of(corpus.symbols) == pitch
    alone, _ = encode_known(music, "none")
    assert corpus.vocabulary.values(corpus.symbols[counted]).tolist() == alone.vocabulary.values(alone.symbols).tolist()
    # a bit for each pitch and none for what is known
    bits = np.where(counted, np.log(0.5), np.log(0.01))
    assert bits_per_pitch(corpus, bits).value == pytest.approx(1)


def test_the_part_and_the_grid_are_those_of_the_encoding(music):
    corpus, _ = encode_known(music, "timing,key", MelodyEncoding(grid="1/32", part=0))
    assert corpus.vocabulary.resolution == 8
    assert Markov(1).fit(corpus).score(corpus) < 0


def test_other_knowledge_is_named(music):
    with pytest.raises(UnknownNameError, match="timing,key"):
        encode_known(music, "timing")

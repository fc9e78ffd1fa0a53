"""What networks hear: columns one step at a time and in bulk, moved pieces, what may follow, copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.neural.hearing import Hearing
from stochastic_music.models.neural.transposing import transposed
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import HOLD, REST, Field, Header, Meter, Vocabulary
from stochastic_music.tokens.frames import Frames
from stochastic_music.tokens.voices import voice_field

DUET = Vocabulary(
    (Field("duration", 4, first=1, advances="later"), voice_field("voice1"), voice_field("voice2")), resolution=2
)


def duets(seed=0, n_pieces=5):
    rng, pieces = np.random.default_rng(seed), []
    for _ in range(n_pieces):
        n = int(rng.integers(1, 9))
        voices = [rng.choice([REST, HOLD, *range(low, low + 9)], n) for low in (66, 50)]
        columns = [DUET.starts[0] + rng.integers(0, 4, n)]
        columns += [DUET.starts[f] + voice - REST for f, voice in zip((1, 2), voices, strict=True)]
        pieces.append(np.column_stack(columns).ravel())
    headers = [Header(2, (Meter(0, 3, 4),), pickup=2, key=key) for key in ("G", "Am", "Eb", None, "D:dorian")]
    return TokenCorpus.from_sequences(pieces, DUET, headers=headers[:n_pieces])


def chords():
    frames = Frames(n_notes=3)
    pieces = [frames.symbols([{60, 64, 67}, {59, 62, 67}, {60}]), frames.symbols([{72, 64}, {60, 64, 67}])]
    return TokenCorpus.from_sequences(pieces, frames.vocabulary)


CORPORA = {**TOYS, "duets": duets, "chords": chords}


@pytest.mark.parametrize("name", CORPORA)
def test_columns_depend_on_nothing_but_the_symbols_so_far(name):
    corpus = CORPORA[name]()
    hearing = Hearing.of(corpus)
    whole = hearing.of_corpus(corpus)
    assert whole.shape == (len(corpus), corpus.lengths.max(), len(hearing.columns))
    assert (whole >= 0).all()
    assert (whole < np.array(hearing.sizes)).all()
    for i, piece in enumerate(corpus):
        state = hearing.start([corpus.headers[i]])
        for t, symbol in enumerate(piece):
            assert hearing.columns_of(state)[0].tolist() == whole[i, t].tolist()
            state = hearing.advance(state, np.array([symbol]))


@pytest.mark.parametrize("name", CORPORA)
def test_rows_of_a_state_go_on_as_they_would_alone(name):
    corpus = CORPORA[name]()
    hearing, chosen = Hearing.of(corpus), np.array([1, 0, 1])
    state = hearing.start(corpus.headers)
    for symbols in corpus.padded().T[: corpus.lengths.min()]:
        before = hearing.columns_of(state)
        assert (hearing.columns_of(state.rows(chosen)) == before[chosen]).all()
        one = hearing.advance(state.rows(chosen), symbols[chosen])
        state = hearing.advance(state, symbols)
        assert (hearing.columns_of(one) == hearing.columns_of(state)[chosen]).all()


@given(st.integers(0, 1000), st.lists(st.integers(-5, 5), min_size=5, max_size=5))
@settings(max_examples=25, deadline=None)
def test_moving_columns_is_hearing_moved_pieces(seed, shifts):
    corpus = duets(seed)
    hearing = Hearing.of(corpus, reach=5)
    moved = hearing.moved(hearing.of_corpus(corpus), np.array(shifts))
    assert (moved == hearing.of_corpus(transposed(corpus, shifts))).all()


@pytest.mark.parametrize("name", CORPORA)
def test_what_comes_is_allowed(name):
    corpus = CORPORA[name]()
    hearing = Hearing.of(corpus)
    heard, padded = hearing.of_corpus(corpus), corpus.padded()
    allowed = hearing.allowed(heard)
    for i, n in enumerate(corpus.lengths):
        assert allowed[i, np.arange(n), hearing.place[padded[i, :n]]].all()
    due = corpus.vocabulary.clock.start(corpus.headers).due
    assert (hearing.symbols[allowed[0, 0]] < corpus.vocabulary.starts[1]).sum() == allowed[0, 0].sum() - int(
        corpus.vocabulary.closed
    )
    assert (due == 0).all()


def test_chords_go_down():
    corpus = chords()
    hearing = Hearing.of(corpus)
    after_g = hearing.allowed(hearing.of_corpus(corpus))[0, 1]
    assert [corpus.vocabulary.describe(s) for s in hearing.symbols[after_g]] == [
        "voice2 rest",
        "voice2 D4",
        "voice2 E4",
    ]


def test_the_copy_goes_on_as_an_earlier_match_did_and_moves_along():
    corpus = TokenCorpus.from_sequences([[0, 2, 4, 3, 6, 8, 10]], Vocabulary.plain(12, name="pitch"))
    hearing = Hearing.of(corpus, reach=2)
    heard = hearing.of_corpus(corpus)[0]
    copies = heard[:, hearing.index["copy"]] - 1
    lengths = heard[:, hearing.index["copy length"]]
    # a rising second was followed by a falling semitone the last time, and so were two of them
    assert (copies[6], lengths[6]) == (7, 1)
    assert (copies[7], lengths[7]) == (9, 2)
    assert lengths[:3].tolist() == [0, 0, 0]


def test_rhythm_is_copied_as_it_was():
    duration = Field("duration", 4, first=1, advances="later")
    vocabulary = Vocabulary((duration, Field("pitch", 12)), resolution=1)
    pieces = [[0, 4, 1, 6, 3, 5, 0, 9, 1, 11]]
    hearing = Hearing.of(TokenCorpus.from_sequences(pieces, vocabulary))
    heard = hearing.of_corpus(TokenCorpus.from_sequences(pieces, vocabulary))[0]
    assert heard[10, hearing.index["copy"]] - 1 == 3
    assert heard[7, hearing.index["copy"]] - 1 == -1  # a first note makes no step that could be made again


def test_pitches_that_training_cannot_know_stand_for_the_nearest():
    vocabulary = Vocabulary.plain(12, name="pitch")
    hearing = Hearing.of(TokenCorpus.from_sequences([[4, 6]], vocabulary))
    heard = hearing.of_corpus(TokenCorpus.from_sequences([[0, 11]], vocabulary))
    assert heard[0, :, hearing.index["own last"]].tolist() == [0, 1, 3]
    assert heard[0, :, hearing.index["latest pitch"]].tolist() == [0, 1, 3]


def test_the_printed_key():
    header = Header(1, key="Em")
    corpus = TokenCorpus.from_sequences([[7, 11, 3]], Vocabulary.plain(12, name="pitch"), headers=[header])
    hearing = Hearing.of(corpus)
    heard = hearing.of_corpus(corpus)[0]
    assert heard[:, hearing.index["degree"]].tolist() == [0, 4, 8, 12]
    assert heard[:, hearing.index["tonic"]].tolist() == [5] * 4
    assert heard[:, hearing.index["mode"]].tolist() == [2] * 4


def test_bars_and_phrases_so_far():
    fields = (Field("duration", 4, first=1, advances="later"), Field("phrase", 2), Field("pitch", 12))
    vocabulary = Vocabulary(fields, resolution=1)
    pieces = [[symbol for phrase in (0, 1, 0, 0, 1) for symbol in (1, 4 + phrase, 8)]]
    corpus = TokenCorpus.from_sequences(pieces, vocabulary, headers=[Header(1, (Meter(0, 3, 4),))])
    hearing = Hearing.of(corpus)
    heard = hearing.of_corpus(corpus)[0, ::3]
    assert heard[:, hearing.index["phrase"]].tolist() == [1, 3, 1, 3, 5, 1]
    assert heard[:, hearing.index["phrase before"]].tolist() == [0, 0, 5, 5, 5, 7]
    assert heard[:, hearing.index["bar"]].tolist() == [1, 1, 2, 3, 3, 4]

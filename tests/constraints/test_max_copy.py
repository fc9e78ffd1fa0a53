"""What MaxCopy forbids is what the originality report counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.constraints import MaxCopy
from stochastic_music.constraints.automata.forbidden_runs import ForbiddenRuns
from stochastic_music.corpus import TokenCorpus
from stochastic_music.corpus.lines import Line, line_of
from stochastic_music.corpus.matching import WAYS, Matching
from stochastic_music.errors import InvalidParameterError, UsageError, VocabularyError
from stochastic_music.evaluation import OriginalityIndex
from stochastic_music.protocols import DEAD
from stochastic_music.testing.check_constraint import check_constraint
from stochastic_music.tokens import Field, MelodyEncoding, NotesEncoding, Vocabulary, VoicesEncoding

MELODY = Vocabulary(
    (
        Field("rest", 3, advances="now"),
        Field("duration", 3, first=1, advances="later"),
        Field("phrase", 2),
        Field("pitch", 128),
    ),
    resolution=2,
)
CHORDS = Vocabulary(
    (Field("shift", 3, advances="now"), Field("duration", 3, first=1, advances="sounds"), Field("pitch", 128)),
    resolution=2,
)
LEGATO = Vocabulary((Field("duration", 3, first=1, advances="later"), Field("pitch", 128)), resolution=2)
PITCHES = Vocabulary((Field("pitch", 128),))


@st.composite
def pieces(draw, vocabulary, at_most=14):
    """Symbols of a piece of few pitches and lengths, without END."""
    n = draw(st.integers(0, at_most))
    columns = [
        np.array(
            draw(st.lists(st.integers(60, 62) if f.name == "pitch" else st.integers(0, 1), min_size=n, max_size=n))
        )
        for f in vocabulary.fields
    ]
    table = np.array(columns, dtype=np.int64).reshape(vocabulary.n_fields, n).T
    return (table + vocabulary.starts[:-1]).ravel()


@st.composite
def cases(draw):
    vocabulary = draw(st.sampled_from([MELODY, CHORDS, LEGATO, PITCHES]))
    corpus = draw(st.lists(pieces(vocabulary), max_size=4))
    return TokenCorpus.from_sequences(corpus, vocabulary), draw(pieces(vocabulary))


def passes(constraint, vocabulary, symbols):
    automaton = constraint.compile(vocabulary, None)
    state = np.array([automaton.start()])
    for symbol in [*symbols.tolist(), vocabulary.end]:
        state = automaton.advance(state, np.array([symbol]))
    return bool(state[0] != DEAD)


@settings(max_examples=200, deadline=None)
@given(cases(), st.integers(1, 6), st.sampled_from(WAYS), st.integers(0, 3), st.integers(0, 3))
def test_a_piece_passes_if_and_only_if_its_longest_copy_is_short_enough(case, most, how, since, after):
    corpus, symbols = case
    line = line_of(corpus.vocabulary, symbols, None, "")
    line = line.until(max(len(line) - after, 0)).since(since)
    copied = OriginalityIndex.from_tokens(corpus).longest_copy(line, how=how).length
    assert passes(MaxCopy(corpus, most, how, since=since, after=after), corpus.vocabulary, symbols) == (copied <= most)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), max_size=10), max_size=4), st.integers(1, 5), st.lists(st.integers(-1, 3)))
def test_runs_are_forbidden_wherever_they_come(parts, length, text):
    runs = ForbiddenRuns([np.array(part, dtype=np.int64) for part in parts], length)
    forbidden = {tuple(part[i : i + length]) for part in parts for i in range(len(part) - length + 1)}
    node = np.array([0])
    for i in range(len(text)):
        node = runs.advance(node, np.array(text[i : i + 1]))
        assert (node[0] == DEAD) == (tuple(text[: i + 1][-length:]) in forbidden)
        if node[0] == DEAD:
            break


def test_beginnings_that_cannot_become_copies_are_not_remembered():
    runs = ForbiddenRuns([np.array([0, 1]), np.array([2, 3, 4, 5])], 3)
    assert runs.n_nodes == 1 + 2 + 2  # 2, 23, 3 and 34
    assert runs.advance(np.array([0]), np.array([0])).tolist() == [0]


def test_a_limit_beyond_all_pieces_forbids_nothing():
    corpus = TokenCorpus.from_sequences([[60, 62, 64, 62, 60]], PITCHES)
    assert passes(MaxCopy(corpus, 10**9), PITCHES, corpus[0][:-1])
    assert not passes(MaxCopy(corpus, 4), PITCHES, corpus[0][:-1])


def test_it_is_wide_and_keeps_the_contract_of_constraints():
    corpus = TokenCorpus.from_sequences([[60, 62, 64, 62, 60]], PITCHES)
    assert MaxCopy(corpus, 2).compile(PITCHES, None).wide
    check_constraint(MaxCopy(corpus, 2), PITCHES)


def test_lines_serve_as_well_as_a_corpus():
    line = Line.of("tune", onset=[0, 1, 2, 3], duration=[1, 1, 1, 1], pitch=[60, 62, 64, 65])
    corpus = TokenCorpus.from_sequences([[60, 62, 64, 65]], PITCHES)
    for notes in ([50, 52, 54], [50, 52, 53], [50, 52, 51]):
        symbols = np.array(notes)
        assert passes(MaxCopy([line], 2), PITCHES, symbols) == passes(MaxCopy(corpus, 2), PITCHES, symbols)


def test_notes_of_chords_and_melodies_are_read_and_voices_refused():
    for encoding in (MelodyEncoding(), NotesEncoding()):
        assert passes(MaxCopy([], 3), encoding.vocabulary, np.zeros(0, dtype=np.int64))
    with pytest.raises(UsageError, match=r"MaxCopy\(3\) needs events that are notes, and this encoding has duration"):
        MaxCopy([], 3).compile(VoicesEncoding().vocabulary, None)


def test_bad_requests_are_named():
    with pytest.raises(InvalidParameterError, match="at least 1 note"):
        MaxCopy([], 0)
    other = TokenCorpus.from_sequences([], MelodyEncoding(grid="1/32").vocabulary)
    with pytest.raises(VocabularyError, match="8 units a quarter note, and here there are 2"):
        MaxCopy(other, 3).compile(MELODY, None)
    MaxCopy(other, 3, Matching(rhythm=False)).compile(MELODY, None)
    assert str(MaxCopy([], 12, Matching("pitch"))) == "MaxCopy(12, pitches and rhythm)"

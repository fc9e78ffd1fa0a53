"""Copies against a search that tries everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.corpus.lines import Line, lines
from stochastic_music.corpus.matching import WAYS, Matching
from stochastic_music.errors import InvalidParameterError, VocabularyError
from stochastic_music.evaluation import OriginalityIndex
from stochastic_music.evaluation.held_out import NOTABLE
from stochastic_music.tokens import Field, Header, Meter, TokenPiece, Vocabulary


def line(name, notes, gaps=()):
    """Notes of (duration, pitch), one after the other, with silences before some of them."""
    gaps = [*gaps, *[0] * (len(notes) - len(gaps))]
    onset = np.cumsum(gaps) + np.cumsum([0, *(d for d, _ in notes)])[:-1] if notes else []
    return Line.of(name, onset=onset, duration=[d for d, _ in notes], pitch=[p for _, p in notes])


NOTES = st.lists(st.tuples(st.integers(1, 2), st.integers(60, 62)), max_size=12)
GAPS = st.lists(st.integers(0, 1), max_size=12)


@st.composite
def drawn_lines(draw):
    notes = draw(NOTES)
    return line("x", notes, draw(GAPS)[: len(notes)])


def is_copy(a, i, b, j, length, how):
    def run(of, k):
        pitch, onset = of.pitch[k : k + length], of.onset[k : k + length]
        moved = pitch if how.pitch == "pitch" else pitch - pitch[0]
        rhythm = [*(onset - onset[0]).tolist(), *of.duration[k : k + length].tolist()]
        return [*moved.tolist(), *(rhythm if how.rhythm else [])]

    return i + length <= len(a) and j + length <= len(b) and run(a, i) == run(b, j)


def longest_by_search(query, corpus, how):
    """The length of the longest copy that begins at each note of `query`."""
    return [
        max(
            (
                length
                for source in corpus
                for j in range(len(source))
                for length in range(1, len(query) - i + 1)
                if is_copy(query, i, source, j, length, how)
            ),
            default=0,
        )
        for i in range(len(query))
    ]


@settings(max_examples=150, deadline=None)
@given(drawn_lines(), st.lists(drawn_lines(), max_size=4), st.sampled_from(WAYS))
def test_the_longest_copy_is_what_a_search_finds(query, corpus, how):
    corpus = [Line(f"piece {i}", c.onset, c.duration, c.pitch, np.arange(len(c))) for i, c in enumerate(corpus)]
    index = OriginalityIndex(corpus)
    expected = longest_by_search(query, corpus, how)
    copy = index.longest_copy(query, how=how)
    assert copy.length == max(expected, default=0)
    if copy.length:
        source = corpus[int(copy.piece.removeprefix("piece "))]
        assert is_copy(query, copy.start, source, copy.bar, copy.length, how)


@settings(max_examples=100, deadline=None)
@given(drawn_lines(), st.lists(drawn_lines(), max_size=4), st.sampled_from(WAYS))
def test_the_share_is_what_a_search_finds(query, corpus, how):
    covered = set()
    for i, length in enumerate(longest_by_search(query, corpus, how)):
        covered |= set(range(i, i + length)) if length >= NOTABLE else set()
    share = OriginalityIndex(corpus).share(query, how=how)
    assert share == pytest.approx(len(covered) / len(query) if len(query) else 0)


TUNE = [(1, 60), (1, 62), (2, 64), (1, 65), (1, 67), (2, 69), (1, 67), (1, 65), (4, 64)]


def test_a_transposed_quotation_is_found_and_an_exact_one_told_apart():
    index = OriginalityIndex([line("tune", TUNE), line("other", [(3, 50), (5, 51)])])
    moved = line("new", [(2, 40), *((d, p + 5) for d, p in TUNE), (2, 40)])
    report = index.report(moved)
    assert (report.longest.length, report.longest.piece, report.longest.start) == (9, "tune", 1)
    # by pitch it shares F4 for one unit, a fifth above C: nothing longer
    by_pitch = report.copied[Matching("pitch")]
    assert by_pitch.longest.length < 4
    assert (report.copied[Matching()].share, by_pitch.share) == (pytest.approx(9 / 11), 0)


def test_rhythm_counts():
    index = OriginalityIndex([line("tune", TUNE)])
    assert index.longest_copy(line("new", [(d * 2, p) for d, p in TUNE])).length < 3
    assert index.longest_copy(line("new", TUNE, gaps=[0, 0, 0, 0, 1])).length == 5


def test_copies_do_not_cross_from_piece_to_piece():
    index = OriginalityIndex([line("a", TUNE[:4]), line("b", TUNE[4:])])
    assert index.longest_copy(line("new", TUNE), how=Matching("pitch")).length == 5


def test_nothing_in_common_and_nothing_at_all():
    index = OriginalityIndex([line("tune", TUNE), line("empty", [])])
    assert index.longest_copy(line("new", [(7, 10), (9, 11)])).to_json() == {"length": 0, "piece": "", "bar": None}
    assert index.longest_copy(line("new", [])).length == 0
    assert OriginalityIndex([]).longest_copy(line("new", TUNE)).length == 0
    assert index.share(line("new", [])) == 0


MELODY = Vocabulary(
    (Field("rest", 24, advances="now"), Field("duration", 48, first=1, advances="later"), Field("pitch", 128)),
    resolution=12,
)


def piece(vocabulary, events, header):
    symbols = [vocabulary.symbol(f.name, v) for e in events for f, v in zip(vocabulary.fields, e, strict=True)]
    return TokenPiece(np.array([*symbols, vocabulary.end]), header)


def test_tokens_give_the_printed_bar_with_pickups_rests_and_meter_changes():
    header = Header(12, (Meter(0, 3, 4), Meter(48, 2, 4)), pickup=12)
    notes = [(0, 12, 60), (0, 24, 62), (12, 12, 64), (0, 12, 65), (0, 24, 67)]
    tune = TokenCorpus.from_pieces([piece(MELODY, notes, header)], MELODY, names=["tune"])
    only = lines(tune)[0]
    assert only.onset.tolist() == [0, 12, 48, 60, 72]
    assert only.bar.tolist() == [0, 1, 2, 2, 3]
    copy = OriginalityIndex.from_tokens(tune).longest_copy(piece(MELODY, notes[2:], Header(12)))
    assert copy.to_json() == {"length": 3, "piece": "tune", "bar": 2}


def test_chords_are_notes_of_one_onset():
    polyphonic = Vocabulary(
        (Field("shift", 24, advances="now"), Field("duration", 48, first=1, advances="sounds"), Field("pitch", 128)),
        resolution=12,
    )
    chord = piece(polyphonic, [(0, 12, 64), (0, 24, 60), (12, 12, 65)], Header(12))
    only = lines(TokenCorpus.from_pieces([chord], polyphonic))[0]
    assert (only.onset.tolist(), only.duration.tolist()) == ([0, 0, 12], [12, 24, 12])


def test_pitches_alone_have_no_bars_and_symbols_without_pitch_are_refused():
    only = Vocabulary((Field("pitch", 128),))
    corpus = TokenCorpus.from_sequences([[60, 62, 64]], only, names=["tune"])
    copy = OriginalityIndex.from_tokens(corpus).longest_copy(TokenPiece(np.array([62, 64, 66, only.end]), Header(1)))
    assert copy.to_json() == {"length": 3, "piece": "tune", "bar": None}
    with pytest.raises(VocabularyError, match="no field 'pitch'"):
        lines(TokenCorpus.from_sequences([[0]], Vocabulary.plain(2)))


def test_bad_requests_are_named():
    with pytest.raises(InvalidParameterError, match="differ in length"):
        Line.of("a", onset=[0], duration=[1, 2], pitch=[60])
    with pytest.raises(InvalidParameterError, match="plain lines"):
        OriginalityIndex([]).longest_copy(TokenPiece(np.array([0]), Header(1)))


def voices_corpus():
    from stochastic_music.corpus import Corpus, encode_corpus
    from stochastic_music.tokens import VoicesEncoding

    corpus = Corpus.from_text("4/4 c'4 d' e' f' g'2 e'")
    score = corpus[0].score
    score.tracks.append(score.tracks[0].copy().shift_pitch(-12))
    return encode_corpus(Corpus.from_scores([score]), VoicesEncoding(2))[0]


def test_voices_are_lines_each():
    corpus = voices_corpus()
    top, low = lines(corpus)
    assert (top.pitch - low.pitch).tolist() == [12] * 6
    assert top.duration.tolist() == [12, 12, 12, 12, 24, 24]
    assert top.bar.tolist() == [1, 1, 1, 1, 2, 2]
    index = OriginalityIndex.from_tokens(corpus)
    piece_again = TokenPiece(corpus[0], corpus.headers[0])
    assert index.report(piece_again).longest.length == 6
    assert index.share(piece_again) == 0
    assert index.longest_copy([top.since(2), low.since(4)]).length == 4

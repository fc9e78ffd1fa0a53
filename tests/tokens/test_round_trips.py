"""The law of encodings: what is encoded comes back, and what is decoded encodes to the same symbols."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from score_strategies import chords, ensembles, melodies, notes_of, same_pieces, to_ticks

import stochastic_music as sm
from stochastic_music.errors import EncodingError
from stochastic_music.music import marks

thorough = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_header_comes_back(score, decoded):
    tpq, ours = score.ticks_per_quarter, decoded.ticks_per_quarter // 12
    meters = [(to_ticks(s.time // ours, tpq), s.numerator, s.denominator) for s in decoded.time_signatures]
    assert meters == [(s.time, s.numerator, s.denominator) for s in score.time_signatures]
    assert to_ticks(marks.pickup(decoded) // ours, tpq) == marks.pickup(score)
    assert [(k.key, k.tonality) for k in decoded.key_signatures] == [(k.key, k.tonality) for k in score.key_signatures]


@thorough
@given(melodies())
def test_a_melody_comes_back(made):
    score, notes, ends = made
    encoding = sm.MelodyEncoding()
    pieces, loss = encoding.encode_reported(score)
    decoded = encoding.decode(pieces)
    assert same_pieces(encoding.encode(decoded), pieces)
    assume(not loss.rests_shortened)
    assert notes_of(decoded) == notes
    assert [tick // (decoded.ticks_per_quarter // 12) for tick in marks.phrase_ends(decoded, 0)] == ends
    assert (loss.n_notes, loss.hidden, loss.cut, loss.off_grid) == (len(notes), 0, 0, 0)
    assert_header_comes_back(score, decoded)
    assert (decoded.tracks[0].name, decoded.tracks[0].program) == (score.tracks[0].name, score.tracks[0].program)
    encoding.vocabulary.check(pieces[0].symbols)


@thorough
@given(
    melodies(), st.sampled_from([("duration", "pitch"), ("pitch",), ("phrase", "pitch"), ("rest", "pitch", "duration")])
)
def test_a_melody_in_fewer_fields_encodes_to_the_same_again(made, fields):
    score, notes, _ = made
    encoding = sm.MelodyEncoding(fields=fields)
    pieces = encoding.encode(score)
    assert same_pieces(encoding.encode(encoding.decode(pieces)), pieces)
    assert [pitch for _, _, pitch in notes_of(encoding.decode(pieces))] == [pitch for _, _, pitch in notes]


@thorough
@given(chords())
def test_chords_come_back(made):
    score, notes = made
    encoding = sm.NotesEncoding()
    pieces, loss = encoding.encode_reported(score)
    assume(not loss.rests_shortened)  # what follows a shortened rest may come off the grid, and is then rounded again
    decoded = encoding.decode(pieces)
    assert same_pieces(encoding.encode(decoded), pieces)
    assert notes_of(decoded) == sorted(notes)
    assert loss.hidden == loss.cut == loss.off_grid == 0
    assert_header_comes_back(score, decoded)
    assert decoded.tracks[0].notes[0].velocity == score.tracks[0].notes[0].velocity


@thorough
@given(ensembles())
def test_voices_come_back(made):
    score, parts = made
    encoding = sm.VoicesEncoding(None).for_scores([score])
    pieces = encoding.encode(score)
    decoded = encoding.decode(pieces)
    assert [notes_of(decoded, i) for i in range(len(parts))] == parts
    assert [track.name for track in decoded.tracks] == [track.name for track in score.tracks]
    assert_header_comes_back(score, decoded)
    assert same_pieces(encoding.encode(decoded), pieces)


@thorough
@given(ensembles(), st.sampled_from(["1/4", "1/8", "1/12"]))
def test_frames_encode_to_the_same_again(made, frame):
    score, parts = made
    encoding = sm.VoicesEncoding(len(parts), frame=frame)
    try:
        pieces = encoding.encode(score)
    except EncodingError as error:
        assert "set frame to a shorter part" in str(error)  # noqa: PT017
        return
    # Where a voice falls between all frames nothing of it is left to be put in order again.
    if all((encoding.columns(pieces[0].symbols)[f"voice{i + 1}"] >= 0).any() for i in range(len(parts))):
        assert same_pieces(encoding.encode(encoding.decode(pieces)), pieces)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ensembles(
        n_voices=3, programs=[(10, False), (40, False), (0, True)], meters=[(4, 4), (3, 4), (6, 8), (5, 8), (2, 2)]
    )
)
def test_remi_brings_all_parts_back(made):
    pytest.importorskip("miditok", reason="the extra `tokens` is not installed")
    score, parts = made
    encoding = sm.RemiEncoding()
    pieces, loss = encoding.encode_reported(score)
    decoded = encoding.decode(pieces)
    assert_header_comes_back(score, decoded)
    if not loss.cut:  # notes cut at the longest length come back a step shorter in some bars of eighths
        assert [notes_of(decoded, i) for i in range(3)] == parts
        assert same_pieces(encoding.encode(decoded), pieces)

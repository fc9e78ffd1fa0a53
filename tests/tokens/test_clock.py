"""The clock against a slow walk through the bars."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from score_strategies import METERS, chords, ensembles, melodies

import stochastic_music as sm
from stochastic_music.errors import EncodingError, VocabularyError
from stochastic_music.tokens import Header, Meter
from stochastic_music.tokens.clock import describe_mark


def slow_place(header, time):
    """(bar, position, bar length, numerator, denominator) by stepping from bar to bar."""
    meters = list(header.meters)
    first = meters[0].bar_length(header.resolution)
    if time < header.pickup and all(m.start > time for m in meters[1:]):
        return 0, time - header.pickup + first, first, meters[0].numerator, meters[0].denominator
    start, bar, meter = header.pickup, 1, meters[0]
    later = meters[1:]
    while True:
        if later and later[0].start == start:
            meter = later.pop(0)
        length = meter.bar_length(header.resolution)
        end = min(start + length, later[0].start) if later else start + length
        if time < end:
            return bar, time - start, length, meter.numerator, meter.denominator
        start, bar = end, bar + 1


@st.composite
def headers(draw):
    meters, at = [], 0
    first = draw(st.sampled_from(METERS))
    pickup = draw(st.integers(0, 48 * first[0] // first[1] - 1))
    for i, (n, d) in enumerate([first, *draw(st.lists(st.sampled_from(METERS), max_size=2))]):
        meters.append(Meter(0 if i == 0 else at, n, d))
        at = (pickup if i == 0 else at) + draw(st.integers(1, 3)) * 48 * n // d + draw(st.sampled_from([0, 0, 3]))
    return Header(12, tuple(meters), pickup)


@given(headers(), st.lists(st.integers(0, 400), min_size=1, max_size=20))
def test_places_are_those_of_a_slow_walk(header, times):
    clock = sm.MelodyEncoding().vocabulary.clock
    state = clock.start([header] * len(times))._replace(time=np.array(times))
    place = clock.place(state)
    rows = zip(
        place.bar.tolist(), place.position.tolist(), place.bar_length.tolist(), place.meter.tolist(), strict=True
    )
    expected = [slow_place(header, time) for time in times]
    assert list(rows) == [(bar, position, length, n << 8 | d) for bar, position, length, n, d in expected]


def walked(encoding, piece):
    """Times at each event's beginning, and at its end, as the clock tells them."""
    clock = encoding.vocabulary.clock
    state, times, marks = clock.start([piece.header]), [], []
    for symbol in piece.symbols:
        if state.due[0] == 0:
            times.append(int(state.time[0] + state.lag[0]))
            marks.append(int(clock.marks(state)[0]))
        assert clock.allowed(state)[0, symbol]
        state = clock.advance(state, np.array([symbol]))
    assert state.due[0] == clock.n_fields
    return times, marks


@settings(deadline=None, max_examples=50)
@given(melodies())
def test_a_melody_is_told_by_the_ends_of_its_notes(made):
    encoding = sm.MelodyEncoding()
    piece = encoding.encode(made[0])[0]
    columns = encoding.columns(piece.symbols)
    ends = np.cumsum(columns["rest"] + columns["duration"])
    times, marks = walked(encoding, piece)
    assert times == [0, *ends.tolist()]
    for time, mark in zip(times, marks, strict=True):
        _, position, _, numerator, denominator = slow_place(piece.header, time)
        assert mark == (numerator << 8 | denominator) << 20 | position


@settings(deadline=None, max_examples=50)
@given(chords())
def test_chords_are_told_by_where_the_music_stops_sounding(made):
    encoding = sm.NotesEncoding()
    piece = encoding.encode(made[0])[0]
    columns = encoding.columns(piece.symbols)
    ends = np.maximum.accumulate(np.cumsum(columns["shift"]) + columns["duration"])
    assert walked(encoding, piece)[0] == [0, *ends.tolist()]


@settings(deadline=None, max_examples=50)
@given(ensembles(n_voices=2, meters=[(4, 4), (3, 4)]))
def test_frames_and_slices_move_the_clock(made):
    score, _ = made
    for encoding in (sm.VoicesEncoding(2), sm.VoicesEncoding(2, frame="1/16")):
        try:
            piece = encoding.encode(score)[0]
        except EncodingError:
            reject()  # all notes fall between frames
        phrase = encoding.columns(piece.symbols)["phrase"]
        durations = encoding.columns(piece.symbols).get("duration", np.full_like(phrase, 3))
        assert walked(encoding, piece)[0] == [0, *np.cumsum(durations).tolist()]


def test_after_the_end_nothing_moves():
    vocabulary = sm.MelodyEncoding().vocabulary
    state = vocabulary.clock.start([None])
    for _ in range(2):
        state = vocabulary.clock.advance(state, np.array([vocabulary.end]))
        assert vocabulary.clock.allowed(state)[0].nonzero()[0].tolist() == [vocabulary.end]
    assert int(state.time[0]) == 0


def test_symbols_without_time_show_no_marks():
    clock = sm.MelodyEncoding(fields=("pitch",)).vocabulary.clock
    assert not clock.ticks
    assert clock.marks(clock.start([None])).tolist() == [-1]


def test_headers_on_another_grid_are_refused():
    with pytest.raises(VocabularyError, match="encode both on one grid"):
        sm.MelodyEncoding().vocabulary.clock.start([Header(4)])


def test_marks_are_told_in_beats():
    assert describe_mark((6 << 8 | 8) << 20 | 18, 12) == "6/8 beat 4"

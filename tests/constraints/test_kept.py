"""Events that are kept, and where music stops, against plain readings over all short pieces."""

import pytest

from stochastic_music.constraints.kept import Kept
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.testing.check_constraint import check_constraint
from stochastic_music.tokens import Field, Vocabulary
from tests.constraints.kinds import HEADERS, MELODY, NOTES, accepted, every_piece

VOCABULARIES = {"melody": MELODY, "notes": NOTES}
CASES = {
    "after": ((2,), (62,), ((2, None),)),
    "before and after": ((0, 2), (60, 61), ((0, 1), (2, None))),
    "two at a time": ((1, 1), (62, 60), ((1, 2),)),
    "silence": ((), (), ((0, 2),)),
    "nothing": ((), (), ()),
}


def kept(vocabulary, onsets, pitches, spans, stops=(), rings=()):
    rows = [(0, vocabulary.symbol("duration", 1), vocabulary.symbol("pitch", pitch)) for pitch in pitches]
    return Kept(onsets, tuple(rows), spans, stops, rings)


def keeps(heard, onsets, pitches, spans, rings=None):
    """Notes of one unit at the onsets within spans, no others there; those between are over in time for each span."""
    inside = [n for n in heard.notes if any(a <= n.onset and (b is None or n.onset < b) for a, b in spans)]
    times = [(a, until) for (a, _), until in zip(spans, rings or [a for a, _ in spans], strict=True)]
    over = all(n.onset + n.duration <= r for n in heard.notes if n not in inside for a, r in times if a > n.onset)
    return over and inside == [(onset, 1, pitch) for onset, pitch in zip(onsets, pitches, strict=True)]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize("case", CASES)
def test_within_the_spans_these_events_begin_and_no_others(case, vocabulary, header):
    symbols = VOCABULARIES[vocabulary]
    pieces = list(every_piece(symbols, HEADERS[header]))
    expected = [keeps(piece, *CASES[case]) for piece in pieces]
    assert accepted(kept(symbols, *CASES[case]), symbols, HEADERS[header], pieces) == expected
    assert any(expected) == (case != "two at a time" or vocabulary == "notes")
    check_constraint(kept(symbols, *CASES[case]), symbols, HEADERS[header])


@pytest.mark.parametrize("case", ["after", "nothing"])
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_music_stops_at_one_of_the_times(vocabulary, case):
    symbols = VOCABULARIES[vocabulary]
    pieces = list(every_piece(symbols, HEADERS["plain"]))
    found = accepted(kept(symbols, *CASES[case], stops=(3, 5)), symbols, HEADERS["plain"], pieces)
    assert found == [keeps(piece, *CASES[case]) and piece.end in {3, 5} for piece in pieces]
    assert any(found)
    check_constraint(kept(symbols, *CASES[case], stops=(3, 5)), symbols, HEADERS["plain"])


@pytest.mark.parametrize(("vocabulary", "onset"), [("melody", 2), ("notes", 1)])
def test_what_came_before_a_span_may_ring_into_it_as_far_as_is_said(vocabulary, onset):
    symbols, case, rings = VOCABULARIES[vocabulary], ((onset,), (62,), ((1, None),)), (2,)
    pieces = list(every_piece(symbols, HEADERS["plain"]))
    found = accepted(kept(symbols, *case, rings=rings), symbols, HEADERS["plain"], pieces)
    assert found == [keeps(piece, *case, rings) for piece in pieces]
    assert sum(found) > sum(accepted(kept(symbols, *case), symbols, HEADERS["plain"], pieces)) > 0
    check_constraint(kept(symbols, *case, rings=rings), symbols, HEADERS["plain"])


def test_wrong_use():
    event = (0, 3, 5)
    with pytest.raises(InvalidParameterError, match="not before it begins"):
        Kept(spans=((2, 4),), rings=(1,))
    with pytest.raises(InvalidParameterError, match=r"\[5\]"):
        Kept((5,), (event,), ((0, 2),))
    with pytest.raises(InvalidParameterError, match="in order"):
        Kept((1, 0), (event, event), ((0, 2),))
    with pytest.raises(UsageError, match="first field tells when"):
        Kept(stops=(3,)).compile(Vocabulary((Field("pitch", 2), Field("rest", 2, advances="now")), 2), None)
    with pytest.raises(UsageError, match="time"):
        Kept(stops=(3,)).compile(Vocabulary.plain(3), None)

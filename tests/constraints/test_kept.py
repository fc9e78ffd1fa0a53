"""Events that are kept, and where music stops, against plain readings over all short pieces."""

import pytest

from stochastic_music.constraints.kept import Kept, StopsAt
from stochastic_music.errors import InvalidParameterError, VocabularyError
from stochastic_music.testing.check_constraint import check_constraint
from tests.constraints.kinds import HEADERS, MELODY, NOTES, accepted, every_piece

VOCABULARIES = {"melody": MELODY, "notes": NOTES}
CASES = {
    "after": ((2,), ((62,),), ((2, None),)),
    "before and after": ((0, 2), ((60,), (61,)), ((0, 1), (2, None))),
    "two at a time": ((1, 1), ((62,), (60,)), ((1, 2),)),
    "silence": ((), (), ((0, 2),)),
}


def keeps(heard, onsets, values, spans):
    begun = [
        (n.onset, n.pitch) for n in heard.notes if any(a <= n.onset and (b is None or n.onset < b) for a, b in spans)
    ]
    return begun == [(onset, *value) for onset, value in zip(onsets, values, strict=True)]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize("case", CASES)
def test_within_the_spans_these_events_begin_and_no_others(case, vocabulary, header):
    onsets, values, spans = CASES[case]
    kept = Kept(("pitch",), onsets, values, spans)
    pieces = list(every_piece(VOCABULARIES[vocabulary], HEADERS[header]))
    expected = [keeps(piece, onsets, values, spans) for piece in pieces]
    assert accepted(kept, VOCABULARIES[vocabulary], HEADERS[header], pieces) == expected
    assert any(expected) == (case != "two at a time" or vocabulary == "notes")
    check_constraint(kept, VOCABULARIES[vocabulary], HEADERS[header])


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_what_begins_between_is_over_when_the_next_span_begins(vocabulary):
    kept = Kept(("duration", "pitch"), (2,), ((1, 62),), spans=((0, 1), (2, None)))
    pieces = list(every_piece(VOCABULARIES[vocabulary], HEADERS["plain"]))
    found = accepted(kept, VOCABULARIES[vocabulary], HEADERS["plain"], pieces)
    expected = [
        [n for n in piece.notes if n.onset != 1] == [(2, 1, 62)]
        and all(n.onset != 1 or n.duration == 1 for n in piece.notes)
        for piece in pieces
    ]
    assert found == expected
    assert any(expected)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_music_stops_at_one_of_the_times(vocabulary):
    pieces = list(every_piece(VOCABULARIES[vocabulary], HEADERS["plain"]))
    found = accepted(StopsAt((2, 4)), VOCABULARIES[vocabulary], HEADERS["plain"], pieces)
    assert found == [piece.end in {2, 4} for piece in pieces]


def test_wrong_use():
    with pytest.raises(InvalidParameterError, match=r"\[5\]"):
        Kept(("pitch",), (5,), ((60,),), ((0, 2),))
    with pytest.raises(InvalidParameterError, match="in order"):
        Kept(("pitch",), (1, 0), ((60,), (60,)), ((0, 2),))
    with pytest.raises(VocabularyError, match="velocity"):
        Kept(("velocity",), (0,), ((60,),), ((0, 2),)).compile(MELODY, None)
    with pytest.raises(InvalidParameterError, match="one or more"):
        StopsAt(())

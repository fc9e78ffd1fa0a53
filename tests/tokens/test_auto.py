import pytest
from symusic import Note, Score, Track

from stochastic_music.errors import EmptyCorpusError
from stochastic_music.tokens import choose_encoding

LINE = [Note(i * 480, 480, 60, 80) for i in range(4)]
CHORDS = [Note(i * 480, 480, p, 80) for i in range(4) for p in (60, 64)]


def score(*tracks, drums=0):
    made = Score(480)
    for notes in tracks:
        made.tracks.append(Track(notes=notes))
    for _ in range(drums):
        made.tracks.append(Track("", 0, True, notes=LINE))
    return made


@pytest.mark.parametrize(
    ("scores", "name", "why", "loses"),
    [
        ([score(LINE)] * 3, "melody", "every piece is one part of one note", ""),
        (
            [score(LINE)] * 9 + [score(CHORDS)],
            "melody",
            "nearly every",
            "lower notes where several sound at once, in 1 piece",
        ),
        (
            [score(LINE)] * 9 + [score(LINE, LINE)],
            "melody",
            "nearly every",
            "all parts but the one with the tune, in 1 piece",
        ),
        ([score(LINE, LINE)] * 3, "voices", "every piece has 2 parts", ""),
        ([score(LINE, LINE)] * 9 + [score(LINE)], "voices", "most pieces have 2 parts", "1 piece with another number"),
        ([score(LINE, LINE, drums=1)] * 2, "voices", "every piece has 2 parts", "the drums, in 2 pieces"),
        ([score(CHORDS)] * 3, "notes", "every piece is one part, often with chords", ""),
        ([score(drums=1)] * 2, "notes", "drums only", ""),
        ([score(LINE, CHORDS), score(LINE)], "melody", "1 to 2 parts", "all other parts"),
        (
            [score(CHORDS, CHORDS)] * 2,
            "notes",
            "the pieces have 2 parts, most of them with chords",
            "which part plays what",
        ),
    ],
)
def test_the_choice_says_what_why_and_what_it_loses(scores, name, why, loses):
    choice = choose_encoding(scores)
    assert choice.encoding.name == name
    assert why in choice.why
    assert loses in choice.loses
    assert bool(choice.loses) == bool(loses)


def test_the_choice_takes_the_pieces_it_was_made_for():
    for scores in ([score(LINE)], [score(LINE, LINE)], [score(CHORDS)], [score(drums=1)], [score(CHORDS, LINE)]):
        assert choose_encoding(scores, grid="1/8").encoding.encode(scores[0])[0].header.resolution == 2


def test_nothing_to_choose_for_is_an_error():
    with pytest.raises(EmptyCorpusError, match="no piece has notes"):
        choose_encoding([Score(480)])

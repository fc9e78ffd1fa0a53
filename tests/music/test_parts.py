import pytest
from symusic import Note, Score, Track

from stochastic_music.errors import EncodingError
from stochastic_music.music.parts import choose_part, is_monophonic, sounding_parts


def score(*tracks):
    made = Score(480)
    for name, pitches, *drum in tracks:
        notes = [Note(i * 480, 480, p, 80) for i, chord in enumerate(pitches) for p in chord]
        made.tracks.append(Track(name, 0, bool(drum), notes=notes))
    return made


LOW, HIGH, CHORDS = [[50]] * 4, [[70]] * 4, [[80, 84]] * 4


@pytest.mark.parametrize(
    ("tracks", "index", "why"),
    [
        ([("", []), ("x", LOW)], 1, "the only part"),
        ([("x", HIGH), ("Melodie", LOW)], 1, "part 1 'Melodie', by its name"),
        ([("Voice", LOW), ("Soprano", HIGH)], 1, "by its name"),
        ([("a", LOW), ("b", HIGH), ("c", CHORDS)], 1, "part 1 'b', the highest of the parts with one note at a time"),
        ([("voice pad", CHORDS), ("b", LOW)], 1, "one note at a time"),
        ([("vocals", CHORDS), ("b", [[90, 91]])], 0, "by its name"),
        ([("", CHORDS), ("", [[90, 91]])], 1, "part 1, the highest of several polyphonic parts"),
        ([("kit", HIGH, True), ("b", LOW)], 1, "the only part"),
    ],
)
def test_the_part_that_carries_the_tune(tracks, index, why):
    choice = choose_part(score(*tracks))
    assert choice.track == index
    assert why in choice.why


def test_parts_by_name_by_number_and_the_drums():
    made = score(("", []), ("Alto", LOW), ("Kit", LOW, True), ("Altos 2", HIGH))
    assert choose_part(made, "alto").track == 1
    assert choose_part(made, "altos").track == 3
    assert choose_part(made, 0).track == 1
    assert choose_part(made, "2").track == 3
    assert choose_part(made, "drums").track == 2
    assert sounding_parts(made, drums=False) == [1, 3]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("flute", "no part called 'flute': its parts are 0 'a', 1"),
        (2, "no part 2"),
        ("drums", "no drum part"),
        (-1, "no part -1"),
    ],
)
def test_parts_that_are_not_there(part, message):
    with pytest.raises(EncodingError, match=message):
        choose_part(score(("a", LOW), ("", HIGH)), part)


def test_a_score_without_notes_has_no_part():
    with pytest.raises(EncodingError, match="no notes"):
        choose_part(score(("a", [])))


def test_short_overlaps_and_a_few_chords_are_still_one_note_at_a_time():
    legato = Track(notes=[Note(i * 480, 500, 60 + i, 80) for i in range(10)])
    assert is_monophonic(legato, 480)
    held = Track(notes=[Note(0, 4800, 40, 80), *(Note(i * 480, 480, 60, 80) for i in range(10))])
    assert not is_monophonic(held, 480)

"""Rules of voice leading, on cases made by hand: soprano, alto, tenor, bass as MIDI numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.errors import UnknownNameError
from stochastic_music.music.chords import parse_chord
from stochastic_music.music.voice_leading import RULES, Context, cadence, count, report

C, A_MINOR = Context(0), Context(9, minor=True)


def _count(name, before, now, context=C):
    return int(count(name, np.array(before), np.array(now), context))


@pytest.mark.parametrize(
    ("name", "before", "now", "times"),
    [
        # soprano and bass G3-D5 to A3-E5; the inner voices move against them
        ("parallel_fifths", (74, 67, 59, 55), (76, 60, 57, 57), 1),
        ("parallel_fifths", (74, 67, 59, 55), (74, 67, 59, 55), 0),  # nobody moves
        ("parallel_fifths", (67, 64, 60, 48), (65, 62, 59, 55), 0),  # fifth C-G to B-F, diminished
        ("parallel_fifths", (67, 64, 60, 60), (69, 64, 60, 50), 1),  # fifth to twelfth, by contrary motion
        ("parallel_octaves", (72, 67, 64, 48), (74, 65, 62, 50), 1),
        ("parallel_octaves", (72, 67, 64, 48), (72, 65, 60, 48), 0),  # the octave is held
        ("direct_octaves", (67, 64, 60, 48), (72, 64, 60, 60), 1),  # soprano leaps up, bass goes up, into an octave
        ("direct_octaves", (71, 67, 62, 55), (72, 67, 64, 60), 0),  # the soprano steps
        ("direct_fifths", (64, 60, 55, 48), (69, 65, 57, 50), 1),
        ("crossing", None, (60, 64, 55, 48), 1),
        ("crossing", None, (64, 64, 55, 55), 0),
        ("overlap", (67, 60, 55, 48), (71, 69, 55, 48), 1),  # the alto rises above where the soprano was
        ("range", None, (72, 77, 70, 35), 3),
        ("range", None, (72, 76, 69, 36), 0),
        ("spacing", None, (76, 62, 48, 48), 2),
        ("spacing", None, (72, 60, 55, 36), 0),
        ("doubled_leading_note", None, (71, 67, 59, 55), 1),
        ("unresolved_leading_note", (71, 67, 62, 55), (67, 64, 60, 48), 1),
        ("unresolved_leading_note", (71, 67, 62, 55), (72, 64, 60, 48), 0),
        ("unresolved_leading_note", (74, 71, 67, 55), (72, 67, 64, 48), 0),  # an inner voice falls to the fifth
        ("unresolved_leading_note", (71, 67, 62, 55), (69, 64, 60, 57), 0),  # no tonic chord follows
        ("unresolved_suspension", (74, 67, 60, 55), (72, 67, 64, 48), 1),  # Gsus4: its C rises to E
        ("unresolved_suspension", (74, 67, 60, 55), (74, 67, 59, 55), 0),
        ("unresolved_suspension", (74, 67, 60, 55), (74, 67, 60, 55), 0),
        ("unresolved_seventh", (71, 65, 62, 55), (72, 67, 60, 48), 1),  # the F of G7 rises
        ("unresolved_seventh", (71, 65, 62, 55), (72, 64, 60, 48), 0),
        ("leap", (72, 65, 60, 53), (72, 71, 60, 53), 1),  # F to B
        ("leap", (72, 67, 60, 48), (72, 67, 60, 60), 0),  # an octave
    ],
)
def test_a_rule_counts_what_was_made_for_it(name, before, now, times):
    voices = np.array(now)
    assert count(name, None if before is None else np.array(before), voices, C) == times


def test_the_augmented_second_of_minor_keys():
    assert _count("augmented_second", (72, 65, 60, 53), (71, 68, 59, 52), A_MINOR) == 1  # F to G#
    assert _count("augmented_second", (72, 65, 60, 53), (71, 68, 59, 52), C) == 0


def test_silent_voices_break_nothing():
    silent = np.full(4, -1)
    for name in RULES:
        assert count(name, silent, np.array([72, 67, 64, 48]), C) == 0
        assert count(name, np.array([72, 67, 64, 48]), silent, C) == 0


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(UnknownNameError, match="parallel_fifths"):
        count("paralel_fifths", None, np.zeros((1, 4), dtype=np.int64), C)


_CHORDS = st.lists(st.lists(st.integers(36, 84), min_size=4, max_size=4), min_size=2, max_size=6)


@given(_CHORDS)
def test_candidates_against_candidates_count_as_pairs_do(rows):
    voices = np.array(rows)
    for name in RULES:
        table = np.broadcast_to(count(name, voices[:, None], voices[None], A_MINOR), (len(rows),) * 2)
        for i, before in enumerate(voices):
            for j, now in enumerate(voices):
                assert table[i, j] == count(name, before, now, A_MINOR)


@given(_CHORDS, st.integers(-6, 6))
def test_counts_that_know_no_key_do_not_change_with_it(rows, semitones):
    voices = np.array(rows)
    mine, moved = report(voices, C), report(voices + semitones, C)
    for name in ("parallel_fifths", "parallel_octaves", "direct_fifths", "crossing", "overlap", "spacing", "leap"):
        assert mine.counts[name] == moved.counts[name]
        assert mine.places[name] == moved.places[name]


def test_a_report_adds_up_and_tells_places():
    voices = np.array([(67, 64, 60, 48), (69, 65, 62, 50), (69, 65, 62, 50), (71, 67, 64, 52)])
    found = report(voices, C)
    assert found.counts["parallel_octaves"] == 2
    assert found.places["parallel_octaves"] == (1, 3)
    assert found.per_hundred("parallel_octaves") == 50


@pytest.mark.parametrize(
    ("before", "last", "kind"),
    [
        ("G7", "C", "authentic"),
        ("Bdim/D", "C", "authentic"),
        ("F", "C", "plagal"),
        ("Dm7/F", "C", "plagal"),
        ("F", "G", "half"),
        ("D7", "G", "half"),
        ("G", "Am", "deceptive"),
        ("E7", "Am", "authentic elsewhere"),
        ("Am", "F", "other"),
    ],
)
def test_cadences_in_c(before, last, kind):
    assert cadence(parse_chord(before), parse_chord(last), C) == kind

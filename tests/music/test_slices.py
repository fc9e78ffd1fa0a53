from __future__ import annotations

from fractions import Fraction

from symusic import Note, Score, TimeSignature, Track

from stochastic_music.music.bars import bars
from stochastic_music.music.slices import grouped, joined, slices


def score_of(*tracks: list[tuple[int, int, int]], meter: tuple[int, int] = (4, 4), drums: bool = False) -> Score:
    """Tracks of (onset, length, pitch), in ticks of 480 a quarter note."""
    score = Score(480)
    score.time_signatures.append(TimeSignature(0, *meter))
    for notes in tracks:
        score.tracks.append(Track(is_drum=drums, notes=[Note(a, d, p, 80) for a, d, p in notes]))
    return score


def test_held_notes_sound_in_every_slice_they_reach() -> None:
    score = score_of([(0, 1920, 60)], [(480, 480, 67), (960, 960, 65)])
    found = slices(score, bars(score))
    assert [(int(s.onset), int(s.length), s.pitches, s.struck) for s in found] == [
        (0, 1, (60,), (60,)), (1, 1, (60, 67), (67,)), (2, 2, (60, 65), (65,)),
    ]  # fmt: skip
    assert [s.weight for s in found] == [4, 2, 3]


def test_a_played_chord_is_one_slice_and_small_overlaps_are_not_heard() -> None:
    score = score_of([(3, 500, 60), (0, 490, 64), (20, 470, 67), (485, 480, 62)])
    found = slices(score, bars(score))
    assert [s.pitches for s in found] == [(60, 64, 67), (62,)]


def test_drums_are_no_harmony() -> None:
    score = score_of([(0, 480, 36)], drums=True)
    assert slices(score, bars(score)) == []


def test_wider_slices_join_what_sounds_within() -> None:
    score = score_of([(240 * i, 240, p) for i, p in enumerate((48, 52, 55, 60, 47, 50, 55, 59))])
    printed = bars(score)
    wide = [joined(group) for group in grouped(slices(score, printed), printed, lambda bar: bar.length / 2)]
    assert [(int(s.onset), int(s.length), s.pitches, s.weight) for s in wide] == [
        (0, 2, (48, 52, 55, 60), 4), (2, 2, (47, 50, 55, 59), 3),
    ]  # fmt: skip


def test_weights_in_compound_time() -> None:
    score = score_of([(240 * i, 240, 60) for i in range(6)], meter=(6, 8))
    assert [s.weight for s in slices(score, bars(score))] == [4, 0, 0, 3, 0, 0]
    assert slices(score, bars(score))[3].onset == Fraction(3, 2)

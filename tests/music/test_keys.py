from __future__ import annotations

import numpy as np
import pytest
from symusic import KeySignature, Note, Score, TextMeta, Track

from stochastic_music.errors import InvalidParameterError
from stochastic_music.music import keys
from stochastic_music.music.keys import MODES, Key, parse_key

C_MAJOR_TUNE = (60, 64, 67, 65, 62, 59, 60, 60)
A_MINOR_TUNE = (57, 60, 64, 62, 60, 59, 56, 57, 57)


def score_of(pitches: tuple[int, ...], signature: tuple[int, int] | None = None, *, drums: bool = False) -> Score:
    score = Score(480)
    score.tracks.append(Track("a", 0, False, [Note(480 * i, 480, p, 80) for i, p in enumerate(pitches)]))
    if drums:
        score.tracks.append(Track("d", 0, True, [Note(480 * i, 48, 42, 80) for i in range(99)]))
    if signature:
        score.key_signatures.append(KeySignature(0, *signature))
    return score


def moved(pitches: tuple[int, ...], by: int) -> tuple[int, ...]:
    return tuple(p + by for p in pitches)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sharps", range(-7, 8))
def test_every_name_is_read_back(mode: str, sharps: int) -> None:
    assert parse_key(str(Key(sharps, mode))) == Key(sharps, mode)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("C", Key(0)),
        ("Am", Key(0, "minor")),
        ("Ebm", Key(-6, "minor")),
        ("F# minor", Key(3, "minor")),
        ("G:dorian", Key(-1, "dorian")),
        ("D:mixolydian", Key(1, "mixolydian")),
        ("B♭", Key(-2)),
        ("B-", Key(-2)),
        ("G:major", Key(1)),
    ],
)
def test_names_mean_signature_and_mode(name: str, key: Key) -> None:
    assert parse_key(name) == key


@pytest.mark.parametrize("name", ["", "H", "g", "G:blues", "Cbm", "G##", "sharp"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidParameterError):
        parse_key(name)


@pytest.mark.parametrize("sharps", range(-7, 8))
def test_the_way_to_the_common_key_is_short_and_arrives(sharps: int) -> None:
    steps = keys.semitones_to_common(Key(sharps))
    assert -6 <= steps <= 5
    assert (Key(sharps).tonic + steps) % 12 == 0


@pytest.mark.parametrize("semitones", range(-6, 6))
@pytest.mark.parametrize(("tune", "mode"), [(C_MAJOR_TUNE, "major"), (A_MINOR_TUNE, "minor")])
def test_the_estimate_follows_the_tune_through_all_keys(tune: tuple[int, ...], mode: str, semitones: int) -> None:
    key, confidence = keys.estimate_key(keys.pitch_class_weights(score_of(moved(tune, semitones))))
    assert key.mode == mode
    assert key.tonic == (tune[0] + semitones) % 12
    assert 0 < confidence < 1


def test_a_profile_is_nearest_to_itself() -> None:
    distances = keys.key_distances(keys._PROFILES)
    assert distances.shape == (24, 24)
    assert (distances.argmin(axis=1) == np.arange(24)).all()
    assert np.allclose(keys._PROFILES.sum(axis=1), 1, atol=0.02)


def test_what_has_no_centre_is_doubtful() -> None:
    finding = keys.key_of(score_of(tuple(range(60, 72))))
    assert finding.source == "estimated"
    assert finding.doubtful
    assert keys.estimate_key(np.zeros(12)) == (Key(0), 0.0)


def test_drums_have_no_say() -> None:
    assert np.allclose(
        keys.pitch_class_weights(score_of(C_MAJOR_TUNE, drums=True)), keys.pitch_class_weights(score_of(C_MAJOR_TUNE))
    )


@pytest.mark.parametrize(
    ("tune", "signature", "key", "source"),
    [
        (C_MAJOR_TUNE, None, "C", "estimated"),
        (C_MAJOR_TUNE, (0, 0), "C", "mode estimated"),
        (A_MINOR_TUNE, (0, 0), "Am", "mode estimated"),
        (moved(C_MAJOR_TUNE, 4), (0, 0), "E", "estimated"),  # a C major signature that the notes contradict
        (moved(A_MINOR_TUNE, 2), (2, 0), "Bm", "mode estimated"),
        (C_MAJOR_TUNE, (1, 0), "G", "mode estimated"),  # other signatures are believed
        (C_MAJOR_TUNE, (1, 1), "Em", "printed"),
    ],
)
def test_how_far_signatures_are_trusted(
    tune: tuple[int, ...], signature: tuple[int, int] | None, key: str, source: str
) -> None:
    finding = keys.key_of(score_of(tune, signature))
    assert (str(finding.key), finding.source) == (key, source)


def test_a_printed_key_is_trusted_whatever_the_notes_are() -> None:
    score = score_of(C_MAJOR_TUNE)
    keys.mark_key(score, parse_key("D:dorian"))
    assert keys.key_of(score) == (parse_key("D:dorian"), "printed", 1.0)


def test_transposing_moves_notes_and_keys_but_no_drums() -> None:
    score = score_of(C_MAJOR_TUNE, drums=True)
    keys.mark_key(score, parse_key("Dm"))
    up = keys.transpose(score, 3)
    assert [n.pitch for n in up.tracks[0].notes] == [p + 3 for p in C_MAJOR_TUNE]
    assert {n.pitch for n in up.tracks[1].notes} == {42}
    assert str(keys.printed_key(up)) == "Fm"
    assert [(k.key, k.tonality) for k in up.key_signatures] == [(-4, 1)]
    assert [n.pitch for n in score.tracks[0].notes] == list(C_MAJOR_TUNE)


def test_transposing_stays_within_midi() -> None:
    high, low = keys.transpose(score_of((127, 120)), 5), keys.transpose(score_of((2, 5)), -4)
    assert [n.pitch for n in high.tracks[0].notes] == [120, 113]
    assert [n.pitch for n in low.tracks[0].notes] == [10, 13]


@pytest.mark.parametrize("semitones", range(-6, 6))
def test_all_keys_meet_in_the_common_one(semitones: int) -> None:
    common, steps, finding = keys.transpose_to_common(score_of(moved(C_MAJOR_TUNE, semitones)))
    assert finding.key.tonic == semitones % 12
    assert steps == keys.semitones_to_common(finding.key)
    assert [n.pitch % 12 for n in common.tracks[0].notes] == [p % 12 for p in C_MAJOR_TUNE]


@pytest.mark.parametrize(
    ("tune", "name", "first"),
    [
        (C_MAJOR_TUNE, "E", 64),
        (C_MAJOR_TUNE, "A", 57),
        (A_MINOR_TUNE, "Gm", 55),
        (A_MINOR_TUNE, "G", 52),  # asked for G, a minor piece goes to E minor
    ],
)
def test_moving_to_a_key_asked_for(tune: tuple[int, ...], name: str, first: int) -> None:
    assert keys.transpose_to_key(score_of(tune), name).tracks[0].notes[0].pitch == first


def test_foreign_markers_are_left_alone() -> None:
    score = score_of(C_MAJOR_TUNE)
    score.markers.extend([TextMeta(0, "Verse"), TextMeta(0, "key: whatever")])
    assert [m.text for m in keys.transpose(score, 2).markers] == ["Verse", "key: whatever"]
    assert keys.printed_key(score) is None

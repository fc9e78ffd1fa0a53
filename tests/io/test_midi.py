from __future__ import annotations

import struct
from pathlib import Path

import pytest
from midi_bytes import END, TUNE, delta, meter, midi, off, on, one, track
from symusic import KeySignature, Note, Score, Tempo, TextMeta, TimeSignature, Track

from stochastic_music import io
from stochastic_music.errors import UnreadableFileError, UsageError
from stochastic_music.io.midi import midi_bytes, read_midi
from stochastic_music.music import marks


def rows(data: bytes, n: int = 0) -> list[tuple[int, int, int]]:
    return [(note.time, note.duration, note.pitch) for note in read_midi(data)[0].score.tracks[n].notes]


def told(data: bytes) -> str:
    return "; ".join(read_midi(data)[0].warnings)


def meters(data: bytes) -> list[tuple[int, int, int]]:
    return [(s.time, s.numerator, s.denominator) for s in read_midi(data)[0].score.time_signatures]


# Good files


def test_a_good_file_is_read_without_a_word() -> None:
    (piece,) = read_midi(TUNE)
    assert rows(TUNE) == [(0, 480, 60), (480, 480, 64), (960, 480, 67), (1440, 480, 72)]
    assert piece.warnings == ()
    assert piece.tune == ""


def test_running_status_is_as_good_as_any() -> None:
    events = [(0, on(60)), (480, bytes([60, 0])), (0, bytes([62, 80])), (480, bytes([62, 0]))]
    assert rows(one(*events)) == [(0, 480, 60), (480, 480, 62)]
    assert told(one(*events)) == ""


def test_midi_within_riff_is_unwrapped() -> None:
    body = b"RMID" + b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"data" + struct.pack("<I", len(TUNE)) + TUNE
    riff = b"RIFF" + struct.pack("<I", len(body)) + body
    assert rows(riff) == rows(TUNE)
    with pytest.raises(UnreadableFileError, match="sound"):
        read_midi(b"RIFF" + struct.pack("<I", 12) + b"WAVEfmt " + bytes(4))


def test_a_format_2_file_holds_several_pieces() -> None:
    data = midi(track((0, on(60)), (9, off(60))), track((0, on(62)), (9, off(62))), track(), kind=2)
    assert [(p.tune, p.score.tracks[0].notes[0].pitch) for p in read_midi(data)] == [("1", 60), ("2", 62)]


def test_tracks_without_notes_are_dropped() -> None:
    data = midi(track((0, b"\xff\x03\x04Name")), track((0, meter(3, 2)), (0, on(60)), (9, off(60))), track())
    assert len(read_midi(data)[0].score.tracks) == 1


@pytest.mark.parametrize("suffix", io.MIDI_SUFFIXES)
def test_every_midi_suffix_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tune{suffix.upper()}"
    path.write_bytes(TUNE)
    assert io.load(path).note_num() == 4


# Odd files, repaired


def test_a_note_that_never_ends_is_closed_at_the_next_note() -> None:
    data = one((0, on(60)), (480, on(62)), (480, off(62)))
    assert rows(data) == [(0, 480, 60), (480, 480, 62)]
    assert told(data) == "1 note never ended: closed at the next note of the track"


def test_a_last_note_that_never_ends_lasts_to_the_end_of_the_track() -> None:
    data = midi(track((0, meter(4, 2)), (0, on(60)), (480, off(60)), (0, on(62)), (960, b"\xff\x06\x01x")))
    assert rows(data) == [(0, 480, 60), (480, 960, 62)]


def test_a_note_begun_again_before_its_end_stops_there() -> None:
    assert rows(one((0, on(60)), (240, on(60)), (240, on(60)), (240, off(60)))) == [
        (0, 240, 60),
        (240, 240, 60),
        (480, 240, 60),
    ]


def test_overlapping_equal_pitches_are_cut() -> None:
    data = one((0, on(60)), (240, on(60)), (240, off(60)), (240, off(60)))
    assert rows(data) == [(0, 240, 60), (240, 480, 60)]
    assert told(data) == "1 note overlapped by the same pitch: ended where that begins"


def test_of_doubled_notes_the_longest_stays() -> None:
    data = one((0, on(60)), (0, on(60)), (240, off(60)), (240, off(60)))
    assert rows(data) == [(0, 480, 60)]
    assert "1 note doubled" in told(data)


def test_equal_pitches_on_two_tracks_may_overlap() -> None:
    line = track((0, meter(4, 2)), (0, on(60)), (480, off(60)))
    assert told(midi(line, line)) == ""


def test_notes_without_a_length_get_a_32nd() -> None:
    data = one((0, on(60)), (0, off(60)), (480, on(62)), (480, off(62)))
    assert rows(data) == [(0, 60, 60), (480, 480, 62)]
    assert "1 note without a length" in told(data)


def test_without_a_time_signature_common_time_is_assumed_aloud() -> None:
    data = midi(track((0, on(60)), (9, off(60))))
    assert meters(data) == [(0, 4, 4)]
    assert told(data) == "no time signature: 4/4 assumed"


@pytest.mark.parametrize("exponent", [7, 8, 33, 255])
def test_an_absurd_denominator_is_left_out(exponent: int) -> None:
    data = midi(track((0, meter(4, exponent)), (0, on(60)), (9, off(60))))
    assert meters(data) == [(0, 4, 4)]
    assert "makes no sense" in told(data)


def test_a_time_signature_of_no_beats_is_left_out() -> None:
    assert meters(midi(track((0, meter(3, 2)), (0, on(60)), (1440, meter(0, 2)), (9, off(60))))) == [(0, 3, 4)]


def test_repeated_time_signatures_count_once() -> None:
    events = [(0, meter(3, 2)), (0, meter(6, 3)), (0, on(60)), (1440, meter(6, 3)), (0, off(60))]
    assert meters(midi(track(*events))) == [(0, 6, 8)]


def test_absurd_keys_and_tempos_are_left_out() -> None:
    data = one((0, b"\xff\x59\x02\x63\x05"), (0, b"\xff\x51\x03\0\0\0"), (0, on(60)), (9, off(60)))
    score = read_midi(data)[0].score
    assert len(score.key_signatures) == len(score.tempos) == 0
    assert "key signature" in told(data)
    assert "tempo" in told(data)


def test_a_first_bar_under_its_own_shorter_meter_is_a_pickup() -> None:
    data = midi(track((0, meter(1, 2)), (0, on(60)), (480, meter(4, 2)), (0, off(60)), (0, on(62)), (1920, off(62))))
    assert meters(data) == [(0, 4, 4)]
    assert marks.pickup(read_midi(data)[0].score) == 480
    assert told(data) == "a first bar of 1/4: taken as a pickup"


def test_ten_million_ticks_of_silence_become_one_bar() -> None:
    data = one((10_000_000, on(60)), (480, off(60)))
    (first,) = rows(data)
    assert first == (10_000_000 % 1920 + 1920, 480, 60)
    assert told(data) == "5208 bars of silence: shortened to one"


def test_silence_within_is_cut_by_whole_bars_with_all_that_follows() -> None:
    late = 480 + 200 * 1920
    data = one((0, on(60)), (480, off(60)), (200 * 1920, b"\xff\x06\x04here"), (0, on(62)), (480, off(62)))
    score = read_midi(data)[0].score
    onsets = [n.time for n in score.tracks[0].notes]
    assert onsets[0] == 0
    assert onsets[1] < 3 * 1920
    assert (late - onsets[1]) % 1920 == 0
    assert score.markers[0].time == onsets[1]


# Files beyond repair, each with its reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"MThd", "cut short"),
        (b"RIFF, but then no more", "no MIDI data"),
        (b"A letter to the editor.", "not a MIDI file"),
        (TUNE[:-9], "cut short: 9 bytes"),
        (midi(track((0, on(60)), (9, off(60))), quarter=0), "0 ticks"),
        (midi(track((0, on(60)), (9, off(60))), quarter=0xE728), "SMPTE"),
        (midi(track()), "no notes"),
        (midi(), "no notes"),
        (one(*[(0x0FFFFFFF, on(60)), (0x0FFFFFFF, off(60))] * 6), "longer than"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason) as caught:
        read_midi(data)
    assert not caught.value.reason.endswith(".")


def test_data_bytes_out_of_range_are_read_by_the_second_reader() -> None:
    data = one((0, bytes([0x90, 60, 80])), (480, bytes([0x80, 60, 200])))
    assert rows(data) == [(0, 480, 60)]


def test_files_too_large_for_the_memory_limit_name_the_option(tmp_path: Path) -> None:
    path = tmp_path / "large.mid"
    path.write_bytes(TUNE)
    with pytest.raises(UnreadableFileError, match="--memory-limit 1GB accepts it"):
        io.read(path, memory_limit=1000)


def test_folders_and_missing_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "folder.mid").mkdir()
    with pytest.raises(UnreadableFileError, match="a folder"):
        io.read(tmp_path / "folder.mid")
    with pytest.raises(UnreadableFileError, match="no such file"):
        io.read(tmp_path / "none.mid")
    with pytest.raises(UnreadableFileError, match=r"\.mxl"):
        io.read(tmp_path / "notes.txt")


# Writing


@pytest.fixture
def score() -> Score:
    score = Score(480)
    score.tracks.append(Track("Sopräno", 40, False, [Note(0, 480, 67, 80), Note(480, 960, 72, 70)]))
    score.tracks.append(Track("Nobody", 3))
    score.tracks.append(Track("Drums", 0, True, [Note(480, 240, 36, 99)]))
    score.time_signatures.append(TimeSignature(0, 3, 4))
    score.time_signatures.append(TimeSignature(480 + 1440, 5, 8))
    score.key_signatures.append(KeySignature(0, -2, 1))
    score.tempos.append(Tempo(0, 96))
    score.markers.extend([TextMeta(0, "pickup:480"), TextMeta(480, "phrase:0"), TextMeta(480, "phrase:2")])
    return score


def test_bytes_give_the_score_back(score: Score) -> None:
    back = io.score_from_bytes(io.score_to_bytes(score))
    assert [(t.name, t.program, t.is_drum) for t in back.tracks] == [("Sopräno", 40, False), ("Drums", 0, True)]
    assert [list(t.notes) for t in back.tracks] == [list(score.tracks[i].notes) for i in (0, 2)]
    assert list(back.time_signatures) == list(score.time_signatures)
    assert [(k.key, k.tonality) for k in back.key_signatures] == [(-2, 1)]
    assert round(back.tempos[0].qpm, 3) == 96
    assert [(m.time, m.text) for m in back.markers] == [(0, "pickup:480"), (480, "phrase:0"), (480, "phrase:1")]


def test_what_is_saved_is_read_back_pickup_and_all(score: Score, tmp_path: Path) -> None:
    io.save(score, tmp_path / "a.mid", provenance="seed 1, model 2f3e")
    (piece,) = io.read(tmp_path / "a.mid")
    assert piece.warnings == ()
    assert io.score_to_bytes(piece.score) == io.score_to_bytes(io.score_from_bytes(io.score_to_bytes(score)))
    assert io.read_provenance(tmp_path / "a.mid") == "seed 1, model 2f3e"


def test_other_programs_see_the_pickup_as_a_bar_of_its_own(score: Score) -> None:
    plain = Score.from_midi(midi_bytes(score))
    assert [(s.time, s.numerator, s.denominator) for s in plain.time_signatures] == [
        (0, 1, 4),
        (480, 3, 4),
        (1920, 5, 8),
    ]


def test_equal_scores_give_equal_bytes_and_a_score_is_left_alone(score: Score) -> None:
    before = score.copy()
    assert midi_bytes(score, provenance="é") == midi_bytes(score.copy(), provenance="é")
    assert score == before


def test_a_file_of_another_program_has_no_provenance(tmp_path: Path) -> None:
    path = tmp_path / "other.mid"
    path.write_bytes(midi(track((0, b"\xff\x01\x05hello"), (0, on(60)), (9, off(60)))))
    assert io.read_provenance(path) == ""


def test_saving_under_another_suffix_is_refused(score: Score, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.mid"):
        io.save(score, tmp_path / "a.flac")


def test_delta_times_are_written_as_the_standard_says() -> None:
    assert delta(0x40) == b"\x40"
    assert delta(0x80) == b"\x81\x00"
    assert delta(0x0FFFFFFF) == b"\xff\xff\xff\x7f"
    assert END == b"\xff/\0"

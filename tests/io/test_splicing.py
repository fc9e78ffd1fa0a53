"""Files kept whole: one part gets other notes, every other event stays at its tick, byte for byte."""

import io
from collections import Counter

import mido
import numpy as np
import pytest
from midi_bytes import TUNE as FOUR_NOTES
from midi_bytes import midi, off, on, one, track
from workstation_files import TUNE, multi_track, single_track

from stochastic_music.errors import UnreadableFileError, UsageError
from stochastic_music.io import read, read_provenance, save
from stochastic_music.io._midi_tracks import as_bytes, read_tracks
from stochastic_music.io.splicing import NewNotes, open_kept

FILES = {"multi": (multi_track(), 960), "single": (single_track(), 480)}


@pytest.fixture
def kept(tmp_path):
    def opened(data, name="piece.mid"):
        (tmp_path / name).write_bytes(data)
        return open_kept(tmp_path / name)

    return opened


def events(data):
    """Every event of a file by track and tick, running status spelled out: read by mido, and so not by us."""
    found = []
    for number, messages in enumerate(mido.MidiFile(file=io.BytesIO(data)).tracks):
        tick = 0
        for message in messages:
            tick += message.time
            found.append((number, tick, bytes(message.bin()), message.type, getattr(message, "channel", None)))
    return found


def of_part(event, number, channel):
    return event[0] == number and event[4] == channel and event[3] in ("note_on", "note_off")


def new_notes(*rows):
    return NewNotes(*np.array(rows, dtype=np.int64).T)


def second_bar(score, part, quarter):
    onset = score.tracks[part].notes.numpy()["time"]
    return (onset >= 4 * quarter) & (onset < 8 * quarter)


@pytest.mark.parametrize("name", FILES)
def test_what_is_read_and_written_holds_the_same_events(name):
    data = FILES[name][0]
    assert events(as_bytes(read_tracks(data))) == events(data)
    assert read_tracks(as_bytes(read_tracks(data))) == read_tracks(data)


@pytest.mark.parametrize(("name", "part", "number", "channel"), [
    ("multi", 0, 1, 0), ("multi", 1, 2, 1), ("multi", 2, 2, 2), ("multi", 3, 3, 9),
    ("single", 0, 0, 0), ("single", 1, 0, 1), ("single", 2, 0, 9),
])  # fmt: skip
def test_one_bar_of_one_part_changes_and_nothing_else_does(kept, name, part, number, channel):
    data, quarter = FILES[name]
    file = kept(data)
    new = new_notes((4 * quarter, quarter, 72, 99), (6 * quarter, 2 * quarter, 74, 98))
    changed = file.with_notes(part, second_bar(file.score, part, quarter), new).midi_bytes()

    def others(data):
        return Counter(e for e in events(data) if not of_part(e, number, channel))

    def outside(data):  # where a note begins counts, and so does where one of them ends
        return Counter(
            e for e in events(data) if of_part(e, number, channel) and not 4 * quarter < e[1] < 8 * quarter
            and (e[1] != 4 * quarter or e[3] == "note_off" or not e[2][2])
            and (e[1] != 8 * quarter or (e[3] == "note_on" and e[2][2]))
        )  # fmt: skip

    assert others(changed) == others(data)
    assert outside(changed) == outside(data)
    inside = [e for e in events(changed) if of_part(e, number, channel) and 4 * quarter <= e[1] < 8 * quarter]
    begun = [(e[1], e[2][1], e[2][2]) for e in inside if e[3] == "note_on" and e[2][2]]
    assert begun == [(4 * quarter, 72, 99), (6 * quarter, 74, 98)]
    assert changed != data


def test_the_score_shows_the_parts_with_names_programs_and_signs(kept):
    score = kept(multi_track()).score
    assert [(t.name, t.program, t.is_drum, len(t.notes)) for t in score.tracks] == [
        ("Melody", 73, False, 16), ("Pads", 48, False, 4), ("Pads", 33, False, 16), ("Drums", 0, True, 16),
    ]  # fmt: skip
    assert score.ticks_per_quarter == 960
    assert [n.pitch for n in score.tracks[0].notes] == TUNE
    assert [round(t.qpm) for t in score.tempos] == [120, 96, 132]
    assert [m.text for m in score.markers] == ["verse", "chorus"]
    assert score.key_signatures[0].key == 1


def test_a_program_change_does_not_part_a_channel(kept):
    file = kept(one((0, on(60)), (480, off(60)), (0, b"\xc0\x10"), (0, on(62)), (480, off(62))))
    assert [[n.pitch for n in t.notes] for t in file.score.tracks] == [[60, 62]]


def test_a_track_ends_after_the_notes_that_come_after_its_last(kept):
    file = kept(multi_track())
    end = 16 * 960
    changed = file.with_notes(0, np.zeros(16, dtype=bool), new_notes((end, 960, 60, 80), (end + 960, 1920, 67, 80)))
    ends = {e[0]: e[1] for e in events(changed.midi_bytes()) if e[3] == "end_of_track"}
    before = {e[0]: e[1] for e in events(multi_track()) if e[3] == "end_of_track"}
    assert ends == {**before, 1: end + 2880}


def test_new_notes_end_before_and_begin_after_what_stands_at_their_tick(kept):
    file = kept(one((0, on(60)), (480, off(60)), (0, b"\xb0\x07\x40"), (0, on(60)), (480, off(60))))
    changed = file.with_notes(0, np.array([True, False]), new_notes((240, 240, 60, 90)))
    assert [(e[1], e[2]) for e in events(changed.midi_bytes()) if e[1] == 480] == [
        (480, off(60)), (480, b"\xb0\x07\x40"), (480, on(60)),
    ]  # fmt: skip


def test_of_equal_pitches_that_overlap_the_first_ends_first(kept):
    overlapping = one((0, on(60)), (240, on(60)), (240, off(60)), (240, off(60)))
    changed = kept(overlapping).with_notes(0, np.array([False, True]), new_notes((960, 10, 61, 1)))
    assert [(e[1], e[2]) for e in events(changed.midi_bytes()) if e[3].startswith("note")][:2] == [
        (0, on(60)),
        (480, off(60)),
    ]


def test_how_it_was_made_is_one_more_text_event(kept, tmp_path):
    data = kept(multi_track()).midi_bytes(provenance='{"seed": 1}')
    (tmp_path / "new.mid").write_bytes(data)
    assert read_provenance(tmp_path / "new.mid") == '{"seed": 1}'
    more = Counter(events(data)) - Counter(events(multi_track()))
    assert [e[3] for e in more] == ["text"]
    assert not Counter(events(multi_track())) - Counter(events(data))


def test_new_notes_alone_stand_at_their_place_under_the_same_tempos(kept):
    alone = kept(multi_track()).alone(2, new_notes((3840, 480, 40, 90)))
    assert [(t.program, [(n.time, n.pitch) for n in t.notes]) for t in alone.score.tracks] == [(33, [(3840, 40)])]
    assert len(alone.score.tempos) == 3
    assert mido.MidiFile(file=io.BytesIO(alone.midi_bytes())).ticks_per_beat == 960


def test_chunks_that_are_no_tracks_stay(kept):
    data = FOUR_NOTES + b"XFIH\x00\x00\x00\x02ab"
    changed = kept(data).with_notes(0, np.zeros(4, dtype=bool), new_notes((1920, 480, 60, 80))).midi_bytes()
    assert changed.endswith(b"XFIH\x00\x00\x00\x02ab")


def test_a_damaged_file_is_kept_as_far_as_its_repair_keeps_it(kept, tmp_path):
    file = kept(one((0, on(60)), (480, bytes([0x80, 0xFC, 0])), (0, on(62)), (480, off(62))))
    assert "damaged" in file.warnings[-1]
    (tmp_path / "mended.mid").write_bytes(file.midi_bytes())
    assert read(tmp_path / "mended.mid")[0].score.tracks[0].notes[0].pitch == 60


def test_notation_goes_through_the_score(tmp_path, tune):
    score = tune([(i, 1, 60 + i) for i in range(8)])
    save(score, tmp_path / "piece.musicxml")
    file = open_kept(tmp_path / "piece.musicxml")
    quarter = file.score.ticks_per_quarter
    changed = file.with_notes(0, second_bar(file.score, 0, quarter), new_notes((4 * quarter, 4 * quarter, 72, 80)))
    assert [n.pitch for n in changed.score.tracks[0].notes] == [60, 61, 62, 63, 72]
    assert changed.midi_bytes()[:4] == b"MThd"


def test_files_of_several_pieces_and_of_none(kept):
    with pytest.raises(UsageError, match="2 pieces"):
        kept(midi(track((0, on(60)), (480, off(60))), track((0, on(60)), (480, off(60))), kind=2))
    with pytest.raises(UnreadableFileError, match="no notes"):
        kept(midi(track(), kind=1))
    with pytest.raises(UnreadableFileError, match="not a MIDI file"):
        kept(b"nothing")

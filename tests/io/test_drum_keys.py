"""Drums in MusicXML: keys come back as they were written, whatever line they stand on."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from symusic import Note, Score, Track

from stochastic_music import io
from stochastic_music.io import _drum_keys


def drums(*strokes):
    score = Score(480)
    score.tracks.append(Track("Drums", 0, True, [Note(480 * onset, 120, key, 80) for onset, key in strokes]))
    return score


def test_keys_come_back_also_where_two_share_a_line(tmp_path):
    strokes = [(0, 35), (1, 36), (2, 38), (2, 42), (3, 81)]
    io.save(drums(*strokes), tmp_path / "drums.musicxml")
    (track,) = io.load(tmp_path / "drums.musicxml").tracks
    assert track.is_drum
    assert [(note.time // 480, note.pitch) for note in sorted(track.notes, key=lambda n: (n.time, n.pitch))] == strokes


def test_instruments_without_a_key_and_notes_without_an_instrument_are_left_alone():
    root = ET.fromstring(
        "<score><midi-instrument id='a'><midi-unpitched>x</midi-unpitched></midi-instrument>"
        "<midi-instrument id='b'><midi-unpitched>37</midi-unpitched></midi-instrument>"
        "<note><unpitched/><instrument id='a'/></note><note><unpitched/></note>"
        "<note><unpitched/><instrument id='b'/></note><note color='red'><pitch/><instrument id='b'/></note></score>"
    )
    assert _drum_keys.mark(root)
    assert [note.get("color") for note in root.iter("note")] == [None, None, "#d5d524", "red"]
    assert not _drum_keys.mark(ET.fromstring("<score><note><pitch/></note></score>"))

"""Piano rolls: what is drawn where, and the file around the picture."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from symusic import Note, Score, TimeSignature, Track

from stochastic_music.music import marks
from stochastic_music.render.plots import piano_roll, provenance, surprise_roll, to_png, write_piano_roll

TPQ = 480


def score_of(*tracks, meter=(4, 4)):
    score = Score(TPQ)
    score.time_signatures.append(TimeSignature(0, *meter))
    for name, notes, is_drum in tracks:
        track = Track(name=name, is_drum=is_drum)
        track.notes.extend([Note(round(o * TPQ), round(d * TPQ), p, 80) for o, d, p in notes])
        score.tracks.append(track)
    return score


def named(axes, gid):
    return [collection for collection in axes.collections if collection.get_gid() == gid]


def places(axes, gid):
    """Where vertical lines stand."""
    return [float(path.vertices[0, 0]) for collection in named(axes, gid) for path in collection.get_paths()]


def boxes(axes):
    """(left, row) of each note drawn."""
    return [
        (float(path.vertices[:, 0].min()), float(path.vertices[:, 1].mean().round()))
        for collection in named(axes, "notes")
        for path in collection.get_paths()
    ]


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [t.get_text() for t in figure.texts]


def test_each_note_is_a_box_at_its_time_and_pitch():
    figure = piano_roll(score_of(("A", [(0, 1, 60), (1.5, 0.5, 64)], False)))
    found = [(left, round(row)) for left, row in boxes(figure.axes[0])]
    assert found == [(0.0, 60), (1.5, 64)]


def test_bars_are_numbered_as_printed_and_beats_are_lines():
    score = score_of(("A", [(0, 1, 60), (1, 3, 62), (4, 3, 64)], False), meter=(3, 4))
    marks.set_pickup(score, TPQ)
    figure = piano_roll(score, title="Tune")
    assert words(figure)[:4] == ["0", "1", "3/4", "2"]
    assert places(figure.axes[0], "bars") == [0, 1, 4, 7]
    assert places(figure.axes[0], "beats") == [2, 3, 5, 6]


def test_compound_beats_are_dotted():
    figure = piano_roll(score_of(("A", [(0, 3, 60)], False), meter=(6, 8)))
    assert places(figure.axes[0], "beats") == [1.5]


def test_long_pieces_go_on_in_further_systems_and_very_long_ones_in_longer_ones():
    def systems(n_bars):
        return piano_roll(score_of(("A", [(i * 4, 4, 60) for i in range(n_bars)], False))).axes

    assert [len(systems(n)) for n in (8, 9, 32, 96)] == [1, 2, 4, 8]
    assert systems(9)[1].get_xlim() == (32.0, 36.0)


def test_parts_have_colors_and_a_legend_and_one_part_has_none():
    figure = piano_roll(score_of(("Soprano", [(0, 1, 72)], False), ("", [(0, 1, 48)], False)))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Soprano", "Part 2"]
    colors = {tuple(collection.get_edgecolor()[0]) for collection in named(figure.axes[0], "notes")}
    assert len(colors) == 2
    assert not piano_roll(score_of(("A", [(0, 1, 72)], False))).legends


def test_pitches_are_named_and_drums_have_lanes_below():
    figure = piano_roll(score_of(("A", [(0, 1, 60)], False), ("Drums", [(0, 1, 36), (1, 1, 42)], True)))
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ticks = dict(zip((int(y) for y in figure.axes[0].get_yticks()), labels, strict=True))
    assert ticks[60] == "C4"
    assert [ticks[y] for y in sorted(ticks)[:2]] == ["kick", "hi-hat"]
    drums = [(left, round(row)) for left, row in boxes(figure.axes[0])][1:]
    assert drums == [(0.0, sorted(ticks)[0]), (1.0, sorted(ticks)[1])]


def test_phrase_ends_have_a_fermata_over_their_note():
    score = score_of(("A", [(0, 2, 60), (2, 2, 62)], False))
    marks.add_phrase_ends(score, 0, [2 * TPQ])
    arcs = piano_roll(score).axes[0].lines[-2:]
    assert [np.asarray(arc.get_xdata()).tolist() for arc in arcs] == [[3.0], [3.0]]


@pytest.mark.parametrize("score", [Score(TPQ), score_of(("Drums", [(0, 1, 36)], True))], ids=["empty", "drums"])
def test_scores_without_pitches_can_be_drawn(score):
    assert to_png(piano_roll(score)).startswith(b"\x89PNG")


def test_equal_scores_give_equal_bytes_that_say_how_they_were_made(tmp_path):
    score = score_of(("A", [(0, 1, 60), (1, 1, 67)], False))
    for name in "ab":
        write_piano_roll(score, tmp_path / name, provenance="seed 1 – ♯", title="T")
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    assert provenance(data) == "seed 1 – ♯"
    assert b"matplotlib" not in data
    assert provenance(b"no picture") == ""


def test_no_window_system_is_touched():
    piano_roll(score_of(("A", [(0, 1, 60)], False)))
    assert "matplotlib.pyplot" not in sys.modules


def faces(axes):
    return [tuple(face) for collection in named(axes, "notes") for face in collection.get_facecolor()]


def lightness(face):
    return sum(face[:3])


def test_surprise_is_dark_and_the_scale_says_how_much():
    score = score_of(("A", [(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 60)], False))
    figure = surprise_roll(score, [np.array([0.5, 3.0, 8.0, 0.5])], title="T")
    music, scale = figure.axes
    one, two, three, again = faces(music)
    assert one == again
    assert lightness(one) > lightness(two) > lightness(three)
    assert scale.get_xlim() == (0, 8)
    assert scale.get_xlabel() == "surprise in bits"
    assert music.get_ylabel() == "pitch"
    assert music.get_xlabel() == "bars, as printed"
    assert boxes(music) == boxes(piano_roll(score).axes[0])


def test_the_impossible_has_a_frame_and_no_surprise_a_scale():
    score = score_of(("A", [(0, 1, 60), (1, 1, 62)], False))
    music, scale = surprise_roll(score, [np.array([np.inf, 4.0])]).axes
    assert faces(music)[0] == faces(music)[1]
    edges = named(music, "notes")[0].get_edgecolor()
    assert not np.array_equal(edges[0], edges[1])
    assert scale.get_xlim() == (0, 4)
    assert surprise_roll(score, [np.zeros(2)]).axes[-1].get_xlim() == (0, 1)


def test_the_surprise_of_silent_parts_is_skipped():
    score = score_of(("A", [(0, 1, 60)], False), ("B", [], False), ("C", [(0, 1, 48)], False))
    figure = surprise_roll(score, [np.array([1.0]), np.zeros(0), np.array([2.0])])
    assert len({*faces(figure.axes[0])}) == 2
    assert to_png(figure) == to_png(surprise_roll(score, [np.array([1.0]), np.zeros(0), np.array([2.0])]))


def test_a_score_without_notes_has_no_surprise():
    assert to_png(surprise_roll(Score(TPQ), [])).startswith(b"\x89PNG")

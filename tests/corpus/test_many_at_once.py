"""What is done for many scores at once is what is done for each."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import Note, Score, TextMeta, TimeSignature, Track

from stochastic_music import io
from stochastic_music.corpus._tasks import settle
from stochastic_music.errors import EncodingError, UnreadableFileError
from stochastic_music.music.notes import gather
from stochastic_music.music.parts import choose_part, tune_carriers
from stochastic_music.tokens import MelodyEncoding

note = st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(0, 127))


@st.composite
def small_scores(draw):
    score = Score(draw(st.sampled_from([4, 24, 480])))
    step = max(score.ticks_per_quarter // 4, 1)
    numerator, denominator = draw(st.sampled_from([(4, 4), (3, 4), (5, 8), (7, 16)]))
    score.time_signatures.append(TimeSignature(0, numerator, denominator))
    for _ in range(draw(st.integers(0, 3))):
        track = Track(name=draw(st.sampled_from(["", "", "Soprano", "Piano"])), is_drum=draw(st.integers(0, 7)) == 7)
        difficult = draw(st.integers(0, 3)) == 3
        time = 0
        for gap, length, pitch in draw(st.lists(note, max_size=6)):
            time += gap * step * (draw(st.sampled_from([0, 1, 9])) if difficult else 1)
            track.notes.append(Note(time, length * step + (draw(st.integers(0, 1)) if difficult else 0), pitch, 64))
            time += length * step * (draw(st.integers(0, 1)) if difficult else 1)
        score.tracks.append(track)
    if draw(st.integers(0, 5)) == 5 and score.note_num():
        score.markers.append(TextMeta(0, draw(st.sampled_from(["pickup:1", "phrase:0", "chorus"]))))
    score.sort()
    return score


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except (EncodingError, UnreadableFileError) as error:
        return str(error)


def spelled(pieces):
    if isinstance(pieces, EncodingError | str):
        return str(pieces)
    return [(piece.symbols.tolist(), piece.header) for piece in pieces]


@settings(deadline=None, max_examples=150)
@given(st.lists(small_scores(), max_size=4))
def test_the_carriers_of_the_tune_are_those_chosen_one_by_one(scores):
    table = gather(scores)
    found = tune_carriers(table) - table.first_track
    for score, track in zip(scores, found.tolist(), strict=True):
        chosen = outcome(choose_part, score)
        assert (track if track >= 0 else None) == (None if isinstance(chosen, str) else chosen.track)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(small_scores(), max_size=4),
    st.sampled_from([("rest", "duration", "phrase", "pitch"), ("pitch",), ("duration", "pitch"), ("phrase", "pitch")]),
    st.sampled_from([None, 0, "Soprano", "drums"]),
    st.booleans(),
)
def test_encoding_many_is_encoding_each(scores, fields, part, closed):
    encoding = MelodyEncoding(fields=fields, part=part, closed=closed, max_length=4)
    together = encoding.encode_many(scores, gather(scores))
    assert [spelled(p) for p in together] == [spelled(outcome(encoding.encode, score)) for score in scores]


def content(loaded):
    if isinstance(loaded, str):
        return loaded
    return [(piece.title, piece.tune, piece.warnings, io.score_to_bytes(piece.score)) for piece in loaded]


def told(settled):
    return f"{settled['reason']}" if isinstance(settled, dict) else content(settled)


@pytest.mark.parametrize("seed", range(4))
def test_files_put_right_together_are_as_if_read_alone(music_folder, seed):
    chance = random.Random(seed)
    paths = sorted(music_folder.glob("*.mid"))
    for i in range(60):
        data = bytearray(chance.choice(paths).read_bytes())
        for _ in range(chance.choice([0, 1, 2])):
            data[chance.randrange(14, len(data))] = chance.randrange(256)
        (music_folder / f"zz{i:02d}.mid").write_bytes(data)
    paths = sorted(music_folder.glob("*.mid"))
    opened = []
    for path in paths:
        try:
            opened.append(io.start(path))
        except UnreadableFileError as error:
            opened.append({"reason": error.reason})
    settled, _ = settle(opened, lambda _: None)
    for path, one in zip(paths, settled, strict=True):
        try:
            alone = content(io.read(path))
        except UnreadableFileError as error:
            alone = error.reason
        assert told(one) == alone


def test_the_table_follows_the_scores(tune):
    first = tune([(0, 1, 60), (1, 1, 62)])
    first.tracks.append(Track())
    second = tune([(0, 2, 127)])
    table = gather([first, Score(480), second])
    assert table.score_of.tolist() == [0, 0, 2]
    assert table.first_track.tolist() == [0, 2, 2]
    assert table.notes.pitch.tolist() == [60, 62, 127]
    assert table.notes.track.tolist() == [0, 0, 2]
    assert all(column.dtype == np.int64 for column in table.notes)

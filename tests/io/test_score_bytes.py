from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from symusic import Note, Score, TimeSignature, Track

from stochastic_music import io
from stochastic_music.io._repair import note_arrays, overlapping, tidy

NOTES = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 2000), st.integers(0, 127), st.integers(1, 127)), min_size=1
)


@given(st.lists(NOTES, min_size=1, max_size=4), st.integers(1, 12), st.sampled_from([1, 2, 4, 8, 16]))
def test_any_tidy_score_comes_back_from_its_bytes(
    parts: list[list[tuple[int, int, int, int]]], numerator: int, denominator: int
) -> None:
    score = Score(480)
    score.time_signatures.append(TimeSignature(0, numerator, denominator))
    for rows in parts:
        score.tracks.append(Track("part", 7, False, [Note(*row) for row in rows]))
    tidy(score)
    notes = note_arrays(score)
    assert notes.duration.min() > 0
    assert not overlapping(notes)
    assert tidy(score.copy()) == []
    back = io.score_from_bytes(io.score_to_bytes(score))
    assert [list(t.notes) for t in back.tracks] == [list(t.notes) for t in score.tracks]
    assert list(back.time_signatures) == list(score.time_signatures)

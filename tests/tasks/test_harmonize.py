"""Harmonising: the melody stays, four tracks come out, the rules hold, in random melodies too."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from symusic import Note, Score, Tempo, TimeSignature, Track

from stochastic_music.corpus import Corpus
from stochastic_music.errors import (
    EmptyCorpusError,
    EncodingError,
    InvalidParameterError,
    ModelFileError,
    NotFittedError,
    UnknownNameError,
)
from stochastic_music.model_file import ModelFile
from stochastic_music.models.harmony.labels import Alphabet, Label
from stochastic_music.models.harmony.mixture import NONE
from stochastic_music.music import marks
from stochastic_music.music.voice_leading import RANGES, Context
from stochastic_music.tasks.harmonize import Harmonizer
from stochastic_music.tasks.harmonize.demands import AUTHENTIC, WEAK, closes
from stochastic_music.tasks.harmonize.figures import middle_of, passing_note
from stochastic_music.tasks.harmonize.reports import rule_lines
from stochastic_music.tasks.harmonize.tunes import at_onsets, read_tune, skyline


@pytest.fixture(scope="module")
def harmonizer(chorales):
    return Harmonizer(candidates=30).fit(chorales)


def _melody(notes, meter=(4, 4), tpq=480):
    score = Score(tpq)
    score.time_signatures.append(TimeSignature(0, *meter))
    score.tempos.append(Tempo(0, qpm=96))
    track = Track(name="Tune", program=73)
    for start, length, pitch in notes:
        track.notes.append(Note(round(start * tpq), round(length * tpq), pitch, 91))
    score.tracks.append(track)
    return score


PLAIN = _melody([(i, 1, p) for i, p in enumerate([67, 69, 71, 72, 74, 72, 71])] + [(7, 1, 72)])


def _rows(track):
    return [(n.time, n.duration, n.pitch, n.velocity) for n in track.notes]


def test_four_tracks_and_the_melody_as_it_was(harmonizer):
    for take in harmonizer.harmonize(PLAIN, 3, seed=1).takes:
        assert [track.name for track in take.score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
        assert all(len(track.notes) for track in take.score.tracks)
        assert _rows(take.score.tracks[0]) == _rows(PLAIN.tracks[0])
        assert [t.qpm for t in take.score.tempos] == [t.qpm for t in PLAIN.tempos]
        assert take.score.tracks[0].program == 73
    assert PLAIN.tracks[0].name == "Tune"


def test_takes_differ_and_equal_seeds_give_equal_takes(harmonizer):
    first, again = (harmonizer.harmonize(PLAIN, 4, seed=7).takes for _ in range(2))
    assert len({take.voices.tobytes() for take in first}) == 4
    assert [take.voices.tolist() for take in first] == [take.voices.tolist() for take in again]
    one = harmonizer.harmonize(PLAIN, 1, seed=7).takes[0]
    assert one.voices.tolist() == first[0].voices.tolist()


def test_the_likeliest_is_likelier_than_draws(harmonizer):
    best, *others = harmonizer.harmonize(PLAIN, 4, seed=7, best=True).takes
    flat = dict.fromkeys(best.report.counts, "off")
    model = Harmonizer(candidates=30, rules=flat, temperature=1.0)
    model.harmony_, model.card_ = harmonizer.harmony_, harmonizer.card_
    best, *others = model.harmonize(PLAIN, 4, seed=7, best=True).takes
    assert all(best.log_prob >= other.log_prob for other in others)


def test_the_last_chord_is_the_tonic_in_root_position(harmonizer):
    for take in harmonizer.harmonize(PLAIN, 4, seed=3, key="C").takes:
        assert (take.chords[-1].root, take.chords[-1].quality, take.chords[-1].bass) == (0, "maj", None)


def test_other_tracks_stay_and_phrase_marks_follow_their_tracks(harmonizer):
    score = PLAIN.copy()
    score.tracks.append(Track(name="Drums", is_drum=True, notes=[Note(0, 480, 36, 90)]))
    score.tracks.append(Track(name="Flute", program=73, notes=[Note(0, 480, 84, 90)]))
    marks.add_phrase_ends(score, 0, [1440])
    marks.add_phrase_ends(score, 2, [0])
    found = harmonizer.harmonize(score, 1, seed=1, part="Tune")
    out = found.takes[0].score
    assert [track.name for track in out.tracks] == ["Soprano", "Alto", "Tenor", "Bass", "Drums", "Flute"]
    assert marks.phrase_ends(out, 0) == [1440]
    assert marks.phrase_ends(out, 5) == [0]
    assert "Tune" in found.remarks[0]
    assert "other parts stay" in " ".join(found.remarks)


def test_a_pitch_is_held_under_a_held_note_and_struck_under_a_new_one(harmonizer):
    score = _melody([(0, 2, 72), (2, 1, 72), (3, 1, 71), (4, 4, 72)])
    for take in harmonizer.harmonize(score, 4, seed=2, key="C").takes:
        for i in (1, 2, 3):
            onsets = {note.time for note in take.score.tracks[i].notes}
            assert {0, 960, 1440, 1920} <= onsets
            assert (480 in onsets) == (take.voices[0, i] != take.voices[1, i])


@st.composite
def tunes(draw):
    """Melodies of steps and leaps, with rests and notes off the beat, in several meters and with pickups."""
    meter = draw(st.sampled_from([(4, 4), (3, 4), (2, 4), (6, 8), (3, 8), (5, 4), (7, 8), (2, 2)]))
    lengths = draw(st.lists(st.sampled_from([0.5, 0.5, 1, 1, 1.5, 2, 3]), min_size=1, max_size=10))
    time, notes = draw(st.sampled_from([0, 0, 0.5, 1])), []
    for length in lengths:
        notes.append((time, length, draw(st.integers(60, 79))))
        time += length + draw(st.sampled_from([0, 0, 0, 0, 1, 2.5]))
    score = _melody(notes, meter)
    if draw(st.booleans()):
        marks.set_pickup(score, 240)
    return score


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tunes(), st.integers(0, 2**32))
def test_random_melodies_keep_their_notes_ranges_and_order(harmonizer, score, seed):
    take = harmonizer.harmonize(score, 1, seed=seed).takes[0]
    assert len(take.score.tracks) == 4
    assert _rows(take.score.tracks[0]) == _rows(score.tracks[0])
    for track, (low, high) in zip(take.score.tracks[1:], list(RANGES.values())[1:], strict=False):
        assert all(low <= note.pitch <= high for note in track.notes)
        assert all(note.duration > 0 for note in track.notes)
        ends = [note.time + note.duration for note in track.notes]
        assert all(end <= note.time for end, note in zip(ends, list(track.notes)[1:], strict=False))
    sounding = at_onsets([skyline(track) for track in take.score.tracks])
    for row in sounding.tolist():
        voices = [pitch for pitch in row if pitch >= 0]
        assert voices == sorted(voices, reverse=True)
    assert take.report.counts["crossing"] == take.report.counts["range"] == 0


@pytest.mark.parametrize(
    ("notes", "meter"), [([(0, 1, 67)], (4, 4)), ([(0, 0.25, 72)], (7, 8)), ([(3, 1, 67), (4, 4, 72)], (4, 4))]
)
def test_short_and_odd_melodies(harmonizer, notes, meter):
    assert len(harmonizer.harmonize(_melody(notes, meter), 2, seed=0).takes) >= 1


def test_what_makes_no_melody_is_told(harmonizer):
    with pytest.raises(EncodingError, match="no notes"):
        harmonizer.harmonize(Score(480))
    with pytest.raises(EncodingError, match=r"E3 to G3.*\+12"):
        harmonizer.harmonize(_melody([(0, 1, 52), (1, 1, 55)]))
    drums = _melody([(0, 1, 60)])
    drums.tracks[0].is_drum = True
    with pytest.raises(EncodingError, match="no notes to harmonise"):
        harmonizer.harmonize(drums)
    with pytest.raises(EncodingError, match="no part called 'Oboe'"):
        harmonizer.harmonize(PLAIN, part="Oboe")


def test_several_notes_at_once_are_told(harmonizer):
    score = _melody([(i, 1, p) for i in range(4) for p in (72, 64)])
    found = harmonizer.harmonize(score, 1, seed=0)
    assert "several notes at once" in " ".join(found.remarks)
    assert found.tune.line.pitch.tolist() == [72] * 4


def test_a_key_that_is_not_clear_is_told(harmonizer):
    remarks = " ".join(harmonizer.harmonize(_melody([(i, 1, 60 + i) for i in range(12)]), 1, seed=0).remarks)
    assert "No key is clear" in remarks
    assert "--key" in remarks


def test_demands_that_cannot_be_met_are_relaxed_aloud(harmonizer):
    found = harmonizer.harmonize(_melody([(i, 1, p) for i, p in enumerate([67, 72, 71, 74, 66])]), 1, seed=0, key="C")
    assert "does not let everything be met" in " ".join(found.remarks)


def test_rules_and_options_are_checked(harmonizer):
    for options, error in (
        ({"rules": {"paralel_fifths": "hard"}}, UnknownNameError),
        ({"rules": {"overlap": "soft"}}, InvalidParameterError),
        ({"candidates": 0}, InvalidParameterError),
        ({"temperature": 0.0}, InvalidParameterError),
    ):
        model = Harmonizer(**options)
        model.harmony_, model.card_ = harmonizer.harmony_, harmonizer.card_
        with pytest.raises(error):
            model.harmonize(PLAIN)
    with pytest.raises(NotFittedError):
        Harmonizer().harmonize(PLAIN)


def test_hard_rules_hold_and_soft_ones_cost(harmonizer):
    score = _melody([(i, 1, p) for i, p in enumerate([60, 62, 64, 65, 67, 69, 71, 72] * 2)])
    strict = harmonizer.harmonize(score, 4, seed=1, key="C").takes
    assert all(take.report.counts["parallel_fifths"] == take.report.counts["parallel_octaves"] == 0 for take in strict)


def test_chords_come_with_an_accompaniment(harmonizer):
    found = harmonizer.harmonize(PLAIN, 2, seed=1, style="chords", key="C")
    for take in found.takes:
        assert [track.name for track in take.score.tracks] == ["Tune", "Accompaniment"]
        assert _rows(take.score.tracks[0]) == _rows(PLAIN.tracks[0])
        symbols = marks.chord_symbols(take.score)
        assert symbols[0][0] == 0
        assert all(time % 960 == 0 for time, _ in symbols)
        assert symbols[-1][1] == take.chords[-1].symbol() == "C"
        assert max(note.pitch for note in take.score.tracks[1].notes) <= 64
    assert len({take.chords for take in found.takes}) == 2
    low = _melody([(i, 1, p - 24) for i, p in enumerate([67, 69, 71, 72])])
    assert harmonizer.harmonize(low, 1, seed=1, style="chords", key="C").takes[0].report is None
    with pytest.raises(UnknownNameError, match="chorale"):
        harmonizer.harmonize(low, 1, style="choral")


@pytest.mark.parametrize(
    ("first", "last", "context", "between"),
    [
        (60, 64, Context(0), 62),
        (64, 60, Context(0), 62),
        (62, 65, Context(0), 64),
        (60, 63, Context(0), 62),  # to a chromatic note
        (60, 65, Context(0), None),
        (64, 68, Context(9, minor=True), 66),  # E F# G# in A minor
        (69, 65, Context(9, minor=True), 67),  # A G F
        (66, 69, Context(9, minor=True), 68),  # F# G# A
        (65, 68, Context(9, minor=True), None),  # F to G#
    ],
)
def test_notes_that_pass(first, last, context, between):
    assert passing_note(first, last, context) == between


def test_passing_notes_fill_thirds_and_break_nothing(harmonizer):
    tune = _melody([(i, 1, p) for i, p in enumerate([72, 71, 69, 67, 69, 71, 72, 74, 72, 71, 72])])
    filled = 0
    rates = harmonizer.card_["passing"]
    harmonizer.card_["passing"] = [1.0, 1.0, 1.0]
    try:
        for seed in range(8):
            found = harmonizer.harmonize(tune, 1, seed=seed, key="C").takes[0]
            plain = harmonizer.harmonize(tune, 1, seed=seed, key="C", passing=False).takes[0]
            assert found.voices.tolist() == plain.voices.tolist()
            assert sum(found.report.counts.values()) == sum(plain.report.counts.values())
            for mine, theirs in zip(found.score.tracks, plain.score.tracks, strict=True):
                at_beats = {note.time: note.pitch for note in mine.notes if note.time % 480 == 0}
                assert at_beats == {note.time: note.pitch for note in theirs.notes}
                between = [note for note in mine.notes if note.time % 480]
                assert all((note.time % 480, note.duration) == (240, 240) for note in between)
                filled += len(between)
    finally:
        harmonizer.card_["passing"] = rates
    assert filled > 0


def test_beats_of_three_are_filled_on_their_last_third():
    tune = read_tune(_melody([(0, 1.5, 72), (1.5, 1.5, 71)], (6, 8)))
    assert middle_of(tune).tolist() == [480, 1200]


def test_what_is_saved_is_opened(harmonizer, tmp_path):
    harmonizer.save(tmp_path / "a.smm")
    harmonizer.save(tmp_path / "b.smm")
    assert (tmp_path / "a.smm").read_bytes() == (tmp_path / "b.smm").read_bytes()
    again = Harmonizer.from_file(ModelFile(tmp_path / "a.smm"))
    again.candidates = 30
    mine, theirs = (model.harmonize(PLAIN, 2, seed=5).takes for model in (harmonizer, again))
    assert [take.voices.tolist() for take in mine] == [take.voices.tolist() for take in theirs]
    assert again.card_["rates"] == harmonizer.card_["rates"]
    reports = [model.originality().report(mine[0].lines) for model in (harmonizer, again)]
    assert reports[0] == reports[1]
    bare = harmonizer.contents(sources=False)
    assert Harmonizer._of(*bare).originality() is None
    assert "parallel fifths" in "\n".join(rule_lines(mine[0], again.card_["rates"]))


def test_models_of_other_tasks_are_refused(harmonizer, tmp_path, chorales):
    from stochastic_music.model_file import write

    write(tmp_path / "other.smm", {"task": "compose", "model": ["markov", {}]}, {})
    with pytest.raises(ModelFileError, match="composes"):
        Harmonizer.from_file(ModelFile(tmp_path / "other.smm"))


def test_a_corpus_without_four_parts_teaches_nothing():
    with pytest.raises(EmptyCorpusError, match="four parts"):
        Harmonizer().fit(Corpus.from_scores([PLAIN]))


def test_the_held_out_figure_is_better_than_chance(harmonizer, four_parts):
    nats, n_beats = harmonizer.nats_per_beat(Corpus.from_scores([four_parts(99, 16, 0)]))
    assert n_beats == 16
    assert 0 < nats < 3


def test_frames_are_beats_in_which_the_melody_sounds():
    tune = read_tune(_melody([(0, 1, 60), (1.5, 0.5, 62), (2, 0.5, 64), (2.5, 0.5, 65), (5, 1, 67)]))
    assert tune.melody.pitch.tolist() == [60, 62, 64, 67]
    assert tune.melody.later.tolist()[2] == 65
    assert tune.start.tolist() == [0, 720, 960, 2400]
    assert [beat.number for beat in tune.beats] == [1, 2, 3, 2]


def test_steps_into_the_ends_of_phrases_have_their_kinds():
    names = [(7, 7, "7"), (5, 5, "maj"), (4, 4, "min"), (0, 0, "maj"), (7, 7, "maj")]
    table = closes(Alphabet(tuple(Label(*name) for name in names)))
    assert table[0, 3] == AUTHENTIC
    assert table[3, 3] == AUTHENTIC  # the same chord goes on
    assert table[2, 3] == WEAK
    assert table[1, 3] not in (AUTHENTIC, WEAK)  # plagal
    assert table[5, 3] == WEAK  # a chord that is in no label


def test_played_melodies_are_read_as_printed_ones():
    late, early = 20, -20
    score = _melody([(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 65)])
    for note, off in zip(score.tracks[0].notes, (0, late, early, late), strict=True):
        note.time += off
    tune = read_tune(score)
    assert tune.melody.pitch.tolist() == [60, 62, 64, 65]
    assert tune.melody.later.tolist() == [NONE] * 4
    assert tune.start.tolist() == [0, 500, 940, 1460]
    assert tune.end.tolist()[:3] == [500, 940, 1460]


def test_phrases_have_four_bars_where_no_note_is_long():
    notes = [(i, 1, 60 + i % 5) for i in range(47)] + [(47, 1, 60)]
    tune = read_tune(_melody(notes))
    assert np.flatnonzero(np.diff(tune.melody.since) < 0).tolist() == [15, 31]


def test_phrases_are_heard_at_long_notes_where_none_are_printed():
    notes = [(i, 1, 67) for i in range(6)] + [(6, 2, 67)] + [(8 + i, 1, 69) for i in range(6)] + [(14, 2, 72)]
    tune = read_tune(_melody(notes))
    assert not tune.phrases_printed
    assert np.flatnonzero(np.diff(tune.melody.since) < 0).tolist() == [7]

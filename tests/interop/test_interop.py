"""Exchange with neighbours, each through the real library: what is carried comes back, what is lost is known."""

from __future__ import annotations

import subprocess
import sys

import pytest
from symusic import Score, Track

import stochastic_music as sm
from stochastic_music import interop
from stochastic_music.errors import MissingExtraError, UnreadableFileError
from stochastic_music.music.marks import chord_symbols, phrase_ends, set_chord_symbols
from tests.interop.scores import TPQ, frame, instruments, keys, meters, notes, tempos, trio


def through(name, score):
    """A score to a neighbour and back."""
    pytest.importorskip(name)
    return getattr(interop, f"from_{name}")(getattr(interop, f"to_{name}")(score))


def test_every_neighbour_goes_both_ways():
    assert set(dir(interop)) == {
        *(f"{way}_{name}" for way in ("from", "to") for name in ("music21", "pretty_midi", "muspy", "partitura")),
        *(f"{way}_{name}" for way in ("from", "to") for name in ("miditok", "isobar", "numpy", "piano_roll")),
    }
    assert all(getattr(interop, name).__doc__ for name in dir(interop))


def test_importing_the_room_imports_no_neighbour():
    script = (
        "import sys, stochastic_music.interop; "
        "print(sorted({'numpy', 'music21', 'muspy', 'isobar', 'miditok'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Carried


@pytest.mark.parametrize("name", ["pretty_midi", "muspy"])
def test_midi_like_neighbours_carry_everything_but_marks(name):
    score = trio()
    back = through(name, score)
    assert notes(back) == notes(score)
    assert instruments(back) == instruments(score)
    assert frame(back) == frame(score)
    assert phrase_ends(back, 0) == (phrase_ends(score, 0) if name == "muspy" else [])


def test_music21_carries_all_that_is_printed():
    pytest.importorskip("music21")
    score = trio()
    set_chord_symbols(score, [(TPQ, "Dm")])
    stream = interop.to_music21(score)
    assert "Score" in stream.classes
    assert [part.partName for part in stream.parts] == ["Flute", "Bass", "Drums"]
    assert stream.parts[0].measure(0).duration.quarterLength == 1
    struck = list(stream.parts[2].recurse().notes)[1]
    assert [note.storedInstrument.percMapPitch for note in struck.notes] == [38, 42]
    assert {note.style.color for note in struck.notes} == {None}
    back = interop.from_music21(stream)
    assert notes(back, velocities=False)[:2] == notes(score, velocities=False)[:2]
    # a drum is written up to the next beat
    assert notes(back, velocities=False)[2] == [(1, 1, 36, 0), (2, 1, 38, 0), (2, 1, 42, 0)]
    assert instruments(back) == instruments(score)
    assert frame(back) == frame(score)
    assert phrase_ends(back, 0) == phrase_ends(score, 0)
    assert chord_symbols(back) == [(TPQ, "Dm")]
    assert {note[3] for part in notes(back) for note in part} == {80}  # velocities are lost


def test_partitura_carries_notes_meters_key_names_and_pickup():
    partitura = pytest.importorskip("partitura", exc_type=ImportError)
    score = trio()
    given = interop.to_partitura(score)
    assert isinstance(given, partitura.score.Score)
    assert [part.part_name for part in given.parts] == ["Flute", "Bass", "Drums"]
    back = interop.from_partitura(given)
    assert notes(back, velocities=False)[:2] == notes(score, velocities=False)[:2]
    assert [onset for onset, *_ in notes(back)[2]] == [onset for onset, *_ in notes(score)[2]]
    assert (meters(back), keys(back), frame(back)[3]) == (meters(score), keys(score), 1)
    assert [name for name, *_ in instruments(back)] == ["Flute", "Bass", "Drums"]
    assert [is_drum for *_, is_drum in instruments(back)] == [False, False, True]
    # lost, as the docstring says
    assert tempos(back) == []
    assert {program for _, program, _ in instruments(back)} == {0}
    assert phrase_ends(back, 0) == phrase_ends(score, 0)
    alone = interop.from_partitura(given.parts[1])
    assert notes(alone, velocities=False) == notes(score, velocities=False)[1:2]


def test_pretty_midi_is_in_seconds():
    pytest.importorskip("pretty_midi")
    music = interop.to_pretty_midi(trio())
    flute = music.instruments[0].notes
    # five quarters at 90, then 120 a minute
    assert flute[5].start == pytest.approx(5 * 60 / 90, abs=1e-4)
    assert flute[7].start == pytest.approx(5 * 60 / 90 + 1, abs=1e-4)


def test_pretty_midi_made_by_hand_becomes_a_score():
    pretty_midi = pytest.importorskip("pretty_midi")
    music = pretty_midi.PrettyMIDI(initial_tempo=60, resolution=100)
    violin = pretty_midi.Instrument(40, name="Violin")
    violin.notes.append(pretty_midi.Note(velocity=70, pitch=67, start=1.0, end=1.5))
    music.instruments.append(violin)
    score = interop.from_pretty_midi(music)
    assert score.ticks_per_quarter == 100
    assert notes(score) == [[(1.0, 0.5, 67, 70)]]
    assert instruments(score) == [("Violin", 40, False)]


def test_muspy_keeps_empty_tracks_and_reads_chords():
    muspy = pytest.importorskip("muspy")
    score = trio()
    score.tracks.append(Track("silent", 5))
    assert instruments(through("muspy", score)) == instruments(score)
    chord = muspy.Chord(time=4, pitches=[60, 64], duration=2, velocity=50)
    lyrics = [muspy.Lyric(time=4, lyric="la")]
    music = muspy.Music(resolution=4, tracks=[muspy.Track(chords=[chord], lyrics=lyrics)])
    assert notes(interop.from_muspy(music)) == [[(1.0, 0.5, 60, 50), (1.0, 0.5, 64, 50)]]


def test_streams_made_by_hand_become_scores():
    music21 = pytest.importorskip("music21")
    stream = music21.stream.Stream([music21.note.Note("C4"), music21.chord.Chord(["E4", "G4"]), music21.note.Rest()])
    assert notes(interop.from_music21(stream)) == [[(0, 1, 60, 80), (1, 1, 64, 80), (1, 1, 67, 80)]]
    part = music21.stream.Part([music21.meter.TimeSignature("3/4"), music21.note.Note("D5", quarterLength=3)])
    score = interop.from_music21(music21.stream.Score([part]))
    assert (notes(score), meters(score)) == ([[(0, 3, 74, 80)]], [(0, 3, 4)])


def test_streams_without_notes_are_refused():
    music21 = pytest.importorskip("music21")
    with pytest.raises(UnreadableFileError, match="no notes"):
        interop.from_music21(music21.stream.Score())


# MidiTok


@pytest.fixture(scope="module")
def tokenizer():
    miditok = pytest.importorskip("miditok")
    config = miditok.TokenizerConfig(
        use_programs=True, use_time_signatures=True, num_velocities=127, beat_res={(0, 12): 8}
    )
    return miditok.REMI(config)


def test_tokens_carry_what_their_tokenizer_does(tokenizer):
    score = trio()
    tokens = interop.to_miditok(score, tokenizer)
    assert notes(score) == notes(trio())  # as it was
    back = interop.from_miditok(tokens, tokenizer)
    assert sorted(map(tuple, notes(back))) == sorted(map(tuple, notes(score)))
    assert sorted(part[1:] for part in instruments(back)) == sorted(part[1:] for part in instruments(score))
    # lost: key, pickup, and with it where bars begin, marks
    assert (meters(back)[0], keys(back), len(back.markers)) == ((0, 3, 4), [], 0)
    from_ids = interop.from_miditok(tokens.ids, tokenizer)
    assert notes(from_ids) == notes(back)


# All of them


@pytest.mark.parametrize("name", ["music21", "pretty_midi", "muspy", "partitura", "isobar", "numpy"])
def test_what_comes_back_is_a_corpus(name):
    score = trio()
    del score.tracks[1:]
    corpus = sm.Corpus.from_scores([through(name, score)] * 2)
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus)
    assert len(pipeline.sample(1, seed=0)) == 1


@pytest.mark.parametrize("name", ["pretty_midi", "muspy", "isobar", "numpy"])
def test_many_parts_and_notes(name):
    score = Score(480)
    for i in range(40):
        track = Track(f"part {i}", i)
        track.notes = [type(trio().tracks[0].notes[0])(j * 120, 120, 40 + (i + j) % 40, 64) for j in range(50)]
        score.tracks.append(track)
    assert notes(through(name, score)) == notes(score)


@pytest.mark.parametrize("name", ["pretty_midi", "muspy", "partitura", "isobar"])
def test_without_the_library_the_error_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"stochastic-music\[interop\]"):
        getattr(interop, f"to_{name}")(trio())

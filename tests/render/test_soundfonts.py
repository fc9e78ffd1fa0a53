"""FluidSynth and SoundFonts: found, refused, limited; with a stand-in for the program, and with itself where it is."""

from __future__ import annotations

import shutil
import struct
import sys

import numpy as np
import pytest
from symusic import Note, Score, Tempo, Track

from stochastic_music.errors import MachineError, MissingExtraError, UnreadableFileError
from stochastic_music.render.audio import provenance, soundfonts, synthesize, write_sound
from stochastic_music.render.audio.leveling import CEILING, loudness
from stochastic_music.render.audio.writing import sounded

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")

#: a program that writes what it was asked for, then a second of 441 Hz, as floats
STAND_IN = f"""#!{sys.executable}
import sys, numpy as np
arguments = sys.argv[1:]
target = arguments[arguments.index("-F") + 1]
rate = int(arguments[arguments.index("-r") + 1])
assert open(arguments[-1], "rb").read(4) == b"MThd" and open(arguments[-2], "rb").read(4) == b"RIFF"
time = np.arange(rate) / rate
np.repeat(np.sin(2 * np.pi * 441 * time), 2).astype("<f4").tofile(target)
"""


@pytest.fixture
def score():
    score = Score(480)
    score.tempos.append(Tempo(0, 60))
    score.tracks.append(Track(notes=[Note(0, 480, 69, 80)]))
    return score


@pytest.fixture
def font(tmp_path):
    """Looks like a SoundFont from outside."""
    path = tmp_path / "tiny.sf2"
    body = b"sfbk" + b"LIST" + struct.pack("<I", 4) + b"INFO"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a script on the PATH as FluidSynth, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("SOUNDFONT", raising=False)

    def put(text):
        (folder / "fluidsynth").write_text(text)
        (folder / "fluidsynth").chmod(0o755)

    return put


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "is no SoundFont"),
        (b"a text about music", "is no SoundFont"),
        (b"RIFF\x04\0\0\0WAVEfmt ", "is no SoundFont"),
        (b"RIFF\xff\xff\0\0sfbkLIST", "cut short: 16 of 65,543 bytes"),
    ],
)
def test_what_is_no_soundfont_is_refused_before_fluidsynth_sees_it(score, tmp_path, program, data, match):
    program("#!/bin/sh\nexit 99\n")
    (tmp_path / "bad.sf2").write_bytes(data)
    with pytest.raises(UnreadableFileError, match=match):
        write_sound(score, tmp_path / "take.wav", soundfont=tmp_path / "bad.sf2")
    assert not (tmp_path / "take.wav").exists()


@pytest.mark.parametrize("name", ["missing.sf2", "."])
def test_a_soundfont_that_is_not_there_is_named(score, tmp_path, name):
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        write_sound(score, tmp_path / "take.wav", soundfont=tmp_path / name)


def test_without_fluidsynth_the_error_says_how_to_install_it(score, font, tmp_path, program):
    with pytest.raises(MissingExtraError, match=r"apt install fluidsynth.*brew install.*choco install"):
        write_sound(score, tmp_path / "take.wav", soundfont=font)
    assert soundfonts.found() is None
    assert (sounded(score, soundfont="auto") == synthesize(score)).all()


@posix_only
def test_what_fluidsynth_makes_is_leveled_and_written(score, font, tmp_path, program):
    program(STAND_IN)
    write_sound(score, tmp_path / "take.wav", provenance="seed 1", soundfont=font)
    assert provenance((tmp_path / "take.wav").read_bytes()) == "seed 1"
    sound = sounded(score, soundfont=font)
    assert sound.shape == (44100, 2)
    assert loudness(sound.T, 44100) == pytest.approx(-18, abs=0.05)
    assert np.abs(np.fft.rfft(sound[:, 0])).argmax() == 441


@posix_only
@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("#!/bin/sh\necho 'panic: out of order' >&2\nexit 3\n", r"failed with .*tiny\.sf2 \(panic: out of order\)"),
        ("#!/bin/sh\necho 'no preset' >&2\nexit 0\n", r"made no sound with .*\(no preset\)"),
        ("#!/bin/sh\nexit 0\n", r"made no sound with .*tiny\.sf2: try another"),
    ],
)
def test_a_fluidsynth_that_fails_says_why_in_one_line(score, font, tmp_path, program, text, match):
    program(text)
    with pytest.raises(MachineError, match=match) as failed:
        write_sound(score, tmp_path / "take.wav", soundfont=font)
    assert "\n" not in str(failed.value)


@posix_only
def test_a_fluidsynth_that_hangs_is_ended(score, font, tmp_path, program, monkeypatch):
    monkeypatch.setattr(soundfonts, "_PATIENCE", -0.8)  # and the second that the score lasts
    program(f"#!{sys.executable}\nimport threading\nthreading.Event().wait()\n")
    with pytest.raises(MachineError, match="did not finish within"):
        write_sound(score, tmp_path / "take.wav", soundfont=font)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_a_fluidsynth_that_takes_all_memory_is_stopped(score, font, tmp_path, program, monkeypatch):
    monkeypatch.setattr(soundfonts, "_MEMORY", 64 << 20)
    program(f"#!{sys.executable}\ntaken = []\nwhile True: taken.append(bytes(1 << 24))\n")
    with pytest.raises(MachineError, match="failed"):
        write_sound(score, tmp_path / "take.wav", soundfont=font)


@posix_only
def test_fonts_are_found_by_the_environment_then_in_folders_the_default_first(tmp_path, program, monkeypatch):
    program("#!/bin/sh\n")
    folder = tmp_path / "fonts"
    folder.mkdir()
    for name in ("a.sf2", "default-GM.sf2", "readme.txt", "z.sf3"):
        (folder / name).write_bytes(b"")
    monkeypatch.setattr(soundfonts, "_FOLDERS", (str(tmp_path / "none"), str(folder)))
    assert soundfonts.found() == folder / "default-GM.sf2"
    monkeypatch.setenv("SOUNDFONT", str(folder / "a.sf2"))
    assert soundfonts.found() == folder / "a.sf2"
    monkeypatch.delenv("SOUNDFONT")
    monkeypatch.setattr(soundfonts, "_FOLDERS", ())
    assert soundfonts.found() is None


@posix_only
def test_a_bad_font_in_the_environment_is_not_passed_over(score, tmp_path, program, monkeypatch):
    program(STAND_IN)
    (tmp_path / "bad.sf2").write_bytes(b"text")
    monkeypatch.setenv("SOUNDFONT", str(tmp_path / "bad.sf2"))
    with pytest.raises(UnreadableFileError, match="is no SoundFont"):
        write_sound(score, tmp_path / "take.wav", soundfont="auto")


@pytest.mark.skipif(
    shutil.which("fluidsynth") is None or soundfonts.found() is None, reason="needs FluidSynth and a font"
)
def test_fluidsynth_itself(score, tmp_path):
    score.tracks.append(Track(is_drum=True, notes=[Note(0, 240, 36, 100)]))
    for name in "ab":
        write_sound(score, tmp_path / f"{name}.wav", provenance="x", soundfont="auto")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    sound = sounded(score, soundfont="auto")
    assert np.abs(sound).max() <= CEILING + 1e-6
    assert loudness(sound.T, 44100) == pytest.approx(-18, abs=0.5)
    held = sound[22050:44100, 0]
    near = np.arange(380, 500)
    strength = np.abs(np.fft.rfft(held * np.hanning(len(held)), 44100))[near]
    assert near[strength.argmax()] == pytest.approx(440, abs=2)

"""Sound files: what is in them, what they say of their making, and that equal scores give equal bytes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import wave

import numpy as np
import pytest
from symusic import Note, Score, Track

from stochastic_music import _optional
from stochastic_music.errors import MissingExtraError, UnknownNameError
from stochastic_music.render.audio import provenance, synthesize, to_wav, write_sound, xiph

SUFFIXES = ["wav", "flac", "ogg"]


@pytest.fixture
def score():
    score = Score(480)
    score.tracks.append(Track(notes=[Note(0, 480, 60, 80), Note(480, 480, 64, 80)]))
    return score


def test_waves_are_plain_16_bit_with_a_comment():
    sound = np.array([[0.5, -0.5], [1.0, -1.0], [0.0, 0.0]])
    data = to_wav(sound, 8000, provenance="ü & 1")
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        frames = np.frombuffer(file.readframes(9), "<i2").reshape(-1, 2)
    assert frames.tolist() == [[16384, -16384], [32767, -32767], [0, 0]]
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert provenance(data) == "ü & 1"
    assert provenance(to_wav(sound)) == ""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_hold_the_sound_and_how_it_was_made(score, tmp_path, suffix):
    soundfile = pytest.importorskip("soundfile")
    path, told = tmp_path / f"take.{suffix.upper()}", '{"command": "ü <&>", "seed": 3}' * 40
    write_sound(score, path, provenance=told)
    assert provenance(path.read_bytes()) == told
    samples, rate = soundfile.read(path)
    wanted = synthesize(score)
    assert (rate, samples.shape) == (44100, wanted.shape)
    assert np.abs(samples - wanted).max() < (0.06 if suffix == "ogg" else 4e-5)
    assert np.corrcoef(samples[:, 0], wanted[:, 0])[0, 1] > 0.999
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_scores_give_equal_bytes_in_every_process(score, tmp_path, suffix):
    pytest.importorskip("soundfile")
    score.dump_midi(tmp_path / "score.mid")
    script = (
        "import sys; from symusic import Score; from stochastic_music.render.audio import write_sound; "
        "write_sound(Score(sys.argv[1]), sys.argv[2], provenance='x')"
    )
    for threads in "13":  # of the BLAS that multiplies
        path = tmp_path / f"{threads}.{suffix}"
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", script, tmp_path / "score.mid", path], check=True, env=environment)
    assert (tmp_path / f"1.{suffix}").read_bytes() == (tmp_path / f"3.{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_score_without_notes_is_a_file_of_silence(tmp_path, suffix):
    soundfile = pytest.importorskip("soundfile")
    write_sound(Score(480), tmp_path / f"empty.{suffix}", provenance="nothing")
    assert provenance((tmp_path / f"empty.{suffix}").read_bytes()) == "nothing"
    samples, _ = soundfile.read(tmp_path / f"empty.{suffix}")
    assert len(samples) <= 1
    assert not samples.any()


def test_the_serial_number_of_an_ogg_file_is_taken_out_and_its_checksums_hold():
    soundfile = pytest.importorskip("soundfile")

    def drawn(seed):
        buffer = io.BytesIO()
        noise = np.random.default_rng(seed).standard_normal((90_000, 2)) / 10
        soundfile.write(buffer, noise, 44100, format="OGG", subtype="VORBIS")
        return buffer.getvalue()

    raw = drawn(0)
    data = xiph.normalized(raw)
    pages = list(xiph._pages(data))
    assert len(pages) > 3
    assert {page[14:18] for page in pages} == {bytes(4)}
    for page, before in zip(pages, xiph._pages(raw), strict=True):
        # the encoder's own checksums agree with ours: the polynomial is right
        blank = before[:22] + bytes(4) + before[26:]
        assert xiph.checksum(blank) == int.from_bytes(before[22:26], "little")
        assert xiph.checksum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")
    np.testing.assert_array_equal(soundfile.read(io.BytesIO(data))[0], soundfile.read(io.BytesIO(raw))[0])
    other = bytearray(raw)
    other[14] ^= 1
    assert xiph.normalized(bytes(other))[:200] == data[:200]


@pytest.mark.parametrize(
    "data", [b"", b"something else", b"RIFF", b"fLaC", b"fLaC\x84\0\0\x08abcd", b"OggS", b"OggS" * 20]
)
def test_damaged_files_say_nothing_of_their_making(data):
    assert provenance(data) == ""


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
def test_cut_files_say_nothing_or_the_truth(score, tmp_path, suffix):
    pytest.importorskip("soundfile")
    write_sound(score, tmp_path / f"take.{suffix}", provenance="seed 1")
    data = (tmp_path / f"take.{suffix}").read_bytes()
    assert {provenance(data[:n]) for n in range(300)} <= {"", "seed 1"}


def test_without_soundfile_the_error_says_what_to_install(score, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"stochastic-music\[sound\]") as refused:
        write_sound(score, tmp_path / "take.flac")
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())
    write_sound(score, tmp_path / "take.wav")
    assert _optional.available("wave")


def test_another_suffix_is_refused_by_name(score, tmp_path):
    with pytest.raises(UnknownNameError, match=r"'\.mp3'.*\.flac, \.ogg, \.wav"):
        write_sound(score, tmp_path / "take.mp3")

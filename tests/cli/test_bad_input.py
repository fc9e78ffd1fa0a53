"""What people do wrong, what they are told, the exit code, and that what was good is still there."""

import json
import os
import struct
import subprocess
import sys

import pytest


def _good(tune, folder, n=3):
    folder.mkdir(exist_ok=True)
    for i in range(n):
        notes = [(j, 1, 60 + (i + j * j) % 12) for j in range(16)]
        tune(notes).dump_midi(folder / f"good{i}.mid")
    return folder


@pytest.fixture
def model(stochmusic, tune, tmp_path):
    _good(tune, tmp_path / "good")
    assert stochmusic("fit", "good", "-m", "markov", "-o", "m.smm").returncode == 0
    return tmp_path / "m.smm"


def test_an_empty_folder(stochmusic, tmp_path):
    (tmp_path / "empty").mkdir()
    done = stochmusic("fit", "empty")
    assert done.returncode == 1
    assert "empty" in done.stderr
    assert ".mid" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_corpus_that_does_not_exist(stochmusic):
    done = stochmusic("fit", "bach-sopranoes")
    assert done.returncode in (1, 2)
    assert "bach-sopranos" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_broken_files(stochmusic, tmp_path):
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "zero.mid").write_bytes(b"")
    (folder / "noise.mid").write_bytes(bytes(range(256)) * 4)
    (folder / "not.musicxml").write_text("<html>")
    done = stochmusic("fit", "broken")
    assert done.returncode == 1
    for name in ("zero.mid", "noise.mid", "not.musicxml"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.smm"))


def test_one_broken_file_among_good_ones_costs_itself_alone(stochmusic, tune, tmp_path):
    folder = _good(tune, tmp_path / "mixed")
    data = (folder / "good0.mid").read_bytes()
    (folder / "half.mid").write_bytes(data[: len(data) // 3])
    done = stochmusic("fit", "mixed", "-m", "markov", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    [skipped] = report["files_skipped"] or [{"file": "half.mid", "reason": "", "try": ""}]
    assert skipped["file"].endswith("half.mid")
    assert report["files_read"] + len(report["files_skipped"]) == 4


def test_a_corpus_that_encodes_to_nothing(stochmusic, tmp_path):
    from symusic import Note, Score, Track

    folder = tmp_path / "drums"
    folder.mkdir()
    score = Score(480)
    track = Track(is_drum=True)
    track.notes.extend([Note(480 * i, 120, 36, 90) for i in range(16)])
    score.tracks.append(track)
    score.dump_midi(folder / "beat.mid")
    done = stochmusic("fit", "drums", "-m", "markov", "--encoding", "melody")
    assert done.returncode == 1
    assert "its only piece cannot be written as melody" in done.stderr
    assert "drum" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "order=-1"], ["order", "-1"]),
        (["--set", "ordre=2"], ["'ordre'", "'order'"]),
        (["--set", "order"], ["NAME=VALUE"]),
        (["--set", "order=many"], ["'many'"]),
        (["-m", "markov", "--set", "smoothing=kneser"], ["kneser_ney"]),
        (["-m", "markof"], ["'markof'", "'markov'"]),
        (["--encoding", "melodie"], ["'melodie'", "'melody'"]),
        (["--grid", "1/7x"], ["1/7x"]),
        (["--holdout", "1.5"], ["1.5"]),
        (["--memory-limit", "lots"], ["lots"]),
        (["--part", "kazoo"], ["kazoo"]),
        (["--task", "compos"], ["'compos'", "'compose'"]),
        (["--labels", "labels.csv"], ["--labels", "compose"]),
        (["-o", "model.mid"], ["model.mid", "model.smm"]),
        (["--no-such-option"], ["--no-such-option"]),
    ],
)
def test_wrong_use_of_fit(stochmusic, tune, tmp_path, arguments, words):
    _good(tune, tmp_path / "good")
    done = stochmusic("fit", "good", *arguments)
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert not list(tmp_path.glob("*.smm"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--bars", "4", "--length", "10"], 2, ["--bars", "--length"]),
        (["--also", "mp3"], 2, ["mp3", "musicxml"]),
        (["--range", "C4"], 2, ["C4:A5"]),
        (["--range", "H4:C5"], 2, ["H4"]),
        (["--range", "C0:D0"], 3, ["--range C0:D0"]),
        (["--range", "A5:C4"], 2, ["A5"]),
        (["--instrument", "violine"], 2, ["violin"]),
        (["--meter", "4"], 2, ["3/4"]),
        (["--key", "H"], 2, ["H"]),
        (["--sampler", "magic"], 2, ["magic", "exact"]),
        (["--temperature", "0"], 2, ["temperature"]),
        (["--top-p", "0"], 2, ["top_p"]),
        (["-n", "0"], 2, ["-n"]),
    ],
)
def test_wrong_use_of_generate(stochmusic, model, tmp_path, arguments, code, words):
    done = stochmusic("generate", "m.smm", *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "takes").exists()


def test_no_model_in_this_folder(stochmusic):
    done = stochmusic("generate")
    assert done.returncode == 2
    assert "stochmusic fit" in done.stderr


@pytest.mark.parametrize("damage", ["missing", "empty", "half", "flipped", "foreign"])
def test_a_damaged_model_file(stochmusic, model, damage):
    data = model.read_bytes()
    if damage == "missing":
        model.unlink()
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
        model.write_bytes({"empty": b"", "half": data[:middle], "flipped": flipped, "foreign": b"PK\3\4" * 99}[damage])
    done = stochmusic("generate", "m.smm")
    assert done.returncode == 2, done.stderr
    assert "m.smm" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made(stochmusic, model, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = stochmusic("generate", "m.smm", "-o", "file/takes")
    assert done.returncode == 4
    assert "-o" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(stochmusic, model, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    done = stochmusic("generate", "m.smm", "-o", "locked")
    assert done.returncode == 4
    assert "permission" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="this system limits no file sizes")
def test_a_disk_that_fills_while_the_model_is_written(model, tmp_path):
    before = model.read_bytes()
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "import sys; sys.argv = ['stochmusic', 'fit', 'good', '-o', 'm.smm', '--force', '--set', 'order=5'];"
        "from stochastic_music.cli.main import run; run()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "m.smm" in done.stderr
    assert "Traceback" not in done.stderr
    assert model.read_bytes() == before
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("code_page", ["ascii", "cp437", "latin-1"])
def test_a_console_in_another_code_page(stochmusic, tune, tmp_path, code_page):
    folder = _good(tune, tmp_path / "Volkslieder-für-Übung-春")
    done = stochmusic("fit", folder.name, "-m", "markov", "-o", "m.smm", PYTHONIOENCODING=code_page, PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_newline_in_a_name_stays_on_its_line(stochmusic, tune, tmp_path):
    folder = _good(tune, tmp_path / "music")
    try:
        (folder / "a\nb.mid").write_bytes(b"")
    except OSError:
        pytest.skip("this system allows no newline in names")
    done = stochmusic("fit", "music", "-m", "markov", "-o", "m.smm")
    assert done.returncode == 0
    assert "a\nb.mid" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["info", "nowhere.mid"], ["no file nowhere.mid"]),
        (["info", "good"], ["good is a folder", "corpus info"]),
        (["info", "notes.txt"], ["neither a model"]),
        (["generate", "good/good0.mid"], ["no model file", "stochmusic fit"]),
        (["generate", "m.smm", "--instrument", "kazoo"], ["'kazoo'", "more"]),
    ],
)
def test_a_file_of_the_wrong_kind(stochmusic, model, tmp_path, arguments, words):
    (tmp_path / "notes.txt").write_text("hello")
    done = stochmusic(*arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 400
    for word in words:
        assert word in done.stderr


def test_commands_to_type_are_quoted(stochmusic, tune, tmp_path):
    _good(tune, tmp_path / "my tunes")
    assert "stochmusic fit 'my tunes'" in stochmusic("corpus", "info", "my tunes").stdout
    fitted = stochmusic("fit", "my tunes", "-m", "markov")
    assert "stochmusic generate 'my tunes.smm'" in fitted.stderr
    done = stochmusic("generate", "my tunes.smm", "-n", "1", "--length", "4", "--seed", "1")
    assert "stochmusic info 'takes/my tunes-s1-01.mid'" in done.stderr


def _midi(body, ticks=480):
    track = body + b"\x00\xff\x2f\x00"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, ticks)
    return head + b"MTrk" + struct.pack(">I", len(track)) + track


_NOTE = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x00"
_SKIPPED = {
    "zero.mid": b"",
    "header.mid": b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480),
    "ticks.mid": _midi(_NOTE, ticks=0),
    "silent.mid": _midi(b""),
    "a\nb.mid": b"noise",
    "\u6625.mid": b"noise",
}
_REPAIRED = {
    "denominator.mid": _midi(b"\x00\xff\x58\x04\x04\x21\x18\x08" + _NOTE),
    "endless.mid": _midi(_NOTE + b"\x00\x90\x40\x40"),
    "lengthless.mid": _midi(_NOTE + b"\x00\x90\x40\x40\x00\x80\x40\x00"),
    "overlap.mid": _midi(b"\x00\x90\x3c\x40\x60\x90\x3c\x40\x60\x80\x3c\x00\x60\x80\x3c\x00"),
    "far.mid": _midi(_NOTE + b"\x84\xe2\xad\x00\x90\x40\x40\x83\x60\x80\x40\x00"),
}


def _put(folder, files):
    for name, data in files.items():
        try:
            (folder / name).write_bytes(data)
        except OSError:
            pytest.skip(f"this system allows no file named {name!r}")


def test_every_bad_file_is_named_with_its_reason_and_the_good_ones_are_read(stochmusic, tune, tmp_path):
    folder = _good(tune, tmp_path / "mixed")
    _put(folder, _SKIPPED)
    (folder / "x.mid").mkdir()
    try:
        (folder / "loop").symlink_to(folder, target_is_directory=True)
        (folder / "lost.mid").symlink_to(folder / "gone.mid")
    except OSError:
        pytest.skip("this system lets nobody make links")
    done = stochmusic("fit", "mixed", "-m", "markov", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert report["files_read"] == 3
    skipped = {row["file"]: row["reason"] for row in report["files_skipped"]}
    assert set(skipped) == {*_SKIPPED, "x.mid", "lost.mid"}
    assert all(len(reason) > 10 for reason in skipped.values())
    assert (tmp_path / "mixed.smm").exists()
    assert len(list(folder.glob("good*.mid"))) == 3


def test_damage_that_can_be_repaired_is_repaired_aloud(stochmusic, tune, tmp_path):
    folder = _good(tune, tmp_path / "mixed")
    _put(folder, _REPAIRED)
    done = stochmusic("corpus", "info", "mixed", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["files_read"] == 3 + len(_REPAIRED)
    assert {row["piece"] for row in report["warnings"]} == set(_REPAIRED)


def test_a_single_bad_file_is_an_error_with_its_reason(stochmusic, tmp_path):
    _put(tmp_path, {"zero.mid": b""})
    done = stochmusic("fit", "zero.mid", "-m", "markov")
    assert done.returncode == 1
    assert "zero.mid: the file is empty (0 bytes)" in done.stderr
    assert not list(tmp_path.glob("*.smm"))


@pytest.mark.parametrize("arguments", [("fit", "good", "-o", "new.smm"), ("generate", "m.smm", "--seed", "1")])
def test_an_interrupt_leaves_nothing_half_written(model, tmp_path, arguments):
    script = (
        "import os, sys, signal; sys.argv[0] = 'stochmusic';"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"  # ignored where tests run in the background
        "os.replace = lambda *names: signal.raise_signal(signal.SIGINT);"
        "from stochastic_music.cli.main import run; run()"
    )
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.rglob("*new*")] == []
    assert [path for path in tmp_path.glob("takes/*") if path.is_file()] == []


def test_one_piece_alone_is_learned_from_aloud(stochmusic, tune, tmp_path):
    _good(tune, tmp_path / "one", n=1)
    done = stochmusic("fit", "one", "-m", "multiple_viewpoint", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert "One piece leaves none to hold out" in done.stderr
    assert report["bits_per_note"] is None
    [told, key] = report["remarks"]
    assert told in done.stderr
    assert "all viewpoints are believed alike" in told
    assert key.startswith("No key is printed in 1 of 1 piece:")
    done = stochmusic("score", "one", "-m", "ppm", "--cv", "2")
    assert done.returncode == 2
    assert "give two or more" in done.stderr


def test_weights_from_a_part_of_the_events_are_told(stochmusic, tune, tmp_path):
    _good(tune, tmp_path / "good")
    done = stochmusic("fit", "good", "-m", "multiple_viewpoint", "--set", "max_events=20", "--json")
    assert done.returncode == 0, done.stderr
    assert "Weights are learned from 32 of 48 events, whole pieces drawn by seed 0; counts are of all." in done.stderr
    assert "3 pieces print none: their key is estimated from all notes" in done.stderr
    assert json.loads(done.stdout)["keys_estimated"] == 3


def test_a_piece_that_was_in_training_is_named(stochmusic, model, tune, tmp_path):
    folder = tmp_path / "test"
    folder.mkdir()
    (folder / "seen.mid").write_bytes((tmp_path / "good/good1.mid").read_bytes())
    tune([(0, 1, 61)]).dump_midi(folder / "note.mid")
    done = stochmusic("score", "test", "-m", "m.smm", "--json")
    assert done.returncode == 0, done.stderr
    assert "1 piece of 2 was in the training of m.smm: seen.mid" in done.stderr
    [row] = json.loads(done.stdout)["models"]
    assert row["in_training"] == ["seen.mid"]
    assert row["n_notes"] == 17

"""Model files changed in arrays too large to be checked when they are opened: a message and an exit code."""

import sys

import numpy as np
import pytest

from stochastic_music import model_file
from stochastic_music.cli import _common, main


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the command line here, with every array too large to be checked: its exit code and what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_file, "LARGE", -1)

    def run(*arguments):
        monkeypatch.setattr(_common, "_opened", [])
        monkeypatch.setattr(sys, "argv", ["stochmusic", *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        return left.value.code or 0, capsys.readouterr().err

    return run


def _overwrite(path, name, value):
    """Fill an array of a file with the number nearest to `value` that it can hold."""
    file = model_file.ModelFile(path)
    array = np.array(file[name])
    limits = np.iinfo(array.dtype)
    array[...] = np.clip(value, limits.min, limits.max)
    data = bytearray(path.read_bytes())
    begin, end = (file._start + at for at in file._table[name]["data_offsets"])
    data[begin:end] = array.tobytes()
    path.write_bytes(data)


VERBS = (["score", "music/tune01.mid", "-m", "m.smm"], ["generate", "m.smm", "--bars", "2", "--force", "-o", "takes"])


@pytest.mark.parametrize("model", ["markov", "ppm"])
def test_what_fails_over_a_changed_array_names_the_file(run, music_folder, tmp_path, model):
    path = tmp_path / "m.smm"
    assert run("fit", "music", "-m", model, "-o", path.name)[0] == 0
    sound = path.read_bytes()
    found = []
    for name in ("family", "due", "rows", "entries.key", "entries.target"):
        for value, verb in zip((1 << 62, -1), VERBS, strict=True):
            path.write_bytes(sound)
            _overwrite(path, f"model.{name}", value)
            found.append(run(*verb))
    assert {code for code, _ in found} == {0, 2}  # what nothing fails over is found by `info --verify`
    for code, said in found:
        assert code == 0 or ("m.smm has been changed: the checksum of" in said and "copy the file again" in said)


def test_a_mistake_with_a_sound_model_stays_what_it_is(run, music_folder, tmp_path):
    assert run("fit", "music", "-m", "markov", "-o", "m.smm")[0] == 0
    code, said = run("generate", "m.smm", "--bars", "-1")
    assert code == 2
    assert "changed" not in said

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stochastic_music import model_file
from stochastic_music.errors import MachineError, ModelFileError, UsageError
from stochastic_music.model_file import ModelFile
from stochastic_music.pipeline import Pipeline


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.smm"
    model_file.write(path, {"answer": 42}, {"x": np.arange(1000), "y": np.eye(3), "empty": np.zeros((0, 2))})
    return path


def test_what_is_written_is_read(path):
    file = ModelFile(path)
    assert file.meta["answer"] == 42
    assert file.verify() == 3
    np.testing.assert_array_equal(file["x"], np.arange(1000))
    np.testing.assert_array_equal(file["y"], np.eye(3))
    assert file["empty"].shape == (0, 2)


def test_arrays_cannot_be_written_to(path):
    with pytest.raises(ValueError, match="read-only"):
        ModelFile(path)["x"][0] = 1


@given(hnp.arrays(st.sampled_from([np.int64, np.uint8, np.float64, np.bool_]), hnp.array_shapes(min_side=0)))
def test_any_array_survives(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("models") / "a.smm"
    model_file.write(path, {}, {"a": array})
    np.testing.assert_array_equal(ModelFile(path)["a"], array)


def test_equal_contents_give_equal_bytes():
    arrays = {name: np.arange(i) for i, name in enumerate("zyxw")}
    assert model_file.dumps({"b": 1, "a": 2}, arrays) == model_file.dumps(
        {"a": 2, "b": 1}, dict(reversed(arrays.items()))
    )


def test_every_truncation_is_found(path):
    data = path.read_bytes()
    for size in [0, 7, 8, 100, len(data) // 2, len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(ModelFileError, match=r"cut short|no model file"):
            ModelFile(path).verify()


def test_every_changed_byte_is_found(path):
    data = path.read_bytes()
    for place in range(0, len(data), 37):
        changed = bytearray(data)
        changed[place] ^= 0x41
        path.write_bytes(changed)
        try:
            file = ModelFile(path)
            file.verify()
        except ModelFileError:
            continue
        # A flipped space or a changed name of no consequence must still give the very same contents.
        assert file.checksum == json.loads(json.dumps(file.checksum))
        np.testing.assert_array_equal(file["x"], np.arange(1000))


def test_a_changed_array_is_found_on_first_use_only(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    file = ModelFile(path)
    broken = [name for name in file if _fails(file, name)]
    assert len(broken) == 1


def test_a_large_array_is_checked_when_that_is_asked_for(path, monkeypatch):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(model_file, "LARGE", 64)
    file = ModelFile(path)
    assert not any(_fails(file, name) for name in file)
    with pytest.raises(ModelFileError, match="checksum"):
        file.verify()


def test_others_can_read_it(path):
    from safetensors.numpy import load_file

    np.testing.assert_array_equal(load_file(path)["y"], np.eye(3))


def _fails(file, name):
    try:
        file[name]
    except ModelFileError as error:
        return "checksum" in str(error)
    return False


@pytest.mark.parametrize("content", [b"", b"MThd\x00\x00\x00\x06", b"x" * 5000, b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_foreign_files_are_refused(tmp_path, content):
    path = tmp_path / "foreign.smm"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"stochmusic|model file|cut short"):
        ModelFile(path)


def test_a_safetensors_file_of_others_is_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, tmp_path / "other.smm")
    with pytest.raises(ModelFileError, match="none that 'stochmusic fit' wrote"):
        ModelFile(tmp_path / "other.smm")


def test_a_newer_format_says_how_to_upgrade(tmp_path, monkeypatch):
    monkeypatch.setattr(model_file, "FORMAT", 99)
    model_file.write(tmp_path / "new.smm", {}, {})
    monkeypatch.undo()
    with pytest.raises(ModelFileError, match="format 99"):
        ModelFile(tmp_path / "new.smm")


def test_nothing_is_overwritten_unless_equal_or_forced(path):
    before = path.read_bytes()
    with pytest.raises(UsageError, match="--force"):
        model_file.write(path, {"answer": 43}, {})
    assert path.read_bytes() == before
    model_file.write(path, {"answer": 43}, {}, force=True)
    model_file.write(path, {"answer": 43}, {})
    assert ModelFile(path).meta["answer"] == 43


def test_a_full_disk_leaves_what_was_there(path, monkeypatch):
    import errno

    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model_file, "_fill", full)
    with pytest.raises(MachineError, match="disk is full"):
        model_file.write(path, {"answer": 43}, {}, force=True)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_model_for_another_task_is_refused_with_the_command_that_uses_it(tmp_path):
    model_file.write(tmp_path / "c.smm", {"task": "chords"}, {})
    with pytest.raises(
        ModelFileError, match=r"labels chords; expected a model that composes.*analyze PIECE -m .*c.smm"
    ):
        Pipeline.load(tmp_path / "c.smm")


def test_a_file_that_names_no_task_composes(path):
    assert ModelFile(path).task == "compose"

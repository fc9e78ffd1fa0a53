"""`stochmusic doctor`: what it finds, what it says of it, and what it makes of libraries that are broken."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from stochastic_music import _backends, _optional
from stochastic_music.cli import _health, _libraries, _self_test, doctor
from stochastic_music.errors import MachineError

ROOT = Path(__file__).parents[2]
KEYS = {
    *("schema", "stochastic_music", "python", "system", "interpreter", "core", "missing", "broken", "optional"),
    *("extras", "back_ends", "gpu", "fluidsynth", "cache", "self_test", "ok"),
}


@pytest.fixture(scope="module")
def found():
    """What doctor says of the machine that the tests run on: the object, and the lines."""
    done = subprocess.run(
        [sys.executable, "-m", "stochastic_music.cli.main", "doctor", "--json"],
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.fixture
def stubs(tmp_path, monkeypatch):
    """Modules that load as their source says, found before all others here and in further processes."""

    def make(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    return make


@pytest.fixture
def small(monkeypatch):
    """A doctor that knows few libraries, so that it is quick."""

    def choose(core=("numpy",), **extras):
        monkeypatch.setattr(_libraries, "CORE", core)
        monkeypatch.setattr(_libraries, "EXTRAS", extras)
        monkeypatch.setattr(_libraries, "WHERE_THEY_EXIST", {})
        monkeypatch.setattr(_health, "WHERE_THEY_EXIST", {})

    return choose


def examine(capsys):
    """The object and the lines of a run in this process, and the error that ended it, if one did."""
    try:
        doctor.doctor(as_json=True)
        error = None
    except MachineError as raised:
        error = raised
    said = capsys.readouterr()
    return json.loads(said.out), said.err, error


def test_all_is_well_here(found):
    report, said = found
    assert set(report) == KEYS
    assert report["ok"]
    assert said.splitlines()[-1] == "All is well."
    assert report["missing"] == []
    assert report["broken"] == {}
    assert report["back_ends"] == {name: _backends.present(name) for name in _backends.BACKENDS}
    assert report["gpu"] == _backends.gpu()[1]
    assert report["gpu"] in said
    assert set(report["cache"]) == {"folder", "writable", "files", "bytes"}
    assert {"hmmlearn", "sklearn_crfsuite", "pomegranate", "miditok", "torch"} <= set(report["optional"])


def test_every_line_says_ok_or_what_to_do(found):
    report, said = found
    assert said.splitlines() == _health.lines(report)
    for line in said.splitlines():
        if line.startswith("  "):
            state = line[20:27].strip()
            assert state == "ok" or (state == "absent" and len(line) > 30), line


def test_the_self_test_took_every_step(found):
    steps = found[0]["self_test"]["steps"]
    assert [step["name"] for step in steps] == ["learn", "compose", "engrave", "play", "page", "read back"]
    assert all(step["ok"] for step in steps)


def test_extras_are_those_of_the_package():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = [name for extra, about in _libraries.EXTRAS.items() for name in about.names or (extra,)]
    assert sorted(names) == sorted(set(declared) - {"docs", "test"})
    for about in _libraries.EXTRAS.values():
        for module in set(about.modules) - {"ipykernel", "nbclient"}:
            assert module in _optional._INSTALL


def test_broken_absent_and_well_are_told_apart(stubs, small, capsys):
    stubs(
        well="",
        refuses="raise ImportError('libsound.so.7: cannot open shared object file')",
        falls="import os\nos._exit(3)",
        after="",
    )
    small(
        good=_libraries.Extra("music", ("well",)),
        bad=_libraries.Extra("sound", ("refuses", "falls", "after")),
        none=_libraries.Extra("pictures", ("nobody_has_this",), ("one", "two")),
    )
    report, said, error = examine(capsys)
    assert error is None
    assert report["ok"]
    states = {name: extra["state"] for name, extra in report["extras"].items()}
    assert states == {"good": "ok", "bad": "broken", "none": "absent"}
    assert report["broken"] == {
        "refuses": "ImportError: libsound.so.7: cannot open shared object file",
        "falls": "it brings the interpreter down",
    }
    assert "pip install --force-reinstall refuses falls" in said
    assert 'pip install "stochastic-music[one]" or pip install "stochastic-music[two]"' in said
    assert said.splitlines()[-1] == "The core is well; what is broken: bad."


@pytest.mark.parametrize(
    ("core", "word", "list_of_it"),
    [(("numpy", "torn"), "BROKEN", "broken"), (("numpy", "nobody_has_this"), "MISSING", "missing")],
)
def test_a_core_that_is_not_whole_ends_with_exit_code_4(stubs, small, capsys, core, word, list_of_it):
    stubs(torn="raise OSError('half a file')")
    small(core)
    report, said, error = examine(capsys)
    assert error.exit_code == 4
    assert core[1] in str(error)
    assert "pip install --force-reinstall stochastic-music" in str(error)
    assert not report["ok"]
    assert set(report) == KEYS
    assert list(report[list_of_it]) == [core[1]]
    assert f"{core[1]:<17} {word}" in said
    assert said.splitlines()[-1] == "Not all is well."


def test_a_step_that_fails_is_named_with_its_reason(small, capsys, monkeypatch):
    small()
    monkeypatch.setattr("stochastic_music.render.audio.to_wav", lambda _: b"silence")
    report, said, error = examine(capsys)
    assert error.exit_code == 4
    assert "the self-test failed (play)" in str(error)
    assert "play              FAILED  ValueError: the sound is no WAV" in said
    assert [step["name"] for step in report["self_test"]["steps"] if not step["ok"]] == ["play"]


def test_steps_that_stand_on_one_that_failed_say_so(monkeypatch):
    monkeypatch.setitem(_self_test._STEPS, "learn", lambda _: 1 / 0)
    steps = {step.name: step for step in _self_test.self_test()}
    assert steps["learn"].said == "ZeroDivisionError: division by zero"
    assert steps["compose"].said == "there is no pipeline to work on"
    assert steps["page"].said == "there is no score to work on"
    assert not any(step.ok for step in steps.values() if step.name != "engrave" or not step.left_out)


def test_without_the_extra_engraving_is_left_out(monkeypatch):
    monkeypatch.setattr(_optional, "available", lambda _: False)
    steps = {step.name: step for step in _self_test.self_test()}
    assert steps["engrave"].left_out
    assert steps["engrave"].said == "the extra notation is absent"
    assert all(step.ok for step in steps.values())


def test_a_cache_that_cannot_be_written_is_told_with_the_remedy(found):
    report = {**found[0], "cache": {"folder": "/media/stick", "writable": False, "files": 3, "bytes": 2_500_000}}
    line = next(line for line in _health.lines(report) if line.startswith("  cache"))
    assert "REFUSED" in line
    assert "/media/stick (3 files, 2.5 MB)" in line
    assert "STOCHASTIC_MUSIC_CACHE" in line

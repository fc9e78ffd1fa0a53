"""What docs/how_to/classroom.md shows of `stochmusic doctor` is what it prints, name by name and word by word."""

import re
from pathlib import Path

import pytest

from stochastic_music.cli import _health, _libraries, _self_test

PAGE = Path(__file__).parents[2] / "docs/how_to/classroom.md"
EXTRAS = ("notation", "sound", "notebook")


@pytest.fixture(scope="module")
def shown():
    """The lines of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return re.search(r"test_classroom_page\.py -->\n```text\n(.*?)```", text, re.S)[1].splitlines()


def found(shown, name, pattern):
    line = next(line for line in shown if line.startswith(f"  {name} "))
    return re.search(pattern, line)[1]


def libraries(shown):
    """What is installed on the laptop of the page, with the versions that it shows."""
    core = {module: found(shown, module, r" ok +(\S+)$") for module in _libraries.CORE}
    own = {module: found(shown, module, r"\(([\d.]+)\)$") for module in _libraries.WHERE_THEY_EXIST}
    extras = {
        module: found(shown, name, rf"{module} ([\d.]+)") if name in EXTRAS else None
        for name, extra in _libraries.EXTRAS.items()
        for module in extra.modules
    }
    return {module: version and _libraries.Library(version) for module, version in (core | own | extras).items()}


def test_the_page_shows_what_doctor_prints(shown):
    there = libraries(shown)
    versions = {module: library and library.version for module, library in there.items()}
    steps = [_self_test.Step(name, float(found(shown, name, r"([\d.]+) s$"))) for name in _self_test._STEPS]
    version, python, system = re.fullmatch(r"stochastic_music (\S+) on Python (\S+), (.+)", shown[0]).groups()
    report = {
        "stochastic_music": version,
        "python": python,
        "system": system,
        "core": {module: versions[module] for module in _libraries.CORE},
        "missing": [],
        "broken": {},
        "optional": versions,
        "extras": _libraries.about_extras(there),
        "back_ends": {"cupy": False, "numba": False, "numpy": True},
        "gpu": "no GPU back end is installed (extra gpu12 or gpu13)",
        "fluidsynth": {"program": None, "soundfont": None},
        "cache": {"folder": "/home/pupil/.cache/stochastic_music", "writable": True, "files": 2, "bytes": 293_633},
        "self_test": {"steps": [{**step._asdict(), "ok": step.ok} for step in steps]},
        "ok": True,
    }
    assert _health.lines(report) == shown
    assert sum(step.seconds for step in steps) < 2


def test_the_page_installs_what_doctor_finds_there():
    [line] = set(re.findall(r'"stochastic-music\[([a-z,]+)\]" jupyterlab', PAGE.read_text(encoding="utf-8")))
    assert tuple(line.split(",")) == EXTRAS

"""The door to the benchmarks, short of opening it: what it lists, and what it would install."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import _table  # noqa: E402, scripts and not a package


def run(*arguments):
    command = [sys.executable, BENCHMARKS / "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def made(pattern):
    return [path for folder in ("quality", "speed") for path in (BENCHMARKS / folder).rglob(pattern)]


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_every_table_is_listed_with_its_question(arguments):
    done = run(*arguments)
    assert done.returncode == 0
    lines = dict(line.strip().partition(" ")[::2] for line in done.stdout.splitlines()[2:])
    scripts = {path.stem for path in made("*.py") if path.name[0] != "_"}
    assert set(lines) == scripts
    assert {path.stem for path in made("*.md")} - {"README"} <= scripts
    assert all(len(question.split()) > 5 for question in lines.values())


def test_an_unknown_table_is_named():
    done = run("melodies")
    assert done.returncode == 2
    assert "no table 'melodies'" in done.stderr
    assert "melody" in done.stderr


def test_every_version_is_frozen():
    lines = (BENCHMARKS / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.partition("==") for line in lines if not line.startswith("#")]
    assert all(equals and version[0].isdigit() for _, equals, version in names)
    assert {"numpy", "scipy", "symusic", "music21", "nltk", "hatchling"} <= {name for name, _, _ in names}


@pytest.mark.parametrize("name", ["speed", "quality/statistical_vs_neural"])
def test_the_page_of_a_folder_holds_its_tables_as_they_are(name):
    folder = BENCHMARKS / name
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert page == _table.gathered(page, _table.tables(folder))

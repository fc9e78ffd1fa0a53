"""A third party's model: installed beside us, listed, fitted, composing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin"


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Install the example package into a folder of its own, and put that on the path."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(folder),
        str(PLUGIN),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def test_it_is_listed_with_its_package(stochmusic, installed):
    rows = json.loads(stochmusic("models", "--json", **installed).stdout)["models"]
    assert [row["package"] for row in rows if row["name"] == "echo"] == ["stochmusic-echo"]


def test_it_fits_and_composes(stochmusic, installed, music_folder):
    done = stochmusic("fit", "music", "-m", "echo", "--set", "memory=0.5", **installed)
    assert done.returncode == 0, done.stderr
    done = stochmusic("generate", "-n", "2", "--bars", "4", "--seed", "1", "--json", **installed)
    assert done.returncode == 0, done.stderr
    assert {row["guarantee"] for row in json.loads(done.stdout)["files"]} == {"particle"}
    assert json.loads(stochmusic("info", "music.smm", "--json").stdout)["parameters"] == {
        "strength": 0.2,
        "memory": 0.5,
    }


def test_its_model_file_without_the_package_names_what_is_missing(stochmusic, installed, music_folder):
    assert stochmusic("fit", "music", "-m", "echo", **installed).returncode == 0
    done = stochmusic("generate")
    assert done.returncode == 2
    assert "'echo'" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_meets_the_contract(installed):
    script = "from stochastic_music.testing import check_model; from stochmusic_echo import Echo; check_model(Echo())"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **installed}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_its_feature_can_stand_in_templates(installed):
    script = """
from stochastic_music import registry
from stochastic_music.models.crf import CRF
assert registry.names("features")["leap"].package == "stochmusic-echo"
piece = [{"bass": 0}, {"bass": 7}, {"bass": 9}]
crf = CRF(["bass", "leap*bass"]).fit([piece], [["C", "G", "Am"]])
print(*(name for name in crf.attributes_ if name.startswith("leap")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **installed}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["leap*bass=goes|0", "leap*bass=comes|7"]


def test_its_metric_is_found_and_meets_the_contract(installed):
    script = """
from stochastic_music import registry
from stochastic_music.evaluation.music import described
from stochastic_music.testing import check_metric
again = registry.get("metrics", "again")
check_metric(again)
print(described("again", again).title)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **installed}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "notes that come again"

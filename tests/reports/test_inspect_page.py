"""The page on looking inside runs as it stands: its Python, and its commands on a small model."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from stochastic_music import PPM, Corpus, MelodyEncoding, Pipeline
from stochastic_music.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "inspect.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


def test_the_python_runs(capsys):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    said = capsys.readouterr().out
    assert "After E4 F4: G4 " in said
    assert "'next': 'G4'" in said
    assert set(names["matrix"]) == {"from", "to", "heard", "probability", "count"}
    assert names["figure"].axes


def test_the_commands_run(monkeypatch, tmp_path):
    """All but the first, which fits a model of a built-in corpus: a small one stands in for it. Chains run shortly."""
    monkeypatch.chdir(tmp_path)
    tune = Corpus.from_text("4/4 c4 d e c c d e c e f g a g a g2 a4 g f e d2 c2")
    Pipeline(MelodyEncoding(), PPM()).fit(tune).save(tmp_path / "small.smm")
    assert COMMANDS[0].startswith("stochmusic fit bach-sopranos -m ppm")
    for command in COMMANDS[1:]:
        monkeypatch.setattr(sys, "argv", shlex.split(command.replace("--steps 2000", "--steps 20")))
        with pytest.raises(SystemExit) as left:
            main.run()
        assert not left.value.code, command
    assert {path.name for path in tmp_path.iterdir()} >= {"inside.png", "traces.png", "how"}

"""Training that is killed goes on from its checkpoint to what it would have come to."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from tests.models.neural import killed
from tests.models.neural.pupils import flat

ROOT = Path(__file__).parents[3]


def test_killed_at_any_epoch_and_gone_on_is_the_same_as_in_one_go(tmp_path):
    path, epoch = tmp_path / "fit.ckpt", random.Random(torch.__version__).randint(2, 9)
    command = [sys.executable, "-m", killed.__name__, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= epoch:
                process.kill()
                break
        process.wait()
    assert path.exists()
    resumed, history = killed.fit(path)
    at_once, expected = killed.fit()
    assert flat(resumed).tobytes() == flat(at_once).tobytes()
    assert history == expected
    assert not path.exists()

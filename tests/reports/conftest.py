"""Small music to compare models on, and kinds of models that misbehave."""

from __future__ import annotations

import importlib
import json
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.reports.browser import browser

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def made():
    """A report as `compare` wrote it, for whatever reads reports."""
    return json.loads((HERE / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def tunes(tune):
    """A corpus of twelve tunes of sixteen notes, no two of them variants."""
    import numpy as np

    from stochastic_music.corpus import Corpus

    steps = [60, 62, 64, 65, 67, 69, 71, 72]
    random = np.random.default_rng(0)
    walks = [np.clip(3 + np.cumsum(random.integers(-2, 3, 16)), 0, 7) for _ in range(12)]
    return Corpus.from_scores([tune([(i, 1, steps[k]) for i, k in enumerate(walk)]) for walk in walks])


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """Intervals of features are not what these tests look at."""
    from stochastic_music.evaluation.music import compared
    from stochastic_music.reports.comparison import heard

    monkeypatch.setattr(heard, "compared", partial(compared, n_resamples=2))


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Comparisons write pages without drawing; `index_page` has tests of its own."""
    from stochastic_music.reports.comparison import comparing

    monkeypatch.setattr(comparing, "index_page", lambda made: f"page of {made['title']}")


@pytest.fixture
def at_hand(monkeypatch):
    """Cells at work in this process, one at a time, for tests that are not about processes."""
    from stochastic_music.reports.comparison import running

    turn = threading.Lock()

    class Hand:
        def do(self, _, function, *args):
            with turn:
                return function(*args)

        def end(self):
            pass

    monkeypatch.setattr(running, "Hand", Hand)


@pytest.fixture
def misbehaving(tmp_path, monkeypatch):
    """Kinds `slow`, `failing`, `patient` and `mute`, registered by a package that workers find too."""
    folder = tmp_path / "site" / "misbehaving-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: misbehaving\nVersion: 1.0\n")
    names = {"slow": "Slow", "failing": "Failing", "patient": "Patient", "mute": "Mute"}
    lines = [f"{name} = kinds_that_misbehave:{cls}" for name, cls in names.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[stochastic_music.models]", *lines]) + "\n")
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.syspath_prepend(str(folder.parent))
    importlib.invalidate_caches()


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    """A browser, for the tests of a file."""
    with browser(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest.fixture
def opened(window, tmp_path):
    """Shows a page in the browser, and gives the browser back."""

    def opened(page):
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        window.open(path)
        return window

    return opened

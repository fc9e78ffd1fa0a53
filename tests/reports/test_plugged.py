"""Metrics of plug-ins in a comparison: means over seeds, in words and tables; those that fail leave their reason."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from stochastic_music import _plugins
from stochastic_music.reports.comparison import heard, means
from stochastic_music.reports.pages.likeness import metrics
from tests.reports.a_report import a_report

GROUP = "stochastic_music.metrics"


def more_notes(generated, reference):
    """How many more notes generated pieces have."""
    mean = [sum(score.note_num() for score in scores) / len(scores) for scores in (generated, reference)]
    return mean[0] - mean[1]


@pytest.fixture
def found(monkeypatch, tune):
    points = [EntryPoint("more_notes", f"{__name__}:more_notes", GROUP), EntryPoint("lost", "no_such_module:f", GROUP)]
    monkeypatch.setattr(_plugins, "entry_points", lambda group: points if group == GROUP else [])
    two, four, six = ([tune([(i, 1, 60) for i in range(n)])] for n in (2, 4, 6))
    return means.metrics([heard.brought(two, four), heard.brought(six, four)])


def test_built_in_ones_are_left_to_the_features(found):
    assert set(found) == {"more_notes", "lost"}


def test_a_model_has_the_mean_over_its_seeds(found):
    assert found["more_notes"]["value"] == 0.0  # 2 and 6 notes beside 4
    assert found["lost"]["value"] is None
    assert "cannot be loaded" in found["lost"]["reason"]


def test_the_page_tells_what_they_mean_and_why_they_are_not_there(found):
    report = a_report()
    report["models"][0]["metrics"] = found
    report["ceiling_metrics"] = {"more_notes": {**found["more_notes"], "value": 0.25}}
    page = "".join(metrics(report).content)
    assert "How many more notes generated pieces have. Closer to the held-out music is better." in page
    assert "cannot be loaded" in page
    assert "<td>0.250</td>" in page
    assert metrics(a_report()) is None

"""Metrics: what they say of themselves, those of plug-ins, and the check for whoever writes one."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from symusic import Note, Score, Track

from stochastic_music import _plugins, registry
from stochastic_music.errors import InvalidParameterError
from stochastic_music.evaluation.music import FEATURES, compared, described, measured
from stochastic_music.testing import check_metric


def piece(*pitches):
    score = Score(480)
    score.tracks.append(Track(notes=[Note(480 * i, 480, p, 80) for i, p in enumerate(pitches)]))
    return score


def more_notes(generated, reference):
    """How many more notes generated pieces have."""
    return sum(s.note_num() for s in generated) / len(generated) - sum(s.note_num() for s in reference) / len(reference)


def failing(generated, reference):
    """Nothing."""
    raise ValueError("no luck")


LOW, HIGH = [piece(60, 62, 64), piece(60, 67), piece(59, 62)], [piece(60, 90), piece(50, 99)]


def test_the_overlaps_are_registered():
    entries = registry.names("metrics")
    assert [f"overlap_{name}" for name in FEATURES] == list(entries)
    found = compared(HIGH, LOW, n_resamples=0)
    for name in FEATURES:
        metric = registry.get("metrics", f"overlap_{name}")
        assert metric(HIGH, LOW) == found[name].overlap.value
        assert described(f"overlap_{name}", metric).better == "higher"


def test_a_plain_function_says_what_it_means():
    told = described("more_notes", more_notes)
    assert told == ("more notes", "How many more notes generated pieces have", "closer")


def test_a_direction_that_is_none():
    def metric(generated, reference):
        return 0.0

    metric.better = "up"
    with pytest.raises(InvalidParameterError, match="expected one of higher, lower, closer"):
        described("metric", metric)


def test_a_metric_that_fails_stops_nothing_else():
    metrics = {"more_notes": more_notes, "failing": failing, "nan": lambda *_: float("nan")}
    loaders = {name: lambda metric=metric: metric for name, metric in metrics.items()}
    loaders["lost"] = _plugins.Entry("lost", "no_such_module:lost", "somebody", "metrics").load
    found = measured(loaders, HIGH, LOW)
    assert "the plug-in 'lost' of somebody cannot be loaded" in found["lost"]["reason"]
    assert found["more_notes"]["value"] == pytest.approx(2 - 7 / 3)
    assert found["failing"] == {"value": None, "reason": "ValueError: no luck"}
    assert found["nan"]["value"] is None


def test_one_of_a_plug_in_is_found(monkeypatch):
    point = EntryPoint("more_notes", f"{__name__}:more_notes", "stochastic_music.metrics")
    monkeypatch.setattr(_plugins, "entry_points", lambda group: [point] if group == point.group else [])
    assert registry.names("metrics")["more_notes"].target == f"{__name__}:more_notes"


def nameless(generated, reference):
    return 0.0


def infinite(generated, reference):
    """Too much."""
    return float("inf")


def ordered(generated, reference):
    """How long the first piece is."""
    return generated[0].note_num()


def wordy(generated, reference):
    """A word."""
    return "good"


def meddling(generated, reference):
    """Changes what it was given."""
    generated[0].tracks.clear()
    return 1.0


@pytest.mark.parametrize(
    ("metric", "complaint"),
    [
        (nameless, "docstring"),
        (infinite, "infinity"),
        (ordered, "order of the pieces"),
        (wordy, "no number"),
        (meddling, "were changed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_check_finds_broken_promises(metric, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_metric(metric)


def test_the_check_lets_a_good_one_pass():
    check_metric(more_notes)

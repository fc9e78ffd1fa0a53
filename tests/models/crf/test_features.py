"""The small language of templates, and what plug-ins add to it."""

from importlib.metadata import EntryPoint

import pytest

from stochastic_music import _plugins, registry
from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.models.crf import features
from stochastic_music.models.crf.features import attributes, parse_template

PIECE = [
    {"pitch_classes": (0, 4, 7), "bass": 0, "metre": 3},
    {"pitch_classes": (2, 7), "bass": 7, "metre": 1},
    {"pitch_classes": (0, 4, 9), "bass": 9},
]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("bass", [["0"], ["7"], ["9"]]),
        ("bass@-1", [["outside"], ["0"], ["7"]]),
        ("bass@+2", [["9"], ["outside"], ["outside"]]),
        ("metre", [["3"], ["1"], []]),
        ("pitch_classes", [["0", "4", "7"], ["2", "7"], ["0", "4", "9"]]),
        ("{pitch_classes}", [["0,4,7"], ["2,7"], ["0,4,9"]]),
        ("bass * pitch_classes@1", [["0|2", "0|7"], ["7|0", "7|4", "7|9"], ["9|outside"]]),
        ("always", [["yes"]] * 3),
        ("position", [["first"], ["inner"], ["last"]]),
        ("bass_step", [[], ["7"], ["2"]]),
        ("{above_bass}", [["0,4,7"], ["0,7"], ["0,3,7"]]),
        ("{kept}", [[""], ["7"], [""]]),
        ("added", [["0", "4", "7"], ["2"], ["0", "4", "9"]]),
        ("left", [["0", "4"], ["2", "7"], ["0", "4", "9"]]),
        ("{held}", [[""], [""], [""]]),
        ("passing", [["0", "4"], ["2"], ["0", "4", "9"]]),
        ("gone", [[], ["0", "4"], ["2", "7"]]),
        ("coming", [["2"], ["0", "4", "9"], []]),
        ("{with_last}", [["0,4,7"], ["0,2,4,7"], ["0,2,4,7,9"]]),
        ("{with_next}", [["0,2,4,7"], ["0,2,4,7,9"], ["0,4,9"]]),
        ("thickness", [["3"], ["2"], ["3"]]),
        ("n_kept", [["0"], ["1"], ["0"]]),
        ("n_both", [["3"], ["4"], ["5"]]),
        ("change", [["more"], ["other"], ["other"]]),
        ("full_chords", [["0 maj"], [], ["9 min"]]),
        ("fitting_chord", [["0 maj"], ["7 maj"], ["9 min"]]),
        ("fitting_with_next", [["0 maj"], ["9 min7"], ["9 min"]]),
        ("fitting_with_last", [["0 maj"], ["7 sus4"], ["9 min7"]]),
    ],
)
def test_what_templates_find(template, expected):
    assert attributes(PIECE, [template]) == [[f"{template}={value}" for value in row] for row in expected]


@pytest.mark.parametrize("text", ["", "bass@x", "{bass", "bass**metre", "bass metre", "7bass"])
def test_what_is_no_template(text):
    with pytest.raises(InvalidParameterError, match="cannot be read"):
        parse_template(text)


def test_a_name_nobody_knows():
    with pytest.raises(UnknownNameError, match="did you mean 'metre'"):
        attributes(PIECE, ["meter"])


def test_a_lone_event_is_first_and_last():
    assert attributes(PIECE[:1], ["position"]) == [["position=only"]]


def high(window):
    return "high" if window.at()["bass"] > 5 else None


def test_a_plug_in_adds_features(monkeypatch):
    point = EntryPoint("high", f"{__name__}:high", "stochastic_music.features")
    monkeypatch.setattr(_plugins, "entry_points", lambda group: [point] if group == point.group else [])
    assert attributes(PIECE, ["high"]) == [[], ["high=high"], ["high=high"]]
    assert {"high", "bass_step"} <= set(registry.names("features"))


def test_every_built_in_name_is_a_function_here():
    assert all(entry.load() is getattr(features, name) for name, entry in registry.names("features").items())

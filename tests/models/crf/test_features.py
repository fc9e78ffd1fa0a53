"""The small language of templates, and what plug-ins add to it."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from stochastic_music import _plugins, registry
from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.models.crf import CRF, features
from stochastic_music.models.crf.features import attributes, parse_template
from stochastic_music.models.crf.roots import lowered

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


@pytest.mark.parametrize("notes", [(2, 7), [2, 7], {7, 2}, frozenset({7, 2}), np.array([2, 7])])
def test_columns_may_hold_any_series(notes):
    piece = [{"pitch_classes": notes, "bass": np.int64(7)}]
    assert attributes(piece, ["pitch_classes*bass", "{pitch_classes}", "{with_next}"]) == [
        ["pitch_classes*bass=2|7", "pitch_classes*bass=7|7", "{pitch_classes}=2,7", "{with_next}=2,7"]
    ]
    assert lowered(piece[0], {"pitch_classes", "bass"}, 3) == {"pitch_classes": (4, 11), "bass": 4}


def test_edges_of_training():
    one = CRF().fit([[{"bass": 0}]], [["C"]])
    assert one.predict([[{"bass": 3}], []]) == [["C"], []]
    assert one.log_prob([["C"]], [[{"bass": 1}]]).tolist() == [0.0]
    blind = CRF(["bass_step"]).fit([[{"bass": 0}], [{"bass": 1}]], [["C"], ["D"]])  # nothing is ever seen
    np.testing.assert_allclose(blind.predict_marginals([[{"bass": 0}, {"bass": 5}]])[0], 0.5)
    odd = CRF(["{x}"]).fit([[{"x": ["a", "b=\n"]}, {"x": None}, {}]], [["C", "\n é=", "C"]])
    assert odd.attributes_ == ("{x}=a,b=\n",)
    assert odd.labels_ == ("\n é=", "C")

import json
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from stochastic_music import _plugins, registry
from stochastic_music.errors import InvalidParameterError, UnknownNameError, UsageError


def _plug_in(monkeypatch, *points):
    monkeypatch.setattr(_plugins, "entry_points", lambda group: [p for p in points if p.group == group])


def test_every_built_in_name_can_be_loaded():
    for kind in ("models", "encodings"):
        for name, entry in registry.names(kind).items():
            assert registry.name_of(kind, entry.load()()) == name


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'markov'"):
        registry.get("models", "markvo")


def test_an_unknown_parameter_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'order'"):
        registry.create("models", "markov", {"ordre": 3})


def test_a_name_used_twice_names_both(monkeypatch):
    _plug_in(monkeypatch, EntryPoint("markov", "rival.models:Markov", "stochastic_music.models"))
    with pytest.raises(UsageError, match=r"stochastic_music and rival .*markov"):
        registry.names("models")


def test_a_broken_plug_in_is_named_and_stops_nothing_else(monkeypatch):
    _plug_in(monkeypatch, EntryPoint("bad", "no_such_package.models:Bad", "stochastic_music.models"))
    with pytest.raises(UsageError, match="'bad' of no_such_package"):
        registry.get("models", "bad")
    assert registry.get("models", "markov").__name__ == "Markov"


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("3", 1, 3),
        ("0.5", 1.0, 0.5),
        ("true", False, True),
        ("off", True, False),
        ("none", 3, None),
        ("c", "a", "c"),
        ("7", None, 7),
    ],
)
def test_values_are_read_as_the_default_suggests(text, default, value):
    assert registry.parse_value(text, default) == value


def test_numbers_of_numpy_are_written_as_numbers():
    model = registry.get("models", "mixture")([registry.get("models", "markov")(np.int64(2))], weights=np.array([1.0]))
    name, parameters = registry.to_json("models", model)
    assert name == "mixture"
    assert parameters["models"][0]["models"][1]["order"] == 2
    assert parameters["weights"] == [1.0]
    assert registry.from_json("models", json.loads(json.dumps([name, parameters]))).models[0].order == 2


def test_a_word_for_a_number_is_refused():
    with pytest.raises(InvalidParameterError, match="'three' is no number"):
        registry.parse_value("three", 5)

"""Names and what they stand for: the built-in models and encodings, and those of plug-ins.

A third-party package adds a model with one line of its packaging,

    [project.entry-points."stochastic_music.models"]
    my_model = "my_package.models:MyModel"

and likewise `stochastic_music.encodings`, `stochastic_music.weights` for weights that change with time,
`stochastic_music.features` for functions that the templates of a CRF may name, and `stochastic_music.metrics` for
functions that compare two sets of pieces (`evaluation.music.metrics`). Nothing is imported until it is asked for. A
name that two packages claim is an error naming both; a plug-in that cannot be imported is reported by name and stops
nothing else.

`to_json` writes what is registered as its name and parameters, which may be registered themselves (the models of a
mixture, their weights); `from_json` makes it again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from stochastic_music import _plugins
from stochastic_music._plugins import Entry
from stochastic_music.errors import InvalidParameterError, UnknownNameError, UsageError

Kind = Literal["models", "encodings", "weights", "features", "metrics"]

#: kind -> name -> "module:class"
_BUILT_IN: dict[str, dict[str, str]] = {
    "models": {
        "markov": "stochastic_music.models.markov:Markov",
        "ppm": "stochastic_music.models.ppm:PPM",
        "hmm": "stochastic_music.models.hmm:HMM",
        "multiple_viewpoint": "stochastic_music.models.multiple_viewpoint:MultipleViewpoint",
        "idyom": "stochastic_music.models.idyom:Idyom",
        "ppm_online": "stochastic_music.models.online:OnlinePPM",
        "stm": "stochastic_music.models.online:STM",
        "mixture": "stochastic_music.models.mixture:Mixture",
        "maxent": "stochastic_music.models.maxent:MaxEnt",
        "lstm": "stochastic_music.models.neural.kinds:LSTM",
        "gru": "stochastic_music.models.neural.kinds:GRU",
        "wavenet": "stochastic_music.models.neural.kinds:WaveNet",
        "transformer": "stochastic_music.models.neural.kinds:Transformer",
    },
    "encodings": {
        "melody": "stochastic_music.tokens:MelodyEncoding",
        "notes": "stochastic_music.tokens:NotesEncoding",
        "voices": "stochastic_music.tokens:VoicesEncoding",
        "remi": "stochastic_music.tokens:RemiEncoding",
    },
    "weights": {"glide": "stochastic_music.models.mixture:Glide"},
}


#: kinds that may be parameters of others
_NESTED: tuple[Kind, ...] = ("models", "weights")


def names(kind: Kind) -> dict[str, Entry]:
    """Every registered name of a kind, built-in ones first; raises UsageError for one claimed twice.

    >>> "markov" in names("models")
    True
    """
    return _plugins.entries(kind, _built_in(kind))


def _built_in(kind: Kind) -> dict[str, str]:
    if kind == "features":
        from stochastic_music.models.crf.features import BUILT_IN as FEATURES

        return FEATURES
    if kind == "metrics":
        from stochastic_music.evaluation.music.metrics import BUILT_IN as METRICS

        return METRICS
    return _BUILT_IN[kind]


def get(kind: Kind, name: str) -> Any:
    """The class registered as `name`; raises UnknownNameError naming the nearest.

    >>> get("models", "markov").__name__
    'Markov'
    """
    known = names(kind)
    if name not in known:
        raise UnknownNameError(kind[:-1], name, known)
    return known[name].load()


def create(kind: Kind, name: str, parameters: Mapping[str, Any]) -> Any:
    """An instance with `parameters`; raises UnknownNameError for a parameter it does not take."""
    cls = get(kind, name)
    known = parameters_of(cls)
    for parameter in parameters:
        if parameter not in known:
            raise UnknownNameError(f"parameter of {name}", parameter, known)
    return cls(**parameters)


def parameters_of(cls: Any) -> dict[str, Any]:
    """The constructor's parameters and their defaults (None where there is none)."""
    import inspect

    found = inspect.signature(cls).parameters.values()
    return {
        p.name: None if p.default is p.empty else p.default
        for p in found
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }


def parameters_set(instance: Any) -> dict[str, Any]:
    """The parameters an instance was made with: its constructor stores them under their own names."""
    return {name: getattr(instance, name) for name in parameters_of(type(instance))}


def name_of(kind: Kind, instance: Any) -> str:
    """The name under which the class of `instance` is registered; raises UsageError if it is not."""
    name = _name_of(kind, instance)
    if name is None:
        cls = type(instance)
        raise UsageError(
            f"{cls.__module__}.{cls.__qualname__} is not registered: add it to the entry points "
            f"'stochastic_music.{kind}' of its package, so that a saved model can be opened again."
        )
    return name


def _name_of(kind: Kind, instance: Any) -> str | None:
    cls = type(instance)
    for name, entry in names(kind).items():
        module, _, attribute = entry.target.partition(":")
        if attribute == cls.__qualname__ and (cls.__module__ == module or entry.load() is cls):
            return name
    return None


def to_json(kind: Kind, instance: Any) -> list[Any]:
    """Name and parameters of something registered; raises UsageError for what cannot be written.

    >>> to_json("models", create("models", "markov", {"order": 1}))
    ['markov', {'order': 1, 'smoothing': 'kneser_ney', 'k': 1.0, 'discount': None}]
    """
    name = name_of(kind, instance)
    return [name, {key: _written(value, f"{key} of {name}") for key, value in parameters_set(instance).items()}]


def _written(value: Any, what: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_written(item, what) for item in value]
    for kind in _NESTED:
        if _name_of(kind, value) is not None:
            return {kind: to_json(kind, value)}
    if hasattr(value, "tolist"):  # numbers of NumPy's
        return value.tolist()
    raise UsageError(
        f"{what} is {value!r}, which cannot be saved. Models, numbers and text can, and weights that change with time "
        "as a Glide"
    )


def from_json(kind: Kind, data: Sequence[Any]) -> Any:
    """The inverse of `to_json`."""
    name, parameters = data
    return create(kind, name, {key: _read(value) for key, value in parameters.items()})


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(item) for item in value]
    if isinstance(value, dict):
        [(kind, data)] = value.items()
        return from_json(kind, data)
    return value


def parse_parameter(cls: Any, name: str, text: str) -> Any:
    """The value of `--set NAME=VALUE` for a class: as `parse_value`, and a word where its annotation allows text.

    >>> hmm = get("models", "hmm")
    >>> parse_parameter(hmm, "n_states", "16"), parse_parameter(hmm, "n_states", "auto")
    (16, 'auto')
    """
    import inspect

    parameter = inspect.signature(cls).parameters[name]
    takes_text = "str" in re.findall(r"\w+", str(parameter.annotation))
    default = None if parameter.default is parameter.empty else parameter.default
    return parse_value(text, default if isinstance(default, str) or not takes_text else None)


def parse_value(text: str, default: Any) -> Any:
    """The value of `--set NAME=VALUE`, read as the default's type suggests.

    >>> parse_value("3", 5), parse_value("none", 5), parse_value("none", "a"), parse_value("0.5", None)
    (3, None, 'none', 0.5)
    """
    if isinstance(default, str):
        return text
    lowered = text.strip().lower()
    if lowered in {"none", "null"}:
        return None
    if lowered in {"true", "yes", "on"}:
        return True
    if lowered in {"false", "no", "off"}:
        return False
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    if isinstance(default, bool | int | float):
        raise InvalidParameterError(f"'{text}' is no number; the default is {default}")
    return text

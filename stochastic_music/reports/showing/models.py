"""Models and pipelines: what kind, with which parameters, what they learned from, and how they see music.

Of a fitted pipeline of which more can be told, `reports.inspection` tells it, folded away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stochastic_music import registry
from stochastic_music.corpus.report import counted
from stochastic_music.errors import NotFittedError
from stochastic_music.pipeline import Pipeline
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.tables import count
from stochastic_music.reports.showing.blocks import LINES, facts, folded, listed, picture
from stochastic_music.reports.showing.corpora import alphabet

_FIT = "Not fitted yet: it has learned nothing. Call fit(corpus)."


def drawn(thing: Any) -> Html:
    """The picture of a pipeline, or of a model."""
    return _pipeline(thing) if isinstance(thing, Pipeline) else _model(thing)


def _pipeline(pipeline: Pipeline) -> Html:
    fitted = hasattr(pipeline, "vocabulary_")
    moved = {"none": "no", "common": "to C major or A minor", "all": "to all twelve keys"}[pipeline.transpose]
    known = facts([
        ("Reads music as", _called(pipeline.encoding)),
        ("Learns with", _called(pipeline.model)),
        ("Transposes", moved),
        *(_learned_from(pipeline) if fitted else ()),
    ])  # fmt: skip
    rest = [_states(pipeline.model), folded("How it sees music", alphabet(_seen(pipeline)))] if fitted else [_FIT]
    return picture(f"Pipeline: {type(pipeline.model).__name__}{', fitted' if fitted else ''}", known, *rest)


def _learned_from(pipeline: Pipeline) -> list[tuple[str, object]]:
    return [
        *_card(pipeline),
        *_sizes(pipeline.model),
        ("Training symbols", "kept" if pipeline.has_sources else "not kept: it can neither explain nor forget"),
        ("Weights", _STALE if getattr(pipeline.model, "stale_", False) else None),
    ]


def _card(fitted: Any) -> list[tuple[str, object]]:
    """What it learned from, as far as it says so."""
    card = getattr(fitted, "card_", {})
    known = [counted(card[key], noun) for key, noun in (("n_pieces", "piece"), ("n_notes", "note")) if key in card]
    return [("Learned from", ", ".join(known)), ("Licences", "; ".join(card.get("licences", ())))]


_STALE = "stale: counts have changed since they were learned. Fit again for the best"


def _seen(pipeline: Pipeline) -> Any:
    """The vocabulary, restricted to what the corpus holds."""
    return pipeline.vocabulary_.restrict(pipeline.alphabet_.tolist())


def _model(model: Any) -> Html:
    changed = _changed(model)
    usual = [name for name in registry.parameters_of(type(model)) if name not in changed]
    known = facts([
        *changed.items(),
        ("As usual", ", ".join(f"{name}={_value(getattr(model, name, None))}" for name in usual)),
        *([*_card(model), *_sizes(model)] if is_fitted(model) else ()),
    ])  # fmt: skip
    vocabulary = getattr(model, "vocabulary_", None)
    seen = folded("How it sees music", alphabet(vocabulary)) if vocabulary is not None else Html()
    title = f"{type(model).__name__}{', fitted' if is_fitted(model) else ''}"
    return picture(title, known, *([_states(model), seen] if is_fitted(model) else [_FIT]))


def is_fitted(model: Any) -> bool:
    """Whether a model has learned something; of one that does not say so, whether it has what ends in an underscore."""
    if (check := getattr(model, "_check_fitted", None)) is None:
        return any(name.endswith("_") and not name.startswith("_") for name in vars(model))
    try:
        check()
    except NotFittedError:
        return False
    return True


def _sizes(model: Any) -> list[tuple[str, object]]:
    """How large a fitted model is, as far as it says so."""
    told = {"Contexts": getattr(model, "n_contexts", None), "Learned numbers": getattr(model, "n_parameters_", None)}
    return [(name, count(n)) for name, n in told.items() if isinstance(n, int)]


def _states(model: Any) -> Html:
    """What the hidden states play, of models that have such."""
    lines = [str(state) for state in model.state_report()] if hasattr(model, "state_report") else []
    return folded("What its hidden states play", listed(lines, at_most=2 * LINES))


def _called(thing: Any) -> Html:
    """A class with those of its parameters that are not the usual ones."""
    changed = ", ".join(f"{name}={value}" for name, value in _changed(thing).items())
    return element("code", f"{type(thing).__name__}({changed})")


def _changed(thing: Any) -> Mapping[str, str]:
    """The parameters that differ from the usual ones."""
    usual = registry.parameters_of(type(thing))
    values = {name: getattr(thing, name, default) for name, default in usual.items()}
    return {name: _value(value) for name, value in values.items() if not _is_usual(value, usual[name])}


def _is_usual(value: Any, usual: Any) -> bool:
    """Whether a value is the default one; empty collections are made anew for each model."""
    return repr(value) == repr(usual) or (isinstance(value, Mapping) and not value)


def _value(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."

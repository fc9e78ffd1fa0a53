"""Which module looks into which family of models: one table, by class.

A class is named as "module:class"; its subclasses belong to its family unless they are named themselves. So nothing is
imported before it is needed, and what a plug-in derives from a class of ours is looked into as that is.
"""

from __future__ import annotations

import importlib
from typing import Any

from stochastic_music.errors import UsageError
from stochastic_music.reports.inspection.inspection import Inspection, Request

#: a class -> the module of this room with `inspect(thing, request) -> Inspection`
_FAMILIES: dict[str, str] = {
    "stochastic_music.models.backoff:BackoffModel": "contexts",
    "stochastic_music.models.multiple_viewpoint:MultipleViewpoint": "viewpoints",
    "stochastic_music.models.hmm.model:HMM": "hidden",
    "stochastic_music.models.maxent.model:MaxEnt": "maxent",
    "stochastic_music.tasks.chords.labeller:ChordLabeller": "fields",
    "stochastic_music.tasks.given.composer:CRFComposer": "fields",
    "stochastic_music.tasks.harmonize.harmonizer:Harmonizer": "fields",
    "stochastic_music.models.mixture:Mixture": "mixtures",
    "stochastic_music.models.neural.model:NeuralModel": "networks",
    "stochastic_music.model_file:ModelFile": "networks",
    "stochastic_music.pipeline.walking:Walk": "walks",
    "stochastic_music.sampling.metropolis.run:Run": "walks",
    "stochastic_music.reports.inspection.walks:Record": "walks",
}
#: modules that can look at a piece through a model
_READING = {"fields", "hidden"}
_GENERAL = "anything"


def inspect(thing: Any, request: Request | None = None) -> Inspection:
    """Look into a fitted pipeline, or into what is named in the table by its own class: a walk, a labeller.

    Raises UsageError for what cannot be looked into, and for a request that makes no sense there.

        >>> import stochastic_music as sm
        >>> corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
        >>> found = inspect(sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1)).fit(corpus))
        >>> found.kind, found.facts["pieces"]
        ('markov', 1)
    """
    name = _family(getattr(thing, "model", thing))
    if name is None and not hasattr(thing, "model"):
        raise UsageError(f"{type(thing).__name__} cannot be looked into: expected a fitted pipeline, or a walk")
    if request is not None and request.score is not None and name not in _READING:
        raise UsageError(
            f"a piece says nothing more of {type(getattr(thing, 'model', thing)).__name__}: leave --piece out"
        )
    module = importlib.import_module(f"{__package__}.{name or _GENERAL}")
    found: Inspection = module.inspect(thing, request or Request())
    return found


def _family(thing: Any) -> str | None:
    """The module for the class of `thing`, or for the nearest class it derives from."""
    names = (f"{cls.__module__}:{cls.__qualname__}" for cls in type(thing).__mro__)
    return next((_FAMILIES[name] for name in names if name in _FAMILIES), None)

"""Who is compared: kinds of models with their parameters, and what is known of a kind before it is fitted.

A kind whose constructor takes `seed` has randomness in its fit, and is fitted once a seed; any other once. A kind whose
`fit` takes `seconds` (`protocols.TrainedModel`) is asked to stop in time; any other is ended.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stochastic_music import registry
from stochastic_music.errors import UnknownNameError, UsageError

#: what is compared where nobody says
KINDS = ("markov", "ppm", "multiple_viewpoint", "hmm", "maxent", "lstm")
_NEURAL = "stochastic_music.models.neural"


@dataclass(frozen=True, eq=False)
class Contender:
    """A kind of model under a name of its own; `parameters` are JSON, as `registry.to_json` writes them."""

    name: str
    kind: str
    parameters: Mapping[str, Any]

    @property
    def family(self) -> str:
        """What this package brings as a network is neural, all else statistical: read off where the class lives."""
        return "neural" if registry.names("models")[self.kind].target.startswith(_NEURAL) else "statistical"

    @cached_property
    def seeded(self) -> bool:
        """Whether two fits of it may differ."""
        return "seed" in registry.parameters_of(registry.get("models", self.kind))

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters' defaults, the seed left out; what JSON has no words for as Python writes it."""
        known = registry.parameters_of(registry.get("models", self.kind))
        plain = (bool, int, float, str, list, tuple, type(None))
        return {
            name: value if isinstance(value, plain) else repr(value) for name, value in known.items() if name != "seed"
        }

    @cached_property
    def stops_in_time(self) -> bool:
        """Whether its `fit` can be told how long it may take."""
        return "seconds" in inspect.signature(registry.get("models", self.kind).fit).parameters

    def model(self, seed: int) -> list[Any]:
        """What `registry.from_json` makes a model of, whose fit draws from `seed`."""
        return [self.kind, {**self.parameters, **({"seed": seed} if self.seeded else {})}]


def contenders(
    models: Sequence[str] | Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Contender, ...]:
    """Those named, with `settings` for each kind; or models by names of one's own, which are not fitted here.

    Raises UnknownNameError, naming the nearest, and UsageError for a kind given twice, for settings of a kind that is
    not compared, and for seeds among the settings.

    >>> [each.name for each in contenders(["markov", "ppm"], {"markov": {"order": 1}})]
    ['markov', 'ppm']
    """
    if isinstance(models, Mapping):
        return tuple(Contender(name, *registry.to_json("models", model)) for name, model in models.items())
    if not models:
        raise UsageError("no kind of model is named; expected one or more, for example markov and ppm")
    chosen = settings or {}
    for name in models:
        if list(models).count(name) > 1:
            raise UsageError(f"{name} is given twice: name each kind once")
    for name in chosen:
        if name not in models:
            raise UsageError(f"there are settings of {name}, which is not compared: add -m {name}, or leave them out")
    return tuple(_contender(name, chosen.get(name, {})) for name in models)


def _contender(kind: str, settings: Mapping[str, Any]) -> Contender:
    if kind not in (known := registry.names("models")):
        raise UnknownNameError("model", kind, known)
    if "seed" in settings:
        raise UsageError(f"the seeds of {kind} are those of the comparison (--seeds): leave its seed out")
    return Contender(kind, kind, settings)

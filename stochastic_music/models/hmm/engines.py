"""Who computes a step of EM: our own arrays, hmmlearn or pomegranate.

An engine holds a corpus and takes `step(parameters, prior)`: the parameters after one step, and the log likelihood of
those it was given. From the same parameters all engines give the same, up to rounding.

    array        any number of fields; NumPy, or CuPy with backend="cupy" ("auto": where there is a GPU)
    hmmlearn     one field; CategoricalHMM with implementation="scaling"
    pomegranate  one field; DenseHMM in double precision, an extra
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.models.hmm.array_engine import ArrayEngine
from stochastic_music.models.hmm.filtering import room_on
from stochastic_music.models.hmm.observations import Observations
from stochastic_music.models.hmm.parameters import Counts, Parameters, Priors, maximised

ENGINES = ("array", "hmmlearn", "pomegranate")


class Engine(Protocol):
    """A corpus, ready for steps of EM."""

    def step(self, parameters: Parameters, prior: Priors) -> tuple[Parameters, float]:
        """The parameters after one step, and the log likelihood of those before it, in nats."""


class Expecting(Protocol):
    """An engine that computes what is expected to have happened."""

    def expect(self, parameters: Parameters) -> Counts:
        """The E-step."""


class ByCounts:
    """An engine whose M-step is ours."""

    def __init__(self, engine: Expecting) -> None:
        self.engine = engine

    def step(self, parameters: Parameters, prior: Priors) -> tuple[Parameters, float]:
        """The parameters after one step, and the log likelihood of those before it, in nats."""
        counts = self.engine.expect(parameters)
        return maximised(counts, prior, parameters), counts.log_likelihood


def engine_of(
    name: str, backend: str, observations: Observations, sizes: Sequence[int], n_states: int, *, in_blocks: bool = False
) -> Engine:
    """The engine called `name` over a corpus, which may hear the clock (`in_blocks`).

    Raises UnknownNameError, InvalidParameterError for several fields, or a clock, where one field is all that it knows,
    MissingExtraError where its library is not installed, MachineError without a GPU.
    """
    if name not in ENGINES:
        raise UnknownNameError("engine", str(name), ENGINES)
    if name == "array":
        return ByCounts(ArrayEngine(observations, sizes, n_states, room_on(backend)))
    if backend not in {"numpy", "auto"}:
        raise InvalidParameterError(f"backend is '{backend}', which engine='array' alone can use: leave it out")
    if len(sizes) != 1:
        raise InvalidParameterError(
            f"engine='{name}' knows events of one field, and these have {len(sizes)}: use engine='array'"
        )
    if in_blocks:
        raise InvalidParameterError(f"engine='{name}' does not hear the clock: use engine='array', or clock=False")
    if name == "hmmlearn":
        from stochastic_music.models.hmm.hmmlearn_engine import HmmlearnEngine

        return HmmlearnEngine(observations, sizes[0])
    from stochastic_music.models.hmm.pomegranate_engine import PomegranateEngine

    return ByCounts(PomegranateEngine(observations, sizes[0]))

"""`sample`: the one call that draws pieces from a model, with or without constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from stochastic_music import _random
from stochastic_music.constraints.form import form_of
from stochastic_music.errors import InvalidParameterError, ProductTooLargeError, UnknownNameError, UsageError
from stochastic_music.protocols import AutoregressiveModel, Constraint, IntArray, WalkingModel
from stochastic_music.sampling.ancestral import redrawn
from stochastic_music.sampling.backends import Make
from stochastic_music.sampling.compiling import by_timing, check_start, conjuncts
from stochastic_music.sampling.drawing import NO_START, Sample, vocabulary_of
from stochastic_music.sampling.ending import sized, tells_length
from stochastic_music.sampling.exact import MAX_ARCS, exact, finite_contexts
from stochastic_music.sampling.exact.clashes import check_clashes
from stochastic_music.sampling.exact.forms import exact_copies
from stochastic_music.sampling.greedy import greedy
from stochastic_music.sampling.particles.crowds import N_PARTICLES, N_SWEEPS, particles
from stochastic_music.sampling.particles.foresight import Guide
from stochastic_music.sampling.shaping import Shaping
from stochastic_music.sampling.through_tables import check_back_end, tables_for
from stochastic_music.tokens import Header, Vocabulary

Method: TypeAlias = Literal["auto", "ancestral", "exact", "particle", "metropolis", "greedy"]
#: events after which a piece that does not end is cut, and says so
MAX_EVENTS = 1024


def sample(
    model: AutoregressiveModel[Any] | WalkingModel,
    n: int = 1,
    *,
    header: Header | None = None,
    headers: Sequence[Header | None] | None = None,
    seed: _random.Seed = None,
    constraint: Constraint | None = None,
    least_events: int = 0,
    most_repeats: int | None = None,
    whole: bool = False,
    max_events: int = MAX_EVENTS,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    method: Method = "auto",
    max_arcs: int = MAX_ARCS,
    start: Sequence[int] | IntArray = NO_START,
    n_particles: int = N_PARTICLES,
    sweeps: int = N_SWEEPS,
    guide: Guide = None,
    backend: str | Make = "auto",
) -> list[Sample]:
    """Draw `n` pieces from a fitted `model`, each under `header`, or under its own of `headers` (n of them).

    Without a constraint this is ancestral sampling. With one, a model of finitely many contexts
    (`FiniteContextModel`, or hidden ones, `HiddenContextModel`) is conditioned on it exactly. For any other, one
    whose product with the constraint has more than `max_arcs` arcs, and one of hidden contexts that is reshaped,
    pieces grow as crowds of `n_particles`, led by a `guide` if there is one and corrected by `sweeps` of Metropolis
    (see `sampling.particles`), and say `guarantee="particle"`. `method` asks for one way; "greedy" masks step by
    step, and no more. `temperature`, `top_k` and `top_p` change the model's distribution (see `Shaping`);
    conditioning is then that of the reshaped model. Equal seeds give equal notes, and piece i does not depend on
    `n`.

    A piece that has not ended after `max_events` events is cut there and marked `capped`; constraints that
    limit the length themselves are never cut. With `whole`, pieces are conditioned on `constraint` and on a length as
    well: at least `least_events` and at most `max_events`, or, where the constraint says itself how long the music
    is, one event more than the `start`.

    Without a constraint, pieces shorter than `least_events`, those in which a pitch comes more than `most_repeats`
    times in a row, and with `whole` those that would be cut (a few times) are drawn again, which is exact as well.
    Particles heed `most_repeats` under a constraint too.

    A model that walks (`WalkingModel`: one that has no probabilities of what comes next) has its pieces begun by its
    opening model, in all that is asked for, and walks on from there: `guarantee="metropolis"`.

    Thousands of pieces without a constraint are drawn from a table of the model's transitions, of at most `max_arcs`
    arcs, on a `backend`: "numpy", "numba", "cupy", or "auto" (see `sampling.backends`). The notes are the same as those
    of fewer pieces, and on every back end. Under a constraint there is nothing to choose.

    Every piece begins with the whole events of `start`, without END, and goes on as the model does after them; what
    is asked for, in notes or bars, is asked of the whole piece. Reshaping leaves the start alone.

    Raises InvalidParameterError for parameters outside their range, NotFittedError, MachineError without the GPU that
    is asked for (MissingExtraError without the library), UnsatisfiableError where nothing meets `constraint`,
    UsageError where `method` does not fit the request (ProductTooLargeError for `method="exact"` past `max_arcs`).
    """
    shaping = Shaping(temperature, top_k, top_p)
    under = _headers(n, header, headers)
    if not 0 <= least_events <= max_events or max_events < 1:
        raise InvalidParameterError(
            f"max_events is {max_events} and least_events {least_events}; "
            "expected 1 or more, and no more at least than at most"
        )
    check_back_end(backend)
    key = _random.key(seed)
    if isinstance(model, WalkingModel):
        _check_walk(model, method, shaping, constraint)
        asked: dict[str, Any] = {
            "constraint": constraint,
            "least_events": least_events,
            "most_repeats": most_repeats,
            "whole": whole,
        }
        room: dict[str, Any] = {
            "max_events": max_events,
            "max_arcs": max_arcs,
            "n_particles": n_particles,
            "sweeps": sweeps,
        }
        pieces = sample(model.opening_, n, headers=under, seed=key, start=start, guide=guide, **asked, **room)
        return list(model.walk(pieces, constraint, key=key, temperature=temperature))
    chosen = _method(method, model, constraint, shaping)
    if not under:
        return []
    begun = _start(start, vocabulary_of(model), max_events)
    _check_demands(begun, vocabulary_of(model), under, constraint)
    common: dict[str, Any] = {"key": key, "max_events": max_events, "shaping": shaping, "start": begun}
    if constraint is None or chosen == "ancestral":
        limits: dict[str, Any] = {"least_events": least_events, "most_repeats": most_repeats, "whole": whole}
        tables = tables_for(model, under, backend=backend, max_arcs=max_arcs, shaping=shaping, start=begun)
        return redrawn(model, under, tables=tables, **limits, **common)
    tells = whole and tells_length(constraint, vocabulary_of(model), under[0])
    if tells:
        least_events = len(begun) // vocabulary_of(model).n_fields + 1 if len(begun) else 0
    within = sized(constraint, least=least_events, most=None if tells else max_events) if whole else constraint
    if chosen == "greedy":
        return greedy(model, under, within, **common)
    if chosen == "exact":
        try:
            limits = {"max_arcs": max_arcs, "least_events": least_events if whole else None}
            return _exactly(model, under, constraint, limits, common)
        except ProductTooLargeError:
            if method == "exact":
                raise
    crowds: dict[str, Any] = {"n_particles": n_particles, "sweeps": sweeps, "guide": guide}
    return particles(model, under, within, most_repeats=most_repeats, **crowds, **common)


def _exactly(
    model: Any, headers: list[Header | None], constraint: Constraint, limits: dict[str, Any], common: dict[str, Any]
) -> list[Sample]:
    """Exact samples, a form's by its copies. Raises ProductTooLargeError where there is too much to sum over."""
    form, _ = form_of(constraint)
    if form is None:
        return exact(model, headers, constraint, **limits, **common)
    if len(common["start"]):
        raise ProductTooLargeError(f"{form} after a start is met by particles alone: use method='auto'")
    finite = finite_contexts(model, common["shaping"])
    assert finite is not None  # noqa: S101 - _method made sure
    options = {"key": common["key"], "shaping": common["shaping"], "max_arcs": limits["max_arcs"]}
    return exact_copies(finite, headers, constraint, **options)


def _check_demands(
    start: IntArray, vocabulary: Vocabulary, headers: list[Header | None], constraint: Constraint | None
) -> None:
    """Raise UnsatisfiableError where `start` breaks a part of `constraint`, or parts of it clash by themselves."""
    _, regular = form_of(constraint)
    if regular is None:
        return
    for chains in by_timing(headers, constraint):
        header = headers[chains[0]]
        check_start(regular, vocabulary, header, start)
        check_clashes(conjuncts(regular), vocabulary, header, start)


def _check_walk(model: WalkingModel, method: str, shaping: Shaping, constraint: Constraint | None) -> None:
    """Raise UsageError for what needs probabilities of the next symbol, and for a form."""
    name = type(model).__name__
    if method not in ("auto", "metropolis"):
        raise UsageError(f"{name} is drawn by Markov chains alone, and method is '{method}': leave it at 'auto'")
    if shaping != Shaping(shaping.temperature):
        raise UsageError(f"top_k and top_p cut what comes next, which {name} does not tell: use temperature instead")
    if form_of(constraint)[0] is not None:
        raise UsageError(f"{name} changes one note after another, which breaks what a form ties: use another model")


def _start(symbols: Sequence[int] | IntArray, vocabulary: Vocabulary, max_events: int) -> IntArray:
    """The start as an array. Raises VocabularyError, or InvalidParameterError where it cannot be gone on from."""
    start = np.asarray(symbols, dtype=np.int64)
    vocabulary.check(start)
    n_events, rest = divmod(len(start), vocabulary.n_fields)
    if rest or (start == vocabulary.end).any():
        raise InvalidParameterError("the start has ended already, or breaks off in an event: give whole events, no END")
    if len(start) and n_events >= max_events:
        raise InvalidParameterError(f"the start has {n_events} events, and max_events is {max_events}: ask for more")
    return start


def _headers(n: int, header: Header | None, headers: Sequence[Header | None] | None) -> list[Header | None]:
    if n < 0:
        raise InvalidParameterError(f"n is {n}; expected how many pieces to draw, 0 or more")
    if headers is None:
        return [header] * n
    if header is not None or len(headers) != n:
        raise InvalidParameterError(f"{len(headers)} headers arrived for {n} pieces: give one header, or one a piece")
    return list(headers)


def _method(method: str, model: Any, constraint: Constraint | None, shaping: Shaping) -> str:
    known = get_args(Method)
    if method not in known:
        raise UnknownNameError("sampling method", method, known)
    finite = finite_contexts(model, shaping) is not None
    if constraint is None:
        return "ancestral"
    if method == "ancestral":
        raise UsageError(f"ancestral sampling cannot meet {constraint}: use method='auto', or leave the constraint out")
    if method == "exact" and not finite:
        raise UsageError(
            f"{type(model).__name__} has no finite set of contexts{'' if shaping.neutral else ' to reshape'}, so it "
            "cannot be conditioned exactly: use method='particle', or a model of bounded order"
        )
    form, _ = form_of(constraint)
    if form is not None and method == "greedy":
        raise UsageError(f"{form} cannot be kept to with method='greedy': use method='auto'")
    return ("exact" if finite else "particle") if method == "auto" else method

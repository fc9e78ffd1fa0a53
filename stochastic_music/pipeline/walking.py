"""New pieces by Metropolis sampling: a fitted pipeline, soft terms, and the takes of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import _random
from stochastic_music._showing import ShowsItself
from stochastic_music.constraints import Form, conjuncts
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.pipeline.composing import LEAST_REPEATS, Take, draw_headers, guides_of, seen_model, take_of
from stochastic_music.protocols import Constraint, FiniteContextModel, IntArray, Progress
from stochastic_music.sampling import MAX_ARCS, Sample, sample
from stochastic_music.sampling.metropolis import Layout, Pieces, Plan, Run, Target, run
from stochastic_music.sampling.metropolis.catalogue import proposals
from stochastic_music.sampling.metropolis.reading import EnergyReader

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.pipeline.pipeline import Pipeline
    from stochastic_music.tokens import Header

#: pieces that are drawn for each chain where the first ones are impossible under a soft term
MANY = 16


@dataclass(frozen=True)
class Walk(ShowsItself):
    """Takes, the run they are from, and the header that all its chains stand under."""

    shown_by = "walks"

    takes: list[Take]
    run: Run
    header: Header | None

    def stages(self, pipeline: Pipeline, n: int) -> list[tuple[int, Score]]:
        """What the first chain was at the start, and then `n` times as it went: steps and scores."""
        symbols, lengths = self.run.start
        stages = [(0, symbols[0, : lengths[0]])]
        kept = len(self.run.lengths)
        for i in range(min(n, kept)):
            at = (i + 1) * kept // min(n, kept) - 1
            stages.append(((at + 1) * self.run.plan.every, self.run.symbols[at, 0, : self.run.lengths[at, 0]]))
        samples = ((step, Sample(s, 0.0, self.header, "metropolis", False)) for step, s in stages)
        return [(step, take_of(pipeline, drawn).score) for step, drawn in samples]


def walked(
    pipeline: Pipeline,
    n: int = 4,
    *,
    n_chains: int = 4,
    plan: Plan | None = None,
    weights: Mapping[str, float] | None = None,
    soft: Sequence[tuple[Any, float]] = (),
    temperature: float = 1.0,
    constraint: Constraint | None = None,
    header: Header | None = None,
    seed: _random.Seed = None,
    max_events: int | None = None,
    max_arcs: int = MAX_ARCS,
    backend: str = "numpy",
    save_to: Path | None = None,
    progress: Progress | None = None,
) -> Walk:
    """`n` takes of `n_chains` Metropolis chains under one header, which is drawn from the training pieces if not given.

    The target is the model at a `temperature`, plus `soft` terms with their weights, under `constraint`; `weights` are
    those of proposals by name. Chains begin at pieces that the model gives under the constraint. Take i is of chain
    i % n_chains, from the second half of the run, and does not depend on `n`. `backend` is that of `Target.of`. Raises
    UnsatisfiableError where nothing meets the constraint, UsageError where a term leaves chains nowhere to begin,
    UnknownNameError or InvalidParameterError for proposals and numbers that make no sense.
    """
    pipeline.check_fitted()
    if n_chains < 1:
        raise InvalidParameterError(f"{n_chains} chains were asked for; expected 1 or more, 4 to compare them")
    if any(isinstance(part, Form) for part in conjuncts(constraint)):
        raise UsageError("a form is not kept by changes note by note: leave --sampler metropolis out, or the form")
    key = _random.key(seed)
    under = header or draw_headers(pipeline, 1, key, constraint, fitting=constraint is not None)[0]
    most = max_events or pipeline.card_["most_events"]
    model, guides = _models(pipeline)
    target = Target.of(
        model, under, temperature=temperature, soft=soft, constraint=constraint, guides=guides, backend=backend
    )
    mixture = proposals(target, weights)
    options = {"constraint": constraint, "max_events": most, "max_arcs": max_arcs}
    start = _start(pipeline, target, model, n_chains, under, key=key, **options)
    found = run(target, start, mixture, plan, seed=key, save_to=save_to, progress=progress)
    takes = [state(pipeline, found, under, *place, constraint=constraint) for place in _places(found, n, n_chains)]
    return Walk(takes, found, under)


def state(
    pipeline: Pipeline,
    found: Run,
    header: Header | None,
    chain: int,
    kept: int,
    *,
    constraint: Constraint | None = None,
) -> Take:
    """What a chain was at its kept state number `kept`, as a take; nan bits where the model has no probabilities."""
    symbols: IntArray = found.symbols[kept, chain, : found.lengths[kept, chain]]
    only_compares = isinstance(found.target.reader("model"), EnergyReader)
    log_prob = np.nan if only_compares else float(found.terms[kept, chain, found.target.names.index("model")])
    acceptance = float(found.accepted[:, chain].sum() / max(found.n_steps, 1))
    drawn = Sample(symbols, log_prob, header, "metropolis", False, acceptance=acceptance)
    return take_of(pipeline, drawn, constraint)


def _models(pipeline: Pipeline) -> tuple[Any, list[Any]]:
    """The model over the symbols of its corpus, and a guide to draw from where the model has no finite contexts."""
    nothing = pipeline.pieces_.alphabet[:0]
    model = seen_model(pipeline, nothing)
    guides = None if isinstance(model, FiniteContextModel) else guides_of(pipeline, nothing)
    return model, [guides[0]] if guides else []


def _start(
    pipeline: Pipeline, target: Target, model: Any, n: int, header: Header | None, *, key: int, **options: Any
) -> Pieces:
    """Pieces that are possible under the target, one a chain; where few of many are, chains begin alike.

    Raises UsageError where `MANY` pieces a chain were drawn in vain.
    """
    start = _drawn(pipeline, model, n, header, key=key, **options)
    if np.isneginf(target(start)[0]).any():
        start = _drawn(pipeline, model, n * MANY, header, key=key, **options)
    density, terms, _ = target(start)
    possible = np.flatnonzero(density > -np.inf)
    if not len(possible):
        name = target.names[int(np.isneginf(terms[0]).argmax())]
        raise UsageError(
            f"chains have nowhere to begin: {len(density)} pieces that the model plays each had something that the "
            f"term '{name}' or another holds to be impossible. Fit the model of that term with smoothing, or leave the "
            "term out"
        )
    rows = possible[np.arange(n) % len(possible)]
    return Pieces(start.symbols[rows], start.lengths[rows])


def _drawn(
    pipeline: Pipeline, model: Any, n: int, header: Header | None, *, key: int, max_events: int, **options: Any
) -> Pieces:
    """Pieces that meet the constraint, drawn by the model, or by the guide of one that only compares."""
    nothing, card = pipeline.pieces_.alphabet[:0], pipeline.card_
    guides = guides_of(pipeline, nothing)
    predicts: Any = model if hasattr(model, "next_log_probs") or not guides else guides[0]
    drawn = sample(
        predicts,
        n,
        header=header,
        seed=key,
        least_events=0 if options["constraint"] else min(card["least_events"], max_events),
        most_repeats=max(card["most_repeats"], LEAST_REPEATS) if pipeline.vocabulary_.closed else None,
        max_events=max_events,
        whole=pipeline.vocabulary_.closed,
        guide=guides if options["constraint"] else None,
        **options,
    )
    return Layout(model.vocabulary_).laid_out([piece.symbols for piece in drawn], max_events)


def _places(found: Run, n: int, n_chains: int) -> list[tuple[int, int]]:
    """The chain and the kept state of each take: the last one first, then halves, quarters, ... of the second half."""
    n_late = len(found.lengths) - found.burn_in
    if n > n_chains * n_late:
        raise InvalidParameterError(
            f"{n} takes were asked for, and the run kept {n_late} states of {n_chains} chains: ask for more steps"
        )
    points = range(1 << max(n_late - 1, 0).bit_length())
    order = list(dict.fromkeys(int(_radical(j) * n_late) for j in points))
    return [(i % n_chains, len(found.lengths) - 1 - order[i // n_chains]) for i in range(n)]


def _radical(number: int) -> float:
    """The binary digits of a number, mirrored behind the point: 0, 1/2, 1/4, 3/4, 1/8, ..."""
    value, place = 0.0, 0.5
    while number:
        value, number, place = value + place * (number & 1), number >> 1, place / 2
    return value

"""`report.json`, out of the results of all cells; its keys are told in the package's article."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stochastic_music.evaluation.likelihood import begins_note
from stochastic_music.evaluation.music import summaries
from stochastic_music.evaluation.significance import holm
from stochastic_music.reports.comparison import figures, heard, means
from stochastic_music.reports.comparison.cells import versions
from stochastic_music.reports.comparison.contenders import Contender
from stochastic_music.reports.comparison.measures import MEASURES
from stochastic_music.reports.comparison.music import Music, pieces_of, under
from stochastic_music.reports.comparison.running import Result
from stochastic_music.tokens import TokenPiece

#: with fewer held-out pieces figures are called weak
ENOUGH = 20


@dataclass(frozen=True, eq=False)
class Comparison:
    """A comparison that was made: what was compared, how, and what became of each cell."""

    title: str
    command: str
    compared: tuple[Contender, ...]
    music: Music
    settings: Mapping[str, Any]
    results: Sequence[Result]

    @property
    def curve_sizes(self) -> list[int]:
        """Numbers of training pieces, ascending: all of them last."""
        whole = len(self.music.names)
        return sorted({*(size for size in self.settings["sizes"] if size < whole), whole})


def report(made: Comparison, *, seed: int = 0) -> dict[str, Any]:
    """The report as JSON."""
    names = [each.name for each in made.compared]
    budget = {name: figures.under(made.results, name, "budget") for name in names}
    own = {name: figures.own_stop(made.results, name) for name in names}
    return {
        "schema": 1,
        "title": made.title,
        "made_with": {"versions": _versions(made), "hardware": hardware(), "command": made.command},
        "corpus": _corpus(made),
        "cautions": _cautions(made),
        "settings": dict(made.settings),
        "measures": MEASURES,
        "models": _corrected([_model(each, made, seed) for each in made.compared]),
        "held_out": _held_out(made.music, made.settings["n_composed"]),
        **_ceiling(made.music, made.settings["n_composed"]),
        "differences": figures.differences({None: budget}, seed=seed),
        "differences_own_stop": figures.differences({None: own}, seed=seed) if made.settings["own_stop"] else [],
        "differences_by_size": figures.differences(_by_size(made), seed=seed),
    }


def _corrected(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The models with Holm's correction of the judge's p, over all that were judged."""
    judged = [model["judge"] for model in models if model["judge"]]
    for judge, p in zip(judged, holm([judge["p"] for judge in judged]).tolist(), strict=True):
        judge["p_corrected"] = p
    return models


def _by_size(made: Comparison) -> dict[int | None, dict[str, Sequence[Result]]]:
    whole = len(made.music.names)
    return {
        size: {
            each.name: figures.under(made.results, each.name, "budget" if size == whole else "curve", size)
            for each in made.compared
        }
        for size in made.curve_sizes
        if len(made.curve_sizes) > 1
    }


def _corpus(made: Comparison) -> dict[str, Any]:
    music = made.music
    n_test = len(dict.fromkeys(music.test.names))
    return {
        "name": made.title,
        "n_pieces": len(music.names) + n_test,
        "n_train": len(music.names),
        "n_test": n_test,
        "n_notes_test": int(begins_note(music.test.vocabulary, music.test.symbols).sum()),
        "transpose": music.transpose,
        "alphabet_size": len(music.test.vocabulary.alphabet or ()),
        **music.report.to_json(),
        "licences": sorted({licence for licence in music.licences if licence}),
    }


def _cautions(made: Comparison) -> list[str]:
    """What makes all figures weak, in words."""
    pieces = "piece is" if (n := len(dict.fromkeys(made.music.test.names))) == 1 else "pieces are"
    few = (
        f"Only {n} {pieces} held out: intervals over so few are too narrow, and features, shape and the judge say "
        f"little. {ENOUGH} or more would do."
    )
    return [few] if n < ENOUGH else []


def _model(each: Contender, made: Comparison, seed: int) -> dict[str, Any]:
    mine = [result for result in made.results if result.cell.contender is each]
    main, longest = figures.under(mine, each.name, "budget"), figures.own_stop(mine, each.name)
    composed = [record for result in main for record in result.composed.values()]
    measured = [record for result in main for record in result.measured.values()]
    return {
        "name": each.name,
        "kind": each.kind,
        "family": each.family,
        "parameters": {**each.defaults, **each.parameters},
        "fitted_once": not each.seeded,
        "failed": None if main else _reasons(mine)[0],
        "problems": _reasons(mine),
        "budget": figures.prediction(main, seed=seed),
        "own_stop": figures.prediction(longest, seed=seed) if made.settings["own_stop"] else None,
        "curve": figures.curve(mine, each.name, made.curve_sizes, seed=seed),
        "history": [{"seed": r.cell.seed, **r.fit["history"]} for r in longest or main if r.fit and r.fit["history"]],
        "features": means.features([record["features"] for record in measured]) if measured else None,
        "shape": means.shape(row for record in measured for row in record["shape"]) if measured else None,
        "similarity": means.similarity(measured),
        "diversity": means.diversity(measured),
        "originality": means.originality([record["originality"] for record in measured]),
        "judge": means.judge([record["judge"] for record in measured]),
        "metrics": means.metrics([record["metrics"] for record in measured]) if measured else {},
        "capped": sum(sum(record["capped"]) for record in composed),
        "cost": _cost(main, composed),
        "takes": _takes(made.music, main),
    }


def _reasons(results: Sequence[Result]) -> list[str]:
    """What went wrong, each with where, those of the budget first; and which fits had less than their time."""
    order = sorted(results, key=lambda result: result.cell.regime != "budget")
    failed = [f"{result.cell}: {stage}: {why}" for result in order for stage, why in result.failed.items()]
    return failed + [f"{result.cell}: {result.hurried}" for result in order if result.hurried]


def _cost(fits: Sequence[Result], composed: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    records = [result.fit for result in fits if result.fit]
    if not records:
        return None
    seconds = sum(record["seconds"] for record in composed)
    notes = sum(sum(record["n_notes"]) for record in composed)
    peaks = [record["peak_bytes"] for record in records if record["peak_bytes"]]
    return {
        "fit_seconds": round(sum(record["seconds"] for record in records) / len(records), 3),
        "notes_per_second": round(notes / seconds, 1) if seconds else None,
        "peak_bytes": max(peaks, default=None),
        "parameters": records[0]["parameters"],
        "file_bytes": records[0]["file_bytes"],
    }


def _pieces(music: Music, record: Mapping[str, Any]) -> list[TokenPiece]:
    headers = music.headers(len(record["symbols"]))
    return under(record["symbols"], headers, music.test.vocabulary.resolution)


def _takes(music: Music, fits: Sequence[Result]) -> list[dict[str, Any]]:
    """The first takes of each seed."""
    composed = [(seed, record) for result in fits for seed, record in result.composed.items()]
    shown = max(heard.SHOWN // max(len(composed), 1), 1)
    return [
        heard.take(
            music.encoding.decode([piece]),
            file=(Path(record["folder"]) / f"{number:02d}.mid").as_posix(),
            seed=seed,
            capped=record["capped"][number - 1],
        )
        for seed, record in composed
        for number, piece in enumerate(_pieces(music, record)[:shown], start=1)
    ]


def _held_out(music: Music, n: int) -> dict[str, Any]:
    beside = heard.Beside(music.encoding, music.training, music.held_out(n))
    pieces = pieces_of(beside.held_out)
    scores = beside.scores(pieces)
    shown = list(zip(scores, beside.held_out.names, strict=True))[: heard.SHOWN]
    return {
        "pieces": list(music.test.names),
        "features": {name: found.to_json() for name, found in summaries(scores).items()},
        "shape": means.shape(heard.shapes(scores)),
        "similarity": heard.similarity(scores),
        "diversity": heard.varied(scores),
        "originality": means.originality([heard.copies(pieces, music.training)]),
        "takes": [heard.take(score, piece=name) for score, name in shown],
    }


def _ceiling(music: Music, n: int) -> dict[str, Any]:
    """Training pieces beside held-out ones, in the place of what a model composed."""
    beside = heard.Beside(music.encoding, music.training, music.held_out(n))
    training, real = (beside.scores(pieces_of(side)) for side in (music.learned_from(n), beside.held_out))
    return {
        "ceiling": heard.features(training, real),
        "ceiling_judge": heard.judged(training, real),
        "ceiling_metrics": heard.brought(training, real),
    }


def _versions(made: Comparison) -> dict[str, str]:
    families = {each.family for each in made.compared}
    return {"python": platform.python_version(), **versions("neural" if "neural" in families else "statistical")}


def hardware() -> str:
    """The processor, its cores and the system, in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    model = next(named, "") or platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"

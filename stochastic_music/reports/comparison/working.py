"""What is done in worker processes: fit, predict, compose. Plain values in, JSON out; models travel as files."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stochastic_music import __version__, io, registry
from stochastic_music._parallel import peak_bytes
from stochastic_music.corpus import TokenCorpus
from stochastic_music.evaluation.likelihood import begins_note, note_totals
from stochastic_music.model_file import ModelFile
from stochastic_music.pipeline import Pipeline
from stochastic_music.pipeline.composing import seen_model, take_of
from stochastic_music.reports.comparison.records import finite
from stochastic_music.sampling import sample
from stochastic_music.sampling.drawing import NO_START
from stochastic_music.tokens import Header

#: a fit that took this part of its time, or more, is taken to have been asked to stop
_NEARLY = 0.97
#: what brings torch
_TRAINING = "stochastic_music.models.neural.training"


@dataclass(frozen=True, eq=False)
class Fit:
    """What is fitted, on what, and where the model goes."""

    model: list[Any]
    encoding: Any
    transpose: str
    training: TokenCorpus
    licences: tuple[str, ...]
    seconds: float
    path: Path

    @property
    def checkpoint(self) -> Path:
        """Where a fit that is broken off can go on."""
        return self.path.with_suffix(".checkpoint")


def prepared(kind: str, family: str) -> None:
    """Load what a kind stands on, so that its fit need not."""
    registry.get("models", kind)
    if family == "neural":
        with contextlib.suppress(ImportError):  # the fit says what is missing
            importlib.import_module(_TRAINING).preloaded()


def fitted(task: Fit) -> dict[str, Any]:
    """Fit a model and file it: how long that took, why it stopped, how large it is."""
    model = registry.from_json("models", task.model)
    pipeline = Pipeline(task.encoding, model, transpose=task.transpose)  # type: ignore[arg-type]
    started, worked = time.perf_counter(), time.process_time()
    pipeline.fit_tokens(task.training, licences=task.licences, seconds=task.seconds, checkpoint=task.checkpoint)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    pipeline.save(task.path, sources=not hasattr(model, "to_arrays"), force=True)
    return {
        "seconds": round(seconds, 3),
        "processor_seconds": round(worked, 3),
        "by_itself": stopped_by_itself(model, seconds, task.seconds),
        "parameters": _n_parameters(model),
        "file_bytes": task.path.stat().st_size,
        "peak_bytes": peak_bytes(),
        "history": _history(model),
        "pseudo": hasattr(model, "pseudo_log_probs"),
    }


def predicted(path: Path, test: TokenCorpus) -> dict[str, Any]:
    """Bits and notes of each held-out piece; a model that compares pieces says each symbol given all others."""
    pipeline = Pipeline.load(path)
    tokens = test.with_vocabulary(pipeline.vocabulary_)
    started = time.perf_counter()
    said = getattr(pipeline.model, "pseudo_log_probs", pipeline.log_probs)(tokens)
    seconds = time.perf_counter() - started
    totals = note_totals(tokens, said)
    return {"bits": finite(totals.bits), "notes": totals.counts.astype(int).tolist(), "seconds": round(seconds, 3)}


def composed(path: Path, headers: Sequence[Header | None], seed: int, folder: Path, command: str) -> dict[str, Any]:
    """New pieces under `headers`, each ended by the model or cut at the cap; written as MIDI files into `folder`.

    The files say how they were made: by `command`, by which model.
    """
    file = ModelFile(path)
    pipeline = Pipeline.from_file(file)
    most = int(pipeline.card_["most_events"])
    started = time.perf_counter()
    model = seen_model(pipeline, NO_START)
    drawn = sample(model, len(headers), headers=headers, seed=seed, least_events=1, max_events=most)
    seconds = time.perf_counter() - started
    takes = [take_of(pipeline, each) for each in drawn]
    facts = {
        "command": command,
        "seed": seed,
        "licences": pipeline.card_["licences"],
        "model": f"sha256:{file.checksum}",
    }
    made_by = json.dumps({"stochastic_music": __version__, **facts}, sort_keys=True)
    for number, take in enumerate(takes, start=1):
        io.save(take.score, folder / f"{number:02d}.mid", provenance=made_by)
    n_notes = [int(begins_note(pipeline.vocabulary_, each.symbols).sum()) for each in drawn]
    return {
        "symbols": [each.symbols.tolist() for each in drawn],
        "capped": [bool(each.capped) for each in drawn],
        "most_events": most,
        "n_notes": n_notes,
        "seconds": round(seconds, 3),
    }


def stopped_by_itself(model: Any, seconds: float, limit: float) -> bool:
    """Whether a fit ended before it was asked to, if it could be asked: what the model says, or else the clock."""
    if "seconds" not in inspect.signature(model.fit).parameters:
        return True
    if hasattr(model, "timed_out_"):
        return not model.timed_out_
    said = getattr(getattr(model, "history_", None), "stopped", None)
    return seconds < _NEARLY * limit if said is None else "time" not in said


def _n_parameters(model: Any) -> int | None:
    """How many numbers were learned: what the model says, or all that its file keeps."""
    told = getattr(model, "n_parameters_", None)
    if told is not None:
        return int(told)
    return int(sum(np.size(array) for array in model.to_arrays().values())) if hasattr(model, "to_arrays") else None


def _history(model: Any) -> dict[str, Any] | None:
    """The losses of each epoch, in nats a symbol, of a model that learns in epochs; which was best, why it stopped."""
    history = getattr(model, "history_", None)
    if history is None:
        return None
    losses = {name: finite(getattr(history, name)) for name in ("training", "validation")}
    return {**losses, "best": int(history.best), "stopped": str(history.stopped)}

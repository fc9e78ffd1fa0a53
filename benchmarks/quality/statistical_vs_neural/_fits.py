"""Fits of models, each written to a file as soon as it is done: a benchmark that was broken off goes on where it was.

A `Fit` names what is fitted to what; `done` gives the `Result` of each, from the folder `.fits` where it is there, or
else by fitting, some at a time, each in a process of its own with one thread. Files are named after what was fitted,
not after the code that did it: after a change of models, delete them. Results are JSON; networks leave their weights
too, so that asking them once more, as they adapt, does not take another fit.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from _music import sides

from stochastic_music import model_file, registry
from stochastic_music._files import write_atomically
from stochastic_music.corpus import TokenCorpus
from stochastic_music.evaluation import predict, predict_adapting
from stochastic_music.evaluation.likelihood import symbol_totals
from stochastic_music.model_file import ModelFile

FOLDER = Path(__file__).parent / ".fits"
#: the comparators; all others count
NEURAL = ("lstm", "gru", "wavenet", "transformer")


class Fit(NamedTuple):
    """A kind of model with parameters other than its defaults, and the `split` of `data` that it is fitted on.

    With `adapting` it learns each piece of the test side after it has predicted it.
    """

    data: str
    split: str
    kind: str
    parameters: tuple[tuple[str, Any], ...] = ()
    adapting: bool = False

    @property
    def path(self) -> Path:
        """Where its result is kept."""
        told = [f"{name}={value}" for name, value in self.parameters] + ["adapting"] * self.adapting
        words = [Path(self.data).stem, self.split, self.kind, *told]
        return FOLDER / ("-".join(words).replace(" ", "_") + ".json")

    @property
    def weights(self) -> Path:
        """Where the weights of a network are kept."""
        return self._replace(adapting=False).path.with_suffix(".smm")


class Result(NamedTuple):
    """What came of a fit: bits of each piece by side ("test", ...), seconds of fitting, and how training went.

    `training` and `validation` are the losses of each epoch in bits a symbol, empty for models that count; the weights
    kept are those after epoch `best`.
    """

    bits: dict[str, list[float]]
    seconds: float
    n_parameters: int
    training: list[float]
    validation: list[float]
    best: int


def done(fits: Sequence[Fit], processes: int = 1) -> list[Result]:
    """The results of fits, in their order; what is missing is fitted, and told on standard error as it is done."""
    FOLDER.mkdir(exist_ok=True)
    missing = [fit for fit in fits if not fit.path.is_file()]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for i, future in enumerate(as_completed([pool.submit(_keep, fit) for fit in missing])):
            print(f"{i + 1} of {len(missing)} fits: {future.result()}", file=sys.stderr, flush=True)
    return [Result(**json.loads(fit.path.read_text(encoding="utf-8"))) for fit in fits]


def _keep(fit: Fit) -> str:
    result = fitted(fit)
    text = json.dumps(result._asdict())
    write_atomically(fit.path, lambda path: path.write_text(text, encoding="utf-8"))
    return f"{fit.path.stem}, {result.seconds:.0f} s"


def fitted(fit: Fit) -> Result:
    """Fit, and score all sides but the one it was fitted on."""
    parts = dict(sides(fit.data, fit.split))
    model, seconds = _fit(fit, parts.pop("train"))
    ask = predict_adapting if fit.adapting else predict
    bits = {side: symbol_totals(corpus, ask(model, corpus).log_probs).bits.tolist() for side, corpus in parts.items()}
    history = getattr(model, "history_", None)
    training, validation = ([x / math.log(2) for x in losses] for losses in (history[:2] if history else ((), ())))
    n_parameters, best = getattr(model, "n_parameters_", 0), history.best if history else 0
    return Result(bits, seconds, n_parameters, training, validation, best)


def _fit(fit: Fit, corpus: TokenCorpus) -> tuple[Any, float]:
    """The model, and how long fitting took: no time where its weights are there."""
    model = registry.create("models", fit.kind, dict(fit.parameters))
    if fit.kind in NEURAL:
        _one_thread()
    if fit.weights.is_file():
        return model.from_arrays(ModelFile(fit.weights), corpus.vocabulary), 0.0
    begin = time.perf_counter()
    model = model.fit(corpus)
    seconds = time.perf_counter() - begin
    if fit.kind in NEURAL:
        model_file.write(fit.weights, {}, model.to_arrays())
    return model, seconds


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)

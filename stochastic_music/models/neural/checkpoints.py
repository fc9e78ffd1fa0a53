"""Training that is broken off and goes on: what is written of it, and read back.

A checkpoint (`_checkpoint`) holds the weights as they are and the best of them, the moments of AdamW and the losses so
far, after a whole epoch. Random numbers need no saving, being functions of the seed and the epoch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray

from stochastic_music import _checkpoint
from stochastic_music.corpus import TokenCorpus
from stochastic_music.models import deadline
from stochastic_music.models.neural.lesson import Lesson

if TYPE_CHECKING:
    from stochastic_music.models.neural.training import Course

_WORK = "training"
#: seconds between two checkpoints, at least
EVERY = 20.0
_FACTS = ("trained", "validated", "n_steps", "setbacks")


def identity(predictor: Any, training: TokenCorpus, validation: TokenCorpus, lesson: Lesson) -> dict[str, str]:
    """What makes a fit what it is, by name; the limit of time is no part of it.

    Networks may differ where their weights do not: in dropout, or in how far back a layer looks. Their `repr` tells.
    """
    corpora = {"training pieces": training, "validation pieces": validation}
    return {
        "lesson": repr(lesson),
        "network or seed": _checkpoint.digest(_arrays(predictor.state_dict()), repr(predictor)),
        **{name: _digest(corpus) for name, corpus in corpora.items()},
        "version of torch": torch.__version__,
    }


class Keeper:
    """The checkpoint of one fit, which `identity` tells from all others, at `path` (None: none is kept)."""

    def __init__(self, path: Path | None, identity: Mapping[str, str]) -> None:
        self._path, self._identity, self._last = path, identity, deadline.clock()

    def found(self) -> _checkpoint.Contents | None:
        """What was kept of this very fit; raises UsageError where what stands there is of another, or damaged."""
        there = self._path is not None and self._path.exists()
        return _checkpoint.load(self._path, _WORK, self._identity) if self._path and there else None

    def keep(self, course: Course, seconds: float) -> None:
        """Write down where training is after so many `seconds`, unless that was done only just now."""
        if self._path is not None and deadline.clock() - self._last >= EVERY:
            _checkpoint.save(self._path, _WORK, self._identity, contents_of(course, seconds))
            self._last = deadline.clock()

    def discard(self) -> None:
        """Nothing is left to go on with."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def seconds_of(saved: _checkpoint.Contents | None) -> float:
    """How long training had taken."""
    return float(saved.facts["seconds"]) if saved else 0.0


def contents_of(course: Course, seconds: float) -> _checkpoint.Contents:
    """All that a course comes to, as arrays and text."""
    moments = course.optimiser.state_dict()["state"]
    arrays = {f"moments {i} {name}": value for i, of_one in moments.items() for name, value in of_one.items()}
    arrays |= {f"now {name}": value for name, value in course.predictor.state_dict().items()}
    arrays |= {f"best {name}": value for name, value in course.best_weights.items()}
    facts = {name: json.dumps(getattr(course, name)) for name in _FACTS}
    return _checkpoint.Contents(_arrays(arrays), {**facts, "seconds": str(seconds)})


def restore(course: Course, saved: _checkpoint.Contents) -> None:
    """Put a course where it was."""
    tensors = {name: torch.from_numpy(array.copy()) for name, array in saved.arrays.items()}
    course.predictor.load_state_dict(_under("now", tensors))
    course.best_weights = _under("best", tensors)
    moments: dict[int, dict[str, Any]] = {}
    for name, value in _under("moments", tensors).items():
        number, _, which = name.partition(" ")
        moments.setdefault(int(number), {})[which] = value
    groups = course.optimiser.state_dict()["param_groups"]
    course.optimiser.load_state_dict({"state": moments, "param_groups": groups})
    for name in _FACTS:
        setattr(course, name, json.loads(saved.facts[name]))


def _under(head: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """What is named `head` and something else, by that."""
    return {name.removeprefix(f"{head} "): value for name, value in tensors.items() if name.startswith(f"{head} ")}


def _arrays(tensors: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _digest(corpus: TokenCorpus) -> str:
    text = repr((corpus.vocabulary.to_json(), corpus.headers))
    return _checkpoint.digest({"symbols": corpus.symbols, "offsets": corpus.offsets}, text)

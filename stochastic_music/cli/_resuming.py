"""Fits that were broken off go on: what stands beside the model's file is found when the same command runs again.

    MODEL.smm.held-out.training   where the fit for the held-out figure stands
    MODEL.smm.held-out            that figure, once it is known
    MODEL.smm.training            where the fit on all pieces stands

Only models that learn in steps leave these (`protocols.TrainedModel`). They are gone once the model is written.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from stochastic_music import _checkpoint
from stochastic_music.cli._common import say
from stochastic_music.cli._fitting import Request

_WORK = "held-out figure"


class Unfinished:
    """What is left of a fit of `model` that writes `output`, None for nowhere; see the module's article."""

    def __init__(self, model: Any, output: Path | None) -> None:
        known = output is not None and "checkpoint" in inspect.signature(model.fit).parameters
        stem = str(output) if known else None
        self.held_out, self.figure, self.whole = (
            None if stem is None else Path(f"{stem}{end}") for end in (".held-out.training", ".held-out", ".training")
        )

    @property
    def _files(self) -> list[Path]:
        return [path for path in (self.held_out, self.figure, self.whole) if path is not None]

    @property
    def left(self) -> list[Path]:
        """Which files are there."""
        return [path for path in self._files if path.exists()]

    @classmethod
    def of(cls, model: Any, request: Request) -> Self:
        """What is left where `request` writes, which is said."""
        unfinished = cls(model, request.output)
        if unfinished.left:
            say(f"Going on from {', '.join(map(str, unfinished.left))}, which a fit that was broken off has left.")
        return unfinished

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Say, where a fit is interrupted, that it can go on."""
        try:
            yield
        except KeyboardInterrupt:
            if self.left:
                say("Interrupted. How far it had come is kept: give the same command to go on.")
            raise

    def figure_or(self, identity: Mapping[str, str], measured: Callable[[], Any]) -> Any:
        """The held-out figure of the fit of this `identity`: as it was kept, or measured, and kept."""
        if self.figure is None:
            return measured()
        if self.figure.exists():
            return json.loads(_checkpoint.load(self.figure, _WORK, identity).facts["figure"])
        found = measured()
        _checkpoint.save(self.figure, _WORK, identity, _checkpoint.Contents({}, {"figure": json.dumps(found)}))
        return found

    def clear(self) -> None:
        """Delete what is left."""
        for path in self._files:
            path.unlink(missing_ok=True)

    def clearing(self, save: Callable[..., Any]) -> Callable[..., Any]:
        """`save`, and then nothing is left."""

        def saved(*given: Any, **options: Any) -> Any:
            done = save(*given, **options)
            self.clear()
            return done

        return saved

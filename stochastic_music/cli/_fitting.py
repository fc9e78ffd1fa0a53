"""What `fit` asks of each of its tasks: a request in, something fitted out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor


@dataclass(frozen=True)
class Request:
    """What `stochmusic fit` was asked, as its options are called; defaults are those of the options.

    `limits` are for `open_corpus`: what a file may take, and who reads; `executor` is for what can be counted in parts.
    `output` is where the model will be written.
    """

    corpus: list[str]
    model: str | None = None
    set: tuple[str, ...] = ()
    encoding: str = "auto"
    part: str | None = None
    grid: str = "1/16,1/12"
    transpose: str = "auto"
    labels: Path | None = None
    holdout: float = 0.1
    refit: bool = True
    sources: bool | None = None
    memory: int | None = None
    seed: int = 0
    limits: Mapping[str, Any] | None = None
    executor: Executor | None = None
    output: Path | None = None

    def refuse(self, task: str, *options: str) -> None:
        """Raise UsageError where one of `options`, which this task has no use for, was given."""
        default = {field.name: field.default for field in fields(self)}
        for option in options:
            if getattr(self, option) != default[option]:
                raise UsageError(f"--{option} does not go with --task {task}: leave it out")


#: what to do with a model that composes
COMPOSE = "Now compose, hear and see: stochmusic generate {} --also page --open"


class Fitted(NamedTuple):
    """A fitted model: how to write it, what the report says of it, and what is told to people.

    `save(path, sources=, force=)` writes the file. `report` holds JSON, the keys of `files_read` and its kin among
    them. `sentences` are told before, `next` after the file is written; "{}" in it stands for the file.
    """

    save: Callable[..., Any]
    report: dict[str, Any]
    sentences: list[str]
    next: str


def surprise(figure: Mapping[str, Any], unit: str) -> str:
    """A figure with its interval in words; one without a value is infinite.

    >>> surprise({"value": 2.5, "interval": [2.25, 2.75], "level": 0.95}, "bits per note")
    '2.50 bits per note (95 % interval 2.25 to 2.75)'
    >>> surprise({"value": 2.5, "interval": [2.5, 2.5], "level": 0.95}, "bits per note")
    '2.50 bits per note (of too few pieces for an interval)'
    """
    if figure["value"] is None:
        return "infinite, for the model holds something there to be impossible (one that smooths its counts would not)"
    if figure["interval"] == [figure["value"]] * 2:
        return f"{figure['value']:.2f} {unit} (of too few pieces for an interval)"
    low, high = ("infinity" if bound is None else f"{bound:.2f}" for bound in figure["interval"])
    return f"{figure['value']:.2f} {unit} (95 % interval {low} to {high})"

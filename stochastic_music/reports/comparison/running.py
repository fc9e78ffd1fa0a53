"""Cells at work: each in a process of its own, a few at once, the longest first, each ended when its time is over.

Whatever is found out is filed at once (`records`) and not done again. A cell that fails leaves its reason, and stops
nothing else; one that was ended for taking too long is not tried again under the same limit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from stochastic_music._parallel import Processes
from stochastic_music._parallel.processes import WorkerLost
from stochastic_music.errors import StochasticMusicError
from stochastic_music.protocols import Progress
from stochastic_music.reports.comparison import heard, working
from stochastic_music.reports.comparison.cells import Cell, key, on_its_own
from stochastic_music.reports.comparison.music import Music, under
from stochastic_music.reports.comparison.records import Work, plain, write

Value = TypeVar("Value")
#: told a line
Tell = Callable[[str], None]
#: how many seconds a process may take to start, and a model to predict, or to compose by one seed
_STARTING, _HEARING = 120.0, 900.0
#: a fit that had a processor for less than this part of its time was in another's way
_BUSY = 0.7


@dataclass(frozen=True, eq=False)
class Job:
    """What all cells have in common: the music, where results are kept, how many pieces are composed by each seed.

    `command` is how files say they were made.
    """

    music: Music
    work: Work
    n_composed: int
    own_stop: bool
    command: str

    @property
    def test_key(self) -> str:
        """A key of what predictions depend on besides the fit."""
        return key(self.music.facts["test"])

    def takes_key(self, seed: int) -> str:
        """A key of what takes depend on besides the fit."""
        return f"{key([self.music.facts['test'], self.music.seed])}-n{self.n_composed}-s{seed}"

    def measures_key(self, seed: int) -> str:
        """A key of what measures of takes depend on besides the fit: the takes, and which metrics plug-ins bring."""
        brought = sorted(heard.brought_in())
        return self.takes_key(seed) + (f"-{key(brought)}" if brought else "")

    @property
    def beside(self) -> heard.Beside:
        """What takes are measured beside."""
        return heard.Beside(self.music.encoding, self.music.training, self.music.held_out(self.n_composed))


@dataclass(frozen=True, eq=False)
class Result:
    """What became of a cell: records of its fit, prediction, takes and their measures by seed; and what went wrong.

    `overran` where the fit was ended because its time was over.
    """

    cell: Cell
    fit: dict[str, Any] | None = None
    predicted: dict[str, Any] | None = None
    composed: dict[int, dict[str, Any]] = field(default_factory=dict)
    measured: dict[int, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    overran: bool = False

    @property
    def by_itself(self) -> bool:
        """Whether the fit ended before its time was over."""
        return self.fit is not None and bool(self.fit.get("by_itself"))

    @property
    def hurried(self) -> str:
        """What is to be said of a fit that was asked to stop on a machine that was busy with other things."""
        if self.fit is None or self.by_itself or self.fit["processor_seconds"] > _BUSY * self.fit["seconds"]:
            return ""
        had, of = self.fit["processor_seconds"], self.fit["seconds"]
        return f"the machine was busy: of {of:.0f} s this fit had a processor for {had:.0f} s"

    def __str__(self) -> str:
        if self.failed:
            return f"{self.cell}: {'; '.join(self.failed.values())}"
        assert self.fit is not None and self.predicted is not None  # noqa: S101, PT018 - or something had failed
        stopped = "" if self.by_itself else ", asked to stop" + (f"; {self.hurried}" if self.hurried else "")
        said = _surprise(self.predicted, self.fit["pseudo"])
        return f"{self.cell}: {said}, fitted in {self.fit['seconds']:.1f} s{stopped}"


class FailedError(Exception):
    """What a process was asked for was not done: why, in words."""


class OverrunError(FailedError):
    """A process was ended because its time was over."""


class Hand:
    """A process for one cell, started when there is something to do."""

    def __init__(self) -> None:
        self._executor: Processes | None = None
        self._ended = False

    def do(self, seconds: float, function: Callable[..., Value], *args: Any) -> Value:
        """`function(*args)` in the process, which is ended where it takes more than `seconds`.

        Raises OverrunError where it was, FailedError where the function raises, or the process dies.
        """
        if self._ended:
            raise FailedError("the comparison was ended")
        if self._executor is None:
            self._executor = Processes(1)
        future = self._executor.submit(function, *args)
        if not wait([future], timeout=seconds).done:
            self.end()
            raise OverrunError(f"not done after {seconds:.0f} s: it was ended")
        if (error := future.exception()) is not None:
            raise FailedError(_reason(error)) from error
        return future.result()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._ended = True
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)


class Crew:
    """`n` cells at once; use it in a `with` block, whatever ends which ends them all."""

    def __init__(self, n: int, job: Job) -> None:
        self._job = job
        self._threads = ThreadPoolExecutor(n, "comparison")
        self._hands: set[Hand] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            hands = tuple(self._hands)
        for hand in hands:
            hand.end()
        self._threads.shutdown(wait=True)

    def submit(self, cell: Cell) -> Future[Result]:
        """The future of a cell's result."""
        return self._threads.submit(self._work, cell)

    def _work(self, cell: Cell) -> Result:
        hand = Hand()
        with self._lock:
            self._hands.add(hand)
        try:
            return worked(cell, self._job, hand)
        finally:
            hand.end()
            with self._lock:
                self._hands.discard(hand)


def run(cells: Iterable[Cell], job: Job, *, workers: int, tell: Tell, progress: Progress | None) -> list[Result]:
    """The results of all cells, and of those that follow from them: fits that go on until they stop by themselves."""
    waiting, results = list(cells), list[Result]()
    at_work: set[Future[Result]] = set()
    with Crew(workers, job) as crew:
        while waiting or at_work:
            while waiting and len(at_work) < workers:
                longest = max(waiting, key=_expected)
                waiting.remove(longest)
                at_work.add(crew.submit(longest))
            done, at_work = wait(at_work, return_when=FIRST_COMPLETED)
            for result in (future.result() for future in done):
                results.append(result)
                waiting += following(result, job)
                tell(str(result))
                if progress:
                    progress(len(results), len(results) + len(waiting) + len(at_work), str(result.cell))
    return results


def is_filed(cell: Cell, job: Job) -> bool:
    """Whether the fit of a cell need not be done again."""
    return job.work.known(_place(cell, job) / "fit.json") is not None


def _place(cell: Cell, job: Job) -> Path:
    return job.work.place(cell.stem, cell.facts(job.music))


def worked(cell: Cell, job: Job, hand: Hand) -> Result:
    """A cell from beginning to end: what is on file is taken from there."""
    folder = _place(cell, job)
    fit = job.work.known(folder / "fit.json")
    if fit is None:
        try:
            fit = _fitted(cell, job, hand, folder)
        except FailedError as error:
            return Result(cell, failed={"fit": str(error)})
        write(folder / "fit.json", fit)
    if "failed" in fit:
        return Result(cell, failed={"fit": fit["failed"]}, overran=True)
    try:
        predicted = _predicted(job, hand, folder)
    except FailedError as error:
        return Result(cell, fit, failed={"predict": str(error)})
    composed, measured, failed = {}, {}, {}
    for seed in cell.composing:
        stage = "compose"
        try:
            composed[seed] = _composed(job, hand, folder, seed)
            stage = "measure"
            measured[seed] = _measured(job, hand, folder, seed, composed[seed]["symbols"])
        except FailedError as error:
            failed[stage] = str(error)
            break
    return Result(cell, fit, predicted, composed, measured, failed)


def _fitted(cell: Cell, job: Job, hand: Hand, folder: Path) -> dict[str, Any]:
    rows = job.music.subset(cell.n_pieces)
    fit = working.Fit(
        cell.contender.model(cell.seed),
        job.music.encoding,
        job.music.transpose,
        job.music.training.select(rows),
        tuple(job.music.licences[i] for i in rows),
        cell.seconds,
        folder / "model.smm",
    )
    folder.mkdir(parents=True, exist_ok=True)
    if job.work.anew:
        fit.checkpoint.unlink(missing_ok=True)
    hand.do(_STARTING, working.prepared, cell.contender.kind, cell.contender.family)
    try:
        return hand.do(cell.patience, working.fitted, fit)
    except OverrunError:
        if cell.contender.stops_in_time:
            why = f"asked to stop after {cell.seconds:.0f} s, still fitting {cell.patience - cell.seconds:.0f} s later"
        else:
            why = f"not fitted after {cell.seconds:.0f} s, and it cannot be asked to stop"
        return {"failed": f"{why}: it was ended"}


def _predicted(job: Job, hand: Hand, folder: Path) -> dict[str, Any]:
    path = folder / f"predicted-{job.test_key}.json"
    record = job.work.known(path)
    if record is None:
        record = hand.do(_HEARING, working.predicted, folder / "model.smm", job.music.test)
        write(path, record)
    return record


def _composed(job: Job, hand: Hand, folder: Path, seed: int) -> dict[str, Any]:
    name = f"composed-{job.takes_key(seed)}"
    record = job.work.known(folder / f"{name}.json")
    if record is None:
        headers = job.music.headers(job.n_composed)
        (folder / name).mkdir(exist_ok=True)
        record = hand.do(_HEARING, working.composed, folder / "model.smm", headers, seed, folder / name, job.command)
        write(folder / f"{name}.json", record)
    return {**record, "folder": (folder / name).relative_to(job.work.folder.parent).as_posix()}


def _measured(job: Job, hand: Hand, folder: Path, seed: int, symbols: list[list[int]]) -> dict[str, Any]:
    path = folder / f"measured-{job.measures_key(seed)}.json"
    record = job.work.known(path)
    if record is None:
        pieces = under(symbols, job.music.headers(job.n_composed), job.music.test.vocabulary.resolution)
        record = plain(hand.do(_HEARING, heard.measured, pieces, job.beside))
        write(path, record)
    return record


def following(result: Result, job: Job) -> list[Cell]:
    """The fit without the budget, where this one did not stop by itself, nor fail for another reason than time."""
    done = result.by_itself or result.cell.regime != "budget" or not job.own_stop
    gave_up = result.fit is None and not result.overran
    return [] if done or gave_up else [on_its_own(result.cell)]


def _expected(cell: Cell) -> float:
    """How long a cell may take, as far as can be told: those that can be asked to stop, networks above all, do."""
    likely = 20 if cell.contender.family == "neural" else 10 if cell.contender.stops_in_time else 1
    return cell.seconds * cell.n_pieces * likely


def _reason(error: BaseException) -> str:
    if isinstance(error, WorkerLost):
        return f"its process died ({error}): is there memory enough?"
    if isinstance(error, StochasticMusicError):
        return str(error).rstrip(".")
    return f"{type(error).__name__}: {error}"


def _surprise(predicted: dict[str, Any], pseudo: bool) -> str:
    unit = "bits a note, each symbol given all others" if pseudo else "bits per note"
    if None in predicted["bits"]:
        return f"infinite {unit}"
    return f"{sum(predicted['bits']) / max(sum(predicted['notes']), 1):.3f} {unit}"

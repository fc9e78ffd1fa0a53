"""`compare`: the one call that makes a comparison and writes its report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from stochastic_music import tokens
from stochastic_music._files import refuse_unwritable
from stochastic_music._parallel import cores
from stochastic_music.corpus import Corpus
from stochastic_music.errors import InvalidParameterError, MachineError, UsageError
from stochastic_music.protocols import Progress
from stochastic_music.reports.comparison.account import Comparison, report
from stochastic_music.reports.comparison.cells import PATIENCE, Cell, cells
from stochastic_music.reports.comparison.contenders import KINDS, contenders
from stochastic_music.reports.comparison.markdown import as_markdown
from stochastic_music.reports.comparison.music import MOST_COMPOSED, music_of
from stochastic_music.reports.comparison.records import Work, plain, read, write, write_text
from stochastic_music.reports.comparison.running import Job, Tell, is_filed, run
from stochastic_music.reports.comparison.votes import counted
from stochastic_music.reports.pages import blind_page, index_page

#: numbers of training pieces of the learning curves
SIZES = (10, 30, 100, 300, 1000)


def compare(
    corpus: Corpus,
    models: Sequence[str] | Mapping[str, Any] = KINDS,
    *,
    output: str | Path,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    budget: float = 600.0,
    seeds: int = 3,
    encoding: Any = None,
    transpose: Literal["common", "none", "all"] = "common",
    test_size: float = 0.2,
    n: int | None = None,
    sizes: Sequence[int] = SIZES,
    own_stop: bool = True,
    seed: int = 0,
    workers: int | None = None,
    force: bool = False,
    title: str = "",
    command: str = "",
    tell: Tell | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fit models on one split, let them predict and compose, measure, and write a report; returns what it holds.

    Args:
        corpus: the pieces; variants of a tune stay on one side of the split.
        models: kinds (`stochmusic models`), or models by names of one's own, not fitted.
        output: the folder of the report; a comparison that was broken off there goes on.
        settings: parameters of kinds.
        budget: wall-clock seconds for the fits of each model, over all its seeds.
        seeds: how many fits there are of each model whose fit holds randomness, and sets of pieces of each.
        encoding: how scores become symbols; None chooses what suits.
        transpose: as for `Pipeline`; "all" multiplies the training side alone.
        test_size: the share of pieces held out.
        n: pieces composed by each model and seed; None: one a held-out piece, 60 at most.
        sizes: numbers of training pieces of the learning curves; those below the training side's are fitted.
        own_stop: whether fits that were stopped by the budget go on in a second table.
        seed: of the split, of smaller training sets, and of intervals.
        workers: processes; None: one a core.
        force: begin anew, whatever the folder holds.
        title: what the report calls the corpus.
        command: how the report says it was made.
        tell: told a line now and then.
        progress: told (done, total, label).

    Raises EmptyCorpusError for a corpus too small to split, UsageError for requests that make no sense and folders of
    another comparison, MachineError where nothing could be fitted or written.
    """
    _check(budget, seeds, n, sizes)
    compared, folder, say = contenders(models, settings), Path(output), tell or _silent
    chosen = encoding or tokens.choose_encoding([piece.score for piece in corpus]).encoding
    music = music_of(corpus, chosen, transpose=transpose, test_size=test_size, seed=seed)
    n_composed = min(len(music.test), MOST_COMPOSED) if n is None else n
    first = cells(compared, music, budget=budget, seeds=seeds, sizes=sizes)
    refuse_unwritable(folder)
    work = Work(folder / "work", anew=force)
    name = title or "corpus"
    work.claim(music.facts, name)
    hands = min(workers or cores(), cores())
    say(music.report.summary())
    job = Job(music, work, n_composed, own_stop, command or "stochastic_music.reports.compare")
    say(_told_limits([cell for cell in first if not is_filed(cell, job)], len(first), hands, own_stop))
    results = run(first, job, workers=hands, tell=say, progress=progress)
    told = {
        "budget_seconds": budget,
        "seeds": seeds,
        "n_composed": n_composed,
        "sizes": list(sizes),
        "own_stop": own_stop,
        "curve_seeds": 1,
        "split_seed": seed,
    }
    made: dict[str, Any] = plain(report(Comparison(name, command, compared, music, told, results), seed=seed))
    _refuse_nothing(made)
    write_report(made, folder)
    return made


def write_report(made: dict[str, Any], folder: Path) -> None:
    """`report.json` and what people read, into `folder`."""
    write(folder / "report.json", made)
    write_text(folder / "report.md", as_markdown(made))
    write_text(folder / "index.html", index_page(made))
    write_text(folder / "blind.html", blind_page(made))


def count_votes(folder: str | Path, files: Sequence[str | Path]) -> dict[str, Any]:
    """Votes of the blind page, counted (`votes`) and added to the report in `folder`; returns them.

    Raises UsageError where there is no report, or votes do not go with it.
    """
    path = Path(folder) / "report.json"
    made = read(path)
    if made is None or made.get("schema") != 1:
        raise UsageError(f"there is no report {path} of this version: give the folder of one with -o")
    found = counted(made, files)
    write_report({**made, "votes": found}, Path(folder))
    return found


def _told_limits(ahead: Sequence[Cell], n_cells: int, hands: int, own_stop: bool) -> str:
    """How long the fits `ahead`, of so many cells in all, can take at most."""
    within = sum(cell.patience for cell in ahead) / hands
    longer = [cell.seconds * PATIENCE for cell in ahead if cell.regime == "budget"]
    known = f", {n_cells - len(ahead)} of them known from before" if len(ahead) < n_cells else ""
    more = f", and {in_words(sum(longer) / hands)} more for fits that go on until they stop by themselves"
    processes = "1 process" if hands == 1 else f"{hands} processes"
    limits = f"at most {in_words(within)} under the budget{more if own_stop else ''}"
    return f"{n_cells} fits{known}, on {processes}: {limits}; models that stop sooner are done sooner."


def in_words(seconds: float) -> str:
    """A time in words.

    >>> in_words(90), in_words(7260)
    ('2 min', '2 h 1 min')
    """
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _refuse_nothing(made: dict[str, Any]) -> None:
    """Raise MachineError where no model could be fitted."""
    if all(model["failed"] for model in made["models"]):
        reasons = "; ".join(model["failed"] for model in made["models"])
        raise MachineError(f"nothing could be compared, for no model could be fitted. {reasons}")


def _check(budget: float, seeds: int, n: int | None, sizes: Sequence[int]) -> None:
    if not (math.isfinite(budget) and budget > 0):
        raise InvalidParameterError(f"budget is {budget}; expected seconds, more than 0")
    if seeds < 1:
        raise InvalidParameterError(f"seeds is {seeds}; expected 1 or more")
    if n is not None and n < 1:
        raise InvalidParameterError(f"n is {n}; expected how many pieces each composes, 1 or more")
    for size in sizes:
        if size < 1:
            raise InvalidParameterError(f"sizes hold {size}; expected numbers of training pieces, 1 or more")


def _silent(_: str) -> None:
    pass

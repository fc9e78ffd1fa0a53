"""Chains: how they moved, how often what was tried was accepted, and how well they agree.

A walk in Python (`pipeline.walking.walked`), a run, or what `generate --sampler metropolis --diagnostics DIR` wrote:
`recorded` reads the JSON file of such a folder. What the figures mean is told in `sampling.metropolis.diagnostics`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.pipeline.walking import Walk
from stochastic_music.render.traces import Traces, trace_plot
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.sampling.metropolis import Run

_SUFFIX = "-diagnostics.json"


class Record(NamedTuple):
    """What is known of a run: its diagnostics as `Diagnostics.to_json` gives them, and traces where they are kept."""

    name: str
    diagnostics: Mapping[str, Any]
    traces: Traces | None


def inspect(walk: Walk | Run | Record, request: Request) -> Inspection:
    """The inspection of chains. Raises UsageError for a context, about which chains have nothing to say."""
    if request.context is not None:
        raise UsageError("--context goes with models, and this is a record of chains: leave it out")
    record = walk if isinstance(walk, Record) else _of_run(walk.run if isinstance(walk, Walk) else walk)
    found, traces = record.diagnostics, record.traces
    title = f"{record.name}: Metropolis, {found['steps']:,} steps"
    return Inspection(
        "walk",
        title,
        _facts(found),
        [_quantities(found), _proposals(found)],
        [f"{remark}." for remark in found["remarks"]],
        draw=None if traces is None else lambda: trace_plot(traces, title=title),
        data={} if traces is None else {"traces": traces.to_json()},
    )


def recorded(path: Path) -> Record:
    """The record that a folder of --diagnostics holds, or its JSON file.

    Raises UsageError where there is none, or several, or the file is something else.
    """
    file = _file_in(path) if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        name = file.name.removesuffix(_SUFFIX)
        return Record(name, _checked(found), _traces(found) if "traces" in found else None)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} is no record of chains: expected the {_SUFFIX.removeprefix('-')} file that "
            "'stochmusic generate --sampler metropolis --diagnostics DIR' writes"
        ) from error


def _file_in(folder: Path) -> Path:
    files = sorted(folder.glob(f"*{_SUFFIX}"))
    if len(files) != 1:
        known = f"several, {', '.join(file.name for file in files)}: name one" if files else "none"
        raise UsageError(f"{folder} is a folder, and of records of chains (*{_SUFFIX}) it holds {known}")
    return files[0]


def _checked(found: Any) -> Mapping[str, Any]:
    """The diagnostics, if all that is told of them is there; raises KeyError or TypeError."""
    diagnostics: Mapping[str, Any] = {key: found[key] for key in (*_FACTS, "quantities", "proposals", "remarks")}
    _quantities(diagnostics)
    _proposals(diagnostics)
    return diagnostics


def _traces(found: Mapping[str, Any]) -> Traces:
    """The traces of a file; raises ValueError where their shapes do not agree."""
    kept = found["traces"]
    steps = np.array(kept["steps"], dtype=np.int64)
    quantities = {str(name): np.array(rows, dtype=np.float64) for name, rows in kept["quantities"].items()}
    if any(values.shape != (len(steps), found["chains"]) for values in quantities.values()):
        raise ValueError
    accepted = {str(row["name"]): float(row["acceptance"] or 0.0) for row in found["proposals"]}
    return Traces(steps, quantities, int(kept["burn_in"]), accepted)


def _of_run(run: Run) -> Record:
    return Record(f"{run.lengths.shape[1]} chains", run.diagnostics.to_json(), Traces.of(run))


_FACTS = ("chains", "steps", "kept", "acceptance", "stopped")


def _facts(found: Mapping[str, Any]) -> dict[str, Cell]:
    return {key: found[key] for key in _FACTS}


def _quantities(found: Mapping[str, Any]) -> Table:
    columns = (
        Column("name", "quantity"), Column("mean", digits=3), Column("mcse", "error", digits=3),
        Column("ess", "effective draws", digits=0), Column("r_hat", "R-hat", digits=3),
    )  # fmt: skip
    rows = [tuple(row[column.key] for column in columns) for row in found["quantities"]]
    note = "of the second half; error: of the mean, by Monte Carlo; R-hat: 1 where chains agree, below 1.01 is good"
    return Table("quantities", "What the chains tell of each quantity", columns, rows, note)


def _proposals(found: Mapping[str, Any]) -> Table:
    columns = (Column("name", "proposal"), Column("tried"), Column("acceptance", "accepted", "probability"))
    rows = [tuple(row[column.key] for column in columns) for row in found["proposals"]]
    return Table("proposals", "What was tried, and how often it was accepted", columns, rows)

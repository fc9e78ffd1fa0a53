"""What is installed here: libraries that are there, that are absent, and that are there but broken.

A library may be installed and fail to load: half an update, a missing system library, a wrong processor. Nobody knows
before it is imported, which may take seconds or bring the interpreter down. So each group of libraries is imported in a
process of its own, all groups at a time, and the last library that was tried before a crash is the broken one.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

#: without these nothing works; typer and rich are there where this runs
CORE = (
    "numpy", "scipy", "symusic", "mido", "music21", "matplotlib", "safetensors", "typer", "rich", "sklearn",
    "arviz_stats",
)  # fmt: skip
#: installed with the package where they exist for the platform -> what they bring
WHERE_THEY_EXIST = {
    "hmmlearn": "hidden Markov models through hmmlearn (--set engine=hmmlearn)",
    "sklearn_crfsuite": "training conditional random fields (fit -m crf, --task chords)",
}
#: modules whose distribution has another name
_DISTRIBUTIONS = {"sklearn": ("scikit-learn",), "cupy": ("cupy-cuda12x", "cupy-cuda13x", "cupy")}
_PATIENCE = 120.0
#: what a line about a module begins with, among whatever libraries print
_MARK = "@@doctor "
_PROBE = f"""
import importlib, json, sys
for name in sys.argv[1:]:
    print("{_MARK}" + json.dumps([name, "it brings the interpreter down"]), flush=True)
    try:
        importlib.import_module(name)
        why = ""
    except BaseException as error:
        why = type(error).__name__ + ": " + str(error)
    print("{_MARK}" + json.dumps([name, why]), flush=True)
"""


class Extra(NamedTuple):
    """What an extra brings, and the modules that it installs; `names` are those of pip, one of which is to be taken."""

    brings: str
    modules: tuple[str, ...]
    names: tuple[str, ...] = ()


EXTRAS = {
    "notation": Extra(
        "engraved scores: SVG, PNG, PDF, and notation in pages", ("verovio", "resvg_py", "reportlab", "fontTools")
    ),
    "sound": Extra("FLAC and OGG", ("soundfile",)),
    "notebook": Extra("running notebooks", ("ipykernel", "nbclient")),
    "interop": Extra("exchange with other libraries", ("pretty_midi", "muspy", "partitura", "isobar", "miditok")),
    "neural": Extra("neural networks to compare with (fit -m lstm, gru, wavenet, transformer)", ("torch",)),
    "tokens": Extra("--encoding remi", ("miditok",)),
    "parquet": Extra("corpora as Parquet", ("pyarrow",)),
    "fast": Extra("loops compiled for this machine", ("numba",)),
    "gpu": Extra("drawing on an NVIDIA GPU", ("cupy",), ("gpu12", "gpu13")),
    "dask": Extra("work on many machines", ("distributed",)),
    "pomegranate": Extra("hidden Markov models through pomegranate (--set engine=pomegranate)", ("pomegranate",)),
}


class Library(NamedTuple):
    """A module that is installed: its version where it tells one, and why it does not load ("" where it does)."""

    version: str | None
    why: str = ""


def examined() -> dict[str, Library | None]:
    """Each module of the core and of the extras; None for those that are not installed."""
    groups = [(*CORE, *WHERE_THEY_EXIST), *(extra.modules for extra in EXTRAS.values())]
    first = {module: number for number, group in reversed(list(enumerate(groups))) for module in group}
    there = [[module for module in group if first[module] == n and _is_there(module)] for n, group in enumerate(groups)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        failures = dict(pair for found in pool.map(_tried, filter(None, there)) for pair in found.items())
    present = {module for group in there for module in group}
    return {
        module: Library(version(module), failures.get(module, "")) if module in present else None for module in first
    }


def version(module: str) -> str | None:
    """The version of what brought a module, None where nothing says so."""
    for name in _DISTRIBUTIONS.get(module, (module.replace("_", "-"),)):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def about_extras(libraries: Mapping[str, Library | None]) -> dict[str, dict[str, Any]]:
    """Of each extra: its state (`ok`, `absent`, `broken`), what it brings, its modules, and what to do."""
    return {name: _about(name, extra, libraries) for name, extra in EXTRAS.items()}


def _about(name: str, extra: Extra, libraries: Mapping[str, Library | None]) -> dict[str, Any]:
    found = {module: libraries[module] for module in extra.modules}
    broken = {module: library.why for module, library in found.items() if library and library.why}
    missing = [module for module, library in found.items() if library is None]
    state = "broken" if broken else "absent" if missing else "ok"
    names = " ".join(_distribution(module) for module in broken)
    install = " or ".join(f'pip install "stochastic-music[{one}]"' for one in extra.names or (name,))
    return {
        "state": state,
        "brings": extra.brings,
        "modules": {module: library and library.version for module, library in found.items()},
        "broken": broken,
        "missing": missing,
        "do": {"ok": "", "absent": install, "broken": f"pip install --force-reinstall {names}"}[state],
    }


def _distribution(module: str) -> str:
    names = _DISTRIBUTIONS.get(module, (module.replace("_", "-"),))
    return next((name for name in names if _installed(name)), names[0])


def _installed(distribution: str) -> bool:
    return any(importlib.metadata.distributions(name=distribution))


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return True  # something is there that cannot even be looked at


def _tried(modules: Sequence[str]) -> dict[str, str]:
    """Why modules do not load, those that do being left out; each is imported after the one before, in one process."""
    command = [sys.executable, "-P", "-W", "ignore", "-c", _PROBE, *modules]
    quiet = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, names of our own
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False, env=quiet
        )
        told = done.stdout
    except subprocess.TimeoutExpired as error:
        told = (error.stdout or b"").decode(errors="replace") if isinstance(error.stdout, bytes) else error.stdout or ""
    lines = [line.removeprefix(_MARK) for line in told.splitlines() if line.startswith(_MARK)]
    outcome: dict[str, str] = dict(json.loads(line) for line in lines)
    if not outcome:
        return dict.fromkeys(modules, "no process of Python's could try it")
    rest = [module for module in modules if module not in outcome]
    failures = {module: why.strip().splitlines()[0] for module, why in outcome.items() if why.strip()}
    return failures | (_tried(rest) if rest else {})

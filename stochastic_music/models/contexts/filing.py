"""Contexts as plain arrays, laid down as they are used, and back.

Arrays are those of `Contexts` and `Entries` in small types: opening takes them as they lie in the file and works
nothing out. Files of format 1 held pairs apart and neither links nor probabilities; these are made when such a file is
opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import ModelFileError
from stochastic_music.models.contexts.linking import assemble
from stochastic_music.models.contexts.packing import base_of, narrow
from stochastic_music.models.contexts.table import Contexts, Entries
from stochastic_music.tokens import Vocabulary

_OF_CONTEXTS = ("family", "due", "lead", "rows")
_OF_ENTRIES = ("key", "count", "suffix", "target")
_NEEDED = {
    "marks",
    "bounds",
    "leads",
    *_OF_CONTEXTS,
    *(f"{t}.{name}" for t in ("heard", "entries") for name in _OF_ENTRIES),
}
_NEEDED_BY_1 = {"marks", "bounds", "leads", "parent", "oldest", "context", "element", "count"}


def to_arrays(contexts: Contexts) -> dict[str, NDArray[Any]]:
    """What `from_arrays` needs."""
    arrays = {"marks": narrow(contexts.marks), "bounds": contexts.bounds, "leads": np.array([contexts.leads])}
    arrays |= {name: getattr(contexts, name) for name in _OF_CONTEXTS}
    for table in ("heard", "entries"):
        arrays |= {f"{table}.{name}": getattr(getattr(contexts, table), name) for name in _OF_ENTRIES}
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Contexts:
    """The inverse of `to_arrays`. Raises ModelFileError where an array is missing."""
    if "parent" in arrays:
        return _from_format_1(arrays, vocabulary)
    _check(arrays, _NEEDED)
    marks = arrays["marks"].astype(np.int64)
    base = base_of(vocabulary.n_symbols, marks)
    bounds, leads = arrays["bounds"].astype(np.int64), bool(arrays["leads"][0])
    heard, entries = (
        Entries(base, *(arrays[f"{table}.{name}"] for name in _OF_ENTRIES)) for table in ("heard", "entries")
    )
    columns = {name: arrays[name] for name in _OF_CONTEXTS}
    return Contexts(
        vocabulary.n_fields, vocabulary.n_symbols, marks, bounds, leads, **columns, heard=heard, entries=entries
    )


def _from_format_1(arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Contexts:
    _check(arrays, _NEEDED_BY_1)
    wide = {name: arrays[name].astype(np.int64) for name in _NEEDED_BY_1}
    base, bounds = base_of(vocabulary.n_symbols, wide["marks"]), wide["bounds"]
    family = (wide["parent"] * base + wide["oldest"])[bounds[1] :]
    key = wide["context"] * base + wide["element"]
    order = np.argsort(key)
    leads = bool(wide["leads"][0])
    return assemble(vocabulary, wide["marks"], leads, family, bounds, key[order], wide["count"][order])


def _check(arrays: Mapping[str, NDArray[Any]], needed: set[str]) -> None:
    if missing := needed - set(arrays):
        names = ", ".join(sorted(missing))
        raise ModelFileError(f"these arrays hold no contexts, for want of {names}: fit the model again")

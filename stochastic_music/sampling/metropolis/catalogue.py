"""Proposals by name, as the command line has them.

redraw      a note's pitch anew, drawn by a model after what came before it
note        a whole note anew, its length too
block       the pitches of two notes in a row, drawn exactly given all around them
swap        two near notes change places
transpose   up to four notes in a row, up or down
shift       time moves between neighbours
split       a note is split, or two are joined
copy        the pitches of four notes are copied to another place
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stochastic_music.errors import UnknownNameError, UsageError
from stochastic_music.sampling.metropolis.block import Block
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.proposals import Mixture, Swap, Transpose, mixture
from stochastic_music.sampling.metropolis.reading import ContextReader, EnergyReader, Reader, WholeReader
from stochastic_music.sampling.metropolis.redraw import Copy, Redraw
from stochastic_music.sampling.metropolis.rhythm import Shift, Split
from stochastic_music.sampling.metropolis.target import Target

#: how often each is tried, unless weights are given
USUAL = {"redraw": 3.0, "block": 1.0, "swap": 1.0, "transpose": 1.0, "shift": 2.0, "split": 2.0, "copy": 1.0}


def proposals(target: Target, weights: Mapping[str, float] | None = None) -> Mixture:
    """A mixture of proposals by name, drawn from the target's model or, where it reads along, its guide.

    Without weights those of `USUAL` that suit the vocabulary. Raises UnknownNameError, UsageError for one that does
    not suit it, InvalidParameterError for weights that are not above 0.
    """
    makers = _makers(target)
    if weights is not None:
        for name in weights:
            if name not in makers:
                raise UnknownNameError("proposal", name, makers)
        return mixture([(makers[name](), weight) for name, weight in weights.items()])
    found = []
    for name, weight in USUAL.items():
        try:
            found.append((makers[name](), weight))
        except UsageError:
            continue
    return mixture(found)


def _makers(target: Target) -> dict[str, Callable[[], Any]]:
    layout = Layout(target.vocabulary)
    tones, every = layout.timeless, tuple(range(target.vocabulary.n_fields))
    return {
        "redraw": lambda: Redraw(_drawer(target), tones),
        "note": lambda: Redraw(_drawer(target), every, name="note"),
        "block": lambda: Block(_contexts(target), tones, n_events=2),
        "swap": lambda: Swap(layout),
        "transpose": lambda: Transpose(layout),
        "shift": lambda: Shift(layout),
        "split": lambda: _split(target, layout),
        "copy": lambda: Copy(_drawer(target), tones),
    }


def _split(target: Target, layout: Layout) -> Split:
    if all(term.reader.compares_lengths for term in target.terms if isinstance(term.reader, EnergyReader)):
        return Split(layout, _context_reader(target))
    raise UsageError("this model only compares pieces of as many notes: leave 'split' out, which changes their number")


def _context_reader(target: Target) -> ContextReader | None:
    """The reader of the model, or of a guide, that has finitely many contexts."""
    return next((reader for reader in _readers(target) if isinstance(reader, ContextReader)), None)


def _readers(target: Target) -> list[Reader]:
    return [term.reader for term in target.terms if term.name in {"model", "guide"}]


def _drawer(target: Target) -> ContextReader | WholeReader:
    """The reader to draw from: of finite contexts, if any is."""
    whole = (reader for reader in _readers(target) if isinstance(reader, WholeReader))
    found = _context_reader(target) or next(whole, None)
    if found is not None:
        return found
    raise UsageError(
        "redraw, block and copy need a model that predicts, and this one only compares: give a guide, or use other "
        "proposals, such as swap and transpose"
    )


def _contexts(target: Target) -> ContextReader:
    reader = _context_reader(target)
    if reader is not None:
        return reader
    raise UsageError(
        "blocks need a model of finitely many contexts, and neither this model nor a guide has them: leave 'block' out"
    )

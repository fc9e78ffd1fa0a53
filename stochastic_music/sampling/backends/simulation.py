"""`simulate`: many chains of one table at once, on any back end, into memory or onto disk.

Chains go block by block of steps, each block over all chains and in parts of chains over the threads. Symbols are
written step after step, so that a file grows at its end alone and is never read.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, TypeAlias

import numpy as np

from stochastic_music import _backends, _random
from stochastic_music._files import write_atomically
from stochastic_music._parallel import cores
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import IntArray
from stochastic_music.sampling.backends.alias import AliasTable, Places, Symbols
from stochastic_music.sampling.backends.table import TransitionTable

#: symbols of a block, in bytes
_BLOCK = 1 << 26
#: steps after which chains that stop are asked whether all have
_PATIENCE = 256
#: fewer steps than these in all are not worth compiling a loop or waking a GPU for
_WORTH = 1 << 24


class Backend(Protocol):
    """Chains of one `AliasTable`, made of it alone: `make(table)`."""

    @property
    def chunk(self) -> int | None:
        """How many chains a thread takes at once, a multiple of 4; None where the back end takes all of them."""

    def run(self, places: Places, out: Symbols, *, key: int, first_chain: int, first_step: int) -> None:
        """Take chains `first_chain`, a multiple of 4, and those after it through the steps from `first_step` on.

        `places` (n_chains,) is where they stand, and is moved; their symbols go into `out` (n_steps, n_chains), which
        may be a part of a wider array. The word of a chain and a step is that of `_random.lanes`. Called by several
        threads at once, for different chains.
        """


Make: TypeAlias = Callable[[AliasTable], Backend]


@dataclass(frozen=True, eq=False)
class Chains:
    """What chains played: `symbols` (n_chains, n_steps), END after END; each step lies together in memory."""

    symbols: Symbols
    end: int | None

    @functools.cached_property
    def lengths(self) -> IntArray:
        """Symbols of each chain, END among them; n_steps where it did not end: (n_chains,)."""
        n_chains, n_steps = self.symbols.shape
        lengths = np.zeros(n_chains, dtype=np.int64)
        for step in self.symbols.T:
            lengths += step != (-1 if self.end is None else self.end)
        return np.minimum(lengths + 1, n_steps)


class Begin(NamedTuple):
    """From which random words on chains take theirs: options of `Backend.run`."""

    key: int
    first_chain: int = 0
    first_step: int = 0


def simulate(
    table: TransitionTable | AliasTable,
    n_chains: int,
    n_steps: int,
    *,
    seed: _random.Seed = None,
    backend: str | Make = "auto",
    out: str | Path | None = None,
    starts: IntArray | None = None,
    threads: int | None = None,
) -> Chains:
    """Take `n_chains` chains of `table` through `n_steps` steps; equal seeds give equal symbols on every back end.

    Chain i does not depend on `n_chains`, nor step s on `n_steps`. `backend` is "auto", "numpy", "numba" or "cupy", or
    what makes a `Backend` of an `AliasTable`; "auto" takes NumPy for little work. `starts` (n_chains,) are the states
    in which chains begin, the table's own by default. With `out`, symbols are streamed into that `.npy` file, and
    mapped from there. `threads` are as many as there are processors by default.

    Raises InvalidParameterError, UnknownNameError or MissingExtraError for the back end, MachineError without a GPU,
    and where the disk is full: what stood at `out` then stays.

    >>> chain = TransitionTable.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.0]], end=2)
    >>> drawn = simulate(chain, 3, 8, seed=1)
    >>> drawn.symbols.tolist()
    [[0, 0, 1, 2, 2, 2, 2, 2], [1, 1, 2, 2, 2, 2, 2, 2], [0, 1, 1, 2, 2, 2, 2, 2]]
    >>> drawn.lengths.tolist()
    [4, 3, 4]
    """
    if n_chains < 0 or n_steps < 0 or (threads is not None and threads < 1):
        raise InvalidParameterError(f"{n_chains} chains, {n_steps} steps, {threads} threads; expected 0 or more, and 1")
    aliased = table if isinstance(table, AliasTable) else AliasTable.of(table)
    made, begin = maker(backend, n_chains * n_steps)(aliased), Begin(_random.key(seed))
    places = _begun(aliased, n_chains, starts)
    if out is None:
        return Chains(played(made, aliased, places, n_steps, begin, threads=threads), aliased.end)
    path, blocks = Path(out), drawn(made, aliased, places, n_steps, begin, threads=threads)
    write_atomically(path, functools.partial(_stream, blocks=blocks, shape=(n_chains, n_steps), dtype=aliased.dtype))
    return Chains(np.load(path, mmap_mode="r"), aliased.end)


def maker(backend: str | Make, n_draws: int) -> Make:
    """What makes the back end that is asked for; "auto" is NumPy where little is drawn."""
    if not isinstance(backend, str):
        return backend
    name = "numpy" if backend == "auto" and n_draws < _WORTH else _backends.chosen(backend)
    module = importlib.import_module(f"stochastic_music.sampling.backends.{name}_backend")
    made: Make = getattr(module, f"{name.capitalize()}Chains")
    return made


def _begun(table: AliasTable, n_chains: int, starts: IntArray | None) -> Places:
    if starts is None:
        return np.full(n_chains, table.places[table.start], dtype=np.uint32)
    if np.shape(starts) != (n_chains,) or (n_chains and not 0 <= np.min(starts) <= np.max(starts) < len(table.places)):
        raise InvalidParameterError(
            f"starts are {np.shape(starts)} states; expected one of {len(table.places)} a chain"
        )
    return table.places[starts]


def drawn(
    backend: Backend,
    table: AliasTable,
    places: Places,
    n_steps: int,
    begin: Begin,
    *,
    threads: int | None = None,
    into: Symbols | None = None,
) -> Iterator[Symbols]:
    """The symbols of chains at `places`, some steps at a time: (steps, n_chains) each.

    They are parts of `into` (n_steps, n_chains); without it each block is overwritten by the next.
    """
    most = max(1, _BLOCK // max(1, len(places) * table.dtype.itemsize))
    most = most if table.end is None else min(most, _PATIENCE)
    room = np.empty((min(most, n_steps), len(places)), dtype=table.dtype) if into is None else into
    workers, ended = threads or cores(), False
    with ThreadPoolExecutor(workers) if workers > 1 else nullcontext() as executor:
        for step in range(0, n_steps, most):
            out = room[: n_steps - step] if into is None else room[step : step + most]
            if ended and table.end is not None:
                out[:] = table.end
            else:
                _run(backend, places, out, begin._replace(first_step=begin.first_step + step), executor)
                if table.tells_places:
                    out[:] = table.symbols(out)
            ended = table.end is not None and bool((out[-1] == table.end).all())
            yield out


def _run(backend: Backend, places: Places, out: Symbols, begin: Begin, executor: ThreadPoolExecutor | None) -> None:
    """Take all chains through the steps of `out`, a chunk a thread."""
    chunk = backend.chunk or max(len(places), 1)

    def run(first: int) -> None:
        part = slice(first, first + chunk)
        backend.run(places[part], out[:, part], **begin._replace(first_chain=begin.first_chain + first)._asdict())

    list((executor.map if executor else map)(run, range(0, len(places), chunk)))


def played(
    backend: Backend, table: AliasTable, places: Places, n_steps: int, begin: Begin, *, threads: int | None = None
) -> Symbols:
    """What `drawn` gives, in one array: (n_chains, n_steps)."""
    symbols: Symbols = np.empty((n_steps, len(places)), dtype=table.dtype)
    for _ in drawn(backend, table, places, n_steps, begin, threads=threads, into=symbols):
        pass
    return symbols.T


def _stream(path: Path, *, blocks: Iterator[Symbols], shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
    """Write the blocks as one array, step after step."""
    with path.open("wb") as file:
        _write_head(file, shape, dtype)
        for block in blocks:
            file.write(np.ascontiguousarray(block).data)


def _write_head(file: BinaryIO, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
    head = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": True, "shape": shape}
    np.lib.format.write_array_header_1_0(file, head)

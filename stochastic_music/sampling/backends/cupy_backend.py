"""Chains on one NVIDIA GPU, through CuPy: see `kernel` for the loop.

Places and symbols are the host's; what fits on the GPU at once goes there. Where memory runs out a batch is halved, and
what no batch can hold is done by the CPU, which gives the same notes; both are said through the log.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

import numpy as np

from stochastic_music import _backends
from stochastic_music.sampling.backends.alias import WIDTH_BITS, AliasTable, Places, Symbols
from stochastic_music.sampling.backends.kernel import CUDA_HEAD, source
from stochastic_music.sampling.backends.numpy_backend import NumpyChains

_log = logging.getLogger(__name__)

#: threads a block of the GPU's
_THREADS = 128
#: batches of no more chains than these are not halved again
_LEAST = 1 << 12


class CupyChains:
    """Chains of one table; see `Backend`. `chunk` None: the GPU takes them all."""

    chunk = None

    def __init__(self, table: AliasTable) -> None:
        self._cupy = _backends.array_module("cupy")
        self._table, self._on_cpu, self._most = table, NumpyChains(table), 1 << 62
        self._words = self._sent(table.words)

    def run(self, places: Places, out: Symbols, *, key: int, first_chain: int, first_step: int) -> None:
        """Go on with chains at `places`, writing `out`; see `Backend`."""
        first = 0
        while first < len(places) and self._words is not None:
            last = min(first + self._most, len(places))
            try:
                self._run(places[first:last], out[:, first:last], key, first_chain + first, first_step)
                first = last
            except self._cupy.cuda.memory.OutOfMemoryError:
                self._shrink(last - first)
        if first < len(places):
            self._on_cpu.run(
                places[first:], out[:, first:], key=key, first_chain=first_chain + first, first_step=first_step
            )

    def _run(self, places: Places, out: Symbols, key: int, first_chain: int, first_step: int) -> None:
        on_gpu, told = self._cupy.asarray(places), self._cupy.empty(out.shape, out.dtype)
        self.launch(on_gpu, told, key=key, first_chain=first_chain, first_step=first_step)
        places[:], out[:] = on_gpu.get(), told.get()

    def launch(self, places: Any, out: Any, *, key: int, first_chain: int, first_step: int) -> None:
        """`run` on arrays that lie on the GPU, where `out` (n_steps, n_chains) is contiguous."""
        table, (n_steps, n_chains) = self._table, out.shape
        name = "even_16" if table.bits >= 0 else f"wide_{8 * out.dtype.itemsize}"
        option = np.int32(table.bits if table.bits >= 0 else table.tells_places)
        keys = (np.uint64(key & (1 << 64) - 1), np.uint64(key >> 64))
        sizes = (np.int64(first_chain), np.uint64(first_step), np.int64(n_steps), np.int64(n_chains))
        grid = -(-n_chains // (4 * _THREADS))
        _kernel(name)((grid,), (_THREADS,), (self._words, option, *keys, *sizes, places, out))

    def _sent(self, words: Any) -> Any:
        try:
            return self._cupy.asarray(words)
        except self._cupy.cuda.memory.OutOfMemoryError:
            _log.warning("The table does not fit into the GPU's memory: the CPU goes on, to the same notes.")
            return None

    def _shrink(self, n: int) -> None:
        """Smaller batches from now on, or none."""
        self._cupy.get_default_memory_pool().free_all_blocks()
        if n <= _LEAST:
            _log.warning("The GPU's memory is full: the CPU goes on, to the same notes.")
            self._words = None
        else:
            self._most = n // 2 // 4 * 4
            _log.warning("The GPU's memory is full: batches of %s chains from now on.", f"{self._most:,}")


@functools.cache
def _kernel(name: str) -> Any:
    """A kernel, compiled at its first use."""
    return _backends.array_module("cupy").RawKernel(source(CUDA_HEAD, WIDTH_BITS), name)

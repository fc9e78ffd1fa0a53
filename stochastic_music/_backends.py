"""Where array work runs: on NumPy, in loops that Numba compiles, or on a GPU through CuPy.

    numpy   always there
    numba   loops over all cores, compiled at their first use (extra `fast`)
    cupy    one NVIDIA GPU (extra `gpu12` or `gpu13`, by the CUDA that is installed)

"auto" takes the first that is there and that the work knows, the quickest first. Nothing is imported to find out.

Work on whole arrays is written once, for the functions that NumPy and CuPy have in common; `Room` says whose they are.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from stochastic_music import _optional
from stochastic_music.errors import MachineError, UnknownNameError

Result = TypeVar("Result")
_log = logging.getLogger(__name__)
#: the quickest first
BACKENDS = ("cupy", "numba", "numpy")


def chosen(backend: str, among: Sequence[str] = BACKENDS) -> str:
    """The back end that `backend` ("auto" or a name) means for work that knows those of `among`.

    Raises UnknownNameError, MissingExtraError where its library is not installed, MachineError without a GPU.

    >>> chosen("numpy")
    'numpy'
    """
    if backend == "auto":
        return next(name for name in BACKENDS if name in among and (name == "numpy" or present(name)))
    if backend not in among:
        raise UnknownNameError("back end", backend, ("auto", *among))
    if backend == "numba":
        _optional.require("numba")
    if backend == "cupy":
        array_module("cupy")
    return backend


def present(name: str) -> bool:
    """Whether work can run there."""
    return gpu()[0] if name == "cupy" else _optional.available(name)


@functools.cache
def gpu() -> tuple[bool, str]:
    """Whether CuPy can use a GPU here, and a sentence that names the GPU or says what is missing.

    >>> isinstance(gpu()[1], str)
    True
    """
    if not _optional.available("cupy"):
        return False, "no GPU back end is installed (extra gpu12 or gpu13)"
    cupy = _optional.require("cupy")
    try:
        if not cupy.cuda.is_available():
            return False, "CuPy is installed, and finds no GPU"
        name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    except Exception as error:  # a driver too old, a GPU that has gone: CuPy raises what it likes
        return False, f"CuPy is installed, and cannot use the GPU ({type(error).__name__}: {error})"
    return True, f"{name}, CuPy {cupy.__version__}"


def array_module(backend: str) -> Any:
    """NumPy, or CuPy: the module whose arrays `backend` works on.

    Raises MissingExtraError without CuPy, MachineError without a GPU.
    """
    if backend != "cupy":
        return np
    cupy = _optional.require("cupy")
    there, why = gpu()
    if not there:
        raise MachineError(f"the cupy back end needs a GPU: {why}. Use the numpy or the numba back end")
    return cupy


def as_numpy(array: Any) -> Any:
    """The array in the memory of the host, copied from a GPU if it lies there."""
    return array.get() if hasattr(array, "get") else np.asarray(array)


def sparse_matrix(matrix: Any, xp: Any) -> Any:
    """A sparse matrix of SciPy's, in rows, for products with arrays of `xp`."""
    if xp is np:
        return matrix
    from cupyx.scipy import sparse  # arrives with CuPy

    return sparse.csr_matrix(matrix)


class Room:
    """An array module, and how many numbers one of its arrays may have; both shrink where a GPU's memory runs out.

    Work asks for `xp` and `numbers` each time that it is run, so that it can be run again with less, and on the CPU in
    the end. Both are said aloud.
    """

    def __init__(self, backend: str = "numpy", *, numbers: int, numbers_on_gpu: int) -> None:
        """Raises as `chosen` does; "auto" is a GPU where there is one."""
        self.xp = array_module(chosen(backend, ("cupy", "numpy")))
        self._on_cpu = numbers
        self.numbers = numbers if self.xp is np else numbers_on_gpu

    def run(self, work: Callable[[], Result]) -> Result:
        """What `work` gives, once it has room enough. Raises MemoryError where that of the host runs out."""
        while True:
            try:
                return work()
            except MemoryError:
                if self.xp is np:
                    raise
            self._shrink()

    def _shrink(self) -> None:
        self.xp.get_default_memory_pool().free_all_blocks()
        if self.numbers > self._on_cpu:
            self.numbers = max(self.numbers // 4, self._on_cpu)
            _log.warning("The memory of the GPU ran out: smaller batches, of %s numbers at a time", f"{self.numbers:,}")
        else:
            self.xp = np
            _log.warning("The memory of the GPU ran out, small batches and all: the work goes on on the CPU")

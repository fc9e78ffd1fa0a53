import ctypes
import errno
import logging
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import chi2

from stochastic_music import _backends, _random
from stochastic_music.errors import InvalidParameterError, MachineError, UnknownNameError
from stochastic_music.sampling.backends import AliasTable, TransitionTable, cupy_backend, simulate
from stochastic_music.sampling.backends.alias import WIDTH_BITS
from stochastic_music.sampling.backends.kernel import C_HEAD, source
from stochastic_music.sampling.backends.numpy_backend import NumpyChains


def even() -> TransitionTable:
    """A plain chain of 50 states that stops, with a random first state."""
    generator = np.random.default_rng(3)
    matrix = generator.gamma(0.3, size=(50, 50)) * (generator.random((50, 50)) < 0.3) + np.eye(50) * 0.01
    matrix[:, 49] += 0.02
    start = generator.dirichlet(np.ones(50))
    return TransitionTable.from_matrix(matrix / matrix.sum(axis=1, keepdims=True), start=start, end=49)


def wide() -> TransitionTable:
    """Rows of one to nine arcs, whose symbols are not their states."""
    generator = np.random.default_rng(5)
    offsets = np.append(0, np.cumsum(generator.integers(1, 10, 400)))
    symbol, target = generator.integers(0, 30, offsets[-1]), generator.integers(0, 400, offsets[-1])
    weight = generator.gamma(1.0, size=offsets[-1])
    probability = weight / np.repeat(np.add.reduceat(weight, offsets[:-1]), np.diff(offsets))
    return TransitionTable(offsets, symbol, target, probability, 30, start=7)


def many_states() -> TransitionTable:
    """A ring of more states than 16 bits tell apart."""
    n = (1 << 16) + 11
    state = np.arange(n)
    rows, columns = np.tile(state, 2), np.concatenate([(state + 1) % n, (state + 301) % n])
    return TransitionTable.from_matrix(
        sparse.coo_array((np.full(2 * n, 0.5), (rows, columns)), shape=(n, n)), start=n - 2
    )


TABLES = pytest.mark.parametrize("make", [even, wide, many_states])


def by_hand(table: TransitionTable, n_chains: int, n_steps: int, key: int) -> list[list[int]]:
    """Chains stepped in Python's own integers, from the article of `alias`; END stays END."""
    aliased = AliasTable.of(table)
    words = [_random.lanes(key, step, n_chains).tolist() for step in range(n_steps)]
    return [_one_by_hand(aliased, [row[chain] for row in words]) for chain in range(n_chains)]


def _one_by_hand(table: AliasTable, words: list[int]) -> list[int]:
    told, place = [], int(table.places[table.start])
    for word in words:
        upper, lower = word >> 32, word & 0xFFFFFFFF
        if table.bits >= 0:
            entry = int(table.words[(place << table.bits) + (upper >> (32 - table.bits)), 0])
            place = (entry >> 16 if lower < entry >> 32 else entry) & 0xFFFF
            told.append(place)
        else:
            entry, targets = table.words[(place >> WIDTH_BITS) + (upper >> (32 - place % 32))].tolist()
            own = lower < entry >> 32
            place = targets >> 32 if own else targets & 0xFFFFFFFF
            symbol = (entry >> 16 if own else entry) & 0xFFFF
            told.append(table.places.tolist().index(place) if table.tells_places else symbol)
    return told


@TABLES
def test_numpy_does_what_the_article_says(make):
    table = make()
    assert simulate(table, 7, 30, seed=4, backend="numpy").symbols.tolist() == by_hand(table, 7, 30, 4)


@TABLES
def test_numba_plays_what_numpy_plays(make):
    pytest.importorskip("numba")
    table = make()
    first, second = (simulate(table, 1003, 70, seed=4, backend=name).symbols for name in ("numpy", "numba"))
    assert first.dtype == second.dtype
    assert (first == second).all()


@pytest.mark.gpu
@pytest.mark.skipif(not _backends.gpu()[0], reason="no GPU here")
@TABLES
def test_a_gpu_plays_what_numpy_plays(make):
    table = make()
    first, second = (simulate(table, 100_003, 70, seed=4, backend=name).symbols for name in ("numpy", "cupy"))
    assert (first == second).all()


@pytest.fixture(scope="module")
def c_kernels(tmp_path_factory) -> ctypes.CDLL:
    """The kernels of the GPU, compiled for this processor."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler here")
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "chains.c").write_text(source(C_HEAD, WIDTH_BITS))
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(folder / "chains.so"), str(folder / "chains.c")]
    subprocess.run(command, check=True, capture_output=True)
    return ctypes.CDLL(str(folder / "chains.so"))


@TABLES
@pytest.mark.parametrize("n_chains", [1, 4, 10])
def test_the_kernel_of_the_gpu_plays_what_numpy_plays(make, n_chains, c_kernels):
    table = AliasTable.of(make())
    key, first_chain, first_step, n_steps = 5 + (9 << 64), 8, 3, 40
    places, ours = np.full((2, n_chains), table.places[table.start]), np.zeros((2, n_steps, n_chains), table.dtype)
    NumpyChains(table).run(places[0], ours[0], key=key, first_chain=first_chain, first_step=first_step)
    name = "even_16" if table.bits >= 0 else f"wide_{8 * table.dtype.itemsize}"
    words = table.words.ctypes.data_as(ctypes.c_void_p)
    option = ctypes.c_int(table.bits if table.bits >= 0 else table.tells_places)
    numbers = [ctypes.c_ulonglong(i) for i in (5, 9, first_chain, first_step, n_steps, n_chains)]
    arrays = [ctypes.c_void_p(array[1].ctypes.data) for array in (places, ours)]
    for thread in range(-(-n_chains // 4) + 1):  # one thread more than there is work for
        ctypes.c_longlong.in_dll(c_kernels, "thread_number").value = thread
        getattr(c_kernels, name)(words, option, *numbers, *arrays)
    assert (ours[0] == ours[1]).all()
    assert (places[0] == places[1]).all()


@pytest.mark.parametrize(
    "backend",
    ["numpy", pytest.param("numba", marks=pytest.mark.skipif(not _backends.present("numba"), reason="no numba"))],
)
def test_neither_batch_nor_blocks_nor_threads_change_a_chain(backend, monkeypatch):
    table = even()
    whole = simulate(table, 300, 50, seed=9, backend=backend, threads=1).symbols
    assert (simulate(table, 21, 50, seed=9, backend=backend).symbols == whole[:21]).all()
    assert (simulate(table, 300, 20, seed=9, backend=backend).symbols == whole[:, :20]).all()
    monkeypatch.setattr("stochastic_music.sampling.backends.simulation._BLOCK", 300 * 2 * 7)
    monkeypatch.setattr(NumpyChains, "chunk", 64)
    assert (simulate(table, 300, 50, seed=9, backend=backend, threads=3).symbols == whole).all()
    assert (simulate(table, 300, 50, seed=10, backend=backend).symbols != whole).any()


def test_chains_follow_their_table():
    # 40,000 first and second states against their probabilities. Errs once in 1,000 seeds; a table whose first two
    # columns are exchanged must fail.
    generator = np.random.default_rng(1)
    matrix = generator.dirichlet(np.ones(6), 6)
    drawn = simulate(TransitionTable.from_matrix(matrix, start=2), 40_000, 2, seed=3).symbols
    seen = np.bincount(drawn[:, 0].astype(int) * 6 + drawn[:, 1], minlength=36)

    def survives(chain: np.ndarray) -> float:
        hoped = 40_000 * (chain[2][:, None] * chain).ravel()
        return float(chi2.sf(((seen - hoped) ** 2 / hoped).sum(), 35))

    assert survives(matrix) > 1e-3
    assert survives(matrix[:, [1, 0, 2, 3, 4, 5]]) < 1e-6


def test_chains_stop():
    table = even()
    drawn = simulate(table, 200, 2000, seed=1)
    ended = drawn.symbols == 49
    assert ended[:, -1].all()
    assert (np.diff(ended.astype(int), axis=1) >= 0).all()
    assert (drawn.lengths == ended.argmax(axis=1) + 1).all()
    endless = simulate(wide(), 3, 5, seed=1)
    assert endless.lengths.tolist() == [5, 5, 5]


def test_a_start_that_is_drawn_is_the_first_symbol():
    drawn = simulate(TransitionTable.from_matrix(np.eye(3), start=[0, 0.5, 0.5]), 400, 4, seed=2).symbols
    assert set(drawn[:, 0].tolist()) == {1, 2}
    assert (drawn == drawn[:, :1]).all()


def test_chains_may_begin_anywhere():
    table = TransitionTable.from_matrix(np.eye(4))
    assert simulate(table, 3, 2, starts=np.array([3, 1, 2])).symbols.tolist() == [[3, 3], [1, 1], [2, 2]]
    with pytest.raises(InvalidParameterError, match="one of 4 a chain"):
        simulate(table, 3, 2, starts=np.array([3, 1, 4]))


def test_dense_and_sparse_matrices_are_one_table():
    matrix = np.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    dense, *others = (
        TransitionTable.from_matrix(m) for m in (matrix, sparse.csr_array(matrix), sparse.csc_array(matrix))
    )
    for other in others:
        assert (dense.offsets == other.offsets).all()
        assert (dense.target == other.target).all()
        assert (dense.probability == other.probability).all()


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        ([[0.5, 0.4], [0, 1]], {}, "row 0 adds up to 0.9"),
        ([[0.5, 0.5], [-0.5, 1.5]], {}, "holds -0.5"),
        ([[np.nan, 0.5], [0, 1]], {}, "holds nan"),
        ([[1.0, 0.0]], {}, r"shape \(1, 2\)"),
        ([[1.0]], {"start": 1}, "start is 1; expected a state from 0 to 0"),
        ([[1.0]], {"end": -1}, "end is -1"),
        ([[1.0]], {"start": [0.4]}, "the start's probabilities adds up to 0.4"),
        ([[1.0, 0.0], [0.0, 0.0]], {}, "row 1 adds up to 0"),
    ],
)
def test_what_is_no_chain(matrix, options, message):
    with pytest.raises(InvalidParameterError, match=message):
        TransitionTable.from_matrix(matrix, **options)


def test_output_is_streamed_to_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr("stochastic_music.sampling.backends.simulation._BLOCK", 1)
    for table in (even(), many_states()):
        held = simulate(table, 9, 11, seed=1)
        written = simulate(table, 9, 11, seed=1, out=tmp_path / "chains.npy")
        assert isinstance(written.symbols, np.memmap)
        assert (written.symbols == held.symbols).all()
        assert written.symbols.dtype == held.symbols.dtype
        assert (np.load(tmp_path / "chains.npy") == held.symbols).all()


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "chains.npy"
    path.write_bytes(b"before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("stochastic_music.sampling.backends.simulation._write_head", full)
    with pytest.raises(MachineError, match="the disk is full"):
        simulate(even(), 9, 11, seed=1, out=path)
    assert path.read_bytes() == b"before"
    assert [p.name for p in Path(tmp_path).iterdir()] == ["chains.npy"]


def test_a_back_end_that_is_not_there():
    with pytest.raises(UnknownNameError, match="did you mean 'numpy'"):
        simulate(even(), 1, 1, backend="nunpy")
    if not _backends.gpu()[0]:
        with pytest.raises(MachineError):
            simulate(even(), 1, 1, backend="cupy")


class StandIn:
    """Of CuPy as little as chains ask for, with memory for so many bytes at once."""

    class cuda:  # noqa: N801
        class memory:  # noqa: N801
            class OutOfMemoryError(Exception):
                pass

    def __init__(self, room: int) -> None:
        self.room = room

    def get_default_memory_pool(self) -> "StandIn":
        return self

    def free_all_blocks(self) -> None:
        pass

    def asarray(self, array: np.ndarray) -> np.ndarray:
        if array.nbytes > self.room:
            raise self.cuda.memory.OutOfMemoryError
        return array.copy().view(OnGpu)

    def empty(self, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
        return self.asarray(np.empty(shape, dtype))


class OnGpu(np.ndarray):
    def get(self) -> np.ndarray:
        return self.view(np.ndarray)


@pytest.mark.parametrize(
    ("room", "n_warnings", "said"),
    [(1 << 40, 0, ""), (2 * 5000 * 30, 2, "batches of 5,000 chains"), (1, 1, "table does not fit"), (70_000, 4, "CPU")],
)
def test_a_gpu_whose_memory_is_full(room, n_warnings, said, monkeypatch, caplog):
    table = AliasTable.of(even())
    monkeypatch.setattr(cupy_backend._backends, "array_module", lambda _: StandIn(room))

    def launch(self, places, out, **where):
        NumpyChains(self._table).run(places, out, **where)

    monkeypatch.setattr(cupy_backend.CupyChains, "launch", launch)
    with caplog.at_level(logging.WARNING):
        drawn = simulate(table, 20_000, 30, seed=1, backend=cupy_backend.CupyChains).symbols
    assert (drawn == simulate(table, 20_000, 30, seed=1, backend="numpy").symbols).all()
    assert len(caplog.records) == n_warnings
    assert said in caplog.text

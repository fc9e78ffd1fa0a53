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
from stochastic_music.testing import check_backend
from tests import stand_in


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
    command = [
        compiler,
        "-O1",
        "-fno-strict-aliasing",
        "-shared",
        "-fPIC",
        "-o",
        str(folder / "chains.so"),
        str(folder / "chains.c"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return ctypes.CDLL(str(folder / "chains.so"))


class Kernel:
    """A kernel of the GPU, called as CuPy calls it: its threads run one after another on this processor."""

    numbers = {np.int32: ctypes.c_int, np.int64: ctypes.c_longlong, np.uint64: ctypes.c_ulonglong}  # noqa: RUF012

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self.function, self.number = getattr(library, name), ctypes.c_longlong.in_dll(library, "thread_number")

    def __call__(self, grid: tuple[int], block: tuple[int], arguments: tuple) -> None:
        given = [self.plain(argument) for argument in arguments]
        for thread in range(grid[0] * block[0]):
            self.number.value = thread
            self.function(*given)

    def plain(self, argument):
        if isinstance(argument, stand_in.Array):
            return ctypes.c_void_p(argument.held.ctypes.data)
        return self.numbers[type(argument)](int(argument))


@pytest.fixture
def kernels(c_kernels, monkeypatch) -> None:
    """Kernels of the GPU, for a stand-in of CuPy."""
    monkeypatch.setattr(cupy_backend, "_kernel", lambda name: Kernel(c_kernels, name))


def test_the_kernels_of_the_gpu_play_what_numpy_plays(kernels, monkeypatch):
    device = stand_in.installed(monkeypatch)
    check_backend(cupy_backend.CupyChains)
    assert device.to_host > 0


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


@pytest.mark.parametrize(("n_chains", "n_steps"), [(0, 5), (5, 0)])
def test_nothing_is_an_answer(n_chains, n_steps, tmp_path):
    for out in (None, tmp_path / "chains.npy"):
        drawn = simulate(even(), n_chains, n_steps, seed=1, out=out)
        assert drawn.symbols.shape == (n_chains, n_steps)
        assert drawn.lengths.tolist() == [0] * n_chains


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


@pytest.mark.parametrize(
    ("room", "n_warnings", "said"),
    [(1 << 40, 0, ""), (2 * 5000 * 30, 2, "batches of 5,000 chains"), (1, 1, "table does not fit"), (70_000, 4, "CPU")],
)
def test_a_gpu_whose_memory_is_full(room, n_warnings, said, kernels, monkeypatch, caplog):
    stand_in.installed(monkeypatch, largest=room)
    with caplog.at_level(logging.WARNING):
        drawn = simulate(even(), 20_000, 30, seed=1, backend="cupy").symbols
    assert (drawn == simulate(even(), 20_000, 30, seed=1, backend="numpy").symbols).all()
    assert len(caplog.records) == n_warnings
    assert said in caplog.text


def test_the_page_runs():
    page = (Path(__file__).parents[2] / "docs" / "how_to" / "back_ends.md").read_text(encoding="utf-8")
    names: dict = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    assert names["chains"].symbols.shape == (100_000, 50)

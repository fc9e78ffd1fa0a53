"""The stand-in for CuPy refuses what CuPy refuses, and computes what NumPy does."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse

from stochastic_music import _backends
from tests import stand_in


@pytest.fixture
def device(monkeypatch):
    return stand_in.installed(monkeypatch)


@pytest.fixture
def xp(device):
    return _backends.array_module("cupy")


HOST = np.arange(6.0)
MIXED = {
    "implicit transfer": lambda on: np.asarray(on.a),
    "NumPy's ufuncs": lambda on: np.exp(on.a),
    "NumPy's functions": lambda on: np.sum(on.a),
    "sum with an array of the host": lambda on: on.a + HOST,
    "sum with a list": lambda on: on.a + [1.0] * 6,
    "array of the host, plus": lambda on: HOST + on.a,
    "array of the host, plus in place": lambda on: HOST.copy().__iadd__(on.a),
    "in place": lambda on: on.a.__imul__(HOST),
    "compared": lambda on: on.a < HOST,
    "product": lambda on: on.a @ HOST,
    "function": lambda on: on.xp.concatenate([on.a, HOST]),
    "array of the host alone": lambda on: on.xp.exp(HOST),
    "list alone": lambda on: on.xp.sum([1, 2]),
    "places on the host": lambda on: on.a[np.array([0, 2])],
    "places on the device": lambda on: HOST[on.xp.asarray([0, 2])],
    "assigned": lambda on: on.a.__setitem__(slice(None), HOST),
    "counted": lambda on: range(on.xp.asarray(3)),
    "mode": lambda on: on.xp.take(on.a, on.xp.asarray([0]), mode="clip"),
    "method with mode": lambda on: on.a.take(on.xp.asarray([0]), mode="clip"),
    "where": lambda on: on.xp.log(on.a, where=on.a > 0),
    "initial": lambda on: on.a.max(initial=0.0),
    "kind": lambda on: on.xp.sort(on.a, kind="heapsort"),
    "keys side by side": lambda on: on.xp.lexsort((on.a, on.a)),
}


@pytest.mark.parametrize("refused", MIXED.values(), ids=MIXED)
def test_arrays_of_host_and_device_do_not_mix(refused, xp):
    with pytest.raises(TypeError):
        refused(SimpleNamespace(xp=xp, a=xp.asarray(HOST)))


def test_what_is_not_there_is_named(xp):
    a = xp.asarray(HOST)
    for absent in (lambda: xp.maximum.accumulate(a), lambda: xp.searchsorted(a, 3.0)):
        with pytest.raises(NotImplementedError):
            absent()
    for wrong in (lambda: xp.repeat(a, xp.ones(6, dtype=int)), lambda: xp.asarray(["a"])):
        with pytest.raises(ValueError, match=r"repeats|dtype"):
            wrong()
    with pytest.raises(AttributeError):
        _ = xp.random


def test_numbers_are_those_of_numpy(xp):
    a, b = xp.asarray(HOST), xp.asarray(HOST[::-1].copy())
    a += 1
    b[a > 4] = np.float64(0.5)
    b[xp.asarray([0, 1])] = a[:2]
    out = xp.empty(6)
    assert xp.multiply(a, b, out=out) is out
    assert out.get().tolist() == [1.0, 4.0, 9.0, 8.0, 2.5, 3.0]
    assert (2 - out).get().tolist() == (2 - out.get()).tolist()
    assert isinstance(out.sum(), xp.ndarray)
    assert out.sum().shape == out[0].shape == ()
    assert float(out.sum()) == 27.5
    where = xp.searchsorted(a, xp.asarray([2.5]))
    assert where.tolist() == [2]
    values, counts = xp.unique(xp.asarray([3, 1, 3]), return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([1, 3], [1, 2])
    added = xp.zeros(2)
    xp.add.at(added, xp.asarray([1, 1]), xp.asarray([2.0, 3.0]))
    assert added.tolist() == [0.0, 5.0]
    assert xp.add.reduce(added).item() == 5.0


def test_views_are_views(xp):
    a = xp.zeros((2, 3))
    a[0][...] = 1.0
    a.T[2] += 5
    assert a.tolist() == [[1.0, 1.0, 6.0], [0.0, 0.0, 5.0]]


def test_transfers_are_counted(device, xp):
    a = xp.asarray(HOST)
    assert xp.asarray(a).held is a.held
    _backends.as_numpy(a), xp.asnumpy(a), a.tolist(), float(a[0]), bool((a > 0).any())
    assert (device.to_device, device.to_host, device.numbers) == (1, 3, 2)


def test_sparse_matrices_multiply_arrays_of_the_device(device, xp):
    from cupyx.scipy import sparse

    matrix = sparse.csr_matrix(scipy.sparse.csr_array(np.array([[0.0, 1.0], [2.0, 0.0]])))
    assert (matrix @ xp.asarray([3.0, 4.0])).tolist() == [4.0, 6.0]
    assert (matrix.T @ xp.asarray([3.0, 4.0])).tolist() == [8.0, 3.0]
    with pytest.raises(TypeError):
        matrix @ HOST[:2]


def test_memory_runs_out_where_it_was_told_to(monkeypatch):
    device = stand_in.installed(monkeypatch, largest=80)
    xp = _backends.array_module("cupy")
    assert xp.zeros(10)[None].shape == (1, 10)
    with pytest.raises(xp.cuda.memory.OutOfMemoryError, match="88 bytes"):
        xp.zeros(11)
    with pytest.raises(MemoryError):
        xp.zeros(10)[:, None] + xp.zeros(10)
    assert device.refusals == 2

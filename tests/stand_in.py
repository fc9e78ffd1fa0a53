"""A strict stand-in for CuPy, on NumPy, so that work on `xp` is tested where there is no GPU.

`installed(monkeypatch)` puts a `Device` in CuPy's place: its `arrays` are what `_backends.array_module("cupy")` gives.
Numbers are NumPy's own. What is refused is what CuPy refuses [1, 2]:

    numpy.asarray(array)                          TypeError: transfers are explicit (asarray, asnumpy, get), and counted
    array + numpy_array, array + [1, 2]           TypeError; single numbers may be mixed, Python's and NumPy's
    array[...] = numpy_array, numpy_array[array]  TypeError
    range(array), sequence[array]                 TypeError; int(), float(), bool(), if, item() copy one number
    take(mode=), sort(kind=), exp(where=), max(initial=), lexsort((a, b))   TypeError
    repeat(a, array)                              ValueError; numbers of times are a number, or a list
    searchsorted(a, 5), maximum.accumulate        NotImplementedError
    text, objects, records                        ValueError

Reductions and single elements are arrays without axes, never scalars. Stricter than CuPy are three points: NumPy's
functions are refused, which CuPy would make its own; so are NumPy arrays as places, which it would copy unasked; a
place beyond the end raises IndexError, where a GPU wraps around. Not shown: two writes to one place in `a[places] = b`
come in any order on a GPU; CuPy 13 keeps float32 beside a numpy.float64, CuPy 14 widens it. Kernels are not offered.

[1] https://docs.cupy.dev/en/stable/user_guide/difference.html
[2] https://docs.cupy.dev/en/stable/reference/comparison.html
"""

from __future__ import annotations

import functools
import sys
import types
from importlib.machinery import ModuleSpec
from types import SimpleNamespace

import numpy as np
import scipy.sparse

from stochastic_music import _backends

#: what CuPy has, as far as anybody asked for it; add a name once its page in [2] has been read
_CREATING = "arange empty eye full identity linspace ones zeros"
_JOINING = "broadcast_arrays column_stack concatenate einsum hstack meshgrid stack vstack"
_FUNCTIONS = """all allclose any append argmax argmin argpartition argsort argwhere array_equal ascontiguousarray
    atleast_1d atleast_2d bincount broadcast_to clip copyto count_nonzero cumprod cumsum diff digitize dot empty_like
    expand_dims flatnonzero flip full_like isin lexsort max mean min moveaxis nan_to_num nonzero ones_like outer pad
    partition prod ptp ravel repeat reshape roll searchsorted sort split squeeze std sum swapaxes take take_along_axis
    tensordot tile trace transpose tril triu unique var vdot where zeros_like"""
_METHODS = """all any argmax argmin argsort astype clip copy cumprod cumsum dot fill flatten max mean min nonzero prod
    ptp ravel repeat reshape searchsorted sort squeeze std sum swapaxes take trace transpose var view"""
_TYPES = """bool_ dtype e finfo float32 float64 iinfo inf int8 int16 int32 int64 integer floating intp nan newaxis pi
    uint8 uint16 uint32 uint64"""
_REDUCED = {
    "reduce": "add multiply",
    "accumulate": "add multiply",
    "at": "add subtract maximum minimum bitwise_and bitwise_or bitwise_xor",
}
#: those that may be turned around, or done in place; and those that may not
_TURNING = """add add, sub subtract, mul multiply, truediv true_divide, floordiv floor_divide, mod remainder, pow power,
    matmul matmul, and bitwise_and, or bitwise_or, xor bitwise_xor, lshift left_shift, rshift right_shift"""
_OTHERS = """neg negative, pos positive, abs absolute, invert invert, lt less, le less_equal, eq equal, ne not_equal,
    gt greater, ge greater_equal"""


class OutOfMemoryError(MemoryError):
    """What CuPy raises, as `cupy.cuda.memory.OutOfMemoryError`."""


class Device:
    """A GPU that is none; counts whole arrays `to_device` and `to_host`, and `numbers`, read one by one.

    With `largest`, an array of more bytes than that raises OutOfMemoryError.
    """

    def __init__(self, largest: int | None = None) -> None:
        self.largest = largest
        self.to_device = self.to_host = self.numbers = self.refusals = 0
        self.arrays = _Module(self)

    def given(self, value):
        """What NumPy came to, on the device."""
        if isinstance(value, (tuple, list)):
            return (list if isinstance(value, list) else tuple)(map(self.given, value))
        if not isinstance(value, (np.ndarray, np.generic)):
            return value
        if value.dtype.kind not in "biufc":
            raise ValueError(f"Unsupported dtype {value.dtype}")
        if self.largest is not None and value.nbytes > self.largest and getattr(value, "base", None) is None:
            self.refusals += 1
            raise OutOfMemoryError(f"Out of memory allocating {value.nbytes:,} bytes")
        return Array(np.asarray(value), self)

    def taken(self, value):
        """What NumPy may compute with, of arguments that must be on the device, or numbers, or lists of such."""
        if isinstance(value, Array):
            return value.held
        if isinstance(value, (tuple, list)):
            return type(value)(map(self.taken, value))
        if isinstance(value, np.ndarray):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        return value

    def call(self, function, *arguments, **options):
        """`function` of NumPy with arguments on the device."""
        for name in ("mode", "where", "initial"):
            if name in options and function.__name__ != "pad":
                raise TypeError(f"{function.__name__}() got an unexpected keyword argument '{name}'")
        if options.get("kind") not in (None, "stable"):
            raise TypeError("kind can only be None or 'stable'")
        out = options.get("out")
        found = function(*self.taken(arguments), **{name: self.taken(value) for name, value in options.items()})
        return self.given(found) if out is None else out

    def sent(self, value, dtype=None, *, copy=False):
        """`asarray` and `array`: from the host, or what is there already."""
        if isinstance(value, Array):
            return self.given(np.array(value.held, dtype=dtype) if copy else np.asarray(value.held, dtype=dtype))
        self.to_device += 1
        return self.given(np.array(value, dtype=dtype))


class Array:
    """An array that is not in the memory of the host."""

    __array_ufunc__ = None
    __hash__ = None

    def __init__(self, held: np.ndarray, device: Device) -> None:
        self.held, self.device = held, device

    shape, dtype, ndim, size, nbytes, T = (
        property(lambda self, name=name: self.device.given(getattr(self.held, name)))
        for name in ("shape", "dtype", "ndim", "size", "nbytes", "T")
    )

    def get(self) -> np.ndarray:
        self.device.to_host += 1
        return self.held.copy()

    def set(self, values: np.ndarray) -> None:
        self.device.to_device += 1
        self.held[...] = values

    def tolist(self):
        return self.get().tolist()

    def item(self, *place):
        self.device.numbers += 1
        return self.held.item(*place)

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_function__(self, function, *_):
        raise TypeError(f"numpy.{function.__name__} was given an array of the device: use `xp`")

    def __len__(self) -> int:
        return len(self.held)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, places):
        return self.device.given(self.held[self.device.taken(places)])

    def __setitem__(self, places, value) -> None:
        self.held[self.device.taken(places)] = self.device.taken(_single(value))

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())


def _operator(name: str, *, turned: bool = False, into: bool = False):
    def operate(self, *other):
        operands = (*other, self) if turned else (self, *other)
        return getattr(self.device.arrays, name)(*operands, **({"out": self} if into else {}))

    return operate


def _method(name: str):
    def call(self, *arguments, **options):
        return self.device.call(getattr(self.held, name), *arguments, **options)

    return call


for _pair in f"{_TURNING}, {_OTHERS}".split(","):
    _short, _name = _pair.split()
    setattr(Array, f"__{_short}__", _operator(_name))
    if _pair in _TURNING:
        setattr(Array, f"__r{_short}__", _operator(_name, turned=True))
        setattr(Array, f"__i{_short}__", _operator(_name, into=True))
for _name in _METHODS.split():
    setattr(Array, _name, _method(_name))


def _single(value):
    """An array of the device, or one number. Raises TypeError for all else."""
    if not isinstance(value, (Array, int, float, complex, np.generic)):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


class _Ufunc:
    """A function of NumPy that works element by element."""

    def __init__(self, ufunc: np.ufunc, device: Device) -> None:
        self.ufunc, self.device = ufunc, device

    def __call__(self, *arguments, **options):
        for value in arguments:
            _single(value)
        return self.device.call(self.ufunc, *arguments, **options)

    def __getattr__(self, name):
        if self.ufunc.__name__ not in _REDUCED.get(name, "").split():
            raise NotImplementedError(f"{self.ufunc.__name__}.{name} is not supported yet")
        return lambda *arguments, **options: self.device.call(getattr(self.ufunc, name), *arguments, **options)


class _Module(types.ModuleType):
    """`cupy`, as far as it goes."""

    def __init__(self, device: Device) -> None:
        super().__init__("cupy")
        self.__spec__, self.__version__, self.ndarray = ModuleSpec("cupy", None), "0 (stand-in)", Array
        self.device = device
        self.asarray = device.sent
        self.array = lambda value, dtype=None: device.sent(value, dtype, copy=True)
        self.asnumpy = lambda array: array.get() if isinstance(array, Array) else np.asarray(array)
        self.get_array_module = lambda *arrays: self if any(isinstance(a, Array) for a in arrays) else np
        self.get_default_memory_pool = lambda: SimpleNamespace(free_all_blocks=lambda: None)
        self.cuda = SimpleNamespace(
            is_available=lambda: True,
            memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            runtime=SimpleNamespace(getDeviceProperties=lambda _: {"name": b"a stand-in"}),
            Stream=SimpleNamespace(null=SimpleNamespace(synchronize=lambda: None)),
        )

    def __getattr__(self, name):
        if name in _TYPES.split():
            return getattr(np, name)
        if name in _CREATING.split():
            return lambda *arguments, **options: self.device.given(getattr(np, name)(*arguments, **options))
        if isinstance(getattr(np, name, None), np.ufunc):
            return _Ufunc(getattr(np, name), self.device)
        if name not in [*_FUNCTIONS.split(), *_JOINING.split()]:
            raise AttributeError(f"module 'cupy' has no attribute '{name}', or the stand-in does not know it")
        return lambda *arguments, **options: self._call(name, *arguments, **options)

    def _call(self, name, first, *others, **options):
        if not isinstance(first, Array) and name not in _JOINING.split():
            raise TypeError(f"{name}() takes an array of the device, not {type(first)}")
        if name == "searchsorted" and not isinstance(others[0], Array):
            raise NotImplementedError("Only int or ndarray are supported for v")
        if name == "repeat" and isinstance(others[0], Array):
            raise ValueError("cupy.ndarray cannot be specified as `repeats` argument.")
        return self.device.call(getattr(np, name), first, *others, **options)


class Csr:
    """`cupyx.scipy.sparse.csr_matrix`: one of SciPy's, sent to the device, for products."""

    def __init__(self, matrix, device: Device) -> None:
        device.to_device += 3  # its values, their columns, where rows begin
        self.matrix, self.device, self.shape = scipy.sparse.csr_array(matrix), device, matrix.shape

    @property
    def T(self) -> Csr:  # noqa: N802 - its name
        turned = Csr(self.matrix.T, self.device)
        self.device.to_device -= 3
        return turned

    def __matmul__(self, dense):
        if not isinstance(dense, Array):
            raise TypeError(f"unsupported operand type(s) for @: csr_matrix and {type(dense)}")
        return self.device.given(self.matrix @ dense.held)


def installed(monkeypatch, largest: int | None = None) -> Device:
    """A new device in CuPy's place until `monkeypatch` is undone."""
    device = Device(largest)
    sparse = SimpleNamespace(csr_matrix=functools.partial(Csr, device=device))
    cupyx = types.ModuleType("cupyx")
    cupyx.scatter_add = device.arrays.add.at
    monkeypatch.setitem(sys.modules, "cupy", device.arrays)
    monkeypatch.setitem(sys.modules, "cupyx", cupyx)
    monkeypatch.setitem(sys.modules, "cupyx.scipy", SimpleNamespace(sparse=sparse))
    monkeypatch.setitem(sys.modules, "cupyx.scipy.sparse", sparse)
    monkeypatch.setattr(_backends, "gpu", lambda: (True, "a stand-in"))
    return device

import pytest

from stochastic_music import _backends
from stochastic_music.sampling.backends.numpy_backend import NumpyChains
from stochastic_music.sampling.backends.simulation import maker
from stochastic_music.testing import check_backend
from stochastic_music.testing.check_backend import check_distribution


def test_numba_keeps_the_contract():
    pytest.importorskip("numba")
    check_backend(maker("numba", 0))


@pytest.mark.gpu
@pytest.mark.skipif(not _backends.gpu()[0], reason="no GPU here")
def test_a_gpu_keeps_the_contract():
    check_backend(maker("cupy", 0))


class WrongKey(NumpyChains):
    def run(self, places, out, *, key, **begin):
        super().run(places, out, key=key % (1 << 64), **begin)


class Forgetful(NumpyChains):
    def run(self, places, out, **begin):
        super().run(places.copy(), out, **begin)


class Stuck(NumpyChains):
    def run(self, places, out, **begin):
        super().run(places, out, **begin)
        out[1] = out[0]


class Counting(NumpyChains):
    chunk = 64

    def run(self, places, out, *, first_chain, **begin):
        super().run(places, out, first_chain=first_chain if len(places) > 64 or first_chain != 64 else 0, **begin)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (WrongKey, "symbols differ"),
        (Forgetful, "left at other places"),
        (Stuck, "symbols differ"),
        (Counting, "change with the number of threads"),
    ],
)
def test_what_a_wrong_back_end_is_told(make, message):
    with pytest.raises(AssertionError, match=message):
        check_backend(make)


def test_a_wrong_distribution_is_refused():
    with pytest.raises(AssertionError, match="do not follow"):
        check_distribution(Stuck)

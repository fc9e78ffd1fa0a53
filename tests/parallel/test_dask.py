"""A Dask cluster: what is checked before work is given to it, and what happens when it goes."""

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from stochastic_music._parallel import clusters, mapped, opened
from stochastic_music.errors import MachineError, MissingExtraError, UsageError


@pytest.fixture
def _hurried(monkeypatch):
    monkeypatch.setattr(clusters, "SECONDS", 0.3)


@pytest.mark.parametrize("text", ["", "here", "tcp://", "tcp://here", "http://here:80", "tcp://here:port", "8786"])
def test_text_that_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match="expected one such as tcp://"), opened(text):
        pass


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"stochastic-music\[dask\]"), opened("tcp://127.0.0.1:8786"):
        pass


def test_nobody_there():
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "tcp://{}:{}".format(*free.getsockname())
    with pytest.raises(MachineError, match=f"{address} does not answer"), opened(address):
        pass


@pytest.mark.usefixtures("_hurried")
def test_somebody_there_who_says_nothing():
    pytest.importorskip("distributed")
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = "tcp://{}:{}".format(*mute.getsockname())
        with pytest.raises(MachineError, match=r"does not answer \(timed out"), opened(address):
            pass


def _greet(listener, greeting):
    with listener.accept()[0] as line:
        line.sendall(greeting)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-here\r\n", b"220\r\n", b"\x10" + bytes(9), bytes(8)])
def test_somebody_there_who_is_no_scheduler(greeting):
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as thread:
        address = "tcp://{}:{}".format(*other.getsockname())
        thread.submit(_greet, other, greeting)
        with pytest.raises(MachineError, match=r"does not answer \(what is there does not speak"), opened(address):
            pass


def test_workers_of_another_version_are_refused(scheduler, monkeypatch):
    monkeypatch.setattr("stochastic_music.__version__", "0.0.1")
    with pytest.raises(MachineError, match=r"has stochastic-music 0\.0\.1, but tcp://.* answers"), opened(scheduler):
        pass


def test_a_cluster_says_how_many_workers_it_has(scheduler):
    with opened(scheduler) as executor:
        assert clusters.n_workers(executor) == 2


@pytest.fixture
def scheduler_of_our_own():
    """A scheduler as a process, and its address."""
    pytest.importorskip("distributed")
    code = (
        "import asyncio, distributed\n"
        "async def main():\n"
        "    async with distributed.Scheduler(port=0, host='127.0.0.1', dashboard=False) as s:\n"
        "        print(s.address, flush=True)\n"
        "        await s.finished()\n"
        "asyncio.run(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield process, process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.usefixtures("_hurried")
def test_a_scheduler_without_workers(scheduler_of_our_own):
    _, address = scheduler_of_our_own
    with pytest.raises(MachineError, match=f"no workers: start some with 'dask worker {address}'"), opened(address):
        pass


@pytest.fixture
def worker_of_our_own(scheduler_of_our_own):
    """A worker of that scheduler, as a process."""
    options = [scheduler_of_our_own[1], "--no-nanny", "--nthreads", "1", "--no-dashboard"]
    with subprocess.Popen([sys.executable, "-m", "dask", "worker", *options], stderr=subprocess.DEVNULL) as process:
        yield
        process.kill()


@pytest.mark.usefixtures("worker_of_our_own")
def test_a_scheduler_that_dies_in_the_middle(scheduler_of_our_own):
    process, address = scheduler_of_our_own
    with opened(address) as executor:
        results = mapped(abs, range(10**6), executor)
        assert next(results) == 0
        process.kill()
        with pytest.raises(MachineError, match="the scheduler has gone"):
            list(results)

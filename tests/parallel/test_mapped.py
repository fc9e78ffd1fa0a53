"""Tasks on executors: in order, given out again where a worker dies, and refused in one line where that is no use."""

import os
import subprocess
import sys
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor

import odd_tasks
import pytest

from stochastic_music import _parallel
from stochastic_music._parallel import Processes, mapped, opened
from stochastic_music.errors import InvalidParameterError, MachineError, UnknownNameError, UsageError

linux = pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a signal")


def test_results_are_in_order(executor):
    assert list(mapped(odd_tasks.double, range(30), executor)) == [2 * n for n in range(30)]


@linux
def test_a_worker_that_is_killed_costs_no_result(executor, tmp_path):
    flags = [str(tmp_path / f"{i}") for i in range(4)]
    assert list(mapped(odd_tasks.die_once, flags, executor)) == [f"done {i}" for i in range(4)]
    assert list(mapped(odd_tasks.double, range(5), executor)) == [0, 2, 4, 6, 8]


def test_an_error_arrives_as_it_was_raised(executor):
    with pytest.raises(UnknownNameError, match="did you mean 'markov'"):
        list(mapped(odd_tasks.refuse, ["marcov"], executor))


@linux
def test_a_task_that_kills_every_worker_is_given_up():
    with Processes(1) as workers, pytest.raises(MachineError, match=r"keep dying .*signal 9"):
        list(mapped(odd_tasks.die_always, [1], workers))


def test_few_tasks_are_out_at_a_time():
    drawn = []

    def tasks():
        for n in range(100):
            drawn.append(n)
            yield n

    with ThreadPoolExecutor(2) as threads:
        results = mapped(odd_tasks.double, tasks(), threads)
        assert next(results) == 0
        assert len(drawn) <= 2 * _parallel.AHEAD
        results.close()


def test_a_scheduler_that_has_gone_is_said_in_a_line():
    gone = Future()
    gone.cancel()
    with ThreadPoolExecutor(1) as executor:
        executor.submit = lambda *_: gone
        with pytest.raises(MachineError, match="the scheduler has gone"):
            list(mapped(odd_tasks.double, [1], executor))


@linux
def test_an_executor_that_stays_broken_is_named():
    with ProcessPoolExecutor(1) as pool, pytest.raises(MachineError, match="open another one"):
        list(mapped(odd_tasks.die_always, [1], pool))


def test_each_process_has_one_thread_for_arrays():
    with Processes(2) as workers:
        said = list(mapped(odd_tasks.threads_and_place, range(4), workers))
    assert {threads for threads, _ in said} == {"1"}
    assert os.getpid() not in {place for _, place in said}


def test_one_worker_is_this_process():
    with opened(workers=1) as executor:
        assert executor is None


@pytest.mark.parametrize(("options", "message"), [
    ({"workers": 0}, "workers is 0"),
    ({"scheduler": "tcp://127.0.0.1:8786", "workers": 2}, "a scheduler, or a number of workers"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(UsageError, match=message), opened(**options):
        pass


def test_what_no_other_process_knows_is_refused():
    with Processes(1) as workers, pytest.raises(InvalidParameterError, match="define it at the top of a module"):
        list(mapped(lambda n: n, [1], workers))


def test_an_unguarded_script_may_use_processes(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from stochastic_music._parallel import mapped, opened\n"
        "print('started')\n"
        "with opened(workers=2) as executor:\n"
        "    print(list(mapped(abs, [-1, -2], executor)))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "started\n[1, 2]\n"


def test_leaving_early_ends_what_runs():
    workers = Processes(1)
    future = workers.submit(odd_tasks.wait_for_ever)
    with pytest.raises(UnknownNameError), workers:
        odd_tasks.refuse("marcov")
    with pytest.raises((BrokenExecutor, CancelledError)):
        future.result()

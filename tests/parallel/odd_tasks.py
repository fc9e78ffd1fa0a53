"""Tasks for other processes: some of them go wrong."""

import os
import signal
import threading
from pathlib import Path

from stochastic_music.errors import UnknownNameError


def double(n):
    return 2 * n


def die_once(flag):
    """End the process that does this, the first time."""
    if not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return f"done {Path(flag).name}"


def die_always(_):
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(name):
    raise UnknownNameError("model", name, ["markov", "ppm"])


def threads_and_place(_):
    import numpy as np

    np.ones((8, 8)) @ np.ones((8, 8))
    return os.environ["OMP_NUM_THREADS"], os.getpid()


def wait_for_ever():
    threading.Event().wait()

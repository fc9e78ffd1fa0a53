"""Tasks for other processes: some of them go wrong."""

import os
import signal
import threading
from pathlib import Path

from stochastic_music import io
from stochastic_music.errors import UnknownNameError
from stochastic_music.models import Markov


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


def kill_the_worker_once(path, *, memory_limit):
    """A reader that ends the process whose files it reads, the first time it comes to a file named so."""
    if "killer" in path and not Path(f"{path}.flag").exists():
        Path(f"{path}.flag").touch()
        os.kill(os.getppid(), signal.SIGKILL)
    return io.read(path, memory_limit=memory_limit)


class Killer(Markov):
    """A model whose fit ends its process, once for each flag that stands in a folder."""

    def __init__(self, order=1, flags=""):
        super().__init__(order)
        self.flags = flags

    def fit(self, corpus):
        for flag in sorted(Path(self.flags).glob("kill*")):
            flag.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(corpus)

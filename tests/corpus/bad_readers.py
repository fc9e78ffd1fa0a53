"""Readers that misbehave by the name of the file, for workers to run; every other file is read as usual."""

import os
import time

from stochastic_music import io


def by_name(path, *, memory_limit):
    name = os.path.basename(path)  # noqa: PTH119
    if "segfault" in name:
        import ctypes

        ctypes.string_at(0)
    if "exit" in name:
        os._exit(3)
    if "hang" in name:
        while True:
            time.sleep(0.01)
    if "greedy" in name:
        hoard = []
        while True:
            hoard.append(b"x" * (1 << 24))
            time.sleep(0.002)
    if "raise" in name:
        raise RuntimeError("inner workings\nof the reader")
    if "print" in name:
        print("libraries print when they should not")
    return io.read(path, memory_limit=memory_limit)


def slowly(path, *, memory_limit):
    time.sleep(0.06)
    return by_name(path, memory_limit=memory_limit)

"""What tests are collected from: modules that import torch as they are imported are left out where it is absent."""

from __future__ import annotations

import importlib.util

_NEED_TORCH = [
    "stochastic_music/models/neural/networks/*",
    "stochastic_music/models/neural/checkpoints.py",
    "stochastic_music/models/neural/dynamic.py",
    "stochastic_music/models/neural/training.py",
    "tests/models/neural/killed.py",
    "tests/models/neural/pupils.py",
]

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = _NEED_TORCH

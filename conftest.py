"""What tests are collected from: modules that are torch's cannot be imported where it is absent."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = [
        f"stochastic_music/models/neural/{name}" for name in ("networks/*", "checkpoints.py", "training.py")
    ]

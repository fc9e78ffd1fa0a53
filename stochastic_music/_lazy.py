"""Packages whose names arrive with their first use, so that importing one costs nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def attach(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of `package`, whose public names live in its modules `homes[name]`.

    >>> getattr_, dir_ = attach("email", {"Parser": "parser", "Message": "message"})
    >>> dir_(), getattr_("Message").__name__
    (['Message', 'Parser'], 'Message')
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted(homes)

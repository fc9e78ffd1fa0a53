"""Names that this package and others register: entry points, found without importing what they name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from stochastic_music.errors import UsageError

_OURS = "stochastic_music"


@dataclass(frozen=True)
class Entry:
    """A registered name: where what it stands for is found, and which package brought it."""

    name: str
    target: str
    package: str
    kind: str

    def load(self) -> Any:
        """Import what the name stands for; raises UsageError naming the package where that fails."""
        module, _, attribute = self.target.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except Exception as error:
            if self.package == _OURS:
                raise
            raise UsageError(
                f"the plug-in '{self.name}' of {self.package} cannot be loaded "
                f"({type(error).__name__}: {error}): update or uninstall {self.package}."
            ) from error
        return found


def entries(kind: str, built_in: Mapping[str, str]) -> dict[str, Entry]:
    """`built_in` names (to "module:attribute"), then those of plug-ins; raises UsageError for one claimed twice.

    >>> entries("models", {"tau": "math:tau"})["tau"].load() > 6
    True
    """
    found = {name: Entry(name, target, _OURS, kind) for name, target in built_in.items()}
    for point in sorted(entry_points(group=f"{_OURS}.{kind}"), key=_order):
        entry = Entry(point.name, point.value, _package(point), kind)
        other = found.get(entry.name)
        if other and other != entry:
            raise UsageError(
                f"both {other.package} and {entry.package} register a {kind[:-1]} named '{entry.name}': "
                "uninstall one of them."
            )
        found[entry.name] = entry
    return found


def _order(point: EntryPoint) -> tuple[str, str, str]:
    return point.name, point.value, _package(point)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value.partition(".")[0]

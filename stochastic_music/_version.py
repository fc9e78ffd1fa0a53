"""The version of this package, for what it writes."""

from __future__ import annotations

__version__ = "0.1.0"

"""Tests, by room: a package, so that no library that ships a `tests` of its own stands in for it."""

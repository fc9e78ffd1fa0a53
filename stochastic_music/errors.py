"""Everything this package raises on purpose.

Every message says what arrived, what was expected and what to do. The command line
prints the message alone, without a traceback, and leaves with the class's `exit_code`.

    StochasticMusicError
    ├── InputError               1   nothing usable in the input
    │   ├── UnreadableFileError      a file that no reader can make sense of
    │   ├── EmptyCorpusError         no piece is left to work on
    │   └── EncodingError            a score that the encoding cannot express
    ├── UsageError               2   a request that makes no sense (also a ValueError)
    │   ├── InvalidParameterError    a parameter outside its range
    │   ├── UnknownNameError         a name nobody registered; names the nearest
    │   ├── VocabularyError          symbols outside a vocabulary, or two that differ
    │   ├── ProductTooLargeError     exact conditioning would outgrow its limit
    │   ├── NotFittedError           a model used before `fit`
    │   ├── DivergedError            training that broke down: its loss was no number
    │   ├── ModelFileError           a model file that is truncated, tampered with or foreign
    │   └── StoreError               a store of tokens that is damaged, foreign, or holds something else than was asked
    ├── UnsatisfiableError       3   no piece can meet the request
    └── MachineError             4   the machine, not the request
        └── MissingExtraError        an optional library is not installed (also an ImportError)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

#: of more names than these a message shows the nearest only
_MANY = 24


class StochasticMusicError(Exception):
    """Root of the tree; `exit_code` is what the command line leaves with."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """The message as it stands, not what it was made of: errors travel between processes."""
        return type(self).__new__, (type(self), *self.args), self.__dict__


class InputError(StochasticMusicError):
    """Nothing usable in the input."""


class UnreadableFileError(InputError):
    """A file that no reader can make sense of.

    `reason` is a sentence a musician understands, `remedy` what would accept the file
    (an option, or another program), or an empty string where nothing would.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(f"{reason}. {remedy}".rstrip(". ") + ".")
        self.reason = reason
        self.remedy = remedy


class EmptyCorpusError(InputError):
    """No piece is left to work on."""


class EncodingError(InputError):
    """A score that the encoding cannot express."""


class UsageError(StochasticMusicError, ValueError):
    """A request that makes no sense."""

    exit_code = 2


class InvalidParameterError(UsageError):
    """A parameter outside its range."""


class UnknownNameError(UsageError):
    """A name nobody registered; the message names the nearest one.

    >>> print(UnknownNameError("model", "marcov", ["markov", "ppm"]))
    unknown model 'marcov': did you mean 'markov'? Known: markov, ppm.
    >>> print(UnknownNameError("back end", "nonsense", ["auto", "numpy"]))
    unknown back end 'nonsense'. Known: auto, numpy.
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f": did you mean '{near[0]}'?" if near else "."
        shown = names if len(names) <= _MANY else difflib.get_close_matches(name, names, n=5, cutoff=0.3)
        more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        known = f"{', '.join(shown)}{more}" if shown else f"{len(names)} names" if names else "none"
        super().__init__(f"unknown {what} '{name}'{hint} Known: {known}.")


class VocabularyError(UsageError):
    """Symbols outside a vocabulary, or two vocabularies that differ."""


class ProductTooLargeError(UsageError):
    """Exact conditioning would outgrow its limit."""


class NotFittedError(UsageError):
    """A model used before `fit`."""


class DivergedError(UsageError):
    """Training that broke down: its loss was no number, or infinite, at every learning rate that was tried."""


class ModelFileError(UsageError):
    """A model file that is truncated, tampered with or foreign."""


class StoreError(UsageError):
    """A store of tokens that is damaged, foreign, or holds something else than was asked."""


class UnsatisfiableError(StochasticMusicError):
    """No piece can meet the request."""

    exit_code = 3


class MachineError(StochasticMusicError):
    """The machine stands in the way: disk full, no permission, no GPU."""

    exit_code = 4


class MissingExtraError(MachineError, ImportError):
    """An optional library is not installed; the message gives the pip line."""

"""What a fit is asked for, read and checked: numbers of states, and states that are given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.models.hmm.observations import Observations
from stochastic_music.models.hmm.parameters import Priors
from stochastic_music.protocols import FloatArray, IntArray

#: of more numbers of states nobody can choose
_MOST_NUMBERS = 1000
#: numbers of states that "auto" chooses from
AUTO = (2, 4, 8, 16, 32)


def numbers_of_states(given: Any) -> list[int]:
    """The numbers that `n_states` asks for, ascending. Raises InvalidParameterError.

    >>> numbers_of_states(8), numbers_of_states("auto"), numbers_of_states("2..5"), numbers_of_states("8,4")
    ([8], [2, 4, 8, 16, 32], [2, 3, 4, 5], [4, 8])
    """
    wrong = InvalidParameterError(
        f"n_states is {given!r}; expected a whole number above 0, several as in '4,8,16' or '2..16', or 'auto'"
    )
    if isinstance(given, str):
        text = given.strip()
        if text == "auto":
            return list(AUTO)
        if match := re.fullmatch(r"(\d+)\s*\.\.\s*(\d+)", text):
            given = range(int(match[1]), int(match[2]) + 1)
        elif re.fullmatch(r"\d+(\s*,\s*\d+)*", text):
            given = [int(number) for number in text.split(",")]
        else:
            raise wrong
    if isinstance(given, range) and len(given) > _MOST_NUMBERS:
        raise wrong
    whole = isinstance(given, (int, np.integer)) and not isinstance(given, bool)
    numbers = [given] if whole else list(given) if isinstance(given, Sequence) else []
    if not numbers or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in numbers):
        raise wrong
    return sorted({int(n) for n in numbers})


def checked_states(
    states: Sequence[Sequence[int] | IntArray], observations: Observations, corpus: TokenCorpus
) -> list[IntArray]:
    """The states of each piece, (n_events,), END's among them. Raises UsageError for other lengths."""
    if len(states) != len(corpus):
        raise UsageError(f"states of {len(states)} pieces arrived for {len(corpus)} pieces: give those of each piece")
    found: list[IntArray] = []
    for i, (given, length) in enumerate(zip(states, observations.lengths.tolist(), strict=True)):
        path = np.asarray(given, dtype=np.int64)
        if corpus.vocabulary.closed and len(path) == length - 1:
            path = np.append(path, path[-1:] if len(path) else 0)
        if len(path) != length:
            ends = f", or {length} with that of END" if corpus.vocabulary.closed else ""
            raise UsageError(
                f"piece {i + 1} ('{corpus.names[i]}') has {len(np.asarray(given))} states; expected one an event, "
                f"{length - corpus.vocabulary.closed}{ends}"
            )
        if path.min(initial=0) < 0:
            raise UsageError(f"piece {i + 1} ('{corpus.names[i]}') has a state below 0: states are numbered from 0")
        found.append(path)
    return found


def check_topology(start: FloatArray, steps: FloatArray, prior: Priors, topology: str) -> None:
    """Raise UsageError where starts and steps that were counted are none that `topology` has."""
    if (start[~prior.may_start] > 0).any() or (steps[~prior.may_step] > 0).any():
        raise UsageError(
            f"the states given take steps that topology='{topology}' does not have: change them, or use 'full'"
        )

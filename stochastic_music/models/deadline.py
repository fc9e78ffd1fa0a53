"""Limits of time for models that learn in steps (`protocols.TrainedModel`)."""

from __future__ import annotations

import time

from stochastic_music.errors import InvalidParameterError

#: seconds on a clock that never goes back; tests put another in its place
clock = time.monotonic


class Deadline:
    """Whether the time of a fit is up: `seconds` of wall-clock time from now, None for as long as it takes.

    `spent` seconds have gone already, where a fit is resumed. `hit` tells whether the time was up when that was asked.
    Raises InvalidParameterError for no positive time.

        >>> Deadline(None).passed(), Deadline(60).passed(), Deadline(60, spent=61).passed()
        (False, False, True)
    """

    def __init__(self, seconds: float | None, *, spent: float = 0.0) -> None:
        if seconds is not None and not seconds > 0:
            raise InvalidParameterError(f"the limit of time is {seconds} seconds; expected more than 0, or None")
        self.seconds, self.hit = seconds, False
        self._start = clock() - spent

    @property
    def spent(self) -> float:
        """Seconds that have gone."""
        return clock() - self._start

    @property
    def share(self) -> float:
        """The share of the time that has gone, 0 where there is no limit."""
        return 0.0 if self.seconds is None else self.spent / self.seconds

    def passed(self, ahead: float = 0.0) -> bool:
        """Whether the time is up, or will be `ahead` seconds from now."""
        up = self.seconds is not None and self.spent + ahead >= self.seconds
        self.hit |= up
        return up

    def part(self, share: float) -> Deadline:
        """One that began with this one, and has a share of its time."""
        return Deadline(None if self.seconds is None else share * self.seconds, spent=self.spent)

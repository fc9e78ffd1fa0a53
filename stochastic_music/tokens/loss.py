"""What an encoding could not keep of a score, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncodingLoss:
    """Losses of one score; add them for a corpus, `sum(losses, EncodingLoss())`.

    Notes are counted among those of the chosen part or parts. `error_sum` and `error_max` are in
    quarter notes and measured on onsets; a note is off the grid if its onset moved by a tick or more.
    """

    #: notes written as symbols
    n_notes: int = 0
    #: notes left out because a higher one, or an equal one, sounds
    hidden: int = 0
    #: notes that end earlier because the next begins, or because they were too long
    cut: int = 0
    #: rests that lost whole bars because they were too long
    rests_shortened: int = 0
    #: rests that were not kept because the encoding has no field for them
    rests_dropped: int = 0
    off_grid: int = 0
    ends_moved: int = 0
    error_sum: float = 0.0
    error_max: float = 0.0
    #: parts with notes that are not encoded
    parts_left_out: int = 0
    #: key signatures after the first
    key_changes: int = 0
    #: which part was taken and why, each wording once
    choices: tuple[str, ...] = ()

    @property
    def error_mean(self) -> float:
        """Mean distance of onsets from the grid in quarter notes."""
        return self.error_sum / max(self.n_notes + self.hidden, 1)

    @property
    def off_grid_share(self) -> float:
        """Share of notes whose onset was off the grid."""
        return self.off_grid / max(self.n_notes + self.hidden, 1)

    def __add__(self, other: EncodingLoss) -> EncodingLoss:
        # Written out, because it runs for every file of a corpus.
        return EncodingLoss(
            self.n_notes + other.n_notes,
            self.hidden + other.hidden,
            self.cut + other.cut,
            self.rests_shortened + other.rests_shortened,
            self.rests_dropped + other.rests_dropped,
            self.off_grid + other.off_grid,
            self.ends_moved + other.ends_moved,
            self.error_sum + other.error_sum,
            max(self.error_max, other.error_max),
            self.parts_left_out + other.parts_left_out,
            self.key_changes + other.key_changes,
            tuple(dict.fromkeys((*self.choices, *other.choices))),
        )

    def sentences(self) -> list[str]:
        """Every loss that there is, one sentence each, after the parts that were taken instead of others.

        >>> EncodingLoss(n_notes=10, hidden=2).sentences()
        ['2 notes beneath a higher or equal one left out']
        """
        counts = [
            (self.parts_left_out, "part|parts not encoded"),
            (self.hidden, "note|notes beneath a higher or equal one left out"),
            (self.cut, "note|notes end earlier than written"),
            (self.rests_shortened, "long rest|rests lost whole bars"),
            (self.rests_dropped, "rest|rests not kept"),
            (self.key_changes, "later key signature|signatures not kept"),
        ]
        said = [f"took {choice}" for choice in self.choices[:3]] if self.parts_left_out else []
        said += [_counted(n, words) for n, words in counts if n]
        if self.off_grid:
            who = f"{self.off_grid:,} of {self.n_notes + self.hidden:,} notes lay off the grid"
            said.append(
                f"{who} (all notes: {self.error_mean:.3f} quarter notes on average, {self.error_max:.3f} at most)"
            )
        return said


def _counted(n: int, words: str) -> str:
    """`n` and the words that fit it: 'note|notes' chooses the last word before the bar or its plural."""
    before, _, after = words.partition("|")
    stem, _, singular = before.rpartition(" ")
    plural, _, rest = after.partition(" ")
    return " ".join(filter(None, [f"{n:,}", stem, singular if n == 1 else plural, rest]))

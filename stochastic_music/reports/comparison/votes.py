"""Votes of the blind page, counted: was one source liked better than another more often than chance would have it?

A voter hears pairs of takes without knowing where they come from (`reports.pages.blind`), and says which is better, or
that there is nothing to choose. Of those who chose, so many preferred the one: an exact two-sided binomial test
against one half, with Clopper and Pearson's interval (`evaluation.significance`), corrected by Holm's method for all
rows of the table. Each vote counts as independent of the others, which votes of one voter are not quite: ask several
people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stochastic_music.errors import UsageError
from stochastic_music.evaluation.significance import binomial_test, holm
from stochastic_music.reports.comparison.records import finite, read
from stochastic_music.reports.pages import checksum, pairs
from stochastic_music.reports.pages.blind import HELD_OUT

_CHOICES = ("a", "b", "none")


def counted(report: Mapping[str, Any], files: Sequence[str | Path]) -> dict[str, Any]:
    """The votes in `files`, by pair of sources: how many preferred `a`, of how many who chose.

    `voters` counts who voted, and `rows` holds `a`, `b`, `preferred` (a), `n`, `share`, `interval`, `level`, `p`,
    `p_corrected`, `undecided`; rows against held-out music first. A voter's later vote on a pair replaces the earlier.
    Raises UsageError for files that hold no votes, votes on another report, and pairs that it does not have.
    """
    ballots = [_ballot(Path(file), checksum(report)) for file in files]
    chosen = {(ballot["voter"], vote["pair"]): vote["choice"] for ballot in ballots for vote in ballot["votes"]}
    meant = {pair.name: (pair.a.source, pair.b.source) for pair in pairs(report)}
    for _, pair in chosen:
        if pair not in meant:
            raise UsageError(f"there is a vote on a pair '{pair}', which this report does not have: was it changed?")
    found = Counter(_preference(*meant[pair], choice) for (_, pair), choice in chosen.items())
    rows = [_row(a, b, found) for a, b in _meetings(report, meant.values())]
    corrected = finite(holm([row["p"] for row in rows]))
    return {
        "voters": len({voter for voter, _ in chosen}),
        "rows": [{**row, "p_corrected": p} for row, p in zip(rows, corrected, strict=True)],
    }


def _ballot(path: Path, report: str) -> dict[str, Any]:
    """The votes of a file; raises UsageError."""
    found = read(path)
    try:
        if found is None or found["schema"] != 1:
            raise ValueError("no votes of this version")
        if not (isinstance(found["voter"], str) and found["voter"]):
            raise ValueError("no voter")
        ballot = {**found, "votes": [_vote(vote) for vote in found["votes"]]}
        is_of_report = found["report"] == report
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} holds no votes ({error}): give a file that blind.html saved") from error
    if not is_of_report:
        raise UsageError(f"{path} holds votes on another report: give the report's folder with -o")
    return ballot


def _vote(vote: Mapping[str, Any]) -> dict[str, str]:
    if vote["choice"] not in _CHOICES:
        raise ValueError(f"a choice is {vote['choice']!r}")
    return {"pair": str(vote["pair"]), "choice": vote["choice"]}


def _preference(a: str, b: str, choice: str) -> tuple[str, str] | frozenset[str]:
    """(the one preferred, the other), or both in no order where nobody was."""
    return {"a": (a, b), "b": (b, a)}.get(choice, frozenset((a, b)))


def _meetings(report: Mapping[str, Any], met: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Who met whom, in the order of the report: those who met the held-out music first."""
    order = {name: i for i, name in enumerate([HELD_OUT, *(model["name"] for model in report["models"])])}
    both = {(max(pair, key=order.__getitem__), min(pair, key=order.__getitem__)) for pair in met}
    return sorted(both, key=lambda pair: (order[pair[1]], order[pair[0]]))


def _row(a: str, b: str, found: Counter[tuple[str, str] | frozenset[str]]) -> dict[str, Any]:
    preferred, other = found[a, b], found[b, a]
    test = binomial_test(preferred, preferred + other).to_json()
    kept = ("n", "share", "interval", "level", "p")
    undecided = found[frozenset((a, b))]
    return {"a": a, "b": b, "preferred": preferred, **{key: test[key] for key in kept}, "undecided": undecided}

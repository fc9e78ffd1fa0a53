"""What a store tells of its files and pieces: facts added up shard by shard, so that they stay few as files grow many.

The facts of the pieces of one shard stand in the journal:

    n_notes, meters, keys, estimated   sums and counts, as in `IngestReport`
    error, worst                       distances of onsets from the grid: the sum over notes, and the largest
    without_click, doubtful, warnings  the pieces of which there is something to say
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stochastic_music.corpus.report import Account, DoubtfulKey, PieceFacts, Skipped, ranked
from stochastic_music.corpus.store.journal import Entry
from stochastic_music.corpus.store.sources import COPY, Source, from_rows

_LOST = "its symbols were damaged, and it was not there to be read again", "Put it back, and build again"


def facts_of(pieces: Sequence[PieceFacts], warnings: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The facts of the pieces of a shard, for the journal; `warnings` are (piece, sentence)."""
    facts = [piece.facts for piece in pieces]
    return {
        "n_notes": sum(f.n_notes for f in facts),
        "meters": dict(Counter(meter for f in facts for meter in f.meters)),
        "keys": dict(Counter(f.key for f in facts)),
        "estimated": sum(f.key_source == "estimated" for f in facts),
        "error": sum(f.error * f.n_notes for f in facts),
        "worst": max((f.worst for f in facts), default=0.0),
        "without_click": [piece.name for piece in pieces if piece.facts.without_click],
        "doubtful": [
            (piece.name, piece.facts.key, round(piece.facts.key_confidence, 3))
            for piece in pieces
            if piece.facts.key_doubtful
        ],
        "warnings": list(warnings),
    }


def account_of(journal: Iterable[Entry], transpose: str) -> Account:
    """What a journal, which is read twice, tells; variants of tunes are not looked for."""
    total = _Total()
    skipped: dict[tuple[int, str], Skipped] = {}
    copied = {source.digest for entry in journal for source in files_of(entry) if source.n_pieces == COPY}
    alike: dict[str, dict[tuple[int, str], str]] = {}
    for entry in journal:
        total.add(entry)
        reasons = {place: reason for place, *reason in entry.get("skipped", ())}
        for i, source in enumerate(files_of(entry)):
            place = source.root, source.path
            skipped.pop(place, None)
            if i in reasons:
                skipped[place] = Skipped(source.name, *reasons[i])
            elif source.digest in copied:
                alike.setdefault(source.digest, {})[place] = source.name
        for source in from_rows(entry.get("lost", ())):
            skipped[source.root, source.path] = Skipped(source.name, *_LOST)
    return Account(
        files_read=total.files_read,
        n_pieces=total.n_pieces,
        n_notes=total.n_notes,
        meters=ranked(total.meters),
        keys=ranked(total.keys),
        keys_estimated=total.estimated,
        quantisation_error={"mean": round(total.error / max(total.n_notes, 1), 6), "max": total.worst},
        skipped=[*total.skipped, *skipped.values()],
        other=total.other,
        warnings=total.warnings,
        without_click=total.without_click,
        duplicates=[list(group.values()) for group in alike.values() if len(group) > 1],
        doubtful_keys=total.doubtful if transpose == "common" else [],
    )


@dataclass
class _Total:
    """Facts added up."""

    files_read: int = 0
    n_pieces: int = 0
    n_notes: int = 0
    estimated: int = 0
    error: float = 0.0
    worst: float = 0.0
    meters: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    other: Mapping[str, int] = field(default_factory=dict)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    without_click: list[str] = field(default_factory=list)
    doubtful: list[DoubtfulKey] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Add what a line of the journal says."""
        if "found" in entry:
            self.skipped = [Skipped(*row) for row in entry["found"]["skipped"]]
            self.other = entry["found"]["other"]
        if "facts" not in entry:
            return
        facts = entry["facts"]
        self.files_read += len(entry["files"]) - len(entry["skipped"])
        self.n_pieces += entry["n_pieces"]
        self.n_notes += facts["n_notes"]
        self.estimated += facts["estimated"]
        self.error += facts["error"]
        self.worst = max(self.worst, facts["worst"])
        self.meters.update(facts["meters"])
        self.keys.update(facts["keys"])
        self.warnings += [(piece, text) for piece, text in facts["warnings"]]
        self.without_click += facts["without_click"]
        self.doubtful += [DoubtfulKey(*row) for row in facts["doubtful"]]


def files_of(entry: Entry) -> Iterator[Source]:
    """The files that a line of the journal tells of."""
    return from_rows(entry.get("files", ()))

"""What can be heard: scores, takes and harmonies, engraved and with a player, in a frame of their own.

Frames keep the player's styles and scripts out of the notebook, and the notebook's out of the player. A long score is
shown as far as its first bars go, a long list as far as its first scores do; both say so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music.corpus import Piece
from stochastic_music.corpus.report import counted, printable
from stochastic_music.music.bars import bars
from stochastic_music.reports.pages.frame import frame
from stochastic_music.reports.pages.listening import Fact, Heard, listening_page
from stochastic_music.reports.pages.markup import Html
from stochastic_music.reports.pages.tables import figure
from stochastic_music.reports.showing.blocks import shortened
from stochastic_music.tasks.harmonize.harmonizer import Harmonization
from stochastic_music.tasks.harmonize.harmonizer import Take as Harmony

if TYPE_CHECKING:
    from symusic.core import ScoreTick

    from stochastic_music.evaluation import Explanation

#: notes of one score, and scores of a list, that are shown
MOST_NOTES, MOST_SCORES = 1000, 8
#: pixels: of a player alone, of what is told below it, of a staff, of the notation of a score and of a frame at most
_PLAYER, _TOLD, _STAFF, _SHEET, _HIGHEST = 460, 75, 70, 512, 1600
#: notes and bars that fit a line of notation
_NOTES, _BARS = 36, 12


def drawn(thing: Any) -> Html:
    """The players of a score, of what has one, or of a list of these."""
    if isinstance(thing, Harmonization):
        return players(thing.takes, notes=thing.remarks)
    return players(thing if isinstance(thing, Sequence) else [thing])


def players(things: Sequence[Any], *, notes: Sequence[str] = ()) -> Html:
    """A frame with a player for each thing, as many as are shown; `notes` are sentences that stand below the last."""
    shown = [heard(thing, _name(thing, i, len(things))) for i, thing in enumerate(things[:MOST_SCORES])]
    left = len(things) - len(shown)
    more = [f"{left:,} more of {len(things):,} are not shown: show a part of the list to see them."] if left else []
    if shown:
        shown[-1] = shown[-1]._replace(notes=(*shown[-1].notes, *more, *notes))
    return framed(shown)


def player_of(piece: Piece) -> Html:
    """The player of one piece of a corpus, which says the licence itself."""
    return framed([heard(piece, _name(piece, 0, 1))._replace(facts=())])


def player_of_explained(found: Explanation) -> Html:
    """The player of an explained piece, its notes colored by how much they surprised."""
    bits = [np.array([note.bits for note in part]) for part in found.by_part()]
    assert found.score is not None  # noqa: S101 - whoever asks has looked
    silent = [np.zeros(0)] * (len(found.score.tracks) - len(bits))
    if found.score.note_num() > MOST_NOTES:  # bits go with the notes of a whole score
        return players([found.score])
    return framed([Heard("What the model heard", found.score, [*bits, *silent])])


def framed(shown: Sequence[Heard]) -> Html:
    """A frame around a page of players, about as high as they are."""
    height = min(sum(map(_height, shown)), _HIGHEST)
    names = shortened(", ".join(one.name for one in shown)) or "Nothing to hear"
    title = f"{names}: {counted(sum(one.score.note_num() for one in shown), 'note')}"
    return frame(listening_page(names, shown, compact=True), max(height, _PLAYER), title=title)


def _height(one: Heard) -> int:
    """Pixels that a score takes; its notation scrolls where it is long."""
    tracks = one.score.tracks
    most = max((len(track.notes) for track in tracks), default=0)
    systems = max(math.ceil(most / _NOTES), math.ceil(len(bars(one.score)) / _BARS))
    told = sum([bool(one.facts), bool(one.notes), one.bits is not None, len(tracks) > 1])
    return _PLAYER + told * _TOLD + min(_STAFF * systems * len(tracks) + _STAFF // 2, _SHEET)


def heard(thing: Any, name: str) -> Heard:
    """A score, or what has one, with what is known of it and no more notes than are shown."""
    score = _in_ticks(getattr(thing, "score", thing))
    cut, notes = _cut(score)
    return Heard(name, cut, facts=_facts(thing), notes=notes)


def _in_ticks(score: Any) -> ScoreTick:
    ticks: ScoreTick = score if type(score).__name__ == "ScoreTick" else score.to("tick")
    return ticks


def _name(thing: Any, place: int, n: int) -> str:
    """What a thing is called: its title, or its number."""
    if isinstance(thing, Piece):
        return printable(" – ".join(filter(None, [thing.title, thing.name])))
    kind = "Take" if hasattr(thing, "score") else "Score"
    return f"{kind} {place + 1}" if n > 1 else kind


def _facts(thing: Any) -> list[Fact]:
    """How a take came about, as far as it knows."""
    if isinstance(thing, Harmony):
        return _facts_of_harmony(thing)
    bits = getattr(thing, "bits_per_note", math.nan)
    sample = getattr(thing, "sample", None)
    known = [
        ("Surprise", f"{figure(bits)} bits a note" if math.isfinite(bits) else ""),
        ("Drawn", getattr(sample, "guarantee", "")),
        ("Licence", getattr(thing, "licence", "")),
    ]
    return [(term, said) for term, said in known if said]


def _facts_of_harmony(take: Harmony) -> list[Fact]:
    """What a harmony cost, how its phrases close, which rules it breaks."""
    broken = take.report.counts.items() if take.report else ()
    known = [
        ("Surprise", f"{figure(take.nats_per_beat)} nats a beat"),
        ("Cadences", ", ".join(f"{kind} (bar {bar})" for bar, kind in take.cadences)),
        ("Rules broken", ", ".join(f"{name.replace('_', ' ')} ({n})" for name, n in broken if n)),
    ]
    return [(term, said) for term, said in known if said]


def _cut(score: ScoreTick) -> tuple[ScoreTick, list[str]]:
    """The bars of a score that are shown, and a sentence where they are not all."""
    n_notes = score.note_num()
    if n_notes <= MOST_NOTES:
        return score, []
    printed, quarter = bars(score), score.ticks_per_quarter
    onsets = np.sort(np.concatenate([track.notes.numpy()["time"] for track in score.tracks]))
    fits = [bar for bar in printed if bar.start * quarter <= onsets[MOST_NOTES]]
    end = math.ceil(fits[-1].start * quarter)
    cut = score.clip(0, end, clip_end=True) if end else _thinned(score)
    bars_told = f"{counted(max(len(fits) - 1, 1), 'bar')} of {len(printed):,}"
    return cut, [f"The first {counted(cut.note_num(), 'note')} of {n_notes:,} are shown, {bars_told}."]


def _thinned(score: ScoreTick) -> ScoreTick:
    """The first notes of each part, of a score whose first bar has too many already."""
    cut = score.copy()
    for track in cut.tracks:
        track.notes = track.notes[: max(MOST_NOTES // len(cut.tracks), 1)]
    return cut

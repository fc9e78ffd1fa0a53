"""`fit --task harmonize`: a model that sets melodies in four voices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stochastic_music.cli._common import open_corpus, plural, say
from stochastic_music.cli._fitting import Fitted, Request
from stochastic_music.cli._stores import refuse_stores

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus
    from stochastic_music.tasks.harmonize import Harmonizer


def fitted(request: Request) -> Fitted:
    """A harmoniser, learned from the pieces in four parts."""
    from stochastic_music.tasks.harmonize import Harmonizer

    refuse_stores(request.corpus, "--task harmonize")
    request.refuse("harmonize", "model", "set", "encoding", "part", "grid", "transpose", "labels")
    music = open_corpus(request.corpus, **request.limits or {})
    say(music.report.summary())
    harmonizer = Harmonizer()
    held_out = _held_out(harmonizer, music, request.holdout, request.seed)
    if request.refit or held_out is None:
        harmonizer.fit(music)
    card = harmonizer.card_
    report = {
        **music.report.to_json(),
        "model": "harmonizer",
        "n_pieces": card["n_pieces"],
        "n_beats": card["n_beats"],
        "pieces_not_in_four_parts": len(music) - card["n_pieces"] if request.refit or held_out is None else None,
        "nats_per_beat": held_out,
        "refitted": request.refit and held_out is not None,
        "rates": card["rates"],
        "licences": card["licences"],
    }

    return Fitted(harmonizer.save, report, _told(report), "Now harmonise a melody: stochmusic harmonize PIECE -m {}")


def _held_out(harmonizer: Harmonizer, music: Corpus, share: float, seed: int) -> float | None:
    """Nats a beat on pieces held out, variants with their tunes; None where there is nothing to hold out."""
    import numpy as np

    from stochastic_music.errors import EmptyCorpusError

    if share == 0 or len(music) < 2:
        return None
    tunes = np.array(music.variant_numbers)
    order = np.random.default_rng(seed).permutation(np.unique(tunes))
    test = np.isin(tunes, order[: max(1, round(share * len(order)))])
    if test.all():
        return None
    try:
        harmonizer.fit(music.select(np.flatnonzero(~test)))
    except EmptyCorpusError:
        say("Of the pieces kept none is in four parts: there is no held-out figure.")
        return None
    nats, n_beats = harmonizer.nats_per_beat(music.select(np.flatnonzero(test)))
    return round(nats, 4) if n_beats else None


def _told(report: dict[str, Any]) -> list[str]:
    told = [f"Fitted a harmoniser on {plural(report['n_pieces'], 'piece')}, {plural(report['n_beats'], 'beat')}."]
    if left := report["pieces_not_in_four_parts"]:
        told.append(f"  {plural(left, 'piece')} not in four parts taught nothing.")
    if (held_out := report["nats_per_beat"]) is not None:
        again = "then refitted on everything" if report["refitted"] else "not refitted on them"
        told.append(f"Held-out surprise at the lower voices: {held_out:.2f} nats per beat; {again}.")
    fifths, octaves = (report["rates"][f"parallel_{name}"] for name in ("fifths", "octaves"))
    told.append(f"In 100 beats the corpus has {fifths:.2f} parallel fifths and {octaves:.2f} parallel octaves.")
    return told

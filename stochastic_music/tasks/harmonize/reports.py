"""What is told of a harmony: rules counted beside the corpus's own rates, cadences, chords phrase by phrase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stochastic_music.errors import EncodingError
from stochastic_music.music import voice_leading
from stochastic_music.music.chords import Chord
from stochastic_music.music.voice_leading import RULES, Cadence, Context, Report
from stochastic_music.tasks.harmonize.demands import phrase_ends
from stochastic_music.tasks.harmonize.tunes import Line, Tune, at_onsets, four_parts, read_setting, skyline

if TYPE_CHECKING:
    from symusic.core import ScoreTick

    from stochastic_music.tasks.harmonize.harmonizer import Harmonization, Take


def cadences_of(tune: Tune, chords: Sequence[Chord]) -> tuple[tuple[int, Cadence], ...]:
    """The closes of the phrases: the bar, and the kind."""
    context = Context(tune.melody.tonic, tune.melody.minor)
    found = []
    for end in phrase_ends(tune.melody).tolist():
        last = chords[end]
        before = next((chord for chord in reversed(chords[:end]) if chord.root != last.root), None)
        found.append((tune.beats[end].bar, voice_leading.cadence(before, last, context)))
    return tuple(found)


def piece_report(score: ScoreTick) -> Report:
    """The rules counted at every onset of a score in four parts."""
    tracks = four_parts(score)
    if tracks is None:
        raise EncodingError("the score is not in four parts: expected soprano, alto, tenor and bass")
    tune_key = read_setting(score)
    context = Context(tune_key.melody.tonic, tune_key.melody.minor) if tune_key else Context(0)
    lines: list[Line] = [skyline(score.tracks[i]) for i in tracks]
    n_beats = len(tune_key.melody) if tune_key else None
    return voice_leading.report(at_onsets(lines), context, n_beats=n_beats)


def rates(reports: Sequence[Report]) -> dict[str, float]:
    """Breaches of each rule in 100 beats, over some pieces."""
    beats = max(sum(report.n_beats for report in reports), 1)
    return {name: round(100 * sum(report.counts[name] for report in reports) / beats, 3) for name in RULES}


def rule_lines(take: Take, rates: Mapping[str, float], bach: Report | None = None) -> list[str]:
    """A take's rules and cadences in words, each rule beside its rate in the corpus, and beside another setting."""
    closes = ", ".join(f"{kind} (bar {bar})" for bar, kind in take.cadences)
    if take.report is None:
        return [f"cadences: {closes}"]
    beside = f"{'printed setting':>17}" if bach else ""
    lines = [f"{'rule':<25}{'count':>6}{'per 100 beats':>15}{'corpus':>9}{beside}"]
    for name in RULES:
        rate = f"{rates[name]:.2f}" if name in rates else "-"
        other = f"{bach.per_hundred(name):>17.2f}" if bach else ""
        counted = f"{take.report.counts[name]:>6}{take.report.per_hundred(name):>15.2f}{rate:>9}"
        lines.append(f"{name.replace('_', ' '):<25}{counted}{other}")
    return [*lines, f"cadences: {closes}"]


def report_lines(
    found: Harmonization, number: int, rates: Mapping[str, float], *, bach: ScoreTick | None = None
) -> list[str]:
    """All that can be told of a take: remarks, chords phrase by phrase, rules and cadences.

    `bach` is another setting of the same melody, whose rules are counted beside.
    """
    take, key = found.takes[number], found.tune.key.key
    lines = [f"key {key}; {take.nats_per_beat:.2f} nats per beat; {found.n_candidates} candidates a beat at most"]
    lines += [*found.remarks, ""]
    ends = phrase_ends(found.tune.melody).tolist()
    for first, last in zip([0, *(end + 1 for end in ends)], ends, strict=False):
        row = []
        for t in range(first, last + 1):
            beat = found.tune.beats[t]
            bar = f"{beat.bar}: " if t == first or beat.bar != found.tune.beats[t - 1].bar else ""
            row.append(("| " if bar and t > first else "") + bar + take.chords[t].symbol(key))
        lines.append(" ".join(row))
    return [*lines, "", *rule_lines(take, rates, piece_report(bach) if bach is not None else None)]

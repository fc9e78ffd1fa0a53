"""Do notation programs read the MusicXML of generated pieces without a warning, with full bars, spelled within the key?

    python benchmarks/quality/musicxml.py [-n 8] [--show]

Takes of several models, encodings and corpora are written as MusicXML, with the pieces that `examples/` holds, and read
by music21 and by Verovio. Counted are

    warnings     lines that Verovio logs, and warnings that music21 raises
    bars         written measures of all parts, as music21 reads them
    not full     voices of measures that last longer or shorter than their measure: what is left of it where it is a
                 pickup, or completes one at the end, else its time signature
    off key      notes whose name is none of the twelve that a reader expects in the printed key: on the line of fifths
                 the seven of the scale, three steps of flats and two of sharps beyond in major [1]; in minor the raised
                 sixth, seventh and fourth, which are one step further up. Counted from the file, not by our own speller
    diatonic     per cent of notes whose name is in the printed key signature, as a measure of how much was asked

The table in musicxml.md is written by this script.

[1] D. Temperley. The Cognition of Basic Musical Structures. MIT Press 2001, chapter 5.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import music21
import verovio

import stochastic_music as sm
from stochastic_music.io.engrave import to_musicxml

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

EXAMPLES = Path(__file__).parents[2] / "examples"
#: what is composed: corpus, encoding, model, how many of its pieces are learned from
SOURCES = {
    "Bach sopranos, Markov chain of order 2": ("bach-sopranos", sm.MelodyEncoding, lambda: sm.Markov(order=2), 186),
    "Bach sopranos, PPM": ("bach-sopranos", sm.MelodyEncoding, lambda: sm.PPM(order_bound=5), 186),
    "Bach sopranos, hidden Markov model": ("bach-sopranos", sm.MelodyEncoding, lambda: sm.HMM(n_states=12, seed=0), 60),
    "Bach chorales, four voices": ("bach-chorales", sm.VoicesEncoding, lambda: sm.Markov(order=4), 100),
    "children's songs, PPM": ("essen-kinder", sm.MelodyEncoding, lambda: sm.PPM(order_bound=5), 213),
    "fiddle tunes, PPM": ("ryans-mammoth", sm.MelodyEncoding, lambda: sm.PPM(order_bound=5), 200),
    "Bach chorales, events of notes": ("bach-chorales", sm.NotesEncoding, lambda: sm.Markov(order=4), 60),
}
STEPS = "FCGDAEB"


class Found(NamedTuple):
    """What reading one file brought to light."""

    warnings: list[str]
    bars: int
    not_full: list[str]
    off_key: list[str]
    diatonic: int
    notes: int


def composed(name: str, n: int) -> Iterator[bytes]:
    """MusicXML of `n` takes."""
    corpus, encoding, model, n_pieces = SOURCES[name]
    pieces = sm.Corpus.builtin(corpus)[:n_pieces]
    pipeline = sm.Pipeline(encoding(), model(), transpose="common").fit(pieces)
    for take in pipeline.compose(n, seed=1):
        yield to_musicxml(take.score, title=name)


def committed() -> Iterator[bytes]:
    """The MusicXML of the examples."""
    for path in sorted(EXAMPLES.rglob("*.musicxml")):
        yield path.read_bytes()


def read(data: bytes) -> Found:
    """What the two programs say of a file."""
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        score = music21.converter.parseData(data.decode(), format="musicxml")
    said = [*verovio_log(data), *(str(warning.message) for warning in raised)]
    measures = [measure for part in score.parts for measure in part.getElementsByClass("Measure")]
    not_full = [told for part in score.parts for told in unfilled(part)]
    spelled = [pair for part in score.parts for pair in spellings(part)]
    off = [f"{note.nameWithOctave} in {key}" for note, key in spelled if not -3 <= beyond(note, key) <= 8]
    diatonic = sum(0 <= place(note) + 1 - key.sharps <= 6 for note, key in spelled)
    return Found(said, len(measures), not_full, off, diatonic, len(spelled))


def verovio_log(data: bytes) -> list[str]:
    """Lines that Verovio writes to the terminal, or that it could not load."""
    with tempfile.TemporaryFile() as log:
        kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            loaded = verovio.toolkit().loadData(data.decode())
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        log.seek(0)
        lines = log.read().decode().splitlines()
    return lines if loaded else [*lines, "Verovio could not load the file"]


def unfilled(part: Any) -> Iterator[str]:
    """Voices of bars that are not as long as the bar."""
    for measure in part.getElementsByClass("Measure"):
        expected = measure.barDuration.quarterLength - measure.paddingLeft - measure.paddingRight
        for voice in list(measure.voices) or [measure]:
            sounding = [e for e in voice.notesAndRests if "ChordSymbol" not in e.classes and not e.duration.isGrace]
            lasts = sum(element.duration.quarterLength for element in sounding)
            if abs(lasts - expected) > 1e-9:
                yield f"bar {measure.number} of {part.partName} lasts {lasts}, not {expected} quarter notes"


def spellings(part: Any) -> Iterator[tuple[Any, Any]]:
    """Every written pitch of a part, with the key signature over it."""
    for note in part.recurse().notes:
        if "ChordSymbol" in note.classes or "Unpitched" in note.classes:
            continue
        key = note.getContextByClass("KeySignature") or music21.key.KeySignature(0)
        yield from ((pitch, key) for pitch in note.pitches)


def place(pitch: Any) -> int:
    """On the line of fifths, C being 0."""
    return STEPS.index(pitch.step) - 1 + 7 * int(pitch.alter)


def beyond(pitch: Any, key: Any) -> int:
    """Steps on the line of fifths from the tonic of the major key with this signature; in minor, from its dominant."""
    minor = getattr(key, "mode", None) == "minor"
    return place(pitch) - key.sharps - minor


def row(name: str, files: Iterator[bytes], show: bool) -> tuple[object, ...]:
    """The line of one source."""
    found = [read(data) for data in files]
    if show:
        for one in found:
            print(*one.warnings, *one.not_full, *one.off_key, sep="\n", file=sys.stderr)
    n_notes = sum(one.notes for one in found)
    sums = [sum(len(getattr(one, what)) for one in found) for what in ("warnings", "not_full", "off_key")]
    diatonic = 100 * sum(one.diatonic for one in found) / n_notes
    return name, len(found), sums[0], sum(one.bars for one in found), sums[1], n_notes, sums[2], f"{diatonic:.1f}"


def main() -> None:
    """Compose, read, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=8, help="takes of each source")
    parser.add_argument("--show", action="store_true", help="print each finding")
    options = parser.parse_args()
    rows = [row("what examples/ holds", committed(), options.show)]
    rows += [row(name, composed(name, options.n), options.show) for name in SOURCES]
    header = ("source", "files", "warnings", "bars", "not full", "notes", "off key", "diatonic, %")
    question = "Do notation programs read the MusicXML of generated pieces without a warning?"
    if options.n == parser.get_default("n"):
        _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=("music21", "verovio"))
    else:
        print("\n".join(_table.Table(question, header, rows).lines(1)))


if __name__ == "__main__":
    main()

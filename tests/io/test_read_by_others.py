"""MusicXML of ours as music21 and Verovio read it; the table of all sources is benchmarks/quality/musicxml.md."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("verovio")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "quality"))
import musicxml  # noqa: E402, scripts and not a package

EXAMPLES = sorted((ROOT / "examples").rglob("*.musicxml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_read_without_a_warning_in_full_bars_and_in_key(path):
    found = musicxml.read(path.read_bytes())
    assert found.bars >= 8
    assert found.notes > 20
    assert (found.warnings, found.not_full, found.off_key) == ([], [], [])


def test_what_is_wrong_is_found():
    data = EXAMPLES[0].read_bytes()
    longer = musicxml.read(data.replace(b"<duration>", b"<duration>9", 1))
    assert longer.not_full
    renamed = musicxml.read(
        data.replace(b"<step>G</step>\n     <octave>", b"<step>G</step><alter>2</alter><octave>", 1)
    )
    assert renamed.off_key
    assert musicxml.verovio_log(data.replace(b"<step>G", b"<step>H", 1))

"""The law of encodings on real music: triplets, odd meters, changes of meter, pickups, ties over bar lines."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from score_strategies import same_pieces

import stochastic_music as sm
from stochastic_music import io
from stochastic_music.music import marks
from stochastic_music.tokens import EncodingLoss

FAKES = next(
    (f for f in (p / "shared/data/js-fakes/midi" for p in Path(__file__).parents) if f.is_dir()),
    None,
)


def corpus_file(name):
    """A file of music21's corpus, found without importing music21."""
    from importlib.util import find_spec

    return Path(find_spec("music21").origin).parent / "corpus" / name


@pytest.mark.skipif(FAKES is None, reason="shared/data/js-fakes is not here")
@pytest.mark.parametrize(
    "encoding",
    [sm.MelodyEncoding(), sm.NotesEncoding(), sm.VoicesEncoding(), sm.VoicesEncoding(frame="1/4"), sm.RemiEncoding()],
    ids=["melody", "notes", "voices", "frames", "remi"],
)
def test_four_part_chorales_encode_to_the_same_again(encoding):
    if encoding.name == "remi":
        pytest.importorskip("miditok", reason="the extra `tokens` is not installed")
    for path in sorted(FAKES.iterdir())[:25]:
        pieces = encoding.encode(io.load(path))
        assert same_pieces(encoding.encode(encoding.decode(pieces)), pieces), path.name


def grid_notes(score, track, tpq_grid=12):
    """(onset, end, pitch) in quarter notes, rounded to a thousandth: what the eye reads."""
    quarter = score.ticks_per_quarter
    return [(round(n.time / quarter, 2), round((n.time + n.duration) / quarter, 2), n.pitch) for n in track.notes]


PRINTED = {
    # music21's name: what it is here for
    "bach/bwv253.mxl": "four parts, fermatas",
    "bach/bwv269.mxl": "3/4 with a pickup",
    "schoenberg/opus19/movement6.mxl": "sparse piano, several meters",
    "corelli/opus3no1/1grave.xml": "trio sonata",
    "essenFolksong/kinder0.abc": "213 children's songs, phrase marks, changes of meter",
    "ryansMammoth/BattleOfNewOrleansReel.abc": "a reel with a pickup",
    "demos/ComprehensiveChordSymbolsTestFile.xml": "",
}


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_printed_music_comes_back(name):
    path = corpus_file(name)
    if not path.is_file():
        pytest.skip(f"{name} is not in this music21")
    melody, notes = sm.MelodyEncoding(), sm.NotesEncoding(grid="1/32,1/24,1/20")
    seen = EncodingLoss()
    for loaded in io.read(path)[:40]:
        score = loaded.score
        if not any(len(track.notes) for track in score.tracks):
            continue
        for encoding in (melody, notes):
            pieces, loss = encoding.encode_reported(score)
            seen += loss
            decoded = encoding.decode(pieces)
            assert same_pieces(encoding.encode(decoded), pieces), loaded.title
            if not loss.rests_shortened:
                assert signatures(decoded) == signatures(score), loaded.title
    assert seen.n_notes


def signatures(score):
    """Time signatures that change something, and the pickup, in quarter notes."""
    quarter = score.ticks_per_quarter
    found = [(round(s.time / quarter, 3), s.numerator, s.denominator) for s in score.time_signatures]
    changes = [s for i, s in enumerate(found) if i == 0 or s[1:] != found[i - 1][1:]]
    return changes, round(marks.pickup(score) / quarter, 3)


def test_encoding_loads_no_notation_library():
    code = (
        "import sys, symusic, stochastic_music as sm; s = symusic.Score(480);"
        "s.tracks.append(symusic.Track(notes=[symusic.Note(0, 480, 60, 80)])); sm.MelodyEncoding().encode(s);"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'music21', 'scipy', 'matplotlib', 'miditok'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    assert np.__name__ == "numpy"

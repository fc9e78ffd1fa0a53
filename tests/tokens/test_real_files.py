"""The law of encodings on real music: triplets, odd meters, changes of meter, pickups, ties over bar lines."""

import subprocess
import sys
from pathlib import Path

import pytest
from score_strategies import same_pieces

import stochastic_music as sm
from stochastic_music import io
from stochastic_music.music import marks

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


#: files of music21's corpus, what they are here for, and the encodings that must bring them back
PRINTED = {
    "bach/bwv253.mxl": ("four parts, fermatas", [sm.MelodyEncoding(), sm.VoicesEncoding()]),
    "bach/bwv269.mxl": ("3/4 with a pickup", [sm.MelodyEncoding(part="alto"), sm.VoicesEncoding()]),
    "luca/gloria.xml": ("2/4, 3/4 and 6/8, ties over bar lines", [sm.MelodyEncoding(), sm.VoicesEncoding(3)]),
    "lusitano/allor_che_ignuda.mxl": ("4/4 and 6/4", [sm.MelodyEncoding(part=2), sm.VoicesEncoding(3)]),
    "ryansMammoth/MinstrelsFancyClog.abc": ("triplets, a pickup", [sm.MelodyEncoding(), sm.NotesEncoding()]),
    "schoenberg/opus19/movement6.mxl": ("piano", [sm.NotesEncoding(part=0), sm.NotesEncoding(part=1)]),
}


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_printed_music_comes_back(name):
    path = corpus_file(name)
    if not path.is_file():
        pytest.skip(f"{name} is not in this music21")
    score = io.load(path)
    for encoding in PRINTED[name][1]:
        assert_comes_back(score, encoding)


def test_a_ballad_in_five_eight_with_a_pickup_comes_back(tmp_path):
    path = corpus_file("essenFolksong/ballad30.abc")
    if not path.is_file():
        pytest.skip("the Essen folksongs are not in this music21")
    tune = next(text for text in path.read_text(encoding="utf-8").split("X:") if "M: 5/8" in text)
    (tmp_path / "ballad.abc").write_text("X:" + tune, encoding="utf-8")
    score = io.load(tmp_path / "ballad.abc")
    assert [(s.numerator, s.denominator) for s in score.time_signatures] == [(5, 8)]
    assert marks.pickup(score) == score.ticks_per_quarter // 2
    assert marks.phrase_ends(score, 0)
    assert_comes_back(score, sm.MelodyEncoding())


def assert_comes_back(score, encoding):
    pieces, loss = encoding.encode_reported(score)
    decoded = encoding.decode(pieces)
    assert same_pieces(encoding.encode(decoded), pieces)
    assert signatures(decoded) == signatures(score)
    assert (loss.rests_shortened, loss.off_grid, loss.ends_moved) == (0, 0, 0)
    if not loss.hidden and not loss.cut:
        printed = [quarters(score, track) for track in score.tracks if len(track.notes)]
        assert all(quarters(decoded, track) in printed for track in decoded.tracks)


def quarters(score, track):
    """Onset, end and pitch of every note, in hundredths of a quarter note."""
    ticks = score.ticks_per_quarter
    return sorted((round(n.time / ticks, 2), round((n.time + n.duration) / ticks, 2), n.pitch) for n in track.notes)


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

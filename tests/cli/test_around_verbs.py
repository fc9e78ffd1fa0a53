"""`continue`, `fill` and `vary` as a user runs them: files kept whole, seeds, provenance, mistakes."""

import io
import json
import shutil
from collections import Counter

import mido
import pytest
from symusic import Note, Tempo, TextMeta, Track
from typer.testing import CliRunner

import stochastic_music as sm
from stochastic_music.cli.main import app
from stochastic_music.corpus.text import score_from_text


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """`m.smm`, and `song.mid`: eight bars in two parts, with a tempo change and a marker in bar 5."""
    folder = tmp_path_factory.mktemp("files")
    tunes = ["4/4 c4 d e c e f g2 e4 d c d c1", "4/4 e4 f g e d e f2 e4 c d d c1", "4/4 g4 f e d c d e2 f4 e d d c1"]
    corpus = sm.Corpus.from_scores([score_from_text(tune) for tune in tunes])
    sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1), transpose="common").fit(corpus).save(folder / "m.smm")
    song = score_from_text("4/4 " + "c4 d e f g f e d " * 4)
    song.tracks[0].name = "Melody"
    song.tracks.append(Track("Bass", 32, notes=[Note(i * 1920, 1920, 43, 70) for i in range(8)]))
    song.tempos = [Tempo(0, 100), Tempo(16 * 480 + 7, 90)]
    song.markers.append(TextMeta(16 * 480, "verse"))
    song.dump_midi(folder / "song.mid")
    return folder


@pytest.fixture
def fitted(files, tmp_path):
    for file in files.iterdir():
        shutil.copy(file, tmp_path)


def events(path, *, texts=False):
    found = Counter()
    for number, messages in enumerate(mido.MidiFile(file=io.BytesIO(path.read_bytes())).tracks):
        tick = 0
        for message in messages:
            tick += message.time
            if texts or message.type != "text":
                found[number, tick, bytes(message.bin())] += 1
    return found


def begins(event):
    return event[2][0] >> 4 == 9 and event[2][2] > 0


def test_fill_changes_the_bars_of_one_part_and_nothing_else(stochmusic, fitted, tmp_path):
    done = stochmusic("fill", "song.mid", "--bars", "5-6", "-n", "2", "--seed", "1", "--also", "musicxml", "--json")
    assert done.returncode == 0, done.stderr
    assert "Took part 0 'Melody', by its name; all other parts stay as they are." in done.stderr
    assert "Sampling: exact" in done.stderr
    told = json.loads(done.stdout)
    assert [row["guarantee"] for row in told["files"]] == ["exact", "exact"]
    assert told["files"][0]["file"] == "takes/song-fill-s1-01.mid"
    assert (tmp_path / "takes/song-fill-s1-02.musicxml").exists()
    before, after = events(tmp_path / "song.mid"), events(tmp_path / "takes/song-fill-s1-01.mid")
    melody = next(event[0] for event in before if begins(event) and event[2][1] == 60)
    for event in (before - after) + (after - before):
        assert event[0] == melody
        assert 16 * 480 <= event[1] <= 24 * 480
        assert event[2][0] >> 4 in (8, 9)
        assert not begins(event) or event[1] < 24 * 480
    assert sum(begins(event) for event in after - before) > 0
    again = stochmusic("fill", "song.mid", "--bars", "5-6", "-n", "1", "--seed", "1", "-o", "again")
    assert again.returncode == 0
    assert events(tmp_path / "again/song-fill-s1-01.mid") == after
    made = json.loads(stochmusic("info", "takes/song-fill-s1-01.mid", "--json").stdout)
    assert made["command"].startswith("stochmusic fill song.mid --bars 5-6")
    assert made["piece"] == "song.mid"


def test_continue_adds_bars_and_leaves_what_is_there(stochmusic, fitted, tmp_path):
    done = stochmusic("continue", "song.mid", "--bars", "2", "-n", "1", "--seed", "1", "--part", "melody")
    assert done.returncode == 0, done.stderr
    before, after = events(tmp_path / "song.mid"), events(tmp_path / "takes/song-continue-s1-01.mid")
    assert all(event[2][:2] == b"\xff\x2f" for event in before - after)  # the end of the track moves
    assert all(event[1] >= 32 * 480 for event in after - before)


def test_only_new_notes_stand_alone_at_their_place(stochmusic, fitted, tmp_path):
    done = stochmusic("fill", "song.mid", "--bars", "5", "-n", "1", "--seed", "1", "--only-new")
    assert done.returncode == 0, done.stderr
    found = [event for event in events(tmp_path / "takes/song-fill-s1-01.mid") if begins(event)]
    assert found
    assert all(16 * 480 <= event[1] < 20 * 480 for event in found)


def test_vary_keeps_what_it_is_told(stochmusic, fitted, tmp_path):
    done = stochmusic("vary", "song.mid", "--keep", "rhythm", "--keep", "bars=1-4", "-n", "2", "--seed", "1")
    assert done.returncode == 0, done.stderr
    before, after = events(tmp_path / "song.mid"), events(tmp_path / "takes/song-vary-s1-01.mid")
    assert all(event[1] >= 16 * 480 for event in after - before)
    assert {event[:2] for event in after if begins(event)} == {event[:2] for event in before if begins(event)}
    done = stochmusic("vary", "song.mid", "-n", "1", "--seed", "1", "--force")
    assert done.returncode == 0, done.stderr
    assert "Nothing is asked to stay: 70% of the notes come back" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fill", "song.mid"], 2, ["--bars"]),
        (["fill", "song.mid", "--bars", "5-x"], 2, ["5-x", "5-8"]),
        (["fill", "song.mid", "--bars", "8-5"], 2, ["swap"]),
        (["fill", "song.mid", "--bars", "9"], 2, ["bars 1 to 8"]),
        (["fill", "song.mid", "--bars", "5", "--part", "viola"], 1, ["viola", "'Melody'", "'Bass'"]),
        (["fill", "song.mid", "--bars", "5", "--range", "C5:A5"], 3, ["kept", "C4 in bar 1"]),
        (["fill", "nothing.mid", "--bars", "5"], 1, ["nothing.mid", "no such file"]),
        (["fill", "m.smm", "--bars", "5"], 1, ["m.smm", "not a kind of music file"]),
        (["continue", "song.mid", "--bars", "2", "--length", "3"], 2, ["--length"]),
        (["vary", "song.mid", "--keep", "tempo"], 2, ["tempo", "rhythm"]),
        (["vary", "song.mid", "--similarity", "2"], 2, ["2", "0 to below 1"]),
        (["vary", "song.mid", "--keep", "bars=1-8"], 2, ["nothing to vary"]),
    ],
)
def test_wrong_use(fitted, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert getattr(done.exception, "exit_code", done.exit_code) == code
    for word in words:
        assert word in done.output + str(done.exception)


def test_a_limit_on_copies_asks_about_new_notes_alone(files, tmp_path, monkeypatch):
    """The piece is of the corpus: five notes after the gap are a copy, which no filling could mend."""
    monkeypatch.chdir(tmp_path)
    score_from_text("4/4 c4 d e c e f g2 e4 d c d c1").dump_midi("tune.mid")
    options = ["--bars", "2", "-m", str(files / "m.smm"), "-n", "4", "--seed", "1", "--max-copy", "2", "--json"]
    done = CliRunner().invoke(app, ["fill", "tune.mid", *options])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["files"]
    assert {row["guarantee"] for row in rows} == {"exact"}
    assert max(row["new_notes"] for row in rows) > 2
    assert max(row["longest_copy"]["length"] for row in rows) <= 2

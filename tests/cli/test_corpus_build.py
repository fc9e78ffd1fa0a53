"""`stochmusic corpus build`, and stores as corpora of other verbs."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def built(stochmusic, music_folder, tmp_path):
    (music_folder / "broken.mid").write_bytes(b"MThd, and no more")
    done = stochmusic("corpus", "build", music_folder, "-o", "store", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "broken.mid" in done.stdout
    assert "Encoding: melody, because" in done.stdout
    assert "13 new files; 1 shard in all." in done.stderr
    return tmp_path / "store"


def test_a_store_is_built_once_and_told_of_again(built, stochmusic, music_folder):
    again = stochmusic("corpus", "build", music_folder, "-o", "store")
    assert "0 new files" in again.stderr
    told = stochmusic("info", "store", "--verify")
    assert told.stdout == again.stdout
    assert "All 1 shard of store are as they were written." in told.stderr
    report = json.loads(stochmusic("corpus", "info", "store", "--json").stdout)
    assert (report["n_pieces"], report["files_read"], report["encoding"]) == (12, 12, "melody")
    assert [skipped["file"] for skipped in report["files_skipped"]] == ["broken.mid"]


def test_an_interruption_is_told_how_to_go_on(monkeypatch, tmp_path):
    from typer.testing import CliRunner

    from stochastic_music.cli import _stores
    from stochastic_music.cli.main import app

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(_stores, "built", interrupted)
    done = CliRunner().invoke(app, ["corpus", "build", "songs", "-o", str(tmp_path / "store")])
    assert done.exit_code == 130
    assert "give the same command to go on" in done.output


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"encoding": "voices"}, "--encoding voices cannot be had of it"),
        ({"part": "drums"}, "--part drums cannot be had of it"),
        ({"grid": "1/8"}, "--grid 1/8 cannot be had of it"),
        ({"transpose": "all"}, "--transpose all cannot be had of it"),
    ],
)
def test_what_a_store_has_not_cannot_be_asked_of_it(tmp_path, wish, said):
    from stochastic_music import MelodyEncoding
    from stochastic_music.cli._stores import Wish, settled
    from stochastic_music.corpus.store import Card
    from stochastic_music.errors import StoreError

    Card.of(MelodyEncoding(), "common").write(tmp_path)
    assert settled(tmp_path, Wish("melody", None, "1/16,1/12", "common")).encoding == MelodyEncoding()
    with pytest.raises(StoreError, match=f"holds tokens of encoding melody .*{said}"):
        settled(tmp_path, Wish(**wish))


def test_what_lies_where_a_store_shall_be_is_told_before_anything_is_read(tmp_path, monkeypatch):
    from stochastic_music.cli import _stores
    from stochastic_music.errors import StoreError

    monkeypatch.setattr(_stores, "_chosen", lambda *_: pytest.fail("files were read"))
    (tmp_path / "tune.mid").write_bytes(b"MThd")
    with pytest.raises(StoreError, match="is no store of tokens: give a new folder with -o"):
        _stores.built(tmp_path, [str(tmp_path)], _stores.Wish(), {})


@pytest.mark.parametrize(("task", "model"), [("chords", "ppm"), ("harmonize", "ppm"), ("compose", "crf")])
def test_a_store_is_named_first_where_a_task_needs_the_files(tmp_path, task, model):
    from stochastic_music import MelodyEncoding
    from stochastic_music.cli._fitting import Request
    from stochastic_music.cli.fit import _fitter
    from stochastic_music.corpus.store import Card
    from stochastic_music.errors import StoreError

    Card.of(MelodyEncoding(), "common").write(tmp_path)
    option = "-m crf" if model == "crf" else f"--task {task}"
    with pytest.raises(StoreError, match=f"holds tokens; {option} needs the files"):
        _fitter(task, model)(Request([str(tmp_path)], model=model, encoding="melody", transpose="common"))


def test_help_tells_the_two_limits_on_memory_apart_and_what_takes_a_store():
    from typer.main import get_command

    from stochastic_music.cli.main import app

    verbs = get_command(app).commands
    told = {option.name: option.help for option in verbs["fit"].params}
    assert "(counting)" in told["memory"]
    assert "(reading one file)" in told["memory_limit"]
    assert {option.name: option.help for option in verbs["score"].params}["corpus"].endswith("store (not with --cv).")


def test_bad_input_is_told(stochmusic, music_folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert stochmusic("corpus", "build", "empty", "-o", "store").returncode == 1
    assert not (tmp_path / "store").exists()
    foreign = stochmusic("corpus", "build", music_folder, "-o", music_folder)
    assert (foreign.returncode, "is no store" in foreign.stderr) == (2, True)
    assert stochmusic("corpus", "info", music_folder, "--verify").returncode == 2
    size = stochmusic("corpus", "build", music_folder, "-o", "store", "--memory-limit", "much")
    assert "--memory-limit got 'much'" in size.stderr


def test_a_store_is_fitted_and_scored(built, stochmusic, music_folder):
    fitted = stochmusic("fit", "store", "-m", "markov", "-o", "store.smm", "--memory", "1GB", "--json")
    assert fitted.returncode == 0, fitted.stderr
    folder = stochmusic("fit", music_folder, "-m", "markov", "-o", "folder.smm", "--json")
    found, expected = json.loads(fitted.stdout), json.loads(folder.stdout)
    for key in ("n_pieces", "n_notes", "bits_per_note", "files_skipped", "meters", "keys", "licences"):
        assert found[key] == expected[key], key
    assert (built.parent / "store.smm").read_bytes() == (built.parent / "folder.smm").read_bytes()
    scored = [
        json.loads(stochmusic("score", name, "-m", "store.smm", "--json").stdout) for name in ("store", music_folder)
    ]
    assert scored[0] == scored[1]


def test_a_flipped_byte_is_told_by_who_reads_it(built, stochmusic):
    assert stochmusic("fit", "store", "-m", "markov", "-o", "store.smm", "--holdout", "0").returncode == 0
    victim = next((built / "shards").iterdir())
    data = victim.read_bytes()
    fit, score = ("fit", "store", "-m", "markov", "-o", "other.smm"), ("score", "store", "-m", "store.smm")
    for part, command in ((1 / 3, fit), (1 / 2, score), (1 / 2, fit), (7 / 8, fit)):
        changed = bytearray(data)
        changed[int(len(data) * part)] ^= 1
        victim.write_bytes(changed)
        refused = stochmusic(*command)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.count("a shard of store is damaged. Run 'stochmusic corpus build") == 1
        assert "Traceback" not in refused.stderr
    assert not (built.parent / "other.smm").exists()


def test_a_damaged_line_of_the_journal_is_told_and_mended(built, stochmusic, music_folder):
    journal = built / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"tune00", b"tune01", 1))
    for command in (("fit", "store"), ("score", "store", "-m", "any.smm"), ("info", "store", "--verify")):
        refused = stochmusic(*command)
        assert refused.returncode == 2
        assert "lines of its journal that are not as they were written: 1" in refused.stderr
    mended = stochmusic("corpus", "build", music_folder, "-o", "store")
    assert (mended.returncode, "1 line of the journal damaged" in mended.stderr) == (0, True)
    assert stochmusic("info", "store", "--verify").returncode == 0


def test_too_little_memory_is_refused_before_a_store_is_told_of(built, stochmusic):
    refused = stochmusic("fit", "store", "-m", "markov", "--memory", "1MB")
    assert refused.returncode == 2
    assert "give --memory 26MB" in refused.stderr
    assert "store holds" not in refused.stderr


def test_what_needs_scores_does_not_take_a_store(built, stochmusic, music_folder):
    assert "stands alone" in stochmusic("fit", "store", music_folder).stderr
    refused = stochmusic("score", "store", "-m", "ppm", "--cv", "3")
    assert refused.returncode == 2
    assert "store is a store, which holds tokens; --cv needs the files: name their folder" in refused.stderr


def test_a_store_goes_to_parquet_and_back(built, stochmusic):
    pytest.importorskip("pyarrow")
    exported = stochmusic("corpus", "export", "store", "-o", "all.parquet")
    assert exported.returncode == 0
    assert "again with: stochmusic corpus import all.parquet -o STORE" in exported.stderr
    assert "give --force" in stochmusic("corpus", "export", "store", "-o", "all.parquet").stderr
    assert "elsewhere holds 12 pieces" in stochmusic("corpus", "import", "all.parquet", "-o", "elsewhere").stderr

"""What the composing verbs say of copies, and --max-copy."""

from __future__ import annotations

import json

import numpy as np
import pytest

import stochastic_music as sm
from stochastic_music.cli import _copies
from stochastic_music.constraints import MaxCopy
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import UsageError
from stochastic_music.pipeline.originals import new_lines

PITCHES = sm.MelodyEncoding(fields=("pitch",))


@pytest.fixture(scope="module")
def pipeline():
    random = np.random.default_rng(1)
    tunes = [random.integers(60, 66, 24) for _ in range(12)]
    return sm.Pipeline(PITCHES, sm.Markov(order=5, smoothing="none")).fit_tokens(
        TokenCorpus.from_sequences(tunes, PITCHES.vocabulary)
    )


@pytest.fixture(scope="module")
def bare(pipeline, tmp_path_factory):
    return sm.Pipeline.load(pipeline.save(tmp_path_factory.mktemp("bare") / "m.smm", sources=False))


def rows_of(pipeline, takes):
    index = pipeline.originality()
    return [
        {"file": f"{i}.mid", **_copies.row(index, new_lines(pipeline.vocabulary_, take.sample))}
        for i, take in enumerate(takes)
    ]


def test_a_limit_is_a_number_of_notes_or_off(pipeline, bare):
    demand = _copies.demanded(pipeline, "12", 3, 2)
    assert isinstance(demand, MaxCopy)
    assert (demand.most, demand.since, demand.after) == (12, 3, 2)
    assert _copies.demanded(pipeline, "Off", 0, 0) is None
    for text in ("0", "-3", "many", ""):
        with pytest.raises(UsageError, match=f"--max-copy got '{text}'; expected a number of notes from 1, or off"):
            _copies.demanded(pipeline, text, 0, 0)
    with pytest.raises(UsageError, match="needs the sources"):
        _copies.demanded(bare, "12", 0, 0)
    assert _copies.demanded(bare, "off", 0, 0) is None


def test_what_is_usual_takes_one_line(pipeline, capsys):
    _copies.tell(pipeline)
    told = capsys.readouterr().err
    limit = pipeline.originality().limit
    assert told.count("\n") == 1
    assert f"nine in ten at most {limit};" in told


def test_why_nothing_is_known_is_said(bare, capsys):
    _copies.tell(bare)
    assert "saved without its sources" in capsys.readouterr().err
    assert _copies.row(None, []) == {"longest_copy": None, "copies": None}
    assert _copies.held_out(None) is None
    toy = TokenCorpus.from_sequences([[0, 1, 0]] * 3, sm.Vocabulary.plain(2))
    _copies.tell(sm.Pipeline(PITCHES, sm.Markov(order=1)).fit_tokens(toy))
    assert "symbols are not read as notes" in capsys.readouterr().err


def test_takes_that_were_drawn_again_are_counted_and_those_that_still_copy_named(pipeline, capsys):
    takes = pipeline.compose(12, seed=1, usual_copies=True)
    rows = rows_of(pipeline, takes)
    _copies.tell_redrawn(pipeline, takes, rows)
    told = capsys.readouterr().err
    limit = pipeline.originality().limit
    redrawn = sum(take.redrawn > 0 for take in takes)
    beyond = [row["file"] for row in rows if row["longest_copy"]["length"] > limit]
    assert redrawn
    assert f"{redrawn} takes were drawn again: they had copied more than {limit} notes in a row." in told
    assert beyond
    assert f"Of {', '.join(beyond)} no more original one came" in told
    first = [(take, row) for take, row in zip(takes, rows, strict=True) if take.redrawn][:1]
    _copies.tell_redrawn(pipeline, [take for take, _ in first], [row for _, row in first])
    assert "1 take was drawn again: it had copied more than" in capsys.readouterr().err
    kept = [(take, row) for take, row in zip(takes, rows, strict=True) if not take.redrawn]
    _copies.tell_redrawn(pipeline, [take for take, _ in kept], [row for _, row in kept])
    assert capsys.readouterr().err == ""


def test_the_longest_copy_ends_the_sentence_of_a_take(pipeline):
    [row] = rows_of(pipeline, pipeline.compose(1, seed=1))
    told = _copies.of(row)
    assert told.startswith(f"; longest copy {row['longest_copy']['length']} notes of {row['longest_copy']['piece']}")
    assert "bar" not in told  # symbols without time
    assert _copies.of({"longest_copy": None, "copies": None}) == ""


def test_generate_keeps_to_a_limit_and_reports_every_way(stochmusic, music_folder):
    assert stochmusic("fit", "music", "-m", "markov").returncode == 0
    done = stochmusic("generate", "-n", "3", "--length", "16", "--max-copy", "5", "--seed", "1", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(row["longest_copy"]["length"] <= 5 for row in told["files"])
    assert told["held_out_copies"] is None  # these tunes are variants of each other
    for row in told["files"]:
        assert set(row["copies"]) == {"pitch", "interval", "pitch_rhythm", "interval_rhythm"}
        assert row["copies"]["interval_rhythm"]["longest"] == row["longest_copy"]
        assert row["drawn_again"] == 0
    wrong = stochmusic("generate", "-n", "1", "--max-copy", "none")
    assert wrong.returncode == 2
    assert "--max-copy got 'none'" in wrong.stderr

"""Options that demand something of the music: what they mean where the model reads it, and what they refuse."""

import json
from itertools import pairwise

import pytest

from stochastic_music import Corpus, Markov, MelodyEncoding, Pipeline
from stochastic_music.cli._demands import Asked, as_said, demands, joined
from stochastic_music.errors import InvalidParameterError, UnsatisfiableError, UsageError


@pytest.fixture(scope="module")
def tunes():
    from symusic import KeySignature, Note, Score, TimeSignature, Track

    def build(steps):
        score = Score(480)
        score.time_signatures.append(TimeSignature(0, 4, 4))
        score.key_signatures.append(KeySignature(0, 0, 0))
        notes = [Note(480 * i, 480, pitch, 80) for i, pitch in enumerate(steps)]
        score.tracks.append(Track("tune", notes=notes))
        return score

    return [build([60, 64, 62, 65, 64, 67, 62, 60] * 2), build([67, 65, 64, 62, 60, 62, 64, 60])]


@pytest.fixture(scope="module")
def pipeline(tunes):
    return Pipeline(MelodyEncoding(), Markov(1), transpose="common").fit(Corpus.from_scores(tunes))


@pytest.mark.parametrize(
    ("asked", "shift", "key", "expected"),
    [
        ({}, 0, None, "None"),
        ({"pitch_range": "C4:A5"}, 0, None, "PitchRange(C4, A5)"),
        ({"pitch_range": "D4:B5"}, 2, "D", "PitchRange(C4, A5)"),
        ({"pitch_range": "C3:A4", "middle_c": "C3"}, 0, None, "PitchRange(C4, A5)"),
        ({"scale": "D"}, 2, "D", "InScale(C:major)"),
        ({"scale": "D,E,F#"}, 2, "D", "InScale(C, D, E)"),
        ({"end": "tonic"}, 0, None, "EndsOn(tonic)"),
        ({"end": "tonic"}, None, None, "EndsOn(tonic)"),
        ({"end": "tonic"}, -5, "Em", "EndsOn(A)"),
        ({"end": "dominant,D4"}, 2, "D", "EndsOn(G, C4)"),
        ({"scale": "G:major", "end": "tonic"}, 0, None, "InScale(G:major) & EndsOn(G)"),
        (
            {"scale": "G:major", "end": "tonic", "at": ("1.1=^3",)},
            -2,
            None,
            "InScale(A:major) & At(1.1=C#) & EndsOn(A)",
        ),
        ({"scale": "G:major", "end": "tonic"}, -5, "Em", "InScale(C:major) & EndsOn(A)"),
        ({"scale": "C,E,G", "end": "tonic"}, 0, None, "InScale(C, E, G) & EndsOn(tonic)"),
        ({"at": ("5.1=Tonic",)}, -5, "Em", "At(5.1=A)"),
        ({"pitch_range": "C-1:A5"}, 4, "E", "PitchRange(C-1, F5)"),
        ({"pitch_range": "C4:G9"}, -5, "Em", "PitchRange(F4, G9)"),
        ({"end": "D3", "middle_c": "C3"}, 0, None, "EndsOn(D4)"),
        ({"at": ("5.1=D5", "6.2+1/2=E")}, 2, "D", "At(5.1=C5) & At(6.2+1/2=D)"),
        ({"at": ("5.1=D4",), "middle_c": "C3"}, 0, None, "At(5.1=D5)"),
        ({"scale": "C", "end": "C", "at": ("1.1=C4",)}, 0, None, "InScale(C:major) & At(1.1=C4) & EndsOn(C)"),
    ],
)
def test_pitches_are_moved_to_where_the_model_reads_them(pipeline, asked, shift, key, expected):
    assert str(joined(demands(pipeline, Asked(**asked), shift, key=key))) == expected


def test_a_motif_is_read_from_a_file_with_its_rhythm(pipeline, tunes, tmp_path):
    motif = tunes[0].clip(0, 480 * 3)
    motif.dump_midi(tmp_path / "motif.mid")
    demanded = joined(demands(pipeline, Asked(contains=str(tmp_path / "motif.mid")), 0))
    assert str(demanded) == "Contains(C4 E4 D4, by intervals and rhythm)"


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"scale": "H"}, InvalidParameterError, "'H' is no key"),
        ({"scale": "G:mayor"}, InvalidParameterError, r"'G:mayor' is no key.*modes: major"),
        ({"end": "tonik"}, InvalidParameterError, "'tonik' names no note"),
        ({"at": ("5=D5",)}, InvalidParameterError, "'5=D5' is no note at a place: expected bar.beat=note"),
        ({"at": ("5.0=D5",)}, InvalidParameterError, "beats count from 1"),
        ({"at": ("5.x=D5",)}, InvalidParameterError, "'x' is no beat"),
        ({"at": ("5.1=X5",)}, InvalidParameterError, "'X5' names no note"),
    ],
)
def test_options_that_make_no_sense(pipeline, asked, error, message):
    with pytest.raises(error, match=message):
        demands(pipeline, Asked(**asked), 0)


@pytest.mark.parametrize("asked", [{"scale": "G"}, {"pitch_range": "C4:C5"}, {"end": "D"}, {"at": ("1.1=D4",)}])
def test_pitches_cannot_be_named_where_nobody_knows_how_far_the_music_moves(pipeline, asked):
    with pytest.raises(UsageError, match=r"^--(scale|range|end|at) with --key needs a model fitted with --transpose"):
        demands(pipeline, Asked(**asked), None)


@pytest.mark.parametrize(
    ("asked", "shift", "key", "message"),
    [
        ({"at": ("3.7=C5",)}, -5, "Em", "^--at 3.7=C5 asks for a beat that bar 3 lacks"),
        ({"pitch_range": "C3:E3", "at": ("2.1=G3",), "middle_c": "C3"}, 0, None, "^--range C3:E3 and --at 2.1=G3 "),
        ({"scale": "D", "end": "Eb"}, 2, "D", "meets --end Eb under 4/4"),
    ],
)
def test_errors_name_notes_as_they_were_said(pipeline, asked, shift, key, message):
    found = demands(pipeline, Asked(**asked), shift, key=key)
    with pytest.raises((UnsatisfiableError, UsageError), match=message), as_said(found):
        pipeline.sample(1, constraint=joined(found), seed=1)


def test_steps_need_no_common_key(pipeline):
    assert str(joined(demands(pipeline, Asked(at=("1.1=tonic",), end="^5"), None, key="G"))) == (
        "At(1.1=tonic) & EndsOn(^5)"
    )


def test_steps_of_a_scale_are_those_of_no_other_key(pipeline):
    found = joined(demands(pipeline, Asked(scale="D:dorian", end="tonic"), 0))
    for take in pipeline.compose(4, constraint=found, seed=1):
        assert take.score.tracks[0].notes[-1].pitch % 12 == 2


def test_five_demands_at_once_are_met(stochmusic, tmp_path, tunes, pipeline):
    from symusic import Score

    pipeline.save(tmp_path / "tunes.smm")
    tunes[0].clip(0, 480 * 2).dump_midi(tmp_path / "motif.mid")
    demands = ["--bars", "2", "--scale", "D", "--range", "C#4:A4", "--end", "tonic", "--at", "2.1=F#4", "--key", "D"]
    done = stochmusic(
        "generate",
        "tunes.smm",
        *demands,
        "--contains",
        "motif.mid",
        "--max-copy",
        "off",
        "-n",
        "2",
        "--seed",
        "1",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    for row in json.loads(done.stdout)["files"]:
        assert row["guarantee"] == "exact"
        notes = [(n.start, n.pitch) for n in Score(tmp_path / row["file"]).tracks[0].notes]
        ticks = Score(tmp_path / row["file"]).ticks_per_quarter
        assert (4 * ticks, 66) in notes
        assert notes[-1][1] % 12 == 2
        assert all(61 <= pitch <= 69 and pitch % 12 in {2, 4, 6, 7, 9, 11, 1} for _, pitch in notes)
        assert 4 in [b - a for (_, a), (_, b) in pairwise(notes)]


def test_a_bar_that_does_not_exist(stochmusic, tmp_path, pipeline):
    pipeline.save(tmp_path / "tunes.smm")
    done = stochmusic("generate", "tunes.smm", "--bars", "2", "--at", "9.1=C4")
    assert done.returncode == 3
    assert (
        "--bars 2 and --at 9.1=C4 cannot be met together under 4/4; every continuation breaks off by bar" in done.stderr
    )

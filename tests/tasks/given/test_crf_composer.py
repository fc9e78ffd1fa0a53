import itertools

import numpy as np
import pytest
from scipy.stats import chi2

import stochastic_music as sm
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    ModelFileError,
    NotFittedError,
    UnsatisfiableError,
    UsageError,
)
from stochastic_music.music import marks
from stochastic_music.music.chords import Chord
from stochastic_music.tasks.given.composer import CRFComposer
from stochastic_music.tasks.given.lines import notes_seen, pitches_of, reached

pytest.importorskip("sklearn_crfsuite")


def two_parts(tune, melody, bass):
    """A score in C major of a melody over a bass and a third above it, in quarter notes."""
    score = tune([(i, 1, p) for i, p in enumerate(melody)])
    for offset in (0, 4):
        other = tune([(2 * i, 2, p + offset) for i, p in enumerate(bass)]).tracks[0]
        other.name = f"below{offset}"
        score.tracks.append(other)
    return score


@pytest.fixture
def corpus(tune):
    melodies = [([60, 62, 64, 60], [48, 48]), ([64, 62, 62, 60], [48, 43]), ([60, 60, 62, 64], [48, 43])]
    return sm.Corpus.from_scores([two_parts(tune, *parts) for parts in melodies])


@pytest.fixture
def composer(corpus):
    return CRFComposer(max_iterations=30).fit(corpus)


@pytest.fixture
def rhythm(tune):
    return tune([(0, 1, 60), (1, 1, 60), (2, 2, 60)])


def enumerated(composer, rhythm):
    """Every melody over a rhythm that the labels can spell, and its probability, worked out label by label."""
    seen = notes_seen(composer._given(rhythm, "C")[0])
    chain, labels = composer.pitches_.chain(seen), composer.pitches_.labels_
    scores = {}
    for path in itertools.product(range(len(labels)), repeat=len(seen)):
        names = [labels[k] for k in path]
        if names != reached(pitches_of(names)):
            continue
        weight = sum(chain.unary[t, k] for t, k in enumerate(path))
        weight += sum(chain.pairwise[a, b] for a, b in itertools.pairwise(path))
        scores[tuple(pitches_of(names).tolist())] = weight
    total = np.logaddexp.reduce(list(scores.values()))
    return {melody: float(np.exp(weight - total)) for melody, weight in scores.items()}


def p_value(takes, expected):
    counts = dict.fromkeys(expected, 0)
    for take in takes:
        counts[tuple(take.line.pitch.tolist())] += 1
    rows = [(counts[m], p * len(takes)) for m, p in expected.items()]
    rare = [(c, e) for c, e in rows if e < 5]
    rows = [(c, e) for c, e in rows if e >= 5] + ([tuple(map(sum, zip(*rare, strict=True)))] if rare else [])
    return float(chi2.sf(sum((c - e) ** 2 / e for c, e in rows), len(rows) - 1))


def test_melodies_over_a_rhythm_are_drawn_from_the_posterior(composer, rhythm):
    # One fixed seed, which would fail by chance in 1 of 10,000.
    expected = enumerated(composer, rhythm)
    takes = composer.compose(rhythm, 4000, seed=2, key="C")
    assert p_value(takes, expected) > 1e-4
    for take in takes[:20]:
        assert take.log_prob == pytest.approx(np.log(expected[tuple(take.line.pitch.tolist())]))


def test_the_test_above_notices_another_temperature(composer, rhythm):
    takes = composer.compose(rhythm, 4000, seed=2, key="C", temperature=1.3)
    assert p_value(takes, enumerated(composer, rhythm)) < 1e-4


def test_demands_condition_the_posterior(composer, rhythm):
    expected = {m: p for m, p in enumerated(composer, rhythm).items() if m[-1] == 60 and max(m) <= 62}
    total = sum(expected.values())
    takes = composer.compose(rhythm, 4000, seed=3, key="C", demands={-1: {60}}, pitch_range=(0, 62))
    assert p_value(takes, {m: p / total for m, p in expected.items()}) > 1e-4


def test_the_rhythm_stays_as_it_was_and_so_does_the_rest(composer, tune):
    given = two_parts(tune, [67, 65, 64, 62], [36, 43])
    given.tracks[0].notes[1].duration -= 7  # played, not written
    for take in composer.compose(given, 3, seed=1):
        melody, *others = take.score.tracks
        assert [(n.time, n.duration) for n in melody.notes] == [(n.time, n.duration) for n in given.tracks[0].notes]
        assert [track.notes for track in others] == [track.notes for track in given.tracks[1:]]
        assert take.score.tempos == given.tempos


def test_printed_chords_are_the_harmony(composer, rhythm):
    marks.set_chord_symbols(rhythm, [(0, "D7"), (480, "?"), (960, "G/B")])
    found, _ = composer._given(rhythm, "D")
    assert found.chords == ((0, Chord(0, "7")), (24, Chord(5, "maj", 9)))


def test_a_long_rest_moves_nothing(composer, tune):
    given = two_parts(tune, [60] * 4, [48, 43])
    late = tune([(40 + i, 1, 60) for i in range(4)])
    given.tracks[0].notes = late.tracks[0].notes
    rhythm, _ = composer._given(given, "C")
    assert any(chord for _, chord in rhythm.chords)
    [take] = composer.compose(given, 1, seed=1, key="C")
    assert [n.time for n in take.score.tracks[0].notes] == [480 * (40 + i) for i in range(4)]


def test_a_bar_has_no_more_chords_than_units(composer):
    with pytest.raises(UsageError, match="bar 2 of the chart has 60 chords; expected 48"):
        composer.compose("C | " + "C G " * 30)


def test_a_key_moves_melody_and_range(composer, rhythm):
    low = composer.compose(rhythm, 8, seed=4, key="C")
    high = composer.compose(rhythm, 8, seed=4, key="D")
    assert [(t.line.pitch + 2).tolist() for t in low] == [t.line.pitch.tolist() for t in high]
    assert all(t.line.pitch.min() >= 64 for t in composer.compose(rhythm, 8, seed=4, key="D", pitch_range=(64, 90)))


def test_a_chart_gets_a_rhythm_that_fills_its_bars(composer):
    for take in composer.compose("C | G C", 5, seed=1, tempo=90):
        melody, chords = take.score.tracks
        assert melody.notes[0].time == 0
        assert max(n.time + n.duration for n in melody.notes) == 8 * 480
        assert {n.pitch % 12 for n in chords.notes if n.time == 4 * 480} == {7, 11, 2}
        assert sorted({n.time for n in chords.notes}) == [0, 4 * 480, 6 * 480]
        assert marks.chord_symbols(take.score) == [(0, "C"), (4 * 480, "G"), (6 * 480, "C")]
        assert take.score.tempos[0].qpm == pytest.approx(90, abs=1e-3)


def test_a_take_depends_on_the_seed_and_its_number_alone(composer):
    few, many = (composer.compose("C | G", n, seed=9) for n in (2, 6))
    assert [t.line.pitch.tolist() for t in few] == [t.line.pitch.tolist() for t in many[:2]]
    assert [t.line.onset.tolist() for t in few] == [t.line.onset.tolist() for t in many[:2]]


def test_what_is_saved_composes_the_same(composer, tmp_path):
    path = composer.save(tmp_path / "m.smm")
    again = CRFComposer.load(path)
    first, second = composer.compose("C | G", 3, seed=5), again.compose("C | G", 3, seed=5)
    assert [t.line.pitch.tolist() for t in first] == [t.line.pitch.tolist() for t in second]
    assert again.originality().report(second[0].line) == composer.originality().report(first[0].line)
    assert again.save(tmp_path / "n.smm").read_bytes() == path.read_bytes()
    bare = CRFComposer.load(composer.save(tmp_path / "bare.smm", sources=False))
    assert bare.originality() is None
    with pytest.raises(ModelFileError, match=r"over a rhythm or chords; expected a model that composes.*--given PIECE"):
        sm.Pipeline.load(path)


def test_the_figure_is_that_of_the_pitches(composer, corpus):
    log_probs, n_notes = composer.log_probs(corpus)
    assert n_notes.tolist() == [4, 4, 4]
    assert composer.score(corpus) == pytest.approx(log_probs.sum() / 12)
    assert (log_probs < 0).all()


def test_a_pitch_that_training_never_held_is_impossible(composer, tune):
    other = sm.Corpus.from_scores([two_parts(tune, [60, 62, 66, 60], [48, 48])])
    assert composer.log_probs(other)[0].tolist() == [-np.inf]


def test_wrong_requests(composer, corpus, rhythm, tune):
    with pytest.raises(NotFittedError):
        CRFComposer().compose("C")
    with pytest.raises(UnsatisfiableError, match=r"note 1: .* from 60 to 64"):
        composer.compose(rhythm, key="C", pitch_range=(90, 99))
    with pytest.raises(UsageError, match="brings its own meter"):
        composer.compose(rhythm, meter="3/4")
    with pytest.raises(UnsatisfiableError, match=r"no piece in 6/8.*4/4"):
        composer.compose("C | G", meter="6/8")
    with pytest.raises(UsageError, match="'4'"):
        composer.compose("C | G", meter="4")
    with pytest.raises(InvalidParameterError, match="bar 2"):
        composer.compose("C | H")
    with pytest.raises(InvalidParameterError, match="3 notes"):
        composer.compose(rhythm, demands={5: {60}})
    with pytest.raises(InvalidParameterError, match="temperature"):
        composer.compose(rhythm, temperature=0)
    alone = sm.Corpus.from_scores([tune([(i, 1, 60 + i % 3) for i in range(8)])])
    with pytest.raises(UsageError, match="melodies without chords"):
        CRFComposer(max_iterations=5).fit(alone).compose("C")
    drums = tune([(0, 1, 36)])
    drums.tracks[0].is_drum = True
    with pytest.raises(EmptyCorpusError, match="drums"):
        CRFComposer().fit(sm.Corpus.from_scores([drums]))

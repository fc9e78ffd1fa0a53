"""Continuing and filling: what is kept is kept, what is new is drawn conditioned on both sides of it."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import chisquare
from symusic import KeySignature, Note, TextMeta, TimeSignature, Track

import stochastic_music as sm
from stochastic_music.constraints import At
from stochastic_music.corpus.text import score_from_text
from stochastic_music.errors import EncodingError, UnsatisfiableError, UsageError
from stochastic_music.models.maxent import MaxEnt

TUNES = [
    "4/4 c4 d e c e f g2 g4 f e d c1",
    "4/4 e4 d c d e e e2 d4 d d2 e4 g g2",
    "4/4 g4 e f d e c d2 c4 e g e d2 c2",
    "3/4 c4 d e f2. g4 a b c'2. c'4 b a g2.",
]
CORPUS = sm.Corpus.from_scores([score_from_text(tune) for tune in TUNES])
EIGHT = "4/4 c4 d e c e f g2 c4 d e c e f g2 g8 a g f e4 c g8 a g f e4 c d4 g c2 d4 g c2"


@pytest.fixture(scope="module")
def pipeline():
    return sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1, "witten_bell"), transpose="common").fit(CORPUS)


def rows(score, track=0):
    """Onset, length (quarter notes) and pitch of each note."""
    tpq = score.ticks_per_quarter
    return [(n.time / tpq, n.duration / tpq, n.pitch) for n in score.tracks[track].notes]


def but(notes, begin, end):
    return [note for note in notes if not begin <= note[0] < end]


def inside(notes, begin, end):
    return [note for note in notes if begin <= note[0] < end]


@pytest.mark.parametrize("bars", [(1, 2), (3, 4), 5, (7, 8), (1, 8)])
def test_notes_outside_the_bars_stay_and_the_bars_are_filled(pipeline, bars):
    score = score_from_text(EIGHT)
    first, last = (bars, bars) if isinstance(bars, int) else bars
    begin, end = 4 * (first - 1), 4 * last
    for take in pipeline.fill(score, bars, 3, seed=1):
        assert but(rows(take.score), begin, end) == but(rows(score), begin, end)
        new = inside(rows(take.score), begin, end)
        assert new
        assert max(onset + length for onset, length, _ in new) <= end
        assert take.sample.guarantee == "exact"
        assert len(take.new.onset) == len(new)
    assert rows(score) == rows(score_from_text(EIGHT))  # the score given is left alone


def test_bars_are_drawn_from_the_model_conditioned_on_both_sides():
    # Quarter notes on three pitches: a bar of 4/4 has 81 fillings, whose probabilities the model itself tells.
    corpus = sm.Corpus.from_text("4/4 c4 d e d c e d d e e c c d c e e")
    pipeline = sm.Pipeline(sm.MelodyEncoding(fields=("rest", "duration", "pitch")), sm.Markov(1, "witten_bell")).fit(
        corpus
    )
    score = score_from_text("4/4 c4 d e c c c c c d4 e c c")
    n = 1500
    takes = pipeline.fill(score, 2, n, seed=5)
    fillings = [tuple(p) for p in product((60, 62, 64), repeat=4)]
    index = {filling: i for i, filling in enumerate(fillings)}
    counts = np.zeros(81)
    for take in takes:
        counts[index[tuple(p for _, _, p in inside(rows(take.score), 4, 8))]] += 1
    model = pipeline.composer[1]
    header = takes[0].sample.header
    symbols = takes[0].sample.symbols.reshape(-1)
    pitch = pipeline.vocabulary_.place("pitch")
    weights = []
    for filling in fillings:
        other = symbols.copy()
        for i, p in enumerate(filling):
            other[3 * (4 + i) + pitch] = pipeline.vocabulary_.symbol("pitch", p)
        weights.append(np.exp(model.log_prob(other, header)))
    expected = n * np.array(weights) / np.sum(weights)
    usual = expected >= 5
    observed = np.append(counts[usual], counts[~usual].sum())
    wanted = np.append(expected[usual], expected[~usual].sum())
    assert chisquare(observed, wanted).pvalue > 1e-3
    # The control: the model's own continuation, which does not hear what comes after, is told apart.
    unaware = np.zeros(81)
    for take in pipeline.continue_(score_from_text("4/4 c4 d e c"), n, length=4, seed=5):
        filling = tuple(p for onset, _, p in rows(take.score)[4:])
        unaware[index[filling]] += 1
    assert chisquare(np.append(unaware[usual], unaware[~usual].sum()), wanted).pvalue < 1e-3


def test_equal_seeds_give_equal_notes_and_a_take_does_not_depend_on_how_many(pipeline):
    score = score_from_text(EIGHT)
    first = [rows(take.score) for take in pipeline.fill(score, (3, 4), 3, seed=7)]
    assert [rows(take.score) for take in pipeline.fill(score, (3, 4), 2, seed=7)] == first[:2]
    assert first[0] != first[1]


def test_a_piece_in_another_key_is_brought_to_the_models_and_back(pipeline):
    corpus = sm.Corpus.from_scores([score_from_text("4/4 c4 d e d c e g e d e f d c1")] * 2)
    plain = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1, "none"), transpose="common").fit(corpus)
    score = score_from_text("4/4 d4 e f# e d4 f# a f# e4 f# g e d1")
    score.key_signatures.append(KeySignature(0, 2, 0))
    for take in plain.fill(score, 2, 4, seed=1):
        assert {p % 12 for _, _, p in inside(rows(take.score), 4, 8)} <= {2, 4, 6, 7, 9}
        assert take.score.key_signatures[0].key == 2


def test_a_note_that_sounds_into_the_bars_is_kept_and_the_new_music_waits(pipeline):
    score = score_from_text("4/4 c4 d e c e4 f g2 c4 d e c g1")
    score.tracks[0].notes[3].duration += 960  # to the middle of bar 2
    for take in pipeline.fill(score, 2, 4, seed=3):
        assert (3.0, 3.0, 60) in rows(take.score)
        assert min(onset for onset, _, _ in inside(rows(take.score), 4, 8)) >= 6.0


def test_nothing_fits_under_a_note_that_sounds_through(pipeline):
    score = score_from_text("4/4 c4 d e c e4 f g2 c4 d e c g1")
    score.tracks[0].notes[3].duration += 5 * 480
    with pytest.raises(UnsatisfiableError, match="bar 1 sounds beyond"):
        pipeline.fill(score, 2, seed=1)


@pytest.mark.parametrize("bars", [(1, 2), (9, 10), (13, 14), (29, 30)])
def test_silence_is_filled_wherever_it_is(pipeline, bars):
    # Bars 3-4 and 25-26 hold notes; the rests between are longer than any that the encoding has.
    score = score_from_text("4/4 r1 r1 c4 d e c e f g2")
    melody = rows(score)
    for onset, length, pitch in melody:
        score.tracks[0].notes.append(Note(round((onset + 88) * 480), round(length * 480), pitch, 80))
    score.tracks.append(Track("Bass", notes=[Note(i * 1920, 1920, 48, 80) for i in range(32)]))
    begin, end = 4 * (bars[0] - 1), 4 * bars[1]
    before = rows(score)
    [take] = pipeline.fill(score, bars, seed=2, part=0)
    assert but(rows(take.score), begin, end) == before
    assert inside(rows(take.score), begin, end)
    assert rows(take.score, 1) == rows(score, 1)


def test_a_pickup_is_bar_0(pipeline):
    score = score_from_text("3/4 g4 | c4 d e f2. g4 a b c'2.")
    [take] = pipeline.fill(score, (0, 1), seed=1)
    assert but(rows(take.score), 0, 4) == but(rows(score), 0, 4)
    assert [(m.time, m.text) for m in take.score.markers] == [(m.time, m.text) for m in score.markers]
    with pytest.raises(UsageError, match="bars 1 to 4, after a pickup, which is bar 0"):
        pipeline.fill(score, (4, 5))


def test_meters_may_change(pipeline):
    score = score_from_text("4/4 c4 d e c 3/4 e4 f g e2. 4/4 c4 d e c g1")
    [take] = pipeline.fill(score, (2, 3), seed=1)
    assert but(rows(take.score), 4, 10) == but(rows(score), 4, 10)
    assert inside(rows(take.score), 4, 10)


@pytest.mark.parametrize("tpq", [96, 100, 960])
def test_notes_off_the_grid_stay_as_they_were_played(pipeline, tpq):
    score = score_from_text(EIGHT).resample(tpq, min_dur=1)
    for i, note in enumerate(score.tracks[0].notes):
        note.time = max(note.time + (i * 5) % 7 - 3, 0)
        note.velocity = 40 + i
    played = [(n.time, n.duration, n.pitch, n.velocity) for n in score.tracks[0].notes]
    [take] = pipeline.fill(score, (3, 4), seed=1)
    kept = {(n.time, n.duration, n.pitch, n.velocity) for n in take.score.tracks[0].notes}
    begin, end = 8 * tpq, 16 * tpq
    early = 3
    for note in played:
        assert note in kept or begin <= note[0] < end
        if end - early <= note[0] < end:  # played a little before its own bar line
            assert note in kept
    new = sorted(n.time for n in take.score.tracks[0].notes if begin <= n.time < end - early)
    assert new


def test_dynamics_go_on(pipeline):
    score = score_from_text(EIGHT)
    for note in score.tracks[0].notes:
        note.velocity = 100 if note.time < 16 * 480 else 30
    [take] = pipeline.fill(score, (3, 6), seed=1)
    velocities = {(n.time < 16 * 480, n.velocity) for n in take.score.tracks[0].notes}
    assert velocities == {(True, 100), (False, 30)}


def test_another_part_is_chosen_by_name_or_number(pipeline):
    score = score_from_text(EIGHT)
    score.tracks[0].name = "Soprano"
    alto = score_from_text("4/4 c2 e c e c e c e c e c e c e c e").tracks[0]
    alto.name = "Alto"
    score.tracks.append(alto)
    for part in ("alto", 1):
        [take] = pipeline.fill(score, (3, 4), part=part, seed=1)
        assert take.track == 1
        assert rows(take.score, 0) == rows(score, 0)
        assert rows(take.score, 1) != rows(score, 1)
    with pytest.raises(EncodingError, match=r"'tenor'.*0 'Soprano', 1 'Alto'"):
        pipeline.fill(score, 3, part="tenor")


def test_chords_are_filled_by_models_of_chords():
    text = ["4/4 c4 e g e c2 g2 c4 e g e c1", "4/4 e4 c e g g2 e c4 c e e c1"]
    scores = [score_from_text(t) for t in text]
    for score in scores:
        for note in list(score.tracks[0].notes):
            score.tracks[0].notes.append(Note(note.time, note.duration, note.pitch - 12, 80))
        score.tracks[0].notes.sort()
    pipeline = sm.Pipeline(sm.NotesEncoding(), sm.Markov(2, "witten_bell")).fit(sm.Corpus.from_scores(scores))
    [take] = pipeline.fill(scores[0], 2, seed=1)
    assert sorted(but(rows(take.score), 4, 8)) == sorted(but(rows(scores[0]), 4, 8))
    assert take.sample.guarantee == "exact"


def test_models_without_memory_bounds_are_filled_by_particles():
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.STM(order_bound=2)).fit(CORPUS)
    score = score_from_text(EIGHT)
    [take] = pipeline.fill(score, (3, 4), seed=1)
    assert but(rows(take.score), 8, 16) == but(rows(score), 8, 16)
    assert take.sample.guarantee == "particle"


def test_demands_are_met_by_the_bars_that_are_filled(pipeline):
    score = score_from_text(EIGHT)
    for take in pipeline.fill(score, (3, 4), 3, constraint=sm.PitchRange("C4", "A4"), seed=1):
        assert all(60 <= p <= 69 for _, _, p in rows(take.score))


def test_a_demand_that_kept_notes_break_names_them(pipeline):
    with pytest.raises(
        UnsatisfiableError, match=r"PitchRange\(C4, G4\) excludes notes that are kept: A4 in bar 5, A4 in bar 6"
    ):
        pipeline.fill(score_from_text(EIGHT), (3, 4), constraint=sm.PitchRange("C4", "G4"))


def test_models_without_time_and_of_several_parts_say_what_would_do():
    score = score_from_text(EIGHT)
    pitches = sm.Pipeline(sm.MelodyEncoding(fields=("pitch",)), sm.Markov(1)).fit(CORPUS)
    voices = sm.Pipeline(sm.VoicesEncoding(1), sm.Markov(1)).fit(CORPUS)
    for pipeline in (pitches, voices):
        with pytest.raises(UsageError, match="--encoding melody or notes"):
            pipeline.fill(score, 2)


def test_a_part_without_notes_is_no_part(pipeline):
    score = score_from_text(EIGHT)
    score.tracks.append(Track("Silent"))
    with pytest.raises(EncodingError, match="no part called 'silent'"):
        pipeline.fill(score, 2, part="silent")


def test_an_unknown_key_is_heard_and_said(pipeline, caplog):
    pipeline.fill(score_from_text(EIGHT), 3, seed=1)
    assert "no key is printed: it is taken to be in C" in caplog.text


@pytest.mark.parametrize("bars", [1, 4])
def test_going_on_adds_full_bars_after_the_last_note(pipeline, bars):
    score = score_from_text(EIGHT)
    score.tracks.append(Track("Bass", notes=[Note(i * 1920, 1920, 48, 80) for i in range(12)]))
    for take in pipeline.continue_(score, 2, bars=bars, part=0, seed=1):
        found = rows(take.score)
        assert found[: len(rows(score))] == rows(score)
        assert found[-1][0] + found[-1][1] == 32 + 4 * bars
        assert rows(take.score, 1) == rows(score, 1)
        assert not take.dropped.any()


def test_going_on_from_the_middle_of_a_bar_counts_full_bars_after_it(pipeline):
    [take] = pipeline.continue_(score_from_text("4/4 c4 d e c e4 f"), bars=2, seed=1)
    assert rows(take.score)[6][0] >= 6
    assert sum(rows(take.score)[-1][:2]) == 16


def test_going_on_by_notes_and_until_the_model_ends(pipeline):
    score = score_from_text(EIGHT)
    [take] = pipeline.continue_(score, length=5, seed=1)
    assert len(take.new.onset) == 5
    [take] = pipeline.continue_(score, seed=1)
    assert len(take.new.onset) >= 1
    with pytest.raises(UnsatisfiableError, match="ask for more bars"):
        pipeline.continue_(score, constraint=sm.Length(len(rows(score))), seed=1)


def test_a_phrase_mark_within_the_bars_is_left_where_it_was(pipeline):
    score = score_from_text(EIGHT)
    score.markers.append(TextMeta(11 * 480, "phrase:0"))
    score.time_signatures[0] = TimeSignature(0, 4, 4)
    [take] = pipeline.fill(score, (3, 4), seed=1)
    assert [m.text for m in take.score.markers] == ["phrase:0"]


def test_surprise_is_that_of_the_new_notes(pipeline):
    score = score_from_text(EIGHT)
    [take] = pipeline.fill(score, (3, 4), seed=1)
    n, first = len(take.new.onset), take.n_given
    fields = pipeline.vocabulary_.n_fields
    every = pipeline.composer[1].log_probs(take.sample.symbols, take.sample.header)
    bits = -every[fields * first : fields * (first + n)].sum() / np.log(2) / n
    assert take.bits_per_note == pytest.approx(bits)
    assert take.n_given == 7


def test_a_note_asked_for_in_a_bar_is_there_as_printed_after_a_long_silence_too(pipeline):
    score = score_from_text("4/4 r1 r1 r1 r1 r1 r1 c4 d e c e f g2 c4 d e c g1")
    for take in pipeline.fill(score, 8, 2, constraint=At(8, 2, "A4"), seed=1):
        assert (29.0, 69) in [(onset, pitch) for onset, _, pitch in rows(take.score)]


def test_models_that_do_not_say_what_comes_next_are_refused():
    pipeline = sm.Pipeline(sm.MelodyEncoding(), MaxEnt(1, n_steps=1, n_refinements=0)).fit(CORPUS)
    for revise in (pipeline.continue_, pipeline.vary):
        with pytest.raises(UsageError, match="MaxEnt compares whole pieces"):
            revise(score_from_text(EIGHT))

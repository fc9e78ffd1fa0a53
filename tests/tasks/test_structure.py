"""Forms: toy pieces whose form is known, the copying chain against every path, and odd scores."""

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import Note, Score, TimeSignature, Track

import stochastic_music as sm
from stochastic_music.errors import InvalidParameterError
from stochastic_music.music import marks
from stochastic_music.tasks.structure import find_structure, form_of
from stochastic_music.tasks.structure.bar_features import ABSENT, FEATURES, bar_table
from stochastic_music.tasks.structure.copying import best_runs, gains, jump_probability, letter, likeness, sections

TUNE_A = [[60, 62, 64, 65], [67, 69, 67, 64], [65, 67, 65, 62], [64, 60, 62, 59]]
TUNE_B = [[72, 71, 69, 67], [74, 72, 71, 69], [76, 74, 72, 71], [77, 79, 76, 72]]


def score_of(*bars, parts=1, beats=4):
    """A score of bars, a list of pitches each, spread evenly; further parts lie in thirds below."""
    score = Score(480)
    score.time_signatures.append(TimeSignature(0, beats, 4))
    for part in range(parts):
        track = Track(f"Part {part + 1}")
        for i, pitches in enumerate(bars):
            step = 480 * beats // max(len(pitches), 1)
            for j, pitch in enumerate(pitches):
                track.notes.append(Note(i * 480 * beats + j * step, step, pitch - 4 * part, 80))
        score.tracks.append(track)
    return score


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("letters", ["AABA", "AABB", "AB", "ABBA", "AAAB", "ABACA"])
def test_the_form_of_toys(letters, parts):
    music = {"A": TUNE_A, "B": TUNE_B, "C": [[bar[0] - 9] * 3 for bar in TUNE_B]}
    form = form_of(score_of(*(bar for name in letters for bar in music[name]), parts=parts), n_states=1)
    if letters == "AB":  # nothing comes again
        assert form.letters == "A"
        return
    assert form.letters.replace(" ", "") == letters
    assert [section.n_bars for section in form.sections] == [4] * len(letters)
    assert "".join(form.labels) == "".join(name * 4 for name in letters)
    assert form.numbers == tuple(range(1, len(form.labels) + 1))


def test_textures_divide_what_is_not_repeated():
    generator = np.random.default_rng(0)
    low = [generator.integers(48, 55, 2).tolist() for _ in range(10)]
    high = [generator.integers(79, 90, 8).tolist() for _ in range(10)]
    form = form_of(score_of(*low, *high, *[row[::-1] for row in low]), n_states=2)
    assert form.letters == "A B A"
    assert [section.n_bars for section in form.sections] == [10, 10, 10]
    assert form.sections[2].copies is None  # alike, and no copy


def test_a_variant_has_a_prime():
    changed = [*TUNE_A[:2], [65, 70, 58, 61], [64, 56, 73, 59]]  # 5 of 16 quarters
    form = form_of(score_of(*TUNE_A, *TUNE_A, *TUNE_B, *changed), n_states=1)
    assert form.letters == "A A B A'"
    assert form.sections[1].similarity == 1
    assert form.sections[3].copies in {1, 5}
    assert 0.5 <= form.sections[3].similarity < 0.75


def test_what_always_comes_together_is_one_section():
    form = form_of(score_of(*TUNE_A, *TUNE_B, *TUNE_A, *TUNE_B), n_states=1)
    assert form.letters == "A A"


def with_pickup(score, pitch):
    """The score after a pickup of one quarter note."""
    shifted = Score(480)
    shifted.time_signatures.append(TimeSignature(0, 4, 4))
    track = Track("Tune", notes=[Note(0, 480, pitch, 80)])
    for note in score.tracks[0].notes:
        track.notes.append(Note(note.time + 480, note.duration, note.pitch, 80))
    shifted.tracks.append(track)
    marks.set_pickup(shifted, 480)
    return shifted


def spans(form):
    return [(section.label, section.first, section.last) for section in form.sections]


def test_a_pickup_is_bar_0():
    form = form_of(with_pickup(score_of(*TUNE_A, *TUNE_A), 67), n_states=1)
    assert spans(form) == [("A", 0, 4), ("A", 5, 8)]


def test_sections_that_begin_with_upbeats_begin_with_the_bar_after():
    strains = [[*TUNE_A[:3], [64, 60, 62, upbeat]] for upbeat in (67, 79)]
    strains += [[*TUNE_B[:3], [77, 79, 76, upbeat]] for upbeat in (79, 72)]
    form = form_of(with_pickup(score_of(*(bar for strain in strains for bar in strain)), 67), n_states=1)
    assert [label[0] for label, _, _ in spans(form)] == ["A", "A", "B", "B"]
    assert [span[1:] for span in spans(form)] == [(0, 4), (5, 8), (9, 12), (13, 16)]
    assert len(form.labels) == len(form.numbers) == 17
    assert sum(section.n_bars for section in form.sections) == 17


def test_sections_are_no_shorter_than_asked():
    bars = [*TUNE_A, *TUNE_A, *TUNE_B, *TUNE_B]
    for least, expected in ((2, "A A B B"), (4, "A A B B"), (8, "A"), (9, "A")):
        form = form_of(score_of(*bars), n_states=1, least_bars=least)
        assert form.letters == expected, least
    with pytest.raises(InvalidParameterError, match="least_bars"):
        form_of(score_of(*bars), least_bars=0)


@pytest.mark.parametrize(
    "score",
    [
        pytest.param(score_of([60]), id="one bar"),
        pytest.param(score_of([60], [], [], [], [], [62]), id="silence inside"),
        pytest.param(score_of(*[[60]] * 40), id="one note for ever"),
        pytest.param(score_of(*TUNE_A, beats=3), id="three beats"),
    ],
)
def test_odd_scores_have_a_form(score):
    form = form_of(score)
    assert len(form.labels) == len(form.numbers) == len(form.states)
    assert sum(section.n_bars for section in form.sections) == len(form.labels)
    assert form.labels[0] == "A"


def test_drums_alone_have_a_form():
    score = score_of(*TUNE_A, *TUNE_A)
    score.tracks[0].is_drum = True
    assert form_of(score, n_states=1).letters == "A A"


def test_equal_seeds_give_equal_forms():
    corpus = sm.Corpus.from_scores([score_of(*TUNE_A, *TUNE_B, *TUNE_A), score_of(*TUNE_B, *TUNE_A)])
    one, other = (json.dumps(find_structure(corpus, seed=3).to_json()) for _ in range(2))
    assert one == other


def test_features_by_hand():
    # bar 1: C major, quarters, rising; bar 2: silent; bar 3: eight eighths an octave above, an arch
    table = bar_table(score_of([60, 64, 67, 72], [], [72, 76, 79, 84, 88, 84, 79, 76]))
    said = [
        [field.describe(field.first + column) for field, column in zip(FEATURES.fields, row, strict=True)]
        for row in table.features.tolist()
    ]
    assert said[0][0] == said[2][0] == "I"
    assert said[1] == ["silent"] * 4
    assert said[0][2:] == ["quarters", "rising"]
    assert said[2][2:] == ["eighths", "arch"]
    # octaves do not count in cells: bars 1 and 3 begin with C, but 3 has twice as many notes
    assert not (table.cells[0] == table.cells[2]).all()
    assert (table.cells >= 0).all()


def test_cells_of_bars_of_other_lengths_are_absent():
    score = score_of([60, 62, 64], beats=3)
    score.time_signatures.append(TimeSignature(1440, 4, 4))
    score.tracks[0].notes.append(Note(1440, 1920, 60, 80))
    cells = bar_table(score).cells
    assert cells.shape == (2, 4, 2)
    assert (cells[0, 3] == ABSENT).all()
    assert (cells[1] != ABSENT).all()


# --- the copying chain ---


def path_score(path, gain, least):
    """What a path of states scores under the rules, -inf where a state is left too early."""
    total, age = 0.0, 1
    if path[0] != 0:
        return -math.inf
    for t in range(1, len(path)):
        if path[t] == path[t - 1]:
            total += math.log(1 - jump_probability(t)) if age >= least else 0.0
            age += 1
        else:
            if age < least or (path[t] and not least <= path[t] <= t):
                return -math.inf
            total += math.log(jump_probability(t)) + (
                math.log(0.5) if path[t] == 0 else math.log(0.5 / (t + 1 - least))
            )
            age = 1
        total += gain[t, path[t]]
    return total if age >= least or path[-1] == 0 else -math.inf


@given(st.lists(st.integers(0, 2), min_size=1, max_size=7), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_the_best_of_all_paths_is_found(tokens, least):
    gain = gains(np.array(tokens)[:, None, None].repeat(3, axis=1))
    runs = best_runs(gain, least)
    assert [run.first for run in runs] == [0, *(run.last for run in runs[:-1])]
    assert runs[-1].last == len(tokens)
    found = [run.lag for run in runs for _ in range(run.first, run.last)]
    best = max(path_score(path, gain, least) for path in product(range(len(tokens)), repeat=len(tokens)))
    assert path_score(found, gain, least) == pytest.approx(best)


def test_gains_by_hand():
    # tokens a b a: p(a) = 2/3. Bar 3 copies bar 1: log(0.9 / (2/3) + 0.1); a for b is changed: log 0.1
    gain = gains(np.array([0, 1, 0])[:, None, None])
    assert gain[2].tolist() == pytest.approx([0, math.log(0.1), math.log(0.9 * 1.5 + 0.1)])
    assert gain[1, 2] == -math.inf
    alike = likeness(np.array([[0, 5], [1, 5], [0, 5]])[:, :, None])
    assert alike[2].tolist() == [0, 0.5, 1]


def test_a_copy_of_a_copy_has_the_first_letter():
    cells = np.array([*range(4), *range(4), *range(4, 8), *range(4)])[:, None, None].repeat(3, axis=1)
    found = sections(best_runs(gains(cells), 4), likeness(cells), np.zeros(16, dtype=np.int64), 4)
    assert [stretch.label for stretch in found] == ["A", "A", "B", "A"]
    assert found[3].similarity == 1


def test_letters_go_on_after_z():
    assert [letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]

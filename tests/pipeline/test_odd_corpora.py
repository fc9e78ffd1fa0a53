"""Corpora that leave next to nothing to learn, and music unlike them: every kind of model takes both."""

import math

import numpy as np
import pytest

from stochastic_music import registry
from stochastic_music.corpus import Corpus
from stochastic_music.pipeline import Pipeline
from stochastic_music.tokens import MelodyEncoding

KINDS = ("markov", "ppm", "multiple_viewpoint")
STEPS = [60, 62, 64, 65, 67, 69, 71, 72]
#: pieces, each (start, length, pitch) in quarter notes
MUSIC = {
    "several": [[(j, 1, STEPS[(3 * i + j * (1 + i % 3)) % 8]) for j in range(12)] for i in range(5)],
    "one piece": [[(j, 1, STEPS[3 * j % 8]) for j in range(12)]],
    "all equal": [[(j, 1, STEPS[3 * j % 8]) for j in range(12)]] * 4,
    "one note each": [[(0, 1, 60)], [(0, 1, 60)], [(0, 1, 60)]],
    "one note in all": [[(0, 1, 60)]],
}


@pytest.fixture(scope="module")
def fitted():
    """Pipelines by kind and name of their music, each fitted once."""
    return {}


@pytest.fixture
def learned(fitted, tune):
    def learn(kind, name):
        if (kind, name) not in fitted:
            model = registry.create("models", kind, {})
            fitted[kind, name] = Pipeline(MelodyEncoding(), model).fit(
                Corpus.from_scores([tune(notes) for notes in MUSIC[name]])
            )
        return fitted[kind, name]

    return learn


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MUSIC)
def test_every_corpus_is_learned_from_scored_and_composed_from(learned, tune, kind, name):
    pipeline = learned(kind, name)
    music = Corpus.from_scores([tune(notes) for notes in MUSIC[name]])
    assert math.isfinite(pipeline.score(music))
    # what it has read it knows better than what it has not
    other = Corpus.from_scores([tune([(0, 3, 61), (3.5, 0.5, 42), (4, 1 / 3, 90)])])
    assert pipeline.score(music) > pipeline.score(other)
    [take] = pipeline.compose(1, seed=1, max_events=40)
    assert take.score.note_num() > 0
    assert {note.pitch for note in take.score.tracks[0].notes} <= {p for piece in MUSIC[name] for _, _, p in piece}


@pytest.mark.parametrize("kind", KINDS)
def test_symbols_never_seen_are_scored_and_their_row_sums_to_one(learned, tune, kind):
    pipeline = learned(kind, "several")
    unseen = Corpus.from_scores([tune([(0.25, 0.5, 61), (0.75, 1 / 3, 127), (7, 4, 0)]), tune([(0, 1, 61)])])
    tokens, _ = pipeline.encode(unseen)
    log_probs = pipeline.log_probs(tokens)
    assert np.isfinite(log_probs).all()
    state = pipeline.model.initial_state(1, tokens.headers[:1])
    for symbol in tokens[0]:
        row = pipeline.model.next_log_probs(state)[0]
        assert np.exp(row).sum() == pytest.approx(1)
        state = pipeline.model.advance(state, np.array([symbol]))


@pytest.mark.parametrize("kind", KINDS)
def test_music_without_key_and_meter_is_heard_from_its_past_alone(tune, kind):
    def bare(notes):
        score = tune(notes)
        score.time_signatures.clear()
        return score

    music = Corpus.from_scores([bare(notes) for notes in MUSIC["several"]])
    pipeline = Pipeline(MelodyEncoding(), registry.create("models", kind, {})).fit(music)
    first, other = (Corpus.from_scores([bare(notes)]) for notes in _alike_at_first())
    (one, _), (two, _) = pipeline.encode(first), pipeline.encode(other)
    assert one.headers[0].key is None
    same = int(np.argmin(one.symbols[:40] == two.symbols[:40]))
    assert same > 15
    assert pipeline.log_probs(one)[:same] == pytest.approx(pipeline.log_probs(two)[:same])


def _alike_at_first():
    """Two pieces of one beginning, the second going on in another key."""
    beginning = MUSIC["several"][0][:5]
    return (
        [*beginning, *((5 + j, 1, STEPS[j]) for j in range(8))],
        [*beginning, *((5 + j, 1, STEPS[j] + 6) for j in range(8))],
    )

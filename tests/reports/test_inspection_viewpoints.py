"""Viewpoints looked into, and any model asked at places of its corpus."""

import numpy as np
import pytest

from stochastic_music.corpus import Corpus, TokenCorpus
from stochastic_music.models import STM, Markov
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.pipeline import Pipeline
from stochastic_music.reports.inspection import Request, inspect
from stochastic_music.reports.inspection.distribution import Heard
from stochastic_music.reports.inspection.line import Line
from stochastic_music.reports.inspection.visiting import chances, there, visits
from stochastic_music.tokens import MelodyEncoding, Vocabulary

TUNE = "4/4 c4 d e c c d e c e f g2 e4 f g2"


@pytest.fixture(scope="module")
def pipeline(request):
    """Viewpoints of pitch alone, fitted to enough pieces to choose between them."""
    rng = np.random.default_rng(0)
    starts, steps = rng.integers(60, 66, 12), rng.choice([-2, -1, 1, 2], (12, 9))
    vocabulary = MelodyEncoding(fields=("pitch",)).vocabulary
    pieces = [np.clip(start + np.cumsum(row), 55, 72) for start, row in zip(starts, steps, strict=True)]
    fitted = Pipeline(MelodyEncoding(fields=("pitch",)), MultipleViewpoint("cpint:2,cpitch:1", "none"))
    return fitted.fit_tokens(TokenCorpus.from_sequences(pieces, vocabulary))


def rows(found, key):
    return found.to_json()["tables"][key]["rows"]


def test_gains_are_those_the_model_was_chosen_by(pipeline):
    found = inspect(pipeline)
    told = {row["viewpoint"]: row["gain"] for row in rows(found, "gains_pitch")}
    gains = pipeline.model.gains_["pitch"]
    assert told == pytest.approx(dict(zip(gains.parts, gains.gain.tolist(), strict=True)))
    assert list(told.values()) == sorted(told.values(), reverse=True)
    assert set(found.to_json()["data"]["gains"]["pitch"]) == set(gains.parts)
    assert "training pieces" in found.lines[0]
    assert found.draw().axes[0].get_xlabel() == "bits gained a symbol"


def test_one_piece_leaves_nothing_to_tell_of_gains():
    found = inspect(Pipeline(MelodyEncoding(), MultipleViewpoint("cpint:1", "none")).fit(Corpus.from_text(TUNE)))
    assert found.lines[0].startswith("No weights were learned")
    assert found.draw is None


def test_opinions_are_the_contributions_where_the_note_is_played(pipeline):
    """With one place after a context, the mean is what the terms of each viewpoint add there."""
    model, corpus, line = pipeline.model, pipeline.corpus_, Line(pipeline.vocabulary_)
    places = line.places(corpus, 3)
    inside = np.flatnonzero((places.before >= 0).all(axis=1) & (places.came != corpus.vocabulary.end))
    pasts, first, times = np.unique(places.before[inside], axis=0, return_index=True, return_counts=True)
    past, place = pasts[times == 1][0], places.at[inside[first[times == 1][0]]]
    found = inspect(pipeline, Request(context=" ".join(map(line.name, past[::-1].tolist())), at_most=200))
    [visit] = list(visits(model, corpus, np.array([place])))
    assert {row["next"]: row["probability"] for row in rows(found, "next")} == pytest.approx(
        {line.name(int(s)): np.exp(p) for s, p in enumerate(model.next_log_probs(visit.state)[0]) if np.isfinite(p)}
    )
    best = next(row["next"] for row in rows(found, "next") if row["next"] != "the end")
    symbol = next(s for s in model.fields_[0].candidates if line.name(int(s)) == best)
    said = model.contributions(visit.state, np.array([symbol]))
    by_target = {"cpint": 0.0, "cpitch": 0.0}
    for name, nats in said.items():
        by_target[name.partition("|")[0]] += float(nats[0]) / np.log(2)
    told = {row["viewpoint"]: row[f"bits_{best}"] for row in rows(found, "opinions")}
    assert told == pytest.approx({name: bits for name, bits in by_target.items() if name in told})
    assert told


@pytest.mark.parametrize("model", [Markov(1, "witten_bell"), STM(2)], ids=repr)
def test_any_model_is_asked_where_a_context_stands(model):
    """Of symbols of one field, what is expected is the mean of next_log_probs over the places."""
    toy = TokenCorpus.from_sequences([[0, 1, 0, 2], [1, 0, 1]], Vocabulary.plain(3))
    model.fit(toy)
    line = Line(toy.vocabulary)
    heard = Heard.of(toy, line, 1)
    after_zero = heard.matching(heard.places.standing(line.read("0", np.arange(3))))
    assert after_zero.places.at.tolist() == [1, 3, 7]
    expected = [np.exp(model.next_log_probs(state_after(model, piece))[0]) for piece in ([0], [0, 1, 0], [1, 0])]
    np.testing.assert_allclose(chances(model, toy, after_zero.places.at), expected)
    np.testing.assert_allclose(there(model, line, after_zero).probability[0], np.mean(expected, axis=0))


def state_after(model, piece):
    state = model.initial_state()
    for symbol in piece:
        state = model.advance(state, np.array([symbol]))
    return state


def test_rhythm_is_given_to_models_that_cannot_sum_over_it():
    pipeline = Pipeline(MelodyEncoding(), STM()).fit(Corpus.from_text(TUNE))
    found = inspect(pipeline, Request(context="C4"))
    assert "given the rest and duration and phrase it came with, as a mean over 4 places" in found.lines[1]
    assert sum(row["probability"] for row in rows(found, "next")) < 1 + 1e-9
    assert {row["next"]: row["times"] for row in rows(found, "next")}["D4"] == 2

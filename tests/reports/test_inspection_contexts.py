"""Markov and PPM looked into: what is told is what the models say, found by other ways."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import Corpus, TokenCorpus
from stochastic_music.errors import UnknownNameError, UsageError
from stochastic_music.models import PPM, Markov
from stochastic_music.pipeline import Pipeline
from stochastic_music.reports.inspection import Request, inspect
from stochastic_music.reports.inspection.distribution import Heard
from stochastic_music.reports.inspection.expecting import Spread, expected
from stochastic_music.reports.inspection.line import ANY, START, Line, Wanted
from stochastic_music.reports.inspection.orders import shares
from stochastic_music.tokens import Field, MelodyEncoding, Vocabulary, VoicesEncoding

MODELS = [Markov(1), Markov(2, "witten_bell"), Markov(2, "add_k"), Markov(1, "none"), Markov(0, "absolute"), PPM(2),
          PPM(1, "a", shortest_deterministic=False), PPM(2, interpolated=False), PPM(None)]  # fmt: skip
TWO_FIELDS = Vocabulary((Field("duration", 3, first=1, advances="later"), Field("pitch", 4)), resolution=1)
TUNE = "4/4 c4 d e c c d e c e f g2 e4 f g2"


def rows(found, key):
    return found.to_json()["tables"][key]["rows"]


def by_listing(model, corpus, place, line):
    """The chances of the line's next symbol at a place, over all that may stand before it in its event."""
    piece = int(np.searchsorted(corpus.offsets, place, side="right")) - 1
    state = model.initial_state(1, corpus.headers[piece])
    for symbol in corpus.symbols[corpus.offsets[piece] : place]:
        state = model.advance(state, np.array([symbol]))
    chances = np.zeros(corpus.n_symbols)
    earlier = [np.arange(*corpus.vocabulary.starts[f : f + 2]) for f in range(line.field)]
    chances[-1] = np.exp(model.next_log_probs(state)[0, -1])
    for event in product(*earlier):
        weight, at = 1.0, state
        for symbol in event:
            weight *= np.exp(model.next_log_probs(at)[0, symbol])
            at = model.advance(at, np.array([symbol]))
        chances[:-1] += weight * np.exp(model.next_log_probs(at)[0, :-1]) if weight else 0
    return chances


@pytest.mark.parametrize("model", MODELS, ids=repr)
@settings(deadline=None, max_examples=5)
@given(data=st.data())
def test_what_is_expected_is_what_listing_all_events_gives(model, data):
    event = st.tuples(st.integers(0, 2), st.integers(3, 6))
    pieces = data.draw(st.lists(st.lists(event, min_size=1, max_size=6), min_size=1, max_size=3))
    corpus = TokenCorpus.from_sequences([np.ravel(piece) for piece in pieces], TWO_FIELDS)
    model.fit(corpus)
    line = Line(TWO_FIELDS)
    heard = Heard.of(corpus, line, 1)
    each, contexts = np.arange(len(heard.places.at)), model.contexts_along(corpus)[heard.places.at]
    found = expected(model, TWO_FIELDS, line.field, Spread(each, contexts, np.ones(len(each))), len(each))
    assert found.symbols.tolist() == [3, 4, 5, 6, 7]
    for row, place in zip(found.probability, heard.places.at, strict=True):
        np.testing.assert_allclose(row, by_listing(model, corpus, place, line)[3:], atol=1e-12)
    said = shares(model, found.due, len(each)).sum(axis=1)
    np.testing.assert_allclose(said, 1 - found.probability[:, -1], atol=1e-12)


def test_chances_and_counts_after_a_note():
    """In c d e c c d e c e f g e f g C4 is followed by D4 twice, C4 once, E4 once; pitches alone, order 1, counted."""
    pipeline = Pipeline(MelodyEncoding(fields=("pitch",)), Markov(1, "none")).fit(Corpus.from_text(TUNE))
    found = inspect(pipeline, Request(context="C4"))
    assert found.lines[0] == "After C4: D4 50 % (2 times), C4 25 % (once), E4 25 % (once)."
    assert rows(found, "next")[0] == {"next": "D4", "probability": 0.5, "times": 2, "learned_in": "text#1"}
    assert (found.facts["after"], found.facts["heard"], found.facts["left_open_bits"]) == ("C4", 4, 1.5)
    assert rows(found, "orders") == [{"order": 1, "share": 1.0}]


def test_the_matrix_is_the_model_and_its_rows_sum_to_1():
    pipeline = Pipeline(MelodyEncoding(fields=("pitch",)), Markov(1, "witten_bell")).fit(Corpus.from_text(TUNE))
    matrix = inspect(pipeline).to_json()["data"]["notes"]
    assert matrix["from"] == ["start", "C4", "D4", "E4", "F4", "G4"]
    assert matrix["to"] == ["C4", "D4", "E4", "F4", "G4", "the end", "others"]
    assert matrix["heard"] == [1, 4, 2, 4, 2, 2]
    log_probs = pipeline.model.log_probs([60, 62, 64])
    assert matrix["probability"][1][1] == pytest.approx(np.exp(log_probs[1]))
    assert matrix["probability"][2][2] == pytest.approx(np.exp(log_probs[2]))
    assert np.sum(matrix["probability"], axis=1) == pytest.approx(1)
    assert np.sum(matrix["count"]) == 15


def test_rhythm_is_summed_over_and_places_are_named():
    pipeline = Pipeline(MelodyEncoding(), Markov(2)).fit(Corpus.from_text(TUNE))
    found = inspect(pipeline, Request(context="E4 F4"))
    assert found.facts["heard"] == 2
    assert rows(found, "next")[0]["next"] == "G4"
    assert rows(found, "next")[0]["learned_in"] == "text#1 bar 3, text#1 bar 4"
    assert {row["after"]: row["heard"] for row in rows(inspect(pipeline), "follows")}["C4"] == 4
    assert found.facts["left_open_bits"] > 0


def test_lengths_narrow_a_context():
    pipeline = Pipeline(MelodyEncoding(), Markov(2)).fit(Corpus.from_text(TUNE))
    assert inspect(pipeline, Request(context="G4")).facts["heard"] == 2
    assert inspect(pipeline, Request(context="1/2:G4 E4")).facts["heard"] == 1
    assert inspect(pipeline, Request(context="start")).facts["heard"] == 1
    assert inspect(pipeline, Request(context="C3 D3", middle_c="C3")).facts["after"] == "C4 D4"


def test_what_was_never_heard_falls_back():
    pipeline = Pipeline(MelodyEncoding(), PPM(2)).fit(Corpus.from_text(TUNE))
    found = inspect(pipeline, Request(context="G4 D4"))
    assert found.lines[0] == "G4 D4 was never heard in a row: what the model falls back to is D4."
    assert (found.facts["after"], found.facts["heard"]) == ("D4", 2)


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ("", "names no note; expected notes in a row"),
        ("H4", "'H4' is no pitch: expected a name such as C4"),
        ("C9", "names C9, which no training piece had: the 5 notes heard run from C4 to G4. Nearest: F4 or G4."),
        ("1/7:C4", "expected a length of the grid"),
        ("x:C4", "expected a length of the grid"),
        ("1/2:C4", "never stands so in a training piece"),
        ("C4 start", "'start' is no pitch"),
    ],
)
def test_malformed_contexts_are_refused(context, said):
    pipeline = Pipeline(MelodyEncoding(), Markov(1)).fit(Corpus.from_text(TUNE))
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        inspect(pipeline, Request(context=context))


def test_a_middle_c_that_is_none_is_refused():
    pipeline = Pipeline(MelodyEncoding(), Markov(1)).fit(Corpus.from_text(TUNE))
    with pytest.raises(UsageError, match="middle C is called 'C'; expected C4, or C3"):
        inspect(pipeline, Request(context="C4", middle_c="C"))


def test_voices_are_asked_by_the_top_one_and_holds_are_passed_over(tune):
    from symusic import Note, Track

    score = tune([(0, 2, 72), (2, 1, 74), (3, 1, 72)])
    score.tracks.append(Track("low", notes=[Note(480 * i, 480, 60 - i, 80) for i in range(4)]))
    pipeline = Pipeline(VoicesEncoding(2), Markov(1)).fit(Corpus.from_scores([score]))
    found = inspect(pipeline, Request(context="C5 D5"))
    assert (found.facts["heard"], rows(found, "next")[0]["next"]) == (1, "C5")
    held = inspect(pipeline, Request(context="start C5"))
    assert held.facts["heard"] == 2  # before the slice that holds it, and after
    assert "hold" in {row["next"] for row in rows(held, "next")}
    with pytest.raises(UsageError, match="lengths are not told note by note"):
        inspect(pipeline, Request(context="1/4:C5"))


def test_symbols_without_pitch_are_asked_by_their_labels():
    line = Line(Vocabulary((Field("token", 3, labels=("Bar", "Pitch_60", "Pitch_62")),)))
    assert line.read("start Bar Pitch_60", np.arange(3)) == Wanted((1, 0, START), (ANY, ANY, ANY))
    with pytest.raises(UnknownNameError, match="Pitch_61"):
        line.read("Pitch_61", np.arange(3))


@pytest.mark.parametrize("model", [Markov(1), Markov(2, "witten_bell"), PPM(2), PPM(None), Markov(0)], ids=repr)
def test_without_sources_the_model_tells_what_it_remembers(model, tmp_path):
    """Of pitches alone that is what the corpus told; of lengths and of places there is nothing to tell."""
    encoding = MelodyEncoding(fields=("pitch",))
    kept = Pipeline(encoding, model).fit(Corpus.from_text(TUNE))
    kept.save(tmp_path / "m.smm", sources=False)
    bare = Pipeline.load(tmp_path / "m.smm")
    whole, told = inspect(kept), inspect(bare)
    assert "without its sources" in told.lines[0]
    order = model.get_params().get("order", model.get_params().get("order_bound"))
    n = 1 if order == 0 else 2
    assert rows(told, "memory")[:n] == [
        {**row, "left_open": pytest.approx(row["left_open"])} for row in rows(whole, "memory")[:n]
    ]
    assert told.draw().axes
    if order == 0:
        with pytest.raises(UsageError, match="remembers nothing after these notes"):
            inspect(bare, Request(context="C4"))
        return
    for context in ("C4", "E4 F4"):
        here, there = (inspect(pipeline, Request(context=context)) for pipeline in (kept, bare))
        if order in {2, len(context.split())}:
            assert there.facts["heard"] == here.facts["heard"]
            for one, other in zip(rows(here, "next"), rows(there, "next"), strict=True):
                assert {**other, "learned_in": ""} == {
                    **one, "probability": pytest.approx(one["probability"]), "learned_in": ""
                }  # fmt: skip
            assert [row["share"] for row in rows(there, "orders")] == pytest.approx(
                [row["share"] for row in rows(here, "orders")]
            )


def test_without_sources_rhythm_counts_as_it_did(tmp_path):
    kept = Pipeline(MelodyEncoding(), Markov(2)).fit(Corpus.from_text(TUNE))
    kept.save(tmp_path / "m.smm", sources=False)
    bare = Pipeline.load(tmp_path / "m.smm")
    here, there = (rows(inspect(pipeline, Request(context="E4 F4")), "next") for pipeline in (kept, bare))
    assert {row["next"]: row["times"] for row in here} == {row["next"]: row["times"] for row in there}
    assert {row["learned_in"] for row in there} == {""}
    with pytest.raises(UsageError, match="without its sources"):
        inspect(bare, Request(context="1/4:C4"))
    longer = inspect(bare, Request(context="D4 E4 F4"))
    assert (longer.facts["after"], longer.lines[1]) == ("E4 F4", "It remembers 2 of these notes.")
    other = inspect(bare, Request(context="G4 D4"))
    assert other.lines[0] == "G4 D4 was never heard in a row: what the model falls back to is D4."


def test_pictures_are_repeatable_and_name_notes():
    from stochastic_music.render.plots import to_png

    pipeline = Pipeline(MelodyEncoding(), Markov(1)).fit(Corpus.from_text(TUNE))
    found = inspect(pipeline)
    figure = found.draw()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()][:2] == ["start (1)", "C4 (4)"]
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["From note to note", "From length to length"]
    assert to_png(figure) == to_png(inspect(pipeline).draw())
    after = inspect(pipeline, Request(context="C4")).draw()
    assert [axes.get_title(loc="left") for axes in after.axes] == ["What comes next", "Which orders say so"]


def test_huge_alphabets_are_told_as_far_as_there_is_room():
    vocabulary = Vocabulary.plain(5000, closed=False)
    corpus = TokenCorpus.from_sequences([np.random.default_rng(0).permutation(2000)], vocabulary)
    found = inspect(Pipeline(MelodyEncoding(), Markov(1)).fit_tokens(corpus))
    assert [row["before"] for row in rows(found, "memory")] == [0]
    assert found.draw().axes
    assert found.text()

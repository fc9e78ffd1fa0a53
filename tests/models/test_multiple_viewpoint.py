"""The contract, arithmetic by hand, leave-one-out by refitting, and a corpus that the model must understand."""

from itertools import product

import numpy as np
import pytest

from stochastic_music.corpus import Corpus, TokenCorpus, encode_corpus
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, NotFittedError, VocabularyError
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.models.viewpoints import learning
from stochastic_music.models.viewpoints.field_model import Numbering
from stochastic_music.models.viewpoints.learning import count, events_of, long_features, record
from stochastic_music.models.viewpoints.weights import PRIOR_TOTAL
from stochastic_music.testing import check_model
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import MelodyEncoding, Vocabulary

SONG = """4/4 c4 d e c c d e c e f g2 e4 f g2 g8 a g f e4 c g8 a g f e4 c c g2 c4 g2 c4"""


def pitches(*sequences, size=6, closed=False):
    return TokenCorpus.from_sequences(sequences, Vocabulary.plain(size, closed=closed, name="pitch"))


def next_probabilities(model, past):
    state = model.initial_state()
    for symbol in past:
        state = model.advance(state, np.array([symbol]))
    return np.exp(model.next_log_probs(state)[0])


@pytest.mark.parametrize("params", [{}, {"order": 1, "short_term": "none"}, {"order": 0, "viewpoints": "none"}])
def test_contract(params):
    check_model(MultipleViewpoint(**params))


def test_one_term_by_hand():
    # One piece: weights are fixed, the two terms (orders 0 and 1 of pitch) are believed 3 / 2 each.
    model = MultipleViewpoint("cpitch:1", "none").fit(pitches([0, 1, 0, 2]))
    assert not model.learned_
    # After 0: order 0 heard 0 twice, 1 and 2 once; order 1 heard 1 and 2 once. evidence = log(1 + 2 c)
    weight = PRIOR_TOTAL / 2
    scores = weight * np.array([np.log(5), 2 * np.log(3), 2 * np.log(3)])
    seen = np.exp(scores) / np.exp(scores).sum()
    # all four symbols are heard in one piece only: novelty 4.5 / 5 goes to 3, 4 and 5
    expected = [*(0.1 * seen), 0.3, 0.3, 0.3, 0.0]
    assert next_probabilities(model, [0]) == pytest.approx(expected)


def test_intervals_know_what_pitches_do_not():
    scales = pitches([0, 1, 2, 3], [5, 4, 3, 2], [2, 3, 4, 5], [1, 2, 3, 4], [4, 3, 2, 1, 0])
    model = MultipleViewpoint("cpint:2", "none").fit(scales)
    assert next_probabilities(model, [0, 1]).argmax() == 2
    assert next_probabilities(model, [5, 4]).argmax() == 3


def test_short_term_memory_learns_the_piece():
    corpus = pitches([0, 1, 0, 1, 0, 1], [2, 3, 2, 3, 2, 3], [4, 5, 4, 5, 4, 5], [1, 4, 1, 4, 1, 4], [2, 0, 2, 0, 2, 0])
    fresh = MultipleViewpoint("cpitch:0", "none").fit(corpus)
    short = MultipleViewpoint("cpitch:0", "cpitch:1-2").fit(corpus)
    past = [3, 5, 3, 5, 3]
    assert next_probabilities(short, past)[5] > 2 * next_probabilities(fresh, past)[5]


@pytest.mark.parametrize("toy", TOYS)
def test_leaving_out_is_not_having_seen(toy):
    # for every piece, the counts left are those of a corpus without it
    corpus = TOYS[toy]()
    model = MultipleViewpoint(order=2).fit(corpus)
    for plan, heard in zip(model.reader_.plans, record(model.reader_, corpus), strict=True):
        events = events_of(plan, heard)
        table, ids = count(plan, events), np.unique(events.came)
        numbering = Numbering.of(plan, table, ids, corpus.vocabulary)
        candidates = numbering.of_candidates(events.references)
        found = {}
        knows, known = np.zeros((len(events.came), plan.n_long), dtype=bool), np.ones(len(events.came), dtype=bool)
        for features in long_features(numbering, table, events, candidates, knows, known=known):
            for row, column, times in zip(*features, strict=True):
                found[int(row), int(column) // 16] = int(times)
        expected = {}
        for piece in range(len(corpus)):
            mine = events.piece == piece
            others = count(plan, type(events)(*(part[~mine] for part in events)))
            for event in np.flatnonzero(mine):
                for term, c in product(range(plan.n_long), range(len(ids))):
                    row = int(others.find(events.keys[event, term : term + 1])[0])
                    target = plan.target[term]
                    if row < 0:
                        continue
                    span = slice(others.first[row], others.first[row + 1])
                    hit = numbering(others.symbol[span], target) == candidates[event, target, c]
                    times = int(others.count[span][hit].sum())
                    if times:
                        expected[int(event) * len(ids) + c, term] = times
        assert found == expected


def test_taking_a_piece_away_leaves_the_counts_of_the_others():
    corpus = TOYS["ticking"]()
    reader = MultipleViewpoint(order=2).fit(corpus).reader_
    for f, plan in enumerate(reader.plans):
        whole, rest, one = (
            count(plan, events_of(plan, record(reader, part)[f]))
            for part in (corpus, corpus.select([0, 2]), corpus.select([1]))
        )
        left = whole.plus(one, sign=-1)
        for name in ("key", "term", "first", "symbol", "count"):
            assert np.array_equal(getattr(left, name), getattr(rest, name)), name


@pytest.mark.parametrize("toy", TOYS)
def test_adapting_counts_as_fitting_would(toy):
    corpus = TOYS[toy]()
    last = len(corpus) - 1
    model = MultipleViewpoint(order=2).fit(corpus.select(np.arange(last)))
    before = [table.copy() for table in model.to_arrays().values()]
    grown = model.adapt(corpus[last], corpus.headers[last])
    whole = MultipleViewpoint(order=2).fit(corpus)
    for mine, theirs, old in zip(grown.fields_, whole.fields_, model.fields_, strict=True):
        for name in ("key", "term", "first", "symbol", "count"):
            assert np.array_equal(getattr(mine.table, name), getattr(theirs.table, name)), name
        assert np.array_equal(mine.candidates, theirs.candidates)
        assert mine.weights is old.weights
    assert all(np.array_equal(*pair) for pair in zip(before, model.to_arrays().values(), strict=True))
    assert np.isfinite(grown.log_probs(corpus[last], corpus.headers[last])).all()


def test_adapting_checks_what_it_is_given():
    with pytest.raises(VocabularyError):
        MultipleViewpoint().fit(pitches([0, 1], [1, 0])).adapt([9])


def test_without_long_term_terms_only_the_piece_counts():
    model = MultipleViewpoint("none", "cpitch:1").fit(pitches([0, 1, 0, 1, 0], [3, 4, 3, 4, 3], [2, 5, 2, 5, 2]))
    assert not len(model.fields_[0].table.key)
    first = next_probabilities(model, [])
    assert first[:6] == pytest.approx(1 / 6)
    assert next_probabilities(model, [5, 3, 5, 3])[5] > 0.5


def test_contributions_add_up_to_the_difference_of_scores():
    corpus = TOYS["ticking"]()
    model = MultipleViewpoint(order=2).fit(corpus)
    state = model.initial_state(1, corpus.headers[0])
    for symbol in corpus[0][:-1]:
        said = model.contributions(state, np.array([symbol]))
        rows = model.next_log_probs(state)[0]
        seen = model.fields_[state.reading.field].candidates
        expected = np.exp(rows[seen]) / np.exp(rows[seen]).sum()
        assert sum(said.values())[0] == pytest.approx(rows[symbol] - expected @ rows[seen])
        state = model.advance(state, np.array([symbol]))
    assert any(name.endswith(", short") for name in said)


def test_contributions_know_only_what_was_heard():
    model = MultipleViewpoint().fit(pitches([0, 1], [1, 0]))
    with pytest.raises(VocabularyError, match="never brought"):
        model.contributions(model.initial_state(), np.array([4]))


def test_unseen_symbols_are_possible_and_unlikely():
    model = MultipleViewpoint().fit(pitches([0, 1, 2, 1], [0, 1, 2, 0], [2, 1, 0], size=5))
    row = next_probabilities(model, [0])
    assert 0 < row[3] == row[4] < 0.05


def test_restricted_to_what_it_heard():
    model = MultipleViewpoint().fit(pitches([0, 1, 2, 1], [0, 1, 2, 0], size=5))
    narrow = model.restricted(model.vocabulary_.restrict([0, 1, 2]))
    row = next_probabilities(narrow, [0])
    assert row[:3].sum() == pytest.approx(1)
    assert next_probabilities(model, [0])[4] > 0
    with pytest.raises(VocabularyError):
        model.restricted(model.vocabulary_.restrict([0, 1]))


def test_equal_pieces_and_single_notes():
    model = MultipleViewpoint().fit(pitches([1], [1], [1], closed=True))
    assert next_probabilities(model, [])[1] > 0.5
    assert next_probabilities(model, [1])[6] > 0.5


def scales_and_noise(n_pieces=24):
    """Scales, up or down, from anywhere: intervals tell everything, pitches and the number of the note little."""
    random = np.random.default_rng(5)
    runs = [np.cumsum([random.integers(10, 20), *([random.choice([-1, 1])] * 8)]) for _ in range(n_pieces)]
    return pitches(*(run.tolist() for run in runs), size=30)


def test_what_gains_nothing_is_not_kept():
    corpus = scales_and_noise()
    model = MultipleViewpoint("cpint:1,contour|events,cpitch|events", "none").fit(corpus)
    gains = model.gains_["pitch"]
    gain = dict(zip(gains.parts, gains.gain, strict=True))
    assert gain["cpint:1"] > 0.5 > gain["cpitch|events"]
    dropped = {part for part, kept in zip(gains.parts, gains.kept, strict=True) if not kept}
    assert "cpint:1" not in dropped
    assert dropped
    silent = [part in dropped for part in model.fields_[0].plan.parts]
    assert (model.fields_[0].weights.believed[silent] == 0).all()
    everything = MultipleViewpoint("cpint:1,contour|events,cpitch|events", "none", choose=False).fit(corpus)
    assert everything.gains_["pitch"].kept.all()
    assert model.log_prob([12, 13, 14, 15]) >= everything.log_prob([12, 13, 14, 15]) - 0.1


def test_what_was_not_kept_is_as_if_it_had_not_been_named():
    corpus = scales_and_noise()
    chosen = MultipleViewpoint("cpint:1,contour|events,cpitch|events", "none").fit(corpus)
    gains = chosen.gains_["pitch"]
    named = ",".join(part for part, kept in zip(gains.parts, gains.kept, strict=True) if kept)
    plain = MultipleViewpoint(named, "none", choose=False).fit(corpus)
    past = [12, 13, 14]
    assert next_probabilities(chosen, past) == pytest.approx(next_probabilities(plain, past), abs=0.02)


def test_few_pieces_leave_nothing_out():
    corpus = scales_and_noise(7)
    assert MultipleViewpoint("cpint:1,contour|events,cpitch|events", "none").fit(corpus).gains_["pitch"].kept.all()


def test_short_term_memory_alone():
    model = MultipleViewpoint("none", "cpitch:1-2").fit(pitches([0, 1, 0, 1], [2, 3, 2, 3], [4, 5, 4, 5]))
    assert next_probabilities(model, [3, 5, 3, 5, 3]).argmax() == 5


def test_a_subset_of_events_is_drawn_by_the_seed():
    random = np.random.default_rng(0)
    corpus = pitches(*random.integers(0, 6, (12, 8)).tolist())
    one, again, other = (MultipleViewpoint(max_events=20, seed=seed).fit(corpus) for seed in (1, 1, 2))
    assert np.array_equal(one.fields_[0].weights.believed, again.fields_[0].weights.believed)
    assert not np.array_equal(one.fields_[0].weights.believed, other.fields_[0].weights.believed)
    whole = MultipleViewpoint().fit(corpus)
    for model in (one, other):
        for name in ("key", "first", "symbol", "count"):
            assert np.array_equal(getattr(model.fields_[0].table, name), getattr(whole.fields_[0].table, name))


def test_a_corpus_read_in_portions_is_counted_whole(monkeypatch):
    random = np.random.default_rng(0)
    corpus = pitches(*(random.integers(0, 6, n).tolist() for n in (3, 9, 5, 2, 30, 7, 4)))
    whole = MultipleViewpoint("cpitch:2", "none", max_events=4).fit(corpus)
    monkeypatch.setattr(learning, "_PORTION", 12)
    parts = list(learning.portions(corpus))
    assert len(parts) > 3
    assert sorted(name for part in parts for name in map(len, part)) == sorted(map(len, corpus))
    assert all(len(part) == 1 or part.padded().size <= 12 for part in parts)
    portioned = MultipleViewpoint("cpitch:2", "none", max_events=4).fit(corpus)
    for name in ("key", "term", "first", "symbol", "count"):
        assert np.array_equal(getattr(portioned.fields_[0].table, name), getattr(whole.fields_[0].table, name))


def test_enough_events_are_drawn_and_no_more():
    corpus = pitches(*([[0, 1, 2]] * 10))
    drawn, others = learning.draw(corpus, learning.Lesson(1.0, 7, 0, choose=False))
    assert (drawn.n_events, others.n_events) == (9, 21)
    whole, none = learning.draw(corpus, learning.Lesson(1.0, 30, 0, choose=False))
    assert (whole.n_events, none.n_events) == (30, 0)


def test_melodies_are_composed_whole():
    encoding = MelodyEncoding()
    tokens, _ = encode_corpus(Corpus.from_text("\n\n".join([SONG, SONG.replace("g2", "f2")])), encoding)
    model = MultipleViewpoint(order=2).fit(tokens.seen())
    [piece] = model.sample(1, seed=1, header=tokens.headers[0], max_events=60)
    assert set(encoding.columns(piece.symbols)["duration"]) <= {6, 12, 24}


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"order": 17}, "order is 17"),
        ({"order": 1.5}, "order is 1.5"),
        ({"penalty": 0}, "penalty is 0"),
        ({"max_events": 0}, "max_events is 0"),
        ({"viewpoints": "cpint|cpint"}, "before it is known"),
    ],
)
def test_parameters_are_checked(params, says):
    with pytest.raises(InvalidParameterError, match=says):
        MultipleViewpoint(**params).fit(pitches([0, 1]))


def test_nothing_to_learn_from():
    with pytest.raises(EmptyCorpusError):
        MultipleViewpoint().fit(pitches())
    with pytest.raises(NotFittedError):
        MultipleViewpoint().to_arrays()

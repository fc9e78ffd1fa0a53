"""Hidden Markov models against every path of toy models, engines against each other, and odd input."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stochastic_music as sm
from stochastic_music import _optional
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    MissingExtraError,
    NotFittedError,
    UnknownNameError,
    UnsatisfiableError,
    UsageError,
    VocabularyError,
)
from stochastic_music.models.contexts import listen
from stochastic_music.models.hmm import HMM, array_engine, filtering, observations
from stochastic_music.models.hmm.engines import engine_of
from stochastic_music.models.hmm.observations import (
    NO_MARKS,
    declared,
    marks_of,
    observed,
    packed,
    table_shapes,
    table_sizes,
)
from stochastic_music.models.hmm.parameters import Parameters, base_distribution, priors, random_start
from stochastic_music.protocols import HiddenChain, LatentStateModel
from stochastic_music.sampling import chains
from stochastic_music.testing import check_model
from stochastic_music.testing.check_model import LEVEL, chi_square
from stochastic_music.testing.toys import TOYS, ticking, two_fields
from stochastic_music.tokens import Field, Header, Vocabulary

ONE = Vocabulary.plain(3)
OPEN = Vocabulary.plain(3, closed=False)
TWO = Vocabulary((Field("shape", 2), Field("color", 3)))
#: a sequence for each vocabulary, END last where there is one
SEQUENCES = [
    pytest.param(ONE, [0, 2, 1, 3], id="one field"),
    pytest.param(OPEN, [0, 2, 1, 1], id="without END"),
    pytest.param(TWO, [0, 4, 1, 3, 1, 2, 5], id="two fields"),
    pytest.param(TWO, [0, 4, 1], id="an event that breaks off"),
    pytest.param(ONE, [3], id="END alone"),
    pytest.param(OPEN, [1], id="one symbol"),
    pytest.param(OPEN, [], id="nothing"),
]


def random_parameters(vocabulary, n_states=3, seed=0, topology="full"):
    bases = [mask / mask.sum() for mask in declared(vocabulary)]
    prior = priors(topology, n_states, bases, start=0, transition=0, emission=0, stickiness=0)
    return random_start(prior, bases, np.random.default_rng(seed))


def model_of(vocabulary, parameters, marks=NO_MARKS):
    n_states = parameters.n_states
    arrays = {
        "startprob": parameters.start,
        "transmat": parameters.transitions,
        "marks": marks,
        "places": np.full((n_states, len(marks) + 1), 1 / (len(marks) + 1)),
        "occupancy": np.full(n_states, 1 / n_states),
        "dead": np.zeros(0, dtype=np.int64),
        "choices": np.zeros((0, 6)),
        "run": np.array([0.0, 0.0, 1.0]),
    }
    arrays |= {f"emissions.{f.name}": t for f, t in zip(vocabulary.fields, parameters.emissions, strict=True)}
    return HMM(n_states).from_arrays(arrays, vocabulary)


def events_of(vocabulary, sequence):
    """The sequence as events of (field, column) pairs; END is one of its own."""
    events = []
    for i in range(0, len(sequence), vocabulary.n_fields):
        chunk = sequence[i : i + vocabulary.n_fields]
        if chunk[0] == vocabulary.end:
            events.append([(0, vocabulary.fields[0].size)])
        else:
            events.append([(f, s - int(vocabulary.starts[f])) for f, s in enumerate(chunk)])
    return events


def every_path(parameters, vocabulary, sequence):
    """Path -> joint probability with the sequence, by multiplying all of its factors."""
    events = events_of(vocabulary, sequence)
    joint = {}
    for path in product(range(parameters.n_states), repeat=len(events)):
        p = 1.0
        for t, (state, event) in enumerate(zip(path, events, strict=True)):
            p *= parameters.transitions[path[t - 1], state] if t else parameters.start[state]
            p *= math.prod(parameters.emissions[f][state, column] for f, column in event)
        joint[path] = p
    return joint


# --- enumeration ---


@pytest.mark.parametrize("n_states", [1, 2, 3])
@pytest.mark.parametrize(("vocabulary", "sequence"), SEQUENCES)
def test_the_likelihood_is_the_sum_over_all_paths(vocabulary, sequence, n_states):
    parameters = random_parameters(vocabulary, n_states)
    model = model_of(vocabulary, parameters)
    total = sum(every_path(parameters, vocabulary, sequence).values())
    assert model.log_prob(sequence) == pytest.approx(math.log(total), abs=1e-12)
    assert chains.log_partition(model.chain(sequence)) == pytest.approx(math.log(total), abs=1e-12)


@pytest.mark.parametrize(("vocabulary", "sequence"), SEQUENCES)
def test_posteriors_are_those_of_all_paths(vocabulary, sequence):
    parameters = random_parameters(vocabulary)
    joint = every_path(parameters, vocabulary, sequence)
    n_events = len(next(iter(joint)))
    expected = np.zeros((n_events, 3))
    for path, p in joint.items():
        expected[np.arange(n_events), list(path)] += p / sum(joint.values())
    assert np.allclose(model_of(vocabulary, parameters).predict_proba(sequence), expected, atol=1e-12)


@pytest.mark.parametrize("n_known", [1, 2, 3])
def test_durations_are_heard_in_the_light_of_the_clock(n_known):
    corpus = ticking().select([2])  # it has a pickup: two places in the bar
    vocabulary, mark = corpus.vocabulary, listen(corpus).mark
    marks = np.sort(np.append(marks_of(corpus), 7))[-n_known:]  # of which one is never heard, or one is not known
    bases = [np.full(shape, 1 / shape[-1]) for shape in table_shapes(vocabulary, marks)]
    prior = priors("full", 3, bases, start=0, transition=0, emission=0, stickiness=0)
    parameters = random_start(prior, bases, np.random.default_rng(n_known))
    model = model_of(vocabulary, parameters, marks)
    total, symbols = 0.0, corpus.symbols.tolist()
    for path in product(range(3), repeat=3):  # two notes and END
        p = 1.0
        for t, state in enumerate(path):
            p *= parameters.transitions[path[t - 1], state] if t else parameters.start[state]
            known = np.flatnonzero(marks == mark[2 * t]).tolist() or [len(marks)]
            duration = 2 if symbols[2 * t] == vocabulary.end else symbols[2 * t]
            p *= parameters.emissions[0][state, known[0], duration]
            p *= parameters.emissions[1][state, symbols[2 * t + 1] - 2] if duration < 2 else 1
        total += p
    assert model.corpus_log_probs(corpus).sum() == pytest.approx(math.log(total), abs=1e-12)
    assert chains.log_partition(model.chain(corpus[0], corpus.headers[0])) == pytest.approx(math.log(total), abs=1e-12)
    state, rows = model.initial_state(1, corpus.headers), []
    for symbol in symbols:
        rows.append(model.next_log_probs(state)[0, symbol])
        state = model.advance(state, np.array([symbol]))
    assert np.allclose(rows, model.corpus_log_probs(corpus), atol=1e-12)


def test_states_that_hear_the_clock_keep_the_bar():
    # two units, then one and one, in every bar of four; one state is enough to know that by the place
    vocabulary = Vocabulary((Field("duration", 2, first=1, advances="later"),), resolution=1)
    bars = TokenCorpus.from_sequences([[1, 0, 0, 1, 0, 0, 1, 0, 0]] * 9, vocabulary, headers=[Header(1)] * 9)
    hearing, deaf = (HMM(1, n_restarts=1, clock=clock).fit(bars) for clock in (True, False))
    assert deaf.marks_.tolist() == []
    assert deaf.emissions_[0].shape == (1, 3)
    late = hearing.initial_state(1, Header(1, pickup=2))  # a piece that begins in the middle of a bar
    short = [np.exp(hearing.next_log_probs(late))[0, 0]]
    for symbol in (0, 0, 1):
        late = hearing.advance(late, np.array([symbol]))
        short.append(np.exp(hearing.next_log_probs(late))[0, 0])
    assert [p > 0.9 for p in short] == [True, True, False, True]
    assert np.exp(deaf.next_log_probs(deaf.initial_state()))[0, 0] < 0.7


@pytest.mark.parametrize("engine", ["hmmlearn", "pomegranate"])
def test_engines_that_do_not_hear_the_clock_say_so(engine):
    vocabulary = Vocabulary((Field("duration", 2, first=1, advances="later"),), resolution=1)
    bars = TokenCorpus.from_sequences([[1, 0, 0]] * 3, vocabulary)
    with pytest.raises(InvalidParameterError, match="clock=False"):
        HMM(1, engine=engine).fit(bars)


@pytest.mark.parametrize("topology", ["full", "left_to_right"])
@pytest.mark.parametrize(("vocabulary", "sequence"), SEQUENCES)
def test_viterbi_finds_the_best_of_all_paths(vocabulary, sequence, topology):
    for seed in range(5):
        parameters = random_parameters(vocabulary, seed=seed, topology=topology)
        joint = every_path(parameters, vocabulary, sequence)
        found = model_of(vocabulary, parameters).decode(sequence)
        assert joint[tuple(found.tolist())] == pytest.approx(max(joint.values()), rel=1e-12)


def test_nothing_has_no_states():
    model = model_of(ONE, random_parameters(ONE))
    assert model.decode([]).shape == (0,)
    assert model.predict_proba([]).shape == (0, 3)
    assert model.sample_states([], 2, seed=1).shape == (2, 0)


def test_of_equally_likely_paths_the_first_state_wins():
    same = Parameters(np.full(3, 1 / 3), np.full((3, 3), 1 / 3), (np.full((3, 4), 1 / 4),))
    assert model_of(ONE, same).decode([0, 1, 2, 3]).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("vocabulary", [ONE, TWO], ids=["one field", "two fields"])
def test_paths_are_drawn_as_often_as_they_are_likely(vocabulary):
    # a correct sampler fails with probability LEVEL, 1e-4, once and for all seeds
    sequence = [0, 2, 1, 3] if vocabulary is ONE else [0, 4, 1, 3, 1, 2, 5]
    parameters = random_parameters(vocabulary, seed=4)
    joint = every_path(parameters, vocabulary, sequence)
    drawn = model_of(vocabulary, parameters).sample_states(sequence, 4000, seed=7)
    places = {path: i for i, path in enumerate(joint)}
    counts = np.bincount([places[tuple(row)] for row in drawn.tolist()], minlength=len(joint))
    probabilities = np.array(list(joint.values())) / sum(joint.values())
    assert chi_square(counts, probabilities) > LEVEL
    # what the filter alone says, without what comes later, must be refused
    alone = np.prod([filter_of(parameters, vocabulary, sequence)[t, list(p)] for t, p in by_time(joint)], axis=0)
    assert chi_square(counts, alone / alone.sum()) < LEVEL


def by_time(joint):
    return list(enumerate(zip(*joint, strict=True)))


def filter_of(parameters, vocabulary, sequence):
    width = vocabulary.n_fields
    ends = [min((i + 1) * width, len(sequence)) for i in range(-(-len(sequence) // width))]
    model = model_of(vocabulary, parameters)
    return np.array([model.predict_proba(sequence[:end])[-1] for end in ends])


def test_a_drawn_path_does_not_depend_on_how_many_are_drawn():
    model = model_of(ONE, random_parameters(ONE))
    sequence = [0, 2, 1, 1, 0, 3]
    assert np.array_equal(model.sample_states(sequence, 2, seed=1), model.sample_states(sequence, 9, seed=1)[:2])
    assert not np.array_equal(model.sample_states(sequence, 9, seed=1), model.sample_states(sequence, 9, seed=2))


@given(st.integers(0, 10**6), st.integers(1, 4), st.lists(st.lists(st.integers(0, 2), max_size=6), max_size=5))
@settings(max_examples=40, deadline=None)
def test_pieces_together_come_out_as_each_alone(seed, n_states, pieces):
    parameters = random_parameters(ONE, n_states, seed)
    model, corpus = model_of(ONE, parameters), TokenCorpus.from_sequences(pieces, ONE)
    apart = list(corpus)
    posterior, path = model.corpus_predict_proba(corpus), model.corpus_decode(corpus)
    if not apart:
        return
    assert np.allclose(posterior, np.concatenate([model.predict_proba(part) for part in apart]), atol=1e-12)
    assert np.allclose(model.corpus_log_probs(corpus), np.concatenate([model.log_probs(part) for part in apart]))
    joints = [every_path(parameters, ONE, part.tolist()) for part in apart]
    paths = np.split(path, np.cumsum(corpus.lengths)[:-1])
    for joint, states in zip(joints, paths, strict=True):
        assert joint[tuple(states.tolist())] == pytest.approx(max(joint.values()), rel=1e-9)


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_batches_hold_every_event_once_and_in_order(lengths, at_most):
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    seen = []
    for batch in packed(offsets, at_most):
        rows = np.diff(batch.starts)
        assert (np.diff(rows) <= 0).all()
        for t in range(batch.n_steps):
            here = batch.order[batch.starts[t] : batch.starts[t + 1]]
            assert np.array_equal(here, offsets[batch.pieces[: len(here)]] + t)
            seen += here.tolist()
    assert sorted(seen) == list(range(sum(lengths)))


# --- learning ---


def expected_counts(parameters, vocabulary, corpus):
    """What one E-step expects, over every path of every piece."""
    start, steps = np.zeros(3), np.zeros((3, 3))
    emitted = [np.zeros_like(table) for table in parameters.emissions]
    for piece in corpus:
        joint = every_path(parameters, vocabulary, piece.tolist())
        for path, p in joint.items():
            share = p / sum(joint.values())
            for t, (state, event) in enumerate(zip(path, events_of(vocabulary, piece.tolist()), strict=True)):
                if t:
                    steps[path[t - 1], state] += share
                else:
                    start[state] += share
                for f, column in event:
                    emitted[f][state, column] += share
    return start, steps, emitted


@pytest.mark.parametrize("vocabulary", [ONE, TWO], ids=["one field", "two fields"])
def test_the_e_step_is_that_of_all_paths(vocabulary):
    pieces = [[0, 2, 1], [1], [], [2, 2, 0, 1]] if vocabulary is ONE else [[0, 4, 1, 3, 1, 2], [1, 2], []]
    corpus = TokenCorpus.from_sequences(pieces, vocabulary)
    parameters = random_parameters(vocabulary, seed=3)
    counts = array_engine.ArrayEngine(observed(corpus), table_sizes(vocabulary), 3).expect(parameters)
    start, steps, emitted = expected_counts(parameters, vocabulary, corpus)
    assert np.allclose(counts.start, start, atol=1e-12)
    assert np.allclose(counts.transitions, steps, atol=1e-12)
    for found, table in zip(counts.emissions, emitted, strict=True):
        assert np.allclose(found, table, atol=1e-12)
    assert counts.log_likelihood == pytest.approx(model_of(vocabulary, parameters).corpus_log_probs(corpus).sum())


def random_corpus(n_pieces=30, size=5, seed=1, lengths=(0, 1, 6, 17)):
    generator = np.random.default_rng(seed)
    rows = [generator.integers(0, size, n) for n in generator.choice(lengths, n_pieces)]
    return TokenCorpus.from_sequences(rows, Vocabulary.plain(size))


def stepped(engine, corpus, start, prior, n_steps):
    worker = engine_of(engine, "numpy", observed(corpus), table_sizes(corpus.vocabulary), len(start.start))
    parameters, log_likelihoods = start, []
    for _ in range(n_steps):
        parameters, log_likelihood = worker.step(parameters, prior)
        log_likelihoods.append(log_likelihood)
    return parameters, np.array(log_likelihoods)


@pytest.mark.parametrize(("engine", "within"), [("hmmlearn", 1e-6), ("pomegranate", 1e-4)])
@pytest.mark.parametrize("pseudo", [0.0, 0.3])
@pytest.mark.parametrize("topology", ["full", "left_to_right", "sticky"])
def test_engines_agree_after_the_same_steps(engine, within, pseudo, topology):
    if not _optional.available(engine):
        pytest.skip(f"{engine} is not installed")
    corpus = random_corpus()
    bases = [np.full(6, 1 / 6)]
    prior = priors(topology, 4, bases, start=pseudo, transition=pseudo, emission=pseudo, stickiness=20 * pseudo)
    start = random_start(prior, bases, np.random.default_rng(5))
    ours, theirs = (stepped(name, corpus, start, prior, 8) for name in ("array", engine))
    assert np.allclose(ours[1], theirs[1], rtol=within, atol=0)
    for mine, other in zip((*ours[0][:2], *ours[0].emissions), (*theirs[0][:2], *theirs[0].emissions), strict=True):
        assert np.allclose(mine, other, rtol=within, atol=1e-12)
    assert not np.allclose(ours[0].emissions[0], start.emissions[0], rtol=0.01)  # something was learned


@pytest.mark.parametrize("engine", ["hmmlearn", "pomegranate"])
def test_whole_fits_agree_whoever_computes_them(engine):
    if not _optional.available(engine):
        pytest.skip(f"{engine} is not installed")
    corpus = random_corpus(12)
    fits = [HMM(2, engine=name, n_iterations=6, n_restarts=2, tolerance=0).fit(corpus) for name in ("array", engine)]
    assert np.allclose(fits[0].emissions_[0], fits[1].emissions_[0], rtol=1e-4)


@pytest.mark.parametrize("topology", ["full", "left_to_right", "sticky"])
def test_every_step_raises_the_objective(topology):
    corpus = random_corpus(seed=8)
    bases = [np.full(6, 1 / 6)]
    prior = priors(topology, 4, bases, start=0.2, transition=0.2, emission=0.5, stickiness=3)
    parameters = random_start(prior, bases, np.random.default_rng(0))
    worker = engine_of("array", "numpy", observed(corpus), table_sizes(corpus.vocabulary), 4)
    objectives = []
    for _ in range(15):
        after, log_likelihood = worker.step(parameters, prior)
        objectives.append(log_likelihood + prior.log_density(parameters))
        parameters = after
    assert (np.diff(objectives) > -1e-9).all()
    assert objectives[-1] > objectives[0] + 1


@pytest.mark.parametrize("engine", ["hmmlearn", "pomegranate"])
def test_several_fields_are_for_the_array_engine(engine):
    with pytest.raises(InvalidParameterError, match="use engine='array'"):
        HMM(2, engine=engine).fit(two_fields())


def test_a_missing_engine_is_named_with_its_pip_line():
    if _optional.available("pomegranate"):
        pytest.skip("pomegranate is installed")
    with pytest.raises(MissingExtraError, match="pip install"):
        HMM(2, engine="pomegranate").fit(random_corpus())


def test_two_voices_of_a_text_are_told_apart():
    # the states of the text are known: runs of low symbols, and runs of high ones
    generator = np.random.default_rng(2)
    truth = [np.repeat(generator.permutation(2), generator.integers(8, 14, 2)) for _ in range(40)]
    pieces = [generator.integers(0, 3, len(states)) + 3 * states for states in truth]
    corpus = TokenCorpus.from_sequences(pieces, Vocabulary.plain(6, closed=False))
    found = HMM(2, seed=3).fit(corpus).corpus_decode(corpus)
    same = (found == np.concatenate(truth)).mean()
    assert max(same, 1 - same) > 0.99


def test_left_to_right_starts_at_state_0_and_never_goes_back():
    corpus = random_corpus()
    model = HMM(4, topology="left_to_right", n_restarts=1, n_iterations=10).fit(corpus)
    assert model.startprob_.tolist() == [1, 0, 0, 0]
    assert not np.tril(model.transmat_, -1).any()
    assert (np.diff(model.decode(corpus[0])) >= 0).all()
    drawn = model.sample_states(corpus[0], 20, seed=1)
    assert (drawn[:, 0] == 0).all()
    assert (np.diff(drawn, axis=1) >= 0).all()


def test_a_sticky_model_stays_longer():
    corpus = random_corpus()
    settings = {"n_restarts": 1, "n_iterations": 20}
    free, sticky = (HMM(3, topology=name, **settings).fit(corpus) for name in ("full", "sticky"))
    assert np.diag(sticky.transmat_).min() > max(0.5, np.diag(free.transmat_).mean())


def test_given_states_are_counted():
    # starts: 0 twice. Steps: 0-1 once, 1-1 once (END goes to the last state), 0-0 once; pseudo-counts are 0
    corpus = TokenCorpus.from_sequences([[0, 2], [1]], ONE)
    plain = {"start_prior": 0, "transition_prior": 0, "emission_prior": 0}
    model = HMM(2, **plain).fit(corpus, states=[[0, 1], [0]])
    assert model.startprob_.tolist() == [1, 0]
    assert model.transmat_.tolist() == [[0.5, 0.5], [0, 1]]
    # state 0 plays 0, 1 and END once each, state 1 plays 2 and END
    assert model.emissions_[0] == pytest.approx(np.array([[1, 1, 0, 1], [0, 0, 1.5, 1.5]]) / 3)
    again = HMM(2, **plain).fit(corpus, states=[[0, 1, 1], [0, 0]])
    assert np.array_equal(again.emissions_[0], model.emissions_[0])
    assert model.converged_
    assert model.log_likelihood_ == pytest.approx(model.corpus_log_probs(corpus).sum())


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([[0, 1]], "1 pieces arrived for 2"),
        ([[0], [0]], "has 1 states; expected one an event, 2"),
        ([[0, 5], [0]], "go up to 5"),
        ([[0, -1], [0]], "below 0"),
    ],
)
def test_states_that_do_not_fit_are_refused(states, message):
    corpus = TokenCorpus.from_sequences([[0, 2], [1]], ONE)
    with pytest.raises(UsageError, match=message):
        HMM(2).fit(corpus, states=states)


def test_given_states_keep_to_the_topology():
    with pytest.raises(UsageError, match="left_to_right"):
        HMM(2, topology="left_to_right").fit(TokenCorpus.from_sequences([[0, 2]], ONE), states=[[1, 0]])


def test_equal_seeds_give_equal_models():
    corpus = random_corpus()
    arrays = [HMM(3, seed=seed, n_iterations=8).fit(corpus).to_arrays() for seed in (4, 4, 5)]
    assert all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])
    assert not np.array_equal(arrays[0]["transmat"], arrays[2]["transmat"])


def test_more_restarts_never_end_lower():
    corpus = random_corpus()
    ends = [HMM(4, n_restarts=n, n_iterations=15, emission_prior=0.0).fit(corpus).log_likelihood_ for n in (1, 3, 6)]
    assert ends == sorted(ends)


# --- how many states ---


def changing(n_pieces=60):
    """A text of three states that last, each with two symbols of its own."""
    generator = np.random.default_rng(11)
    pieces = []
    for _ in range(n_pieces):
        states = np.repeat(generator.integers(0, 3, 5), generator.integers(4, 9, 5))
        pieces.append(2 * states + generator.integers(0, 2, len(states)))
    return TokenCorpus.from_sequences(pieces, Vocabulary.plain(6))


def test_the_number_of_states_is_found():
    model = HMM("1,2,3,4", n_restarts=3, seed=1).fit(changing())
    assert model.n_states_ in {3, 4}
    rows = {row.n_states: row for row in model.choices_}
    assert set(rows) == {1, 2, 3, 4}
    assert rows[3].held_out > rows[2].held_out + 0.02
    assert min(rows.values(), key=lambda row: row.bic).n_states in {3, 4}
    for row in rows.values():  # AIC = 2 n - 2 L and BIC = n log(events) - 2 L share L
        log_likelihood = row.n_parameters - row.aic / 2
        n_events = log_likelihood / row.in_sample
        assert row.bic == pytest.approx(row.n_parameters * math.log(n_events) - 2 * log_likelihood)
    assert any("held-out likelihood" in remark for remark in model.remarks(changing()))


def test_a_choice_at_the_edge_is_said():
    corpus = changing()
    said = "the most that was tried"
    assert any(said in remark for remark in HMM("1,2", n_restarts=1).fit(corpus).remarks(corpus))
    assert not any(said in remark for remark in HMM(2, n_restarts=1).fit(corpus).remarks(corpus))


@pytest.mark.parametrize("criterion", ["aic", "bic"])
def test_criteria_choose_by_their_least(criterion):
    model = HMM("1,2,3", n_restarts=1, n_iterations=20, criterion=criterion).fit(changing())
    assert model.n_states_ == min(model.choices_, key=lambda row: getattr(row, criterion)).n_states


def test_one_piece_leaves_the_choice_to_bic():
    corpus = changing(1)
    model = HMM([1, 2], n_restarts=1).fit(corpus)
    assert all(row.held_out is None for row in model.choices_)
    assert model.n_states_ == min(model.choices_, key=lambda row: row.bic).n_states
    assert any("BIC" in remark for remark in model.remarks(corpus))


def test_numbers_learned_by_hand():
    # full, 2 states: 1 of the start, 2 of steps, and for each state 3 of the 4 symbols that came (END among them)
    corpus = TokenCorpus.from_sequences([[0, 1, 2], [0]] * 5, Vocabulary.plain(9))
    model = HMM("2,3", n_restarts=1, n_iterations=2).fit(corpus)
    assert [row.n_parameters for row in model.choices_] == [1 + 2 + 6, 2 + 6 + 9]


# --- odd input ---


def test_a_state_that_dies_is_said_and_plays_what_the_prior_says():
    # states left to right never reach the last of many in pieces of one event
    corpus = TokenCorpus.from_sequences([[0], [1]], OPEN)
    model = HMM(3, topology="left_to_right", n_restarts=1).fit(corpus)
    assert model.dead_ == [1, 2]
    assert "States 1, 2 died" in " ".join(model.remarks(corpus))
    assert np.allclose(model.emissions_[0][1], base_distribution(np.array([1.0, 1, 0]), np.ones(3, dtype=bool)))
    assert np.isfinite(model.log_prob([0, 1, 2]))


@pytest.mark.parametrize("engine", ["array", "hmmlearn"])
def test_without_priors_a_dead_state_stays_as_it_was(engine):
    corpus = TokenCorpus.from_sequences([[0], [1]], OPEN)
    none = {"start_prior": 0, "transition_prior": 0, "emission_prior": 0}
    model = HMM(2, topology="left_to_right", engine=engine, n_restarts=1, **none).fit(corpus)
    assert model.dead_ == [1]
    for rows in (model.transmat_, *model.emissions_):
        assert rows.sum(axis=1) == pytest.approx(np.ones(2))


def test_more_states_than_symbols_are_said():
    corpus = TokenCorpus.from_sequences([[0, 1, 0, 1]] * 3, ONE)
    model = HMM(9, n_restarts=1).fit(corpus)
    assert any("9 states for 3 kinds of events" in remark for remark in model.remarks(corpus))
    assert model.log_prob([0, 1, 3]) < 0


def test_pieces_of_no_and_one_event_are_learned_from():
    closed, open_ended = (TokenCorpus.from_sequences([[], [1], [], [2]], v) for v in (ONE, OPEN))
    for corpus in (closed, open_ended):
        model = HMM(2, n_restarts=1).fit(corpus)
        assert np.isfinite(model.score(corpus))
        assert np.exp(model.log_prob(corpus[0])) == pytest.approx(0.5 if corpus is closed else 1, abs=0.2)
    assert HMM(2).fit(TokenCorpus.from_sequences([[]], ONE)).decode([3]).shape == (1,)


def test_nothing_to_learn_from_is_an_error():
    for pieces in ([], [[], []]):
        with pytest.raises(EmptyCorpusError):
            HMM(2).fit(TokenCorpus.from_sequences(pieces, OPEN))


def test_unseen_symbols_have_mass_and_undeclared_ones_are_errors():
    corpus = TokenCorpus.from_sequences([[0, 1, 0, 1]] * 3, Vocabulary.plain(5).restrict([0, 1, 2]))
    model = HMM(2, n_restarts=1).fit(corpus)
    assert -20 < model.log_prob([0, 2, 5]) < model.log_prob([0, 1, 5])
    for wrong in ([0, 3, 5], [0, 9], [-1]):
        with pytest.raises(VocabularyError):
            model.log_prob(wrong)
        with pytest.raises(VocabularyError):
            model.decode(wrong)


def test_an_impossible_sequence_is_said():
    corpus = TokenCorpus.from_sequences([[0, 1]] * 3, ONE)
    model = HMM(1, emission_prior=0.0).fit(corpus)
    assert model.log_prob([0, 2, 3]) == -np.inf
    for ask in (model.decode, model.predict_proba, model.sample_states):
        for sequence in ([0, 2, 3], [0, 2, 0, 1, 0, 1, 3]):
            with pytest.raises(UnsatisfiableError, match="emission_prior"):
                ask(sequence)
    assert model_of(TWO, random_parameters(TWO)).log_prob([0, 1]) == -np.inf  # a color was due


@pytest.mark.parametrize(
    "params",
    [
        {"n_states": 0},
        {"n_states": "many"},
        {"n_states": []},
        {"n_states": "5..2"},
        {"n_states": 2.5},
        {"n_restarts": 0},
        {"n_iterations": -1},
        {"tolerance": -0.1},
        {"emission_prior": math.inf},
        {"stickiness": -1},
    ],
)
def test_parameters_outside_their_range(params):
    [name] = params
    with pytest.raises(InvalidParameterError, match=name):
        HMM(**params).fit(random_corpus())


@pytest.mark.parametrize(
    "params", [{"engine": "arrays"}, {"topology": "stickey"}, {"backend": "numpi"}, {"criterion": "bik"}]
)
def test_unknown_names_name_the_nearest(params):
    with pytest.raises(UnknownNameError, match="did you mean"):
        HMM(2, **params).fit(random_corpus())


def test_unfitted_use():
    for ask in (lambda m: m.decode([0]), lambda m: m.startprob_, lambda m: m.state_report(), lambda m: m.to_arrays()):
        with pytest.raises(NotFittedError):
            ask(HMM())


# --- contracts, files, alphabets, reports ---


@pytest.mark.parametrize(
    "params",
    [
        {"n_states": 3},
        {"n_states": 2, "topology": "left_to_right"},
        {"n_states": 3, "topology": "sticky"},
        {"n_states": "1,2"},
        {"n_states": 2, "emission_prior": 0.0},
    ],
    ids=str,
)
def test_contract(params):
    check_model(HMM(n_restarts=1, n_iterations=8, **params))


def test_the_contracts_of_latent_states():
    model = HMM(2, n_restarts=1).fit(TOYS["two_fields"]())
    assert isinstance(model, HiddenChain)
    assert isinstance(model, LatentStateModel)
    assert sm.HMM is HMM


@pytest.mark.parametrize("toy", list(TOYS))
def test_the_chain_says_what_the_model_says(toy):
    corpus = TOYS[toy]()
    model = HMM(3, n_restarts=1).fit(corpus)
    chain = model.chain(corpus[0], corpus.headers[0])
    assert chains.log_partition(chain) == pytest.approx(model.log_prob(corpus[0], corpus.headers[0]))
    assert np.allclose(chains.marginals(chain), model.predict_proba(corpus[0], corpus.headers[0]), atol=1e-12)
    assert np.array_equal(chains.best_path(chain), model.decode(corpus[0], corpus.headers[0]))


def test_a_row_comes_out_the_same_in_any_batch():
    model = model_of(TWO, random_parameters(TWO, 5))
    alone, crowd = model.initial_state(1), model.initial_state(300)
    for symbol in (0, 3, 1):
        assert np.array_equal(model.next_log_probs(alone)[0], model.next_log_probs(crowd)[123])
        alone, crowd = model.advance(alone, np.array([symbol])), model.advance(crowd, np.full(300, symbol))
    assert np.array_equal(alone.belief[0], crowd.belief[7])


def test_progress_is_told_and_ends_in_all():
    told = []
    HMM("1,2", n_restarts=2, n_iterations=3).fit(random_corpus(), progress=lambda *row: told.append(row))
    done = [row[0] for row in told]
    assert done == sorted(done)
    assert len(told) >= 12
    assert all(0 <= n <= total == 3 * 2 * 3 for n, total, _ in told)
    assert "states, start 2 of 2" in told[-1][2]
    assert "bits an event" in told[-1][2]


def test_a_narrower_alphabet_shares_the_mass_anew():
    model = model_of(ONE, random_parameters(ONE))
    narrow = model.restricted(ONE.restrict([0, 2]))
    rows = np.exp(narrow.next_log_probs(narrow.initial_state()))
    assert rows.sum() == pytest.approx(1)
    assert rows[0, 1] == 0
    back = narrow.restricted(ONE)
    assert np.exp(back.next_log_probs(back.initial_state()))[0, 1] > 0
    with pytest.raises(VocabularyError):
        model.restricted(OPEN)


def test_states_are_named_by_what_they_play():
    notes = Vocabulary((Field("duration", 24, first=1, advances="later"), Field("pitch", 128)), resolution=12)
    long, short = 11, 5
    pieces = [[long, 24 + 67, long, 24 + 67, long, 24 + 67, short, 24 + 72, short, 24 + 74, short, 24 + 72]] * 6
    model = HMM(2, n_restarts=3, topology="left_to_right").fit(TokenCorpus.from_sequences(pieces, notes))
    first, second = model.state_report()
    assert "quarter notes" in str(first)
    assert "G4" in str(first)
    assert "eighth notes" in str(second)
    assert "C5" in str(second)
    assert "leads to state 1" in str(first)
    row = first.to_json()
    assert row["state"] == 0
    assert row["begins"] == 1.0
    assert row["leads_to"] == [{"state": 1, "probability": 1.0}]
    assert {played["field"] for played in row["plays"]} == {"duration", "pitch", "place"}
    assert "on 4/4 beat 1" in str(first)


def test_from_melodies_to_melodies(tmp_path):
    corpus = sm.Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")
    pipeline = sm.Pipeline(sm.MelodyEncoding(), HMM(3, n_restarts=1)).fit(corpus)
    opened = sm.Pipeline.load(pipeline.save(tmp_path / "tune.smm"))
    tunes = [p.compose(2, seed=1)[0].piece.symbols for p in (pipeline, opened)]
    assert np.array_equal(*tunes)
    assert opened.model.state_report() == pipeline.model.state_report()
    assert opened.score(corpus) == pipeline.score(corpus)


# --- long pieces, cut and run side by side ---


@pytest.fixture
def short_parts(monkeypatch):
    """Pieces of 8 events and more are cut into parts of some 3."""
    monkeypatch.setattr(observations, "LONG", 8)
    monkeypatch.setattr(observations, "PART", 3)


@pytest.mark.parametrize("kind", ["any", "sticky", "hardly moving"])
@pytest.mark.parametrize("lengths", [[60], [41, 3, 0, 1], [12], [11, 0]])
def test_long_pieces_in_parts_come_out_as_in_one_run(lengths, kind, short_parts):
    generator = np.random.default_rng(6)
    parameters = random_parameters(OPEN, 4, seed=5)
    if kind != "any":
        stay = 0.9 if kind == "sticky" else 1 - 1e-9
        parameters = parameters._replace(transitions=stay * np.eye(4) + (1 - stay) * parameters.transitions)
    model = model_of(OPEN, parameters)
    corpus = TokenCorpus.from_sequences([generator.integers(0, 3, n) for n in lengths], OPEN)
    seen = observed(corpus)
    assert any(batch.chained for batch in packed(seen.offsets))
    whole = [model.chain(piece) for piece in corpus if len(piece)]
    assert model.corpus_log_probs(corpus).sum() == pytest.approx(sum(map(chains.log_partition, whole)), rel=1e-10)
    assert np.allclose(model.corpus_predict_proba(corpus), np.concatenate([chains.marginals(c) for c in whole]))
    best = np.split(model.corpus_decode(corpus), seen.offsets[1:-1])
    for chain, path in zip(whole, [path for path in best if len(path)], strict=True):
        assert chains.path_score(chain, path) == pytest.approx(chains.path_score(chain, chains.best_path(chain)))
    counts = array_engine.ArrayEngine(seen, [3], 4).expect(parameters)
    pairs = sum(chains.pair_marginals(chain).sum(axis=0) for chain in whole)
    assert np.allclose(counts.transitions, pairs, atol=1e-9)
    assert np.allclose(counts.start, sum(chains.marginals(chain)[0] for chain in whole), atol=1e-9)


def test_draws_in_parts_are_those_of_one_run(short_parts, monkeypatch):
    model = model_of(ONE, random_parameters(ONE, 4, seed=2))
    sequence = np.random.default_rng(3).integers(0, 3, 50)
    in_parts = model.sample_states(sequence, 20, seed=9)
    monkeypatch.setattr(observations, "LONG", 1000)
    assert np.array_equal(in_parts, model.sample_states(sequence, 20, seed=9))


def test_models_that_never_forget_are_not_cut(short_parts):
    model = model_of(OPEN, random_parameters(OPEN, 3, topology="left_to_right"))
    assert not filtering.forgets(model.parameters_)
    sequence = np.random.default_rng(3).integers(0, 3, 40)
    chain = model.chain(sequence)
    assert model.log_prob(sequence) == pytest.approx(chains.log_partition(chain))
    assert np.array_equal(model.decode(sequence), chains.best_path(chain))


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_parts_hold_every_event_once(lengths):
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observations, "LONG", 8)
        patch.setattr(observations, "PART", 3)
        batches = packed(offsets)
    assert sorted(np.concatenate([[], *(batch.order for batch in batches)]).tolist()) == list(range(sum(lengths)))
    for batch in batches:
        if batch.chained:
            first = batch.order[: batch.starts[1]]
            assert np.array_equal(batch.order[batch.last][:-1] + 1, first[1:])

"""Viewpoints read by hand: a tune of seven notes, the language, tables and weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from stochastic_music.errors import InvalidParameterError, UnknownNameError, UsageError
from stochastic_music.models.viewpoints import NONE, Past, derived, find, known_viewpoints, observed, parse, register
from stochastic_music.models.viewpoints.defaults import LONG, SHORT, default_terms
from stochastic_music.models.viewpoints.language import resolve
from stochastic_music.models.viewpoints.reading import Reader
from stochastic_music.models.viewpoints.tables import Table
from stochastic_music.models.viewpoints.weights import N_BUCKETS, Features, Problem, Weights, evidence, log_sum_exp
from stochastic_music.tokens import Header, MelodyEncoding, Meter, Vocabulary

MELODY = MelodyEncoding().vocabulary
#: quarter notes C D E C, a phrase end, then C D after a rest of a quarter note; 3/4 with a pickup of one quarter note
TUNE = [(0, 12, 0, 60), (0, 12, 0, 62), (0, 12, 0, 64), (0, 12, 1, 60), (12, 12, 0, 60), (0, 12, 0, 62)]
HEADER = Header(12, (Meter(0, 3, 4),), pickup=12, key="G")


def symbols_of(event):
    return [MELODY.symbol(field.name, value) for field, value in zip(MELODY.fields, event, strict=True)]


def past_of(events, header=HEADER, *, present=()):
    past = Past.begin(MELODY, [header])
    flat = [symbol for event in events for symbol in symbols_of(event)]
    names = [field.name for field in MELODY.fields]
    flat += [MELODY.symbol(name, value) for name, value in zip(names, present, strict=False)]
    for symbol in flat:
        past = past.hear(np.array([symbol]))
    return past


def shown(name, past):
    return int(find(name).reference(past)[0])


# the next note begins at unit 7 * 12 = 84 of bars of 36 that start at 12: bar 3, position 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cpint", 62),  # the reference is the note before
        ("cpfref", -5),  # G
        ("cpintfip", 60),
        ("cpintfiph", 60),  # the C after the rest
        ("lastphrase", 64),  # the third note of this phrase stands against the third of the one before
        ("posinbar", 0),
        ("fib", 1),
        ("metaccent", 4),
        ("bar", 3),
        ("complete", 1),  # a bar is full, but 84 units are no whole number of bars
        ("barlength", 36),
        ("pickup", 12),
        ("inphrase", 2),
        ("fiph", 0),
        ("phrases", 1),
        ("phrasetime", 24),
        ("lphrase", 60),  # four notes and a rest, up to the next phrase's first note
        ("bar1", 60),  # unit 48 fell into the rest: the note that began before it
        ("aligned1", 0),
        ("bar2", 62),  # unit 12
        ("aligned2", 1),
        ("durbar2", 12),
        ("repeat", 64),  # C D came before, and E after it
        ("repeated", 2),
        ("sequence", 58),  # steps so far: 2 2 -4 0 2; after the latest 2 before came -4
        ("sequenced", 1),
        ("highest", 64 + 5),
        ("firstdegree", 65),
        ("events", 6),
    ],
)
def test_what_viewpoints_read(name, expected):
    past = past_of(TUNE, present=(0,))
    assert shown(name, past) == expected


def test_durations_are_compared_in_lowest_terms():
    half = shown("dur-ratio", past_of([(0, 48, 0, 60)], present=(0, 24)))
    assert half == shown("dur-ratio", past_of([(0, 12, 0, 60)], present=(0, 6)))
    assert half != shown("dur-ratio", past_of([(0, 6, 0, 60)], present=(0, 12)))
    assert shown("dur-ratio", past_of([], present=(0, 12))) == NONE


def test_nothing_to_read_at_the_beginning():
    past = past_of([])
    for name in ("cpint", "cpintfip", "cpintfiph", "bar1", "repeat", "lphrase", "lastphrase", "ioi"):
        assert shown(name, past) == NONE, name
    assert shown("fiph", past) == 1
    assert shown("endinbar", past) == 24  # the pickup begins on the third beat


def test_tonic_comes_from_the_header_or_from_the_past():
    scale = [(0, 12, 0, pitch) for pitch in (67, 69, 71, 72, 74, 76, 78, 79)]
    unknown = Header(12)
    assert shown("tonic", past_of(scale, Header(12, key="Em"))) == -5
    assert shown("tonic", past_of(scale, unknown)) == -5
    assert shown("tonic", past_of([], unknown)) == NONE
    # what comes later changes nothing: the tonic after three notes is that of the three notes
    assert shown("tonic", past_of(scale[:3], unknown)) == shown("tonic", past_of(scale[:3], unknown))


def test_rows_do_not_know_each_other():
    both = Past.begin(MELODY, [HEADER, Header(12, key="F")])
    flat = [symbol for event in TUNE for symbol in symbols_of(event)]
    other = [symbol for event in reversed(TUNE) for symbol in symbols_of(event)]
    for pair in zip(flat, other, strict=True):
        both = both.hear(np.array(pair))
    alone = past_of(TUNE)
    for name in known_viewpoints():
        viewpoint = find(name)
        if viewpoint.ask is not None:
            assert viewpoint.reference(both)[0] == viewpoint.reference(alone)[0], name


# --- the language ---


def test_links_orders_and_contexts():
    terms = parse("cpint*dur:1-2|metaccent", 6, MELODY)
    assert [str(term) for term in terms] == [
        "cpint|cpint@1*dur@1*dur@0*metaccent@0",
        "cpint|cpint@1*dur@1*cpint@2*dur@2*dur@0*metaccent@0",
    ]
    assert [term.least for term in terms] == [0, 1]
    assert len(parse("cpitch", 6, MELODY)) == 7
    assert parse("cpitch:0,cpitch|cpitch@2", 6, MELODY)[1].context == (("cpitch", 2),)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("cpnit", UnknownNameError, "did you mean 'cpint'"),
        ("cpint**dur", InvalidParameterError, "no viewpoint"),
        ("posinbar", InvalidParameterError, "predicts nothing"),
        ("dur|cpitch", InvalidParameterError, "cpitch@1"),
    ],
)
def test_bad_viewpoints_are_explained(text, error, says):
    with pytest.raises(error, match=says):
        parse(text, 6, MELODY)


def test_viewpoints_need_their_fields():
    with pytest.raises(InvalidParameterError, match="reads time"):
        parse("cpint|posinbar", 6, MelodyEncoding(fields=("pitch",)).vocabulary)


def test_defaults_can_be_read_by_whole_melodies_and_by_pitches_alone():
    for field in ("rest", "duration", "phrase", "pitch"):
        for texts, short in ((LONG, False), (SHORT, True)):
            assert set(default_terms(field, MELODY, 6, short=short)) == set(parse(texts[field], 6, MELODY))
    assert default_terms("pitch", MelodyEncoding(fields=("pitch",)).vocabulary, 6)
    assert default_terms("shape", Vocabulary.plain(3, name="shape"), 2)


def test_a_viewpoint_of_ones_own():
    mine = register(observed("test-parity", lambda past: np.full(len(past.do), past.n_events % 2)))
    assert find("test-parity") is mine
    assert str(parse("cpint:0|test-parity", 6, MELODY)[0]) == "cpint|test-parity@0"
    with pytest.raises(UsageError, match="already"):
        register(derived("cpint", "pitch"))


# --- keys ---


def test_keys_are_equal_where_contexts_are_and_only_there():
    terms = {"pitch": parse("cpitch:2,cpint:2,cpfref:1|dur", 6, MELODY)}
    reader = Reader(MELODY, terms, {})
    reading, keys = reader.begin([HEADER]), []
    for event in [*TUNE, (0, 12, 0, 64)]:
        for symbol in symbols_of(event):
            if reading.field == 3:
                keys.append(dict(zip(map(str, reader.plans[3].terms), reading.keys[0].tolist(), strict=True)))
            reading = reader.advance(reading, np.array([symbol]))
    after_cd, again, after_dc = keys[2], keys[6], keys[4]
    for name in ("cpitch|cpitch@1*cpitch@2", "cpitch|cpitch@1", "cpint|cpint@1", "cpfref|cpfref@1*dur@0", "cpitch"):
        assert after_cd[name] == again[name]
    assert after_cd["cpitch|cpitch@1*cpitch@2"] != after_dc["cpitch|cpitch@1*cpitch@2"]
    # D D is no interval seen; the second order of intervals is -4 0 here and START 2 there
    assert after_cd["cpint|cpint@1*cpint@2"] != again["cpint|cpint@1*cpint@2"]
    # at the first note START stands for one event, and the second order is silent
    assert keys[0]["cpitch|cpitch@1"] != 0
    assert keys[0]["cpitch|cpitch@1*cpitch@2"] == 0


# --- tables ---

OBSERVATIONS = st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 2)), max_size=30)


def table_of(pairs):
    keys = np.array([key for key, _ in pairs], dtype=np.uint64)
    return Table.of(keys, keys.astype(np.int64) % 3, np.array([symbol for _, symbol in pairs], dtype=np.int64))


def as_dict(table):
    rows = np.repeat(table.key, np.diff(table.first)).tolist()
    return dict(zip(zip(rows, table.symbol.tolist(), strict=True), table.count.tolist(), strict=True))


@given(OBSERVATIONS, OBSERVATIONS)
def test_tables_add_and_take_away(one, other):
    total = table_of(one + other)
    assert as_dict(table_of(one).plus(table_of(other))) == as_dict(total)
    assert as_dict(total.plus(table_of(other), sign=-1)) == as_dict(table_of(one))
    assert as_dict(total) == {pair: (one + other).count(pair) for pair in {*one, *other} if pair[0] != 0}


@given(OBSERVATIONS)
def test_tables_find_what_they_hold(pairs):
    table = table_of(pairs)
    asked = np.arange(7, dtype=np.uint64)
    held = {key for key, _ in pairs if key}
    assert [bool(row >= 0) for row in table.find(asked)] == [int(key) in held for key in asked]
    index, entry = table.entries(table.find(asked))
    assert {(int(asked[i]), int(table.symbol[e])) for i, e in zip(index, entry, strict=True)} == set(as_dict(table))


# --- weights ---


def small_problem():
    random = np.random.default_rng(3)
    n_events, n_candidates, n_terms = 12, 3, 2
    row, column, times = [], [], []
    for event in range(n_events):
        for term in range(n_terms):
            for candidate in random.permutation(n_candidates)[: random.integers(1, 4)]:
                row.append(event * n_candidates + candidate)
                column.append(term * N_BUCKETS + random.integers(0, 2))
                times.append(random.integers(1, 5))
    return (
        Features(*map(np.array, (row, column, times))),
        random.integers(0, n_candidates, n_events),
        n_candidates,
        n_terms,
    )


def knowing(features, n_events, n_candidates, n_terms, silent=()):
    knows = np.zeros((n_events, n_terms), dtype=bool)
    knows[features.row // n_candidates, features.column // N_BUCKETS] = True
    knows[:, list(silent)] = False
    return knows


def problem_of(features, chosen, n_candidates, n_terms, **options):
    knows = knowing(features, len(chosen), n_candidates, n_terms)
    return Problem(features, chosen, n_candidates, knows=knows, half=np.arange(len(chosen)) % 2, **options)


def scores_of(features, n_events, n_candidates, believed, trusted, silent=()):
    scores = np.zeros((n_events, n_candidates))
    for row, column, times in zip(*features, strict=True):
        if column // N_BUCKETS not in silent:
            scores.ravel()[row] += believed.ravel()[column] * evidence(times) + trusted.ravel()[column]
    speaking = knowing(features, n_events, n_candidates, len(believed), silent).sum(axis=1)
    return scores * ((len(believed) - len(silent)) / np.maximum(speaking, 1))[:, None]


def test_weights_are_where_no_step_helps():
    # the objective written out in full, its gradient by differences
    features, chosen, n_candidates, n_terms = small_problem()
    found = problem_of(*small_problem(), penalty=0.01).solve(tolerance=1e-12).weights

    def value(believed, trusted):
        scores = scores_of(features, len(chosen), n_candidates, believed, trusted)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return -logs[np.arange(len(chosen)), chosen].sum()

    prior = np.stack(Weights.fixed(n_terms))

    def penalized(x):
        base, deviation = np.split(x.reshape(2, n_terms, -1), [1], axis=2)
        strength = 0.01 * np.array([1000.0, 300.0])[:, None, None]
        loss = value(*(prior + base + deviation))
        return loss + 0.5 * (0.01 * 30 * base**2).sum() + 0.5 * (strength * deviation**2).sum()

    best = optimize.minimize(penalized, np.zeros(2 * n_terms * (1 + N_BUCKETS)), method="BFGS", options={"gtol": 1e-5})
    base, deviation = np.split(best.x.reshape(2, n_terms, -1), [1], axis=2)
    assert np.stack(found) == pytest.approx(prior + base + deviation, abs=3e-3)


def test_a_silent_term_is_one_that_heard_nothing():
    features, chosen, n_candidates, n_terms = small_problem()
    heard = features.column // N_BUCKETS != 1
    without = Features(*(column[heard] for column in features))
    options = {"penalty": 0.01}
    silent = np.array([False, True])
    one, other = (
        problem_of(heard, chosen, n_candidates, n_terms, **options).solve(silent=silent).weights
        for heard in (features, without)
    )
    assert one.believed[0] == pytest.approx(other.believed[0], abs=2e-3)


def test_losses_are_what_silence_costs():
    features, chosen, n_candidates, n_terms = small_problem()
    problem = problem_of(features, chosen, n_candidates, n_terms)
    weights = problem.solve([1]).weights
    events = np.arange(0, len(chosen), 2)

    def surprise(silent):
        scores = scores_of(features, len(chosen), n_candidates, *weights, silent)
        return (log_sum_exp(scores) - scores[np.arange(len(chosen)), chosen])[events].sum()

    lost = problem.losses(weights, 0, np.array([1, 0]))
    assert lost == pytest.approx(np.array([surprise({1}), surprise({0})]) - surprise(()))


def test_viewpoints_of_a_vocabulary_are_its_fields():
    assert resolve("shape", Vocabulary.plain(3, name="shape")).field == "shape"

"""Viewpoints on several voices: what they show, which chords are possible, and enumeration on small chords."""

from itertools import pairwise

import numpy as np
import pytest

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, UnknownNameError, UsageError, VocabularyError
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.models.viewpoints import NONE, Past, parse
from stochastic_music.models.viewpoints.language import resolve
from stochastic_music.models.viewpoints.reading import Reader
from stochastic_music.models.viewpoints.voices import NO_PITCH, Columns, register_family, voiced
from stochastic_music.models.viewpoints.weights import Features, Problem
from stochastic_music.testing import check_model
from stochastic_music.tokens import HOLD, REST, Frames, Header, VoicesEncoding

SOPRANO, ALTO, BASS = 0, 1, 2
THREE = VoicesEncoding(3, frame="1/4").vocabulary
#: phrase, then soprano, alto, bass
SLICES = [(0, 67, 64, 48), (0, HOLD, 62, REST), (1, 69, HOLD, 47)]


def past_of(slices, *, present=()):
    past = Past.begin(THREE, [Header(12)])
    names = [field.name for field in THREE.fields]
    for event in [*slices, present]:
        for name, value in zip(names, event, strict=False):
            past = past.hear(np.array([THREE.symbol(name, value)]))
    return past


def context(name, lag, past, reference):
    """What a context shows from a reference."""
    columns = Columns([(resolve(name, THREE), lag, 0)])
    return columns.read(past, np.array([[reference]]))[0].tolist()


@pytest.mark.parametrize(
    ("name", "lag", "expected"),
    [
        ("own3", 1, [47 - 60]),
        ("own3", 2, [REST]),
        ("prior3", 1, [48 - 60]),  # the rest between them is no note
        ("above3", 0, [2]),  # the alto holds its D
        ("above3", 1, [2]),
        ("upper3", 0, [11, 2]),
        ("top2", 2, [7]),  # held
        ("bass1", 1, [47 - 60]),
        ("lower1", 1, [2, 47 - 60]),
        ("chord2", 2, [7, 2, REST]),
        ("chordclass2", 1, [9, 2, 11]),
        ("chordset2", 1, [1 << 9 | 1 << 2 | 1 << 11]),
        ("upperstep3", 0, [2, 0]),
        ("uppercontour3", 0, [1, 0]),
        ("upperonset3", 0, [1, HOLD]),
        ("chordonset3", 2, [HOLD, 1, REST]),
        ("own1", 9, [NONE]),
        ("held3", 1, [12]),
        ("held2", 1, [24]),  # a D since the second slice
    ],
)
def test_what_contexts_show(name, lag, expected):
    past = past_of(SLICES, present=(0, 71, HOLD))
    assert context(name, lag, past, 60) == expected


def test_sets_turn_with_the_reference():
    past = past_of(SLICES)
    assert context("chordset2", 1, past, 61) == [1 << 8 | 1 << 1 | 1 << 10]
    assert context("chordset2", 1, past, 47) == [1 << 10 | 1 << 3 | 1 << 0]


def test_durations_hear_pitches_from_the_tonic():
    past = Past.begin(THREE, [Header(12, key="G")])
    for name, value in zip(("phrase", "voice1", "voice2", "voice3"), SLICES[0], strict=True):
        past = past.hear(np.array([THREE.symbol(name, value)]))
    columns = Columns([(resolve("bass0", THREE), 1, NO_PITCH)])
    assert columns.read(past, np.zeros((1, 1), dtype=np.int64)).tolist() == [[48 + 5]]  # G is 5 below C


def test_what_is_predicted_is_seen_from_its_reference():
    past = past_of(SLICES)
    shown = {name: int(resolve(name, THREE).reference(past)[0]) for name in ("cpint1", "cpint3", "cpintlow2")}
    assert shown == {"cpint1": 69, "cpint3": 47, "cpintlow2": 47}


def test_a_family_of_ones_own():
    mine = register_family(voiced("test-first", lambda past, k: past.first(f"voice{k} sounding")))
    past = past_of(SLICES)
    assert [int(resolve(f"test-first{k}", THREE).reference(past)[0]) for k in (1, 2, 3)] == [67, 64, 48]
    assert [str(term) for term in parse("test-first:0|above", 6, THREE)] == [
        "test-first2|above2@0",
        "test-first3|above3@0",
    ]
    assert register_family(mine) is mine
    with pytest.raises(UsageError, match="already"):
        register_family(voiced("cpint"))


def test_families_are_written_once_for_all_voices():
    assert [str(term) for term in parse("cpint|upper*own@2", 6, THREE)] == [
        "cpint2|upper2@0*own2@2",
        "cpint3|upper3@0*own3@2",
    ]
    assert [str(term) for term in parse("cpint2:1|above2", 6, THREE)] == [
        "cpint2|above2@0",
        "cpint2|cpint2@1*above2@0",
    ]
    assert [str(term) for term in parse("phrase|bass@1", 6, THREE)] == ["phrase|bass0@1"]
    assert [str(term) for term in parse("cpitch:0|top@-1", 6, THREE)] == ["cpitch2|top2@-1", "cpitch3|top3@-1"]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("cpint|chord", InvalidParameterError, "before it is known"),
        ("cpint|own", InvalidParameterError, "before it is known"),
        ("upper", InvalidParameterError, "predicts nothing"),
        ("cpint|uper", UnknownNameError, "did you mean 'upper'"),
        ("cpint|metaccent@-1", InvalidParameterError, "looks ahead"),
    ],
)
def test_bad_viewpoints_are_explained(text, error, says):
    with pytest.raises(error, match=says):
        parse(text, 6, THREE)


# --- frames: chords of at most two notes out of three pitches ---

CHORDS = [[{60}, {62, 60}, set(), {61}], [{62, 60}, {62}, {61, 60}], [{61, 60}, {62, 61}, {62}], [set(), {62}]]
LOUD = "cpitch:1,cpint|upper*chord@1,cpfref|upper,cpintabove|own@1"


def frames(chords=CHORDS, *, closed=True, low=60, high=62):
    kind = Frames(2, closed=closed)
    corpus = TokenCorpus.from_sequences([kind.symbols(piece) for piece in chords], kind.vocabulary)
    values = kind.vocabulary.values(np.arange(kind.vocabulary.end))
    alphabet = np.flatnonzero((values == REST) | ((values >= low) & (values <= high)))
    return corpus.with_vocabulary(kind.vocabulary.restrict(alphabet))


@pytest.mark.parametrize("params", [{}, {"viewpoints": LOUD, "short_term": LOUD}, {"viewpoints": "none"}])
def test_contract(params):
    corpora = {"closed": frames, "open": lambda: frames(closed=False), "wide": lambda: frames(low=59, high=63)}
    check_model(MultipleViewpoint(**params), corpora=corpora)


def test_chords_that_are_no_sets_have_no_mass():
    model = MultipleViewpoint(LOUD).fit(frames(low=59, high=63))
    vocabulary = model.vocabulary_
    for upper in (REST, 59, 60, 61, 62, 63):
        state = model.advance(model.initial_state(), np.array([vocabulary.symbol("voice1", upper)]))
        row = model.next_log_probs(state)[0]
        possible = {s for s in (REST, 59, 60, 61, 62, 63) if s < upper or s == REST}
        assert {int(v) for v in vocabulary.values(np.flatnonzero(np.isfinite(row)))} == possible
        assert np.exp(row).sum() == pytest.approx(1)
        if upper in (REST, 59):
            assert row[vocabulary.symbol("voice2", REST)] == pytest.approx(0)


def test_weights_are_learned_among_possible_candidates():
    # two events, two candidates, one term that heard the first: where only it could come nothing is learned of the term
    features = Features(np.array([0, 2]), np.array([8, 8]), np.array([1, 1]))
    options = {"knows": np.ones((2, 1), dtype=bool), "half": np.array([0, 1])}
    chosen = np.array([0, 0])
    only = np.array([[True, False], [True, False]])
    assert np.ptp(Problem(features, chosen, 2, possible=only, **options).solve().weights.believed) == 0
    for possible in (None, ~only | only):
        assert np.ptp(Problem(features, chosen, 2, possible=possible, **options).solve().weights.believed) > 0


def test_held_notes_and_rests_are_heard_as_they_are():
    # whatever the pitch, after a rest comes a held alto: intervals know it though pitches differ
    names = ("phrase", "voice1", "voice2", "voice3")
    pieces = [[(0, p, p - 5, p - 12), (0, REST, HOLD, REST), (0, p + 2, p - 4, p - 10)] for p in (60, 64, 67, 71, 74)]
    symbols = [[THREE.symbol(n, v) for event in piece for n, v in zip(names, event, strict=True)] for piece in pieces]
    corpus = TokenCorpus.from_sequences(symbols, THREE, headers=[Header(12)] * 5)
    model = MultipleViewpoint("phrase,cpint:1,cpint|upper", "none").fit(corpus)
    state = model.initial_state(1, Header(12))
    for symbol in [
        *(THREE.symbol(n, v) for n, v in zip(names, (0, 69, 64, 57), strict=True)),
        THREE.symbol("phrase", 0),
    ]:
        state = model.advance(state, np.array([symbol]))
    state = model.advance(state, np.array([THREE.symbol("voice1", REST)]))
    row = model.next_log_probs(state)[0]
    assert row.argmax() == THREE.symbol("voice2", HOLD)


def test_keys_do_not_depend_on_transposition():
    reader = Reader(THREE, {"voice2": parse("cpint2|chord2@1*above2*upperset2", 6, THREE)}, {})
    keys = []
    for move in (0, 5):
        reading = reader.begin([Header(12)])
        for event in [(0, 67, 64, 48), (0, 69)]:
            for name, value in zip(("phrase", "voice1", "voice2", "voice3"), event, strict=False):
                moved = value + move * (name != "phrase")
                reading = reader.advance(reading, np.array([THREE.symbol(name, moved)]))
        keys.append(int(reading.keys[0, 0]))
    assert keys[0] == keys[1] != 0


# --- slices, of one or two units, in which voices begin notes, hold them, rest ---


def slices():
    vocabulary = VoicesEncoding(2).vocabulary
    pieces = [
        [(6, 0, 62, 60), (12, 1, HOLD, 59)],
        [(12, 0, 62, 59), (6, 0, REST, HOLD), (6, 1, 62, 60)],
        [(6, 1, 62, 60)],
    ]
    names = [field.name for field in vocabulary.fields]
    rows = [[vocabulary.symbol(n, v) for event in piece for n, v in zip(names, event, strict=True)] for piece in pieces]
    headers = [Header(12, key="G"), Header(12), Header(12, key="Am")]
    return TokenCorpus.from_sequences(rows, vocabulary, headers=headers).seen()


def test_contract_of_slices():
    check_model(MultipleViewpoint(order=1), corpora={"slices": slices})


# --- the upper voice given ---


def given_frames(**options):
    return frames(**options).giving("voice1")


def test_contract_of_what_goes_with_a_voice():
    corpora = {"closed": given_frames, "open": lambda: given_frames(closed=False)}
    check_model(MultipleViewpoint(given="voice1"), corpora=corpora)


def test_what_is_given_costs_nothing():
    corpus = frames()
    model = MultipleViewpoint(given="voice1").fit(corpus)
    log_probs = model.corpus_log_probs(corpus)
    costs = corpus.vocabulary.field_of(corpus.symbols) == 1
    assert np.array_equal(log_probs[~costs], np.zeros(int((~costs).sum())))
    assert (log_probs[costs] < 0).any()
    assert np.array_equal(model.corpus_log_probs(corpus.giving("voice1")), log_probs)
    assert model.log_prob(corpus[0]) == pytest.approx(log_probs[: len(corpus[0])].sum())


def test_composing_keeps_what_is_given():
    corpus = given_frames()
    model = MultipleViewpoint(given="voice1").fit(corpus)
    header = corpus.headers[0]
    for drawn in model.sample(4, seed=1, header=header):
        sets = Frames(2).sets(drawn.symbols)
        assert [chord[0] if chord else REST for chord in sets] == list(header.given[0][1])


def test_the_voices_below_know_what_comes_above():
    # the lower note goes where the upper one will go next; before it moves nothing tells
    upper = np.random.default_rng(3).integers(70, 74, (24, 9))
    pieces = [[{a, b - 12} for a, b in pairwise(row)] for row in upper.tolist()]
    blind, seeing = (
        MultipleViewpoint(viewpoints, "none", given="voice1").fit(frames(pieces, low=58, high=73))
        for viewpoints in ("cpitch2|top2", "cpitch2|top2,cpitch2|top2@-1")
    )
    corpus = frames(pieces, low=58, high=73)
    assert seeing.log_prob(corpus[0]) > blind.log_prob(corpus[0]) + 4
    # the last upper note is followed by none
    ahead = Past.begin(corpus.vocabulary, [Header(1, given=(("voice1", (70, HOLD, 72)),))])
    assert [int(ahead.sounding("voice1", -lag)[0]) for lag in (1, 2, 3)] == [70, 72, NONE]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((), "does not give voice1"),
        ((("voice1", (60, 62)),), "does not give voice2"),
        ((("voice1", (60, 62)), ("voice2", (60,))), "2 values of voice1 and 1 values of voice2"),
        ((("voice1", (63,)), ("voice2", (60,))), "outside the alphabet"),
    ],
)
def test_headers_that_do_not_give_it(given, says):
    model = MultipleViewpoint(given="voice1, voice2").fit(frames())
    with pytest.raises(VocabularyError, match=says):
        model.initial_state(1, Header(1, given=given))


def test_looking_ahead_needs_to_be_told():
    with pytest.raises(InvalidParameterError, match=r"looks ahead at voice1.*add voice1 to 'given'"):
        MultipleViewpoint("cpitch|top@-1").fit(frames())
    with pytest.raises(VocabularyError, match="no field 'soprano'"):
        MultipleViewpoint(given="soprano").fit(frames())

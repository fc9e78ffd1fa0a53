"""Harmony in four voices: probabilities that add up, lattices that are exact, on toys where all can be enumerated."""

import itertools

import numpy as np
import pytest
from scipy import stats

from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.models.harmony import sets, voices
from stochastic_music.models.harmony.candidates import Bounds, propose
from stochastic_music.models.harmony.harmony import Harmony, Setting
from stochastic_music.models.harmony.labels import Alphabet, Label, label_of
from stochastic_music.models.harmony.lattice import lattice, model_log_prob
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.mixture import NONE, Mixture, Term
from stochastic_music.music.voice_leading import OF_CHORDS, OF_STEPS, Context, count
from stochastic_music.sampling import chains
from stochastic_music.tasks.harmonize.harmonizer import RANGES

RULES = {"parallel_fifths": "hard", "parallel_octaves": 1.5, "overlap": 0.7, "spacing": "hard", "direct_octaves": 0.3}


@pytest.fixture(scope="module")
def harmony(chorales):
    from stochastic_music.tasks.harmonize.tunes import read_setting

    return Harmony().fit([read_setting(piece.score) for piece in chorales])


@pytest.fixture(scope="module")
def search(harmony):
    melody = Melody.of([67, 69, 71, 72], later=[NONE, 71, NONE, NONE])
    skeleton = harmony.chain(melody)
    shares = chains.marginals(skeleton)
    bounds = Bounds(RANGES, ["spacing"], 3, np.zeros(4, dtype=bool))
    return melody, skeleton, propose(harmony, melody, shares, bounds)


def test_a_mixture_is_a_distribution():
    random = np.random.default_rng(0)
    columns = {"own": random.integers(60, 70, 200), "zero": np.zeros(200, dtype=np.int64)}
    came = columns["own"] + random.integers(-1, 2, 200)
    mixture = Mixture.fit(["own |", "zero | own", "zero |"], columns, came, np.arange(200) // 20, low=55, n=20)
    log_probs = mixture.log_probs(columns, 200)
    assert np.exp(log_probs).sum(axis=1) == pytest.approx(1)
    assert log_probs[np.arange(200), came - 55].mean() > np.log(1 / 6)


def test_a_mixture_hears_candidates_one_by_one_or_in_batch_alike():
    random = np.random.default_rng(1)
    columns = {"own": np.where(random.random(60) < 0.2, NONE, random.integers(60, 66, 60))}
    columns["zero"] = np.zeros(60, dtype=np.int64)
    came = random.integers(60, 66, 60)
    mixture = Mixture.fit(["own | own", "zero | own"], columns, came, np.arange(60) // 6, low=58, n=10)
    whole = mixture.log_probs(columns, 60)
    for i in range(60):
        assert mixture.log_probs({name: c[i : i + 1] for name, c in columns.items()}, 1)[0] == pytest.approx(whole[i])


def test_terms_are_checked():
    with pytest.raises(InvalidParameterError, match="no term"):
        Term.parse("own S-pS")


def test_labels_are_degrees():
    assert label_of(0b10010001, 55, 43) == Label(0, 0, "maj")
    alphabet = Alphabet((Label(0, 0, "maj"), Label(4, 0, "maj")))
    found = alphabet.numbers(np.array([[74, 71, 67, 55], [74, 71, 67, 59], [73, 72, 71, 70]]), 7)
    assert found.tolist() == [0, 1, 2]


def test_nothing_in_four_parts_teaches_nothing():
    melody = Melody.of([60, 62])
    with pytest.raises(EmptyCorpusError, match="four voices"):
        Harmony().fit([Setting(melody, np.full((2, 4), NONE))])


def test_voices_given_chord_and_past_add_up_to_one(harmony):
    melody = Melody.of([67, 69])
    before = np.array([67, 64, 60, 48])
    total = 0.0
    low, _ = voices.SPANS["B"]
    label = np.zeros(1, dtype=np.int64)
    columns = dict(harmony.columns(melody, np.array([1]), label, before[None]))
    bass = np.exp(harmony.voices_.log_probs("B", columns, 1)[0])
    for pitch in low + np.flatnonzero(bass > 1e-12):
        rows = harmony.voices_.log_probs("T", columns | {"B": np.array([pitch])}, 1)[0]
        total += bass[pitch - low] * np.exp(rows).sum()
    assert total == pytest.approx(1)


def test_sets_under_a_soprano_add_up_to_one(chorales, monkeypatch):
    """Two frames, all 16 x 16 sets of lower pitches: their probabilities are 1 together, with and without a rest."""
    for voice, span in {"B": (60, 4), "T": (60, 4), "A": (61, 4)}.items():
        monkeypatch.setitem(voices.SPANS, voice, span)
    monkeypatch.setattr(sets, "LOWEST", 60)
    random = np.random.default_rng(3)
    pieces = [[(64, *sorted(random.choice(4, 3, replace=False) + 60)[::-1]) for _ in range(8)] for _ in range(6)]
    model = Harmony().fit([sets.setting_of([sets.frame(f) for f in piece]) for piece in pieces])
    scorer = sets.SetScorer(model, sets.Escape(0.05, 0.3))
    below = [subset for size in range(5) for subset in itertools.combinations((63, 62, 61, 60), size)]
    total = sum(np.exp(scorer.log_prob([(64, *first), (64, *second)])) for first in below for second in below)
    assert total == pytest.approx(1, abs=1e-9)
    rest = sum(np.exp(scorer.log_prob([(64, *first), ()])) for first in below)
    assert rest == pytest.approx(1, abs=1e-9)


def _weight(harmony, search, path, temperature=1.0):
    """The weight of one path, from the definition."""
    melody, skeleton, found = search
    chosen = [c._replace(voices=c.voices[[i]], label=c.label[[i]]) for c, i in zip(found, path, strict=True)]
    total = model_log_prob(harmony, melody, skeleton, chosen) / temperature
    context = Context(melody.tonic, melody.minor)
    rows = [c.voices[0] for c in chosen]
    for name, how in RULES.items():
        price = np.inf if how == "hard" else how
        for t, now in enumerate(rows):
            before = rows[t - 1] if t else None
            times = int(count(name, before if name in OF_STEPS else None, now, context))
            if t and name.startswith("parallel") and melody.later[t - 1] != NONE:
                times += int(count(name, np.append(melody.later[t - 1], before[1:]), now, context))
            total -= price * times if times else 0.0
    assert set(RULES) <= {*OF_CHORDS, *OF_STEPS}
    return total


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_the_lattice_is_the_model_times_the_rules(harmony, search, temperature):
    melody, skeleton, found = search
    chain = lattice(harmony, melody, skeleton, found, rules=RULES, temperature=temperature)
    for path in itertools.product(*(range(len(c.label)) for c in found)):
        scored = chains.path_score(chain, np.array(path)) - chains.log_partition(skeleton) / temperature
        expected = _weight(harmony, search, path, temperature)
        assert scored == pytest.approx(expected, abs=1e-9) if np.isfinite(expected) else scored == -np.inf


def _p_value(draws, weights, paths):
    index = {path: i for i, path in enumerate(paths)}
    seen = np.bincount([index[tuple(path)] for path in draws.tolist()], minlength=len(paths)).astype(float)
    expected = len(draws) * np.exp(weights - np.logaddexp.reduce(weights))
    assert not seen[expected == 0].any()
    rare = expected < 5
    seen = np.append(seen[~rare], seen[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    kept = expected > 0
    return stats.chisquare(seen[kept], expected[kept]).pvalue


def test_harmonies_are_drawn_as_often_as_they_weigh(harmony, search):
    """Chi-square over all paths, error rate 1e-4; drawn at another temperature the same test fails."""
    melody, skeleton, found = search
    chain = lattice(harmony, melody, skeleton, found, rules=RULES)
    paths = list(itertools.product(*(range(len(c.label)) for c in found)))
    weights = np.array([_weight(harmony, search, path) for path in paths])
    draws = chains.sample_paths(chain, 20_000, seed=5)
    assert _p_value(draws, weights, paths) > 1e-4
    heated = lattice(harmony, melody, skeleton, found, rules=RULES, temperature=0.7)
    assert _p_value(chains.sample_paths(heated, 20_000, seed=5), weights, paths) < 1e-4


def test_viterbi_finds_the_heaviest(harmony, search):
    melody, skeleton, found = search
    chain = lattice(harmony, melody, skeleton, found, rules=RULES)
    paths = list(itertools.product(*(range(len(c.label)) for c in found)))
    best = max(paths, key=lambda path: _weight(harmony, search, path))
    assert tuple(chains.best_path(chain).tolist()) == best


def test_what_is_written_is_read_back(harmony):
    again = Harmony.of_contents(*harmony.contents())
    melody = Melody.of([67, 69, 71, 72])
    assert np.array_equal(harmony.chain(melody).pairwise, again.chain(melody).pairwise)


def test_phrases_count_down_to_their_last_note():
    melody = Melody.of([60, 62, 64, 64, 65, 67, 67], struck=[1, 1, 1, 0, 1, 1, 0], ends=[2])
    assert melody.to_end.tolist() == [2, 1, 0, 0, 1, 0, 0]
    assert melody.since.tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert melody.final.tolist() == [False] * 4 + [True] * 3

"""The CRF: its weights against crfsuite's own answers, everything else against every path of a toy, enumerated."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from stochastic_music import model_file
from stochastic_music.errors import (
    EmptyCorpusError,
    InputError,
    InvalidParameterError,
    NotFittedError,
    UnknownNameError,
    UnsatisfiableError,
)
from stochastic_music.models.crf import CRF, _crfsuite
from stochastic_music.models.crf.features import attributes, resolve

#: a correct sampler fails below this once in ten thousand seeds; the seeds are fixed
LEVEL = 1e-4


def pieces(n=12, seed=0):
    """Basses and metres at random; labels that follow the bass with noise, and each other."""
    generator = np.random.default_rng(seed)
    observations, labels = [], []
    for _ in range(n):
        basses = generator.integers(0, 4, size=generator.integers(1, 9)).tolist()
        observations.append([{"bass": bass, "metre": place % 2} for place, bass in enumerate(basses)])
        labels.append(["CFG"[min(bass, 2) if generator.random() < 0.8 else 0] for bass in basses])
    return observations, labels


@pytest.fixture(scope="module")
def fitted():
    return CRF(l2=0.1).fit(*pieces())


TOY = [{"bass": 0, "metre": 0}, {"bass": 1, "metre": 1}, {"bass": 3, "metre": 0}, {"bass": 0, "metre": 1}]


def every_path(model, piece):
    """All labellings of a piece with their unnormalised weights, summed attribute by attribute."""
    features = resolve(model.templates_, model.columns_)
    row = {name: i for i, name in enumerate(model.attributes_)}
    state = model.state_.toarray()
    seen = [[row[name] for name in event if name in row] for event in attributes(piece, model.templates_, features)]
    paths = list(itertools.product(range(len(model.labels_)), repeat=len(piece)))
    scores = [
        sum(state[a, y] for own, y in zip(seen, path, strict=True) for a in own)
        + sum(model.transitions_[a, b] for a, b in itertools.pairwise(path))
        for path in paths
    ]
    weights = np.exp(scores)
    return np.array(paths), weights / weights.sum()


class TestEveryPath:
    def test_the_likeliest_labels(self, fitted):
        paths, p = every_path(fitted, TOY)
        assert fitted.predict([TOY]) == [[fitted.labels_[k] for k in paths[p.argmax()]]]

    def test_marginals(self, fitted):
        paths, p = every_path(fitted, TOY)
        expected = np.stack([np.bincount(paths[:, t], p, minlength=3) for t in range(len(TOY))])
        np.testing.assert_allclose(fitted.predict_marginals([TOY])[0], expected, atol=1e-12)

    def test_log_probabilities(self, fitted):
        paths, p = every_path(fitted, TOY)
        labels = [[fitted.labels_[k] for k in path] for path in paths]
        np.testing.assert_allclose(fitted.log_prob(labels, [TOY] * len(labels)), np.log(p), atol=1e-10)

    def test_demands_condition_all_of_it(self, fitted):
        paths, p = every_path(fitted, TOY)
        demands = {0: ("C", "G"), -1: "F"}
        meets = np.isin(paths[:, 0], [0, 2]) & (paths[:, -1] == 1)
        q = np.where(meets, p, 0) / p[meets].sum()
        expected = np.stack([np.bincount(paths[:, t], q, minlength=3) for t in range(len(TOY))])
        [found] = fitted.predict_marginals([TOY], allowed=[demands])
        np.testing.assert_allclose(found, expected, atol=1e-12)
        assert found[0, 1] == 0
        assert fitted.predict([TOY], allowed=[demands]) == [[fitted.labels_[k] for k in paths[q.argmax()]]]
        drawn = fitted.sample(TOY, 500, allowed=demands, seed=3)
        assert {path[0] for path in drawn} == {"C", "G"}
        assert {path[-1] for path in drawn} == {"F"}

    @pytest.mark.parametrize("allowed", [None, {1: ("C", "F")}])
    def test_samples_follow_the_probabilities_and_wrong_ones_are_refused(self, fitted, allowed):
        paths, p = every_path(fitted, TOY)
        p = np.where(np.isin(paths[:, 1], [0, 1]), p, 0) if allowed else p
        p = p / p.sum()
        number = {tuple(fitted.labels_[k] for k in path): i for i, path in enumerate(paths)}
        drawn = [number[tuple(path)] for path in fitted.sample(TOY, 4000, allowed=allowed, seed=5)]
        counts = np.bincount(drawn, minlength=len(paths))
        assert counts[p == 0].sum() == 0
        assert p_value(counts, p) > LEVEL
        flat = np.where(p > 0, np.sqrt(p), 0)
        assert p_value(counts, flat / flat.sum()) < LEVEL  # the same test refuses another distribution


def p_value(counts, p):
    """Of a chi-square test; outcomes expected fewer than five times are one."""
    expected = p * counts.sum()
    rare = expected < 5
    expected = np.append(expected[~rare], expected[rare].sum())
    found = np.append(counts[~rare], counts[rare].sum())
    kept = expected > 0
    statistic = ((found[kept] - expected[kept]) ** 2 / expected[kept]).sum()
    return chi2.sf(statistic, kept.sum() - 1)


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [("lbfgs", {"l1": 0.0, "l2": 0.05}), ("lbfgs", {"l1": 0.3, "l2": 0.1}), ("l2sgd", {"l2": 0.1}), ("ap", {})],
)
def test_answers_agree_with_crfsuite_itself(algorithm, settings):
    observations, labels = pieces(20, seed=4)
    model = CRF(algorithm=algorithm, **settings, max_iterations=50).fit(observations, labels)
    features = resolve(model.templates_, model.columns_)
    number = {}
    items = [
        [
            [number.setdefault(name, len(number)) for name in event]
            for event in attributes(p, model.templates_, features)
        ]
        for p in observations
    ]
    given = [[model.labels_.index(label) for label in piece] for piece in labels]
    theirs = _crfsuite.trained(items, given, algorithm, {"l1": 0, "l2": 1, **settings}, 50)
    for piece, item in zip(observations, items, strict=True):
        text = [[str(a) for a in event] for event in item]
        assert model.predict([piece])[0] == [model.labels_[int(k)] for k in theirs.predict_single(text)]
        rows = [[row[str(k)] for k in range(3)] for row in theirs.predict_marginals_single(text)]
        np.testing.assert_allclose(model.predict_marginals([piece])[0], rows, atol=1e-6)


@pytest.mark.parametrize("algorithm", ["lbfgs", "l2sgd", "ap", "pa", "arow"])
def test_equal_pieces_give_equal_weights(algorithm):
    one, other = (CRF(algorithm=algorithm, max_iterations=20).fit(*pieces()) for _ in range(2))
    assert one.attributes_ == other.attributes_
    assert np.array_equal(one.state_.toarray(), other.state_.toarray())
    assert np.array_equal(one.transitions_, other.transitions_)


def test_l1_makes_weights_vanish():
    dense, sparse = (CRF(l1=l1).fit(*pieces()) for l1 in (0.0, 2.0))
    assert sparse.state_.nnz < dense.state_.nnz / 2


class TestShortPieces:
    def test_of_no_events(self, fitted):
        assert fitted.predict([[], TOY])[0] == []
        assert fitted.predict_marginals([[]])[0].shape == (0, 3)
        assert fitted.log_prob([[]], [[]]).tolist() == [0.0]
        assert fitted.sample([], 2, seed=0) == [[], []]

    def test_of_one_event(self, fitted):
        [rows] = fitted.predict_marginals([TOY[:1]])
        assert rows.sum() == pytest.approx(1)
        assert fitted.log_prob([[fitted.labels_[0]]], [TOY[:1]])[0] == pytest.approx(np.log(rows[0, 0]))

    def test_empty_ones_teach_nothing(self, fitted):
        observations, labels = pieces()
        padded = CRF(l2=0.1).fit([[], *observations, []], [[], *labels, []])
        assert np.array_equal(padded.transitions_, fitted.transitions_)


class TestBadInput:
    def test_labels_of_another_length(self):
        with pytest.raises(InputError, match="piece 0 has 4 events and 1 labels"):
            CRF().fit([TOY], [["C"]])

    def test_one_piece_where_a_list_of_them_was_meant(self, fitted):
        with pytest.raises(InputError, match="For one piece give a list of it"):
            fitted.predict(TOY)
        with pytest.raises(InputError, match=r"event 0 .* is 'C'; expected a mapping"):
            fitted.sample(["C"])

    def test_nothing_to_learn_from(self):
        with pytest.raises(EmptyCorpusError, match="no piece has an event"):
            CRF().fit([[]], [[]])

    def test_use_before_fit(self):
        for use in (lambda crf: crf.predict([TOY]), lambda crf: crf.sample(TOY), lambda crf: crf.to_arrays()):
            with pytest.raises(NotFittedError, match="call fit"):
                use(CRF())

    def test_labels_never_trained_on_have_no_probability_and_count_as_wrong(self, fitted):
        assert fitted.log_prob([["C", "C", "C", "H"]], [TOY]).tolist() == [-np.inf]
        said = fitted.predict([TOY])[0]
        assert fitted.score([TOY], [[*said[:3], "H"]]) == 0.75

    @pytest.mark.parametrize(
        ("changed", "error", "said"),
        [
            ({"l2": -1}, InvalidParameterError, "l2 is -1"),
            ({"l1": "much"}, InvalidParameterError, "l1 is 'much'"),
            ({"max_iterations": 0}, InvalidParameterError, "max_iterations is 0"),
            ({"algorithm": "lbgfs"}, UnknownNameError, "did you mean 'lbfgs'"),
            ({"templates": "bass"}, InvalidParameterError, "a list of texts"),
            ({"templates": ["bass@"]}, InvalidParameterError, "'bass@' cannot be read"),
            ({"templates": ["base"]}, UnknownNameError, "did you mean 'bass'"),
            ({"choose": {"l3": [1]}}, UnknownNameError, "did you mean 'l"),
            ({"choose": {"l2": []}}, InvalidParameterError, "candidates of l2"),
        ],
    )
    def test_parameters(self, changed, error, said):
        with pytest.raises(error, match=said):
            CRF(**changed).fit(*pieces())

    @pytest.mark.parametrize(
        ("allowed", "error", "said"),
        [
            ({2: "H"}, UnsatisfiableError, "place 3 must be H"),
            ({1: ()}, UnsatisfiableError, "place 2"),
            ({9: "C"}, InvalidParameterError, "event 9 of a piece of 4"),
            (["C"], InvalidParameterError, "demands on 1 events of a piece of 4"),
            (np.zeros((4, 3), dtype=bool), UnsatisfiableError, "place 1 of 4"),
            (np.zeros((3, 4), dtype=bool), InvalidParameterError, "shape"),
            (np.ones((4, 3)), InvalidParameterError, "float64"),
        ],
    )
    def test_demands_that_make_no_sense(self, fitted, allowed, error, said):
        with pytest.raises(error, match=said):
            fitted.predict([TOY], allowed=[allowed])

    def test_demands_are_one_a_piece(self, fitted):
        with pytest.raises(InvalidParameterError, match="2 pieces and demands on 1"):
            fitted.predict([TOY, TOY], allowed=[None])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.sets(st.sampled_from("CFG"), max_size=3)), max_size=6), st.integers(0, 99)
)
def test_whatever_is_demanded_is_met_or_refused(fitted, events, seed):
    piece = [{"bass": bass, "metre": place % 3} for place, (bass, _) in enumerate(events)]
    demands = [tuple(wanted) for _, wanted in events]
    if not all(demands):
        with pytest.raises(UnsatisfiableError, match=f"place {demands.index(()) + 1} "):
            fitted.predict([piece], allowed=[demands])
        return
    [rows] = fitted.predict_marginals([piece], allowed=[demands])
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    [said], drawn = fitted.predict([piece], allowed=[demands]), fitted.sample(piece, 3, allowed=demands, seed=seed)
    for wanted, row, *labels in zip(demands, rows, said, *drawn, strict=True):
        assert set(labels) <= set(wanted)
        assert (row[[label not in wanted for label in fitted.labels_]] == 0).all()
    assert fitted.log_prob([said], [piece])[0] >= fitted.log_prob(drawn, [piece] * 3).max() - 1e-9


class TestChoosing:
    def test_what_labels_held_out_pieces_best_is_taken(self):
        observations, labels = pieces(20)
        model = CRF(choose={"templates": [["metre"], ["bass"]], "l2": [0.1, 1.0]}, folds=4).fit(observations, labels)
        assert len(model.tried_) == 4
        assert model.chosen_["templates"] == ["bass"]
        assert model.templates_ == ("bass",)
        same = CRF(["bass"], l2=model.chosen_["l2"]).fit(observations, labels)
        assert np.array_equal(model.transitions_, same.transitions_)
        assert max(choice.accuracy for choice in model.tried_) > 0.6

    def test_one_piece_cannot_be_dealt(self):
        with pytest.raises(InvalidParameterError, match="one piece"):
            CRF(choose={"l2": [0.1, 1.0]}).fit([TOY], [["C", "F", "G", "C"]])


class TestReport:
    def test_the_strongest_weights_come_first(self, fitted):
        rows = fitted.strongest(2)
        assert {row.label for row in rows} == set(fitted.labels_)
        own = [row.weight for row in rows if row.label == "G"]
        assert own[0] == max(own) > 0 > min(own)
        assert next(row.feature for row in rows if row.label == "G").startswith("bass=")


class TestFiles:
    def test_a_saved_model_answers_the_same_without_crfsuite(self, fitted, tmp_path):
        meta, arrays = fitted.to_arrays()
        path = tmp_path / "labels.smm"
        model_file.write(path, {"crf": json.loads(json.dumps(meta))}, arrays)
        code = f"""
import sys
sys.modules["sklearn_crfsuite"] = sys.modules["pycrfsuite"] = None
from stochastic_music.model_file import ModelFile
from stochastic_music.models.crf import CRF
file = ModelFile({str(path)!r})
crf = CRF.from_arrays(file.meta["crf"], file)
print(crf.predict([{TOY!r}]), crf.sample({TOY!r}, 3, seed=2), crf.log_prob([["C"] * 4], [{TOY!r}]).tolist(), crf)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        own = fitted.predict([TOY]), fitted.sample(TOY, 3, seed=2), fitted.log_prob([["C"] * 4], [TOY]).tolist(), fitted
        assert done.stdout.strip() == " ".join(map(str, own))

    def test_choices_are_kept(self):
        model = CRF(choose={"l2": (0.1, 1.0)}).fit(*pieces())
        meta, arrays = model.to_arrays()
        again = CRF.from_arrays(json.loads(json.dumps(meta)), arrays)
        assert again.chosen_ == model.chosen_
        assert again.tried_ == model.tried_

    def test_without_crfsuite_training_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn_crfsuite", None)
        with pytest.raises(ImportError, match=r'pip install "sklearn-crfsuite'):
            CRF().fit(*pieces())

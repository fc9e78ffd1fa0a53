"""The CRF of chords: its likelihood against every path of a toy, and what is learned in one key known in all."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from stochastic_music import model_file
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, UnknownNameError
from stochastic_music.models.crf import RelativeCRF, relative
from stochastic_music.models.crf import _relative_training as training
from stochastic_music.models.crf.roots import ROOTS, Tonic, parse_rooted, tonic_of

SHAPES = {"": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10)}


def event(root, mode="", *, bass=None, metre=0, foreign=()):
    notes = tuple(sorted({(root + step) % 12 for step in (*SHAPES[mode], *foreign)}))
    return {"pitch_classes": notes, "bass": (root if bass is None else bass) % 12, "metre": metre}


def pieces(n=10, seed=0, tonics=(0, 2, 7)):
    """Cadences in few keys, with passing notes."""
    generator = np.random.default_rng(seed)
    observations, labels = [], []
    for i in range(n):
        tonic = tonics[i % len(tonics)]
        between = [(int(root), "m") for root in generator.choice([2, 4, 9], 2)]
        chords = [(0, ""), *between, (7, "7"), (0, "")]
        own, said = [], []
        for root, mode in chords:
            for beat in range(int(generator.integers(1, 3))):
                foreign = (2,) if generator.random() < 0.3 else ()
                own.append(event(tonic + root, mode, metre=beat, foreign=foreign))
                said.append(ROOTS[(tonic + root) % 12] + mode)
        observations.append(own)
        labels.append(said)
    return observations, labels


def transposed(piece, semitones):
    return [
        {
            "pitch_classes": tuple(sorted((p + semitones) % 12 for p in own["pitch_classes"])),
            "bass": (own["bass"] + semitones) % 12,
            "metre": own["metre"],
        }
        for own in piece
    ]


@pytest.fixture(scope="module")
def fitted():
    return RelativeCRF(every_root=True, l2=0.5).fit(*pieces())


class TestEveryPath:
    def problem(self, monkeypatch):
        """Two short pieces, their problem, and weights at random."""
        caught = []

        def solve(self, max_iterations):
            caught.append(self)
            return self.nothing()

        monkeypatch.setattr(training.Problem, "solve", solve)
        observations, labels = pieces(2)
        model = RelativeCRF(["always", "pitch_classes", "bass@-1"], ["always", "metre", "n_kept"], min_count=1)
        model.fit([observations[0][:3], observations[1][:2]], [labels[0][:3], labels[1][:2]])
        [problem] = caught
        generator = np.random.default_rng(3)
        weights = problem.nothing()
        return problem, weights.like(generator.normal(scale=0.7, size=weights.flat().size))

    def test_log_z_and_expected_counts(self, monkeypatch):
        problem, weights = self.problem(monkeypatch)
        [table], m = problem.tables, problem.n_modes
        unary = np.asarray(table.seen @ training.unary_weights(weights.state, problem.seen_from))
        unary += weights.degree[table.minor]
        stay = np.asarray(table.steps_seen @ weights.stay)
        common = weights.pairwise()
        total, counts = 0.0, np.zeros_like(weights.flat())
        for rows in ([0, 1, 2], [3, 4]):
            paths = list(itertools.product(np.flatnonzero(problem.possible), repeat=len(rows)))
            scores = []
            for path in paths:
                score = sum(unary[row, y] for row, y in zip(rows, path, strict=True))
                for row, a, b in zip(rows[1:], path, path[1:], strict=False):
                    score += common[a, b] + stay[row, 0] * (a == b) + stay[row, 1] * (a // m == b // m)
                scores.append(score)
            log_z = np.logaddexp.reduce(scores)
            total += log_z
            # what the weights count on each path comes from the same sums over a model that is sure of it
            sure = replace(table, states=table.states.copy())
            chosen = np.random.default_rng(0).choice(len(paths), 3)
            for i in chosen:
                sure.states[rows] = paths[i]
                counts = problem._sums(sure, problem._given(sure)).flat()
                others = [row for row in range(5) if row not in rows]
                rest = sum(unary[row, table.states[row]] for row in others)
                for row in others[1:]:
                    a, b = table.states[row - 1], table.states[row]
                    rest += common[a, b] + stay[row, 0] * (a == b) + stay[row, 1] * (a // m == b // m)
                assert counts @ weights.flat() == pytest.approx(scores[i] + rest)
        assert problem.expected(weights)[0] == pytest.approx(total)

    def test_pieces_may_stand_in_several_tables(self, monkeypatch):
        problem, weights = self.problem(monkeypatch)
        monkeypatch.setattr(relative, "together", lambda lengths: training.together(lengths, at_most=1))
        parted, _ = self.problem(monkeypatch)
        assert (len(problem.tables), len(parted.tables)) == (1, 2)
        one, other = problem.expected(weights), parted.expected(weights)
        assert one[0] == pytest.approx(other[0])
        np.testing.assert_allclose(one[1].flat(), other[1].flat(), atol=1e-12)

    def test_the_gradient_is_that_of_log_z(self, monkeypatch):
        problem, weights = self.problem(monkeypatch)
        flat = weights.flat()
        gradient = problem.expected(weights)[1].flat()
        told = np.flatnonzero(np.abs(gradient) > 1e-3)
        bounds = np.cumsum([part.size for part in weights])
        assert all(np.isin(np.searchsorted(bounds, told, side="right"), [i]).any() for i in range(4))
        for i in np.random.default_rng(1).choice(told, 60, replace=False):
            step = np.zeros_like(flat)
            step[i] = 1e-5
            above, below = (problem.expected(weights.like(flat + sign * step))[0] for sign in (1, -1))
            assert (above - below) / 2e-5 == pytest.approx(gradient[i], abs=1e-6)

    def test_the_chain_scores_as_training_does(self, monkeypatch):
        caught, solve = [], training.Problem.solve

        def watched(self, max_iterations):
            caught.append(self)
            return solve(self, max_iterations)

        monkeypatch.setattr(training.Problem, "solve", watched)
        observations, labels = pieces()
        model = RelativeCRF(every_root=True, max_iterations=5).fit(observations, labels)
        [problem] = caught
        [table] = problem.tables
        given = problem._sums(table, problem._given(table)).flat() @ model.weights_.flat()
        log_z, _ = problem.expected(model.weights_)
        assert model.log_prob(labels, observations).sum() == pytest.approx(given - log_z)


class TestKeys:
    @pytest.mark.parametrize("semitones", [1, 6, 11])
    def test_what_is_learned_in_one_key_is_known_in_all(self, fitted, semitones):
        observations, _ = pieces(4, seed=5)
        there = [transposed(piece, semitones) for piece in observations]
        said = [[parse_rooted(label).transposed(semitones) for label in own] for own in fitted.predict(observations)]
        assert [[parse_rooted(label) for label in own] for own in fitted.predict(there)] == said
        [rows], [moved] = fitted.predict_marginals(observations[:1]), fitted.predict_marginals(there[:1])
        order = [fitted._place(str(parse_rooted(label).transposed(semitones))) for label in fitted.labels_]
        np.testing.assert_allclose(moved[:, order], rows, atol=1e-9)

    def test_it_labels_what_it_never_saw(self, fitted):
        observations, labels = pieces(6, seed=9, tonics=(4,))
        assert fitted.score(observations, labels) > 0.9

    def test_labels_are_those_of_training_unless_every_root_is_asked_for(self, fitted):
        observations, labels = pieces()
        held = RelativeCRF(max_iterations=5).fit(observations, labels)
        assert set(held.labels_) == {label for own in labels for label in own}
        assert len(fitted.labels_) == 12 * len(fitted.modes_) == 36

    def test_two_spellings_are_one_label(self):
        observations, labels = pieces(6, tonics=(1,))
        flat = [[label.replace("C#", "Db") for label in own] for own in labels]
        mixed = RelativeCRF(max_iterations=20).fit(observations * 2, labels + flat)
        assert ("C#" in mixed.labels_) != ("Db" in mixed.labels_)
        assert mixed.log_prob(labels, observations).tolist() == mixed.log_prob(flat, observations).tolist()
        assert mixed.score(observations, labels) == mixed.score(observations, flat)

    def test_labels_without_a_root_stand_in_every_key(self):
        observations, labels = pieces(6, tonics=(0, 2))
        silence = {"pitch_classes": (), "bass": 0, "metre": 1}
        observations = [[*piece, silence] for piece in observations]
        model = RelativeCRF(every_root=True, l2=0.5).fit(observations, [[*own, "N.C."] for own in labels])
        assert [label for label in model.labels_ if parse_rooted(label).root is None] == ["N.C."]
        assert model.predict([transposed(observations[0], 5)])[0][-1] == "N.C."

    def test_the_tonic_is_what_sounds(self):
        observations, _ = pieces(3, tonics=(3,))
        assert tonic_of(observations[0]) == Tonic(3, False)
        assert tonic_of([]) == tonic_of([{"pitch_classes": ()}]) == Tonic(0, False)
        minor = [event(9, "m"), event(2, "m"), event(4), event(9, "m")]
        assert tonic_of(minor) == Tonic(9, True)


class TestPieces:
    def test_of_no_events_and_of_one(self, fitted):
        assert fitted.predict([[]]) == [[]]
        assert fitted.log_prob([[]], [[]]).tolist() == [0.0]
        [row] = fitted.predict_marginals([[event(4)]])
        assert row.sum() == pytest.approx(1)
        one = RelativeCRF().fit([[], [event(0)]], [[], ["C"]])
        assert one.predict([[event(0)]]) == [["C"]]

    def test_columns_may_be_missing(self):
        observations, labels = pieces(6)
        bare = [[{"pitch_classes": own["pitch_classes"]} for own in piece] for piece in observations]
        model = RelativeCRF(l2=0.5).fit(bare, labels)
        assert not any("metre" in template for template in (*model.templates_, *model.step_templates_))
        assert model.score(bare, labels) > 0.9


def test_equal_pieces_give_equal_weights(fitted):
    again = RelativeCRF(every_root=True, l2=0.5).fit(*pieces())
    assert np.array_equal(again.weights_.flat(), fitted.weights_.flat())


def test_a_saved_model_answers_the_same(fitted, tmp_path):
    meta, arrays = fitted.to_arrays()
    model_file.write(tmp_path / "chords.smm", {"crf": meta}, arrays)
    file = model_file.ModelFile(tmp_path / "chords.smm")
    again = RelativeCRF.from_arrays(json.loads(json.dumps(file.meta["crf"])), file)
    observations, labels = pieces(3, seed=4)
    assert repr(again.get_params()).replace("[]", "()") == repr(fitted.get_params())
    assert again.predict(observations) == fitted.predict(observations)
    assert again.log_prob(labels, observations).tolist() == fitted.log_prob(labels, observations).tolist()


def test_parameters_may_be_chosen():
    model = RelativeCRF(choose={"l2": [0.5, 500.0]}, folds=3, max_iterations=20).fit(*pieces(6))
    assert model.chosen_ == {"l2": 0.5}
    assert model.tried_[0].accuracy > model.tried_[1].accuracy


def test_the_strongest_weights_are_told_from_the_root(fitted):
    rows = [row for row in fitted.strongest(8) if row.label == "m" and row.weight > 0]
    assert any(row.feature == "pitch_classes=3" or "0,3,7" in row.feature for row in rows)


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"l2": 0}, InvalidParameterError, "l2 is 0"),
        ({"min_count": 0}, InvalidParameterError, "min_count is 0"),
        ({"max_iterations": 2.5}, InvalidParameterError, "max_iterations is 2.5"),
        ({"templates": "bass"}, InvalidParameterError, "a list of texts"),
        ({"step_templates": ["@1"]}, InvalidParameterError, "cannot be read"),
        ({"templates": ["bas"]}, UnknownNameError, "did you mean 'bass'"),
    ],
)
def test_parameters(changed, error, said):
    with pytest.raises(error, match=said):
        RelativeCRF(**changed).fit(*pieces(2))


def test_nothing_to_learn_from():
    with pytest.raises(EmptyCorpusError):
        RelativeCRF().fit([], [])


def test_roots_may_be_numbers():
    observations, labels = pieces(6, tonics=(0, 1))
    numbered = [[f"{parse_rooted(label).root} {parse_rooted(label).mode or 'maj'}" for label in own] for own in labels]
    model = RelativeCRF(every_root=True, max_iterations=20).fit(observations, numbered)
    assert len(model.labels_) == 36
    assert model.predict([transposed(observations[0], 6)])[0][-1] == "6 maj"

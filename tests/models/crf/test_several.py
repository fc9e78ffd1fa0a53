"""Several labels at once: each labeller sees what those before it said."""

import itertools
import json

import numpy as np
import pytest
from scipy.stats import chi2

from stochastic_music import model_file
from stochastic_music.errors import InputError, InvalidParameterError, NotFittedError, UnknownNameError
from stochastic_music.models.crf import CRF, CRFs, RelativeCRF

PIECES = [[{"bass": 0}, {"bass": 7}, {"bass": 0}], [{"bass": 7}, {"bass": 0}, {"bass": 0}], []]
LABELS = {
    "chord": [["I", "V", "I"], ["V", "I", "V"], []],
    "role": [["rest", "tension", "rest"], ["tension", "rest", "tension"], []],
}


@pytest.fixture(scope="module")
def fitted():
    return CRFs({"chord": CRF(["bass"], l2=0.5), "role": CRF(["chord", "chord@-1"], l2=0.5)}).fit(PIECES, LABELS)


def everything(model, piece):
    chords, roles = (list(itertools.product(labels, repeat=len(piece))) for labels in (("I", "V"), ("rest", "tension")))
    pairs = [{"chord": list(c), "role": list(r)} for c in chords for r in roles]
    labels = {name: [pair[name] for pair in pairs] for name in ("chord", "role")}
    return pairs, np.exp(model.log_prob(labels, [piece] * len(pairs)))


def test_all_labels_together_have_probability_one(fitted):
    assert everything(fitted, PIECES[0])[1].sum() == pytest.approx(1)


def test_later_labels_follow_the_earlier(fitted):
    said = fitted.predict([[{"bass": 7}, {"bass": 0}]])
    assert said == {"chord": [["V", "I"]], "role": [["tension", "rest"]]}
    demanded = fitted.predict([[{"bass": 7}, {"bass": 0}]], allowed={"chord": [{0: "I"}]})
    assert demanded["chord"][0][0] == "I"
    assert demanded["role"] == [[{"I": "rest", "V": "tension"}[chord] for chord in demanded["chord"][0]]]


def test_samples_follow_the_probabilities_and_wrong_ones_are_refused(fitted):
    pairs, p = everything(fitted, PIECES[0][:2])
    drawn = fitted.sample(PIECES[0][:2], 2000, seed=11)
    counts = np.array([drawn.count(pair) for pair in pairs])
    assert counts.sum() == 2000

    def p_value(expected):  # below 1e-4 once in ten thousand seeds; this seed is fixed
        return chi2.sf(((counts - expected) ** 2 / expected).sum(), len(pairs) - 1)

    assert (2000 * p > 4).all()
    assert p_value(2000 * p) > 1e-4
    flat = np.sqrt(p) / np.sqrt(p).sum()
    assert p_value(2000 * flat) < 1e-4


def test_draws_depend_on_the_seed_and_their_number_alone(fitted):
    assert fitted.sample(PIECES[0], 3, seed=4) == fitted.sample(PIECES[0], 7, seed=4)[:3]


def test_marginals_are_given_by_name(fitted):
    rows = fitted.predict_marginals(PIECES)
    assert {name: [own.shape for own in rows[name]] for name in rows} == {
        name: [(3, 2), (3, 2), (0, 2)] for name in ("chord", "role")
    }


def test_a_saved_model_answers_the_same(tmp_path):
    notes = [[{"pitch_classes": (0, 4, 7), "bass": 0}, {"pitch_classes": (2, 7, 11), "bass": 7}]]
    model = CRFs({"chord": RelativeCRF(min_count=1), "role": CRF(["chord"])})
    model.fit(notes, {"chord": [["C", "G"]], "role": [["rest", "tension"]]})
    meta, arrays = model.to_arrays()
    model_file.write(tmp_path / "both.smm", {"labellers": json.loads(json.dumps(meta))}, arrays)
    file = model_file.ModelFile(tmp_path / "both.smm")
    again = CRFs.from_arrays(file.meta["labellers"], file)
    assert again.predict(notes) == model.predict(notes)
    assert again.sample(notes[0], 3, seed=0) == model.sample(notes[0], 3, seed=0)


def test_the_labellers_that_are_given_stay_as_they_are(fitted):
    assert not any(hasattr(labeller, "labels_") for labeller in fitted.labellers.values())


@pytest.mark.parametrize(
    ("labels", "error", "said"),
    [
        ({"chord": LABELS["chord"]}, InputError, "no labels 'role'"),
        ({**LABELS, "rule": LABELS["role"]}, UnknownNameError, "did you mean 'role'"),
        ({**LABELS, "role": [["rest"], ["rest"], []]}, InputError, "3 events and 1 labels"),
    ],
)
def test_labels_that_are_missing_or_too_many(labels, error, said):
    with pytest.raises(error, match=said):
        CRFs({"chord": CRF(), "role": CRF()}).fit(PIECES, labels)


def test_names_must_not_be_columns():
    with pytest.raises(InvalidParameterError, match="'bass' is a column"):
        CRFs({"bass": CRF()}).fit(PIECES, {"bass": LABELS["chord"]})


def test_use_before_fit():
    with pytest.raises(NotFittedError):
        CRFs({"chord": CRF()}).predict(PIECES)

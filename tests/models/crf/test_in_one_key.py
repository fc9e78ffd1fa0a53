"""A labeller that sees every piece in one key."""

import json

import numpy as np
import pytest

from stochastic_music import model_file
from stochastic_music.errors import EmptyCorpusError, NotFittedError, UnsatisfiableError
from stochastic_music.models.crf import CRF, InOneKey
from stochastic_music.models.crf.roots import parse_rooted

TONIC = {"pitch_classes": (0, 4, 7), "bass": 0, "strong": "yes"}
SUBDOMINANT = {"pitch_classes": (0, 5, 9), "bass": 5, "strong": "no"}
DOMINANT = {"pitch_classes": (2, 7, 11), "bass": 7, "strong": "yes"}
PIECE = [TONIC, SUBDOMINANT, DOMINANT, TONIC]


def transposed(piece, semitones):
    return [
        {
            **event,
            "pitch_classes": tuple((p + semitones) % 12 for p in event["pitch_classes"]),
            "bass": (event["bass"] + semitones) % 12,
        }
        for event in piece
    ]


@pytest.fixture(scope="module")
def fitted():
    return InOneKey(CRF(["pitch_classes", "bass", "strong", "key"], l2=0.1)).fit(
        [PIECE, transposed(PIECE, 2)], [["C", "F", "G", "C"], ["D", "G", "A", "D"]]
    )


@pytest.mark.parametrize("semitones", range(12))
def test_what_is_learned_in_one_key_is_known_in_all(fitted, semitones):
    [said] = fitted.predict([transposed(PIECE, semitones)])
    assert [parse_rooted(label).root for label in said] == [(root + semitones) % 12 for root in (0, 5, 7, 0)]
    [rows] = fitted.predict_marginals([transposed(PIECE, semitones)])
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    assert (rows > 0).sum() == 3 * len(PIECE)  # labels that its key never held have no probability
    assert np.exp(fitted.log_prob([said], [transposed(PIECE, semitones)]))[0] > 0.3


def test_labels_may_be_kept_to_those_of_training():
    model = InOneKey(CRF(["pitch_classes"], l2=0.1), every_root=False).fit([PIECE], [["C", "F", "G", "C"]])
    assert model.labels_ == ("C", "F", "G")
    with pytest.raises(UnsatisfiableError, match="place 1"):
        model.predict([transposed(PIECE, 1)])


def test_the_labeller_that_is_given_stays_as_it_is(fitted):
    assert not hasattr(fitted.labeller, "labels_")
    assert fitted.labeller_.labels_ == ("C", "F", "G")


def test_a_saved_model_answers_the_same(fitted, tmp_path):
    meta, arrays = fitted.to_arrays()
    model_file.write(tmp_path / "chords.smm", {"labeller": json.loads(json.dumps(meta))}, arrays)
    file = model_file.ModelFile(tmp_path / "chords.smm")
    again = InOneKey.from_arrays(file.meta["labeller"], file)
    piece = transposed(PIECE, 5)
    assert again.sample(piece, 5, seed=1) == fitted.sample(piece, 5, seed=1)
    assert again.labels_ == fitted.labels_


def test_pieces_without_events_and_models_without_training(fitted):
    assert fitted.predict([[]]) == [[]]
    with pytest.raises(EmptyCorpusError):
        InOneKey().fit([[]], [[]])
    with pytest.raises(NotFittedError):
        InOneKey().predict([PIECE])

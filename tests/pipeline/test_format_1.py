"""Model files of the format before: opened, they say what they said, and are saved as if they had been fitted now."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

import stochastic_music as sm
from stochastic_music import model_file

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((GOLDEN / "format_1.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_of_format_1_says_what_it_said(name):
    file = model_file.ModelFile(GOLDEN / f"format_1_{name}.smm")
    assert file.meta["format"] == 1
    pipeline = sm.Pipeline.from_file(file)
    np.testing.assert_allclose(pipeline.log_probs(pipeline.corpus_), EXPECTED[name], rtol=1e-12)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_saved_again_it_is_as_if_it_had_been_fitted_now(name):
    made = runpy.run_path(str(GOLDEN / "format_1.py"))
    opened = sm.Pipeline.load(GOLDEN / f"format_1_{name}.smm")
    now = type(made["MODELS"][name])(**made["MODELS"][name].get_params()).fit(opened.corpus_)
    there, here = (model.to_arrays() for model in (opened.model, now))
    assert there.keys() == here.keys()
    for array in there:
        assert there[array].dtype == here[array].dtype
        np.testing.assert_array_equal(there[array], here[array])

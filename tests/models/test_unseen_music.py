"""On pieces that training never showed, what a model scores is still what its steps say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models import PPM, STM, Markov, OnlinePPM
from stochastic_music.models.base import corpus_log_probs, stepwise_log_probs
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

FIELDS = (Field("duration", 2, first=1, advances="later"), Field("slur", 2), Field("pitch", 4))
TICKING, SILENT = Vocabulary(FIELDS, resolution=1), Vocabulary(FIELDS)
MODELS = [
    Markov(0),
    PPM(0),
    Markov(1),
    Markov(3, "witten_bell"),
    Markov(2, "none"),
    PPM(None),
    PPM(2),
    STM(),
    OnlinePPM(),
]

EVENTS = st.lists(st.tuples(st.integers(0, 1), st.integers(2, 3), st.integers(4, 7)), max_size=8)
PIECES = st.lists(EVENTS.map(lambda events: [s for event in events for s in event]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(PIECES, PIECES, st.sampled_from(MODELS), st.sampled_from([TICKING, SILENT]))
def test_scores_are_sums_of_steps(known, unseen, model, vocabulary):
    header = Header(1, (Meter(0, 3, 4),))
    train, text = (
        TokenCorpus.from_sequences(pieces, vocabulary, headers=[header] * len(pieces)) for pieces in (known, unseen)
    )
    fitted = model.fit(train)
    steps = stepwise_log_probs(fitted, text)
    assert corpus_log_probs(fitted, text) == pytest.approx(steps, abs=1e-9)
    assert not np.isnan(steps).any()

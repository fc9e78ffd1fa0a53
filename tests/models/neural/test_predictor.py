"""From what is heard to distributions: what may not follow, heads of intervals and copies, networks of any kind."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.neural.hearing import Hearing
from stochastic_music.models.neural.networks.predictor import Predictor
from stochastic_music.models.neural.networks.recurrent import Recurrent
from stochastic_music.testing.toys import TOYS, ticking
from stochastic_music.tokens import Header, Vocabulary


def predictor_for(hearing, **sizes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Predictor(hearing, lambda n: Recurrent(n, width=7, **sizes), embedding=4).double().eval()


def asked(predictor, hearing, corpus):
    heard = hearing.of_corpus(corpus)
    columns, allowed = torch.as_tensor(heard), torch.as_tensor(hearing.allowed(heard))
    return predictor(columns, predictor.start(len(corpus)), allowed)[0].detach().numpy(), allowed.numpy()


@pytest.mark.parametrize("name", TOYS)
def test_rows_add_up_to_one_over_what_is_allowed(name):
    corpus = TOYS[name]()
    hearing = Hearing.of(corpus)
    log_probs, allowed = asked(predictor_for(hearing), hearing, corpus)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=-1), 1.0)
    assert (np.isfinite(log_probs) == allowed).all()


def silenced(hearing):
    """A predictor whose heads say nothing yet."""
    predictor = predictor_for(hearing)
    with torch.no_grad():
        for head in filter(None, (predictor.absolute, predictor.copying, predictor.degrees, *predictor.intervals)):
            head.weight.zero_()
            head.bias.zero_()
    return predictor


def test_an_interval_is_the_same_at_any_height():
    corpus = TokenCorpus.from_sequences([[3, 5, 8]], Vocabulary.plain(12, name="pitch"))
    hearing = Hearing.of(corpus, reach=3)
    predictor = silenced(hearing)
    with torch.no_grad():
        predictor.intervals[0].bias[predictor.n_steps + 2] = 5.0  # up two semitones
    log_probs, _ = asked(predictor, hearing, corpus)
    assert len(set(log_probs[0, 0].round(9))) == 1
    assert hearing.symbols[log_probs[0, 1:].argmax(axis=-1)].tolist() == [5, 7, 10]


def test_a_copy_is_as_likely_as_its_match_is_long():
    corpus = TokenCorpus.from_sequences([[0, 1, 2, 0, 1, 2]], Vocabulary.plain(4))
    hearing = Hearing.of(corpus)
    predictor = silenced(hearing)
    with torch.no_grad():
        predictor.copying.bias[2:] = 5.0
    log_probs, _ = asked(predictor, hearing, corpus)
    flat = [len(set(row[np.isfinite(row)].round(9))) == 1 for row in log_probs[0]]
    assert flat == [True, True, True, True, True, False, False]
    assert log_probs[0, 5:].argmax(axis=-1).tolist() == [2, 0]


def test_silence_of_heads_where_nothing_came_before():
    corpus = ticking()
    hearing = Hearing.of(corpus)
    predictor = silenced(hearing)
    with torch.no_grad():
        predictor.intervals[0].bias.normal_()
        predictor.copying.bias.normal_()
    log_probs, allowed = asked(predictor, hearing, corpus)
    np.testing.assert_allclose(log_probs[:, 0][allowed[:, 0]], -np.log(allowed[:, 0].sum(axis=-1)[0]))


def test_degrees_go_with_the_printed_key():
    headers = [Header(1, key="C"), Header(1, key="Dm"), None]
    corpus = TokenCorpus.from_sequences([[0, 2, 4]] * 3, Vocabulary.plain(12, name="pitch"), headers=headers)
    hearing = Hearing.of(corpus)
    predictor = silenced(hearing)
    with torch.no_grad():
        predictor.degrees.bias[2] = 5.0
    log_probs, _ = asked(predictor, hearing, corpus)
    assert hearing.symbols[log_probs[:2, 0].argmax(axis=-1)].tolist() == [2, 4]
    assert len(set(log_probs[2, 0].round(9))) == 1

"""Fitting from a store gives the model that fitting from the folder gives."""

from __future__ import annotations

import numpy as np
import pytest

from stochastic_music import Corpus, MelodyEncoding, Pipeline, VoicesEncoding, registry
from stochastic_music.corpus import Roster
from stochastic_music.corpus.store import build_store
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, StoreError


def built(path, folder, transpose="common", encoding=None):
    encoding = encoding or MelodyEncoding()
    return build_store(path, [folder], encoding, transpose=transpose, workers=1, shard_files=5).store


@pytest.mark.parametrize(
    ("kind", "transpose"), [("markov", "none"), ("markov", "all"), ("ppm", "common"), ("hmm", "common")]
)
def test_the_store_gives_the_model_of_the_folder(tmp_path, music_folder, kind, transpose):
    parameters = {"hmm": {"n_states": 2}}.get(kind, {})
    made = [
        Pipeline(MelodyEncoding(), registry.create("models", kind, parameters), transpose=transpose) for _ in range(2)
    ]
    made[0].fit(Corpus.from_folder(music_folder, workers=1))
    made[1].fit_store(built(tmp_path / "store", music_folder, transpose))
    (meta, arrays), (expected_meta, expected) = made[1].contents(), made[0].contents()
    assert meta == expected_meta
    assert sorted(arrays) == sorted(expected)
    for name, array in expected.items():
        assert np.array_equal(arrays[name], array), name


def test_sources_are_kept_where_there_are_few_or_where_asked(tmp_path, music_folder, monkeypatch):
    store = built(tmp_path / "store", music_folder)
    pipeline = Pipeline(MelodyEncoding(), registry.create("models", "markov", {}), transpose="common")
    assert pipeline.fit_store(store).corpus_ is not None
    monkeypatch.setattr("stochastic_music.pipeline.storing.MOST_KEPT", 10)
    if hasattr(pipeline.model, "fit_parts"):
        assert pipeline.fit_store(store).corpus_ is None
    assert pipeline.fit_store(store, sources=True).corpus_ is not None


def test_other_stores_and_too_little_memory_are_refused(tmp_path, music_folder):
    store = built(tmp_path / "store", music_folder)
    markov = registry.create("models", "markov", {})
    with pytest.raises(StoreError, match="asked was transpose none"):
        Pipeline(MelodyEncoding(), markov).fit_store(store)
    with pytest.raises(StoreError, match="asked was encoding voices"):
        Pipeline(VoicesEncoding(4), markov, transpose="common").fit_store(store)
    hmm = registry.create("models", "hmm", {"n_states": 2})
    with pytest.raises(
        InvalidParameterError, match="11,999 bytes, and HMM needs all symbols at once, which take 12,000"
    ):
        Pipeline(MelodyEncoding(), hmm, transpose="common").fit_store(store, memory=11_999)
    with pytest.raises(EmptyCorpusError, match="holds none"):
        Pipeline(MelodyEncoding(), hmm, transpose="common").fit_store(store.parts[:0])


def test_rosters_of_parts_join_to_that_of_the_whole(tmp_path, music_folder):
    store = built(tmp_path / "store", music_folder)

    def roster(corpus):
        return Roster.of(corpus, n_notes=np.arange(len(corpus)), licences=[""] * len(corpus))

    joined, whole = Roster.joined(map(roster, store.parts)), roster(store.tokens())
    assert joined.headers == whole.headers
    assert np.array_equal(joined.fingerprints, whole.fingerprints)
    assert np.array_equal(joined.times, whole.times)
    assert len({id(header) for header in store.tokens().headers}) == len(set(whole.headers))

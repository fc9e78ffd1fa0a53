from __future__ import annotations

from collections.abc import Iterator

import pytest

from stochastic_music.corpus import Corpus, LabelledPiece, label_pieces
from stochastic_music.corpus.builtin import BUILTIN
from stochastic_music.tasks.chords import ANALYSES


@pytest.fixture(scope="session")
def chorales(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[LabelledPiece]]:
    """The chorales of the built-in labelled corpus that fit their analyses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCHASTIC_MUSIC_CACHE", str(tmp_path_factory.mktemp("cache")))
        pytest.importorskip("music21")
        corpus = Corpus.builtin(ANALYSES, workers=1)
        pieces, out = label_pieces(corpus, paired=BUILTIN[ANALYSES].analysis_files())
        assert [(piece.name, "name only" in piece.reason) for piece in out] == [("bwv41.6.mxl", True)]
        yield pieces

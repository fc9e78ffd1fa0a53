"""Pieces and where they come from: ingestion, built-in corpora, splits, and pieces as integers.

Names arrive with their first use: the processes that read files load no more than they need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stochastic_music._lazy import attach

if TYPE_CHECKING:
    from stochastic_music.corpus._cache import cache_clear as cache_clear
    from stochastic_music.corpus._cache import cache_folder as cache_folder
    from stochastic_music.corpus.builtin import builtin_corpora as builtin_corpora
    from stochastic_music.corpus.chord_labels import LabelledPiece as LabelledPiece
    from stochastic_music.corpus.chord_labels import label_pieces as label_pieces
    from stochastic_music.corpus.corpus import Corpus as Corpus
    from stochastic_music.corpus.corpus import open_corpora as open_corpora
    from stochastic_music.corpus.dealing import folds as folds
    from stochastic_music.corpus.encoding import EncodingReport as EncodingReport
    from stochastic_music.corpus.encoding import encode_corpus as encode_corpus
    from stochastic_music.corpus.encoding import encode_piece as encode_piece
    from stochastic_music.corpus.ingest import ingest_tokens as ingest_tokens
    from stochastic_music.corpus.labelled import LabelledCorpus as LabelledCorpus
    from stochastic_music.corpus.piece import Piece as Piece
    from stochastic_music.corpus.report import IngestReport as IngestReport
    from stochastic_music.corpus.roster import Roster as Roster
    from stochastic_music.corpus.roster import fingerprints as fingerprints
    from stochastic_music.corpus.store import TokenStore as TokenStore
    from stochastic_music.corpus.store import build_store as build_store
    from stochastic_music.corpus.token_corpus import TokenCorpus as TokenCorpus

#: public name -> the module it lives in
_MODULES = {
    "Corpus": "corpus",
    "EncodingReport": "encoding",
    "IngestReport": "report",
    "LabelledCorpus": "labelled",
    "LabelledPiece": "chord_labels",
    "Piece": "piece",
    "Roster": "roster",
    "TokenCorpus": "token_corpus",
    "TokenStore": "store",
    "build_store": "store",
    "builtin_corpora": "builtin",
    "cache_clear": "_cache",
    "cache_folder": "_cache",
    "encode_corpus": "encoding",
    "encode_piece": "encoding",
    "fingerprints": "roster",
    "folds": "dealing",
    "ingest_tokens": "ingest",
    "label_pieces": "chord_labels",
    "open_corpora": "corpus",
}

__all__ = [
    "Corpus",
    "EncodingReport",
    "IngestReport",
    "LabelledCorpus",
    "LabelledPiece",
    "Piece",
    "Roster",
    "TokenCorpus",
    "TokenStore",
    "build_store",
    "builtin_corpora",
    "cache_clear",
    "cache_folder",
    "encode_corpus",
    "encode_piece",
    "fingerprints",
    "folds",
    "ingest_tokens",
    "label_pieces",
    "open_corpora",
]

__getattr__, __dir__ = attach(__name__, _MODULES)

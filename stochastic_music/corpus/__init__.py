"""Pieces and where they come from: ingestion, built-in corpora, splits, and pieces as integers."""

from stochastic_music.corpus._cache import cache_clear, cache_folder
from stochastic_music.corpus.builtin import builtin_corpora
from stochastic_music.corpus.corpus import Corpus, open_corpora
from stochastic_music.corpus.encoding import EncodingReport, encode_corpus
from stochastic_music.corpus.ingest import ingest_tokens
from stochastic_music.corpus.piece import Piece
from stochastic_music.corpus.report import IngestReport
from stochastic_music.corpus.token_corpus import TokenCorpus

__all__ = [
    "Corpus",
    "EncodingReport",
    "IngestReport",
    "Piece",
    "TokenCorpus",
    "builtin_corpora",
    "cache_clear",
    "cache_folder",
    "encode_corpus",
    "ingest_tokens",
    "open_corpora",
]

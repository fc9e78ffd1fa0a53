"""Pieces and where they come from: ingestion, built-in corpora, splits, and pieces as integers."""

from stochastic_music.corpus.token_corpus import TokenCorpus

__all__ = ["TokenCorpus"]

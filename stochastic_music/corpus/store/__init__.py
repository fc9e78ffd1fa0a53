"""Token stores: corpora as integers on disk, larger than memory perhaps, built once and added to.

    store.json     encoding and its parameters, vocabulary, transposition, versions: `card`
    journal.jsonl  what became of every file, a line a shard, only ever added to: `journal`, `account`
    shards/        symbols, headers and names, in files that never change, named by their contents: `shard`
    lock           held by the one process that builds: `lock`

A store is built by `build.build_store` and opened by `TokenStore.open`; its `parts` are corpora of some thousand
pieces each, which models that count take one by one. `parquet` takes stores to other tools and back.
"""

from __future__ import annotations

from stochastic_music.corpus.store.build import Built, build_store
from stochastic_music.corpus.store.card import Card, is_store
from stochastic_music.corpus.store.store import Parts, TokenStore
from stochastic_music.corpus.store.writing import refuse_foreign

__all__ = ["Built", "Card", "Parts", "TokenStore", "build_store", "is_store", "refuse_foreign"]

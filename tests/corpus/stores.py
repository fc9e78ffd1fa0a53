"""What tests of stores share."""

from __future__ import annotations

from pathlib import Path

from stochastic_music import MelodyEncoding
from stochastic_music.corpus.store import build_store
from stochastic_music.corpus.store.lock import NAME as LOCK


def build(path, *folders, encoding=None, shard_files=5, **options):
    """Make a store, or add to it: by one worker, five files a shard."""
    return build_store(path, folders, encoding or MelodyEncoding(), workers=1, shard_files=shard_files, **options)


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a store, but the lock."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file() and p.name != LOCK}


def shard_files(path: Path) -> list[Path]:
    """The files of its shards."""
    return sorted((path / "shards").iterdir())

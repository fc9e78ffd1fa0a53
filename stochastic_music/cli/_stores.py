"""Building stores of tokens: which encoding, chosen once, and what a run did."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music.cli._choices import choose_encoding, choose_transposition
from stochastic_music.cli._common import plural, print_json, progress, say, show_log
from stochastic_music.errors import EmptyCorpusError, StoreError

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus
    from stochastic_music.corpus.store import Built, Card, TokenStore

#: files, spread over the folders, that the encoding is chosen by
_SAMPLE = 256
GRID = "1/16,1/12"


class Wish(NamedTuple):
    """What the options ask of the encoding; the defaults leave it open."""

    encoding: str = "auto"
    part: str | None = None
    grid: str = GRID
    transpose: str | None = None


class Chosen(NamedTuple):
    """An encoding, why it is this one, and how pieces are transposed."""

    encoding: Any
    why: str
    transpose: Any


def built(path: Path, folders: Sequence[str], wish: Wish, limits: dict[str, Any], *, retry: bool = False) -> Built:
    """The store at `path`, made or added to, having said what happens."""
    from stochastic_music.corpus.store import build_store

    chosen = settled(path, wish) or _chosen(folders, wish, limits)
    show_log()
    say(chosen.why)
    with progress("reading") as show:
        return build_store(
            path,
            folders,
            chosen.encoding,
            transpose=chosen.transpose,
            why=chosen.why,
            retry=retry,
            progress=show,
            **limits,
        )


def settled(path: Path, wish: Wish) -> Chosen | None:
    """What the store at `path` has, None where it is to be made.

    Raises StoreError where another one is asked for, and where something lies there that is none.
    """
    from stochastic_music import registry
    from stochastic_music.corpus.store import Card, is_store, refuse_foreign

    if not is_store(path):
        refuse_foreign(path)
        return None
    card = Card.read(path)
    refuse_other(path, card, wish)
    encoding = registry.from_json("encodings", [card.encoding, card.parameters])
    return Chosen(encoding, card.why, card.transpose)


def refuse_other(path: Path, card: Card, wish: Wish) -> None:
    """Raise StoreError where options ask for something else than a store holds."""
    open_ = Wish()
    has = {
        "encoding": card.encoding,
        "part": str(card.parameters.get("part")),
        "grid": card.parameters.get("grid"),
        "transpose": card.transpose,
    }
    for option, wanted in wish._asdict().items():
        if wanted not in (getattr(open_, option), has[option]):
            raise StoreError(
                f"{path} holds {card.in_words()}, so that --{option} {wanted} cannot be had of it: "
                "leave the option out, or build another store with -o"
            )


def _chosen(folders: Sequence[str], wish: Wish, limits: dict[str, Any]) -> Chosen:
    """What the options ask for, or what suits a sample of the files, and what that loses of it."""
    from stochastic_music.corpus import encode_corpus

    how = choose_transposition(wish.transpose or "common")
    sample = _sample(folders, limits)
    encoding, why = choose_encoding(sample, wish.encoding, wish.part, wish.grid)
    lost = encode_corpus(sample, encoding)[1]
    looked_at = f"Of a sample of {plural(len(sample.report.read), 'file')}: "
    return Chosen(encoding, f"{why}\n{looked_at}{lost.summary(at_most=3)}", how)


def _sample(folders: Sequence[str], limits: dict[str, Any]) -> Corpus:
    from stochastic_music.corpus import Corpus, ingest

    files = [path for folder in folders for path, _ in ingest.find(folder)[0].files]
    if not files:
        raise EmptyCorpusError(f"no piece to work on: there is no music in {', '.join(folders)}.")
    return Corpus.from_files(files[:: -(-len(files) // _SAMPLE)], **limits)


def only_store(names: Sequence[str]) -> TokenStore | None:
    """The store that is named, None where none is; raises StoreError where something is named beside it."""
    from stochastic_music.corpus.store import TokenStore, is_store

    found = [name for name in names if is_store(Path(name))]
    if not found:
        return None
    if len(names) > 1:
        raise StoreError(f"{found[0]} is a store of tokens and stands alone: name nothing beside it")
    return TokenStore.open(found[0])


def refuse_stores(names: Sequence[str], what: str) -> None:
    """Raise StoreError where a store is named, and `what` was asked for, which tokens are not enough for."""
    from stochastic_music.corpus.store import is_store

    for name in names:
        if is_store(Path(name)):
            raise StoreError(f"{name} is a store, which holds tokens; {what} needs the files: name their folder")


def show(store: TokenStore, as_json: bool, *, done: Built | None = None, verify: bool = False) -> None:
    """What a store holds, and what a run did to it; with `verify` every byte of it is checked first."""
    if verify:
        say(f"All {plural(store.verify(), 'shard')} of {store.path} are as they were written.")
    if as_json:
        print_json({**_held(store), **store.report.to_json(), **(_done(done) if done else {})})
    else:
        print(f"{store.path} holds {store.card.in_words()}.\n{store.card.why}\n{store.report.summary()}")
        if done:
            _tell(done)
    if not store.n_pieces:
        raise EmptyCorpusError(f"no piece to work on: no file could be read into {store.path}.")
    if not as_json:
        print(f"\nFit a model with: stochmusic fit {shlex.quote(str(store.path))}")


def _held(store: TokenStore) -> dict[str, Any]:
    return {
        "store": str(store.path),
        "encoding": store.card.encoding,
        "encoding_options": store.card.parameters,
        "transpose": store.card.transpose,
        "n_shards": len(store.extents),
        "n_symbols": store.n_symbols,
    }


def _done(done: Built) -> dict[str, Any]:
    return {name: value for name, value in done._asdict().items() if name != "store"}


def _tell(done: Built) -> None:
    for names, what, words in (
        (done.rebuilt, "shard", "damaged, and made anew from its files"),
        (done.lost, "file", "lost: its symbols were damaged, and it is not there as it was"),
        (done.gone, "file", "gone from its folder, or changed; what it held stays in the store"),
    ):
        if names:
            say(f"{plural(len(names), what)} {words}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}.")
    if done.damaged_lines:
        say(f"{plural(done.damaged_lines, 'line')} of the journal damaged; the files told of there are read again.")
    copies = f", {done.n_copies:,} with the bytes of others" if done.n_copies else ""
    say(f"{plural(done.n_new, 'new file')}{copies}; {plural(len(done.store.extents), 'shard')} in all.")

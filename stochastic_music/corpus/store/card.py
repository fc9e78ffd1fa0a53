"""What a store is: the file `store.json`, written once, when the store is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from stochastic_music._files import write_atomically
from stochastic_music._version import __version__
from stochastic_music.corpus.store.transposed import Transpose
from stochastic_music.errors import StoreError
from stochastic_music.tokens import Vocabulary

NAME = "store.json"
FORMAT = 1


class Card(NamedTuple):
    """An encoding's name and parameters, `why` it was chosen, how pieces are transposed, the vocabulary.

    A shard holds the pieces of `shard_files` files at most. `version` is that of the package that made the store.
    """

    encoding: str
    parameters: dict[str, Any]
    transpose: Transpose
    vocabulary: Vocabulary
    shard_files: int
    why: str = ""
    version: str = __version__

    @classmethod
    def of(cls, encoding: Any, transpose: Transpose, shard_files: int = 0, why: str = "") -> Card:
        """The card of a store of this encoding."""
        parameters = json.loads(json.dumps(encoding.get_params()))
        return cls(encoding.name, parameters, transpose, encoding.vocabulary, shard_files, why)

    @classmethod
    def read(cls, folder: Path) -> Card:
        """The card of a store; raises StoreError where there is none that can be read."""
        try:
            return cls.from_text((folder / NAME).read_text(encoding="utf-8"))
        except OSError as error:
            raise StoreError(
                f"{folder} is no store of tokens: it has no {NAME}. Make one: stochmusic corpus build FOLDER -o STORE"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{folder / NAME} cannot be read ({error}): build the store anew") from error

    @classmethod
    def from_text(cls, text: str) -> Card:
        """The inverse of `to_text`."""
        data = json.loads(text)
        if data.pop("format") > FORMAT:
            raise ValueError("it is of a newer format: upgrade with pip install -U stochastic-music")
        return cls(**{**data, "vocabulary": Vocabulary.from_json(data["vocabulary"])})

    def to_text(self) -> str:
        """The card as JSON."""
        return (
            json.dumps({"format": FORMAT, **self._asdict(), "vocabulary": self.vocabulary.to_json()}, indent=2) + "\n"
        )

    def write(self, folder: Path) -> None:
        """Write the card of a new store."""
        write_atomically(folder / NAME, lambda draft: _fill(draft, self.to_text()), lasting=True)

    def refuse_other(self, folder: Path, asked: Card) -> None:
        """Raise StoreError where `asked` differs in what cannot be changed."""
        for name in ("encoding", "parameters", "transpose"):
            has, wanted = getattr(self, name), getattr(asked, name)
            if has != wanted:
                raise StoreError(
                    f"{folder} holds {self.in_words()}; asked was {name} {_difference(has, wanted)}. Leave the option "
                    "out to add to this store, or give another folder with -o"
                )

    def in_words(self) -> str:
        """One phrase.

        >>> Card("melody", {"grid": "1/16"}, "none", Vocabulary.plain(2), 1024).in_words()
        'tokens of encoding melody (grid=1/16), transpose none'
        """
        told = ", ".join(f"{name}={value}" for name, value in self.parameters.items() if value is not None)
        return f"tokens of encoding {self.encoding} ({told}), transpose {self.transpose}"


def is_store(path: Path) -> bool:
    """Whether there is a store of tokens at `path`."""
    return (path / NAME).is_file()


def _difference(has: Any, wanted: Any) -> str:
    if not isinstance(has, dict):
        return str(wanted)
    return ", ".join(f"{name}={value}" for name, value in wanted.items() if has.get(name) != value)


def _fill(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")

"""A shard: the symbols of some thousand pieces in one file that is never changed, named by the hash of its bytes.

It is a safetensors file, of which any tool can read the arrays:

    symbols   (n,) in the smallest type that holds END; row i is symbols[offsets[i] : offsets[i + 1]]
    offsets   (n_rows + 1,)
    piece     (n_rows,) which of the shard's pieces a row belongs to: in twelve keys a piece has twelve rows
    header    (n_rows,) which of the headers it stands under
    headers   distinct headers, a line of JSON each, as bytes; titles are left out
    names     the name of each piece, a line each, as bytes; backslashes and line feeds in them are escaped
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus.token_corpus import TokenCorpus
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Header, Vocabulary

SUFFIX = ".safetensors"
_DTYPES = {"U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "I64": np.int64}


class Row(NamedTuple):
    """One sequence: the name of its piece, the number of that piece in the shard, its header as JSON, its symbols."""

    name: str
    piece: int
    header: str
    symbols: NDArray[Any]


class Shard(NamedTuple):
    """A shard opened for reading: arrays mapped into memory, headers and names as texts."""

    symbols: NDArray[Any]
    offsets: IntArray
    piece: NDArray[np.uint32]
    header: NDArray[np.uint32]
    headers: list[str]
    names: list[str]

    def corpus(
        self, vocabulary: Vocabulary, header: Callable[[str], Header], chosen: IntArray | None = None
    ) -> TokenCorpus:
        """Its rows, or those `chosen`, as symbols of 64 bits; `header` makes a header of its text."""
        headers = [header(text) for text in self.headers]
        chosen = np.arange(len(self.piece)) if chosen is None else chosen
        lengths = np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.offsets[chosen] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return TokenCorpus(
            vocabulary,
            self.symbols[places].astype(np.int64),
            offsets,
            tuple(headers[i] for i in self.header[chosen]),
            tuple(self.names[i] for i in self.piece[chosen]),
        )


def packed(rows: Sequence[Row], vocabulary: Vocabulary) -> bytes:
    """The file of a shard; equal rows give equal bytes. Raises VocabularyError for symbols that do not belong."""
    from safetensors.numpy import save

    symbols = np.concatenate([row.symbols for row in rows])
    vocabulary.check(symbols)
    headers = {text: i for i, text in enumerate(dict.fromkeys(row.header for row in rows))}
    names = {row.piece: row.name for row in rows}
    return save(
        {
            "symbols": symbols.astype(np.min_scalar_type(vocabulary.end)),
            "offsets": np.cumsum([0, *(len(row.symbols) for row in rows)], dtype=np.int64),
            "piece": np.array([row.piece for row in rows], dtype=np.uint32),
            "header": np.array([headers[row.header] for row in rows], dtype=np.uint32),
            "headers": _as_bytes(headers),
            "names": _as_bytes([_escaped(names[i]) for i in range(len(names))]),
        }
    )


def opened(path: Path) -> Shard:
    """The shard at `path`, which is known to be sound."""
    data = np.memmap(path, dtype=np.uint8, mode="r")
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    table = json.loads(data[8:start].tobytes())
    arrays = {name: _array(data[start:], entry) for name, entry in table.items()}
    headers = arrays.pop("headers").tobytes().decode("ascii").splitlines()
    names = arrays.pop("names").tobytes().decode("utf-8", "surrogatepass").split("\n")[:-1]
    return Shard(headers=headers, names=[_unescaped(name) for name in names], **arrays)


def name_of(data: bytes) -> str:
    """The name of a shard of these bytes.

    >>> name_of(b"")
    'cae66941d9efbd404e4d88758ea67670'
    """
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def name_of_file(path: Path) -> str:
    """The name that belongs to what a file holds, read in blocks."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def header_text(header: Header) -> str:
    """A header as one line of JSON, without its title.

    >>> header_text(Header(12, key="G"))[:43]
    '{"resolution":12,"meters":[[0,4,4]],"pickup'
    """
    data = {name: getattr(header, name) for name in Header.__slots__ if name != "title"}
    return json.dumps(data, separators=(",", ":"))


def header_of(text: str) -> Header:
    """The inverse of `header_text`."""
    return Header.from_json(json.loads(text))


def _array(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    return data[begin:end].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])


def _as_bytes(lines: Any) -> NDArray[np.uint8]:
    text = "".join(f"{line}\n" for line in lines)
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)


def _escaped(name: str) -> str:
    r"""A name on one line.

    >>> _escaped("a\nb\\c"), _unescaped(_escaped("a\nb\\c")) == "a\nb\\c"
    ('a\\nb\\\\c', True)
    """
    return name.replace("\\", "\\\\").replace("\n", "\\n")


def _unescaped(name: str) -> str:
    return name.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\") if "\\" in name else name

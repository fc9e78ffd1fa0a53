"""Model files (`*.smm`): safetensors with a JSON header. They hold numbers and text, and cannot run code.

    8 bytes   length of the header, little endian
    header    JSON: dtype, shape and place of each array; under `__metadata__` one key, `stochastic_music`,
              whose value is the JSON of everything else (format, parameters, vocabulary, corpus card,
              a SHA-256 for each array and one for itself)
    arrays    raw, aligned, memory-mapped when read

Equal contents give equal bytes: no clock time is stored. The checksum of an array of up to 16 MiB is verified on its
first use; larger ones are not read for that, so that a file of any size opens at once, and are checked by `verify`
(`stochmusic info --verify`). Files are written array by array: nothing is put together in memory.

Format 2 is laid down as models use it: sorted keys, links, probabilities. Format 1 held the counts of Markov and PPM
models alone, and is read.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music._files import write_atomically
from stochastic_music.errors import ModelFileError, UsageError

FORMAT = 2
#: arrays of more bytes are verified by `verify` alone
LARGE = 16 << 20
_KEY = "stochastic_music"
_DTYPES = {
    "F64": np.float64, "F32": np.float32, "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8,
    "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip
_NAMES = {np.dtype(kind): name for name, kind in _DTYPES.items()}
_MAX_HEADER = 1 << 30


class Task(NamedTuple):
    """What a model can be fitted for: what it then does, and the commands that fit and use it ("{}": the file)."""

    does: str
    fit: str
    use: str


TASKS = {
    "compose": Task("composes", "fit CORPUS -m KIND", "generate {}"),
    "given": Task("composes over a rhythm or chords", "fit CORPUS -m crf", "generate {} --given PIECE"),
    "chords": Task("labels chords", "fit CORPUS --task chords", "analyze PIECE -m {}"),
    "harmonize": Task("harmonises melodies", "fit CORPUS --task harmonize", "harmonize PIECE -m {}"),
}
_REMEDY = "Fit the model again, or copy the file again from where it came."


def dumps(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of a model file; `meta` is plain JSON, without the keys `format` and `checksums`."""
    return b"".join(_chunks(*_laid_out(meta, arrays)))


def write(path: Path, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], *, force: bool = False) -> None:
    """Write a model file, whole or not at all.

    Raises UsageError where another file stands at `path` and `force` is not given, MachineError where
    the system refuses (disk full, no permission).
    """
    header, columns = _laid_out(meta, arrays)
    if not force and path.exists() and not _begins(path, header):
        raise UsageError(f"{path} exists and differs: give --force to replace it, or another name with -o.")
    write_atomically(path, lambda temporary: _fill(temporary, _chunks(header, columns)))


class ModelFile(Mapping[str, NDArray[Any]]):
    """A model file opened for reading: a mapping from array names to read-only, memory-mapped arrays.

    `meta` is the JSON it carries. Raises ModelFileError where the file is truncated, tampered with,
    of a newer format, or no model file at all.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._verified: set[str] = set()
        self._data, size = _mapped(self.path)
        self._table, self._start = _parse_header(self.path, self._data, size)
        self.meta = _parse_meta(self.path, self._table.pop("__metadata__", {}))
        _check_table(self.path, self._table, size - self._start)
        if set(self._table) != set(self.meta["checksums"]):
            raise ModelFileError(f"{self.path} has been changed: its arrays are not those it lists. {_REMEDY}")

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = self._raw(name)
        if array.nbytes <= LARGE:
            self._verify(name, array)
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def verify(self) -> int:
        """Check every array; returns how many, raises ModelFileError at the first that differs."""
        for name in self:
            self._verify(name, self._raw(name))
        return len(self)

    @property
    def checksum(self) -> str:
        """The SHA-256 of everything the file says and, through the arrays' checksums, holds."""
        return str(self.meta["checksum"])

    @property
    def task(self) -> str:
        """What the model was fitted for: "compose", "chords", "harmonize" or "given"."""
        return str(self.meta.get("task", "compose"))

    def expect(self, task: str) -> ModelFile:
        """This file, where it was fitted for `task`; raises ModelFileError, naming what it is for, where it was not."""
        if self.task != task:
            found = TASKS.get(self.task, Task(f"was fitted for '{self.task}'", "", "info {}"))
            raise ModelFileError(
                f"{self.path} {found.does}; expected a model that {TASKS[task].does}. Use it with: stochmusic "
                + found.use.format(self.path)
            )
        return self

    def _verify(self, name: str, array: NDArray[Any]) -> None:
        if name in self._verified:
            return
        if _digest(array) != self.meta["checksums"][name]:
            raise ModelFileError(f"{self.path} has been changed: the checksum of '{name}' differs. {_REMEDY}")
        self._verified.add(name)

    def _raw(self, name: str) -> NDArray[Any]:
        entry = self._table[name]
        begin, end = entry["data_offsets"]
        window = memoryview(self._data)[self._start + begin : self._start + end]
        return np.frombuffer(window, dtype=_DTYPES[entry["dtype"]]).reshape(entry["shape"])


def _laid_out(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> tuple[bytes, list[NDArray[Any]]]:
    """The header of a file, and its arrays in the order in which they follow: the widest types first, by name."""
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    columns = {name: np.ascontiguousarray(array) for name, array in ordered}
    with ThreadPoolExecutor(2) as threads:  # hashing leaves Python to others
        checksums = dict(zip(columns, threads.map(_digest, columns.values()), strict=True))
    whole = {"format": FORMAT, **meta, "checksums": checksums}
    whole["checksum"] = _digest_text(whole)
    table: dict[str, Any] = {"__metadata__": {_KEY: _canonical(whole)}}
    end = 0
    for name, array in columns.items():
        begin, end = end, end + array.nbytes
        table[name] = {"dtype": _NAMES[array.dtype], "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that arrays are aligned
    return len(text).to_bytes(8, "little") + text, list(columns.values())


def _chunks(header: bytes, columns: Iterable[NDArray[Any]]) -> Iterator[Any]:
    yield header
    yield from (_bytes(array) for array in columns)


def _begins(path: Path, header: bytes) -> bool:
    """Whether the file at `path` is the one that `header` announces, which holds the checksums of all that follows."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(header)) == header


def _mapped(path: Path) -> tuple[Any, int]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < 8:
                raise ModelFileError(f"{path} is no model file: it holds {size} bytes. {_REMEDY}")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), size
    except FileNotFoundError as error:
        meant = path.with_name(f"{path.name}.smm")
        remedy = f"did you mean {meant}?" if meant.is_file() else "make one with 'stochmusic fit CORPUS'."
        raise ModelFileError(f"there is no model file {path}: {remedy}") from error
    except OSError as error:
        if path.is_dir():
            raise ModelFileError(
                f"{path} is a folder: expected a model file (*.smm). To learn from what is in it: stochmusic fit {path}"
            ) from error
        raise ModelFileError(f"cannot read {path}: {error.strerror or error}.") from error


def _parse_header(path: Path, data: Any, size: int) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(data[:8], "little")
    if length > min(_MAX_HEADER, size - 8):
        if data[8:9] != b"{":
            raise ModelFileError(f"{path} is no model file: expected one that 'stochmusic fit' wrote (*.smm).")
        raise ModelFileError(f"{path} is cut short: it announces {length} bytes of header and holds {size}. {_REMEDY}")
    try:
        table = json.loads(bytes(data[8 : 8 + length]).decode())
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is no model file: its header is not JSON. {_REMEDY}") from error
    if not isinstance(table, dict):
        raise ModelFileError(f"{path} is no model file: its header is not a table. {_REMEDY}")
    return table, 8 + length


def _parse_meta(path: Path, metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict) or _KEY not in metadata:
        raise ModelFileError(f"{path} is a safetensors file, but none that 'stochmusic fit' wrote.")
    try:
        meta = json.loads(metadata[_KEY])
        stated = meta.pop("checksum")
        found = meta["format"]
        arrays = dict(meta["checksums"])
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path} has been changed: what it says of itself cannot be read. {_REMEDY}") from error
    if not isinstance(found, int) or found > FORMAT:
        raise ModelFileError(
            f"{path} is of format {found}; this version reads up to {FORMAT}. "
            "Upgrade with: pip install -U stochastic-music"
        )
    if _digest_text(meta) != stated:
        raise ModelFileError(f"{path} has been changed: the checksum of its header differs. {_REMEDY}")
    return {**meta, "checksums": arrays, "checksum": stated}


def _check_table(path: Path, table: dict[str, Any], n_bytes: int) -> None:
    reached = 0
    for name, entry in table.items():
        try:
            begin, end = (int(x) for x in entry["data_offsets"])
            items = int(np.prod([int(n) for n in entry["shape"]], dtype=object))
            sound = 0 <= begin <= end and items * np.dtype(_DTYPES[entry["dtype"]]).itemsize == end - begin
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"{path} has been changed: the entry of '{name}' makes no sense. {_REMEDY}") from error
        if not sound:
            raise ModelFileError(f"{path} has been changed: the size of '{name}' makes no sense. {_REMEDY}")
        reached = max(reached, end)
    if reached > n_bytes:
        raise ModelFileError(f"{path} is cut short: it holds {n_bytes} bytes of arrays, {reached} expected. {_REMEDY}")


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(_bytes(array)).hexdigest()


def _bytes(array: NDArray[Any]) -> Any:
    return array.reshape(-1).view(np.uint8).data if array.size else b""


def _digest_text(meta: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(meta).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _fill(path: Path, chunks: Iterable[Any]) -> None:
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)

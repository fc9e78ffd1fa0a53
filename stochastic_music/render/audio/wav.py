"""WAV: 16 bits a sample, and a comment in the list of information chunks."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_COMMENT, _SOFTWARE = b"ICMT", b"ISFT"
_STRETCH = 1 << 15


def to_wav(sound: ArrayLike, sample_rate: int = 44100, *, provenance: str = "") -> bytes:
    """A WAV file of samples (n_samples, n_channels) between -1 and 1; `provenance` is its comment."""
    frames = _frames(np.asarray(sound))
    n_channels = frames.shape[1]
    form = struct.pack("<HHIIHH", 1, n_channels, sample_rate, sample_rate * 2 * n_channels, 2 * n_channels, 16)
    texts = {_COMMENT: provenance, _SOFTWARE: "stochastic_music"}
    info = b"INFO" + b"".join(_chunk(name, text.encode() + b"\0") for name, text in texts.items() if text)
    head, tail = b"WAVE" + _chunk(b"fmt ", form), _chunk(b"LIST", info)
    size = len(head) + 8 + frames.nbytes + len(tail)
    begin = b"RIFF" + struct.pack("<I", size) + head + b"data" + struct.pack("<I", frames.nbytes)
    return b"".join([begin, frames.data, tail])


def _frames(samples: NDArray[Any]) -> NDArray[np.int16]:
    """Samples as integers, a stretch at a time: an hour is a third of a billion of them."""
    frames = np.empty(samples.shape, dtype="<i2")
    for at in range(0, len(samples), _STRETCH):
        frames[at : at + _STRETCH] = np.rint(samples[at : at + _STRETCH] * np.float32(32767))
    return frames


def comment(data: bytes) -> str:
    """The comment of a WAV file, '' where there is none."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack("<4sI", data[at : at + 8])
        if name == _COMMENT:
            return data[at + 8 : at + 8 + size].rstrip(b"\0").decode("utf-8", "replace")
        is_list = name == b"LIST" and data[at + 8 : at + 12] == b"INFO"
        at += 12 if is_list else 8 + size + size % 2
    return ""


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

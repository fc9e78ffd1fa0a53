"""WAV: 16 bits a sample, and a comment in the list of information chunks."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
from numpy.typing import ArrayLike

_COMMENT, _SOFTWARE = b"ICMT", b"ISFT"


def to_wav(sound: ArrayLike, sample_rate: int = 44100, *, provenance: str = "") -> bytes:
    """A WAV file of samples (n_samples, n_channels) between -1 and 1; `provenance` is its comment."""
    samples = np.asarray(sound, dtype=np.float32)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    texts = {_COMMENT: provenance, _SOFTWARE: "stochastic_music"}
    info = b"INFO" + b"".join(_chunk(name, text.encode() + b"\0") for name, text in texts.items() if text)
    data = buffer.getvalue() + _chunk(b"LIST", info)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


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

"""FLAC and OGG Vorbis, through soundfile (extra `sound`), and the Vorbis comments [1] that both carry.

An OGG stream has a serial number, drawn anew for each file. It is set to 0 and the checksums of its pages are made
again [2], so that equal samples give equal bytes. That checksum is the CRC-32 of zlib but for the order of bits, the
start and the end: so zlib computes it, on bytes with their bits reversed.

[1] Xiph.Org. Ogg Vorbis I format specification: comment field and header specification.
[2] S. Pfeiffer. The Ogg encapsulation format version 0. RFC 3533, 2003.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from stochastic_music import _optional

_SUBTYPES = {"FLAC": "PCM_16", "OGG": "VORBIS"}
_FRAMES = 1 << 16
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_COMMENT_BLOCK, _COMMENT_PACKET = 4, b"\x03vorbis"


def to_xiph(sound: ArrayLike, sample_rate: int, kind: str, *, provenance: str = "") -> bytes:
    """A file of kind FLAC or OGG of samples (n_samples, n_channels) between -1 and 1.

    Raises MissingExtraError where soundfile is not installed.
    """
    samples = np.asarray(sound, dtype=np.float32)
    if not len(samples):  # for no samples the encoder of FLAC writes no file
        samples = np.zeros((1, samples.shape[1]), dtype=np.float32)
    soundfile = _optional.require("soundfile")
    buffer, form = io.BytesIO(), {"format": kind, "subtype": _SUBTYPES[kind]}
    with soundfile.SoundFile(buffer, "w", sample_rate, samples.shape[1], **form) as file:
        if provenance:
            file.comment = provenance
        for at in range(0, len(samples), _FRAMES):  # libsndfile's stack does not hold a long piece at once
            file.write(samples[at : at + _FRAMES])
    return normalized(buffer.getvalue()) if kind == "OGG" else buffer.getvalue()


def normalized(data: bytes) -> bytes:
    """An OGG file with the serial number 0, and checksums that hold."""
    return b"".join(_stamped(page) for page in _pages(data))


def checksum(page: bytes) -> int:
    """The CRC of an OGG page whose field for it is 0.

    >>> hex(checksum(b"123456789"))  # the check value of CRC-32 with polynomial 04c11db7, start 0, no final complement
    '0x89a1897f'
    """
    crc = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{crc:032b}"[::-1], 2)


def comment(data: bytes) -> str:
    """The comment of a FLAC or OGG file, '' where there is none, or where the file is damaged."""
    try:
        return _field(_flac_comments(data) if data[:4] == b"fLaC" else _ogg_comments(data), "comment")
    except (struct.error, IndexError):
        return ""


def _pages(data: bytes) -> Iterator[bytes]:
    at = 0
    while data[at : at + 4] == b"OggS":
        lengths = data[at + 27 : at + 27 + data[at + 26]]
        end = at + 27 + len(lengths) + sum(lengths)
        yield data[at:end]
        at = end


def _stamped(page: bytes) -> bytes:
    """A page of stream 0."""
    blank = page[:14] + bytes(8)[:4] + page[18:22] + bytes(4) + page[26:]
    return blank[:22] + struct.pack("<I", checksum(blank)) + blank[26:]


def _ogg_comments(data: bytes) -> bytes:
    body = b"".join(page[27 + page[26] :] for page in _pages(data[: 1 << 20]))
    return body[body.index(_COMMENT_PACKET) + len(_COMMENT_PACKET) :] if _COMMENT_PACKET in body else b""


def _flac_comments(data: bytes) -> bytes:
    at = 4
    while True:
        kind, size = data[at] & 0x7F, int.from_bytes(data[at + 1 : at + 4], "big")
        if kind == _COMMENT_BLOCK:
            return data[at + 4 : at + 4 + size]
        if data[at] & 0x80 or at + 4 + size >= len(data):
            return b""
        at += 4 + size


def _field(comments: bytes, name: str) -> str:
    """The value of a field in a block of Vorbis comments."""
    at = 4 + struct.unpack_from("<I", comments)[0]
    (count,) = struct.unpack_from("<I", comments, at)
    at += 4
    for _ in range(count):
        (size,) = struct.unpack_from("<I", comments, at)
        field = comments[at + 4 : at + 4 + size]
        key, _, value = field.decode("utf-8", "replace").partition("=")
        if key.lower() == name and len(field) == size:
            return value
        at += 4 + size
    return ""

"""How SVG and PDF files say that they were made: as metadata, and as the subject (a PNG has a comment)."""

from __future__ import annotations

import re
from html import unescape

_METADATA = re.compile(rb"<metadata>(.*?)</metadata>", re.DOTALL)
_SUBJECT = re.compile(rb"/Subject \((.*?)(?<!\\)(?:\\\\)*\)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def provenance(data: bytes) -> str:
    """What an SVG or PDF file of ours says, '' where it says nothing.

    >>> provenance(b"<svg><metadata>x &gt; 1</metadata></svg>")
    'x > 1'
    """
    if found := _METADATA.search(data):
        return unescape(found[1].decode("utf-8", "replace"))
    if found := _SUBJECT.search(data):
        return _ESCAPED.sub(r"\1", found[0].decode("latin-1")[len("/Subject (") : -1])
    return ""

"""What is to be seen and read in markup that was made for notebooks."""

from __future__ import annotations

import html.parser

_VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}


class Reader(html.parser.HTMLParser):
    """Raises where elements are not closed in turn; gathers what may hold something foreign."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def read(markup):
    reader = Reader()
    reader.feed(markup)
    assert not reader.open
    return reader


def words(markup):
    return " ".join(" ".join(read(markup).text).split())


def framed(markup):
    """The pages in its frames."""
    return [attributes["srcdoc"] for tag, attributes in read(markup).tags if tag == "iframe"]


def everything(markup):
    return " ".join([words(markup), *map(words, framed(markup))])

"""The listening page: one HTML file in which music is heard, seen and taken away.

    listening_page(title, heard, facts=..., commands=...)    -> the page, as text

What is heard are scores, each with whatever is known of it (`Heard`): takes that a model composed, files of one's own,
a gallery. The page opens from disk, asks for nothing, and holds the files that it offers.

Text of any origin is escaped, and set apart where it may run the other way. Equal arguments give equal bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from stochastic_music.protocols import FloatArray
from stochastic_music.reports.pages import player, shell
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.takes import of_score

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: A term and its description.
Fact = tuple[str, str]

_TYPES = {
    **{".mid": "audio/midi", ".midi": "audio/midi", ".musicxml": "application/vnd.recordare.musicxml+xml"},
    **{".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg", ".pdf": "application/pdf"},
    **{".svg": "image/svg+xml", ".png": "image/png", ".json": "application/json"},
}
_KINDS = {".mid": "MIDI", ".midi": "MIDI", ".musicxml": "MusicXML"}


class Heard(NamedTuple):
    """A score to hear, and what is known of it.

    `bits` has an array for each track, (n_notes,) in the order of its notes by (time, pitch): the surprise of each note
    in bits, inf where it was held to be impossible, NaN where nothing is told. `facts` are terms with their
    descriptions, `files` names with bytes to download, `notes` sentences that stand below.
    """

    name: str
    score: ScoreTick
    bits: Sequence[FloatArray] | None = None
    facts: Sequence[Fact] = ()
    files: Sequence[tuple[str, bytes]] = ()
    notes: Sequence[str] = ()


def listening_page(
    title: str,
    heard: Sequence[Heard],
    *,
    facts: Sequence[Fact] = (),
    commands: Sequence[Fact] = (),
    lead: str = "",
    compact: bool = False,
) -> str:
    """The page, as HTML.

    `facts` tell how all of it was made, `commands` are purposes with command lines. A `compact` page has no title in
    sight and no footer, for frames in notebooks. Raises EncodingError for a meter that nobody can print.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(0, 480, 60, 80)]))
    >>> "<h1" in listening_page("Airs", [Heard("First", score)])
    True
    """
    header = element(
        "header",
        element("h1", title, dir="auto", class_="unseen" if compact else None),
        element("p", lead, class_="lead", dir="auto") if lead else Html(),
        _facts(facts),
    )
    takes = [_take(one) for one in heard] or [element("p", "There is nothing to hear.")]
    main = element("main", header, *takes, _commands(commands), id="main", class_="compact" if compact else None)
    scripts = (*player.SCRIPTS, "listening.js")
    footer = element("footer", element("p", _FOOTER))
    return shell.page(
        title, main, *([] if compact else [footer]), styles=(player.STYLE, "listening.css"), scripts=scripts
    )


_FOOTER = "Written by stochastic_music. This page is complete: it opens from disk and asks for nothing."


def _take(heard: Heard) -> Html:
    take = of_score(heard.score, heard.bits)
    after = (
        _facts(heard.facts),
        *(element("p", sentence, class_="remark", dir="auto") for sentence in heard.notes),
        _downloads(heard.files),
    )
    return element("article", player.player(take, heard.name, heading="h2"), *after, class_="take")


def _facts(facts: Sequence[Fact]) -> Html:
    if not facts:
        return Html()
    pairs = [element("div", element("dt", term), element("dd", said, dir="auto")) for term, said in facts]
    return element("dl", *pairs, class_="facts")


def _downloads(files: Sequence[tuple[str, bytes]]) -> Html:
    """Links that hold their file; what the file is stands before its name."""
    if not files:
        return Html()
    links = [element("li", _download(name, content)) for name, content in files]
    return element("ul", *links, class_="downloads", aria_label="Downloads")


def _download(name: str, content: bytes) -> Html:
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    kind = _KINDS.get(suffix, suffix.removeprefix(".").upper() or "File")
    held = f"data:{_TYPES.get(suffix, 'application/octet-stream')};base64,{base64.b64encode(content).decode()}"
    return element("a", element("b", kind), " ", element("bdi", name), href=held, download=name)


def _commands(commands: Sequence[Fact]) -> Html:
    """Command lines with a button that copies them."""
    if not commands:
        return Html()
    shown = [
        element(
            "div",
            element("p", purpose),
            element("pre", element("code", line), tabindex="0", aria_label=purpose),
            element("button", "Copy", element("span", f": {purpose}", class_="unseen"), type="button", class_="copy"),
            class_="command",
        )
        for purpose, line in commands
    ]
    return element(
        "section", element("h2", "Make more", id="more-title"), *shown, class_="more-made", aria_labelledby="more-title"
    )

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

import numpy as np

from stochastic_music.protocols import FloatArray
from stochastic_music.render import surprise
from stochastic_music.reports.pages import colors, player, sheets, shell
from stochastic_music.reports.pages.markup import Html, element, joined
from stochastic_music.reports.pages.takes import Take, of_score

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
    colored: bool = False,
) -> str:
    """The page, as HTML.

    `facts` tell how all of it was made, `commands` are purposes with command lines. A `compact` page has no title in
    sight and no footer, for frames in notebooks; a `colored` one shows surprise from the beginning. Raises
    EncodingError for a meter that nobody can print.

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
        Html() if sheets.is_there() else element("p", sheets.MISSING, class_="faint"),
    )
    top = surprise.highest([bits for one in heard for bits in one.bits or ()])
    takes = [_take(one, f"t{i}-", top, colored) for i, one in enumerate(heard, start=1)]
    content = (
        header,
        *(takes or [element("p", "There is nothing to hear.")]),
        _commands(commands),
        *([] if compact else [_keys()]),
    )
    main = element("main", *content, id="main", class_="compact" if compact else None)
    footer = () if compact else (element("footer", element("p", _FOOTER)),)
    return shell.page(title, main, *footer, styles=(player.STYLE, "listening.css"), scripts=_SCRIPTS)


_SCRIPTS = (*player.SCRIPTS, "surprise.js", "notes.js", "listening.js")
_FOOTER = "Written by stochastic_music. This page is complete: it opens from disk and asks for nothing."


def _take(heard: Heard, prefix: str, top: float, colored: bool) -> Html:
    """A take; ids of its notation begin with `prefix`, colors of surprise end at `top` bits."""
    take, sheet = sheets.engraved(heard.score, of_score(heard.score, heard.bits), heard.name, prefix)
    below = (_colors(heard.bits, top, colored), _notes(take))
    after = (
        _facts(heard.facts),
        *(element("p", sentence, class_="remark", dir="auto") for sentence in heard.notes),
        _downloads(heard.files),
    )
    drawn = player.player(take, heard.name, sheet=sheet, below=joined(below), heading="h2")
    return element("article", drawn, *after, class_="take")


def _colors(bits: Sequence[FloatArray] | None, top: float, on: bool) -> Html:
    """The switch for colors, where surprise is told of any note."""
    if not any(np.any(~np.isnan(of_part)) for of_part in bits or ()):
        return Html()
    return colors.switch(top, impossible=any(np.any(np.isinf(of_part)) for of_part in bits or ()), on=on)


def _notes(take: Take) -> Html:
    """Where a script makes the table of notes."""
    return element("details", element("summary", "The notes as a table"), class_="notes") if take.notes else Html()


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


def _keys() -> Html:
    """What keys do (`static/keys.js`)."""
    rows = [element("div", element("dt", *_kbd(keys)), element("dd", what)) for keys, what in _KEYS]
    return element("details", element("summary", "Keys"), element("p", _FOCUS), element("dl", *rows, class_="keys"))


def _kbd(keys: str) -> list[Html]:
    return [element("kbd", key) for key in keys.split()]


_FOCUS = "Keys work where a take has the focus: click into its roll, or reach it with Tab. Space works everywhere."
_KEYS = (
    ("Space", "play and pause"),
    ("← →", "a beat back, a beat on; with Shift a bar"),
    ("Home", "to the beginning"),
    ("N P", "the next note, the previous note, with what is known of it"),
    ("L", "loop on and off"),
    ("I O", "loop from this bar on, loop up to this bar"),
    ("+ −", "faster, slower"),
    ("M", "silence and sound"),
    ("1 … 9", "a part off and on"),
    ("C", "color by surprise"),
)


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

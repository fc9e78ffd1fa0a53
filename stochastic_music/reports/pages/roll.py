"""Piano rolls of pages: notes as a picture that is seen, printed and spoken without any script.

Time runs to the right in quarter notes, pitch upwards; drums lie below in lanes of their own. Where the bars are known,
their lines, numbers and meters are drawn, beats and black keys behind the notes, and names of pitches at the left.

The picture has no viewBox, so that text keeps its size; what stretches with the page is an inner picture of one unit
a quarter note and one a row. Scripts lay the cursor and what sounds over it (`static/roll.js`), by `Rows`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stochastic_music.music.instruments import drum_name
from stochastic_music.reports.pages.markup import Html, element, short
from stochastic_music.reports.pages.takes import DRUMS, Note, Part, Take
from stochastic_music.tokens import pitch_name

#: Colors of parts; further parts begin again with the first.
COLORS = 8
#: pixels: of a roll without bars; of one with them, at least, at most, and for a row
_PLAIN, _LOW, _HIGH, _ROW = 112, 188, 480, 4
#: pixels: height of the ruler, width of the names at least, height of one name, width of a letter at most
_RULER, _NAMES, _NAME, _LETTER = 20, 44, 9, 7
#: pixels: at least for a quarter note, without bars and with them; for a bar's number, and with a meter; at most
_QUARTER, _WIDE_QUARTER, _NARROW, _BETWEEN, _WIDEST = 5, 16, 26, 44, 60_000
_BLACK_KEYS = (1, 3, 6, 8, 10)


class Rows(NamedTuple):
    """Rows of the picture from the top: pitches from `high` down, then a lane for each drum.

    `n` is the number of rows, `drums` the row of each drum.
    """

    high: int
    low: int
    drums: dict[int, int]

    @property
    def n(self) -> int:
        """All rows."""
        return self.high - self.low + 1 + len(self.drums)

    @property
    def height(self) -> int:
        """Pixels of a roll with bars, without its ruler."""
        return min(max(_ROW * self.n, _LOW), _HIGH)

    def of(self, part: Part, pitch: int) -> int:
        """The row of a note."""
        return self.drums[pitch] if part.instrument == DRUMS else self.high - pitch


def rows(take: Take) -> Rows:
    """The rows that a take needs: two more than its pitches above and below, an octave at least.

    >>> rows(Take([Part("melody", [(0, 1, 60, 80)])])).n
    12
    """
    pitched = [note[2] for part in take.parts if part.instrument != DRUMS for note in part.notes]
    struck = sorted({note[2] for part in take.parts if part.instrument == DRUMS for note in part.notes}, reverse=True)
    if not pitched and struck:
        return Rows(-1, 0, {pitch: i for i, pitch in enumerate(struck)})
    low, high = min(pitched, default=60) - 2, max(pitched, default=71) + 2
    missing = max(0, 11 - (high - low))
    high, low = high + (missing + 1) // 2, low - missing // 2
    return Rows(high, low, {pitch: high - low + 1 + i for i, pitch in enumerate(struck)})


def piano_roll(take: Take) -> Html:
    """The notes as a picture, one path a part, with a line at each C."""
    drawn, printed = rows(take), bool(take.bars)
    ruler, height = (_RULER, drawn.height) if printed else (0, _PLAIN)
    quarter = _WIDE_QUARTER if printed else _QUARTER
    width = min(round(quarter * take.length), _WIDEST)
    inner = element(
        "svg",
        *(_keyboard(take, drawn) if printed else ()),
        element("path", class_="c", d="".join(f"M0 {y}h{short(take.length)}" for y in _octaves(drawn))),
        *(_grid(take, drawn) if printed else ()),
        *(_notes(part, i, drawn) for i, part in enumerate(take.parts)),
        viewBox=f"0 0 {short(take.length)} {drawn.n}",
        preserveAspectRatio="none",
        y=ruler,
        width="100%",
        height=height,
    )
    words = described(take)
    numbers = _numbers(take, width) if printed else ()
    return element("svg", *numbers, inner, width=width, height=ruler + height, role="img", aria_label=words)


def names(take: Take) -> Html:
    """The names of rows, for the left of a roll with bars: each C and each drum, as far as there is room."""
    drawn = rows(take)
    shown = [
        (drawn.high - pitch, pitch_name(pitch)) for pitch in range(drawn.high, drawn.low - 1, -1) if pitch % 12 == 0
    ]
    lanes = [(row, drum_name(pitch)) for pitch, row in drawn.drums.items()]
    apart = list(_apart(drawn, shown + lanes))
    width = max([_NAMES, *(_LETTER * len(name) + 5 for _, name in apart)])
    texts = [element("text", name, x=width - 5, y=short(y)) for y, name in apart]
    inner = element("svg", *texts, y=_RULER, width=width, height=drawn.height)
    return element("svg", inner, class_="names", width=width, height=_RULER + drawn.height, aria_hidden="true")


def _apart(drawn: Rows, named: Sequence[tuple[int, str]]) -> Iterator[tuple[float, str]]:
    """Names with the pixels where they stand, those left out that would stand on another."""
    free = 0.0
    for row, name in named:
        y = (row + 0.5) * drawn.height / drawn.n
        if y >= free:
            free = y + _NAME
            yield y, name


def described(take: Take) -> str:
    """A picture's words: how many notes, from where to where.

    >>> described(Take([Part("melody", [(0, 1, 60, 80), (1, 1, 64, 80)])]))
    'Piano roll: 2 notes from C4 to E4, 2 quarter notes long'
    """
    if not take.notes:
        return "Piano roll without notes"
    pitches = [note[2] for part in take.parts if part.instrument != DRUMS for note in part.notes]
    span = f" from {pitch_name(min(pitches))} to {pitch_name(max(pitches))}" if pitches else ""
    full = sum(bar.number > 0 for bar in take.bars)
    length = f"{full} {'bar' if full == 1 else 'bars'}" if take.bars else f"{take.length:g} quarter notes"
    n = len(take.notes)
    return f"Piano roll: {n} {'note' if n == 1 else 'notes'}{span}, {length} long"


def swatch(part: int) -> Html:
    """A small square of a part's color."""
    box = element("path", d="M0 0h1v1h-1z", class_=color(part))
    return element("svg", box, class_="swatch", viewBox="0 0 1 1", aria_hidden="true")


def color(part: int) -> str:
    """The class that colors a part."""
    return f"part-{part % COLORS}"


def _octaves(drawn: Rows) -> list[int]:
    """The lines below each C."""
    return [drawn.high - pitch + 1 for pitch in range(drawn.low + 1, drawn.high + 1) if pitch % 12 == 0]


def _keyboard(take: Take, drawn: Rows) -> Iterator[Html]:
    black = [drawn.high - pitch for pitch in range(drawn.low, drawn.high + 1) if pitch % 12 in _BLACK_KEYS]
    length = short(take.length)
    yield element("path", class_="black", d="".join(f"M0 {row}h{length}v1h-{length}z" for row in black))


def _grid(take: Take, drawn: Rows) -> Iterator[Html]:
    for name, times in (("beat", take.beats), ("bar", [float(bar.start) for bar in take.bars[1:]])):
        yield element("path", class_=name, d="".join(f"M{short(time)} 0v{drawn.n}" for time in times))


def _notes(part: Part, i: int, drawn: Rows) -> Html:
    return element("path", class_=color(i), d="".join(_box(note, drawn.of(part, note[2])) for note in part.notes))


def _box(note: Note, row: int) -> str:
    onset, duration, _, _ = note
    width = short(max(duration - 0.06, 0.7 * duration))  # a sliver keeps repeated notes apart
    return f"M{short(onset)} {row}h{width}v1h-{width}z"


def _numbers(take: Take, width: int) -> Iterator[Html]:
    """Numbers of bars, as many as there is room for; a meter where it is new."""
    shown: tuple[int, int] | None = None
    free = 0.0
    for bar in take.bars:
        at, meter = float(bar.start) / take.length, (bar.numerator, bar.denominator)
        waits = bar.number == 0 and len(take.bars) > 1  # a pickup is narrow, and leaves its meter to the next bar
        is_new = meter != shown and not waits
        if at * width < free and not is_new:
            continue
        shown = meter if is_new else shown
        free = at * width + (_BETWEEN if is_new else _NARROW)
        signature = element("tspan", f"{meter[0]}/{meter[1]}", class_="meter", dx=6) if is_new else ""
        yield element("text", str(bar.number), signature, x=f"{short(100 * at)}%", dx=3, y=14)

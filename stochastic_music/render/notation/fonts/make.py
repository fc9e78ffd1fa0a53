"""How the fonts of this folder were made: parts of STIX and DejaVu Serif, as they come with matplotlib.

    python stochastic_music/render/notation/fonts/make.py

STIX General has the widths of Times, for which Verovio lays words out; of it Latin, Greek, Cyrillic, punctuation and
musical signs are kept. What it lacks of these and of other alphabets comes from DejaVu Serif. Whole, the files weigh
2.2 MB. Both licences ask that modified fonts have other names. Equal inputs give equal bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import matplotlib as mpl
from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
SOURCES = Path(mpl.get_data_path()) / "fonts" / "ttf"
STYLES = {"Regular": "STIXGeneral", "Bold": "STIXGeneralBol", "Italic": "STIXGeneralItalic"}
KEPT = {
    *range(0x20, 0x250),
    *range(0x2B0, 0x300),
    *range(0x370, 0x530),
    *range(0x1E00, 0x2000),
    *range(0x2010, 0x2070),
    *range(0x20A0, 0x20C0),
    *(0x2116, 0x2122, 0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x25A1, 0x2669, 0x266A, 0x266D, 0x266E, 0x266F, 0xFFFD),
}
MORE = {*KEPT, *range(0x300, 0x370), *range(0x530, 0x590), *range(0x10A0, 0x1100), *range(0x2100, 0x2600)}


def cut(source: str, kept: set[int], family: str, style: str) -> set[int]:
    """Write the part of a font, and tell which characters it has."""
    font = TTFont(SOURCES / f"{source}.ttf", recalcTimestamp=False)
    options = subset.Options(hinting=False, layout_features=["kern"], name_IDs=[0, 1, 2, 13, 14], glyph_names=False)
    options.drop_tables += ["FFTM"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=kept)
    subsetter.subset(font)
    names = {
        1: family,
        2: style,
        3: f"{family} {style}",
        4: f"{family} {style}",
        6: f"{family}-{style}".replace(" ", ""),
    }
    for number, name in names.items():
        font["name"].setName(name, number, 3, 1, 0x409)
        font["name"].setName(name, number, 1, 0, 0)
    font.save(HERE / f"{names[6]}.ttf")
    return set(font.getBestCmap())


def main() -> None:
    """Write all fonts and their licences."""
    has = [cut(source, KEPT, "Score Serif", style) for style, source in STYLES.items()]
    cut("DejaVuSerif", MORE - (has[0] & has[1] & has[2]), "Score Serif More", "Regular")
    for name in ("LICENSE_STIX", "LICENSE_DEJAVU"):
        shutil.copyfile(SOURCES / name, HERE / name)


if __name__ == "__main__":
    main()

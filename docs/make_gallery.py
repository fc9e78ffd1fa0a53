"""Make the gallery: `python docs/make_gallery.py [NAME ...] [--folder DIR]`.

Each piece is made by the commands that are printed beside it, one after another in one folder, so that a model that was
fitted for one piece is there for the next. What `--also page` writes is kept in `docs/gallery/`, and
`docs/gallery/index.md` shows it. Equal commands give equal pages. Needs the extras `notation` and `neural`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
GALLERY = HERE / "gallery"
TUNE = HERE.parent / "examples" / "control" / "ah-vous-dirai-je.abc"


class Model(NamedTuple):
    """A fitted file, and the command that makes it."""

    file: str
    fit: str


class Piece(NamedTuple):
    """A piece to hear: the models that it needs, the command that composes, and a word about it."""

    name: str
    title: str
    about: str
    models: tuple[Model, ...]
    compose: str


KINDER_MARKOV = Model(
    "children-markov.smm", "fit essen-kinder -m markov --set order=3 --set smoothing=none -o children-markov.smm"
)
KINDER = Model("children.smm", "fit essen-kinder -m ppm -o children.smm")
SOPRANOS = Model("sopranos.smm", "fit bach-sopranos -m ppm -o sopranos.smm")
SOPRANOS_1 = Model("steps.smm", "fit bach-sopranos -m markov --set order=1 -o steps.smm")
FIDDLE = Model("fiddle.smm", "fit ryans-mammoth -m ppm -o fiddle.smm")
VIEWPOINTS = Model("viewpoints.smm", "fit bach-sopranos -m multiple_viewpoint -o viewpoints.smm")
HIDDEN = Model("hidden.smm", "fit bach-sopranos -m hmm -o hidden.smm")
ENTROPY = Model("entropy.smm", "fit bach-sopranos -m maxent -o entropy.smm")
CHORALES = Model("chorales.smm", "fit bach-chorales --encoding voices -o chorales.smm")
FIELD = Model("field.smm", "fit bach-chorales -m crf -o field.smm")
NETWORK = Model("network.smm", "fit bach-sopranos -m lstm -o network.smm")

PIECES = (
    Piece(
        "markov",
        "A Markov chain on children's songs",
        "Each event knows the three before it, nothing else; eight bars and an ending are asked for, and met exactly.",
        (KINDER_MARKOV,),
        "generate children-markov.smm -n 1 --bars 8 --seed 1",
    ),
    Piece(
        "ppm",
        "Prediction by partial matching on fiddle tunes",
        "The longest context that was heard before speaks first, and shorter ones where it has nothing to say.",
        (FIDDLE,),
        "generate fiddle.smm -n 1 --bars 16 --meter 6/8 --seed 1",
    ),
    Piece(
        "viewpoints",
        "Multiple viewpoints on Bach's chorale sopranos",
        "Dozens of ways to hear a melody (interval, degree, place in the bar ...), weighed against each other.",
        (VIEWPOINTS,),
        "generate viewpoints.smm -n 1 --bars 16 --seed 1",
    ),
    Piece(
        "hmm",
        "A hidden Markov model on the same",
        "States that nobody named, learned from the notes; the melody is drawn from what the states emit.",
        (HIDDEN,),
        "generate hidden.smm -n 1 --bars 8 --seed 1",
    ),
    Piece(
        "maxent",
        "Maximum entropy on the same",
        "Notes attract and repel each other over several steps, and a Metropolis chain walks to what fits together.",
        (ENTROPY,),
        "generate entropy.smm -n 1 --bars 8 --seed 1",
    ),
    Piece(
        "metropolis",
        "A wish: a melody that rises and falls",
        "A Markov chain's style weighed against an arch, by Metropolis chains.",
        (SOPRANOS_1,),
        "generate steps.smm -n 1 --bars 8 --sampler metropolis --soft contour=arch:2 --seed 1",
    ),
    Piece(
        "form",
        "A plan: A A B A'",
        "Sections that come back, the last of them varied; the plan holds in every take.",
        (SOPRANOS,),
        """generate sopranos.smm -n 1 --form "A:4 A:4 B:4 A':4" --seed 1""",
    ),
    Piece(
        "glide",
        "From Bach to children's songs",
        "Two models mixed, with weights that glide over the piece from one to the other.",
        (SOPRANOS, KINDER),
        "generate --mix sopranos.smm=1..0 --mix children.smm=0..1 -n 1 --bars 16 --seed 1",
    ),
    Piece(
        "vary",
        "Variations of a tune",
        "Seven notes of ten stay where they are, and the model finds others for the rest.",
        (KINDER,),
        "vary ah-vous-dirai-je.abc -m children.smm --similarity 0.7 -n 2 --seed 1",
    ),
    Piece(
        "over-chords",
        "A melody over chords",
        "A conditional random field, taught by chorales, writes a soprano for the chords that are given.",
        (FIELD,),
        'generate field.smm --given "C | F G | Am F | C G | C | Dm G | C" -n 1 --seed 1',
    ),
    Piece(
        "chorale",
        "Four voices at once",
        "Chorale frames, note by note from the soprano down, by viewpoints that hear all voices.",
        (CHORALES,),
        "generate chorales.smm -n 1 --bars 8 --temperature 0.85 --seed 1",
    ),
    Piece(
        "harmonize",
        "A tune in four voices",
        "Soprano given; alto, tenor and bass are found by exact inference over the heaviest voicings of each beat.",
        (),
        "harmonize ah-vous-dirai-je.abc -n 1 --seed 1",
    ),
    Piece(
        "lstm",
        "A neural network, to compare",
        "An LSTM that learned from the same sopranos, as strong as we could make it.",
        (NETWORK,),
        "generate network.smm -n 1 --bars 8 --seed 1",
    ),
)


BY_NAME = {piece.name: piece for piece in PIECES}


def stochmusic(command: str, folder: Path) -> None:
    """Run a command of ours in `folder`; what it says is shown where it fails."""
    program = "from stochastic_music.cli.main import run; run()"
    asked = [sys.executable, "-c", program, *shlex.split(command)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(  # noqa: S603 - commands of the table above
        asked, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"stochmusic {command}\n{done.stderr}")


def make(piece: Piece, folder: Path) -> None:
    """Fit what is not there yet, compose, and keep the page."""
    for model in piece.models:
        if not (folder / model.file).exists():
            print(f"stochmusic {model.fit}", flush=True)
            stochmusic(model.fit, folder)
    print(f"stochmusic {piece.compose}", flush=True)
    shutil.rmtree(folder / piece.name, ignore_errors=True)
    stochmusic(f"{piece.compose} --also page -o {piece.name}", folder)
    [page] = (folder / piece.name).glob("*.html")
    shutil.copyfile(page, GALLERY / f"{piece.name}.html")


def entry(piece: Piece) -> str:
    """The section of a piece in Markdown."""
    commands = [f"stochmusic {command}" for command in (*(model.fit for model in piece.models), piece.compose)]
    code = "\n".join(f"    {command}" for command in commands)
    frame = f'<iframe class="piece" src="{piece.name}.html" title="{piece.title}" loading="lazy"></iframe>'
    alone = f"[This piece on a page of its own]({piece.name}.html)"
    return "\n\n".join([f"## {piece.title}", piece.about, code, frame, alone]) + "\n"


OPENING = """# A gallery to listen to

A piece from every family of models, as the first seed gave it, under the commands that made it. With `--also page` at
its end a command writes the page that is shown here. Corpora come with the package; each page tells their licence.
"""


def main() -> None:
    """Make the pieces that are named, or all, and the page that shows them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"pieces to make: {', '.join(BY_NAME)}; default: all")
    parser.add_argument("--folder", type=Path, help="keep models here, and take those that are there already")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BY_NAME):
        parser.error(f"no such piece: {', '.join(sorted(unknown))}; there are {', '.join(BY_NAME)}")
    GALLERY.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        folder = options.folder or Path(empty)
        shutil.copy(TUNE, folder)
        for name in options.names or BY_NAME:
            make(BY_NAME[name], folder)
    (GALLERY / "index.md").write_text("\n".join([OPENING, *map(entry, PIECES)]), encoding="utf-8")


if __name__ == "__main__":
    main()

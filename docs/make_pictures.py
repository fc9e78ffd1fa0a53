"""Make the pictures of the README and these pages: `python docs/make_pictures.py`."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import stochastic_music as sm
from stochastic_music.render.plots import write_piano_roll

IMAGES = Path(__file__).parent / "images"


def piano_roll() -> None:
    """Eight bars after Bach's chorale sopranos."""
    corpus = sm.Corpus.builtin("bach-sopranos")
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.PPM(order_bound=5, escape="c"), transpose="common").fit(corpus)
    [take] = pipeline.compose(1, constraint=sm.Bars(8), seed=7)
    write_piano_roll(
        take.score, IMAGES / "piano_roll.png", title="Eight bars, PPM of order 5 on Bach's sopranos, seed 7"
    )


def surprise() -> None:
    """The first take of the README's first command, as `explain --also sheet` draws it."""
    with tempfile.TemporaryDirectory() as folder:
        for line in (
            "fit bach-sopranos",
            "generate -n 4 --bars 16 --seed 1",
            "explain takes/bach-sopranos-s1-01.mid --also sheet",
        ):
            command = [sys.executable, "-m", "stochastic_music.cli.main", *line.split()]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        shutil.copy(Path(folder) / "bach-sopranos-s1-01-explained-sheet.png", IMAGES / "surprise.png")


def metropolis() -> None:
    """Chains that walk towards an arch."""
    from stochastic_music.pipeline.walking import walked
    from stochastic_music.render.plots import to_png
    from stochastic_music.render.traces import trace_plot
    from stochastic_music.sampling.metropolis import Contour, Plan

    corpus = sm.Corpus.builtin("bach-sopranos")
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1), transpose="common").fit(corpus)
    plan = Plan(steps=6000)
    walk = walked(pipeline, 4, plan=plan, soft=[(Contour("arch"), 2.0)], constraint=sm.Bars(4), seed=1)
    title = "Four bars towards an arch: four chains, Markov model of order 1 on Bach's sopranos"
    (IMAGES / "metropolis.png").write_bytes(to_png(trace_plot(walk.run, title=title), title=title))


def inspection() -> None:
    """What follows what in Bach's sopranos."""
    from stochastic_music.render.plots import to_png
    from stochastic_music.reports.inspection import inspect

    corpus = sm.Corpus.builtin("bach-sopranos")
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(order=1), transpose="common").fit(corpus)
    found = inspect(pipeline)
    (IMAGES / "inspect.png").write_bytes(to_png(found.draw(), title=found.title))


def states() -> None:
    """Eight hidden states of Bach's sopranos, and the first of them through these states."""
    from stochastic_music.render.plots import to_png
    from stochastic_music.reports.inspection import Request, inspect

    corpus = sm.Corpus.builtin("bach-sopranos")
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.HMM(n_states=8), transpose="common").fit(corpus)
    found = inspect(pipeline, Request(score=corpus[0].score))
    (IMAGES / "states.png").write_bytes(to_png(found.draw(), title=found.title))


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    piano_roll()
    surprise()
    metropolis()
    inspection()
    states()

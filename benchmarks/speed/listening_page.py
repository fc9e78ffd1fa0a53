"""How large a listening page is, how long it takes to make, and how soon it sounds after a click.

    python benchmarks/speed/listening_page.py [--repeats 7]

Four takes of 32 bars, composed by `Markov` of order 2 on the chorale sopranos (melodies) and on the chorales (four
parts): a page with notation, piano rolls, bits of every note, and MIDI and MusicXML to download. Composing is not
counted. The page is made once before it is timed; seconds are of the processor. Each click is the first one in a
headless Chromium of its own; the time goes from the event `click` to the first sample that is not silent in front of
the loudspeakers, looked for every 4 ms, and what the browser says of its output latency is added. Pictures a second
are those of the browser during the next three seconds of playing. The bars: 3 MB, and 1 s. The table is written by
this script.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import stochastic_music as sm
from stochastic_music import io
from stochastic_music.reports.pages import Heard, listening_page

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
import _table  # noqa: E402, scripts and not a package

from tests.reports.browser import browser  # noqa: E402, needs no library

MUSIC = {"melodies": ("bach-sopranos", sm.MelodyEncoding), "four parts": ("bach-chorales", sm.VoicesEncoding)}
MOST_BYTES, MOST_SECONDS = 3e6, 1.0

#: seconds from a click to sound, then pictures a second; on the page as `found`
LISTEN = """
const found = (window.found = {});
document.querySelector(".play").addEventListener("click", () => (found.click = performance.now()), true);
const { begin } = Transport.prototype;
Transport.prototype.begin = function () {
  begin.call(this);
  const { context, synth } = Transport;
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  synth.out.connect(analyser);
  const samples = new Float32Array(512);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    if (!samples.some((sample) => Math.abs(sample) > 1e-4)) return;
    clearInterval(timer);
    found.seconds = (performance.now() - found.click) / 1000 + (context.outputLatency || context.baseLatency);
    const [start, pictures] = [performance.now(), []];
    requestAnimationFrame(function count(now) {
      pictures.push(now);
      if (now - start < 3000) requestAnimationFrame(count);
      else found.rate = (1000 * (pictures.length - 1)) / (now - pictures[0]);
    });
  }, 4);
};
"""


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    rows = [row(name, options.repeats) for name in MUSIC]
    header = [
        *("four takes of 32 bars", "notes", "kB", "bar, kB", "met", "made in, s"),
        *("first sound, s", "slowest, s", "bar, s", "met", "pictures a second"),
    ]
    question = "Listening pages: how large, and how soon after a click they sound"
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "symusic", "verovio"])


def row(name: str, repeats: int) -> list[object]:
    """One row of the table."""
    heard = takes(*MUSIC[name])
    page = made(heard)
    start = time.process_time()
    made(heard)
    seconds = time.process_time() - start
    n_notes = sum(len(track.notes) for one in heard for track in one.score.tracks)
    first, rates = zip(*(listened(page) for _ in range(repeats)), strict=True)
    size, median = len(page.encode()), statistics.median(first)
    return [
        *(name, f"{n_notes:,}", f"{size / 1e3:,.0f}", f"{MOST_BYTES / 1e3:,.0f}", _met(size, MOST_BYTES)),
        *(f"{seconds:.2f}", f"{median:.3f}", f"{max(first):.3f}", MOST_SECONDS, _met(max(first), MOST_SECONDS)),
        f"{statistics.median(rates):.0f}",
    ]


def made(heard: list[Heard]) -> str:
    """The page."""
    return listening_page("Four takes", heard, facts=[("Model", "markov")], commands=[("More:", "stochmusic generate")])


def takes(corpus: str, encoding: Any) -> list[Heard]:
    """Four takes of 32 bars with their files."""
    pipeline = sm.Pipeline(encoding(), sm.Markov(order=2)).fit(sm.Corpus.builtin(corpus))
    composed = pipeline.compose(4, constraint=sm.Bars(32), seed=1)
    generator = np.random.default_rng(0)
    found = []
    for i, take in enumerate(composed, start=1):
        bits = [generator.gamma(2, 1.5, len(track.notes)) for track in take.score.tracks]
        found.append(Heard(f"Take {i}", take.score, bits, [("Seed", "1")], files(take.score, f"{corpus}-s1-{i:02}")))
    return found


def files(score: Any, stem: str) -> list[tuple[str, bytes]]:
    """A score as MIDI and MusicXML."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{stem}.{suffix}" for suffix in ("mid", "musicxml")]
        for path in paths:
            io.save(score, path)
        return [(path.name, path.read_bytes()) for path in paths]


def listened(page: str) -> tuple[float, float]:
    """Seconds to the first sound, and pictures a second, in a browser of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "page.html"
        path.write_text(page, encoding="utf-8")
        with browser(Path(folder) / "profile") as window:
            window.open(path)
            window.run(LISTEN)
            window.click(".play")
            found = window.wait("window.found.rate && window.found", 20)
            return found["seconds"], found["rate"]


def _met(value: float, most: float) -> str:
    return "yes" if value <= most else "no"


if __name__ == "__main__":
    main()

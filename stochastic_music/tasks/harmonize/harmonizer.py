"""The class `Harmonizer`: see the article of this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music import _random
from stochastic_music._showing import ShowsItself
from stochastic_music._version import __version__
from stochastic_music.corpus.lines import Line as CorpusLine
from stochastic_music.corpus.lines import from_arrays, to_arrays
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    NotFittedError,
    UnknownNameError,
    UnsatisfiableError,
)
from stochastic_music.evaluation.originality import OriginalityIndex
from stochastic_music.model_file import ModelFile, write
from stochastic_music.models.harmony import sets
from stochastic_music.models.harmony.candidates import Bounds, Candidates, propose
from stochastic_music.models.harmony.harmony import Harmony, Setting
from stochastic_music.models.harmony.lattice import Strictness, lattice, model_log_prob
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.mixture import NONE
from stochastic_music.music import voice_leading
from stochastic_music.music.chords import Chord
from stochastic_music.music.voice_leading import OF_CHORDS, RULES, Cadence, Context, Report
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling import chains
from stochastic_music.sampling.chains import Chain
from stochastic_music.tasks.harmonize.accompaniment import chord_chain, stretches, with_accompaniment
from stochastic_music.tasks.harmonize.copied import setting_lines, voice_lines
from stochastic_music.tasks.harmonize.demands import AUTHENTIC, DEMANDS, WEAK, Demand, closes
from stochastic_music.tasks.harmonize.figures import middles, passing_counts, with_passing
from stochastic_music.tasks.harmonize.reports import cadences_of, piece_report, rates
from stochastic_music.tasks.harmonize.tunes import (
    Tune,
    as_soprano,
    at_onsets,
    check_range,
    four_parts,
    read_setting,
    read_tune,
    remarks_on,
    tune_of,
)
from stochastic_music.tasks.harmonize.voices_out import lower_line, with_voices
from stochastic_music.tasks.kept import Contents, kept_model

if TYPE_CHECKING:
    from symusic.core import ScoreTick

    from stochastic_music.corpus import Corpus

#: what is learned from where no model is named
DEFAULT_CORPUS = "bach-chorales"
#: four voices, or chord symbols with an accompaniment
STYLES = ("chorale", "chords")
#: how rules are kept where nothing else is asked: never broken, or at a price in nats a breach
DEFAULT_RULES: Mapping[str, Strictness] = {
    "parallel_fifths": "hard",
    "parallel_octaves": "hard",
    "direct_fifths": 0.5,
    "direct_octaves": 1.0,
    "crossing": "hard",
    "overlap": 1.5,
    "range": "hard",
    "spacing": "hard",
    "doubled_leading_note": "hard",
    "unresolved_leading_note": 3.0,
    "unresolved_suspension": "hard",
    "unresolved_seventh": 2.5,
    "augmented_second": "hard",
    "leap": 2.0,
}
#: what a hard rule costs where it has to be relaxed
_RELAXED = 12.0
#: the lowest and highest pitch of each lower voice
RANGES = {name[0].upper(): voice_leading.RANGES[name] for name in ("alto", "tenor", "bass")}


@dataclass(frozen=True, eq=False)
class Take(ShowsItself):
    """One harmony.

    `voices` (n_frames, 4) from the top and `chords` are those of the melody's frames, `log_prob` is under the model, in
    nats, `report` counts rules at every onset, `cadences` are the closes of the phrases with their bars. `lines` are
    the new voices as notes, to ask `Harmonizer.originality` about. In the style "chords" there is no report, `voices`
    holds the melody alone, and there are no lines.
    """

    shown_by = "scores"

    score: ScoreTick
    voices: IntArray
    chords: tuple[Chord, ...]
    log_prob: float
    report: Report | None
    cadences: tuple[tuple[int, Cadence], ...]
    lines: tuple[CorpusLine, ...] = ()

    @property
    def nats_per_beat(self) -> float:
        """Surprise: what the chords and voices cost under the model, a beat."""
        return -self.log_prob / max(len(self.voices), 1)


@dataclass(frozen=True, eq=False)
class Harmonization(ShowsItself):
    """The takes of one melody.

    `remarks` are what the user should know (the part that was taken, a guessed key, demands that were relaxed),
    `n_candidates` the most candidates of a beat, `kept` the least share of the proposal that the candidates of a
    beat hold.
    """

    shown_by = "scores"

    takes: tuple[Take, ...]
    tune: Tune
    remarks: tuple[str, ...]
    n_candidates: int
    kept: float


@dataclass
class Harmonizer(ShowsItself):
    """Harmonises melodies; see the room's article.

    Args:
        skeleton: how chords are found: "crf", "mixture" or "hmm" (`models/harmony/skeleton.py`).
        rules: how each rule is kept, over `DEFAULT_RULES`: "hard", "off", or what a breach costs, in nats.
        candidates: K, the voicings of a beat among which inference is exact.
        weak_cadence: the price of a phrase that ends on no cadence, and half that of an end that is not authentic,
            in nats.
        temperature: below 1 safer, above 1 bolder.
    """

    shown_by = "models"

    skeleton: str = "crf"
    rules: Mapping[str, Strictness] = field(default_factory=dict)
    candidates: int = 100
    weak_cadence: float = 2.5
    temperature: float = 0.6

    harmony_: Harmony = field(init=False, repr=False)
    card_: dict[str, Any] = field(init=False, repr=False, default_factory=dict)
    lines_: tuple[CorpusLine, ...] = field(init=False, repr=False, default=())

    def fit(self, corpus: Corpus) -> Self:
        """Learn from the pieces of a corpus that are in four parts; raises EmptyCorpusError where none is."""
        settings, reports, passing = [], [], np.zeros((3, 2), dtype=np.int64)
        voices: list[CorpusLine] = []
        for piece in corpus:
            setting = read_setting(piece.score)
            if setting is None or not setting.whole.any():
                continue
            settings.append(setting)
            reports.append(piece_report(piece.score))
            passing += _passing(piece.score)
            voices += setting_lines(piece.score, piece.name)
        if not settings:
            raise EmptyCorpusError(
                f"none of {len(corpus)} pieces is in four parts: expected tracks called soprano, alto, tenor and bass, "
                "or four tracks, as in the built-in bach-chorales"
            )
        self.harmony_ = Harmony(self.skeleton).fit(settings)
        self.lines_ = tuple(voices)
        self.card_ = {
            "n_pieces": len(settings),
            "n_beats": int(sum(setting.whole.sum() for setting in settings)),
            "rates": rates(reports),
            "escape": list(sets.Escape.fit([_frames(setting) for setting in settings])),
            "passing": [round(float(filled / max(thirds, 1)), 4) for filled, thirds in passing],
            "licences": sorted({piece.licence for piece in corpus if piece.licence}),
        }
        return self

    def nats_per_beat(self, corpus: Corpus) -> tuple[float, int]:
        """Surprise at the lower voices of other pieces, given their sopranos, in nats a beat; and of how many beats."""
        self._check_fitted()
        scorer = sets.SetScorer(self.harmony_, sets.Escape(*self.card_["escape"]), prune=1e-3)
        total, n = 0.0, 0
        for piece in corpus:
            setting = read_setting(piece.score)
            if setting is None or not setting.whole.any():
                continue
            total -= scorer.log_prob(_frames(setting), setting.melody)
            n += int(setting.whole.sum())
        return (total / n if n else np.nan), n

    def harmonize(
        self,
        score: ScoreTick,
        n: int = 4,
        *,
        part: str | int | None = None,
        style: str = "chorale",
        passing: bool = True,
        key: str | None = None,
        best: bool = False,
        seed: _random.Seed = None,
    ) -> Harmonization:
        """`n` different harmonies of the melody of a score; with `best` the first is the likeliest of all.

        With `passing` thirds of lower voices are filled with eighths as often as in the corpus (`_figures`), where no
        rule is broken by it. In the style "chords" there are chord symbols and an accompaniment in place of voices.

        Raises EncodingError for a score without a melody, or one out of every voice's range; UnsatisfiableError where
        no harmony is left.
        """
        self._check_fitted()
        if style not in STYLES:
            raise UnknownNameError("style", style, STYLES)
        tune = read_tune(score, part, key)
        remarks = remarks_on(score, tune)
        if style == "chorale":
            check_range(tune)
        else:
            return self._chords(score, tune, n, best=best, seed=_random.key(seed), remarks=remarks)
        search = self._search(tune.melody, remarks)
        number = _random.key(seed)
        paths = _different(search.chain, n, best, number)
        if len(paths) < n:
            remarks.append(f"Of {n} takes {len(paths)} differ: rules and candidates leave no other likely enough.")
        rate = np.array(self.card_["passing"]) if passing else np.zeros(3)
        takes = []
        for i, path in enumerate(paths):
            chosen = search.chosen(path)
            voices = np.concatenate([c.voices for c in chosen])
            takes.append(self._take(score, tune, search, chosen, middles(tune, voices, rate, number, i)))
        most = max(len(c.label) for c in search.candidates)
        kept = min(c.kept for c in search.candidates)
        return Harmonization(tuple(takes), tune, tuple(remarks), most, kept)

    def _chords(
        self, score: ScoreTick, tune: Tune, n: int, *, best: bool, seed: int, remarks: list[str]
    ) -> Harmonization:
        """Chord symbols and an accompaniment."""
        plain = self.harmony_.chain(as_soprano(tune.melody))
        stretch = stretches(tune.beats)
        chain = chord_chain(plain, self.harmony_.alphabet, stretch, tune.melody.minor)
        paths = _different(chains.tempered(chain, self.temperature), n, best, seed)
        if len(paths) < n:
            remarks.append(f"Of {n} takes {len(paths)} differ: no other chords are likely enough to be drawn.")
        takes = []
        for path in paths:
            chords = tuple(self.harmony_.alphabet.labels[i].chord(tune.melody.tonic) for i in path.tolist())
            log_prob = chains.path_score(plain, path) - chains.log_partition(plain)
            out = with_accompaniment(score, tune, chords, stretch)
            voices = tune.melody.pitch[:, None]
            takes.append(Take(out, voices, chords, log_prob, None, cadences_of(tune, chords)))
        return Harmonization(tuple(takes), tune, tuple(remarks), self.harmony_.alphabet.n, 1.0)

    def _search(self, melody: Melody, remarks: list[str]) -> _Search:
        """The lattice of a melody under all demands, or under those that can be met."""
        plain = self.harmony_.chain(melody)
        rules = {**DEFAULT_RULES, **self.rules}
        failure: UnsatisfiableError | None = None
        for demands, said in DEMANDS:
            for asked, softened in (
                (rules, ""),
                (_softened(rules), "hard rules are counted, not kept (more candidates may help)"),
            ):
                try:
                    found = self._lattice(melody, plain, demands, asked)
                    chains.forward(found.chain)
                except UnsatisfiableError as error:
                    failure = error
                    continue
                relaxed = ", ".join(text for text in (said, softened) if text)
                if relaxed:
                    remarks.append(f"This melody does not let everything be met: {relaxed}.")
                return found
        raise UnsatisfiableError(f"no harmony of this melody is left: {failure}")

    def _lattice(
        self, melody: Melody, plain: Chain, demands: Sequence[Demand], rules: Mapping[str, Strictness]
    ) -> _Search:
        allowed = np.ones(plain.unary.shape, dtype=bool)
        for demand in demands:
            allowed &= demand(self.harmony_, melody)
        skeleton = chains.restricted(plain, allowed)
        shares = chains.marginals(skeleton)
        if not np.isfinite(shares).all():
            raise UnsatisfiableError("no row of chords meets what is asked")
        free: BoolArray = np.asarray(allowed.all(axis=1))
        hard = [name for name in OF_CHORDS if rules[name] == "hard"]
        found = propose(self.harmony_, melody, shares, Bounds(RANGES, hard, self.candidates, free))
        if empty := [t for t, here in enumerate(found) if not len(here.label)]:
            raise UnsatisfiableError(f"no voicing is left at beat {empty[0] + 1} of {len(melody)}")
        options: Any = {"rules": rules, "temperature": self.temperature, "closes": self._closes(melody)}
        chain = lattice(self.harmony_, melody, skeleton, found, **options)
        return _Search(melody, plain, found, chain)

    def _closes(self, melody: Melody) -> dict[int, FloatArray]:
        """The prices of steps into the last notes of phrases: no cadence, or an end that is not authentic."""
        arrivals = np.flatnonzero(melody.to_end[1:] == 0)
        if not self.weak_cadence or not len(arrivals):
            return {}
        table = closes(self.harmony_.alphabet)
        within = self.weak_cadence * (table == WEAK)
        last = 2 * self.weak_cadence * (table != AUTHENTIC)
        return {t: last if melody.final[t + 1] else within for t in arrivals.tolist()}

    def _take(self, score: ScoreTick, tune: Tune, search: _Search, chosen: list[Candidates], between: IntArray) -> Take:
        voices = np.concatenate([c.voices for c in chosen])
        tonic, labels = tune.melody.tonic, self.harmony_.alphabet.labels
        chords = tuple(labels[int(c.label[0])].chord(tonic) for c in chosen)
        lines = [with_passing(tune, lower_line(tune, voices[:, i]), between[:, i - 1]) for i in (1, 2, 3)]
        context = Context(tonic, tune.melody.minor)
        report = voice_leading.report(at_onsets([tune.line, *lines]), context, n_beats=len(voices))
        log_prob = model_log_prob(self.harmony_, tune.melody, search.plain, chosen)
        out, new = with_voices(score, tune, lines), tuple(voice_lines(score, lines))
        return Take(out, voices, chords, log_prob, report, cadences_of(tune, chords), new)

    def originality(self) -> OriginalityIndex | None:
        """The voices of the corpus, to ask how much of a take's `lines` is copied; None for a model without them."""
        return OriginalityIndex(self.lines_) if self.lines_ else None

    def contents(self, *, sources: bool = True) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What a model file holds: plain JSON, and arrays; without `sources` the voices of the corpus are left out."""
        self._check_fitted()
        learned, arrays = self.harmony_.contents()
        names, columns = to_arrays(self.lines_ if sources else ())
        arrays = {**arrays, **{f"corpus.{name}": column for name, column in columns.items()}}
        meta = {
            "version": __version__,
            "task": "harmonize",
            "model": ["harmonizer", {"skeleton": self.harmony_.skeleton}],
            "card": self.card_,
            "harmony": learned,
            "names": names,
        }
        return meta, arrays

    def save(self, path: str | Path, *, sources: bool = True, force: bool = False) -> None:
        """Write a model file; without `sources` the voices of the corpus, which are asked for copies, are left out."""
        write(Path(path), *self.contents(sources=sources), force=force)

    @classmethod
    def of_chorales(cls, *, say: Callable[[str], object]) -> tuple[Self, str]:
        """The harmoniser of the built-in chorales and its checksum: fitted once, then kept in the cache folder.

        `say` is told before it is fitted, since that takes a while.
        """
        from stochastic_music.corpus import Corpus

        def make() -> Contents:
            say(f"A model of {DEFAULT_CORPUS} is fitted: that takes a minute, once.")
            return cls().fit(Corpus.builtin(DEFAULT_CORPUS)).contents()

        kept = kept_model("harmonizer", make)
        return cls._of(kept.meta, kept.arrays), kept.checksum

    @classmethod
    def from_file(cls, file: ModelFile) -> Self:
        """The inverse of `save`."""
        return cls._of(file.expect("harmonize").meta, file)

    @classmethod
    def _of(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(meta["harmony"]["skeleton"])
        model.harmony_ = Harmony.of_contents(meta["harmony"], arrays)
        model.card_ = dict(meta["card"])
        if "corpus.offsets" in arrays:
            kept = {name.removeprefix("corpus."): arrays[name] for name in arrays if name.startswith("corpus.")}
            model.lines_ = from_arrays(meta["names"], kept)
        return model

    def _check_fitted(self) -> None:
        if not hasattr(self, "harmony_"):
            raise NotFittedError("this Harmonizer has learned nothing yet: call fit(corpus), or open a model file")
        for name, strictness in self.rules.items():
            if name not in RULES:
                voice_leading.count(name, None, np.zeros((0, 4), dtype=np.int64), Context(0))
            if not (strictness in ("hard", "off") or (isinstance(strictness, (int, float)) and strictness >= 0)):
                raise InvalidParameterError(f"rule {name} is '{strictness}'; expected hard, off, or a price from 0 up")
        if self.candidates < 1 or not self.temperature > 0:
            raise InvalidParameterError(
                f"candidates are {self.candidates} and the temperature is {self.temperature}; expected 1 or more, and "
                "more than 0"
            )


class _Search(NamedTuple):
    melody: Melody
    plain: Chain
    candidates: list[Candidates]
    chain: Chain

    def chosen(self, path: IntArray) -> list[Candidates]:
        """The candidates of a path, one a frame."""
        rows = zip(self.candidates, path.tolist(), strict=True)
        return [Candidates(c.voices[i : i + 1], c.label[i : i + 1], 1.0, 1) for c, i in rows]


def _different(chain: Chain, n: int, best: bool, key: int) -> list[IntArray]:
    """Up to `n` different paths: draws in order, repeats left out; with `best` after the heaviest."""
    found: dict[bytes, IntArray] = {}
    if best:
        path = chains.best_path(chain)
        found[path.tobytes()] = path
    drawn = n
    while len(found) < n and drawn <= 64 * n:
        for path in chains.sample_paths(chain, drawn, seed=key):
            found.setdefault(path.tobytes(), path)
        drawn *= 4
    return list(found.values())[:n]


def _softened(rules: Mapping[str, Strictness]) -> dict[str, Strictness]:
    """The same rules, with a price where they were hard; order and range stay."""
    kept = ("crossing", "range")
    return {name: _RELAXED if how == "hard" and name not in kept else how for name, how in rules.items()}


def _frames(setting: Setting) -> list[sets.Frame]:
    """What sounds in each frame of a setting; nothing where not all voices do."""
    return [sets.frame(voices) if voices[0] != NONE else () for voices in setting.voices.tolist()]


def _passing(score: ScoreTick) -> IntArray:
    """How many thirds of a score in four parts are filled, and how many there are: (3, 2)."""
    tracks = four_parts(score)
    return np.zeros((3, 2), dtype=np.int64) if tracks is None else passing_counts(score, tracks, tune_of(score, tracks))

"""What each measure of a report is called, what it says, in which unit, and which way is better.

`closer` means closer to what held-out music has. Features and shapes tell of themselves (`evaluation.music`).
"""

from __future__ import annotations

from stochastic_music.evaluation.music import DIVERSITY, FEATURES, SHAPE, Feature


def _told(feature: Feature) -> dict[str, str]:
    return {"title": feature.title, "meaning": feature.meaning, "unit": feature.unit, "better": "closer"}


#: what each measure says: title, meaning, unit, which way is better
MEASURES: dict[str, dict[str, str]] = {
    "bits_per_note": {
        "title": "Bits per note",
        "meaning": "How much each held-out note surprises the model: its share of the log probability, base 2, of the "
        "piece, ends of pieces included.",
        "unit": "bits",
        "better": "lower",
    },
    "pseudo_bits_per_note": {
        "title": "Bits per note, all other notes given",
        "meaning": "The same for a model that only compares pieces: each symbol is given all others of its piece, "
        "later ones too. Not comparable with bits per note.",
        "unit": "bits",
        "better": "lower",
    },
    "longest_copy": {
        "title": "Longest copy",
        "meaning": "The longest run of notes, rhythm and intervals alike, that a training piece has too. Held-out "
        "pieces of a style share runs as well: near theirs is usual, far above is copying.",
        "unit": "notes",
        "better": "closer",
    },
    "share_copied": {
        "title": "Share copied",
        "meaning": "The part of the notes that lies in runs of 8 or more which a training piece has too.",
        "unit": "share",
        "better": "closer",
    },
    "overlap": {
        "title": "Overlap",
        "meaning": "Distances between composed and held-out pieces lie where distances among held-out pieces do: the "
        "part, 0 to 1, that their densities share. Held-out pieces beside training pieces are the ceiling.",
        "unit": "share",
        "better": "higher",
    },
    "kl": {
        "title": "Divergence",
        "meaning": "Kullback-Leibler divergence of the density of distances between composed and held-out pieces from "
        "that of distances among held-out pieces.",
        "unit": "nats",
        "better": "lower",
    },
    "generated_overlap": {
        "title": "Overlap with itself",
        "meaning": "The same with distances among composed pieces: low where a model composes one piece again and "
        "again.",
        "unit": "share",
        "better": "higher",
    },
    "judge_accuracy": {
        "title": "Told apart",
        "meaning": "A classifier, cross-validated, is asked which pieces were composed and which are held-out music: "
        "the share it tells rightly. One half is guessing, and the best that a model can reach.",
        "unit": "share",
        "better": "lower",
    },
    "judge_auc": {
        "title": "Told apart, AUC",
        "meaning": "The probability that of a composed and a held-out piece the composed one seems more composed. One "
        "half is guessing.",
        "unit": "probability",
        "better": "lower",
    },
    "fit_seconds": {
        "title": "Fit",
        "meaning": "Wall-clock time of one fit on one thread, the mean over seeds.",
        "unit": "s",
        "better": "lower",
    },
    "notes_per_second": {
        "title": "Composing",
        "meaning": "Notes composed a second on one thread, all pieces of a seed at once.",
        "unit": "notes/s",
        "better": "higher",
    },
    "peak_bytes": {
        "title": "Memory",
        "meaning": "The most memory that the fitting process held, Python and libraries included.",
        "unit": "bytes",
        "better": "lower",
    },
    "parameters": {
        "title": "Parameters",
        "meaning": "Learned numbers: weights, or all that a model of counts keeps.",
        "unit": "",
        "better": "lower",
    },
    "file_bytes": {
        "title": "File",
        "meaning": "Size of the model file without training pieces.",
        "unit": "bytes",
        "better": "lower",
    },
    **{name: _told(feature) for name, feature in (FEATURES | SHAPE | DIVERSITY).items()},
}

"""A report of a comparison, made up from a seed: its keys are those that `reports.comparison` writes."""

from __future__ import annotations

import numpy as np

FEATURES = (
    *("pitch_count", "pitch_count_per_bar", "pitch_class_histogram", "pitch_class_histogram_per_bar"),
    *("pitch_class_transition_matrix", "pitch_range", "average_pitch_interval", "note_count", "note_count_per_bar"),
    *("average_inter_onset_interval", "note_length_histogram", "note_length_transition_matrix"),
)
SHAPE = ("self_similarity", "cadence", "scale_consistency", "repeated_notes")
ORIGINALITY = ("longest_copy", "share_copied")
COST = ("fit_seconds", "notes_per_second", "peak_bytes", "parameters", "file_bytes")
DIVERSITY = ("distance", "distinct", "doubles")
MORE = (*DIVERSITY, *ORIGINALITY, *COST)
SIMILARITY = [*([0.1, 0.2, 0.1, 0.4] * 4), None, None]
PAIRS = ("intra", "generated_intra", "inter")
KINDS = (("markov", "statistical"), ("ppm", "statistical"), ("hmm", "statistical"), ("lstm", "neural"))


def a_report(*, seed=0, n_takes=3, names=(), title="Four models on chorale sopranos"):
    """Four models that finished and one that did not; `names` replace the names of the first models."""
    rng = np.random.default_rng(seed)
    models = [a_model(rng, *kind, n_takes) for kind in KINDS]
    for model, name in zip(models, names, strict=False):
        model["name"] = name
    failed = {"name": "transformer", "kind": "transformer", "family": "neural", "failed": "the loss is not a number"}
    a, b = models[0]["name"], models[1]["name"]
    return {
        "schema": 1,
        "title": title,
        "made_with": {
            "versions": {"stochastic_music": "0.1.0", "numpy": "2.4.0"},
            "hardware": "2 cores, 8 GB",
            "command": "stochmusic compare bach -m markov -m ppm -m hmm -m lstm -m transformer -o report",
        },
        "corpus": {"name": "bach", "n_pieces": 370, "n_train": 296, "n_test": 74, "n_notes_test": 3812},
        "settings": {"budget_seconds": 240, "seeds": 3, "n_composed": 60, "sizes": [10, 100]},
        "measures": {key: measure(key) for key in ("bits_per_note", "overlap", "kl", *FEATURES, *SHAPE, *MORE)},
        "models": [*models, failed],
        "held_out": {
            "shape": {name: {"mean": 0.5, "std": 0.1} for name in SHAPE},
            "similarity": SIMILARITY,
            "diversity": dict.fromkeys(DIVERSITY, 0.9),
            "originality": dict.fromkeys(ORIGINALITY, 0.2),
            "takes": [a_take(rng) for _ in range(n_takes)],
        },
        "ceiling": {"features": likeness(rng)},
        "differences": [{"a": a, "b": b, "bits_per_note": estimate(-0.2), "p": 0.0001, "p_corrected": 0.0006}],
    }


def a_model(rng, name, family, n_takes):
    bits = round(float(rng.uniform(2, 3)), 3)
    predicted = {"bits_per_note": estimate(bits), "per_seed": [bits, bits + 0.01], "stopped": ["by itself"]}
    losses = [float(x) for x in np.linspace(1.5, 1.0, 12)]
    history = [{"seed": 0, "training": losses, "validation": [x + 0.1 for x in losses], "best": 11}]
    return {
        "name": name,
        "kind": name,
        "family": family,
        "failed": None,
        "budget": predicted,
        "own_stop": predicted,
        "curve": [{"n_pieces": n, "bits_per_note": estimate(bits + 10 / n)} for n in (10, 100, 296)],
        "history": history if family == "neural" else [],
        "features": likeness(rng),
        "shape": {name: {"mean": float(rng.uniform(0, 1)), "std": 0.1} for name in SHAPE},
        "similarity": SIMILARITY,
        "diversity": dict.fromkeys(DIVERSITY, 0.8),
        "originality": dict.fromkeys(ORIGINALITY, 0.3),
        "judge": {
            "accuracy": 0.71,
            "interval": [0.62, 0.79],
            "auc": 0.78,
            "telling": [{"feature": "pitch_range", "weight": 0.4, "words": "pitch range: less in generated pieces"}],
            "p_corrected": 0.002,
        },
        "cost": dict.fromkeys(COST, 12345.0),
        "takes": [a_take(rng) for _ in range(n_takes)],
    }


def measure(key):
    better = "closer" if key in SHAPE + DIVERSITY + ORIGINALITY else "higher" if key == "overlap" else "lower"
    return {"title": key.replace("_", " ").capitalize(), "meaning": f"What {key} means.", "unit": "", "better": better}


def likeness(rng):
    found = {name: {"overlap": float(rng.uniform(0.5, 1)), "kl": float(rng.uniform(0, 0.3))} for name in FEATURES}
    return {name: {**figures, "densities": a_density(rng)} for name, figures in found.items()}


def a_density(rng):
    grid = np.linspace(-1, 9, 16)
    peaks = (np.exp(-((grid - at) ** 2)) for at in rng.uniform(1, 6, 3))
    return {"grid": grid.tolist(), **{key: peak.tolist() for key, peak in zip(PAIRS, peaks, strict=True)}}


def estimate(value):
    return {"value": value, "interval": [value - 0.1, value + 0.1], "level": 0.95}


def a_take(rng):
    steps = 67 + np.cumsum(rng.integers(-3, 4, 48))
    notes = [[i * 0.5, 0.5, int(np.clip(pitch, 55, 84)), 80] for i, pitch in enumerate(steps)]
    return {"file": f"take{int(rng.integers(1000))}.mid", "seed": 0, "tempo": 100, "notes": notes}

"""Thousands of damaged files: no crash, no hang, every file accounted for, and the good ones still there."""

import random

from stochastic_music.corpus import ingest_tokens
from stochastic_music.corpus.corpus import Corpus
from stochastic_music.tokens import MelodyEncoding

N_MUTANTS = 3000


def mutate(data, chance):
    """One of the ways in which files get damaged."""
    data = bytearray(data)
    kind = chance.randrange(6)
    if kind == 0:
        return bytes(data[: chance.randrange(len(data))])
    if kind == 1:
        start = chance.randrange(len(data))
        del data[start : start + chance.randrange(1, 64)]
    elif kind == 2:
        start = chance.randrange(len(data))
        data[start:start] = chance.randbytes(chance.randrange(1, 64))
    elif kind == 3:
        start, end = sorted(chance.randrange(len(data)) for _ in range(2))
        data += data[start:end]
    else:
        for _ in range(chance.choice([1, 2, 4, 16])):
            data[chance.randrange(len(data))] = chance.choice([0, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    return bytes(data)


def test_mutated_midi_files(music_folder):
    chance = random.Random(7)
    originals = [path.read_bytes() for path in sorted(music_folder.glob("*.mid"))]
    for i in range(N_MUTANTS):
        (music_folder / f"mutant{i:04d}.mid").write_bytes(mutate(chance.choice(originals), chance))
    tokens, report = ingest_tokens(music_folder, MelodyEncoding(), workers=2, time_limit=20, memory_limit=10**9)
    assert len(report.read) + len(report.skipped) == N_MUTANTS + 12
    good = {f"tune{i:02d}.mid" for i in range(12)}
    assert good <= {read.file for read in report.read}
    assert all(skipped.reason for skipped in report.skipped)
    assert not [s for s in report.skipped if "crash" in s.reason or "seconds" in s.reason]
    assert len(tokens) == len(tokens.headers) > 12


def test_mutated_text_formats(music_folder):
    chance = random.Random(8)
    abc = b"X:1\nT:A tune\nM:3/4\nL:1/8\nK:G\nD2|G2 A2 B2|c2 BA G2|(3ABc d4|]\n"
    kern = b"**kern\n*M4/4\n*k[f#]\n=1\n4g\n4a\n8b\n8cc\n4dd;\n=2\n1g\n==\n*-\n"
    for i in range(40):
        (music_folder / f"mutant{i}.abc").write_bytes(mutate(abc, chance))
        (music_folder / f"mutant{i}.krn").write_bytes(mutate(kern, chance))
    report = Corpus.from_folder(music_folder, workers=2, time_limit=20).report
    assert len(report.read) + len(report.skipped) == 92
    assert sum(read.file.startswith("tune") for read in report.read) == 12
    assert not [s for s in report.skipped if "crash" in s.reason or "seconds" in s.reason]

"""A fair comparison of models: fits under one budget, predictions and pieces measured alike, and a report.

    music        one split by piece, variants of a tune on one side; one encoding; one set of symbols
    contenders   who is compared;  cells: the fits that takes;  running: cells in processes of their own, in time
    working      what these processes do: fit, predict, compose;  records: what is found out, filed at once
    figures      bits per note, learning curves, paired differences;  heard: measures of what was composed, one
                 set a seed, and means over them
    account      `report.json`;  markdown: the same to read;  comparing: `compare`;  votes: of the blind page

**The budget** is wall-clock time for the fits of one model, over all its seeds; each of its fits gets an equal share.
Fits run on one thread each, at most one a core. One that can be asked to stop (`protocols.TrainedModel`) keeps the best
that it found in time; any other is ended a moment later, and its column says so. `own_stop` is a second table, in
which what was stopped is fitted anew until it stops by itself, in six times its share at most (a schedule that was
made for a short time is not one that goes on). Models without randomness in their fit are fitted once, with the whole
budget; their seeds differ in composing.

**Predicting.** Every model gives the same held-out symbols a probability. The alphabet is that of the whole corpus, so
that no held-out symbol is outside; END is predicted. A model that only compares pieces (`MaxEnt`) has no bits per note,
and its figure, each symbol given all others, is kept apart.

**Composing.** Every model composes the same number of pieces by each seed, under the headers (meter, pickup, key,
tempo) of the same held-out pieces, without any constraint: it ends each piece itself, or is cut at twice the longest
training piece, which is counted (`capped`).

## `report.json`, schema 1

Numbers that cannot be told are null; infinity is null too. An *estimate* is {value, interval: [low, high], level}.

    title, made_with {versions, hardware, command}
    corpus       name, n_pieces, n_train, n_test, n_notes_test, transpose, alphabet_size, licences, and what encoding
                 lost: encoding, grid, quantisation_error, encoding_losses, pieces_not_encoded (file, reason, try)
    cautions     what makes all figures weak, in words
    settings     budget_seconds, seeds, n_composed, sizes, own_stop, curve_seeds, split_seed
    measures     KEY: title, meaning, unit, better (lower | higher | closer: to held-out music)
    models       one each, in the order asked for:
        name, kind, family (statistical | neural), parameters
        fitted_once   whether its fit holds no randomness
        failed        why it was never fitted, or null;  problems: everything that went wrong, in words
        budget        bits_per_note (estimate), pseudo_bits_per_note (likewise, where there is no other), per_seed,
                      per_piece (aligned with held_out.pieces), stopped ("by itself" | "after 80 s", one a seed),
                      seconds and processor_seconds (one a seed: far below seconds where the machine was busy)
        own_stop      likewise, of fits that went on;  null where that was not asked for
        curve         by number of training pieces: n_pieces, bits_per_note, pseudo_bits_per_note, per_seed
        history       of models that learn in epochs, of the longest fit by each seed: seed, training, validation
                      (nats a symbol), best (an epoch, from 1), stopped (why)
        features      NAME (`evaluation.music.FEATURES`): intra, generated_intra, inter (mean distances), overlap, kl,
                      generated_overlap, generated_kl, each with NAME_interval, mean, std; means over seeds.
                      densities (grid, intra, generated_intra, inter) of the first seed
        shape         NAME (`evaluation.music.SHAPE`): mean, std, interval, level, n, n_missing (pieces without one)
        similarity    of bars that lie 1, 2, 3 ... apart, on the average; null where no piece is so long
        diversity     NAME (`evaluation.music.DIVERSITY`): of the pieces of one seed, the mean over seeds
        originality   longest (notes) and share (0 to 1) copied: value, median, q90, interval, level; null where unknown
        judge         accuracy, interval, level, auc, p, p_corrected (over the models), n, telling [{feature, weight,
                      words}]; null where pieces are too few
        metrics       NAME of a plug-in's metric: value, title, meaning, better, or the reason why there is none
        capped        how many takes were cut before the model ended them
        cost          fit_seconds, notes_per_second, peak_bytes, parameters, file_bytes
        takes         file, seed, capped, tempo (quarter notes a minute),
                      notes [[onset, duration, pitch, velocity]] in quarter notes; of several tracks parts
                      [{name, notes}] in their place
    held_out     pieces (names), features (mean, std), shape, similarity, diversity, originality, takes (piece instead
                 of file and seed)
    ceiling      features of training pieces beside held-out ones, in the place of what a model composed
    ceiling_judge, ceiling_metrics  likewise, the judge and metrics of plug-ins
    differences            a, b, bits_per_note (estimate of b minus a: below zero b predicts better), p, p_corrected
    differences_own_stop   likewise;  differences_by_size: likewise, with n_pieces
    votes        where blind votes were counted: voters, rows (`votes.counted`)

`p` is of a permutation test that swaps pieces, `p_corrected` Holm's over all rows of its table.
"""

from stochastic_music.reports.comparison.comparing import SIZES, compare, count_votes
from stochastic_music.reports.comparison.contenders import KINDS

__all__ = ["KINDS", "SIZES", "compare", "count_votes"]

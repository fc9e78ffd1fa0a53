import pytest
from score_strategies import notes_of, same_pieces
from symusic import Note, Score, TimeSignature, Track

import stochastic_music as sm
from stochastic_music import _optional
from stochastic_music.errors import EncodingError, MissingExtraError
from stochastic_music.music import marks
from stochastic_music.tokens import remi

needs_miditok = pytest.mark.skipif(not _optional.available("miditok"), reason="the extra `tokens` is not installed")


def band(*signatures):
    score = Score(480)
    for time, numerator, denominator in signatures:
        score.time_signatures.append(TimeSignature(time, numerator, denominator))
    score.tracks.append(Track("bass", 33, notes=[Note(0, 960, 40, 80), Note(960, 480, 127, 80)]))
    score.tracks.append(Track("kit", 0, True, notes=[Note(i * 480, 120, p, 80) for i, p in enumerate([0, 36, 127])]))
    score.tracks.append(Track("bass too", 33, notes=[Note(1440, 160, 43, 80)]))
    return score


@needs_miditok
def test_tracks_of_one_instrument_become_one():
    encoding = sm.RemiEncoding()
    decoded = encoding.decode(encoding.encode(band((0, 4, 4))))
    assert [(t.name, t.program, t.is_drum) for t in decoded.tracks] == [("bass, bass too", 33, False), ("kit", 0, True)]
    assert notes_of(decoded, 0) == [(0, 24, 40), (24, 36, 127), (36, 40, 43)]
    assert notes_of(decoded, 1) == [(0, 3, 0), (12, 15, 36), (24, 27, 127)]


@needs_miditok
def test_tokens_are_told_by_name_and_bars_count_from_the_pickup():
    score = band((0, 3, 4))
    marks.set_pickup(score, 480)
    encoding = sm.RemiEncoding()
    piece = encoding.encode(score)[0]
    told = [encoding.vocabulary.describe(int(s)).removeprefix("token ") for s in piece.symbols[:4]]
    assert told == ["Bar_None", "TimeSig_3/4", "Position_48", "Program_33"]
    assert piece.header.pickup == 12
    assert same_pieces(encoding.encode(encoding.decode([piece])), [piece])


@needs_miditok
def test_notes_drawn_before_the_pickup_make_it_a_full_bar():
    score = band((0, 3, 4))
    marks.set_pickup(score, 480)
    encoding = sm.RemiEncoding()
    piece = encoding.encode(score)[0]
    vocabulary = encoding.vocabulary
    early = piece.symbols.copy()
    early[2] = vocabulary.fields[0].labels.index("Position_0")
    decoded = encoding.decode([piece._replace(symbols=early)])
    assert marks.pickup(decoded) == 0
    assert notes_of(decoded, 0)[0] == (0, 24, 40)


@needs_miditok
@pytest.mark.parametrize(
    ("signatures", "message"),
    [
        ([(0, 30, 4)], "no token for a meter of 30/4"),
        ([(0, 3, 1)], "no token for a meter of 3/1"),
        ([(0, 4, 4), (480, 3, 4)], "changes to 3/4 inside a bar"),
    ],
)
def test_what_remi_has_no_token_for_is_an_error(signatures, message):
    with pytest.raises(EncodingError, match=message):
        sm.RemiEncoding().encode(band(*signatures))


@needs_miditok
def test_long_notes_end_early_and_long_silences_lose_bars():
    score = Score(480)
    score.tracks.append(Track("x", notes=[Note(0, 480 * 40, 60, 80), Note(480 * 1000, 480, 62, 80)]))
    encoding = sm.RemiEncoding()
    pieces, loss = encoding.encode_reported(score)
    assert (loss.cut, loss.rests_shortened) == (1, 1)
    assert notes_of(encoding.decode(pieces)) == [(0, 192, 60), ((16 + 256) * 12, (17 + 256) * 12, 62)]


def test_without_miditok_the_pip_line_is_told(monkeypatch):
    def absent(module):
        raise MissingExtraError(f'pip install "stochastic-music[tokens]" for {module}')

    monkeypatch.setattr(_optional, "require", absent)
    remi._tokenizer.cache_clear()
    with pytest.raises(MissingExtraError, match="pip install"):
        _ = sm.RemiEncoding().vocabulary
    remi._tokenizer.cache_clear()

import json

import numpy as np
import pytest

import stochastic_music as sm
from stochastic_music.errors import InvalidParameterError, VocabularyError
from stochastic_music.tokens import Field, Vocabulary, pitch_name, pitch_number

ENCODINGS = [sm.MelodyEncoding(), sm.NotesEncoding(), sm.VoicesEncoding(2), sm.VoicesEncoding(3, frame="1/4")]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.name)
def test_symbols_and_values_are_inverse(encoding):
    vocabulary = encoding.vocabulary
    symbols = np.arange(vocabulary.n_symbols - 1)
    fields = vocabulary.field_of(symbols)
    for symbol, field, value in zip(symbols, fields, vocabulary.values(symbols), strict=True):
        assert vocabulary.symbol(vocabulary.fields[field].name, int(value)) == symbol
        assert vocabulary.describe(int(symbol)).startswith(vocabulary.fields[field].name)
    assert vocabulary.describe(vocabulary.end) == "END"
    assert int(vocabulary.field_of(np.array(vocabulary.end))) == vocabulary.n_fields


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.name)
def test_json_brings_a_vocabulary_back(encoding):
    vocabulary = encoding.vocabulary.restrict([3, 1])
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


def test_sizes_of_the_melody_vocabulary():
    # 193 rests (0 to 16 quarter notes of 12 units), 192 durations, 2 phrase marks, 128 pitches, END.
    vocabulary = sm.MelodyEncoding().vocabulary
    assert [f.size for f in vocabulary.fields] == [193, 192, 2, 128]
    assert vocabulary.n_symbols == 516
    assert sm.MelodyEncoding(fields=("pitch",)).vocabulary.n_symbols == 129


def test_an_alphabet_restricts_without_renumbering():
    vocabulary = Vocabulary.plain(5).restrict([4, 2])
    assert vocabulary.mask.tolist() == [False, False, True, False, True, True]
    assert vocabulary.due_mask.shape == (2, 6)
    with pytest.raises(VocabularyError, match=r"symbol 3 .* at place 1 is outside the alphabet"):
        vocabulary.check(np.array([2, 3]))
    with pytest.raises(VocabularyError, match="no symbol"):
        vocabulary.check(np.array([9]))
    with pytest.raises(VocabularyError, match="expected 0 to 4"):
        vocabulary.restrict([7])


def test_restrictions_of_one_declaration_join():
    plain = Vocabulary.plain(5)
    assert plain.restrict([1]).union(plain.restrict([3])).alphabet == (1, 3)
    assert plain.restrict([1]).union(plain).alphabet is None
    with pytest.raises(VocabularyError, match="cannot be joined: field"):
        plain.union(Vocabulary.plain(6))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (Vocabulary((Field("a", 2), Field("b", 2))), "1 fields an event against 2"),
        (Vocabulary((Field("a", 2),), resolution=12), "0 units a quarter note against 12"),
        (Vocabulary((Field("a", 2),), closed=False), "ends its pieces with END"),
        (Vocabulary((Field("a", 2),), step=12), "frames of 0 units against 12"),
        (Vocabulary((Field("a", 2),), alphabet=(0,)), ""),
    ],
)
def test_the_first_difference_is_named(other, reason):
    assert reason in Vocabulary((Field("a", 2),)).difference(other)


def test_values_outside_a_field_are_refused():
    vocabulary = sm.MelodyEncoding().vocabulary
    with pytest.raises(VocabularyError, match="pitch 128 is outside the vocabulary, 0 to 127"):
        vocabulary.symbol("pitch", 128)
    with pytest.raises(VocabularyError, match="no field 'shift'"):
        vocabulary.symbol("shift", 1)


@pytest.mark.parametrize("pitch", range(128))
def test_pitch_names_are_numbers_again(pitch):
    assert pitch_number(pitch_name(pitch)) == pitch


@pytest.mark.parametrize("name", ["", "H4", "C", "C#", "Cx4", "C11", "128", "C-2", "4"])
def test_names_of_no_pitch(name):
    if name == "4":
        assert pitch_number(name) == 4
        return
    with pytest.raises(InvalidParameterError, match="is no pitch"):
        pitch_number(name)

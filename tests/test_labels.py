"""What a drum is called: synonyms are understood in any company, and nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumlesson.labels import LABELS, SYNONYMS, as_label

WORDS = [word for words in SYNONYMS.values() for word in words]
STRANGE = ["cowbell", "kick snare", "loops", "high", "tomato", "chatter", "", "snarekick"]
STRANGE += ["rid", "drum"]


def test_every_class_has_words_and_no_word_two_classes():
    assert tuple(SYNONYMS) == LABELS
    assert len(WORDS) == len(set(WORDS))
    for label, words in SYNONYMS.items():
        assert label in words


@given(
    word=st.sampled_from(WORDS),
    before=st.sampled_from(["", "Loud ", "01_", "Acoustic-", "open "]),
    after=st.sampled_from(["", "s", " 2", "_soft", " Drum", "Samples"]),
)
def test_synonyms_in_company(word, before, after):
    if not before and after[:1].isalpha():
        after = f" {after}"
    assert word in SYNONYMS[as_label(before + word + after)]


@given(name=st.text(max_size=20) | st.sampled_from(STRANGE))
def test_a_label_is_understood_or_it_is_none(name):
    label = as_label(name)
    if label is not None:
        letters = "".join(c for c in name.lower() if c.isascii() and c.isalpha())
        assert any(word in letters for word in SYNONYMS[label])


@pytest.mark.parametrize(
    "name",
    ["cowbell", "kick snare", "loops", "high", "tomato", "drum", "snarekick", "one shots", ""],
)
def test_nothing_is_guessed(name):
    assert as_label(name) is None

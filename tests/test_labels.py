"""What a drum is called: synonyms are understood in any company, and nothing is guessed."""

import unicodedata

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


def test_a_word_stands_for_its_class_alone():
    """No word is another class's plural."""
    for label, words in SYNONYMS.items():
        for word in words:
            assert as_label(word) == as_label(word + "s") == label


@given(
    word=st.sampled_from(WORDS),
    before=st.sampled_from(["", "Loud ", "01_", "Acoustic-", "open ", "TR-808 "]),
    after=st.sampled_from(["", "s", " 2", "_soft", " Drum", "Samples"]),
)
def test_synonyms_in_company(word, before, after):
    if not before and after[:1].isalpha():
        after = f" {after}"
    assert word in SYNONYMS[as_label(before + word + after)]


def plain(name):
    """The letters of a name, small, without accents."""
    apart = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in apart if c.isalpha())


@given(name=st.text(max_size=20) | st.sampled_from(STRANGE))
def test_a_label_is_understood_or_it_is_none(name):
    label = as_label(name)
    if label is not None:
        assert any(plain(word) in plain(name) for word in SYNONYMS[label])


@pytest.mark.parametrize(
    "name",
    ["cowbell", "kick snare", "loops", "high", "tomato", "drum", "snarekick", "one shots", ""],
)
def test_nothing_is_guessed(name):
    assert as_label(name) is None


@pytest.mark.parametrize(
    "label, names",
    [
        ("kick", "BD1, Kickdrums, Kick In, Vintage Kicks, Loud Bass Drum, KdrumL, TR808 Kicks"),
        ("snare", "Snare Top, SD_02, Snare A, Snare Drum (wood), Snares 24bit"),
        ("hihat", "HHClosed, HH-Cl, hat_c, OpHat, Hi-Hats, foot-hihat, Hi Hat Cl, hh_o"),
        ("cymbal", "Crashes, Splashes, China Cymbals, RideLBell, Crash 16'', clash cymbals"),
        ("tom", "Floor Toms, Tom L, 12'Tom, lo-tom, Rack Tom 2"),
        ("kick", "Große Trommel, FUSSTROMMEL, Grosse Caisse, grosses caisses"),
        ("kick", "Bombo, cassa, Gran Cassa, bumbos, バスドラム, ﾊﾞｽﾄﾞﾗﾑ, キック 1, бочка"),
        ("snare", "Kleine Trommel, caisses claires, Caja, rullanti, caixa, スネア, малый барабан"),
        ("hihat", "charleston, Charley fermé, geschlossene Hi-Hat, chimbal, ハイハット, хай-хэт"),
        ("cymbal", "Becken, cymbales, platillos, plato, piatti, Pratos, シンバル, тарелки"),
        (
            "tom",
            "Standtom, Hänge-Toms, hohes Tom, tom basse, tom de piso, timbalões, タム, том-том",
        ),
    ],
)
def test_the_words_of_packs(label, names):
    for name in names.split(", "):
        assert as_label(name) == label, name
        assert as_label(unicodedata.normalize("NFD", name)) == label, name


@pytest.mark.parametrize(
    "names",
    [
        "Tom's Samples, Tom’s Samples, Tom´s Kicks, Tom Petty Kit, Tom Kit",
        "CR-78, cr78, MT-32, SDS-5, RD-8, 3rd, 2nd",
        "Kick Loops, Ride FX, Reverse Crash, Hats and Cymbals, Crash Course, Hat Trick",
        "Rimshot, Snare Rim, Side Stick, Snare Side Stick, Cross Stick, Claps, Timpani",
        "kick_mic, oh_mic, bass, cassa chiara, Pauke, timpano, surdo, charles, 大太鼓",
    ],
    ids=["people", "machines and numbers", "other things", "other drums", "ambiguous"],
)
def test_what_only_looks_like_a_drum(names):
    for name in names.split(", "):
        assert as_label(name) is None, name


def test_a_long_text_is_no_name():
    assert as_label("kick " + "loud " * 100_000) is None
    assert as_label("loud " * 100_000, below="kick") is None


def test_folders_below_a_class():
    known = "Soft, v1, RR2, vl1rr4, Top, 16 inch, TR-808, Kit 3, CR-78, 01, Vintage, mono, laut"
    for name in known.split(", "):
        assert as_label(name) is None and as_label(name, below="snare") == "snare", name
    for name in "Claps, FX, Loops, Rimshot, SomeUnknownWord, Tom's, Fills".split(", "):
        assert as_label(name, below="snare") is None, name
    for name in ("open", "closed", "half-closed", "Pedal", "geschlossen"):
        assert as_label(name, below="hihat") == "hihat", name
        assert as_label(name, below="cymbal") is None, name
    assert as_label("Kick", below="snare") == "kick"

"""The page of the label audit: it shows every decision, with kits and without."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from drumlesson.audio import SR, Sound
from drumlesson.datasets import audit_decisions
from drumlesson.dev import notebooks as nb
from drumlesson.drums import Drums, load_drums
from drumlesson.folders import SourceError

PAGE = nb.read(Path(__file__).resolve().parent.parent / "nbs" / "reference" / "audit.ipynb")
DECISIONS = audit_decisions()


def rows_of(html):
    """The decisions that a page lists."""
    return BeautifulSoup(html, "html.parser").select("figure.dl-audit > .dl-hit")


def parts(row):
    """The three parts of a row: picture, hit, decision."""
    picture, hit, decision = row.find_all("div")
    return picture, hit, decision


def html_of(names):
    """All lists of the page, made anew from the names that its cells gave."""
    lists = [names["show_hits"]("", rows).data for _, rows in DECISIONS.groupby("decision")]
    return "".join(lists)


STORED = rows_of("".join(map(nb._html, nb._code(PAGE))))
IMAGES = [row.img for row in STORED if row.img]


def words(row):
    """The text of a row, its blanks as one each."""
    return " ".join(row.get_text(" ").split())


# -- as it is stored


def test_every_decision_is_shown_once_and_with_its_reason():
    numbers = [int(re.match(r"(\d+) ", words(row))[1]) for row in STORED]
    assert sorted(numbers) == list(range(1, len(DECISIONS) + 1))
    for number, row in zip(numbers, STORED, strict=True):
        decision = DECISIONS.iloc[number - 1]
        file = " ".join(Path(decision["path"]).name.split())
        for what in (decision["kit"], file, f"called {decision['label']}", decision["reason"]):
            assert what in words(row)
        assert parts(row)[2].b.get_text() == decision["decision"]


def test_a_row_counts_what_the_five_said():
    for row in STORED:
        number = int(words(row).split()[0])
        heard = DECISIONS["heard"].iloc[number - 1].split()
        told = parts(row)[1].get_text(" ")
        for label in set(heard):
            n = heard.count(label)
            assert (f"all five: {label}" if n == 5 else f"{n} of five: {label}") in told
        assert heard or "not all five against it" in told


def test_there_are_as_many_pictures_as_decisions():
    assert len(IMAGES) == len(DECISIONS)
    wanted = [f" {Path(row.path).name} of the kit {row.kit}, " for row in DECISIONS.itertuples()]
    for what in wanted:
        assert sum(what in image["alt"] for image in IMAGES) == 1


def test_each_picture_is_another_and_shows_something():
    addresses = {image["src"] for image in IMAGES}
    # Two checksums are two files, yet two files may hold nearly the same sound.
    assert len(addresses) == len(DECISIONS)
    for address in addresses:
        data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        levels = np.delete(pixels, np.flatnonzero((pixels == 255).all(axis=0)), axis=1)
        assert levels.shape[1] == pixels.shape[1] - 1, "one line, where the models stopped"
        assert levels.max() == 254 and levels.min() < 100


def test_the_page_is_light_and_keeps_no_recording():
    text = nb.to_text(PAGE)
    assert len(text) < 700_000
    assert "<audio" not in text and "run the notebook to hear it" in text


# -- run anew


def run(until="runs = "):
    """The names that the cells of the page give, up to the cell with a certain text."""
    names = {}
    for cell in nb._code(PAGE):
        if until in cell.source:
            break
        exec(compile(cell.source, "audit.ipynb", "exec"), names)
    return names


@pytest.fixture
def without_kits(cache):
    """The names of the page where no recorded kit is at hand."""
    return run()


def test_without_kits_the_lists_stand_alone(without_kits):
    rows = rows_of(html_of(without_kits))
    assert len(rows) == len(DECISIONS) and not any(row.img for row in rows)
    assert without_kits["panel"] is None


def test_without_kits_one_line_says_so(cache, capsys):
    run()
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "at hand" in line] == [
        "no recorded kits are at hand: the lists stand without pictures and sounds"
    ]


def test_a_picture_is_bright_where_the_sound_is(without_kits):
    t = np.arange(SR) / SR
    tone = np.float32(np.sin(2 * np.pi * 1000 * t) * (t < 0.5))
    levels = without_kits["levels"](tone)
    brightest = without_kits["bands"][levels.mean(axis=1).argmax()]
    assert 900 < brightest < 1100
    assert levels.max() == 1 and levels.min() >= 0
    n_frames = levels.shape[1]
    loud = np.flatnonzero(levels.max(axis=0) > 0.5)
    assert loud.max() == pytest.approx(n_frames / 2, abs=3)


def test_low_sounds_are_at_the_bottom_of_the_file(without_kits):
    t = np.arange(SR) / SR
    tone = np.float32(np.sin(2 * np.pi * 100 * t))
    data = base64.b64decode(without_kits["png"](tone))
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    line = without_kits["END"]
    assert (pixels[:, line] == 255).all() and line == pytest.approx(0.3 * SR / 256, abs=0.5)
    others = np.delete(pixels, line, axis=1)
    assert others.mean(axis=1).argmax() > 0.8 * len(pixels)


def test_only_whole_cuts_are_scored(without_kits):
    source = next(cell.source for cell in nb._code(PAGE) if "def whole_cuts" in cell.source)
    exec(source.split("\n\n\nruns = ")[0], without_kits)
    whole_cuts = without_kits["whole_cuts"]
    sides = ("open", "unaudited")
    keys = [(model, data, fold) for model in "ab" for data in sides for fold in range(5)]
    runs = pd.DataFrame(keys[:-1], columns=["model", "data", "fold"]).assign(seed=0)
    assert set(whole_cuts(runs)["model"]) == {"a"} and len(whole_cuts(runs)) == 10
    assert whole_cuts(runs[runs["data"] == "open"]).empty


@pytest.fixture(scope="module")
def with_kits():
    """The names of the page where the recorded kits are at hand, or a skip."""
    try:
        drums = load_drums("unaudited")
    except SourceError as e:
        pytest.skip(str(e))
    assert isinstance(drums, Drums)
    return run()


def test_every_hit_is_at_hand_under_its_own_name(with_kits):
    drums, shown = with_kits["drums"], with_kits["shown"]
    assert len(shown) == len(DECISIONS)
    for i, row in shown.items():
        facts = drums.table.iloc[row]
        assert facts["file"].endswith(DECISIONS["path"][i]) and facts["kit"] == DECISIONS["kit"][i]
        assert facts["label"] == DECISIONS["label"][i], "as published"


def test_the_panel_sets_a_hit_beside_others_of_its_kit(with_kits):
    panel, drums = with_kits["panel"], with_kits["drums"]
    for i in with_kits["shown"]:
        rows = list(with_kits["side_by_side"](i).values())
        assert len(set(rows)) == len(rows), "no hit twice"
        assert set(drums.kits[rows]) == {DECISIONS["kit"][i]}
        labels = list(drums.labels[rows])
        heard = DECISIONS["heard"][i].split()
        assert labels[0] == DECISIONS["label"][i]
        assert set(labels) <= {DECISIONS["label"][i], *heard}
        panel.set(hit=i)
        assert DECISIONS["reason"][i] in panel.text
        assert all(isinstance(sound, Sound) for sound in panel.sounds)
        np.testing.assert_array_equal(panel.sounds[0].x, drums.waves[rows[0]])
        assert panel.sounds[0].source == "recorded", "so that no stored page keeps it"

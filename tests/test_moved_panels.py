"""Panels on the page say what the panels in a notebook say: scripts of nbs/site in node."""

import base64
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from bs4 import BeautifulSoup
from test_page import node

from drumlesson.audio import SR
from drumlesson.course.panels import (
    attack_explorer,
    augment_bench,
    confusion_explorer,
    listening_test,
    stft_explorer,
    threshold_explorer,
)
from drumlesson.display import HEADROOM
from drumlesson.labels import LABELS

TOP = Path(__file__).resolve().parent.parent
STORED = HEADROOM * 32767 / 32768  # what a sample of a stored player is of the sound's own
NUMBER = r"[-+]?\d+(?:\.\d+)?"
STEP = 1 / (HEADROOM * 32767)  # between two samples in 16 bits


@pytest.fixture(scope="module")
def five(others):
    """A synthesised hit of each class."""
    return [others[int(np.flatnonzero(others.labels == label)[0])] for label in LABELS]


def heard(player):
    """The sound of a stored player, as the page's script reads it."""
    _, _, data = player.audio["src"].partition(",")
    x, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32")
    assert rate == SR
    return {"name": player.audio["aria-label"], "samples": (x / STORED).tolist()}


def stored(html):
    """Kind, facts, sounds and values of a panel's figure."""
    figure = BeautifulSoup(html, "html.parser").find("figure", class_="dl-widget")
    players = figure.find_all("figure", class_="dl-player")
    chosen = json.loads(figure["data-clips"]) or range(len(players))
    sounds = [heard(players[number]) for number in chosen]
    facts, values = (json.loads(figure[f"data-{name}"]) for name in ("facts", "values"))
    return SimpleNamespace(kind=figure["data-panel"], facts=facts, sounds=sounds, values=values)


def moved(scripts, panel, settings):
    """What the script of a panel's figure answers to each of some settings."""
    page = stored(panel.html())
    first = json.loads(json.dumps(panel.values, default=lambda value: value.tolist()))
    assert page.values == first
    asked = json.dumps({"facts": page.facts, "sounds": page.sounds, "settings": settings})
    answers = node(TOP / "tests/site/panels.js", scripts, page.kind, given=asked.encode())
    return json.loads(answers)


def check_sounds(played, panel):
    """The script plays what the notebook's panel plays."""
    assert [sound["name"] for sound in played] == [sound.name for sound in panel.sounds]
    for ours, theirs in zip(played, panel.sounds, strict=True):
        assert len(ours["samples"]) == len(theirs.x)
        assert np.abs(np.array(ours["samples"]) - theirs.x).max() < STEP


ATTACKS = [
    {"hit": hit, "start": start, "length": length}
    for hit in range(5)
    for start, length in ((0, 20), (10, 2), (15, 100), (50, 500), (300, 50), (998, 5))
]


def test_attack(scripts, five):
    panel = attack_explorer(five)
    for values, answer in zip(ATTACKS, moved(scripts, panel, ATTACKS), strict=True):
        panel.set(**values)
        assert answer["text"] == panel.text
        check_sounds(answer["sounds"], panel)


def test_a_recorded_hit_is_not_offered_on_the_page(scripts, five):
    mixed = [five[0].replace(source="recorded"), *five[1:]]
    panel = attack_explorer(mixed)
    page = stored(panel.html())
    assert [number for number, *_ in page.facts["hits"]] == [1, 2, 3, 4]
    assert len(page.sounds) == 4 and page.facts["left_out"] == 1
    answer, *_ = moved(scripts, panel, [{"hit": 3, "start": 0, "length": 20}])
    assert answer["text"] == panel.set(hit=3).text
    none = attack_explorer(five[0].replace(source="recorded"))
    assert "data-panel" not in none.html()


STFTS = [
    {"hit": 3, "window": 1024, "hop_length": 256, "top": 11},
    {"hit": 0, "window": 4096, "hop_length": 32, "top": 1},
    {"hit": 1, "window": 64, "hop_length": 128, "top": 4},
    {"hit": 4, "window": 2048, "hop_length": 1024, "top": 11},
]


def test_stft(scripts, five):
    panel = stft_explorer(five)
    for values, answer in zip(STFTS, moved(scripts, panel, STFTS), strict=True):
        panel.set(**values)
        assert answer["text"] == panel.text
        check_sounds(answer["sounds"], panel)
        theirs = panel.figure.axes[0].images[0].get_array()
        ours = np.array(answer["columns"]).T
        assert ours.shape == theirs.shape
        is_shown = theirs > -80
        assert is_shown.sum() > 500 and np.abs(ours - theirs)[is_shown].max() < 0.05  # dB


@pytest.fixture(scope="module")
def judged(others):
    """Labels, probabilities and sounds of 15 hits, some of them judged wrongly."""
    proba = np.random.default_rng(1).dirichlet(np.full(5, 0.7), len(others))
    return others.labels, proba, [others[i] for i in range(len(others))]


def test_threshold(scripts, judged):
    labels, proba, sounds = judged
    p = proba[:, LABELS.index("cymbal")].copy()
    p[:3] = 0.57, 0.125, 0.29  # on a step of the slider, and between two
    panel = threshold_explorer(p, labels == "cymbal", sounds)
    steps = [{"threshold": step / 100} for step in range(101)]
    for values, answer in zip(steps, moved(scripts, panel, steps), strict=True):
        panel.set(**values)
        assert answer["text"] == panel.text
        check_sounds(answer["sounds"], panel)


def test_threshold_of_recorded_hits_has_numbers_and_no_sound(scripts, judged):
    labels, proba, sounds = judged
    recorded = [sound.replace(source="recorded") for sound in sounds]
    panel = threshold_explorer(proba[:, 0], labels == "kick", recorded)
    (answer,) = moved(scripts, panel, [{"threshold": 0.3}])
    assert answer["text"] == panel.set(threshold=0.3).text
    assert panel.sounds and answer["sounds"] == []


def test_confusion(scripts, judged):
    labels, proba, sounds = judged
    many = [*labels] * 5, np.concatenate([proba] * 5), [*sounds] * 5
    panel = confusion_explorer(*many)
    cells = [{"cell": [true, said]} for true in range(5) for said in range(5)]
    for values, answer in zip(cells, moved(scripts, panel, cells), strict=True):
        panel.set(cell=tuple(values["cell"]))
        assert answer["text"] == panel.text
    assert any("of which 6 are shown" in panel.set(cell=(i, j)).text for i, j in np.ndindex(5, 5))


def test_listening(scripts, others):
    """Taken by a reader who knows two classes and takes the rest for snares."""
    test = listening_test(others, others.labels, (10, 20, 50), random_state=2)
    said = ["kick" if others.labels[hit] == "kick" else "snare" for hit, _ in test.quiz.clips]
    turns = [(k // 2, (k + 1) // 2) for k in range(2 * len(said) + 1)]  # turn, answers
    settings = [{"quiz": {"answers": said[:n], "turn": turn}} for turn, n in turns]
    answers = moved(scripts, test, settings)
    for (turn, n), answer in zip(turns, answers, strict=True):
        if n > len(test.answers):
            test.answer(said[n - 1])
        elif turn > test.quiz.turn:
            test.next()
        assert answer["text"] == test.text.replace("Now hear the whole hit, then c", "C")
        theirs = [sound.name for sound in test.sounds][:1]
        assert [sound["name"] for sound in answer["sounds"]] == theirs
        for ours, hers in zip(answer["sounds"], test.sounds, strict=False):
            assert len(ours["samples"]) == len(hers.x)
            assert np.abs(np.array(ours["samples"]) - hers.x).max() < STEP
    assert len(test.answers) == len(others) == 15 and "last clip" in test.text


def test_the_page_has_as_many_clips_of_each_length(toys):
    html = listening_test(toys, toys.labels, (10, 20, 50, 100)).html()
    page = stored(html)
    lengths = [ms for _, ms, _ in page.facts["clips"]]
    assert 20 <= len(lengths) == len(page.sounds) <= 23
    assert min(lengths.count(ms) for ms in (10, 20, 50, 100)) == 5
    assert {label for label, *_ in page.facts["clips"]} == set(LABELS)


def test_of_many_lengths_the_page_has_some(toys):
    """No more than there are letters for."""
    test = listening_test(toys, toys.labels, range(10, 310, 10))
    assert len({ms for _, ms in test.quiz.clips}) > 26
    page = stored(test.html())
    assert 20 <= len(page.facts["clips"]) == len(page.sounds) <= 23


BENCHED = {
    "Speed": [(-7, -7), (-12, 12), (0, 0), (3, 8.5)],
    "Gain": [(-12, 6), (-24, -24)],
    "Shift": [(-0.002, 0.006), (0.05, 0.1), (-0.05, -0.05)],
    "Decay": [(-60, 20), (-200, -200)],
    "Tilt": [(-2, 2), (6, 6), (-6, -3)],
    "Colour": [(-6, 6), (-20, 20)],
    "Saturation": [(0, 12), (40, 40)],
}


TO_THE_LETTER = ("Gain", "Shift", "Decay", "Saturation")


def benched():
    """Settings of the bench, over its augmentations."""
    for name, amounts in BENCHED.items():
        for amount in amounts:
            for hit, draw in ((0, 0), (1, 7), (2, 50), (3, 3), (4, 12)):
                yield {"hit": hit, "augmentation": name, "amount": amount, "draw": draw}


def check_change(answer, panel):
    """Words to the letter, peak within 0.1 dB, centroid within 0.5 %."""
    ours, theirs = (re.findall(NUMBER, text) for text in (answer["text"], panel.text))
    assert re.sub(NUMBER, "", answer["text"]) == re.sub(NUMBER, "", panel.text)
    assert ours[:3] == theirs[:3]
    peak, before, after = (np.array(ours, float) - np.array(theirs, float))[-3:]
    assert abs(peak) < 0.101 and before == 0 and abs(after) < 0.005 * float(theirs[-1])
    x = panel.sounds[1].x
    assert np.abs(np.array(answer["sounds"][1]["samples"]) - x).max() < 0.03 * np.abs(x).max()


def test_augment(scripts, five):
    panel = augment_bench(five)
    settings = list(benched())
    same = 0
    for values, answer in zip(settings, moved(scripts, panel, settings), strict=True):
        panel.set(**values)
        check_change(answer, panel)
        if values["augmentation"] in TO_THE_LETTER:
            assert answer["text"] == panel.text
            check_sounds(answer["sounds"], panel)
        same += answer["text"] == panel.text
    assert same > 0.9 * len(settings)


def test_one_sound_to_hear_is_no_plural(five):
    """All is told apart, so nothing plays at first; one of the worst may be stored."""
    hits = [five[0], five[1].replace(source="recorded")]
    html = threshold_explorer([0.9, 0.1], [True, False], hits).html()
    assert "<summary>Hear 1 sound</summary>" in html

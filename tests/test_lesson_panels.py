"""The panels of the lessons: Python and the page's script say the same, wherever they are moved."""

import json

import numpy as np
import pytest
from bs4 import BeautifulSoup
from test_moved_panels import check_sounds, moved, stored
from test_page import TOOLS, TOP, node

from drumlesson.audio import SR
from drumlesson.course.lesson_panels import (
    _Hat,
    attention_explorer,
    filter_explorer,
    kits_explorer,
    leak_explorer,
    peak_explorer,
    rate_explorer,
    split_explorer,
)
from drumlesson.dev import notebooks as nb
from drumlesson.drums import load_drums
from drumlesson.features import LogMel
from drumlesson.groove import DRUMS, HOP, count_hits, f_measure, to_groove
from drumlesson.labels import LABELS
from drumlesson.midi import Groove

pytest.importorskip("ipywidgets")


@pytest.fixture(scope="module")
def drums():
    return load_drums("synth", n_kits=4, hits=1, random_state=4)


@pytest.fixture(scope="module")
def bar():
    """A bar with its curves, some of them wrong."""
    rng = np.random.default_rng(2)
    times = np.arange(16) * 0.11 + rng.uniform(0, 0.02, 16)
    groove = Groove(times, rng.choice(LABELS, 16), duration=2.0)
    curves = rng.uniform(0, 0.2, (200, len(DRUMS)))
    for time, label in zip(times, groove.labels, strict=True):
        at = round(time * SR / HOP) + rng.integers(-3, 4)
        curves[max(0, at), DRUMS.index(label)] = rng.uniform()
    return curves, groove


@pytest.fixture
def make(drums, bar):
    """Makes the panel of a kind."""
    rng = np.random.default_rng(1)
    yes = rng.uniform(size=80) < 0.5
    picture = LogMel(hop_length=256)(drums[1].x[:6615])[0]
    hits = [drums[i].replace(np.resize(drums[i].x, 6615)) for i in (0, 3)]
    makers = {
        "rate": lambda: rate_explorer(rng.normal(np.where(yes, 1, -0.5), 1), yes),
        "filter": lambda: filter_explorer(picture),
        "peaks": lambda: peak_explorer(*bar),
        "kits": lambda: kits_explorer(rng.normal(1, 5, 30)),
        "leak": lambda: leak_explorer(hits),
        "attention": lambda: attention_explorer((picture - picture.mean()) / picture.std()),
        "split": lambda: split_explorer(rng.integers(0, 9, 60)),
    }
    return lambda kind: makers[kind]()


KINDS = ("rate", "filter", "peaks", "kits", "leak", "attention", "split")


def drawn(control, rng):
    """A value that a control can have."""
    if hasattr(control, "options"):
        options = [option for _, option in control.options]
        return options[rng.integers(len(options))]
    steps = int(round((control.max - control.min) / control.step))
    values = control.min + control.step * rng.integers(0, steps + 1, 2)
    if isinstance(control.value, tuple):
        return tuple(sorted(int(value) for value in values))
    return type(control.value)(round(float(values[0]), 9))


def settings_of(panel, n):
    """What some settings of a panel are, told as the page knows them."""
    rng = np.random.default_rng(0)
    for _ in range(n):
        values = {name: drawn(control, rng) for name, control in panel.controls.items()}
        if panel.kind == "filter":
            values["weights"] = rng.integers(-3, 4, 9).tolist()
        yield values


@pytest.mark.parametrize("kind", KINDS)
def test_script_and_package_say_the_same(kind, make, scripts):
    panel = make(kind)
    settings = list(settings_of(panel, 15))
    answers = moved(scripts, panel, settings)
    texts = set()
    for values, answer in zip(settings, answers, strict=True):
        assert answer["text"] == panel.set(**values).text
        check_sounds(answer["sounds"], panel)
        texts.add(panel.text)
    assert len(texts) > 7, "the panel hardly moves"


@pytest.mark.parametrize("kind", KINDS)
def test_facts_are_few(kind, make):
    facts = stored(make(kind).html()).facts
    assert len(json.dumps(facts)) < 25_000


@pytest.mark.parametrize("kind", KINDS)
def test_picture_and_text_follow_each_control(kind, make):
    for name in make(kind).controls:
        panel = make(kind)
        shown = set()
        for values in settings_of(panel, 8):
            panel.set(**{name: values[name]})
            shown.add((panel.text, panel.png))
        texts, pictures = (len(set(seen)) for seen in zip(*shown, strict=True))
        assert pictures > 1 and (texts > 1 or name == "order"), name


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.62])
@pytest.mark.parametrize("window", [10, 50])
def test_peaks_are_counted_as_in_the_lesson(bar, make, threshold, window):
    curves, groove = bar
    counted = count_hits(groove, to_groove(curves, threshold), window / 1000)
    right, found, there = counted[["right", "found", "there"]].sum()
    text = make("peaks").set(threshold=threshold, window=window).text
    assert f"{found} found, {right} of {there} right" in text
    assert text.endswith(f"F {100 * f_measure(counted):.0f}.")


def test_a_large_rate_leaps_and_a_small_one_crawls(make):
    panel = make("rate")
    assert "still to go" in panel.set(rate=0.01, steps=10).text
    assert "leap over" in panel.set(rate=300).text


def test_more_draws_steady_the_interval(make):
    panel = make("kits")
    texts = [panel.set(kits=30, draws=draws, order=0).text for draws in (1000, 2000)]
    low, high = (text.split("lie from ")[1].split(". ")[0].split(" to ") for text in texts)
    assert np.allclose(np.float64(low), np.float64(high), atol=0.3)


def test_every_draw_stands_in_the_histogram(make, scripts):
    """Of few kits, the means lie far from each other: the axis grows with them."""
    panel = make("kits")
    usual = panel.figure.axes[1].get_xlim()
    panel.set(kits=4, draws=500, order=3)
    facts = stored(panel.html()).facts
    hat = _Hat(np.array(facts["leads"]) / 100)
    question = {"means": hat.means(hat.kits(4, 3), 500, 3).tolist(), "least": facts["reach"]}
    said = node(TOOLS / "tools.js", scripts, "histogram", given=json.dumps(question).encode())
    script = json.loads(said)
    bars = panel.figure.axes[1].containers[0]
    heights = [bar.get_height() for bar in bars]
    assert sum(heights) == sum(script["counts"]) == 500
    assert panel.figure.axes[1].get_xlim()[1] == pytest.approx(script["reach"])
    assert script["reach"] > usual[1] == facts["reach"]


ONE_OF_EACH = {
    "rate": ({"steps": 1}, "after 1 step:"),
    "kits": ({"draws": 1}, "Of 1 draw,"),
    "leak": ({"silence": 1}, "then 1 frame of silence"),
}


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_one_is_no_plural(kind, make, scripts):
    values, told = ONE_OF_EACH[kind]
    panel = make(kind)
    (answer,) = moved(scripts, panel, [panel.values | values])
    assert told in answer["text"] == panel.set(**values).text


def test_one_test_hit(scripts):
    panel = split_explorer([0, 0, 1, 1, 2])
    values = {"rule": 0, "percent": 20, "order": 1}
    (answer,) = moved(scripts, panel, [values])
    assert ": 1 test hit, of 1 of 3 kits" in answer["text"] == panel.set(**values).text


def test_steps_from_the_lowest_point_have_arrived(scripts):
    """Of 148 hits with a 1, 27 say yes: at the weight that the steps begin with."""
    panel = rate_explorer(np.ones(148), np.arange(148) < 27)
    (answer,) = moved(scripts, panel, [panel.values])
    assert "at w = -1.50. It has arrived: after 0 steps" in panel.text == answer["text"]


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(bar, strange):
    numbers = np.full(9, strange)
    for explorer, given in (
        (rate_explorer, (numbers, numbers > 0)),
        (peak_explorer, (strange * bar[0], bar[1])),
        (kits_explorer, (numbers,)),
        (attention_explorer, (np.full((5, 40), strange),)),
        (filter_explorer, (np.full((5, 40), strange),)),
    ):
        with pytest.raises(ValueError, match=f"{explorer.__name__}: .* NaN or infinite"):
            explorer(*given)


@pytest.mark.parametrize(
    "weights, told", [("edges", "choose one of edge"), ((1, 2), "nine whole"), ([10] * 9, "nine")]
)
def test_wrong_weights_are_refused(make, weights, told):
    with pytest.raises(ValueError, match=told):
        make("filter").set(weights=weights)


def test_what_a_panel_cannot_use_it_refuses():
    with pytest.raises(ValueError, match="at least 4 kits"):
        kits_explorer([1, 2, 3])
    with pytest.raises(ValueError, match="at least 3 frames"):
        filter_explorer(np.zeros((2, 5)))


def test_a_split_by_kit_leaves_no_sisters(make):
    panel = make("split")
    for order in range(1, 6):
        assert "0 of them, 0 %" in panel.set(rule="by kit", percent=25, order=order).text


IN_LESSONS = {
    "00_drums": "split",
    "04_dense": "rate",
    "05_recurrent": "leak",
    "06_convolutional": "filter",
    "08_lessons_learned": "kits",
    "09_attention": "attention",
    "10_groove": "peaks",
}


@pytest.mark.parametrize("lesson", IN_LESSONS)
def test_the_figure_of_a_lesson_can_be_moved_to_where_it_stands(lesson, scripts):
    """The script says of the stored facts and values what the stored figure says."""
    kind = IN_LESSONS[lesson]
    page = nb.read(TOP / "nbs" / f"{lesson}.ipynb")
    shown = [content for cell in page.cells for _, content in nb._bundles(cell)]
    html = next(content for content in shown if f'data-panel="{kind}"' in content)
    parts = stored(html)
    asked = json.dumps({"facts": parts.facts, "sounds": parts.sounds, "settings": [parts.values]})
    said = node(TOOLS / "panels.js", scripts, kind, given=asked.encode())
    text = BeautifulSoup(html, "html.parser").find("figure", class_="dl-widget").find("p").text
    assert json.loads(said)[0]["text"] == text

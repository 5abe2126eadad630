"""Each panel, moved over the range of its controls: picture, players and numbers follow.

The figure that stands for it on a page says the same.
"""

import base64
import io
import re
import subprocess
import sys
from html import escape

import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure
from PIL import Image

from drumlesson import augment
from drumlesson.attack import Attack
from drumlesson.audio import SR, Sound
from drumlesson.course import panels
from drumlesson.course.panels import (
    Panel,
    attack_explorer,
    augment_bench,
    confusion_explorer,
    listening_test,
    resynthesis,
    stft_explorer,
    threshold_explorer,
)
from drumlesson.dev.notebooks import mute
from drumlesson.display import HEADROOM
from drumlesson.features import MFCC, STFT, LogMel
from drumlesson.labels import LABELS

ipywidgets = pytest.importorskip("ipywidgets")

NAMES = (
    "attack_explorer",
    "stft_explorer",
    "resynthesis",
    "augment_bench",
    "threshold_explorer",
    "confusion_explorer",
    "listening_test",
)


@pytest.fixture(scope="module")
def five(others):
    """A synthesised hit of each class."""
    return [others[int(np.flatnonzero(others.labels == label)[0])] for label in LABELS]


@pytest.fixture(scope="module")
def judged(others):
    """Labels, probabilities and sounds of 15 hits, some of them judged wrongly."""
    proba = np.random.default_rng(1).dirichlet(np.full(5, 0.7), len(others))
    return others.labels, proba, [others[i] for i in range(len(others))]


@pytest.fixture(scope="module")
def yes_no(others):
    """Probabilities, answers and sounds of the same hits."""
    yes = others.labels == "cymbal"
    middle = np.where(yes, 0.6, 0.4)
    p = np.clip(np.random.default_rng(0).normal(middle, 0.2), 0, 1)
    return p, yes, [others[i] for i in range(len(others))]


@pytest.fixture
def make(five, judged, yes_no):
    """Makes the panel of a name, from sounds that may be replaced."""

    def make(name, change=list):
        if name == "threshold_explorer":
            p, yes, sounds = yes_no
            return threshold_explorer(p, yes, change(sounds))
        if name == "confusion_explorer":
            y_true, proba, sounds = judged
            return confusion_explorer(y_true, proba, change(sounds))
        if name == "listening_test":
            return listening_test(change(five), LABELS)
        return getattr(panels, name)(change(five))

    return make


def heard(html):
    """The sounds of all players in a piece of HTML."""
    sounds = []
    for data in re.findall(r'data:audio/flac;base64,([^"]*)"', html):
        x, _ = soundfile.read(io.BytesIO(base64.b64decode(data)))
        sounds.append(x)
    return sounds


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text)]


def decibels(x, reference):
    """The peak of a sound in dB against another's."""
    return 20 * np.log10(np.abs(x).max() / np.abs(reference).max())


def positions(control):
    """Values over the whole range of a control."""
    if hasattr(control, "options"):
        options = list(control.options)
        return [value for _, value in options] if isinstance(options[0], tuple) else options
    span = np.linspace(control.min, control.max, 5)
    if "Range" in type(control).__name__:
        return list(zip(span[:-1], span[1:], strict=True))
    return [type(control.value)(value) for value in span]


def test_importing_loads_nothing():
    code = """
import sys, drumlesson.course.panels
print([m for m in ("ipywidgets", "matplotlib", "tensorflow", "librosa", "PIL") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_without_ipywidgets_it_says_how_to_get_them(name, make, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r'pip install "drumlesson\[course\]"') as raised:
        make(name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_live_and_still(name, make):
    """A notebook gets a widget; the page a picture in words, players and the same text."""
    panel = make(name)
    bundle = panel._repr_mimebundle_()
    html = bundle["text/html"]
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == panel.box.model_id
    assert html.startswith('<figure class="dl-widget"') and html.endswith("</figcaption></figure>")
    assert html.count("<img") == 1 and re.search(r'alt="[^"]{60,}"', html)
    assert html.count('<figure class="dl-player" data-source="synth"') >= 1
    assert f"<p>{escape(panel.on_paper())}</p>" in html
    assert escape(panel.text) in panel.status.value
    assert 'role="status"' in panel.status.value
    assert re.search(r'<img[^>]* alt="[^"]{60,}"', panel.picture.value)
    assert len(heard(panel.players.value)) == len(panel.sounds)
    assert "\n" not in bundle["text/plain"] and len(bundle["text/plain"]) < 200


@pytest.mark.parametrize("name", NAMES)
def test_the_page_stays_light(name, make):
    panel = make(name)
    png = panels._small(panel.png)
    assert len(png) <= 30_000 and len(panel.html()) < 200_000
    assert Image.open(io.BytesIO(png)).format == "PNG"


def test_a_noisy_picture_is_made_small_too():
    noise = np.random.default_rng(0).integers(0, 256, (280, 700, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "png")
    assert len(panels._small(out.getvalue())) <= 30_000


@pytest.mark.parametrize("name", NAMES)
def test_recorded_sounds_stay_off_the_page(name, make):
    """Live they play; in the stored figure their players are muted, and the credit stays."""
    fields = {"credit": "Kit A, hit.wav, CC0", "url": "https://example.org/hit.wav"}

    def as_recorded(sounds):
        return [sound.replace(source="recorded", **fields) for sound in sounds]

    recorded = make(name, as_recorded)
    assert len(heard(recorded.players.value)) == len(recorded.sounds)
    muted = mute(recorded.html())
    assert "<audio" not in muted and "data:audio" not in muted
    assert "run the notebook to hear it" in muted
    assert '<a href="https://example.org/hit.wav">Kit A, hit.wav, CC0</a>' in muted
    assert "<img" in muted


@pytest.mark.parametrize("name", NAMES)
def test_every_control_is_labelled_and_has_no_list_to_drop_down(name, make):
    """In JupyterLab the arrow keys leave a drop-down list and move through the cells."""
    panel = make(name)
    for control in panel.controls.values():
        assert control.description and "Dropdown" not in type(control).__name__
        assert name == "listening_test" or control.description.lower() in panel.html()


def moved_over(panel, key):
    """What a panel showed over a control's range: pictures, texts, players, pictures in HTML."""
    control = panel.controls[key]
    start = control.value
    seen = {"png": set(), "text": set(), "players": set(), "picture": set()}
    for value in positions(control):
        control.value = value
        assert panel.values[key] == control.value and panel.text
        assert len(heard(panel.players.value)) == len(panel.sounds)
        seen["png"].add(panel.png)
        seen["text"].add(panel.text)
        seen["players"].add(panel.players.value)
        seen["picture"].add(panel.picture.value)
    control.value = start
    return seen


@pytest.mark.parametrize("name", NAMES[:5])
def test_moving_each_control(name, make):
    """The panel follows each control; picture and text or sound change over its range."""
    panel = make(name)
    for key in panel.controls:
        shown = moved_over(panel, key)
        if name == "resynthesis" and key == "numbers":  # disabled
            continue
        assert len(shown["png"]) > 1 and len(shown["picture"]) > 1, key
        assert len(shown["text"]) > 1 or len(shown["players"]) > 1, key


def test_the_same_setting_is_drawn_once(five, monkeypatch):
    panel = attack_explorer(five)
    drawn = []

    def no_png(figure):
        drawn.append(figure)
        return b"\0" * 24

    monkeypatch.setattr(panels, "_png", no_png)
    panel.set(hit=2, start=10, length=5)
    panel.set(hit=2, start=10, length=5)
    assert len(drawn) == 1


def test_the_first_two_milliseconds_of_a_kick_are_its_click(five):
    """What lesson 02 lets one see: 10 ms later the same window is far duller."""
    panel = attack_explorer(five)
    centroids = []
    for start in (0, 10):
        text = panel.set(hit=0, start=start, length=2).text
        centroids.append(float(text.split("centroid ")[1].split(" Hz")[0].replace(",", "")))
    assert centroids[0] > 2 * centroids[1]


def test_unknown_controls_are_refused(five):
    with pytest.raises(ValueError, match="no control called stop: there are hit, start, length"):
        attack_explorer(five).set(stop=3)


@pytest.mark.parametrize(
    "hit", ["snare", "Snare", "2 snare rimshot", "snare rimshot", "rimshot snare", 1, np.int64(1)]
)
def test_a_hit_is_chosen_by_its_name(five, hit):
    panel = stft_explorer(five).set(hit=hit, top="4 kHz", window=np.int64(512))
    assert panel.values == {"hit": 1, "window": 512, "hop_length": 256, "top": 4}
    assert panel.text.startswith("snare rimshot: a window of 512 samples")


def test_a_feature_is_chosen_by_a_word(five):
    assert resynthesis(five).set(feature="mfcc", hit="tom").values["feature"] == "MFCC"
    assert resynthesis(five).set(feature="stft").values["feature"] == "STFT magnitude"


def test_a_name_that_fits_two_hits_is_answered_with_both(five):
    panel = attack_explorer([*five, five[1]])
    both = "'2 snare rimshot', '6 snare rimshot'"
    told = f"hit='snare' could be any of {both}: choose one of '1 kick'"
    with pytest.raises(ValueError, match=re.escape(told)):
        panel.set(hit="snare")
    assert panel.set(hit="6 snare rimshot").values["hit"] == 5


HITS = (
    "choose one of '1 kick', '2 snare rimshot', '3 hihat closed', '4 cymbal crash', '5 tom low', "
    "or a number from 0 to 4"
)
WINDOWS = "choose one of 64, 128, 256, 512, 1024, 2048, 4096"
RANGE = "choose two numbers from -12 to 12, the lower one first"
CELLS = "each one of 'kick', 'snare', 'hihat', 'cymbal', 'tom', or a number from 0 to 4"


@pytest.mark.parametrize(
    "make, values, told",
    [
        (stft_explorer, {"window": 100}, f"window=100 is none of them: {WINDOWS}"),
        (stft_explorer, {"window": "long"}, f"window='long' is none of them: {WINDOWS}"),
        (stft_explorer, {"window": True}, f"window=True is none of them: {WINDOWS}"),
        (stft_explorer, {"window": [64, 128]}, f"window=[64, 128] is none of them: {WINDOWS}"),
        (stft_explorer, {"top": 5}, "choose one of '11 kHz', '4 kHz', '1 kHz', or 11, 4, 1"),
        (stft_explorer, {"hit": "gong"}, f"hit='gong' is none of them: {HITS}"),
        (stft_explorer, {"hit": ""}, f"hit='' is none of them: {HITS}"),
        (stft_explorer, {"hit": 5}, f"hit=5 is none of them: {HITS}"),
        (stft_explorer, {"hit": None}, f"hit=None is none of them: {HITS}"),
        (attack_explorer, {"start": 5000}, "start=5000 is out of range: choose a whole number fr"),
        (attack_explorer, {"start": -1}, "start=-1 is out of range: choose a whole number from 0"),
        (attack_explorer, {"start": 2.5}, "start=2.5 is no whole number: choose a whole number"),
        (attack_explorer, {"start": "2"}, "start='2' is no number: choose a whole number from 0"),
        (attack_explorer, {"start": None}, "start=None is no number: choose a whole number from"),
        (attack_explorer, {"start": np.nan}, "start=nan is out of range"),
        (augment_bench, {"amount": 3}, f"amount=3 is not two numbers: {RANGE}"),
        (augment_bench, {"amount": (3, -3)}, f"amount=(3, -3) has the higher one first: {RANGE}"),
        (augment_bench, {"amount": (0, 99)}, f"amount=(0, 99) is out of range: {RANGE}"),
        (augment_bench, {"amount": ("a", 1)}, f"amount=('a', 1) is no number: {RANGE}"),
        (augment_bench, {"augmentation": "Echo"}, "choose one of 'Speed', 'Gain', 'Shift'"),
    ],
)
def test_what_a_control_does_not_take_is_answered_with_the_choices(five, make, values, told):
    panel = make(five)
    before = panel.values
    with pytest.raises(ValueError, match=re.escape(told)) as raised:
        panel.set(**values)
    assert "\n" not in str(raised.value)
    assert panel.values == before


def test_where_one_value_is_refused_nothing_moves(five):
    panel = augment_bench(five)
    before = panel.values
    with pytest.raises(ValueError, match="amount=\\(-99, 0\\) is out of range: .* from -24 to 6"):
        panel.set(hit=2, augmentation="Gain", draw=3, amount=(-99, 0))
    assert panel.values == before and panel.controls["amount"].max == 12
    assert panel.set(augmentation="Gain", amount=(-20, 0)).values["amount"] == (-20, 0)


@pytest.mark.parametrize("cell", [("tom", "kick"), ("Tom", 0), [4, 0], "tom, kick", (4.0, "KICK")])
def test_a_cell_is_chosen_by_its_labels(judged, cell):
    assert confusion_explorer(*judged).set(cell=cell).values["cell"] == (4, 0)


@pytest.mark.parametrize(
    "cell", ["tom", ("tom",), ("tom", "gong"), (0, 5), 3, None, ("tom", "kick", "snare"), {1, 2}]
)
def test_a_cell_that_there_is_not(judged, cell):
    panel = confusion_explorer(*judged)
    before = panel.values
    with pytest.raises(ValueError, match=re.escape(CELLS)):
        panel.set(cell=cell)
    assert panel.values == before


def test_the_choices_of_each_control(five):
    told = attack_explorer(five).choices()
    assert list(told) == ["hit", "start", "length"]
    assert told["start"] == "a whole number from 0 to 998" and told["length"].startswith("one of 2")
    many = stft_explorer(five * 5).choices()["hit"]
    assert "... (13 more), or a number from 0 to 24" in many and len(many) < 300


def test_other_controls_are_set_as_well():
    """A panel of one's own may have a box to tick, or a text."""
    box = ipywidgets.Checkbox(value=False, description="Fade")
    text = ipywidgets.Text(value="kick", description="Name")
    controls = {"fade": box, "name": text}
    panel = Panel(Figure(), lambda fade, name: (f"{name} {fade}", []), "", "", controls)
    assert panel.set(fade=1, name="tom").text == "tom True"
    assert panel.choices() == {"fade": "True or False", "name": "a text"}
    with pytest.raises(ValueError, match="fade='loud' is neither: choose True or False"):
        panel.set(fade="loud")


def test_a_window_beyond_the_hit_is_said_to_be(five):
    short = five[0].replace(five[0].x[:2205])
    panel = attack_explorer([short, five[3]]).set(start=900, length=5)
    assert "At 900 ms the hit is over, so its last 2 ms are shown." in panel.text
    assert "is over" not in panel.set(start=50).text


def test_sliders_are_named_by_a_script_that_stands_on_lines(five):
    """The live picture carries it, the page's does not."""
    panel = attack_explorer(five)
    assert panel.picture.value.startswith('<img onload="') and "ariaLabel" in panel.picture.value
    assert "onload" not in panel.html()


# --- numbers, against a computation of their own ----------------------------------------------


def piece(hit, start, length):
    """So many ms of the first second of a hit."""
    first = round(start * SR / 1000)
    last = round((start + length) * SR / 1000)
    return hit.x[:SR][first:last]


@pytest.mark.parametrize("hit,start,length", [(0, 0, 20), (1, 15, 100), (3, 300, 500), (4, 7, 2)])
def test_attack_window_is_heard_at_true_loudness(five, hit, start, length):
    panel = attack_explorer(five).set(hit=hit, start=start, length=length)
    part = piece(five[hit], start, length)
    played = heard(panel.players.value)[0]
    n = len(part)
    ramp = round(0.002 * SR)
    middle = slice(min(ramp, n // 2), max(n - ramp, n // 2))
    assert np.allclose(played[:n][middle], part[middle] * HEADROOM, atol=1e-4)
    assert start == 0 or abs(played[0]) < 1e-4  # faded in
    assert np.abs(played[n - 1]) <= np.abs(part).max() * HEADROOM / 10  # faded out


@pytest.mark.parametrize("hit,start,length", [(0, 0, 20), (1, 15, 100), (3, 300, 500), (4, 7, 2)])
def test_attack_numbers(five, hit, start, length):
    panel = attack_explorer(five).set(hit=hit, start=start, length=length)
    x = five[hit].x[:SR]
    faded = panel.sounds[0].x
    n = len(piece(five[hit], start, length))
    size = max(2048, n)
    power = np.abs(np.fft.rfft(faded, size)) ** 2
    centroid = (power * np.fft.rfftfreq(size, 1 / SR)).sum() / power.sum()
    told = numbers(panel.text.partition(", ")[2])
    assert told[0] == start and told[1] == pytest.approx(start + 1000 * n / SR, abs=0.51)
    assert told[2] == pytest.approx(decibels(faded, x), abs=0.06)
    assert told[3] == pytest.approx(centroid, abs=0.6)
    assert told[4] == pytest.approx(SR / n, rel=0.02, abs=0.6)


def test_a_window_beyond_the_end_shows_the_end(five):
    short = five[0].replace(five[0].x[: SR // 20], name="short")
    panel = attack_explorer([short, five[3]]).set(start=900)
    assert len(panel.sounds[0].x) >= 2 and 0 < panel.sounds[0].seconds <= 0.003


@pytest.mark.parametrize("window,hop_length", [(64, 32), (1024, 256), (4096, 1024), (512, 1024)])
def test_stft_numbers(five, window, hop_length):
    panel = stft_explorer(five).set(hit=1, window=window, hop_length=hop_length)
    frames, bins = STFT(n_fft=window, hop_length=hop_length)(five[1].x[:SR])[0].shape
    told = numbers(panel.text.partition(":")[2])
    assert told[:3] == pytest.approx([window, 1000 * window / SR, SR / window], abs=0.051)
    assert told[3:5] == pytest.approx([hop_length, 1000 * hop_length / SR], abs=0.051)
    assert told[5:7] == [frames, bins]
    assert ("not seen" in panel.text) == (hop_length > window)


def test_a_tone_stands_at_its_frequency(five):
    """The axis is right: the brightest row of a 3 kHz tone lies at 3 kHz, whatever the window."""
    x = 0.5 * np.sin(2 * np.pi * 3000 * np.arange(SR // 2) / SR)
    panel = stft_explorer([Sound(np.float32(x), name="tone")])
    image = panel.figure.axes[0].images[0]
    for window in positions(panel.controls["window"]):
        panel.set(window=window)
        data = image.get_array()
        right, *edges = image.get_extent()[1:]
        low, high = edges
        row = np.argmax(data[:, data.shape[1] // 2])
        kilohertz = low + (row + 0.5) / len(data) * (high - low)
        assert kilohertz == pytest.approx(3, abs=SR / window / 1000 + 0.05)
        assert right == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    "name,feature,miss",
    [
        ("STFT magnitude", STFT(n_fft=2048, hop_length=512), 4),
        ("log-mel", LogMel(n_mels=40), 4),
        ("MFCC", MFCC(n_mfcc=40), 8),
    ],
)
def test_resynthesis_keeps_what_the_feature_keeps(five, name, feature, miss):
    panel = resynthesis(five).set(hit=1, feature=name, numbers=40, hop_length=512)
    original, back = panel.sounds
    frames, size = feature(original.x)[0].shape
    assert f"{frames} frames of {size} numbers" in panel.text
    assert f"for {len(original.x)} samples" in panel.text
    assert len(back.x) == len(original.x)
    assert np.abs(feature(back.x) - feature(original.x)).mean() < miss
    assert panel.controls["numbers"].disabled == (name == "STFT magnitude")


@pytest.mark.parametrize("name", panels._BENCH)
def test_bench_does_what_the_augmentation_does(five, name):
    panel = augment_bench(five).set(hit=1, augmentation=name, draw=7)
    dial = panels._BENCH[name]
    usual = getattr(getattr(augment, name)(), dial.parameter)
    assert panel.values["amount"] == tuple(usual)
    setting = f"{name}({dial.parameter}=({usual[0]:g}, {usual[1]:g})), draw 7"
    assert panel.text.startswith(setting)
    augmentation = getattr(augment, name)(p=1)
    half = five[1].x[: SR // 2]
    x = np.pad(half, (0, SR // 2 - len(half)))[None]
    before, after = (sound.x for sound in panel.sounds)
    if augmentation.on == "wave":
        assert np.allclose(before, x[0], atol=2**-14)  # in 16 bits, as it is played
        changed = augmentation(before[None], np.random.default_rng(7))[0]
        assert np.allclose(after, changed, atol=1e-6)
    told = numbers(panel.text.partition("peak changes by")[2])
    assert told[0] == pytest.approx(decibels(after, before), abs=0.06)


@pytest.mark.parametrize("name", panels._BENCH)
def test_each_end_of_a_range_is_one_that_the_augmentation_takes(five, name):
    panel = augment_bench(five).set(hit=1, augmentation=name, draw=7)
    dial = panels._BENCH[name]
    for end in (dial.least, dial.most):
        panel.set(amount=(end, end))
        assert panel.text.startswith(f"{name}({dial.parameter}=({end:g}, {end:g}))")


def test_another_draw_is_another_sound(five):
    panel = augment_bench(five).set(hit=1, augmentation="Colour")
    first = panel.sounds[1].x
    assert not np.array_equal(first, panel.set(draw=1).sounds[1].x)
    assert np.array_equal(first, panel.set(draw=0).sounds[1].x)


@pytest.mark.parametrize("threshold", [0, 0.25, 0.5, 0.73, 1])
def test_threshold_numbers(yes_no, threshold):
    from sklearn.metrics import confusion_matrix, precision_score, recall_score

    p, yes, sounds = yes_no
    panel = threshold_explorer(p, yes, sounds, name="crash").set(threshold=threshold)
    y_pred = p >= threshold
    (left, alarms), (misses, found) = confusion_matrix(yes, y_pred, labels=[False, True])
    counts = f"{found} found, {misses} missed, {alarms} false alarms, {left} rightly left"
    assert counts in panel.text
    assert f"recall {recall_score(yes, y_pred):.2f}." in panel.text
    precision = "undefined"
    if y_pred.any():
        precision = f"{precision_score(yes, y_pred):.2f}"
    assert f"precision {precision}" in panel.text
    assert "crash" in panel.picture.value


@pytest.mark.parametrize("threshold", [0, 0.25, 0.5, 0.73, 1])
def test_threshold_plays_the_worst(yes_no, threshold):
    p, yes, sounds = yes_no
    panel = threshold_explorer(p, yes, sounds, name="crash").set(threshold=threshold)
    missed = yes & (p < threshold)
    alarms = ~yes & (p >= threshold)
    worst = []
    if missed.any():
        worst.append(np.where(missed, p, 2).argmin())
    if alarms.any():
        worst.append(np.where(alarms, p, -1).argmax())
    assert [played.credit for played in panel.sounds] == [sounds[i].credit for i in worst]
    for played, i in zip(panel.sounds, worst, strict=True):
        assert np.array_equal(played.x[:2000], sounds[i].x[:2000])
        assert f"p = {p[i]:.2f}" in played.name


def matrix_buttons(panel):
    return [widget for widget in panel.box.children[1].children if hasattr(widget, "click")]


def test_confusion_counts(judged):
    from sklearn.metrics import confusion_matrix

    y_true, proba, sounds = judged
    panel = confusion_explorer(y_true, proba, sounds)
    y_pred = np.array(LABELS)[proba.argmax(axis=1)]
    counts = confusion_matrix(y_true, y_pred, labels=LABELS)
    assert [int(button.description) for button in matrix_buttons(panel)] == list(counts.ravel())
    mistakes = counts - np.diag(np.diag(counts))
    assert panel.values["cell"] == tuple(np.unravel_index(mistakes.argmax(), (5, 5)))
    cells = [int(n) for n in re.findall(r"<td>(\d+)</td>", panel.html())]
    assert cells == list(counts.ravel()) and panel.html().count('scope="row"') == 5


def test_confusion_cells(judged):
    y_true, proba, sounds = judged
    panel = confusion_explorer(y_true, proba, sounds)
    y_pred = np.array(LABELS)[proba.argmax(axis=1)]
    for (i, j), button in zip(np.ndindex(5, 5), matrix_buttons(panel), strict=True):
        button.click()
        true, predicted = LABELS[i], LABELS[j]
        rows = np.flatnonzero((y_true == true) & (y_pred == predicted))
        assert panel.values["cell"] == (i, j)
        assert true in button.tooltip and predicted in button.tooltip
        head = f"{true}, said to be {predicted}: {len(rows)} of {(y_true == true).sum()} hits"
        assert panel.text.startswith(head)
        shown = rows[np.argsort(-proba[rows, j])][:6]
        assert [sound.credit for sound in panel.sounds] == [sounds[r].credit for r in shown]
        for clip, r in enumerate(shown, 1):
            pairs = zip(LABELS, proba[r], strict=True)
            listed = ", ".join(f"{label} {v:.2f}" for label, v in pairs if v >= 0.005)
            assert f"Clip {clip}: {listed}." in panel.text


def test_confusion_shows_at_most_six_clips(five):
    proba = np.tile([0.3, 0.4, 0.1, 0.1, 0.1], (9, 1))
    panel = confusion_explorer(["kick"] * 9, proba, [five[0]] * 9)
    assert panel.values["cell"] == (0, 1)
    assert len(panel.sounds) == 6
    assert "9 of 9 hits, of which 6 are shown" in panel.text
    assert panel.html().count("<audio") == panel.on_page
    assert f"The first {panel.on_page} of 6 clips" in panel.html()


# --- the listening test -----------------------------------------------------------------------


def test_each_hit_once_and_lengths_spread_evenly(toys):
    test = listening_test(toys, toys.labels, (10, 20, 50, 100), random_state=3)
    hits = np.array([hit for hit, _ in test.quiz.clips])
    lengths = np.array([ms for _, ms in test.quiz.clips])
    assert sorted(hits) == list(range(len(toys)))
    for label in LABELS:
        of_class = lengths[toys.labels[hits] == label]
        n = [np.sum(of_class == ms) for ms in (10, 20, 50, 100)]
        assert sum(n) == 16 and max(n) - min(n) <= 1
    assert len(set(lengths[:12])) > 1
    assert len(set(toys.labels[hits[:12]])) > 1


def test_the_random_state_draws_the_order(toys):
    clips = listening_test(toys, toys.labels, random_state=3).quiz.clips
    assert listening_test(toys, toys.labels, random_state=3).quiz.clips == clips
    assert listening_test(toys, toys.labels, random_state=4).quiz.clips != clips


def test_clips_are_the_models_windows_at_true_loudness(five):
    test = listening_test(five, LABELS, (20,))
    hit, ms = test.quiz.clips[0]
    clip = heard(test.players.value)[0]
    n = round(ms / 1000 * SR)
    window = Attack(ms / 1000, peak_normalize=False)([five[hit].x])[0]
    assert len(test.sounds) == 1
    assert np.allclose(clip[: n - 45], window[:-45] * HEADROOM, atol=1e-4)
    assert np.abs(clip[n - 1 :]).max() < 1e-3


def test_nothing_gives_a_clip_away(five):
    fields = {"credit": "Kit, kick_01.wav, CC0", "url": "https://example.org/kick.wav"}
    test = listening_test([hit.replace(**fields) for hit in five], LABELS)
    gives_away = re.compile("|".join((*LABELS, "credit", "example.org", "CC0")))
    picture_in_words = test.picture.value.rpartition('alt="')[2]
    for shown in (test.players.value, test.status.value, picture_in_words):
        assert not gives_away.search(shown)
    test.answer("kick")
    assert "example.org" in test.players.value and len(test.sounds) == 2


def wilson(right, n, z=1.959963984540054):
    """The interval by its formula, Wilson 1927."""
    middle = (right + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(right * (n - right) / n + z**2 / 4)
    return middle - half, middle + half


@pytest.fixture
def taken(toys):
    """A test taken by a learner who knows three classes and takes the rest for kicks; the marks."""
    test = listening_test(toys, toys.labels, (10, 50), random_state=1)
    marks = {10: [], 50: []}
    for hit, ms in test.quiz.clips:
        label = toys.labels[hit]
        said = label if label in ("kick", "snare", "tom") else "kick"
        marks[ms].append(said == label)
        test.answer(said)
        assert label in test.text
        assert (f"you said {said}" in test.text) == (said != label)
        test.answer("tom")  # a second answer does not count
        test.next()
    return test, marks


def test_the_curve_counts_right(toys, taken):
    test, marks = taken
    right = [answer["right"] for answer in test.answers]
    assert len(right) == len(toys) and sum(right) == sum(marks[10]) + sum(marks[50])
    for ms, (low, share, high, n) in test.curve().items():
        assert n == len(marks[ms]) and share == np.mean(marks[ms])
        assert (low, high) == pytest.approx(wilson(sum(marks[ms]), n))
    points = test.drawing.points
    assert list(points.get_xdata()) == [10, 50]
    assert list(points.get_ydata()) == [np.mean(marks[10]), np.mean(marks[50])]


def test_after_the_last_clip_nothing_more_is_asked(toys, taken):
    test, marks = taken
    assert "That was the last clip" in test.text and test.sounds == []
    assert f"{sum(marks[10])} of {len(marks[10])} at 10 ms" in test.text
    before = test.text
    test.next().answer("kick")
    assert test.text == before and len(test.answers) == len(toys)


def test_buttons_answer_and_go_on(five):
    test = listening_test(five, LABELS)
    *answers, onward = test.box.children[2].children
    assert [button.description for button in answers] == list(LABELS)
    onward.click()
    assert test.quiz.turn == 0  # not before an answer
    png = test.png
    answers[0].click()
    assert len(test.answers) == 1 and test.answers[0]["said"] == "kick" and test.png != png
    onward.click()
    assert test.text.startswith("Clip 2 of 5") and "So far" in test.text


def test_models_curves_are_the_stored_ones(five):
    from drumlesson.course.results import scores, stored
    from drumlesson.course.verdicts import evidence_folder

    table = scores(stored("attack", evidence_folder()))
    table = table[~table.index.str.contains(" to ")]
    curves = panels._model_curves()
    lines = {line.get_label(): line for line in listening_test(five, LABELS).figure.axes[0].lines}
    assert sum(len(rows) for rows in curves.values()) == len(table)
    for model, rows in curves.items():
        assert list(rows["ms"]) == sorted(rows["ms"])
        assert np.array_equal(lines[model].get_xdata(), rows["ms"])
        columns = ["low", "accuracy", "high"]
        for ms, values in zip(rows["ms"], rows[columns].to_numpy(), strict=True):
            stored_values = table.loc[f"{model}, {ms:g} ms", columns].astype(float)
            assert tuple(values) == tuple(stored_values)


def test_without_stored_studies_the_learner_stands_alone(five, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = listening_test(five, LABELS).answer("kick")
    assert "not at hand" in test.html() and "not at hand" in test.box.children[-1].value
    assert len(test.drawing.points.get_xdata()) == 1


def test_answers_are_folded_on_the_page(five):
    html = listening_test(five, LABELS, (10, 100)).html()
    shown, _, more = html.partition('<details class="dl-more">')
    assert shown.count("<details>") == shown.count("</details>") == shown.count("<audio") == 3
    assert more.count("<details>") == more.count("</details>") - 1 == more.count("<audio") == 2
    assert shown.count("the first 10 ms") >= more.count("the first 10 ms")
    for player in re.findall(r'<figure class="dl-player".*?</figure>', html):
        words = re.sub('base64,[^"]*', "", player)
        assert not any(label in words for label in LABELS)


# --- what cannot be used ----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_no_sounds(name):
    before = ()
    if name == "threshold_explorer":
        before = ([], [])
    if name == "confusion_explorer":
        before = ([], np.zeros((0, 5)))
    after = ([],) if name == "listening_test" else ()
    with pytest.raises(ValueError, match=f"{name}: there are no sounds: give a list"):
        getattr(panels, name)(*before, [], *after)


def refused(why, panel, *arguments):
    with pytest.raises(ValueError, match=re.escape(why)):
        panel(*arguments)


def test_yes_and_no_that_do_not_fit_are_refused(five):
    p = np.full(5, 0.5)
    yes = np.array([1, 0, 0, 0, 0])
    lengths = "2 probabilities, 5 answers, 5 sounds: give one of each"
    refused(lengths, threshold_explorer, p[:2], yes, five)
    refused("5 probabilities, 5 answers, 4 sounds", threshold_explorer, p, yes, five[:4])
    refused("one column of predict_proba", threshold_explorer, p + 1, yes, five)
    refused("give one column", threshold_explorer, np.full((5, 5), 0.2), yes, five)
    refused("give labels == ", threshold_explorer, p, LABELS, five)
    refused("all hits have the same answer", threshold_explorer, p, yes * 0, five)


def test_probabilities_that_do_not_fit_are_refused(five):
    proba = np.full((5, 5), 0.2)
    lengths = "5 labels, 4 rows of probabilities, 5 sounds"
    refused(lengths, confusion_explorer, LABELS, proba[:4], five)
    refused("a column for each of kick, snare", confusion_explorer, LABELS, proba[:, :4], five)
    strange = ["cowbell", *LABELS[1:]]
    refused("cowbell: the labels must be among", confusion_explorer, strange, proba, five)


def test_listening_tests_that_cannot_be_held_are_refused(five):
    refused("5 sounds, 2 labels", listening_test, five, LABELS[:2])
    refused("bongo: the labels must be among", listening_test, five, ["bongo"] * 5)
    refused("lengths are milliseconds", listening_test, five, LABELS, ())
    refused("from 1 to 1000", listening_test, five, LABELS, (0.5,))
    test = listening_test(five, LABELS)
    refused("answer with one of kick, snare", test.answer, "bongo")


def test_sounds_that_cannot_be_shown_are_refused(five):
    hit = five[0]
    refused("load it with load_audio", stft_explorer, [hit.replace(sr=44100)])
    refused("NaN", resynthesis, [hit.replace(hit.x * np.nan)])
    refused("silent", augment_bench, [hit.replace(hit.x * 0, name="nothing")])


def test_one_sound_and_plain_arrays_do(five):
    assert len(attack_explorer(five[0]).controls["hit"].options) == 1
    assert stft_explorer([five[0].x]).text.startswith("sound: ")
    assert "slider" in str(type(stft_explorer(five * 4).controls["hit"])).lower()


def test_names_are_text_not_html(five):
    panel = stft_explorer([five[0].replace(name='<b>"kick"</b>')])
    assert "<b>&quot;kick" not in panel.text
    assert "&lt;b&gt;" in panel.status.value
    assert "&lt;b&gt;" in panel.html()
    alt = "A spectrogram: time to the right, frequency upwards, bright where it is loud."
    assert f'alt="{alt} &lt;b&gt;&quot;kick' in panel.picture.value

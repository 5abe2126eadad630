"""Each panel, moved over the range of its controls: picture, players and numbers follow, and the page's figure says the same."""

import base64
import io
import re
import subprocess
import sys
from html import escape

import numpy as np
import pytest
import soundfile
from PIL import Image

from drumlesson import augment, widgets
from drumlesson.attack import Attack
from drumlesson.audio import SR, Sound
from drumlesson.course.panels import (
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

pytest.importorskip("ipywidgets")


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
    p = np.clip(np.random.default_rng(0).normal(np.where(yes, 0.6, 0.4), 0.2), 0, 1)
    return p, yes, [others[i] for i in range(len(others))]


@pytest.fixture
def panels(five, judged, yes_no):
    """How to make each panel, from sounds that may be replaced."""
    return {
        "attack_explorer": lambda change=list: attack_explorer(change(five)),
        "stft_explorer": lambda change=list: stft_explorer(change(five)),
        "resynthesis": lambda change=list: resynthesis(change(five)),
        "augment_bench": lambda change=list: augment_bench(change(five)),
        "threshold_explorer": lambda change=list: threshold_explorer(
            *yes_no[:2], change(yes_no[2])
        ),
        "confusion_explorer": lambda change=list: confusion_explorer(
            *judged[:2], change(judged[2])
        ),
        "listening_test": lambda change=list: listening_test(change(five), LABELS),
    }


NAMES = (
    "attack_explorer",
    "stft_explorer",
    "resynthesis",
    "augment_bench",
    "threshold_explorer",
    "confusion_explorer",
    "listening_test",
)


def heard(html):
    """The sounds of all players in a piece of HTML."""
    return [
        soundfile.read(io.BytesIO(base64.b64decode(data)))[0]
        for data in re.findall(r'data:audio/flac;base64,([^"]*)"', html)
    ]


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text)]


def positions(control):
    """Values over the whole range of a control."""
    if hasattr(control, "options"):
        return (
            [value for _, value in control.options]
            if isinstance(control.options[0], tuple)
            else list(control.options)
        )
    span = np.linspace(control.min, control.max, 5)
    if "Range" in type(control).__name__:
        return [(a, b) for a, b in zip(span, span[1:])]
    return [type(control.value)(v) for v in span]


def test_importing_loads_nothing():
    code = "import sys, drumlesson.course.panels; print([m for m in ('ipywidgets', 'matplotlib', 'tensorflow', 'librosa', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_without_ipywidgets_it_says_how_to_get_them(name, panels, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r'pip install "drumlesson\[dev\]"'):
        panels[name]()


@pytest.mark.parametrize("name", NAMES)
def test_live_and_still(name, panels):
    """A notebook gets a widget; the page a figure with a picture in words, players, a caption, and the same text."""
    panel = panels[name]()
    bundle = panel._repr_mimebundle_()
    html = bundle["text/html"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.box.model_id
    assert html.startswith('<figure class="dl-widget">') and html.endswith("</figcaption></figure>")
    assert html.count("<img") == 1 and re.search(r'alt="[^"]{60,}"', html)
    assert html.count('<figure class="dl-player" data-source="synth"') >= 1
    assert (
        f"<p>{escape(panel.on_paper())}</p>" in html
        and escape(panel.text) in panel.status.value
        and 'role="status"' in panel.status.value
    )
    assert re.search(r'<img[^>]* alt="[^"]{60,}"', panel.picture.value)
    assert len(heard(panel.players.value)) == len(panel.sounds)
    assert "\n" not in bundle["text/plain"] and len(bundle["text/plain"]) < 200


@pytest.mark.parametrize("name", NAMES)
def test_the_page_stays_light(name, panels):
    panel = panels[name]()
    png = widgets._small(panel.png)
    assert len(png) <= 30_000 and len(panel.html()) < 200_000
    assert Image.open(io.BytesIO(png)).format == "PNG"


def test_a_noisy_picture_is_made_small_too():
    noise = np.random.default_rng(0).integers(0, 256, (280, 700, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "png")
    assert len(widgets._small(out.getvalue())) <= 30_000


@pytest.mark.parametrize("name", NAMES)
def test_recorded_sounds_stay_off_the_page(name, panels):
    """Live they play; in the stored figure their players are muted, and the credit stays."""
    recorded = panels[name](
        lambda sounds: [
            s.replace(
                source="recorded", credit="Kit A, hit.wav, CC0", url="https://example.org/hit.wav"
            )
            for s in sounds
        ]
    )
    assert len(heard(recorded.players.value)) == len(recorded.sounds)
    muted = mute(recorded.html())
    assert (
        "<audio" not in muted
        and "data:audio" not in muted
        and "run the notebook to hear it" in muted
    )
    assert (
        '<a href="https://example.org/hit.wav">Kit A, hit.wav, CC0</a>' in muted and "<img" in muted
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_control_is_labelled_and_has_no_list_to_drop_down(name, panels):
    """In JupyterLab the arrow keys leave a drop-down list and move through the cells."""
    panel = panels[name]()
    for control in panel.controls.values():
        assert control.description and "Dropdown" not in type(control).__name__
        assert name == "listening_test" or control.description.lower() in panel.html()


@pytest.mark.parametrize("name", NAMES[:5])
def test_moving_each_control(name, panels):
    """Wherever a control is put, the panel follows; over its range, the picture and the text or the sound change."""
    panel = panels[name]()
    for key, control in panel.controls.items():
        start, seen = control.value, []
        for value in positions(control):
            control.value = value
            assert panel.values[key] == control.value and panel.text
            assert len(heard(panel.players.value)) == len(panel.sounds)
            seen.append((panel.png, panel.text, panel.players.value, panel.picture.value))
        control.value = start
        pngs, texts, players, pictures = ({*column} for column in zip(*seen))
        disabled = name == "resynthesis" and key == "numbers"
        assert disabled or (
            len(pngs) > 1 and len(pictures) > 1 and (len(texts) > 1 or len(players) > 1)
        ), key


def test_the_same_setting_is_drawn_once(five, monkeypatch):
    panel, drawn = attack_explorer(five), []
    monkeypatch.setattr(widgets, "_png", lambda fig: drawn.append(fig) or b"\0" * 24)
    panel.set(hit=2, start=10, length=5)
    panel.set(hit=2, start=10, length=5)
    assert len(drawn) == 1


def test_unknown_controls_are_refused(five):
    with pytest.raises(ValueError, match="no control called stop: there are hit, start, length"):
        attack_explorer(five).set(stop=3)


# --- numbers, against a computation of their own ------------------------------------------------------------------------------


@pytest.mark.parametrize("hit,start,length", [(0, 0, 20), (1, 15, 100), (3, 300, 500), (4, 7, 2)])
def test_attack_numbers_and_window(five, hit, start, length):
    panel = attack_explorer(five).set(hit=hit, start=start, length=length)
    x = five[hit].x[:SR]
    part = x[round(start * SR / 1000) : round((start + length) * SR / 1000)]
    played, whole = heard(panel.players.value)[:2]
    n, ramp = len(part), round(0.002 * SR)
    middle = slice(min(ramp, n // 2), max(n - ramp, n // 2))
    assert np.allclose(played[:n][middle], part[middle] * HEADROOM, atol=1e-4)  # true loudness
    assert start == 0 or abs(played[0]) < 1e-4  # faded in
    assert np.abs(played[n - 1]) <= np.abs(part).max() * HEADROOM / 10  # faded out
    faded = panel.sounds[0].x
    power = np.abs(np.fft.rfft(faded, max(2048, n))) ** 2
    centroid = (power * np.fft.rfftfreq(max(2048, n), 1 / SR)).sum() / power.sum()
    said = numbers(panel.text.partition(", ")[2])
    assert said[0] == start and said[1] == pytest.approx(start + 1000 * n / SR, abs=0.51)
    assert said[2] == pytest.approx(20 * np.log10(np.abs(faded).max() / np.abs(x).max()), abs=0.06)
    assert said[3] == pytest.approx(centroid, abs=0.6)
    assert said[4] == pytest.approx(SR / n, rel=0.02, abs=0.6)


def test_a_window_beyond_the_end_shows_the_end(five):
    short = five[0].replace(five[0].x[: SR // 20], name="short")
    panel = attack_explorer([short, five[3]]).set(start=900)
    assert len(panel.sounds[0].x) >= 2 and 0 < panel.sounds[0].seconds <= 0.003


@pytest.mark.parametrize("window,hop", [(64, 32), (1024, 256), (4096, 1024), (512, 1024)])
def test_stft_numbers(five, window, hop_length):
    panel = stft_explorer(five).set(hit=1, window=window, hop_length=hop_length)
    frames, bins = STFT(n_fft=window, hop_length=hop_length)(five[1].x[:SR])[0].shape
    said = numbers(panel.text.partition(":")[2])
    assert (
        said[:6]
        == pytest.approx(
            [window, 1000 * window / SR, SR / window, hop_length, 1000 * hop_length / SR, frames],
            abs=0.051,
        )
        and said[6] == bins
    )
    assert ("not seen" in panel.text) == (hop_length > window)


def test_a_tone_stands_at_its_frequency(five):
    """The spectrogram's axis is right: the brightest row of a 3 kHz tone lies at 3 kHz, whatever the window."""
    tone = Sound(np.float32(0.5 * np.sin(2 * np.pi * 3000 * np.arange(SR // 2) / SR)), name="tone")
    panel = stft_explorer([tone])
    image = panel.figure.axes[0].images[0]
    for window in positions(panel.controls["window"]):
        panel.set(window=window)
        data, (_, right, low, high) = image.get_array(), image.get_extent()
        row = np.argmax(data[:, data.shape[1] // 2])
        assert low + (row + 0.5) / len(data) * (high - low) == pytest.approx(
            3, abs=SR / window / 1000 + 0.05
        )
        assert right == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    "name,feature",
    [
        ("STFT magnitude", STFT(n_fft=2048, hop_length=512)),
        ("log-mel", LogMel(n_mels=40)),
        ("MFCC", MFCC(n_mfcc=40)),
    ],
)
def test_resynthesis_keeps_what_the_feature_keeps(five, name, feature):
    panel = resynthesis(five).set(hit=1, feature=name, numbers=40, hop_length=512)
    original, back = panel.sounds
    frames, size = feature(original.x)[0].shape
    assert (
        f"{frames} frames of {size} numbers" in panel.text
        and f"for {len(original.x)} samples" in panel.text
    )
    assert (
        len(back.x) == len(original.x)
        and np.abs(feature(back.x) - feature(original.x)).mean() < 4 + (name == "MFCC") * 4
    )
    assert panel.controls["numbers"].disabled == (name == "STFT magnitude")


def test_quick_mel_spectra_have_the_bands_they_were_made_of(five):
    feature = LogMel(n_mels=40)
    mel = feature.mel_power(five[1].x[: SR // 2])
    again = (
        widgets._mel_to_power(mel, feature)
        @ __import__("librosa").filters.mel(sr=SR, n_fft=2048, n_mels=40, fmin=20.0).T
    )
    loud = mel > mel.max() * 1e-5
    assert np.abs(10 * np.log10(again[loud] / mel[loud])).mean() < 1


@pytest.mark.parametrize("name", widgets._BENCH)
def test_bench_does_what_the_augmentation_does(five, name):
    panel = augment_bench(five).set(hit=1, augmentation=name, draw=7)
    parameter, least, most, _ = widgets._BENCH[name]
    usual = getattr(getattr(augment, name)(), parameter)
    assert panel.values["amount"] == tuple(usual) and panel.text.startswith(
        f"{name}({parameter}=({usual[0]:g}, {usual[1]:g})), draw 7"
    )
    how = getattr(augment, name)(p=1)
    x = np.pad(five[1].x[: SR // 2], (0, max(0, SR // 2 - len(five[1].x))))[None]
    before, after = (s.x for s in panel.sounds)
    if how.on == "wave":
        assert np.allclose(before, x[0]) and np.allclose(
            after, how(x, np.random.default_rng(7))[0], atol=1e-6
        )
    change = 20 * np.log10(np.abs(after).max() / np.abs(before).max())
    assert numbers(panel.text.partition("peak changes by")[2])[0] == pytest.approx(change, abs=0.06)
    for end in (least, most):  # each end of the range is one that the augmentation takes
        panel.set(amount=(end, end))
        assert panel.text.startswith(f"{name}({parameter}=({end:g}, {end:g}))")


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
    said = p >= threshold
    (left, alarms), (misses, found) = confusion_matrix(yes, said, labels=[False, True])
    assert (
        f"{found} found, {misses} missed, {alarms} false alarms, {left} rightly left" in panel.text
    )
    assert f"recall {recall_score(yes, said):.2f}." in panel.text
    assert (
        f"precision {precision_score(yes, said):.2f}" in panel.text
        if said.any()
        else "precision undefined" in panel.text
    )
    wanted = ([np.where(yes & ~said, p, 2).argmin()] if misses else []) + (
        [np.where(~yes & said, p, -1).argmax()] if alarms else []
    )
    assert [s.credit for s in panel.sounds] == [sounds[i].credit for i in wanted]
    assert all(np.array_equal(s.x[:2000], sounds[i].x[:2000]) for s, i in zip(panel.sounds, wanted))
    assert all(f"p = {p[i]:.2f}" in s.name for s, i in zip(panel.sounds, wanted))
    assert "crash" in panel.picture.value


def test_confusion_cells(judged):
    from sklearn.metrics import confusion_matrix

    truth, proba, sounds = judged
    panel = confusion_explorer(truth, proba, sounds)
    said = np.array(LABELS)[proba.argmax(axis=1)]
    counts = confusion_matrix(truth, said, labels=LABELS)
    buttons = [w for w in panel.box.children[1].children if hasattr(w, "click")]
    assert [int(b.description) for b in buttons] == list(counts.ravel())
    mistakes = counts - np.diag(np.diag(counts))
    assert panel.values["cell"] == tuple(np.unravel_index(mistakes.argmax(), (5, 5)))
    for (i, j), button in zip(np.ndindex(5, 5), buttons):
        button.click()
        rows = np.flatnonzero((truth == LABELS[i]) & (said == LABELS[j]))
        rows = rows[np.argsort(-proba[rows, j])][:6]
        assert (
            panel.values["cell"] == (i, j)
            and LABELS[i] in button.tooltip
            and LABELS[j] in button.tooltip
        )
        assert panel.text.startswith(
            f"{LABELS[i]}, said to be {LABELS[j]}: {counts[i, j]} of {(truth == LABELS[i]).sum()} hits"
        )
        assert [s.credit for s in panel.sounds] == [sounds[r].credit for r in rows]
        for k, r in enumerate(rows, 1):
            assert (
                f"Clip {k}: "
                + ", ".join(f"{label} {v:.2f}" for label, v in zip(LABELS, proba[r]) if v >= 0.005)
                + "."
                in panel.text
            )
    cells = [int(n) for n in re.findall(r"<td>(\d+)</td>", panel.html())]
    assert cells == list(counts.ravel()) and panel.html().count('scope="row"') == 5


def test_confusion_shows_at_most_six_clips(five):
    truth, sounds = ["kick"] * 9, [five[0]] * 9
    proba = np.tile([0.3, 0.4, 0.1, 0.1, 0.1], (9, 1))
    panel = confusion_explorer(truth, proba, sounds)
    assert (
        panel.values["cell"] == (0, 1)
        and len(panel.sounds) == 6
        and "9 of 9 hits, of which 6 are shown" in panel.text
    )
    assert (
        panel.html().count("<audio") == panel.on_page
        and f"The first {panel.on_page} of 6 clips" in panel.html()
    )


# --- the listening test ------------------------------------------------------------------------------------------------------


def test_each_hit_once_and_lengths_spread_evenly(toys):
    test = listening_test(toys, toys.labels, (10, 20, 50, 100), random_state=3)
    assert sorted(i for i, _ in test.quiz.clips) == list(range(len(toys)))
    for label in LABELS:
        n = [
            sum(ms == m and toys.labels[i] == label for i, ms in test.quiz.clips)
            for m in (10, 20, 50, 100)
        ]
        assert sum(n) == 16 and max(n) - min(n) <= 1
    again, other = (
        listening_test(toys, toys.labels, random_state=random_state).quiz.clips
        for random_state in (3, 4)
    )
    assert again == test.quiz.clips != other
    assert (
        len({ms for _, ms in test.quiz.clips[:12]}) > 1
        and len({toys.labels[i] for i, _ in test.quiz.clips[:12]}) > 1
    )


def test_clips_are_the_models_windows_at_true_loudness(five):
    test = listening_test(five, LABELS, (20,))
    i, ms = test.quiz.clips[0]
    clip, n = heard(test.players.value)[0], round(ms / 1000 * SR)
    window = Attack(ms / 1000, peak_normalize=False)([five[i].x])[0]
    assert len(test.sounds) == 1 and np.allclose(clip[: n - 45], window[:-45] * HEADROOM, atol=1e-4)
    assert np.abs(clip[n - 1 :]).max() < 1e-3


def test_nothing_gives_a_clip_away(five):
    test = listening_test(
        [
            s.replace(credit="Kit, kick_01.wav, CC0", url="https://example.org/kick.wav")
            for s in five
        ],
        LABELS,
    )
    for shown in (test.players.value, test.status.value, test.picture.value.rpartition('alt="')[2]):
        assert not re.search("|".join((*LABELS, "credit", "example.org", "CC0")), shown)
    test.answer("kick")
    assert "example.org" in test.players.value and len(test.sounds) == 2


def wilson(right, n, z=1.959963984540054):
    """The interval by its formula, Wilson 1927."""
    middle, half = (
        (right + z**2 / 2) / (n + z**2),
        z / (n + z**2) * np.sqrt(right * (n - right) / n + z**2 / 4),
    )
    return middle - half, middle + half


def test_the_curve_counts_right(toys):
    """A learner who knows three classes and takes the rest for kicks."""
    test, known, tally = (
        listening_test(toys, toys.labels, (10, 50), random_state=1),
        {"kick", "snare", "tom"},
        {10: [], 50: []},
    )
    for i, ms in test.quiz.clips:
        label = toys.labels[i]
        said = label if label in known else "kick"
        tally[ms].append(said == label)
        test.answer(said)
        assert label in test.text and (f"you said {said}" in test.text) == (said != label)
        test.answer("tom")  # a second answer does not count
        test.next()
    assert len(test.answers) == len(toys) and [a["right"] for a in test.answers].count(True) == sum(
        map(sum, tally.values())
    )
    for ms, (low, share, high, n) in test.curve().items():
        assert n == len(tally[ms]) and share == np.mean(tally[ms])
        assert (low, high) == pytest.approx(wilson(sum(tally[ms]), n))
    assert list(test.points.get_xdata()) == [10, 50] and list(test.points.get_ydata()) == [
        np.mean(tally[10]),
        np.mean(tally[50]),
    ]
    assert (
        "That was the last clip" in test.text
        and test.sounds == []
        and f"{sum(tally[10])} of {len(tally[10])} at 10 ms" in test.text
    )
    before = test.text
    test.next().answer("kick")
    assert test.text == before and len(test.answers) == len(toys)


def test_buttons_answer_and_go_on(five):
    test = listening_test(five, LABELS)
    *answers, onward = test.box.children[2].children
    assert [b.description for b in answers] == list(LABELS)
    onward.click()
    assert test.quiz.turn == 0  # not before an answer
    png = test.png
    answers[0].click()
    assert len(test.answers) == 1 and test.answers[0]["said"] == "kick" and test.png != png
    onward.click()
    assert test.text.startswith("Clip 2 of 5") and "So far" in test.text


def test_models_curves_are_the_stored_ones(five, monkeypatch):
    from drumlesson.course.claims import evidence_folder
    from drumlesson.course.results import scores, stored

    rows = scores(stored("windows", evidence_folder()))
    curves = widgets._model_curves()
    assert sum(len(ms) for ms, *_ in curves.values()) == len(rows)
    for model, columns in curves.items():
        assert list(columns[0]) == sorted(columns[0])
        for ms, low, mid, high in zip(*columns):
            assert tuple(
                rows.loc[f"{model}, {ms:g} ms", ["low", "accuracy", "high"]].astype(float)
            ) == (low, mid, high)
    lines = {line.get_label(): line for line in listening_test(five, LABELS).figure.axes[0].lines}
    assert all(
        np.array_equal(lines[model].get_xdata(), columns[0]) for model, columns in curves.items()
    )


def test_without_stored_studies_the_learner_stands_alone(five, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = listening_test(five, LABELS).answer("kick")
    assert "not at hand" in test.html() and "not at hand" in test.box.children[-1].value
    assert len(test.points.get_xdata()) == 1


def test_answers_are_folded_on_the_page(five):
    html = listening_test(five, LABELS, (10, 100)).html()
    assert html.count("<details>") == html.count("</details>") == html.count("<audio") == 3
    assert html.count("the first 10 ms") >= 3 - html.count("the first 100 ms")
    players = re.findall(r'<figure class="dl-player".*?</figure>', html)
    assert not any(
        label in re.sub('base64,[^"]*', "", player) for player in players for label in LABELS
    )


# --- what cannot be used -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_no_sounds(name):
    args = {"threshold_explorer": ([], []), "confusion_explorer": ([], np.zeros((0, 5)))}.get(
        name, ()
    )
    more = ([],) if name == "listening_test" else ()
    with pytest.raises(ValueError, match=f"{name}: there are no sounds: give a list"):
        getattr(widgets, name)(*args, [], *more)


def test_what_does_not_fit_is_refused(five):
    p, yes, proba = np.full(5, 0.5), np.array([1, 0, 0, 0, 0]), np.full((5, 5), 0.2)
    for what, call in {
        "2 probabilities, 5 answers, 5 sounds: give one of each": lambda: threshold_explorer(
            p[:2], yes, five
        ),
        "5 probabilities, 5 answers, 4 sounds": lambda: threshold_explorer(p, yes, five[:4]),
        "one column of predict_proba": lambda: threshold_explorer(p + 1, yes, five),
        "give one column": lambda: threshold_explorer(proba, yes, five),
        "give labels == ": lambda: threshold_explorer(p, LABELS, five),
        "all hits have the same answer": lambda: threshold_explorer(p, yes * 0, five),
        "5 labels, 4 rows of probabilities, 5 sounds": lambda: confusion_explorer(
            LABELS, proba[:4], five
        ),
        "a column for each of kick, snare": lambda: confusion_explorer(LABELS, proba[:, :4], five),
        "cowbell: the labels must be among": lambda: confusion_explorer(
            ["cowbell", *LABELS[1:]], proba, five
        ),
        "5 sounds, 2 labels": lambda: listening_test(five, LABELS[:2]),
        "bongo: the labels must be among": lambda: listening_test(five, ["bongo"] * 5),
        "lengths are milliseconds": lambda: listening_test(five, LABELS, ()),
        "from 1 to 1000": lambda: listening_test(five, LABELS, (0.5,)),
        "answer with one of kick, snare": lambda: listening_test(five, LABELS).answer("bongo"),
        "load it with load_audio": lambda: stft_explorer([five[0].replace(sr=44100)]),
        "NaN": lambda: resynthesis([five[0].replace(five[0].x * np.nan)]),
        "silent": lambda: augment_bench([five[0].replace(five[0].x * 0, name="nothing")]),
    }.items():
        with pytest.raises(ValueError, match=re.escape(what)):
            call()


def test_one_sound_and_plain_arrays_do(five):
    assert len(attack_explorer(five[0]).controls["hit"].options) == 1
    assert stft_explorer([five[0].x]).text.startswith("sound: ")
    assert "slider" in str(type(stft_explorer(five * 4).controls["hit"])).lower()


def test_names_are_text_not_html(five):
    panel = stft_explorer([five[0].replace(name='<b>"kick"</b>')])
    assert (
        "<b>&quot;kick" not in panel.text
        and "&lt;b&gt;" in panel.status.value
        and "&lt;b&gt;" in panel.html()
        and 'alt="A spectrogram: time to the right, frequency upwards, bright where it is loud. &lt;b&gt;&quot;kick'
        in panel.picture.value
    )

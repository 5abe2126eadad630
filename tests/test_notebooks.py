"""The notebooks' form, and that the package is what they give.

The site they make has a module of its own.
"""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.fft
import soundfile
import soxr
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from drumlesson.audio import SR
from drumlesson.dev import notebooks as nb
from drumlesson.drums import load_drums

TOP = Path(__file__).resolve().parent.parent
ALL = nb.notebooks(TOP)
MIRROR = os.environ.get("DRUMLESSON_MIRROR", "")


def name(path):
    """A notebook's path in the folder of notebooks, for the name of its test."""
    return path.relative_to(TOP / "nbs").as_posix()


# -- what is committed


@pytest.mark.parametrize("path", ALL, ids=name)
def test_form(path):
    assert nb.departures(path) == []


@pytest.mark.parametrize("path", ALL, ids=name)
def test_no_sound_but_synthesised(path):
    assert nb.loose_sounds(nb.read(path)) == []


def test_package_is_what_the_notebooks_export():
    assert nb.export_drift(TOP) == []


def test_no_directive_of_a_page_is_in_the_package():
    """A cell that is exported may be folded on its page; its module is told nothing of it."""
    lines = [line for p in (TOP / "drumlesson").rglob("*.py") for line in p.open(encoding="utf-8")]
    assert not [line for line in lines if line.startswith("#|")]


def test_nbdev_clean_takes_nothing_but_counts(tmp_path):
    shutil.copy(TOP / "settings.ini", tmp_path)
    shutil.copytree(TOP / "nbs", tmp_path / "nbs", ignore=shutil.ignore_patterns(".*", "_*"))
    code = "from nbdev.clean import nbdev_clean; nbdev_clean.__wrapped__()"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    counts = re.compile(r'"execution_count": (?:\d+|null)')
    for path in ALL:
        cleaned = (tmp_path / path.relative_to(TOP)).read_text(encoding="utf-8")
        ours = path.read_text(encoding="utf-8")
        assert counts.sub("", cleaned) == counts.sub("", ours), name(path)


# -- no recording, whatever its mark says


def stored_sounds():
    """Every sound in an output, as bytes, and the notebook and cell that it is in."""
    address = re.compile(r"data:audio/[^;]+;base64,([A-Za-z0-9+/=]+)")
    for path in ALL:
        for i, cell in enumerate(nb.read(path).cells):
            for data in address.findall(nb._html(cell)):
                yield f"{name(path)} cell {i}", base64.b64decode(data)


# Measured: a recorded hit cut, scaled and stored again gives 0.9999; synthesised kicks and toms
# reach 0.97.
SAME = 0.99
LEAST = 0.05  # share of a recorded hit's energy that a part must hold to be compared


class Alike:
    """Recorded hits whose energy is over after about the same time.

    A part that begins when less than `LEAST` of it is left is not worth comparing, and so no
    offset beyond that reach: spectra need be no longer.
    """

    def __init__(self, hits, energy, reach):
        self.hits = hits
        self.energy = energy
        self.reach = reach
        self.n = 0  # the length of the spectra below
        self.spectra = None

    def spectra_for(self, length):
        """Spectra long enough for sounds of a length; those of the last length are kept."""
        n = scipy.fft.next_fast_len(self.reach + length, real=True)
        if n != self.n:
            self.n = n
            self.spectra = scipy.fft.rfft(self.hits[:, : self.reach + length], n)
        return self.spectra

    def correlations(self, sound):
        """Of each hit with the sound, at each offset: absolute values, not yet normalised."""
        spectra = self.spectra_for(len(sound))
        spectrum = np.conj(scipy.fft.rfft(sound, self.n))
        return np.abs(scipy.fft.irfft(spectra * spectrum, self.n)[:, : self.reach])

    def energy_of_parts(self, hits, length):
        """Energy of the parts of some hits that are as long as a sound, from each offset."""
        ends = np.minimum(np.arange(self.reach) + length, self.hits.shape[1])
        return self.energy[hits][:, ends] - self.energy[hits, : self.reach]

    def closest(self, sound):
        """(highest normalised correlation with a part of a hit, number of that hit in here)."""
        correlations = self.correlations(sound)
        whole = self.energy[:, -1]
        hits = np.flatnonzero(correlations.max(axis=1) > SAME * np.sqrt(LEAST * whole))
        if not len(hits):
            return 0.0, -1
        part = self.energy_of_parts(hits, len(sound))
        normalised = correlations[hits] / np.sqrt(np.maximum(part, 1e-12))
        normalised[part < LEAST * whole[hits, None]] = 0
        return normalised.max(), hits[normalised.max(axis=1).argmax()]


class Recorded:
    """The first second of recorded hits, ready to be compared with sounds."""

    def __init__(self, hits, n_groups=8):
        self.size = hits.shape[1]
        energy = np.pad(np.cumsum(np.square(hits, dtype=np.float64), axis=1), ((0, 0), (1, 0)))
        whole = energy[:, -1:]
        reach = (whole - energy >= LEAST * whole).sum(axis=1)  # it only falls
        self.rows = np.array_split(np.argsort(reach), n_groups)
        self.groups = [Alike(hits[rows], energy[rows], reach[rows].max()) for rows in self.rows]

    def closest(self, sound):
        """(highest normalised correlation with a part of a hit, number of that hit)."""
        sound = np.asarray(sound[: self.size], np.float32)
        sound = sound / max(np.linalg.norm(sound), 1e-9)
        best = (0.0, -1)
        for rows, group in zip(self.rows, self.groups, strict=True):
            peak, hit = group.closest(sound)
            best = max(best, (peak, rows[hit]))
        return best


def decoded(data):
    """The channels of a stored sound, at the rate of the recorded hits."""
    sound, sr = soundfile.read(io.BytesIO(data), always_2d=True)
    return list((sound if sr == SR else soxr.resample(sound, sr, SR)).T)


@pytest.mark.skipif(
    not (MIRROR and Path(MIRROR).is_dir()),
    reason="DRUMLESSON_MIRROR names no folder of recorded kits",
)
def test_no_stored_sound_is_a_recording():
    waves = load_drums("open", labels=None).waves
    first_seconds = [np.pad(wave[:SR], (0, max(0, SR - len(wave)))) for wave in waves]
    recorded = Recorded(np.stack(first_seconds).astype(np.float32))
    peak, _ = recorded.closest(waves[0][200:6000] / 3)
    assert peak > SAME, "a recording, to see that the test sees it"
    places = {data: where for where, data in stored_sounds()}
    sounds = []
    for data, where in places.items():
        sounds += [(channel, where) for channel in decoded(data)]
    for sound, where in sorted(sounds, key=lambda pair: len(pair[0])):
        peak, hit = recorded.closest(sound)
        assert peak <= SAME, f"{where}: correlates {peak:.3f} with recorded hit {hit}"


# -- the checks do fail


TITLE = "# X\n\n> x"


def tidied(*cells):
    """The same cells as they would be committed."""
    return nb.committed(new_notebook(cells=list(cells))).cells


def stored(path, *cells):
    """Writes a notebook of these cells, below a title, in the committed form; returns its path."""
    page = new_notebook(cells=[new_markdown_cell(TITLE), *cells])
    nb.write(path, nb.to_text(nb.committed(page)))
    return path


def spoil(path, old, new):
    """The departures of a notebook in which a text was replaced."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return nb.departures(path)


def shows(data, source="x"):
    """A code cell that shows something: {mime type: content}."""
    return new_code_cell(source, outputs=[new_output("display_data", data=data)])


def html(text):
    """A code cell that shows HTML."""
    return shows({"text/html": text})


@pytest.fixture
def page(tmp_path):
    """A small notebook without fault."""
    printing = new_code_cell("1", outputs=[new_output("stream", text="a\n")])
    path = stored(tmp_path / "x.ipynb", printing, new_code_cell("2"))
    assert nb.departures(path) == []
    return path


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('"execution_count": 2', '"execution_count": 3', "not 1 to 2"),
        ('"execution_count": 2', '"execution_count": null', "not 1 to 2"),
        ('"name": "stdout"', '"name": "stderr"', "stderr"),
        ('"metadata": {}', '"metadata": {"collapsed": true}', "metadata collapsed"),
        ('"language": "python",', '"language": "r",', "metadata is not"),
        ('"a\\n"', '"1\\r2\\n"', "not as make lessons writes it"),
        ('"> x"', '"> x\\n", "\\n", "lost"', "first cell"),
        ('"# X', '"#X', "first cell"),
        ('"nbformat_minor": 5', '"nbformat_minor": 4', "not as make lessons writes it"),
        ('"2"\n', '"2;"\n', "semicolon"),
        (' "cells"', '  "cells"', "not as make lessons writes it"),
    ],
)
def test_departures_are_seen(page, old, new, message):
    assert any(message in line for line in spoil(page, old, new))


def test_missing_ids_and_errors_are_seen(page):
    text = re.sub(r'   "id": "[^"]+",\n', "", page.read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")
    assert "cell 0: has no id" in nb.departures(page)
    error = new_output("error", ename="E", evalue="e", traceback=[])
    broken = stored(page, new_code_cell("x", outputs=[error]))
    assert nb.departures(broken) == ["cell 1: stores an error"]


PLAYER = (
    '<figure class="dl-player" data-source="{}">'
    '<audio controls src="data:audio/flac;base64,ZkxhQwAA"></audio></figure>'
)


@pytest.mark.parametrize(
    "output",
    [
        {"text/html": '<audio src="kick.wav"></audio>'},
        {
            "text/html": PLAYER.format("synth")
            + "<audio src='data:audio/wav;base64,UklGRiQA'></audio>"
        },
        {"text/html": PLAYER.format("synthesised")},
        {
            "text/html": PLAYER.format("recorded").replace(
                'data-source="', 'data-source="x" data-x="synth" data-y="'
            )
        },
        {"text/html": PLAYER.format("synth").replace("dl-player", "other")},
        {"audio/x-wav": "UklGRiQA"},
        {"text/plain": "b'RIFF$\\x00'"},
        {"application/javascript": "play('T2dnUwAC')"},
        {"application/json": {"deep": [{"er": "data:audio/mpeg;base64,SUQz"}]}},
    ],
)
def test_loose_sounds_are_seen(output):
    assert nb.loose_sounds(new_notebook(cells=[shows(output)]))


def test_sound_in_text_is_seen():
    printed = new_output("stream", text="data:audio/wav;base64,AA")
    for cell in (
        new_markdown_cell("a", attachments={"k.wav": {"audio/wav": "UklGRiQA"}}),
        new_markdown_cell('<audio src="k.wav">'),
        new_code_cell("x", outputs=[printed]),
    ):
        assert nb.loose_sounds(new_notebook(cells=[cell]))


def test_recordings_are_muted_and_synthesised_sounds_kept():
    players = "".join(PLAYER.format(source) for source in ("synth", "recorded", "unknown"))
    (cell,) = tidied(html(players))
    text = nb._html(cell)
    assert text.count("<audio") == 1
    assert text.count("<figure") == 3
    assert text.count("run the notebook to hear it") == 2


def test_run_stores_no_loose_sound(tmp_path):
    playing = "from IPython.display import HTML\nHTML('<aud' + 'io src=\"k.wav\">')"
    path = stored(tmp_path / "x.ipynb", new_code_cell(playing))
    before = path.read_text(encoding="utf-8")
    with pytest.raises(RuntimeError, match="x.ipynb: nothing stored: cell 1: sound"):
        nb.run(path)
    assert path.read_text(encoding="utf-8") == before


def option(text, why):
    """An option of a question, with its reason."""
    return (
        f"<details><summary>{text}</summary>\n\n{why}, since the kit tells it so.\n\n</details>\n"
    )


def picture(mode="RGB"):
    """A stored figure of many colours, as base64."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, "png")
    return base64.b64encode(out.getvalue()).decode()


def opened(png):
    """The picture that a base64 text holds."""
    return Image.open(io.BytesIO(base64.b64decode(png)))


def exercise(kind):
    """The cells of an exercise of the made-up lesson: the question, and its folded solution."""
    right = new_output("execute_result", data={"text/html": "<pre>✓ right</pre>"})
    yield new_code_cell(f'mine = None\ncheck("00-{kind}", mine)')
    yield new_code_cell(f'#| echo: false\nsolution("00-{kind}")', outputs=[right])


def self_test():
    """Four questions of three options each."""
    options = option("a", "Yes") + option("b", "No") + option("c", "No")
    questions = [f"**{n}. Why?**\n\n{options}" for n in range(1, 5)]
    return "## Self-test\n\n" + "\n".join(questions)


def sections():
    """The cells of text of the made-up lesson, a heading each."""
    cells = [new_markdown_cell(f"## {head}\n\n" + "word " * 160) for head in nb.HEADINGS]
    cells[1].source += "a [kit](glossary.ipynb#kit)"
    cells[nb.HEADINGS.index("Self-test")].source = self_test()
    return cells


FIGURE = '#| fig-alt: "A."\n#| fig-cap: "B."\nplot()'


def lesson(folder):
    """A made-up lesson of the right form, as cells, in a folder that is a project."""
    shutil.copy(TOP / "settings.ini", folder)
    (folder / "nbs").mkdir(exist_ok=True)
    entry = new_markdown_cell("## K\n\n### kit\n\nDrums that belong together.")
    stored(folder / "nbs" / "glossary.ipynb", entry)
    path = folder / "nbs" / "00_x.ipynb"
    exercises = [cell for kind in nb.KINDS for cell in exercise(kind)]
    players = [html(PLAYER.format("synth")) for _ in range(4)]
    figures = [shows({"image/png": picture()}, FIGURE) for _ in range(6)]
    plain = [new_code_cell("1") for _ in range(8)]
    return [
        new_markdown_cell(f"*Time: about 5 minutes.*\n\n{nb.doors(path)}"),
        *sections(),
        new_code_cell(nb.installs(path)),
        new_code_cell("#| code-fold: true\nfrom somewhere import check, plot, solution, x"),
        *exercises,
        *players,
        *figures,
        *plain,
    ]


@pytest.fixture
def written(monkeypatch):
    """The exercises written for the made-up lesson: one of each kind."""
    exercises = {f"00-{kind}": SimpleNamespace(kind=kind) for kind in nb.KINDS}
    monkeypatch.setattr(nb, "exercises_of", lambda lesson: exercises)
    return exercises


@pytest.mark.usefixtures("written")
def test_a_good_lesson_has_no_departures(tmp_path):
    path = stored(tmp_path / "nbs" / "00_x.ipynb", *lesson(tmp_path))
    assert nb.departures(path) == nb.lesson_departures(path) == []


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("directive", ["code-fold: true", "export", "hide"])
def test_only_cells_that_are_read_must_be_easy_to_read(tmp_path, directive):
    machinery = new_code_cell(f"#| {directive}\nimport os\n" + f"x = {'1' * 90}\n" * 13)
    named = new_code_cell(f"#| fig-alt: {'a' * 90}\n" * 4 + "x = (1,\n\n  2)\n" * 4)  # 4 and 12
    cells = [*lesson(tmp_path), machinery, named]
    assert nb.lesson_departures(stored(tmp_path / "nbs" / "00_x.ipynb", *cells)) == []


@pytest.mark.parametrize(
    "directive, hidden",
    [("code-fold: true", True), ("echo: false", True), ("hide", True), ("code-fold: show", False)],
)
def test_what_a_page_folds_is_folded_in_the_lab(directive, hidden):
    before = {"jupyter": {"source_hidden": not hidden}, "tags": ["x"]}
    (cell,) = tidied(new_code_cell(f"#| {directive}\n1", metadata=before))
    after = {"jupyter": {"source_hidden": True}} if hidden else {}
    assert cell.metadata == {"tags": ["x"]} | after


def test_the_installing_cell_is_in_form(tmp_path):
    """What learners see first is laid out as everything else is, and spares them messages."""
    path = tmp_path / "x.ipynb"
    cell = new_code_cell(nb.installs(TOP / "nbs" / "00_drums.ipynb"))
    nb.write(path, nb.to_text(new_notebook(cells=[cell])))
    for words in (["format", "--check"], ["check"]):
        command = [sys.executable, "-m", "ruff", *words, "--config", TOP / "ruff.toml", path]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    assert cell.source.endswith("\nown_process()")


def test_pictures_are_stored_in_few_colours():
    """A good third of the bytes, the same to the eye; stored again it is the same to the byte."""
    (cell,) = tidied(shows({"image/png": picture()}))
    small = cell.outputs[0].data["image/png"]
    image = opened(small)
    assert image.mode == "P" and image.size == (40, 40) and len(small) < 0.7 * len(picture())
    (again,) = tidied(cell)
    assert again.outputs[0].data["image/png"] == small
    before = np.asarray(opened(picture()), int)
    after = np.asarray(image.convert("RGB"), int)
    assert np.abs(after - before).mean() < 20  # the worst case: noise


def test_a_panel_leaves_its_figure():
    """The widget goes, its figure stays; a widget without a figure goes altogether."""
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "<panel>"}
    with_figure = {**view, "text/html": '<figure class="dl-widget"></figure>'}
    panel = new_output("execute_result", data=with_figure)
    bare = new_output("display_data", data=view)
    (cell,) = tidied(new_code_cell("x", outputs=[panel, bare]))
    assert [sorted(o.data) for o in cell.outputs] == [["text/html", "text/plain"]]


def cell_of(cells, text):
    """The first cell in which a text stands."""
    return next(cell for cell in cells if text in cell.source)


def replaced(old, new):
    """A change: one text of a made-up lesson becomes another, wherever it first stands."""

    def change(cells):
        cell = cell_of(cells, old)
        cell.source = cell.source.replace(old, new, 1)

    return change


def added(*new):
    """A change: cells at the end."""
    return lambda cells: cells.extend(new)


def told(text):
    """A change: prose near the start."""
    return lambda cells: cells.insert(1, new_markdown_cell(text))


def without_a_heading(cells):
    del cells[1]


def headings_out_of_order(cells):
    cells.insert(8, cells.pop(1))


def without_a_solution(cells):
    cells.remove(cell_of(cells, "solution("))


def solution_not_run(cells):
    cell_of(cells, "solution(").outputs.clear()


NO_SOLUTION = "no folded solution right after the exercise 00-code"


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    "change, message",
    [
        (replaced("*Time:", "*Zeit:"), "*Time:"),
        (without_a_heading, "heading missing: ## What you will learn"),
        (headings_out_of_order, "out of order"),
        (replaced("Open in Colab", "Open"), "no doors below the line on time"),
        (replaced("%pip install", "%pip instal"), "does not install the released package"),
        (replaced("own_process()", "pass"), "does not install the released package"),
        (without_a_solution, NO_SOLUTION),
        (replaced('solution("00-code")', 'solution("00-thought")'), NO_SOLUTION),
        (replaced("#| echo: false", "#| echo: true"), NO_SOLUTION),
        (solution_not_run, "the solution of 00-code shows no ✓"),
        (
            replaced('check("00-code"', 'check("00-other"'),
            "exercise 00-other is not on the page of exercises",
        ),
        (
            replaced('check("00-code"', 'check("00-thought"'),
            "exercise 00-code is not asked, or twice",
        ),
        (replaced("**4. Why?**", "4. Why?"), "self-test of 3 questions: at least 4"),
        (replaced(option("c", "No"), ""), "self-test, question 1: 2 options"),
        (replaced("No, since", "Yes, since"), "question 1: one option is a Yes"),
        (replaced("No, since", "Well, since"), "question 1: one option is a Yes"),
        (replaced("[kit](glossary.ipynb#kit)", "kit"), "first uses of words of the glossary"),
        (told("It reaches 91 % here."), "typed by hand in prose: 91 %"),
        (told("From 0.83 upwards."), "typed by hand in prose: 0.83"),
        (added(new_markdown_cell("word " * 600)), "words: 1200 to 1800"),
        (added(*(new_code_cell("1") for _ in range(16))), " reading cells: 12 to 26 wanted"),
        (added(new_code_cell("x = 1\n" * 13)), "13 lines: 12 at most, or fold it"),
        (added(new_code_cell("x = 1\n\n" * 6 + "x = 1")), "13 lines: 12 at most"),  # six are blank
        (
            added(new_code_cell("#| fig-cap: x\n" * 5 + "x = 1\n" * 12)),
            "17 lines with its directives: 16 at most",
        ),
        (added(new_code_cell(f"x = {'1' * 85}")), "1 lines of more than 88 letters"),
        (added(new_code_cell("import os")), "imports, which are folded"),
        (
            added(new_code_cell("print(later)"), new_code_cell("later = 1")),
            "`later` has no meaning",
        ),
        (added(html("a" * 700_000)), "kB: 0 to 700"),
    ],
)
def test_lesson_departures_are_seen(tmp_path, change, message):
    cells = lesson(tmp_path)
    change(cells)
    found = nb.lesson_departures(stored(tmp_path / "nbs" / "00_x.ipynb", *cells))
    assert any(message in line for line in found), found


def test_a_kind_of_exercise_that_is_missing_is_seen(tmp_path, written):
    del written["00-listening"]
    path = stored(tmp_path / "nbs" / "00_x.ipynb", *lesson(tmp_path))
    assert "no exercise of the kind listening" in nb.lesson_departures(path)


NO_WORDS = "a figure without #| fig-alt and #| fig-cap"
NO_TEXT = "a picture without a text of some length"


@pytest.mark.parametrize(
    "output, directives, message",
    [
        ({"image/png": picture("P")}, "", NO_WORDS),
        ({"image/png": picture("P")}, '#| fig-alt: "A."\n', NO_WORDS),
        ({"text/html": '<img src="data:image/png;base64,AA" alt="short">'}, "", NO_TEXT),
        ({"text/html": '<img src="data:image/png;base64,AA">'}, "", NO_TEXT),
    ],
)
def test_a_figure_without_words_is_seen(tmp_path, output, directives, message):
    page = stored(tmp_path / "x.ipynb", shows(output, f"{directives}plot()"))
    assert any(message in line for line in nb.departures(page))


@pytest.mark.parametrize(
    "text, is_seen",
    [
        ("Text(0, 0.5, 'mel band')", True),
        ("<Axes: xlabel='ms'>", True),
        ("[<matplotlib.lines.Line2D at 0x7f1>]", True),
        ("<Figure size 640x480 with 1 Axes>", True),
        ("<BarContainer object of 5 artists>", True),
        ("array([<Axes: >, <Axes: >], dtype=object)", True),
        ("[(0.0, 1.0), Text(0.5, 0, 'ms')]", True),
        ("0.5", False),
        ("Drums(60 hits of 6 kits)", False),
    ],
)
def test_a_part_of_a_figure_as_text_is_seen(tmp_path, text, is_seen):
    page = stored(tmp_path / "x.ipynb", shows({"text/plain": text}, "plot()"))
    assert any("a part of a figure as text" in line for line in nb.departures(page)) is is_seen


@pytest.mark.parametrize("is_drawn", [True, False])
def test_the_limits_of_an_axis_above_its_figure_are_seen(tmp_path, is_drawn):
    cell = shows({"text/plain": "(3.5, -0.5)"}, "ax.set_ylim(3.5, -0.5)")
    if is_drawn:  # without a figure, a pair of numbers is an answer
        cell.outputs += shows({"image/png": picture("P")}).outputs
    page = stored(tmp_path / "x.ipynb", cell)
    assert any("a part of a figure as text" in line for line in nb.departures(page)) is is_drawn


@pytest.mark.parametrize(
    "text, is_seen", [("a card\nWARNING:tensorflow:5 out of 5", True), ("a WARNING sign", False)]
)
def test_a_stored_warning_is_seen(tmp_path, text, is_seen):
    cell = new_code_cell("fit()", outputs=[new_output("stream", name="stdout", text=text)])
    page = stored(tmp_path / "x.ipynb", cell)
    assert any("stores a warning" in line for line in nb.departures(page)) is is_seen


ENTRIES = """## H

### hop

A.

### log-mel spectrogram

*also: log-mel*

B.

### spectrogram

C."""
USES = [
    "# Hop",
    "## Self-test\n\nhop",
    "## A hop\n\n`hop` [hop](x.md) Hops, chop, log-mels.",
    "A spectrogram of a hop, a log-mel spectrogram.",
]
LINKED = [
    "# Hop",
    "## Self-test\n\nhop",
    "## A hop\n\n`hop` [hop](x.md) [Hops](glossary.ipynb#hop), chop, "
    "[log-mels](glossary.ipynb#log-mel-spectrogram).",
    "A [spectrogram](glossary.ipynb#spectrogram) of a hop, a log-mel spectrogram.",
]


def test_the_first_use_of_a_word_is_linked(tmp_path):
    """Longer words before shorter ones, plurals, other forms; no heading, code, link, self-test."""
    (tmp_path / "nbs").mkdir()
    stored(tmp_path / "nbs" / "glossary.ipynb", new_markdown_cell(ENTRIES))
    words = nb.glossary(tmp_path)
    assert words == {
        "hop": "hop",
        "log-mel spectrogram": "log-mel-spectrogram",
        "log-mel": "log-mel-spectrogram",
        "spectrogram": "spectrogram",
    }
    page = new_notebook(cells=[new_markdown_cell(text) for text in USES])
    nb.link_terms(page, words)
    assert [cell.source for cell in page.cells] == LINKED


def test_the_course_map_names_the_minutes_of_each_lesson(tmp_path):
    shutil.copy(TOP / "settings.ini", tmp_path)
    nbs = tmp_path / "nbs"
    nbs.mkdir()
    time = "*Time: about {} minutes, of which the machine needs 9 s on two cores.*"
    stored(nbs / "00_x.ipynb", new_markdown_cell(time.format(40)))
    stored(nbs / "01_x.ipynb", new_markdown_cell(time.format(35)))
    assert nb.course(tmp_path).splitlines()[2:4] == [
        "| [X](00_x.ipynb) | x | 40 |",
        "| [X](01_x.ipynb) | x | 35 |",
    ]
    stored(nbs / "01_x.ipynb", new_markdown_cell("No time."))
    with pytest.raises(ValueError, match="no line .Time"):
        nb.course(tmp_path)


# The lessons as they were when the minutes of their readers were fitted.
READ_AT = "4e08b299651fec9b0f5e2a307b27343941e14b5f"


def of_then(what):
    """What git says of the lessons as they were read; nothing where the history is not there."""
    done = subprocess.run(["git", *what.split()], cwd=TOP, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


@pytest.mark.skipif(not of_then(f"cat-file -t {READ_AT}"), reason="the history is not here")
def test_minutes_are_fitted_to_what_the_lessons_of_their_readers_held():
    """The table on the page holds what is counted in them today."""
    page = nb.read(TOP / "nbs" / "reference" / "notebooks.ipynb")
    table = next(c.source for c in page.cells if c.source.startswith("_READ = "))
    head, *rows = table.split('"""')[1].split()
    names = [f for f in of_then(f"ls-tree --name-only {READ_AT} nbs/").split() if nb.is_lesson(f)]
    assert len(rows) == len(names) == 10
    for row, file in zip(rows, names, strict=True):
        held = nb._work(nb.nbformat.reads(of_then(f"show {READ_AT}:{file}"), 4))
        told = dict(zip(head.split(","), row.split(","), strict=True))
        assert told.pop("lesson") == Path(file).name[:2] and int(told.pop("minutes")) >= 60
        assert {key: held[key] for key in told} == {key: int(n) for key, n in told.items()}


def lesson_of(*cells):
    return new_notebook(cells=[new_markdown_cell("# X\n\n> x"), *cells])


@pytest.mark.parametrize(
    "cell, minutes",
    [
        (new_markdown_cell("word " * 130), nb._FITTED[0]),
        (new_markdown_cell("## Self-test\n\n**1. What?**\n\nThat."), nb._FITTED[0]),
        (new_code_cell('check("00-x", ...)'), 5 * nb._FITTED[0] + 17 * nb._FITTED[1] / 1000),
        (new_code_cell("ab = 12\n\n" * 200), nb._FITTED[1]),
        (new_code_cell("#| code-fold: true\n" + "ab = 12\n" * 200), 0),
        (new_code_cell("#| export\n" + "ab = 12\n" * 200), 0),
    ],
    ids=["words", "question", "exercise", "code", "folded", "exported"],
)
def test_what_takes_a_reader_minutes(cell, minutes):
    longer = nb._reading_minutes(lesson_of(cell)) - nb._reading_minutes(lesson_of())
    assert longer == pytest.approx(minutes)


def test_the_front_page_shows_the_course_as_it_is():
    front = nb.read(TOP / "nbs" / "index.ipynb")
    shown = [data.get("text/markdown") for cell in front.cells for data in nb._data(cell)]
    assert nb.course(TOP) in shown


def test_notebooks_in_deeper_folders_are_found_and_hidden_ones_are_not(tmp_path):
    for place in ("nbs", "nbs/reference/checks", "nbs/.ipynb_checkpoints", "nbs/_proc"):
        (tmp_path / place).mkdir(parents=True)
        stored(tmp_path / place / "x.ipynb")
    (tmp_path / "nbs" / ".x.ipynb").touch()
    found = [path.relative_to(tmp_path).as_posix() for path in nb.notebooks(tmp_path)]
    assert found == ["nbs/x.ipynb", "nbs/reference/checks/x.ipynb"]


@pytest.fixture
def project(tmp_path):
    """A made-up project with a front page and two exported modules, one in a subpackage."""
    for file in ("settings.ini", "ruff.toml"):
        shutil.copy(TOP / file, tmp_path)
    nbs = tmp_path / "nbs"
    nbs.mkdir()
    (tmp_path / "drumlesson").mkdir()
    (tmp_path / "drumlesson" / "__init__.py").write_text('__version__ = "0.1.0"\n')
    stored(nbs / "glossary.ipynb", new_markdown_cell("### kit"))
    stored(nbs / "index.ipynb", new_markdown_cell("See [x](x.ipynb)."), new_code_cell("print(1)"))
    for module in ("x", "sub.y"):
        stored(
            nbs / f"{module[-1]}.ipynb",
            new_code_cell(f"#| default_exp {module}"),
            new_code_cell("#| export\ndef f(): return 1"),
        )
    return tmp_path


def test_an_edited_module_is_seen(project):
    nb.export(project)
    assert nb.export_drift(project) == []
    for module in ("x.py", "sub/y.py"):
        path = project / "drumlesson" / module
        text = path.read_text()
        assert "def f():\n    return 1\n" in text  # in ruff's form
        path.write_text(text.replace("return 1", "return 2"))
    (project / "drumlesson" / "stray.py").write_text("")
    assert [line.partition(":")[0] for line in nb.export_drift(project)] == [
        "drumlesson/stray.py",
        "drumlesson/sub/y.py",
        "drumlesson/x.py",
    ]


def test_the_command_line(project, monkeypatch, capfd):
    monkeypatch.chdir(project)
    assert nb._main(["export"]) == 0
    assert nb._main(["check"]) == 1
    assert "README.md" in capfd.readouterr().out
    assert nb._main(["run"]) == 0
    assert nb._main(["check"]) == 0
    assert "(nbs/x.ipynb)" in (project / "README.md").read_text()
    assert "all in form" in capfd.readouterr().out


def test_the_command_line_names_what_fails(project, monkeypatch, capsys):
    """In its own words: a kernel that ends may write into the stream of its process, too."""
    monkeypatch.chdir(project)
    stored(project / "nbs" / "x.ipynb", new_code_cell("1 / 0"))
    (project / "nbs" / "y.ipynb").write_text("no notebook")
    assert nb._main(["run"]) == 1
    err = capsys.readouterr().err
    assert "nbs/x.ipynb: nothing stored: cell 1: ZeroDivisionError" in err
    assert "nbs/y.ipynb: cannot be read" in err
    assert "Traceback" not in err


def entries_that_name_a_lesson():
    """The entries of the glossary, with their lesson: (its word and other forms, file)."""
    text = "\n".join(cell.source for cell in nb.read(TOP / "nbs" / "glossary.ipynb").cells)
    for entry in re.split(r"^### ", text, flags=re.M)[1:]:
        forms = [entry.splitlines()[0].strip()]
        also = re.search(r"^\*also: (.+)\*$", entry, re.M)
        if also:
            forms += also[1].split(", ")
        for file in re.findall(r"\]\((\d\d_\w+\.ipynb)\)", entry):
            yield forms, file


def speaks_of(forms, prose):
    """Whether one of the forms of a word, or its plural, stands in a text."""
    either = "|".join(map(re.escape, forms))
    return bool(re.search(rf"(?<![\w-])(?:{either})s?(?![\w-])", prose, re.I))


@pytest.mark.parametrize(
    "forms, prose, found",
    [
        (["batch"], "A *[batch](glossary.ipynb#batch)* of hits", True),
        (["epoch"], "Epochs are counted", True),
        (["F1", "macro F1"], "by *macro F1*", True),
        (["rate"], "crate, half-rate", False),
    ],
)
def test_a_word_is_found_as_a_word(forms, prose, found):
    assert speaks_of(forms, prose) is found


def test_the_glossary_names_lessons_that_speak_of_the_word():
    """In prose, not only in code; gradient, learning rate and the like in lesson 04."""
    prose = {path.name: nb._prose(nb.read(path)) for path in (TOP / "nbs").glob("*.ipynb")}
    named = list(entries_that_name_a_lesson())
    missing = [(forms[0], file) for forms, file in named if not speaks_of(forms, prose[file])]
    assert not missing, "explain the word there, or name another lesson, or none"
    in_04 = {forms[0] for forms, file in named if file == "04_dense.ipynb"}
    assert {"gradient", "learning rate", "batch", "epoch", "overfitting", "loss"} <= in_04


def names_in_lab(path):
    """What JupyterLab knows by a name on a page: headings as they are written, and spans."""
    names = set()
    for cell in nb.read(path).cells:
        if cell.cell_type == "markdown":
            heads = re.findall(r"^#+ (.+?)\s*$", cell.source, re.M)
            names |= {head.replace(" ", "-") for head in heads}
            names |= set(re.findall(r'<span id="([^"]+)">', cell.source))
    return names


@pytest.mark.parametrize(
    "page", ["glossary.ipynb", "bibliography.ipynb", "reference/mathematics.ipynb"]
)
def test_links_to_entries_work_in_jupyterlab(page):
    """Lab keeps the capitals of a heading, so that #midi finds no MIDI there."""
    known = names_in_lab(TOP / "nbs" / page)
    used = set()
    for path in [TOP / "nbs" / "glossary.ipynb", *(TOP / "nbs").glob("[01]*.ipynb")]:
        text = "\n".join(c.source for c in nb.read(path).cells if c.cell_type == "markdown")
        used |= set(re.findall(rf"\]\({re.escape(page)}#([^)]+)\)", text))
    assert len(used) > 5
    assert used <= known

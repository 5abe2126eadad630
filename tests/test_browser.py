"""In a real browser: players play, folds open, pages fit on a phone, panels react in JupyterLab."""

import base64
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from functools import cache, partial
from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile
from browsing import (
    END,
    ENTER,
    HOME,
    LEFT,
    OPEN_FOLDS,
    PHONE,
    RIGHT,
    TAB,
    as_phone,
    asked,
    asked_elsewhere,
    at,
    complaints,
    keys,
    until,
)
from nbformat.v4 import new_code_cell, new_notebook

from drumlesson.dev import notebooks as nb

TOP = Path(__file__).resolve().parent.parent
NBS = TOP / "nbs"
LESSONS = [p for p in nb.notebooks(TOP) if nb.is_lesson(p)]


def sounds(path):
    """Whether a notebook stores a player."""
    bundles = [bundle for cell in nb.read(path).cells for bundle in nb._bundles(cell)]
    return any("<audio" in content for mime, content in bundles if mime == "text/html")


SOUNDING = [p for p in nb.notebooks(TOP) if sounds(p)]
PANELS = (
    "attack_explorer",
    "stft_explorer",
    "resynthesis",
    "augment_bench",
    "threshold_explorer",
    "confusion_explorer",
    "listening_test",
)


def name(path):
    """A notebook's path in the folder of notebooks, for the name of its test."""
    return path.relative_to(NBS).as_posix()


# -- a page


# What Quarto's theme does with pictures, code and tables; the rest is the site's own style sheet.
THEME = """
body { margin: 0; font: 17px/1.5 sans-serif }
main { max-width: 50em; margin: auto; padding: 0 12px }
img { max-width: 100%; height: auto }
pre { overflow-x: auto }
"""
PAGE = """<!doctype html>
<html lang="en"><head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="data:,"><style>{style}</style>
</head><body><main>{body}</main></body></html>
"""


@cache
def as_page(path):
    """A notebook as stored, as HTML with no script at all, its outputs in Quarto's class."""
    from nbconvert import HTMLExporter

    stored = nb.read(path)
    stored.cells = [c for c in stored.cells if not c.source.startswith("#| hide")]
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(stored)
    body = body.replace("output_subarea", "cell-output-display")
    styles = (NBS / "styles.css").read_text(encoding="utf-8")
    return PAGE.format(title=path.stem, style=THEME + styles, body=body)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of pages, each made when first asked for; returns its address."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(TOP / "nbs" / "site", folder / "site")

    def address(path):
        page = folder / f"{path.stem}.html"
        if not page.is_file():
            page.write_text(as_page(path), encoding="utf-8")
        return page.as_uri()

    return address


PLAY = """
const done = arguments[arguments.length - 1], root = arguments[0] || document, press = arguments[1];
for (const fold of root.querySelectorAll('details')) fold.open = true;
const wait = ms => new Promise(r => setTimeout(r, ms));
async function one(a) {
  const told = {src: a.src, label: a.getAttribute('aria-label'), volume: a.muted ? 0 : a.volume};
  try {
    for (let i = 0; i < 250 && a.readyState < 2 && !a.error; i++) await wait(20);
    if (press) await a.play();
    for (let i = 0; i < 250 && !a.currentTime && !a.error; i++) await wait(20);
    told.time = a.currentTime;
    a.pause();
    const bytes = await (await fetch(a.src)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, told.rate = 22050).decodeAudioData(bytes);
    told.peak = sound.getChannelData(0).reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  } catch (e) { told.wrong = String(e); }
  return {...told, duration: a.duration, wrong: told.wrong || (a.error && a.error.message)};
}
const players = [...root.querySelectorAll('audio')];
Promise.all(players.map(one)).then(done, e => done([{wrong: String(e)}]));
"""


def check_players(played):
    """Each was heard, as long and as loud as the sound that the page holds."""
    for p in played:
        assert not p["wrong"], f"{p.get('label')}: {p['wrong']}"
        _, _, stored = p["src"].partition(",")
        x, rate = soundfile.read(io.BytesIO(base64.b64decode(stored)), always_2d=True)
        assert p["time"] > 0 and p["volume"] == 1 and p["label"]
        assert p["duration"] == pytest.approx(len(x) / rate, abs=0.02), p["label"]
        if rate == p["rate"] and x.shape[1] == 1:
            assert p["peak"] == pytest.approx(np.abs(x).max(), abs=2e-3), p["label"]


@pytest.mark.parametrize("path", SOUNDING, ids=name)
def test_players_play_and_nothing_is_fetched(browser, site, path):
    at(browser, site(path))
    assert browser.title == path.stem
    played = browser.execute_async_script(PLAY, None, True)
    assert len(played) == len(re.findall("<audio", as_page(path))) > 0
    check_players(played)
    assert [u for u in asked(browser) if not u.startswith(("data:", "file:", "blob:"))] == []
    assert complaints(browser) == []


def click_on_play(browser, player):
    """Clicks on the button at the left of a player, once its sound is read."""
    from selenium.webdriver import ActionChains

    read = "return arguments[0].readyState > 1"
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", player)
    until("the sound is read", lambda: browser.execute_script(read, player))
    left = 18 - player.size["width"] // 2
    mouse = ActionChains(browser, duration=0)
    mouse.move_to_element_with_offset(player, left, 0).click().perform()


@pytest.mark.parametrize("path", [NBS / "index.ipynb", LESSONS[0]], ids=name)
def test_a_click_on_play_plays(browser, site, path):
    """By hand, one after the other, as a reader would."""
    at(browser, site(path))
    players = [p for p in browser.find_elements("tag name", "audio") if p.is_displayed()]
    assert len(players) >= 5
    for player in players:
        click_on_play(browser, player)
        plays = partial(browser.execute_script, "return arguments[0].currentTime > 0", player)
        until(f"{player.get_attribute('aria-label')} plays", plays)
    keys(browser, " ")  # the last one has the focus: the space bar stops or starts it
    assert browser.switch_to.active_element == player


HAS_FOCUS = "return document.activeElement === arguments[0].querySelector('summary')"
OPTIONS = "return arguments[0].map(d => !d.className && d.innerText.trim())"


def tab_to(browser, fold, what):
    """Presses the tabulator until a fold has the focus."""
    for _ in range(40):  # links and players of an opened solution lie between
        if browser.execute_script(HAS_FOCUS, fold):
            return
        keys(browser, TAB)
    raise AssertionError(f"the tabulator does not come to {what}")


TESTED = [p for p in LESSONS if "## Self-test" in p.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", TESTED[:2], ids=name)
def test_folds_open_by_keyboard(browser, site, path):
    """With the tabulator from fold to fold, and Enter; each option then shows its reason."""
    at(browser, site(path))
    # Further players of a panel are folded, too, far above the questions.
    folds = browser.find_elements("css selector", "main details:not(.dl-more)")
    options = browser.execute_script(OPTIONS, folds)
    assert len(folds) == len(re.findall(r'<details(?! class="dl-more")', as_page(path)))
    assert sum(map(bool, options)) >= 12
    browser.execute_script("arguments[0].focus()", folds[0].find_element("tag name", "summary"))
    for fold, option in zip(folds, options, strict=True):
        tab_to(browser, fold, option)
        keys(browser, ENTER)
        is_open = partial(browser.execute_script, "return arguments[0].open", fold)
        until(f"{option} opens", is_open)
        if option:
            assert re.search(r"^(Yes|No)\b", fold.text.removeprefix(option).strip()), fold.text


WIDE = """
const parts = ['.dl-player', '.dl-players', '.dl-widget', '.dl-widget table', '.dl-solution',
  '.dl-doors', 'audio', 'img', 'details'].map(part => `main ${part}`).join(', ');
const sticksOut = r => r.width && (r.right > innerWidth + 0.5 || r.left < -0.5);
const words = e => (e.alt || e.innerText || e.ariaLabel || '').slice(0, 60);
const width = e => Math.round(e.getBoundingClientRect().width);
const wide = [...document.querySelectorAll(parts)]
  .filter(e => sticksOut(e.getBoundingClientRect()))
  .map(e => `${e.tagName} ${e.className} ${width(e)} px: ${words(e)}`);
return [innerWidth, document.scrollingElement.scrollWidth, wide];
"""


@pytest.mark.parametrize("path", [NBS / "index.ipynb", *LESSONS], ids=name)
def test_fits_on_a_phone(browser, site, path):
    with as_phone(browser):
        at(browser, site(path))
        browser.execute_script(OPEN_FOLDS)
        inner, scroll, wide = browser.execute_script(WIDE)
    assert inner == PHONE and wide == [] and scroll <= PHONE


# -- JupyterLab


SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "notebook-extension/tracker": {"windowingMode": "none"},
}

MADE_UP = """import numpy as np
from drumlesson.drums import load_drums
from drumlesson.labels import LABELS
from drumlesson.course.panels import *
toys = load_drums("synth", n_kits=3, hits=1, random_state=2)
hits = [toys[i] for i in range(len(toys))]
yes = toys.labels == "cymbal"
five = [toys[int(np.flatnonzero(toys.labels == label)[0])] for label in LABELS]
rng = np.random.default_rng(1)
proba = rng.dirichlet(np.full(5, 0.7), len(toys))
p = np.clip(rng.normal(np.where(yes, 0.6, 0.4), 0.2), 0, 1)"""
GIVEN = {
    "threshold_explorer": "p, yes, hits",
    "confusion_explorer": "toys.labels, proba, hits",
    "listening_test": "five, LABELS",
}


def only(cells, path):
    """Stores a notebook of these cells, without outputs."""
    kept = [new_code_cell(c.source) if c.cell_type == "code" else c for c in cells]
    nbformat.write(new_notebook(cells=kept, metadata=nb._METADATA), path)


def calls(cell):
    """The panels that a cell makes."""
    if cell.cell_type != "code" or cell.source.startswith("#| hide"):
        return []
    called = [p for p in PANELS if re.search(rf"(?<![\w.])(?:\w+\.)?{p}\(", cell.source)]
    return [panel for panel in called if f"def {panel}(" not in cell.source]


READY = """
const w = window.jupyterapp?.shell.currentWidget;
return !!(w?.context?.isReady && w.sessionContext.session?.kernel?.status == 'idle');
"""
RUN_ALL = """
const done = arguments[0];
window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => done(), e => done());
"""
WRONG = """
const kinds = ['error', 'stderr'].map(kind => `[data-mime-type="application/vnd.jupyter.${kind}"]`);
return [...document.querySelectorAll(kinds.join(', '))].map(e => e.innerText);
"""
PANEL = """
const cell = window.jupyterapp.shell.currentWidget.content.widgets[arguments[0]];
const n = cell.node.querySelector('.jp-OutputArea .widget-vbox');
return n && n.querySelector('[role=status]') && n.querySelector('img') && n;
"""


class Lab:
    """JupyterLab on a copy of the notebooks, in the browser."""

    def __init__(self, browser, root, url):
        self.browser = browser
        self.root = root
        self.url = url

    def js(self, script, *given):
        """What a script returns."""
        return self.browser.execute_script(script, *given)

    def run(self, path, seconds=120):
        """Opens a notebook of the copy and runs all of its cells; returns how long that took."""
        at(self.browser, f"{self.url}doc/tree/{path}?token=drums")
        until(f"{path} is open", lambda: self.js(READY), 60)
        self.browser.set_script_timeout(seconds)
        start = time.perf_counter()
        self.browser.execute_async_script(RUN_ALL)
        until(f"{path} has run", lambda: self.js(READY), seconds)
        wrong = self.js(WRONG)
        assert wrong == [], f"{path}: {wrong[0][-600:]}"
        return time.perf_counter() - start

    def panel(self, i):
        """The live panel below cell `i`."""
        box = until(f"cell {i} shows a panel", lambda: self.js(PANEL, i), 30)
        self.js("arguments[0].scrollIntoView({block: 'start'})", box)
        return Panel(self, box)


FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
    "DRUMLESSON_CACHE",
)
SERVER = [
    sys.executable,
    "-m",
    "jupyterlab",
    "--allow-root",
    "--no-browser",
    "--ip=127.0.0.1",
    "--ServerApp.port=0",
    "--IdentityProvider.token=drums",
    "--LabApp.news_url=None",
    "--LabApp.expose_app_in_browser=True",
]


def own_folders(root):
    """Folders of JupyterLab's own, as environment variables, with the settings in place."""
    own = {key: str(root / "own" / key.lower()) for key in FOLDERS}
    settings = Path(own["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab")
    for what, values in SETTINGS.items():
        file = settings / f"{what}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    return own


def address_of_server(server, runtime):
    """Where a server can be reached, once it says so in its runtime folder."""
    assert server.poll() is None, "JupyterLab has ended"
    for file in Path(runtime).glob("jpserver-*.json"):
        with contextlib.suppress(ValueError, KeyError):
            return json.loads(file.read_text())["url"]


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """JupyterLab, started for these tests and stopped after them."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(NBS, root / "nbs", ignore=shutil.ignore_patterns(".*", "_*"))
    own = own_folders(root)
    env = {**os.environ, **own, "DRUMLESSON_MIRROR": "off", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [*SERVER, f"--ServerApp.root_dir={root}"]
    with open(root / "log", "w") as log:
        server = subprocess.Popen(command, env=env, cwd=root, stdout=log, stderr=log)
    try:
        url = partial(address_of_server, server, own["JUPYTER_RUNTIME_DIR"])
        yield Lab(browser, root, until("JupyterLab has started", url, 60))
        browser.get("about:blank")
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


LOOK = """
const b = arguments[0];
const players = [...b.querySelectorAll('audio')].map(a => a.src);
return [b.querySelector('[role=status]').innerText, b.querySelector('img').src, players];
"""

# From the event of the key or the button to the frame that shows the new picture.
TIMED = """
const box = arguments[0], times = [];
let pressed = null, shown = box.querySelector('img').src;
for (const event of ['keydown', 'pointerdown'])
  document.addEventListener(event, () => { pressed ??= performance.now(); }, true);
new MutationObserver(() => {
  const img = box.querySelector('img');
  if (!img || img.src === shown || pressed === null) return;
  shown = img.src;
  const since = pressed;
  pressed = null;
  const seen = () => requestAnimationFrame(() => times.push(performance.now() - since));
  img.decode().catch(() => 0).then(seen);
}).observe(box, {subtree: true, childList: true, attributes: true});
box.times = times;
box.forget = () => { pressed = null; };
"""

CONTROLS = (
    "[role=slider], .widget-toggle-button, .widget-button, audio, "
    ".widget-readout[contenteditable=true], input, select, textarea"
)
HANDLES_OF_ITS_SLIDER = "ancestor::div[@class='noUi-base']//*[@role='slider']"


def where(handle):
    """Where the handle of a slider lies, and how far it goes: now, min, max."""
    return {of: float(handle.get_attribute(f"aria-value{of}")) for of in ("now", "min", "max")}


def ends_of(handle):
    """The keys that move a handle as far as it goes, and which end each leads to.

    A handle of a range never goes onto the other one, or all draws are alike.
    """
    if len(handle.find_elements("xpath", HANDLES_OF_ITS_SLIDER)) != 2:
        return [(END, "max"), (HOME, "min")]
    is_upper = "upper" in handle.get_attribute("class")
    return [(END, "max")] if is_upper else [(HOME, "min")]


class Panel:
    """A panel in the browser: what it shows, and a hand on its controls."""

    def __init__(self, lab, box):
        self.lab = lab
        self.box = box
        lab.js(TIMED, box)

    def look(self):
        """The text, picture and players that are shown."""
        return self.lab.js(LOOK, self.box)

    def find(self, css):
        """The parts of the panel that a selector finds."""
        return self.box.find_elements("css selector", css)

    def settled(self):
        """What is shown, where it stays for a moment; else None."""
        first = self.look()
        time.sleep(0.05)
        return first if self.look() == first else None

    def after(self, what, act):
        """What has changed after the panel was moved: its text has to."""
        self.lab.js("arguments[0].forget()", self.box)
        before = self.look()
        act()
        until(f"{what} changes the text {before[0]!r}", lambda: self.look()[0] != before[0])
        now = until("the rest follows", self.settled)
        changed = [new != old for new, old in zip(now, before, strict=True)]
        return Counter(dict(zip(("text", "picture", "players"), changed, strict=True)))

    def press_key(self, what, key):
        """What has changed after a key."""
        return self.after(what, lambda: keys(self.lab.browser, key))

    def slide(self, handle):
        """One step by an arrow key, to the left where it is at its end; then from end to end.

        Where it lands is not asserted: a slider's Home and End keep to its first range.
        """
        from selenium.webdriver import ActionChains

        ActionChains(self.lab.browser, duration=0).move_to_element(handle).click().perform()
        assert self.lab.browser.switch_to.active_element == handle
        at_its_end = where(handle)["now"] >= where(handle)["max"]
        yield self.press_key("an arrow key", LEFT if at_its_end else RIGHT)
        for key, end in ends_of(handle):
            if where(handle)["now"] != where(handle)[end]:
                yield self.press_key(f"the key to its {end}", key)

    def press(self, button):
        """By keyboard: focus, then the space bar."""
        self.lab.js("arguments[0].focus()", button)
        return self.press_key(f"the button {button.text!r}", " ")

    def buttons(self):
        """One of each row of choices that is not chosen, then the first and last other button."""
        for row in self.find(".widget-toggle-buttons"):
            yield row.find_elements("css selector", ".widget-toggle-button:not(.mod-active)")[0]
        others = self.find(".widget-button")
        yield from others[:1] + others[-1:]

    def unnamed(self):
        """Controls that a screen reader could not name."""
        controls = [control for control in self.find(CONTROLS) if control.is_displayed()]
        without = [control for control in controls if not control.accessible_name]
        return [f"{control.tag_name} {control.get_attribute('class')}" for control in without]

    def move_all(self):
        """Every slider, and buttons of each kind, once.

        Text, picture and players change, and what then stands there plays.
        """
        changed = Counter()
        for button in self.buttons():
            changed += self.press(button)
        for handle in self.find("[role=slider]:not([disabled])"):
            for moved in self.slide(handle):
                assert moved["picture"], "a slider leaves the picture as it is"
                changed += moved
        assert all(changed[what] for what in ("text", "picture", "players")), changed
        check_players(self.lab.browser.execute_async_script(PLAY, self.box, True))

    def told(self, what, capsys):
        """Prints how long the picture took to follow."""
        times = self.lab.js("return arguments[0].times", self.box)
        summary = f"median of {len(times)}; most {max(times):.0f} ms"
        with capsys.disabled():
            print(f"\n{what}: from the key to the changed picture ", end="")
            print(f"{np.median(times):.0f} ms ({summary})")


@pytest.fixture(scope="module")
def made_up(lab):
    """A notebook with a cell for each panel, run."""
    sources = [MADE_UP, *(f"{panel}({GIVEN.get(panel, 'five')})" for panel in PANELS)]
    only(map(new_code_cell, sources), lab.root / "nbs" / "panels.ipynb")
    lab.run("nbs/panels.ipynb")
    return lab


@pytest.mark.parametrize("which", PANELS)
def test_controls_have_names(made_up, which):
    assert made_up.panel(1 + PANELS.index(which)).unnamed() == []


@pytest.mark.parametrize("which", PANELS)
def test_panels_react(made_up, which, capsys):
    panel = made_up.panel(1 + PANELS.index(which))
    panel.move_all()
    panel.told(which, capsys)


def test_keyboard_alone(made_up, capsys):
    """From the buttons with the tabulator to the slider; a key held down is kept up with."""
    panel, browser = made_up.panel(1), made_up.browser
    handle = panel.find("[role=slider]")[0]
    made_up.js("arguments[0].focus()", panel.find(".widget-toggle-button")[-1])
    keys(browser, TAB)
    assert browser.switch_to.active_element == handle
    keys(browser, HOME)
    until("the text follows", lambda: ", 0 to " in panel.look()[0])
    before = where(handle)["now"]
    start = time.perf_counter()
    keys(browser, *RIGHT * 20)
    said = f", {before + 20:.0f} to "
    until("the text says where the window is", lambda: said in panel.look()[0], 10)
    took = time.perf_counter() - start
    with capsys.disabled():
        print(f"\n20 arrow keys at once: shown after {1000 * took:.0f} ms")
    assert browser.switch_to.active_element == handle
    assert where(handle)["now"] == before + 20


def test_only_this_machine_is_asked(made_up):
    assert asked_elsewhere(made_up.browser) == []


TRAINED = """from drumlesson import DrumClassifier
from drumlesson.drums import load_drums
toys = load_drums("synth", n_kits=8, hits=2, random_state=1)
model = DrumClassifier(epochs=60, patience=1).fit(toys)
assert len(model.history_) < 60"""
VISIBLE = """
return [...document.querySelectorAll('.jp-OutputArea-output')]
  .filter(e => e.offsetHeight > 2).map(e => e.innerText.trim());
"""


def test_training_leaves_one_line(lab):
    """Stopped early, as most trainings are: the bar is gone, not left behind in red."""
    quiet = "from drumlesson.backend import own_process\nown_process()"  # as each lesson does
    only(map(new_code_cell, [quiet, TRAINED]), lab.root / "nbs" / "training.ipynb")
    lab.run("nbs/training.ipynb")
    left = lab.js(VISIBLE)
    assert len(left) == 1 and left[0].startswith("dense: ") and "\n" not in left[0], left


def test_a_lesson(lab, capsys):
    """Lesson 02, run as far as its last panel: each of them reacts."""
    path = next(p for p in LESSONS if p.name.startswith("02_"))
    cells = nb.read(path).cells
    live = [(i, panel) for i, cell in enumerate(cells) for panel in calls(cell)]
    assert live, f"{path.name} makes no panel"
    last, _ = live[-1]
    only(cells[: last + 1], lab.root / "nbs" / path.name)
    seconds = lab.run(f"nbs/{path.name}")
    with capsys.disabled():
        print(f"\n{path.name} to its last panel: {seconds:.0f} s")
    for i, which in live:
        panel = lab.panel(i)
        panel.move_all()
        panel.told(f"{path.name}, {which}", capsys)
    assert asked_elsewhere(lab.browser) == []

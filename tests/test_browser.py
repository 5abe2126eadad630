"""In a real browser: the players of a page play, its folds open, it fits on a phone, and panels react in JupyterLab."""

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
from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile
from nbformat.v4 import new_code_cell, new_notebook

from drumlesson.dev import notebooks as nb

TOP = Path(__file__).resolve().parent.parent
NBS = TOP / "nbs"
LESSONS = [p for p in nb.notebooks(TOP) if nb.is_lesson(p)]
SOUNDING = [
    p
    for p in nb.notebooks(TOP)
    if any(
        "<audio" in html
        for c in nb.read(p).cells
        for mime, html in nb._bundles(c)
        if mime == "text/html"
    )
]
PANELS = (
    "attack_explorer",
    "stft_explorer",
    "resynthesis",
    "augment_bench",
    "threshold_explorer",
    "confusion_explorer",
    "listening_test",
)
PHONE = 390  # pixels
GET_IT = "on Debian and Ubuntu: apt-get install chromium chromium-driver"


def name(path):
    return path.relative_to(NBS).as_posix()


# -- the browser


def programs():
    """The browser, its driver and selenium, or a skip that says what is missing and how to get it."""
    try:
        from selenium import webdriver
    except ImportError:
        pytest.skip('selenium is missing: pip install -c constraints.txt -e ".[dev]"')
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    driver = shutil.which("chromedriver")
    for what, found in (("chromium", chromium), ("chromedriver", driver)):
        if not found:
            pytest.skip(f"{what} is missing ({GET_IT})")
    return webdriver, chromium, driver


FLAGS = """--headless=new --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync
--disable-dev-shm-usage --mute-audio --autoplay-policy=no-user-gesture-required --window-size=1300,1000""".split()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium without a window, and without any host but this machine."""
    webdriver, chromium, driver = programs()
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        *FLAGS,
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(flag)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    found = webdriver.Chrome(
        options, Service(driver, env={**os.environ, "SE_OFFLINE": "true", "SE_AVOID_STATS": "true"})
    )
    found.set_script_timeout(150)
    yield found
    found.quit()


def asked(browser):
    """The addresses that pages asked for since the last call, those of the browser's own start page aside."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [
        e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"
    ]
    urls += [e["params"]["url"] for e in events if e["method"] == "Network.webSocketCreated"]
    return [u for u in urls if not u.startswith(("chrome:", "chrome-", "about:", "devtools:"))]


def complaints(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def until(what, found, seconds=10.0):
    """What `found` returns, once it is true."""
    end = time.perf_counter() + seconds
    while not (value := found()):
        assert time.perf_counter() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return value


TAB, ENTER, LEFT, RIGHT, END, HOME = (
    "\ue004\ue007\ue012\ue014\ue010\ue011"  # as WebDriver writes them
)


def keys(browser, *pressed):
    from selenium.webdriver import ActionChains

    ActionChains(browser, duration=0).send_keys(*pressed).perform()


# -- a page


# What Quarto's theme does with pictures, code and tables; the rest is the site's own style sheet.
THEME = "body{margin:0;font:17px/1.5 sans-serif}main{max-width:50em;margin:auto;padding:0 12px}img{max-width:100%;height:auto}pre{overflow-x:auto}"


def as_page(path):
    """A notebook as stored, as HTML with no script at all, its outputs in Quarto's class."""
    from nbconvert import HTMLExporter

    stored = nb.read(path)
    stored.cells = [c for c in stored.cells if not c.source.startswith("#| hide")]
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(stored)
    body = body.replace("output_subarea", "cell-output-display")
    styles = NBS / "styles.css"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{path.stem}</title>'
        f'<link rel="icon" href="data:,"><style>{THEME}{styles.read_text(encoding="utf-8") if styles.is_file() else ""}</style></head><body><main>{body}</main></body></html>'
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of pages, each made when first asked for; returns its address."""
    folder = tmp_path_factory.mktemp("site")

    def address(path):
        page = folder / f"{path.stem}.html"
        if not page.is_file():
            page.write_text(as_page(path), encoding="utf-8")
        return page.as_uri()

    return address


@contextlib.contextmanager
def as_phone(browser):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": PHONE, "height": 844, "deviceScaleFactor": 2, "mobile": False},
    )
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def at(browser, address):
    """Opens a page afresh; what it asks for is counted from here."""
    asked(browser), complaints(browser)
    browser.get(address)


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
Promise.all([...root.querySelectorAll('audio')].map(one)).then(done, e => done([{wrong: String(e)}]));
"""


def check_players(played):
    """Each was heard, as long and as loud as the sound that the page holds."""
    for p in played:
        assert not p["wrong"], f"{p.get('label')}: {p['wrong']}"
        x, rate = soundfile.read(
            io.BytesIO(base64.b64decode(p["src"].partition(",")[2])), always_2d=True
        )
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


@pytest.mark.parametrize("path", [NBS / "index.ipynb", LESSONS[0]], ids=name)
def test_a_click_on_play_plays(browser, site, path):
    """By hand, one after the other, as a reader would: the button at the left of each player."""
    from selenium.webdriver import ActionChains

    at(browser, site(path))
    players = [p for p in browser.find_elements("tag name", "audio") if p.is_displayed()]
    assert len(players) >= 5
    for player in players:
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", player)
        until(
            "the sound is read",
            lambda: browser.execute_script("return arguments[0].readyState > 1", player),
        )
        ActionChains(browser, duration=0).move_to_element_with_offset(
            player, 18 - player.size["width"] // 2, 0
        ).click().perform()
        until(
            f"{player.get_attribute('aria-label')} plays",
            lambda: browser.execute_script("return arguments[0].currentTime > 0", player),
        )
    keys(browser, " ")  # the last one has the focus: the space bar stops or starts it
    assert browser.switch_to.active_element == player


@pytest.mark.parametrize(
    "path", [p for p in LESSONS if "## Self-test" in p.read_text(encoding="utf-8")][:2], ids=name
)
def test_folds_open_by_keyboard(browser, site, path):
    """With the tabulator from fold to fold, and Enter; each option then shows its reason."""
    at(browser, site(path))
    folds = browser.find_elements("css selector", "main details")
    options = browser.execute_script(
        "return arguments[0].map(d => !d.className && d.innerText.trim())", folds
    )
    assert (
        len(folds) == len(re.findall(r"<details", as_page(path))) and sum(map(bool, options)) >= 12
    )
    browser.execute_script("arguments[0].focus()", folds[0].find_element("tag name", "summary"))
    for fold, option in zip(folds, options):
        for _ in range(40):  # links and players of an opened solution lie between
            if browser.execute_script(
                "return document.activeElement === arguments[0].querySelector('summary')", fold
            ):
                break
            keys(browser, TAB)
        else:
            raise AssertionError(f"the tabulator does not come to {option}")
        keys(browser, ENTER)
        until(f"{option} opens", lambda: browser.execute_script("return arguments[0].open", fold))
        if option:
            assert re.search(r"^(Yes|No)\b", fold.text.removeprefix(option).strip()), fold.text


WIDE = """
const wide = [...document.querySelectorAll('main .dl-player, main .dl-players, main .dl-widget, main .dl-widget table, main .dl-solution, main .dl-doors, main audio, main img, main details')]
  .filter(e => { const r = e.getBoundingClientRect(); return r.width && (r.right > innerWidth + 0.5 || r.left < -0.5); })
  .map(e => `${e.tagName} ${e.className} ${Math.round(e.getBoundingClientRect().width)} px: ${(e.alt || e.innerText || e.ariaLabel || '').slice(0, 60)}`);
return [innerWidth, document.scrollingElement.scrollWidth, wide];
"""


@pytest.mark.parametrize("path", [NBS / "index.ipynb", *LESSONS], ids=name)
def test_fits_on_a_phone(browser, site, path):
    with as_phone(browser):
        at(browser, site(path))
        browser.execute_script(
            "for (const fold of document.querySelectorAll('details')) fold.open = true"
        )
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
toys = load_drums("synth", n_kits=3, hits=1, seed=2)
hits, yes = [toys[i] for i in range(len(toys))], toys.labels == "cymbal"
five = [toys[int(np.flatnonzero(toys.labels == label)[0])] for label in LABELS]
rng = np.random.default_rng(1)
proba, p = rng.dirichlet(np.full(5, 0.7), len(toys)), np.clip(rng.normal(np.where(yes, 0.6, 0.4), 0.2), 0, 1)"""
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
    return [
        p
        for p in PANELS
        if cell.cell_type == "code"
        and not cell.source.startswith("#| hide")
        and re.search(rf"(?<![\w.])(?:\w+\.)?{p}\(", cell.source)
        and f"def {p}(" not in cell.source
    ]


class Lab:
    """JupyterLab on a copy of the notebooks, in the browser."""

    def __init__(self, browser, root, url):
        self.browser, self.root, self.url = browser, root, url

    def js(self, script, *given):
        return self.browser.execute_script(script, *given)

    def run(self, path, seconds=120):
        """Opens a notebook of the copy and runs all of its cells."""
        at(self.browser, f"{self.url}doc/tree/{path}?token=drums")
        ready = "const w = window.jupyterapp?.shell.currentWidget; return !!(w?.context?.isReady && w.sessionContext.session?.kernel?.status == 'idle')"
        until(f"{path} is open", lambda: self.js(ready), 60)
        self.browser.set_script_timeout(seconds)
        start = time.perf_counter()
        self.browser.execute_async_script(
            "const done = arguments[0]; window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => done(), e => done())"
        )
        until(f"{path} has run", lambda: self.js(ready), seconds)
        wrong = self.js(
            'return [...document.querySelectorAll(\'[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]\')].map(e => e.innerText)'
        )
        assert wrong == [], f"{path}: {wrong[0][-600:]}"
        return time.perf_counter() - start

    def panel(self, i):
        """The live panel below cell `i`."""
        find = "const n = window.jupyterapp.shell.currentWidget.content.widgets[arguments[0]].node.querySelector('.jp-OutputArea .widget-vbox'); return n && n.querySelector('[role=status]') && n.querySelector('img') && n"
        box = until(f"cell {i} shows a panel", lambda: self.js(find, i), 30)
        self.js("arguments[0].scrollIntoView({block: 'start'})", box)
        return Panel(self, box)


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(NBS, root / "nbs", ignore=shutil.ignore_patterns(".*", "_*"))
    own = {
        key: str(root / "own" / key.lower())
        for key in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
            "IPYTHONDIR",
            "DRUMLESSON_CACHE",
        )
    }
    for what, values in SETTINGS.items():
        file = Path(own["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", f"{what}.jupyterlab-settings")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    flags = [
        "--no-browser",
        "--ip=127.0.0.1",
        "--ServerApp.port=0",
        "--IdentityProvider.token=drums",
        f"--ServerApp.root_dir={root}",
        "--LabApp.news_url=None",
        "--LabApp.expose_app_in_browser=True",
    ]
    with open(root / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--allow-root", *flags],
            env={**os.environ, **own, "DRUMLESSON_MIRROR": "off", "TF_CPP_MIN_LOG_LEVEL": "3"},
            cwd=root,
            stdout=log,
            stderr=log,
        )
    try:

        def url():
            assert server.poll() is None, (root / "log").read_text()[-2000:]
            for file in Path(own["JUPYTER_RUNTIME_DIR"]).glob("jpserver-*.json"):
                with contextlib.suppress(ValueError, KeyError):
                    return json.loads(file.read_text())["url"]

        yield Lab(browser, root, until("JupyterLab has started", url, 60))
        browser.get("about:blank")
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


LOOK = "const b = arguments[0]; return [b.querySelector('[role=status]').innerText, b.querySelector('img').src, [...b.querySelectorAll('audio')].map(a => a.src)]"

# From the event of the key or the button to the frame that shows the new picture.
TIMED = """
const box = arguments[0], times = [];
let pressed = null, shown = box.querySelector('img').src;
for (const event of ['keydown', 'pointerdown']) document.addEventListener(event, () => { pressed ??= performance.now(); }, true);
new MutationObserver(() => {
  const img = box.querySelector('img');
  if (!img || img.src === shown || pressed === null) return;
  shown = img.src;
  const since = pressed;
  pressed = null;
  img.decode().catch(() => 0).then(() => requestAnimationFrame(() => times.push(performance.now() - since)));
}).observe(box, {subtree: true, childList: true, attributes: true});
box.times = times;
box.forget = () => { pressed = null; };
"""

CONTROLS = "[role=slider], .widget-toggle-button, .widget-button, audio, .widget-readout[contenteditable=true], input, select, textarea"


class Panel:
    """A panel in the browser: what it shows, and a hand on its controls."""

    def __init__(self, lab, box):
        self.lab, self.box = lab, box
        lab.js(TIMED, box)

    def look(self):
        return self.lab.js(LOOK, self.box)

    def find(self, css):
        return self.box.find_elements("css selector", css)

    def after(self, what, act):
        """What the panel shows after it was moved: its text has to change."""
        self.lab.js("arguments[0].forget()", self.box)
        before = self.look()
        act()
        until(f"{what} changes the text {before[0]!r}", lambda: self.look()[0] != before[0])
        now = until(
            "the rest follows",
            lambda: (one := self.look()) == (time.sleep(0.05) or self.look()) and one,
        )
        return Counter(
            text=now[0] != before[0], picture=now[1] != before[1], players=now[2] != before[2]
        )

    def slide(self, handle):
        """One step by an arrow key, to the left where it is at its end; then from end to end."""
        from selenium.webdriver import ActionChains

        def lies(which):
            return float(handle.get_attribute(f"aria-value{which}"))

        ActionChains(self.lab.browser, duration=0).move_to_element(handle).click().perform()
        assert self.lab.browser.switch_to.active_element == handle
        yield self.after(
            "an arrow key",
            lambda: keys(self.lab.browser, RIGHT if lies("now") < lies("max") else LEFT),
        )
        ends = ((END, "max"), (HOME, "min"))
        if (
            len(
                handle.find_elements(
                    "xpath", "ancestor::div[@class='noUi-base']//*[@role='slider']"
                )
            )
            == 2
        ):  # of a range: not onto the other handle, or all draws are alike
            ends = ends[:1] if "upper" in handle.get_attribute("class") else ends[1:]
        for (
            key,
            end,
        ) in ends:  # where it lands is not asserted: the slider's Home and End keep to the range that it had at first
            if lies("now") != lies(end):
                yield self.after(f"the key to its {end}", lambda: keys(self.lab.browser, key))

    def press(self, button):
        """By keyboard: focus, then the space bar."""
        self.lab.js("arguments[0].focus()", button)
        return self.after(f"the button {button.text!r}", lambda: keys(self.lab.browser, " "))

    def buttons(self):
        """One of each row of choices that is not chosen, then the first and the last other button."""
        for row in self.find(".widget-toggle-buttons"):
            yield row.find_elements("css selector", ".widget-toggle-button:not(.mod-active)")[0]
        others = self.find(".widget-button")
        yield from others[:1] + others[-1:]

    def unnamed(self):
        """Controls that a screen reader could not name."""
        return [
            f"{c.tag_name} {c.get_attribute('class')}"
            for c in self.find(CONTROLS)
            if c.is_displayed() and not c.accessible_name
        ]

    def move_all(self):
        """Every slider, and buttons of each kind, once: text, picture and players change, and what then stands there plays."""
        changed = Counter()
        for button in self.buttons():
            changed += self.press(button)
        for handle in self.find("[role=slider]:not([disabled])"):
            for moved in self.slide(handle):
                assert moved["picture"], "a slider leaves the picture as it is"
                changed += moved
        assert all(changed[what] for what in ("text", "picture", "players")), changed
        check_players(self.lab.browser.execute_async_script(PLAY, self.box, True))
        return self.lab.js("return arguments[0].times", self.box)

    def told(self, what, capsys):
        times = self.lab.js("return arguments[0].times", self.box)
        with capsys.disabled():
            print(
                f"\n{what}: from the key to the changed picture {np.median(times):.0f} ms (median of {len(times)}; most {max(times):.0f} ms)"
            )


@pytest.fixture(scope="module")
def made_up(lab):
    """A notebook with a cell for each panel, run."""
    only(
        [new_code_cell(MADE_UP), *(new_code_cell(f"{p}({GIVEN.get(p, 'five')})") for p in PANELS)],
        lab.root / "nbs" / "panels.ipynb",
    )
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
    panel = made_up.panel(1)
    handle, browser = panel.find("[role=slider]")[0], made_up.browser
    made_up.js("arguments[0].focus()", panel.find(".widget-toggle-button")[-1])
    keys(browser, TAB)
    assert browser.switch_to.active_element == handle
    keys(browser, HOME)
    until("the text follows", lambda: ", 0 to " in panel.look()[0])
    before, start = float(handle.get_attribute("aria-valuenow")), time.perf_counter()
    keys(browser, *RIGHT * 20)
    until(
        "the text says where the window is",
        lambda: f", {before + 20:.0f} to " in panel.look()[0],
        10,
    )
    with capsys.disabled():
        print(f"\n20 arrow keys at once: shown after {1000 * (time.perf_counter() - start):.0f} ms")
    assert (
        browser.switch_to.active_element == handle
        and float(handle.get_attribute("aria-valuenow")) == before + 20
    )


def test_only_this_machine_is_asked(made_up):
    assert [
        u
        for u in asked(made_up.browser)
        if not re.match(r"data:|blob:|(http|ws)://127\.0\.0\.1:", u)
    ] == []


TRAINED = """from drumlesson import DrumClassifier
from drumlesson.drums import load_drums
model = DrumClassifier(epochs=60, patience=1).fit(load_drums("synth", n_kits=8, hits=2, seed=1))
assert len(model.history_) < 60"""


def test_training_leaves_one_line(lab):
    """Stopped early, as most trainings are: the bar is gone, not left behind in red."""
    only([new_code_cell(TRAINED)], lab.root / "nbs" / "training.ipynb")
    lab.run("nbs/training.ipynb")
    left = lab.js(
        "return [...document.querySelectorAll('.jp-OutputArea-output')].filter(e => e.offsetHeight > 2).map(e => e.innerText.trim())"
    )
    assert len(left) == 1 and left[0].startswith("dense: ") and "\n" not in left[0], left


def test_a_lesson(lab, capsys):
    """Lesson 02, run as far as its last panel: each of them reacts."""
    path = next(p for p in LESSONS if p.name.startswith("02_"))
    cells = nb.read(path).cells
    live = [(i, p) for i, c in enumerate(cells) for p in calls(c)]
    assert live, f"{path.name} makes no panel"
    only(cells[: live[-1][0] + 1], lab.root / "nbs" / path.name)
    seconds = lab.run(f"nbs/{path.name}")
    with capsys.disabled():
        print(f"\n{path.name} to its last panel: {seconds:.0f} s")
    for i, which in live:
        panel = lab.panel(i)
        panel.move_all()
        panel.told(f"{path.name}, {which}", capsys)
    assert [
        u for u in asked(lab.browser) if not re.match(r"data:|blob:|(http|ws)://127\.0\.0\.1:", u)
    ] == []

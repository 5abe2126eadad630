"""In a real browser: the page that names drums, over a network and from a disk."""

import base64
import csv
import re
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from browsing import ENTER, PHONE, TAB, as_phone, asked, at, complaints, keys, served, start, until
from readers import needs_axe, preferring, serious

from drumlesson import load
from drumlesson.audio import SR
from drumlesson.dev import page
from drumlesson.drums import load_drums
from drumlesson.labelling import LabelTable, _columns, label_files

TOP = Path(__file__).resolve().parent.parent
PAGES = ("name_a_drum", "index")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages as they can be made without Quarto, served; the address they are at."""
    folder = tmp_path_factory.mktemp("site")
    page.build(TOP, folder)
    for picture in (TOP / "nbs" / "site").glob("*.png"):
        shutil.copy(picture, folder / "site")
    for name in PAGES:
        text = page.still(TOP / "nbs" / f"{name}.ipynb")
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium, in which a page may have the microphone as soon as it asks."""
    found = start(tmp_path_factory.mktemp("profile"), "--use-fake-ui-for-media-stream")
    yield found
    found.quit()


@pytest.fixture(scope="module")
def drums():
    """Three synthesised kits."""
    return load_drums("synth", n_kits=3, hits=1, random_state=12)


@pytest.fixture(scope="module")
def files(drums, tmp_path_factory):
    """The same as files of several kinds and rates, each named after its number."""
    folder = tmp_path_factory.mktemp("drums")
    kinds = ((SR, "wav"), (44100, "flac"), (48000, "wav"), (48000, "ogg"))
    paths = []
    for i, x in enumerate(drums.waves[:8]):
        rate, ending = kinds[i % len(kinds)]
        path = folder / f"{i}.{ending}"
        soundfile.write(path, np.clip(soxr.resample(x, SR, rate), -1, 1), rate)
        paths.append(path)
    return paths


class Ear:
    """The place on a page that names drums."""

    def __init__(self, browser, address):
        self.browser = browser
        at(browser, address)
        ready = "return document.querySelector('.dl-ear')?.dataset.ready"
        until("the page is awake", lambda: browser.execute_script(ready), 60)

    def js(self, script, *args):
        """What a script returns, in which `ear` is the place."""
        return self.browser.execute_script(
            f"const ear = document.querySelector('.dl-ear'); {script}", *args
        )

    def button(self, text):
        """A button by its text."""
        found = self.browser.find_elements("css selector", ".dl-ear button")
        return next((b for b in found if text in (b.text, b.accessible_name)), None)

    def status(self):
        """What is said of what goes on."""
        return self.js("return ear.querySelector('[role=status]').textContent")

    def choose(self, paths):
        """Gives files to the page, and waits until they are named."""
        given = self.browser.find_element("css selector", ".dl-ear input[type=file]")
        given.send_keys("\n".join(map(str, paths)))
        until("all are named", lambda: self.status().startswith("Named"), 120)

    def say_nothing(self):
        """Takes away what is said, so that the next that is said can be waited for."""
        self.js("ear.querySelector('[role=status]').textContent = ''")

    def rows(self):
        """What the table shows, from its top: path, label, reason, bars."""
        rows = self.js("""
            const text = (row, part) => row.querySelector(part)?.textContent ?? '';
            return [...ear.querySelectorAll('tbody tr')].map(row => ({
              path: text(row, 'td span'),
              label: text(row, '.dl-ear-label'),
              why: text(row, '.dl-ear-why'),
              seen: row.querySelectorAll('canvas').length,
              bars: [...row.querySelectorAll('.dl-ear-bar')].map(
                bar => Number(bar.style.getPropertyValue('--share'))),
            }));""")
        return rows


DOWNLOADED = """
const done = arguments[arguments.length - 1], save = arguments[0];
const make = URL.createObjectURL;
URL.createObjectURL = blob => { blob.text().then(done); return make.call(URL, blob); };
save.click();
URL.createObjectURL = make;
"""
DROP = """
const [place, name, letters] = arguments;
const bytes = Uint8Array.from(atob(letters), letter => letter.charCodeAt(0));
const transfer = new DataTransfer();
transfer.items.add(new File([bytes], name));
const told = {dataTransfer: transfer, bubbles: true, cancelable: true};
for (const kind of ['dragover', 'drop']) place.dispatchEvent(new DragEvent(kind, told));
"""


def stays_here(browser, address):
    """The addresses asked for since a page was opened that are not its own."""
    own = re.compile(rf"data:|blob:|file:|{re.escape(address)}/")
    return [url for url in asked(browser) if not own.match(url)]


# -- files


def test_files_are_named_as_in_the_package(browser, site, files, capsys):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    began = time.perf_counter()
    ear.choose(files)
    took = time.perf_counter() - began
    rows = ear.rows()
    shipped = load()
    labels = shipped.predict(files, unsure=True)
    assert [row["path"] for row in rows] == [path.name for path in files]
    assert [row["label"] for row in rows] == labels.tolist()
    assert [row["why"] for row in rows] == shipped.doubts(files).tolist()
    assert all(row["seen"] == 1 for row in rows)
    bars = np.array([row["bars"] for row in rows])
    theirs = np.column_stack([shipped.predict_proba(files), shipped.outside_proba(files)])
    is_at_our_rate = np.array([i % 4 == 0 for i in range(len(files))])
    off = np.abs(bars - theirs).max(axis=1)
    with capsys.disabled():
        print(
            f"\n{len(files)} files in {took:.2f} s; at our rate, probabilities differ by", end=" "
        )
        print(f"{off[is_at_our_rate].max():.2g}, else by {off[~is_at_our_rate].max():.2g}")
    assert off[is_at_our_rate].max() < 1e-3
    assert off.max() < 2e-3, "another filter changes rates, and another hand decodes OGG"
    assert stays_here(browser, site) == [] and complaints(browser) == []


def test_a_file_is_dropped(browser, site, files):
    ear = Ear(browser, f"{site}/index.html")
    place = browser.find_element("css selector", ".dl-ear-drop")
    letters = base64.b64encode(files[0].read_bytes()).decode()
    browser.execute_script(DROP, place, "dropped.wav", letters)
    until("it is named", lambda: ear.status().startswith("Named"), 60)
    (row,) = ear.rows()
    assert row["path"] == "dropped.wav"
    assert row["label"] == load().predict(files[:1], unsure=True)[0]
    assert stays_here(browser, site) == [] and complaints(browser) == []


def test_what_is_no_hit_is_told(browser, site, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(SR), SR)
    (tmp_path / "text.wav").write_text("no sound at all" * 10)
    (tmp_path / "empty.wav").touch()
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.choose(sorted(tmp_path.glob("*.wav")))
    (row,) = ear.rows()
    assert (row["path"], row["label"]) == ("silence.wav", "not a drum") and "silent" in row["why"]
    status = ear.status()
    assert "1 of 3" in status and "text.wav: cannot be read" in status and "empty.wav" in status
    assert status.endswith("and whole?"), "one mark at its end"


def test_a_name_is_put_right_and_the_package_goes_on_with_the_table(browser, site, files):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.choose(files)
    before = ear.rows()
    *_, last = browser.find_elements("css selector", ".dl-ear tbody tr select")
    last.send_keys("cow")
    until("it is shown", lambda: ear.rows()[-1]["label"] == "cowbell")
    assert ear.rows()[-1]["why"] == f"by hand; the model said {before[-1]['label']}"
    text = browser.execute_async_script(DOWNLOADED, ear.button("Save as CSV"))
    assert ear.status() == f"labels.csv saved: {len(files)} sounds."
    table = files[0].parent / "labels.csv"
    table.write_bytes(text.encode())
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == _columns(1)
    assert [row["label"] for row in rows[:-1]] == [row["label"] for row in before[:-1]]
    assert (rows[-1]["label"], rows[-1]["why"]) == ("cowbell", "by hand")
    places = [str(path) for path in files]
    with LabelTable(table) as held:
        named = list(label_files(places, table=held))
    assert named[-1]["label"] == "cowbell" and named[-1]["why"] == "by hand"
    assert [row["digest"] for row in named] == [row["digest"] for row in rows]
    assert [row["model"] for row in named] == [row["model"] for row in rows]
    assert [row["probability"] for row in named[::4]] == [row["probability"] for row in rows[::4]]


def test_sounds_play_one_at_a_time(browser, site, files):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.choose(files[:2])
    first, second = (ear.button(f"Play {path.name}") for path in files[:2])
    pressed = "return arguments[0].getAttribute('aria-pressed') === 'true'"
    first.click()
    second.click()
    assert not browser.execute_script(pressed, first)
    until("it comes to its end", lambda: not browser.execute_script(pressed, second))
    assert complaints(browser) == []


# -- by keyboard, on a phone, for all


def test_keyboard_alone(browser, site, files):
    """With the tabulator to every control, in the order in which they stand; Enter clears."""
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.choose(files[:1])
    first = browser.find_element("css selector", ".dl-ear button")
    browser.execute_script("arguments[0].focus()", first)
    names = []
    for _ in range(8):
        names.append(browser.switch_to.active_element.accessible_name)
        keys(browser, TAB)
    assert names == [
        "Choose files",
        "Choose a folder",
        "Use the microphone",
        "Try a drummed example",
        "Play 0.wav",
        "Your name for 0.wav",
        "Save as CSV",
        "Clear",
    ]
    browser.execute_script("arguments[0].focus()", ear.button("Clear"))
    keys(browser, ENTER)
    assert ear.rows() == []


WIDE = "return [innerWidth, document.scrollingElement.scrollWidth]"


@pytest.mark.parametrize("name", PAGES)
def test_fits_on_a_phone(browser, site, files, name):
    with as_phone(browser):
        ear = Ear(browser, f"{site}/{name}.html")
        ear.choose(files[:3])
        inner, scroll = browser.execute_script(WIDE)
    assert inner == PHONE and scroll <= PHONE


MOVING = "return document.getAnimations({subtree: true}).length"


def test_nothing_moves_where_that_is_asked_for(browser, site, files):
    with preferring(browser, "reduced-motion", "reduce"):
        ear = Ear(browser, f"{site}/name_a_drum.html")
        ear.choose(files[:1])
        assert browser.execute_script(MOVING) == 0
        names = "return getComputedStyle(arguments[0], '::before').animationName"
        bar = browser.find_element("css selector", ".dl-ear-bar")
        assert browser.execute_script(names, bar) == "none"
    assert browser.execute_script(names, bar) == "dl-ear-grow"


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_axe(browser, site, files, scheme):
    with preferring(browser, "color-scheme", scheme):
        ear = Ear(browser, f"{site}/name_a_drum.html")
        ear.choose(files[:2])
        assert serious(browser, ".dl-ear") == []
        ear.js("ear.querySelector('select').ariaLabel = null")
        assert any("select-name" in line for line in serious(browser, ".dl-ear"))


ONE_AT_A_TIME = """
const audio = document.body.appendChild(document.createElement('audio'));
let paused = 0;
audio.pause = () => { paused += 1; };
const play = ear.querySelector('.dl-ear-play');
const told = [];
const tell = () => told.push([paused, play.getAttribute('aria-pressed')]);
play.click();
tell();
audio.dispatchEvent(new Event('play'));
tell();
return told;
"""


def test_one_sound_plays_at_a_time(browser, site, files):
    """Those of the lesson around it, which are players of the browser, among them."""
    ear = Ear(browser, f"{site}/index.html")
    ear.choose(files[:1])
    assert ear.js(ONE_AT_A_TIME) == [[1, "true"], [1, "false"]]


DROP_FOLDER = (
    """
const wrapped = file => ({isFile: true, fullPath: `/kit/${file.name}`, file: done => done(file)});
const entries = [new File(['read me'], 'read.me'), new File(['a page'], 'page.html')].map(wrapped);
const pieces = [entries, []];
const folder = {createReader: () => ({readEntries: done => done(pieces.shift())})};
DataTransferItem.prototype.webkitGetAsEntry = () => folder;
"""
    + DROP
)


def test_of_a_dropped_folder_only_sounds_are_taken(browser, site):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    place = browser.find_element("css selector", ".dl-ear-drop")
    browser.execute_script(DROP_FOLDER, place, "kit", "")
    until("it is told", lambda: ear.status() == "No sound is in that folder.")
    assert ear.rows() == []


# -- from a disk


def unpacked(folder):
    """The address of the page by itself, unpacked in a folder."""
    packed = page.offline(TOP, folder / "page.zip")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return (folder / "name_a_drum" / "index.html").as_uri()


def test_the_page_works_from_a_disk(browser, files, tmp_path):
    """Opened as a file: no server, no network."""
    ear = Ear(browser, unpacked(tmp_path))
    ear.choose(files[:2])
    labels = load().predict(files[:2], unsure=True)
    assert [row["label"] for row in ear.rows()] == labels.tolist()
    assert stays_here(browser, "file://") == [] and complaints(browser) == []


# -- what a reader does in a hurry


def float_wav(path, x):
    """A file of floats, which may hold what is no number."""
    soundfile.write(path, np.asarray(x, np.float32), SR, "FLOAT")
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_told_as_the_package_does(browser, site, tmp_path, value):
    x = np.ones(4000)
    x[200] = value
    ear = Ear(browser, f"{site}/index.html")
    ear.choose([float_wav(tmp_path / "odd.wav", x)])
    assert ear.status() == (
        "Named: 0 of 1. odd.wav: holds NaN or infinite samples: export it again as 16- or 24-bit "
        "PCM."
    )
    assert ear.rows() == []


def test_clear_ends_what_is_being_named(browser, site, files):
    """What was begun before does not come back into the empty table."""
    ear = Ear(browser, f"{site}/name_a_drum.html")
    given = ear.browser.find_element("css selector", ".dl-ear input[type=file]")
    given.send_keys("\n".join(map(str, [*files, *files, *files])))
    until("some are named", lambda: len(ear.rows()) >= 3, 60)
    assert not ear.status().startswith("Named"), "too late: all are named"
    ear.button("Clear").click()
    time.sleep(1)
    assert ear.rows() == [] and ear.status() == ""
    ear.choose(files[:2])
    assert len(ear.rows()) == 2


def test_an_example_that_is_asked_for_twice_comes_once(browser, site):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.js(
        "const [b] = [...ear.querySelectorAll('button')].filter(one =>"
        " one.textContent.startsWith('Try')); b.click(); b.click();"
    )
    until("it is written down", lambda: ear.status().startswith("Written down"), 120)
    time.sleep(0.5)
    assert [row["path"] for row in ear.rows() if row["path"]] == ["a drummed example"]


def test_a_drop_beside_the_place_does_not_leave_the_page(browser, site):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    kept = ear.js("""
        const transfer = new DataTransfer();
        transfer.items.add(new File(['x'], 'a.wav'));
        const told = {dataTransfer: transfer, bubbles: true, cancelable: true};
        return ['dragover', 'drop'].map(kind => {
          const event = new DragEvent(kind, told);
          document.querySelector('main').dispatchEvent(event);
          return event.defaultPrevented;
        });""")
    assert kept == [True, True]
    assert ear.rows() == []

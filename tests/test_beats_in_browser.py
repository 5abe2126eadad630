"""In a real browser: a beat that is dropped becomes a grid that plays, a table, and files."""

import base64
import contextlib
import re
import time

import numpy as np
import pytest
import soundfile
import soxr
from browsing import ENTER, PHONE, as_phone, complaints, keys, until
from conftest import toy_groove
from readers import needs_axe, preferring, serious
from test_page_in_browser import (
    MOVING,
    WIDE,
    Ear,
    browser,
    drums,
    files,
    site,
    stays_here,
    unpacked,
)

from drumlesson.audio import SR
from drumlesson.drums import load_drums
from drumlesson.groove import DRUMS
from drumlesson.midi import read_midi, read_notes
from drumlesson.rendering import drum_kits, render
from drumlesson.transcribing import transcribe

__all__ = ["browser", "drums", "files", "site"]  # fixtures
pytestmark = pytest.mark.filterwarnings("ignore:.*something beside drums sounds")
RIGHT, DOWN, HOME = "\ue014", "\ue015", "\ue011"


@pytest.fixture(scope="module")
def beat(tmp_path_factory):
    """Six seconds of a synthesised beat, in stereo, as a file."""
    kits = drum_kits(load_drums("synth", n_kits=2, hits=2, random_state=21))
    x = render(toy_groove(2, 6.0), kits[0], kits, 2).x
    path = tmp_path_factory.mktemp("beats") / "my beat.wav"
    higher = soxr.resample(0.9 * x / np.abs(x).max(), SR, 44100)
    soundfile.write(path, np.stack([higher, 0.8 * higher], axis=1), 44100)
    return path


class Beat(Ear):
    """The place on a page, when a beat is written down there."""

    def write_down(self, paths):
        """Gives files to the page, and waits until their beats are written down."""
        given = self.browser.find_element("css selector", ".dl-ear input[type=file]")
        given.send_keys("\n".join(map(str, paths)))
        self.wait()

    def wait(self):
        until("it is written down", lambda: "Written down" in self.status(), 120)

    def label(self):
        """What is said of the newest row."""
        return self.js("return ear.querySelector('.dl-ear-label').textContent")

    def hits(self):
        """The hits of the grid: drum and second of each, in the order of time."""
        names = self.js("""return [...ear.querySelectorAll('.dl-beat-hit')]
            .map(hit => hit.getAttribute('aria-label'))""")
        found = [re.fullmatch(r"(\w+) at ([\d.]+) s, (\d+)", name).groups() for name in names]
        return sorted((float(second), drum, int(hard)) for drum, second, hard in found)

    def saved(self, text):
        """What is saved when a button is pressed, as bytes."""
        letters = self.browser.execute_async_script(SAVED, self.button(text))
        return base64.b64decode(letters)


SAVED = """
const done = arguments[arguments.length - 1], save = arguments[0];
const make = URL.createObjectURL;
URL.createObjectURL = blob => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result.split(',')[1]);
  reader.readAsDataURL(blob);
  return make.call(URL, blob);
};
save.click();
URL.createObjectURL = make;
"""
BEATS = "[...document.scripts].filter(script => /beats[.]js$/.test(script.src)).length"


def almost(hits, groove):
    """Whether all hits but few are those of the package, at the same moment."""
    times = np.round(groove.times, 2).tolist()
    theirs = set(zip(times, groove.labels.tolist(), strict=True))
    ours = {(second, drum) for second, drum, _ in hits}
    return len(ours ^ theirs) <= 0.03 * len(theirs) + 1


# -- from a file to a grid


def test_a_beat_becomes_a_grid(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    assert ear.js(f"return {BEATS}") == 0
    ear.write_down([beat])
    assert ear.js(f"return {BEATS}") == 1
    groove, hits = transcribe(beat), ear.hits()
    assert almost(hits, groove) and len(hits) > 10
    assert ear.label().startswith(f"a beat: {len(hits)} hits in 6.0 s: kick")
    rows = ear.js("""return [...ear.querySelectorAll('.dl-beat-line .dl-beat-drum')]
        .map(name => name.textContent)""")
    assert rows == ["cymbal", "hihat", "snare", "tom", "kick", "other", "seconds"]
    lines = ear.js("return ear.querySelectorAll('details .dl-beat-table tbody tr').length")
    assert lines == len(hits)
    assert stays_here(browser, site) == [] and complaints(browser) == []


def test_what_is_saved_can_be_read_by_the_package(browser, site, beat, tmp_path):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    hits = ear.hits()
    table, midi = tmp_path / "beat.csv", tmp_path / "beat.mid"
    table.write_bytes(ear.saved("Save the hits as CSV"))
    midi.write_bytes(ear.saved("Save as MIDI"))
    for groove in (read_notes(table), read_midi(midi)):
        notes = sorted(zip(groove.labels.tolist(), groove.times, groove.velocities, strict=True))
        seen = sorted((drum, second, hard) for second, drum, hard in hits)
        assert [(drum, hard) for drum, _, hard in notes] == [(drum, hard) for drum, _, hard in seen]
        seconds = [second for _, second, _ in seen]
        np.testing.assert_allclose([second for _, second, _ in notes], seconds, atol=0.006)
    assert ear.status() == f"my beat.mid saved: {len(hits)} hits."


def test_hits_among_beats_are_named_as_ever(browser, site, beat, files):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([files[0], beat, files[1]])
    assert ear.status() == "Named: 2 of 2. Written down: 1 beat."
    ear.button("Clear").click()
    assert ear.hits() == []


def test_the_other_way_can_be_taken(browser, site, beat, tmp_path):
    """A beat is named as one hit, and written down again; a short sound is written down as well."""
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    before = ear.hits()
    ear.button("Play the recording").click()
    ear.button("Name as one hit: my beat.wav").send_keys(ENTER)
    until("it is named", lambda: not ear.hits())
    assert browser.switch_to.active_element.accessible_name == "Play my beat.wav"
    assert ear.js("return ear.querySelectorAll('.dl-ear-plays').length") == 0
    assert ear.js("return ear.querySelectorAll('tbody tr').length") == 1
    ear.button("Transcribe as a beat: my beat.wav").click()
    until("it is written down", lambda: len(ear.hits()) == len(before), 60)
    x, sr = soundfile.read(beat)
    soundfile.write(tmp_path / "short.wav", x[: round(1.5 * sr)], sr)
    ear.choose([tmp_path / "short.wav"])
    ear.button("Transcribe as a beat: short.wav").click()
    until("it is written down", lambda: len(ear.hits()) > len(before), 60)
    assert complaints(browser) == []


def test_what_is_no_music_is_told(browser, site, tmp_path):
    soundfile.write(tmp_path / "long.wav", np.zeros(61 * SR), SR)
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.choose([tmp_path / "long.wav"])
    assert ear.rows()[0]["label"] == "not a drum" and "61 s" in ear.rows()[0]["why"]


def test_the_example_is_written_down(browser, site):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.button("Try a drummed example").click()
    ear.wait()
    assert {drum for _, drum, _ in ear.hits()} >= {"kick", "snare", "hihat"}
    assert {drum for _, drum, _ in ear.hits()} <= set(DRUMS)
    assert complaints(browser) == []


@contextlib.contextmanager
def without_the_script(browser):
    """The script for beats cannot be fetched."""
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*beats.js"]})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})


def test_a_hit_that_cannot_be_written_down_stays(browser, site, beat, tmp_path):
    x, sr = soundfile.read(beat)
    soundfile.write(tmp_path / "short.wav", x[: round(1.5 * sr)], sr)
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.choose([tmp_path / "short.wav"])
    before = ear.rows()
    with without_the_script(browser):
        ear.button("Transcribe as a beat: short.wav").click()
        until("it is told", lambda: "cannot be fetched" in ear.status())
    assert ear.rows() == before and len(before) == 1
    ear.button("Transcribe as a beat: short.wav").click()
    until("it is written down", ear.hits, 60)
    complaints(browser)


def test_a_script_that_cannot_be_fetched_is_told(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    with without_the_script(browser):
        ear.choose([beat])
        assert "0 of 1" in ear.status() and "cannot be fetched" in ear.status()
    ear.write_down([beat])
    assert ear.hits()
    complaints(browser)


# -- it plays


def pressed(browser, button):
    """Whether a button says that it plays."""
    return browser.execute_script(
        "return arguments[0].getAttribute('aria-pressed') === 'true'", button
    )


@pytest.mark.parametrize("text", ["Play the recording", "Play what was heard"])
def test_it_plays_and_hits_are_lit(browser, site, beat, text):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    play = ear.button(text)
    play.click()
    lit = "return ear.querySelectorAll('.dl-beat-lit').length"
    until("a hit is lit", lambda: ear.js(lit) > 0, 6)
    assert pressed(browser, play)
    cursor = "return ear.querySelector('.dl-beat-cursor')"
    first = ear.js(f"{cursor}.getBoundingClientRect().left")
    assert not ear.js(f"{cursor}.hidden")
    until("the cursor moves", lambda: ear.js(f"{cursor}.getBoundingClientRect().left") > first + 5)
    play.click()
    assert not pressed(browser, play)
    assert ear.js(lit) == 0 and ear.js(f"{cursor}.hidden")
    assert complaints(browser) == []


def test_it_comes_to_its_end(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    play = ear.button("Play the recording")
    play.click()
    until("it ends", lambda: not pressed(browser, play), 15)
    assert ear.js("return ear.querySelector('.dl-beat-cursor').hidden")


def test_a_hit_is_heard_by_a_click(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    ear.js("""
        window.heard = [];
        const start = AudioBufferSourceNode.prototype.start;
        AudioBufferSourceNode.prototype.start = function () {
          window.heard.push(this.buffer.duration);
          return start.call(this);
        };
        ear.querySelector('.dl-beat-hit').click();""")
    (seconds,) = ear.js("return window.heard")
    assert 0.02 < seconds <= 1
    assert complaints(browser) == []


def test_the_page_stays_awake(browser, site, tmp_path, capsys):
    """While a minute is written down the page goes on answering; how long that takes is told."""
    kits = drum_kits(load_drums("synth", n_kits=2, hits=2, random_state=21))
    x = render(toy_groove(2, 60.0), kits[0], kits, 2).x
    soundfile.write(tmp_path / "minute.wav", 0.9 * x / np.abs(x).max(), SR)
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.js("""
        window.longest = 0;
        let last = performance.now();
        const tick = () => {
          const now = performance.now();
          window.longest = Math.max(window.longest, now - last);
          last = now;
          window.ticking = setTimeout(tick, 5);
        };
        tick();""")
    began = time.perf_counter()
    ear.write_down([tmp_path / "minute.wav"])
    took = time.perf_counter() - began
    longest = ear.js("clearTimeout(window.ticking); return window.longest")
    with capsys.disabled():
        print(f"\na minute: {took:.1f} s; the page waited {longest:.0f} ms at most")
    assert longest < 1000 * took / 3


# -- by keyboard, on a phone, for all


LEFT_ALONE = """
const told = {key: 'ArrowRight', altKey: true, bubbles: true, cancelable: true};
return document.activeElement.dispatchEvent(new KeyboardEvent('keydown', told));
"""
STOPS = "return ear.querySelectorAll('.dl-beat-hit[tabindex=\"0\"]').length"


def test_arrow_keys_lead_from_hit_to_hit(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    assert ear.js(STOPS) == 1, "one stop of the tabulator for all of them"
    ear.js("ear.querySelector('.dl-beat-hit[tabindex=\"0\"]').focus()")
    second = re.compile(r"at ([\d.]+) s")

    def now():
        return browser.switch_to.active_element.accessible_name

    first = now()
    keys(browser, RIGHT)
    assert float(second.search(now())[1]) >= float(second.search(first)[1]) and now() != first
    keys(browser, DOWN)
    rows = ["cymbal", "hihat", "snare", "tom", "kick", "other"]
    assert now().split()[0] in rows
    keys(browser, HOME)
    assert now() == first
    assert ear.js(LEFT_ALONE), "with Alt, the browser goes back or on"
    ear.js("ear.querySelectorAll('.dl-beat-hit')[5].focus()")  # as a click does
    keys(browser, RIGHT)
    assert ear.js(STOPS) == 1, "none is left where the focus was before"


def test_it_fits_on_a_phone(browser, site, beat):
    with as_phone(browser):
        ear = Beat(browser, f"{site}/name_a_drum.html")
        ear.write_down([beat])
        inner, scroll = browser.execute_script(WIDE)
        ear.button("Play the recording").click()
        moved = "return ear.querySelector('.dl-beat-scroll').scrollLeft"
        until("what is heard stays in sight", lambda: ear.js(moved) > 0, 8)
    assert inner == PHONE and scroll <= PHONE


def test_nothing_moves_where_that_is_asked_for(browser, site, beat):
    with preferring(browser, "reduced-motion", "reduce"):
        ear = Beat(browser, f"{site}/name_a_drum.html")
        ear.write_down([beat])
        ear.button("Play the recording").click()
        lit = "return ear.querySelectorAll('.dl-beat-lit').length"
        until("a hit is lit", lambda: ear.js(lit) > 0, 6)
        shown = "return getComputedStyle(ear.querySelector('.dl-beat-cursor')).display"
        assert ear.js(shown) == "none" and browser.execute_script(MOVING) == 0
    assert ear.js(shown) == "block"


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_axe(browser, site, beat, scheme):
    with preferring(browser, "color-scheme", scheme):
        ear = Beat(browser, f"{site}/name_a_drum.html")
        ear.write_down([beat])
        ear.js("ear.querySelector('details').open = true")
        assert serious(browser, ".dl-ear") == []
        ear.js("ear.querySelector('.dl-beat-hit').removeAttribute('aria-label')")
        assert any("button-name" in line for line in serious(browser, ".dl-ear"))


def test_it_works_from_a_disk(browser, beat, tmp_path):
    ear = Beat(browser, unpacked(tmp_path))
    ear.write_down([beat])
    assert almost(ear.hits(), transcribe(beat))
    assert stays_here(browser, "file://") == [] and complaints(browser) == []

"""In a real browser: the microphone under "Name a drum", and one that is not to be had."""

import json

import numpy as np
import pytest
import soundfile
from browsing import complaints, start, until
from test_page_in_browser import Ear, browser, drums, site

from drumlesson import load
from drumlesson.audio import SR

__all__ = ["browser", "drums", "site"]  # fixtures


@pytest.fixture
def with_microphone(tmp_path_factory):
    """Starts Chromium with further flags; each is ended with its test."""
    opened = []

    def begin(*flags):
        profile = tmp_path_factory.mktemp("profile")
        opened.append(start(profile, "--use-fake-device-for-media-stream", *flags))
        return opened[-1]

    yield begin
    for one in opened:
        one.quit()


def test_hits_are_heard_by_the_microphone(with_microphone, site, drums, tmp_path):
    """A file stands in for the microphone: four hits, a second apart."""
    some = [drums.waves[i][: SR // 2] for i in (0, 3, 6, 9)]
    x = np.zeros(6 * SR, np.float32)
    for i, hit in enumerate(some):
        begin = (i + 1) * SR
        x[begin : begin + len(hit)] = 0.6 * hit / np.abs(hit).max()
    heard = tmp_path / "heard.wav"
    soundfile.write(heard, x, SR, "PCM_16")
    browser = with_microphone(
        "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={heard}%noloop"
    )
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.button("Use the microphone").click()
    until("it listens", lambda: ear.button("Stop the microphone"), 20)
    until("four hits are heard", lambda: len(ear.rows()) >= 4, 60)
    ear.button("Stop the microphone").click()
    until("it is off", lambda: "off" in ear.status())
    rows = ear.rows()[::-1]  # the newest is on top
    assert [row["path"] for row in rows] == [f"microphone {i}" for i in (1, 2, 3, 4)]
    proba = load().predict_proba(some)
    for row, p in zip(rows, proba, strict=True):
        assert np.argmax(row["bars"][:5]) == np.argmax(p), (row, p)
    assert complaints(browser) == []


def test_a_refusal_is_a_sentence(with_microphone, site):
    browser = with_microphone("--deny-permission-prompts")
    ear = Ear(browser, f"{site}/index.html")
    ear.button("Use the microphone").click()
    until("it is told", lambda: "was refused" in ear.status(), 20)
    assert ear.button("Use the microphone").get_attribute("aria-pressed") == "false"


def test_the_microphone_is_asked_for_once(browser, site):
    """A second press while the reader is asked would open one that no button ends."""
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.js("""
        window.asked = 0;
        navigator.mediaDevices.getUserMedia = () => {
          window.asked += 1;
          return new Promise(() => {});
        };""")
    button = ear.button("Use the microphone")
    button.click()
    button.click()
    assert ear.js("return window.asked") == 1


def test_a_microphone_that_cannot_be_heard_is_switched_off(browser, site):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.js("""
        window.given = new AudioContext().createMediaStreamDestination().stream;
        navigator.mediaDevices.getUserMedia = () => Promise.resolve(window.given);
        AudioWorklet.prototype.addModule = () => Promise.reject(new Error('no worklet.'));""")
    ear.button("Use the microphone").click()
    until("it is told", lambda: ear.status() == "The microphone cannot be used: no worklet.")
    assert ear.js("return window.given.getTracks().map(track => track.readyState)") == ["ended"]


def test_processing_of_speech_is_switched_off(browser, site):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.js("""
        window.wanted = null;
        navigator.mediaDevices.getUserMedia = wanted => {
          window.wanted = wanted;
          return Promise.reject(new DOMException('none', 'NotFoundError'));
        };""")
    ear.button("Use the microphone").click()
    until("it is told", lambda: "No microphone" in ear.status())
    wanted = json.loads(ear.js("return JSON.stringify(window.wanted.audio)"))
    assert wanted == dict.fromkeys(
        ["echoCancellation", "noiseSuppression", "autoGainControl"], False
    )


def test_a_microphone_that_goes_away_is_told(with_microphone, site):
    browser = with_microphone("--use-fake-ui-for-media-stream")
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.js("""
        const all = navigator.mediaDevices, get = all.getUserMedia.bind(all);
        all.getUserMedia = async (asked) => (window.given = await get(asked));""")
    ear.button("Use the microphone").click()
    until("it listens", lambda: ear.button("Stop the microphone"), 20)
    ear.js("window.given.getTracks()[0].dispatchEvent(new Event('ended'))")
    until("it is told", lambda: "The microphone is gone" in ear.status())
    assert ear.button("Use the microphone").get_attribute("aria-pressed") == "false"
    assert complaints(browser) == []

"""The site's scripts and looks in a real browser, on pages made without Quarto (tests/pages.py)."""

import time
from functools import partial

import pytest
from browsing import OPEN_FOLDS, PHONE, as_phone, asked_elsewhere, at, complaints, keys, until

SHOWN = [
    "index",
    "11_command_line",
    "00_drums",
    "02_attack_phase",
    "04_dense",
    "08_lessons_learned",
]
ESCAPE = "\ue00c"


def dressed(browser):
    """The buttons of a page, once the script has made them."""
    find = partial(browser.find_elements, "css selector", "button.dl-play")
    return until("players are dressed", find)


PLAYING = """
return [...document.querySelectorAll('audio')].filter(a => !a.paused)
  .map(a => [a.getAttribute('aria-label'), a.volume, a.muted]);
"""
LONGER = "for (const a of document.querySelectorAll('audio')) a.loop = true"


def test_one_sound_at_a_time(browser, address):
    at(browser, address("index"))
    first, second, *_ = dressed(browser)
    browser.execute_script(LONGER)
    for button in (first, second):
        name = button.accessible_name.removeprefix("play ")
        button.click()
        alone = [[name, 1, False]]
        until(f"{name} alone plays", lambda: browser.execute_script(PLAYING) == alone)  # noqa: B023
        assert button.accessible_name == f"stop {name}"
    browser.execute_script("arguments[0].focus()", second)
    keys(browser, " ")
    until("the space bar stops it", lambda: browser.execute_script(PLAYING) == [])
    assert first.accessible_name.startswith("play ")
    assert complaints(browser) == [] and asked_elsewhere(browser) == []


STOPPED_AT_ONCE = """
const [button, done] = arguments;
button.closest('figure').querySelector('audio').load(); // so that it cannot begin at once
button.click();
button.click();
setTimeout(() => done(button.isConnected), 500);
"""


def test_a_sound_can_be_stopped_before_it_begins(browser, address):
    at(browser, address("index"))
    button, *_ = dressed(browser)
    assert browser.execute_async_script(STOPPED_AT_ONCE, button), "it is still dressed"
    assert browser.execute_script(PLAYING) == [] and complaints(browser) == []


INK = """
return [...document.querySelectorAll('.dl-dressed')].map(figure => {
  const canvas = figure.querySelector('canvas');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const ink = data.filter((value, i) => i % 4 === 3 && value > 0).length;
  const said = figure.querySelector('.dl-peak')?.innerText;
  return [ink, said, figure.querySelector('audio').checkVisibility()];
}).slice(0, 5);
"""


def test_players_show_what_they_hold(browser, address):
    at(browser, address("00_drums"))
    button, *_ = dressed(browser)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    drawn = partial(browser.execute_script, INK)
    until("five waveforms are drawn", lambda: all(ink and said for ink, said, _ in drawn()))
    for _, said, native in drawn():
        assert said.startswith("peak −") and said.endswith(" dB") and not native
    players = browser.find_element("css selector", ".dl-players")
    assert players.text.count(" kit, synthesised") == 5 and "synth-" not in players.text
    left, right = button.rect["width"], button.rect["height"]
    assert left == right >= 44  # pixels: round, and large enough for a finger


def test_without_the_script_players_are_native(browser, address):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        at(browser, address("index"))
        native = browser.find_elements("css selector", "audio[controls]")
        assert len(native) >= 5 and all(player.is_displayed() for player in native)
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


class Word:
    """A word of the glossary on a page, and the notes that are shown."""

    def __init__(self, browser, address, page, anchor):
        address("glossary")  # made, so that it can be read
        at(browser, address(page))
        dressed(browser)
        self.browser = browser
        self.link = browser.find_element("css selector", f'main a[href="glossary.html#{anchor}"]')
        self.notes = partial(browser.find_elements, "css selector", "[role=tooltip]")

    def focus(self):
        """Gives it the focus; the note that is shown."""
        self.browser.execute_script("arguments[0].focus()", self.link)
        return self.note()

    def note(self):
        """The note, once it is shown."""
        (note,) = until("the note is shown", self.notes)
        return note

    def point_to(self, element=None, y=0):
        """Moves the pointer to the word, or to an element, or so far below it."""
        from selenium.webdriver import ActionChains

        pointer = ActionChains(self.browser, duration=50)
        pointer.move_to_element_with_offset(element or self.link, 0, y).perform()

    def is_left(self):
        """Waits until no note is shown."""
        until("the note is gone", lambda: not self.notes())


def test_a_word_of_the_glossary_explains_itself(browser, address):
    kit = Word(browser, address, "00_drums", "kit")
    note = kit.focus()
    assert note.text.startswith("kit\n") and len(note.text) > 20
    assert kit.link.get_attribute("aria-describedby") == note.get_attribute("id")
    keys(browser, ESCAPE)
    kit.is_left()


def test_a_word_in_capitals_explains_itself(browser, address):
    note = Word(browser, address, "01_audio_basics", "MFCC").focus()
    assert note.text.startswith("MFCC\n") and len(note.text) > 20


ONCE_OFFLINE = """
const real = window.fetch;
window.failed = 0;
window.fetch = async (...args) => {
  if (window.failed || !String(args[0]).includes("glossary.html")) return real(...args);
  setTimeout(() => window.failed++);
  throw new TypeError("offline");
};
"""


def test_a_note_can_be_reached_and_is_asked_for_again_where_that_failed(browser, address):
    kit = Word(browser, address, "00_drums", "kit")
    browser.execute_script(ONCE_OFFLINE)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", kit.link)
    kit.point_to()
    until("it was asked for", partial(browser.execute_script, "return window.failed"))
    assert kit.notes() == []
    kit.point_to(y=200)
    kit.point_to()  # sooner than a note would be gone
    note = kit.note()
    kit.point_to(note)
    time.sleep(0.6)  # twice what a pointer may take
    assert kit.notes() == [note]
    kit.point_to(y=-200)
    kit.is_left()


def test_a_note_stays_with_the_focus(browser, address):
    kit = Word(browser, address, "00_drums", "kit")
    kit.focus()
    kit.point_to()
    kit.point_to(y=200)
    time.sleep(0.6)
    assert len(kit.notes()) == 1
    browser.execute_script("arguments[0].blur()", kit.link)
    kit.is_left()


GROUND = "return getComputedStyle(document.body).backgroundColor"


@pytest.mark.parametrize("name", SHOWN)
def test_fits_on_a_phone_by_day_and_night(browser, address, name):
    grounds = []
    with as_phone(browser):
        at(browser, address(name))
        for mode in ("light", "dark"):
            browser.execute_script(f"document.body.className = 'quarto-{mode}'")
            browser.execute_script(OPEN_FOLDS)
            width = browser.execute_script("return document.scrollingElement.scrollWidth")
            assert width <= PHONE
            grounds.append(browser.execute_script(GROUND))
    assert grounds == ["rgb(253, 252, 250)", "rgb(22, 17, 29)"]
    assert complaints(browser) == [] and asked_elsewhere(browser) == []

"""In a real browser: the table under "Name a drum", as somebody uses it for the first time."""

import contextlib

import pytest
from browsing import as_phone, complaints, until
from test_beats_in_browser import Beat, beat
from test_page_in_browser import DOWNLOADED, Ear, browser, drums, files, site

from drumlesson import load

__all__ = ["beat", "browser", "drums", "files", "site"]  # fixtures
pytestmark = pytest.mark.filterwarnings("ignore:.*something beside drums sounds")


def test_the_newest_choice_is_on_top_in_its_own_order(browser, site, files):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.choose(files[:3])
    ear.say_nothing()
    ear.choose(files[3:5])
    assert [row["path"] for row in ear.rows()] == [files[i].name for i in (3, 4, 0, 1, 2)]


def test_the_models_own_name_can_be_chosen_again(browser, site, files):
    from selenium.webdriver.support.select import Select

    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.choose(files[:1])
    (before,) = ear.rows()
    choice = Select(browser.find_element("css selector", ".dl-ear tbody select"))
    choice.select_by_visible_text("cowbell")
    until("it is shown", lambda: ear.rows()[0]["label"] == "cowbell")
    choice.select_by_visible_text(before["label"])
    until("it is as it was", lambda: ear.rows() == [before])


def test_bars_answer_two_questions(browser, site, files):
    ear = Ear(browser, f"{site}/name_a_drum.html")
    ear.choose(files[:1])
    asked_for = ear.js("""return [...ear.querySelectorAll('.dl-ear-bars p')].map(
        p => [p.textContent, p.nextElementSibling.querySelectorAll('li').length])""")
    classes = len(load().classes_)
    assert asked_for == [["if it is one of these:", classes], ["is it none of them?", 1]]


def test_the_small_form_leads_to_the_page(browser, site, files):
    ear = Ear(browser, f"{site}/index.html")
    link = browser.find_element("css selector", ".dl-ear a")
    assert not link.is_displayed(), "nothing was named"
    ear.choose(files[:1])
    assert link.is_displayed() and "Save, folders, beats" in ear.js("return ear.innerText")
    link.click()
    until("the page is there", lambda: browser.current_url.endswith("/name_a_drum.html"))


GAPS = """
const box = name => [...ear.querySelectorAll('.dl-ear-below button')]
  .find(button => button.textContent === name).getBoundingClientRect();
const [save, clear] = [box('Save as CSV'), box('Clear')];
return Math.max(clear.left - save.right, clear.top - save.bottom);
"""
RINGED = """
const box = part => ear.querySelector(part).getBoundingClientRect();
const ring = 5; // pixels from a control to the outer edge of what shows its focus
return [box('.dl-ear-choice').top - box('.dl-ear-why').bottom >= ring,
  box('td span').left - box('.dl-ear-play').right >= ring];
"""


@pytest.mark.parametrize("narrow", [False, True])
def test_buttons_keep_their_distance(browser, site, files, narrow):
    with as_phone(browser) if narrow else contextlib.nullcontext():
        ear = Ear(browser, f"{site}/name_a_drum.html")
        ear.choose(files[:1])
        assert ear.js(GAPS) >= 12
        assert ear.js(RINGED) == [True, True]


# -- beats in it


PARTS = """return ['thead', 'caption span', '.dl-ear-below > button'].map(
  part => ear.querySelector(part).offsetParent !== null)"""


def test_the_table_of_sounds_holds_no_beat(browser, site, beat, files):
    """Headings, the hint at names, and saving are there as soon as there is a single sound."""
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    assert ear.js(PARTS) == [False] * 3
    assert "none is listed" in ear.js("return ear.querySelector('.dl-ear-below').innerText")
    ear.choose(files[:1])
    assert ear.js(PARTS) == [True] * 3
    assert "none is listed" not in ear.js("return ear.querySelector('.dl-ear-below').innerText")
    text = browser.execute_async_script(DOWNLOADED, ear.button("Save as CSV"))
    assert files[0].name in text and "my beat.wav" not in text
    assert ear.status() == "labels.csv saved: 1 sound."


SHADOW = "return getComputedStyle(ear.querySelector('.dl-beat-hit'), '::before').boxShadow"


def test_a_mark_is_lit_while_it_sounds(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    assert ear.js(SHADOW) == "none"
    lit = ear.js(f"ear.querySelector('.dl-beat-hit').click(); {SHADOW}")
    assert lit != "none"
    until("it is dark again", lambda: ear.js(SHADOW) != lit)
    assert complaints(browser) == []


CUT_NAMES = """return [...ear.querySelectorAll('.dl-beat-drum')]
  .filter(name => name.scrollWidth > name.clientWidth).map(name => name.textContent)"""
ROOM = """
const hit = ear.querySelector('.dl-beat-hit');
hit.style.setProperty('--at', 0);
const name = hit.closest('.dl-beat-line').querySelector('.dl-beat-drum');
return hit.getBoundingClientRect().left - name.getBoundingClientRect().right;
"""


def test_a_mark_at_the_beginning_is_whole(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    assert ear.js(CUT_NAMES) == []
    assert ear.js(ROOM) >= 4, "its light has room as well"


AT_THE_END = """
const cursor = ear.querySelector('.dl-beat-cursor');
cursor.hidden = false;
const track = ear.querySelector('.dl-beat-track').getBoundingClientRect();
return [[0, track.left], [1, track.right]].map(([at, there]) => {
  cursor.style.setProperty('--at', at);
  return Math.abs(cursor.getBoundingClientRect().left - there);
});
"""


def test_the_cursor_goes_over_the_tracks(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    assert max(ear.js(AT_THE_END)) < 1.5


def test_a_button_that_plays_keeps_its_width(browser, site, beat):
    ear = Beat(browser, f"{site}/name_a_drum.html")
    ear.write_down([beat])
    play = ear.button("Play the recording")
    before = play.rect
    play.click()
    assert play.get_attribute("aria-pressed") == "true" and play.rect == before
    play.click()

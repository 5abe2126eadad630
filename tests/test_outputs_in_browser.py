"""In a real browser: what cells printed in columns keeps its lines on a phone, and is scrolled."""

import pytest
from browsing import PHONE, as_phone, at, complaints, keys, until
from selenium.webdriver import Keys

OUTPUTS = """
const outputs = [...document.querySelectorAll('.cell-output pre')];
return outputs.map(e => ({
  text: e.textContent, inColumns: e.classList.contains('dl-columns'), tab: e.tabIndex,
  isWider: e.scrollWidth > e.clientWidth, isWrapped: getComputedStyle(e).whiteSpace !== 'pre',
}));
"""
TABLE = "padded before, not after"
SENTENCES = "A fixed-length vector beats a sequence model"
FOCUS = "document.querySelector('.dl-columns[tabindex=\"0\"]').focus()"
SCROLLED = "return document.activeElement.scrollLeft"
WIDTHS = "return [innerWidth, document.scrollingElement.scrollWidth]"


def output(browser, start):
    """The one output whose text holds some words."""
    [found] = [each for each in browser.execute_script(OUTPUTS) if start in each["text"]]
    return found


@pytest.fixture
def phone(browser, address):
    with as_phone(browser):
        at(browser, address("05_recurrent"))
        yield browser


def test_a_table_is_scrolled_sideways_and_sentences_wrap(phone):
    table, sentences = output(phone, TABLE), output(phone, SENTENCES)
    assert table["inColumns"] and table["isWider"] and not table["isWrapped"]
    assert not sentences["inColumns"] and not sentences["isWider"] and sentences["isWrapped"]
    inner, wide = phone.execute_script(WIDTHS)
    assert wide <= inner <= PHONE and complaints(phone) == []


def test_keys_scroll_what_is_wider_than_the_page(phone):
    for each in phone.execute_script(OUTPUTS):
        assert (each["tab"] == 0) == (each["inColumns"] and each["isWider"]), each["text"]
    phone.execute_script(FOCUS)
    keys(phone, Keys.ARROW_RIGHT)
    until("the table is scrolled", lambda: phone.execute_script(SCROLLED) > 0)


def test_on_a_wide_page_nothing_asks_for_the_focus(browser, address):
    at(browser, address("05_recurrent"))
    table = output(browser, TABLE)
    assert table["inColumns"] and table["tab"] == -1 and not table["isWider"]


def test_keys_reach_tables_that_a_narrower_page_cannot_hold(browser, address):
    """After a turn of the phone, too: it is the width of now that counts."""
    told = """return [...document.querySelectorAll('main table')].map(
      e => [e.scrollWidth > e.clientWidth + 1, e.tabIndex]);"""
    at(browser, address("05_recurrent"))
    assert {tab for _, tab in browser.execute_script(told)} == {-1}
    with as_phone(browser):
        until("wide ones can be reached", lambda: [True, 0] in browser.execute_script(told))
        for is_wider, tab in browser.execute_script(told):
            assert (tab == 0) == is_wider
    until("none asks any more", lambda: {t for _, t in browser.execute_script(told)} == {-1})


@pytest.mark.parametrize("page", ["04_dense", "02_attack_phase"])
def test_a_link_to_a_section_leads_there(browser, address, page):
    """Panels, players and questions are higher than what stood in their places."""
    at(browser, f"{address(page)}#exercises")
    asleep = "return document.querySelectorAll('figure[data-panel]:not([data-awake])').length"
    until("all panels move", lambda: browser.execute_script(asleep) == 0, 60)
    top = "return document.getElementById('exercises').getBoundingClientRect().top"
    until("the section is on top", lambda: abs(browser.execute_script(top)) < 150)

"""The panels of the lessons in a real browser: moved by keyboard, on a desk and on a phone."""

import contextlib
from functools import partial

import pytest
from browsing import (
    ENTER,
    HOME,
    PHONE,
    RIGHT,
    as_phone,
    asked_elsewhere,
    at,
    complaints,
    keys,
    until,
)
from test_lesson_panels import IN_LESSONS

KINDS = ("rate", "filter", "peaks", "kits", "leak", "attention", "split")
UP, DELETE = "\ue013", "\ue017"
AWAKE = "return document.querySelectorAll('figure[data-awake=true]').length"
MOVED = "input[type=range], input[type=number], input[type=radio]:checked, button"
CONTROLS = f"""
const figure = document.querySelector(`figure[data-panel=${{arguments[0]}}]`);
return [...figure.querySelectorAll('.dl-controls :is({MOVED})')];
"""
SHOWN = """
const figure = document.querySelector(`figure[data-panel=${arguments[0]}]`);
return figure.querySelector('[role=status]').textContent
  + figure.querySelector('.dl-drawing').innerHTML;
"""
NAMELESS = """
return [...document.querySelectorAll('.dl-live-panel .dl-drawing')]
  .filter(drawing => !(drawing.getAttribute('aria-label') || '').includes('.')).length
  + [...document.querySelectorAll('.dl-live-panel :is(input, button)')]
  .filter(one => !(one.labels?.length || one.ariaLabel || one.textContent)).length;
"""
WIDTH = "return document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def page(browser, address):
    """Opens the page that has a panel of each kind, and waits until all can be moved."""

    def opened():
        at(browser, address("reference/lesson_panels"))
        until("all panels are live", lambda: browser.execute_script(AWAKE) == len(KINDS))
        return browser

    return opened


def presses(control):
    """Keys that move a control, one of which must have an effect."""
    if control.tag_name == "button":
        return [ENTER]
    of_kind = {"number": [UP], "range": [HOME, RIGHT], "radio": [RIGHT]}
    return of_kind[control.get_attribute("type")]


def moves(browser, kind, control):
    """Whether a panel shows something else once its control is moved by keys."""
    shown = partial(browser.execute_script, SHOWN, kind)
    browser.execute_script("arguments[0].focus()", control)
    seen = {shown()}
    for key in presses(control):
        keys(browser, key)
        browser.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
        )
        seen.add(shown())
    return len(seen) > 1


@pytest.mark.parametrize("wide", [True, False], ids=["desk", "phone"])
def test_every_control_moves_its_panel_by_keyboard(page, wide):
    driver = page()
    with contextlib.nullcontext() if wide else as_phone(driver):
        assert driver.execute_script(WIDTH) <= driver.execute_script("return innerWidth")
        assert wide or driver.execute_script(WIDTH) <= PHONE
        for kind in KINDS:
            controls = driver.execute_script(CONTROLS, kind)
            assert len(controls) >= 2, kind
            still = [control for control in controls if not moves(driver, kind, control)]
            names = {control.accessible_name for control in still}
            assert names <= {"edge"}, f"{kind}: the filter that is set already may stay"
        assert driver.execute_script(NAMELESS) == 0
        assert complaints(driver) == [] and asked_elsewhere(driver) == []


STILL = "return document.querySelectorAll('figure[data-panel]:not([data-awake])').length"


@pytest.mark.parametrize("lesson", IN_LESSONS)
def test_panels_of_a_lesson_wake_and_fit_on_a_phone(browser, address, lesson):
    with as_phone(browser):
        at(browser, address(lesson))
        until("all panels are live", lambda: browser.execute_script(STILL) == 0)
        live = f"figure[data-panel={IN_LESSONS[lesson]}][data-awake=true] svg"
        assert browser.find_elements("css selector", live)
        assert browser.execute_script(WIDTH) <= PHONE
        assert complaints(browser) == []


def test_live_text_is_that_of_the_stored_figure(page):
    """Woken, a panel says first what the stored figure said."""
    driver = page()
    stored = "return fetch(location.href).then(answer => answer.text())"
    html = driver.execute_script(stored)
    for kind in KINDS:
        figure = driver.find_element("css selector", f"figure[data-panel={kind}]")
        text = figure.find_element("css selector", "[role=status]").text
        assert f"<p>{text}</p>" in html and len(text) > 40


FIELDS = "return [...document.querySelectorAll('.dl-nine input')].map(input => input.value)"
PRESSED = """
const pressed = document.querySelectorAll('[data-panel=filter] .dl-button[aria-pressed=true]');
return [...pressed].map(button => button.textContent);
"""


def test_a_field_of_the_filter_shows_the_weight_that_is_used(page):
    driver = page()
    figure = driver.find_element("css selector", "figure[data-panel=filter]")
    caption = figure.find_element("css selector", "figcaption").text
    assert caption.endswith("Here you can change: weights, below 0, pooling.")
    assert "below 0" in figure.find_element("css selector", ".dl-legend").text
    assert driver.execute_script(PRESSED) == ["edge"]
    field, other = figure.find_elements("css selector", ".dl-nine input")[:2]
    driver.execute_script("arguments[0].select()", field)
    keys(driver, "99")
    assert driver.execute_script(FIELDS)[0] == "9" and driver.execute_script(PRESSED) == []
    driver.execute_script("arguments[0].select()", field)
    keys(driver, DELETE)
    assert driver.execute_script(FIELDS)[0] == ""
    driver.execute_script("arguments[0].focus()", other)
    assert driver.execute_script(FIELDS)[0] == "9"
    assert complaints(driver) == []

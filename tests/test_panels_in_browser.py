"""In a real browser: every panel of a page is moved by keyboard, and says what Python says."""

from functools import partial

import pytest
from browsing import (
    ENTER,
    PHONE,
    TAB,
    as_phone,
    asked,
    asked_elsewhere,
    at,
    complaints,
    keys,
    until,
)
from readers import needs_axe, serious

from drumlesson.audio import SR
from drumlesson.course.panels import attack_explorer, augment_bench, stft_explorer
from drumlesson.drums import load_drums

LEFT, RIGHT = "\ue012", "\ue014"
DOWN, END = "\ue015", "\ue010"
PAGE = "reference/panels"
KINDS = ["attack", "stft", "augment", "threshold", "confusion", "listening"]
AWAKE = """
const figures = [...document.querySelectorAll('figure[data-panel]')];
return figures.every(figure => figure.dataset.awake) && figures.map(figure => figure.dataset.panel);
"""


class Figure:
    """A panel on a page, asked and moved as a reader would."""

    def __init__(self, browser, kind):
        self.browser = browser
        self.kind = kind
        script = "arguments[0].scrollIntoView({block: 'center'})"
        browser.execute_script(script, self.find("figcaption"))

    def find(self, css):
        return self.browser.find_element("css selector", f"[data-panel={self.kind}] {css}")

    @property
    def text(self):
        return self.find("[role=status]").text

    @property
    def alt(self):
        return self.find("[role=img]").get_attribute("aria-label")

    def press(self, css, *pressed):
        """Gives a control the focus, presses keys, and waits for another text."""
        before = self.text
        self.browser.execute_script("arguments[0].focus()", self.find(css))
        keys(self.browser, *pressed)
        until(f"{self.kind} follows {css}", lambda: self.text != before)
        assert self.alt.endswith(self.text)
        return self.text


@pytest.fixture(params=[1280, PHONE])
def page(request, browser, address):
    """The page of all panels, awake, wide and on a phone."""
    if request.param == PHONE:
        with as_phone(browser):
            yield opened(browser, address(PAGE))
    else:
        yield opened(browser, address(PAGE))


def opened(browser, place):
    at(browser, place)
    kinds = until("all panels are awake", partial(browser.execute_script, AWAKE), 60)
    assert kinds == KINDS
    return browser


def fits(browser):
    """No sound is missing, nothing is wider than the page, and nothing was complained of."""
    inner, wide = browser.execute_script(
        "return [innerWidth, document.scrollingElement.scrollWidth]"
    )
    assert wide <= inner
    assert complaints(browser) == [] and asked_elsewhere(browser) == []


@pytest.fixture(scope="module")
def five():
    """The hits that the page's panels show."""
    drums = load_drums("synth", n_kits=8, hits=1, random_state=4)
    return [drums[i] for i in range(5)]


def test_attack(page, five):
    figure, panel = Figure(page, "attack"), attack_explorer(five)
    assert figure.text == panel.set(hit=1, start=0, length=20).text
    figure.press("fieldset input:checked", RIGHT)
    figure.press(".dl-slider:nth-of-type(1) input", *[RIGHT] * 7)
    figure.press(".dl-slider:nth-of-type(2) input", RIGHT)
    settled = panel.set(hit=2, start=7, length=50).text
    until("it says what Python says", lambda: figure.text == settled)
    names = [b.text for b in page.find_elements("css selector", "[data-panel=attack] figure b")]
    assert names == ["7 to 57 ms", "the hit"]
    assert figure.find("button.dl-play").accessible_name == "play 7 to 57 ms"
    assert "At " not in figure.press(".dl-slider:nth-of-type(1) input", END)
    latest = int(len(five[2].x) / SR * 1000) - 2
    assert figure.find(".dl-slider output").text == str(latest)
    tops = [figure.find(css).rect["y"] for css in (".dl-players", ".dl-told", ".dl-drawing")]
    if page.execute_script("return innerWidth") <= PHONE:
        assert tops == sorted(tops), "on a phone the players come first"
    fits(page)


def test_stft(page, five):
    figure, panel = Figure(page, "stft"), stft_explorer(five)
    figure.press("fieldset input:checked", LEFT)
    figure.press(".dl-slider input", LEFT, LEFT)
    until("it says", lambda: figure.text == panel.set(hit=2, window=512, hop_length=256).text)
    figure.press("fieldset:last-of-type input:checked", RIGHT)
    assert figure.text == panel.set(top=4).text
    picture = figure.find("image").get_attribute("href")
    assert picture.startswith("data:image/png") and len(picture) > 2000
    fits(page)


def test_augment(page, five):
    """The notebook left it at a room, which the page has not: it begins with the first it has."""
    figure, panel = Figure(page, "augment"), augment_bench(five)
    assert figure.text.startswith("Speed(semitones=(-2, 2)), draw 3")
    figure.press("fieldset:nth-of-type(2) input:checked", RIGHT)
    assert figure.text == panel.set(hit=1, augmentation="Gain", draw=3).text
    figure.press(".dl-range input", RIGHT)
    figure.press(".dl-controls > .dl-slider input", RIGHT)
    until("it says", lambda: figure.text == panel.set(amount=(-11, 6), draw=4).text)
    fits(page)


def test_threshold(page):
    figure = Figure(page, "threshold")
    assert figure.text.startswith("Threshold 0.60: ")
    assert figure.press(".dl-slider input", RIGHT).startswith("Threshold 0.61: ")
    fits(page)


def test_confusion(page):
    """Arrow keys move among the cells; the players stay with the cell whose clips are stored."""
    figure = Figure(page, "confusion")
    assert figure.text.startswith("kick, said to be cymbal: 1 of 8 hits. Clip 1: ")
    assert figure.find(".dl-players figure").is_displayed()
    assert figure.find(".dl-legend").text.splitlines() == [
        "kick, the true one",
        "cymbal, said instead",
        "the others",
    ]
    assert figure.find("figcaption .dl-live").text == (
        "Here the panel is live. Only the cell kick, said to be cymbal, has its clips here. "
        "A running notebook plays those of any cell."
    )
    figure.press("button[aria-pressed=true]", DOWN)
    assert figure.text == "snare, said to be cymbal: 0 of 8 hits."
    assert page.switch_to.active_element.get_attribute("aria-pressed") == "true"
    assert not figure.find(".dl-players figure").is_displayed()
    figure.press("button[aria-pressed=true]", LEFT, LEFT)
    assert figure.text.startswith("snare, said to be snare: 8 of 8 hits, of which 6 are shown.")
    assert figure.find(".dl-legend").text.splitlines() == ["snare, said and true", "the others"]
    fits(page)


def test_recorded_mistakes_are_linked_under_a_sentence_that_counts_them(browser, address):
    at(browser, address("04_dense"))
    awake = "return document.querySelector('[data-panel=confusion]').dataset.awake"
    until("the panel is awake", partial(browser.execute_script, awake), 60)
    figure = Figure(browser, "confusion")
    count = figure.find(".dl-live-panel > div:last-child > p")
    links = len(browser.find_elements("css selector", "[data-panel=confusion] .dl-player a"))
    assert count.is_displayed() and count.text.startswith(f"The first {links} of ")
    note = figure.find("figcaption .dl-live").text
    assert "as links: they are recorded" in note
    figure.press("button[aria-pressed=true]", LEFT)
    assert not count.is_displayed()


PLAYED = """
return document.querySelector('[data-panel=listening] audio').played.length > 0;
"""
COLOURS = """
const figure = document.querySelector('[data-panel=listening]');
const of = (css, name) => getComputedStyle(figure.querySelector(css))[name];
return [of('circle', 'fill'), of('.dl-legend .dl-ink', 'backgroundColor'), of('.dl-told', 'color')];
"""


def test_listening(page):
    """Taken to its end by keyboard; an answer before the first clip was heard is not taken."""
    figure = Figure(page, "listening")
    n = int(figure.text.split(" of ")[1].split(",")[0])
    assert n >= 20
    told = figure.press(".dl-choice button", ENTER)
    assert told.startswith(f"Play the clip first. Clip 1 of {n}") and "So far" not in told
    assert figure.find(".dl-player").rect["y"] < figure.find(".dl-choice").rect["y"]
    assert figure.press("button.dl-play", ENTER).startswith(f"Clip 1 of {n}")
    for turn in range(1, n + 1):
        assert figure.text.startswith(f"Clip {turn} of {n}, the first ")
        name = figure.find(".dl-player b").text
        assert name.startswith(f"clip {turn} of {n}: the first ")
        told = figure.press(".dl-choice button", ENTER)  # each is said to be a kick
        assert told.startswith((f"Right, clip {turn} of {n} is a kick.", f"No, clip {turn} of {n}"))
        assert page.switch_to.active_element.text == "Next clip"
        figure.press(".dl-choice button:last-of-type", ENTER)
        if turn < n:
            until("the next clip plays", lambda: page.execute_script(PLAYED))
    assert figure.text.startswith("That was the last clip. So far ")
    assert len(page.find_elements("css selector", "[data-panel=listening] circle")) == 4
    assert len(set(page.execute_script(COLOURS))) == 1, "the reader's curve has the text's colour"
    assert f"you, {n} answers" in figure.find(".dl-legend").text
    fits(page)


def test_the_tabulator_comes_to_every_control(browser, address):
    opened(browser, address(PAGE))
    figure = Figure(browser, "attack")
    first = figure.find("fieldset input:checked")
    browser.execute_script("arguments[0].focus()", first)
    seen = []
    for _ in range(4):
        keys(browser, TAB)
        seen.append(browser.switch_to.active_element.accessible_name)
    assert seen[0].startswith("Start (ms)") and seen[1].startswith("Length (ms)")
    assert seen[2:] == ["play 0 to 20 ms", "play the hit"]


def test_the_sound_of_a_moved_panel_plays(browser, address):
    opened(browser, address(PAGE))
    figure = Figure(browser, "attack")
    figure.press(".dl-slider input", RIGHT, RIGHT)
    browser.execute_script("arguments[0].focus()", figure.find("button.dl-play"))
    playing = "return [...document.querySelectorAll('audio')].filter(a => a.played.length).length"
    keys(browser, ENTER)
    until("the window plays", lambda: browser.execute_script(playing) == 1)
    assert complaints(browser) == []


def test_the_caption_says_what_can_be_moved_here(browser, address):
    opened(browser, address(PAGE))
    told = Figure(browser, "attack").find("> figcaption").text
    assert told.endswith("Here you can change: hit, start (ms), length (ms).")


def test_without_scripts_the_still_figures_stay(browser, address):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        at(browser, address(PAGE))
        for kind in KINDS:
            figure = browser.find_element("css selector", f"[data-panel={kind}]")
            assert figure.find_element("tag name", "img").is_displayed()
            assert "In a running notebook" in figure.text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


BROKEN = """
const [done, html] = [arguments[1], arguments[0]];
document.body.insertAdjacentHTML('beforeend', `<div id="broken">${html}</div>`);
const place = document.querySelector('#broken');
import('./site/panels.js').then(async ({awakenPanels}) => {
  const before = place.innerHTML;
  await awakenPanels(place);
  done(place.innerHTML === before);
});
"""


@pytest.mark.parametrize(
    "attributes",
    ['data-panel="unheard"', 'data-panel="attack" data-facts="{"', 'data-panel="attack"'],
    ids=["no such module", "no JSON", "no sounds"],
)
def test_a_figure_that_cannot_be_moved_stays_still(browser, address, attributes):
    at(browser, address("glossary"))
    html = f"<figure {attributes}><img alt='still'><figcaption>As it was.</figcaption></figure>"
    assert browser.execute_async_script(BROKEN, html)
    log = [entry["message"] for entry in browser.get_log("browser")]
    assert sum("stays still" in line for line in log) == 1


def test_a_page_without_panels_loads_no_module_of_one(browser, address):
    at(browser, address("glossary"))
    addresses = []

    def is_loaded():
        addresses.extend(asked(browser))
        return any(url.endswith("site/panels.js") for url in addresses)

    until("the script of panels is loaded", is_loaded)
    assert [url for url in [*addresses, *asked(browser)] if "panel_" in url] == []


@needs_axe
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_serious_finding_of_axe(browser, address, mode):
    opened(browser, address(PAGE))
    browser.execute_script(f"document.body.className = 'quarto-{mode}'")
    assert serious(browser, "[data-panel]") == []

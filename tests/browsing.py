"""A real browser: it is started, opens pages, and tells what they asked for."""

import contextlib
import json
import os
import re
import shutil
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

PHONE = 390  # pixels
GET_IT = "on Debian and Ubuntu: apt-get install chromium chromium-driver"
OPEN_FOLDS = "for (const fold of document.querySelectorAll('details')) fold.open = true"


def programs():
    """selenium, the browser and its driver, or a skip that says what is missing."""
    try:
        from selenium import webdriver
    except ImportError:
        pytest.skip('selenium is missing: pip install -c constraints.txt -e ".[dev]"')
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    chromium = next(filter(None, found), None)
    driver = shutil.which("chromedriver")
    for what, program in (("chromium", chromium), ("chromedriver", driver)):
        if not program:
            pytest.skip(f"{what} is missing ({GET_IT})")
    return webdriver, chromium, driver


FLAGS = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1300,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def start(profile, *more):
    """Chromium without a window, and without any host but this machine; further flags of its own.

    `profile` is an empty folder.
    """
    webdriver, chromium, driver = programs()
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, *more, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    env = {**os.environ, "SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    found = webdriver.Chrome(options, Service(driver, env=env))
    found.set_script_timeout(150)
    return found


OWN_PAGES = ("chrome:", "chrome-", "about:", "devtools:")


def address_of(event):
    """The address that an event of the network asks for, or none."""
    if event["method"] == "Network.requestWillBeSent":
        return event["params"]["request"]["url"]
    if event["method"] == "Network.webSocketCreated":
        return event["params"]["url"]
    return ""


def asked(browser):
    """The addresses that pages asked for since the last call; the browser's own pages aside."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    addresses = [address_of(event) for event in events]
    return [url for url in addresses if url and not url.startswith(OWN_PAGES)]


def asked_elsewhere(browser):
    """The addresses asked for that are not on this machine."""
    here = re.compile(r"data:|blob:|(http|ws)://127\.0\.0\.1:")
    return [url for url in asked(browser) if not here.match(url)]


def complaints(browser):
    """What the browser calls severe, since the last call."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def until(what, found, seconds=10.0):
    """What `found` returns, once it is true."""
    end = time.perf_counter() + seconds
    while not (value := found()):
        assert time.perf_counter() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return value


# Keys as WebDriver writes them.
TAB = "\ue004"
ENTER = "\ue007"
END = "\ue010"
HOME = "\ue011"
LEFT = "\ue012"
RIGHT = "\ue014"


def keys(browser, *pressed):
    """Presses keys, one after the other."""
    from selenium.webdriver import ActionChains

    ActionChains(browser, duration=0).send_keys(*pressed).perform()


@contextlib.contextmanager
def as_phone(browser):
    """Within it, pages are as narrow as on a phone."""
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
    asked(browser)
    complaints(browser)
    browser.get(address)


class Quiet(SimpleHTTPRequestHandler):
    """A server that says nothing."""

    def log_message(self, *said):
        """Nothing."""


@contextlib.contextmanager
def served(folder):
    """Within it, a folder is served on this machine; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()

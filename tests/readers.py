"""What a page owes to all its readers, asked of a browser: no finding of axe, and their wishes."""

import contextlib
from pathlib import Path

import pytest

AXE = Path(__file__).resolve().parent / "site" / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="axe is missing: npm ci --prefix tests/site"
)
SERIOUS = """
const [parts, done] = arguments;
axe.run({include: parts.map(part => [part])}).then(found => done(found.violations
  .filter(one => ['serious', 'critical'].includes(one.impact))
  .map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' '))),
  error => done([String(error)]));
"""


def serious(browser, *parts):
    """What axe finds in parts of a page, selectors, that is serious: lines."""
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    return browser.execute_async_script(SERIOUS, parts)


@contextlib.contextmanager
def preferring(browser, feature, value):
    """The reader prefers something, such as "reduce" for "reduced-motion"."""
    ask = "Emulation.setEmulatedMedia"
    wanted = [{"name": f"prefers-{feature}", "value": value}]
    browser.execute_cdp_cmd(ask, {"features": wanted})
    try:
        yield
    finally:
        browser.execute_cdp_cmd(ask, {"features": []})

"""Pages of the site without Quarto: pandoc, which Quarto uses too, and Quarto's names of things.

A page made here carries the site's own style sheet and scripts, and what stands around the text:
bars at the top and the side, and the contents. So looks and scripts are tested where Quarto is not.
"""

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from drumlesson.dev import answering
from drumlesson.dev import notebooks as nb

TOP = Path(__file__).resolve().parent.parent
NBS = TOP / "nbs"
UNSEEN = re.compile(r"^#\| *(hide|export|exporti|default_exp|include: *false)\b", re.M)
HEADING = re.compile(r'<section id="([^"]+)" class="level2[^>]*>\s*<h2[^>]*>(.*?)</h2>', re.S)
FROM = "markdown-yaml_metadata_block+emoji+lists_without_preceding_blankline"

PAGE = """<!doctype html>
<html lang="en"><head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="data:,">
{styles}
</head><body class="nav-sidebar floating nav-fixed quarto-light">
<header id="quarto-header" class="headroom fixed-top"><nav class="navbar navbar-expand-lg">
<div class="navbar-container container-fluid"><a class="navbar-brand" href="index.html">
<span class="navbar-title">drumlesson</span></a><ul class="navbar-nav">
<li class="nav-item"><a class="nav-link active" href="drums.html">Lessons</a></li>
<li class="nav-item"><a class="nav-link" href="glossary.html">Glossary</a></li>
</ul></div></nav></header>
<div id="quarto-content" class="quarto-container page-columns page-layout-article page-navbar">
<nav id="quarto-sidebar" class="sidebar sidebar-navigation floating" aria-label="Pages">
<ul class="list-unstyled">{side}</ul></nav>
<div id="quarto-margin-sidebar" class="sidebar margin-sidebar">
<nav id="TOC" role="doc-toc" aria-label="On this page">{contents}</nav></div>
<main class="content" id="quarto-document-content">
<header id="title-block-header" class="quarto-title-block default">
<div class="quarto-title"><h1 class="title">{title}</h1></div>
<div class="description">{promise}</div></header>
{body}
</main></div></body></html>
"""


def directives(source):
    """The directives of a cell that say how it is shown, and its code without them."""
    lines = re.findall(r"^#\| *([\w-]+): *(.+)$", source, re.M)
    code = re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")
    return {key: yaml.safe_load(value) for key, value in lines}, code


def fenced(text, *classes):
    """Text as a block of code in pandoc's Markdown."""
    fence = "`" * (3 + max(map(len, re.findall("`+", text)), default=0))
    head = " ".join(f".{name}" for name in classes)
    return f"\n\n{fence} {{{head}}}\n{text}\n{fence}\n\n"


def shown_output(output, said):
    """An output as Quarto writes it."""
    if output.output_type == "stream":
        text = fenced(output.text.rstrip())
        return f'\n\n<div class="cell-output cell-output-{output.name}">{text}</div>\n\n'
    data = output.get("data", {})
    if "text/html" in data:
        inner = f"\n\n```{{=html}}\n{data['text/html']}\n```\n\n"
    elif "text/markdown" in data:
        inner = f"\n\n{data['text/markdown']}\n\n"
    elif "image/png" in data:
        alt, caption = said.get("fig-alt", ""), said.get("fig-cap", "")
        picture = f'<img alt="{alt}" src="data:image/png;base64,{data["image/png"].strip()}">'
        figure = f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"
        inner = f"\n\n```{{=html}}\n{figure}\n```\n\n"
    else:
        inner = fenced(data.get("text/plain", ""))
    return f'\n\n<div class="cell-output cell-output-display">{inner}</div>\n\n'


def shown_cell(cell):
    """A cell as Markdown with Quarto's divisions; nothing of one that is not shown."""
    if cell.cell_type in ("markdown", "raw"):  # Quarto takes a raw cell for Markdown, too
        return cell.source
    if cell.cell_type != "code" or UNSEEN.search(cell.source):
        return ""
    said, code = directives(cell.source)
    parts = []
    if said.get("echo") is not False and code:
        block = fenced(code, "python", "cell-code")
        if said.get("code-fold") is True:
            block = f'\n\n<details class="code-fold"><summary>Code</summary>{block}</details>\n\n'
        parts.append(block)
    if said.get("output") is not False:
        parts += [shown_output(output, said) for output in cell.outputs]
    return f'\n\n<div class="cell">{"".join(parts)}</div>\n\n'


def to_html(markdown):
    """HTML of Markdown, by pandoc; a skip where there is none."""
    if not shutil.which("pandoc"):
        pytest.skip("pandoc is missing (on Debian and Ubuntu: apt-get install pandoc)")
    command = ["pandoc", "-f", FROM, "-t", "html5", "--mathml", "--section-divs", "--wrap=none"]
    done = subprocess.run(command, input=markdown, capture_output=True, text=True, check=True)
    return done.stdout


def output_name(path):
    """The name of a page on the site: nbdev drops the number."""
    return re.sub(r"^\d\d_", "", path.stem) + ".html"


@cache
def answers():
    """What `make docs` writes for the exercises, as text; made once, as all checkers are asked."""
    return json.dumps(answering.facts(TOP))


def contents(body):
    """Links to the headings of a page."""
    items = []
    for anchor, heading in HEADING.findall(body):
        text = BeautifulSoup(heading, "html.parser").get_text()
        items.append(f'<li><a href="#{anchor}">{text}</a></li>')
    return f"<h2>On this page</h2><ul>{''.join(items)}</ul>"


@cache
def titles():
    """{lesson: its title}."""
    heads = {
        path: nb.read(path).cells[0].source for path in nb.notebooks(TOP) if nb.is_lesson(path)
    }
    return {path: head.splitlines()[0].removeprefix("# ") for path, head in heads.items()}


def side(page):
    """The pages of the course, as the bar at the side lists them."""
    items = []
    for path, title in titles().items():
        active = " active" if path == page else ""
        link = f'<a class="sidebar-item-text sidebar-link{active}" href="{output_name(path)}">'
        items.append(f'<li class="sidebar-item">{link}<span>{title}</span></a></li>')
    return "".join(items)


SCRIPT = '<script type="module" src="site/every_page.js"></script></body>'


@cache
def as_page(path, styles=None, awake=False):
    """A notebook as stored, as a page of the site; `styles`: HTML of its style sheets.

    Where it is awake, it has the script of every page.
    """
    stored = nb.read(path)
    title, _, promise = stored.cells[0].source.partition("\n\n> ")
    body = to_html("\n\n".join(map(shown_cell, stored.cells[1:])))
    body = re.sub(r'href="([\w/]*?)(?:\d\d_)?(\w+)\.ipynb', r'href="\1\2.html', body)
    if styles is None:
        sheet = (NBS / "styles.css").read_text(encoding="utf-8")
        styles = f"<style>{LAYOUT}\n{sheet}</style>"
    page = PAGE.format(
        title=title.removeprefix("# "),
        promise=promise.strip(),
        body=body,
        styles=styles,
        side=side(path),
        contents=contents(body),
    )
    return page.replace("</body>", SCRIPT) if awake else page


# What Bootstrap and Quarto's theme do to a page, as far as our own style sheet builds on it.
LAYOUT = """
*, ::before, ::after { box-sizing: border-box }
body { margin: 0; font: 17px/1.5 sans-serif }
img { max-width: 100%; height: auto }
figure { margin: 0 0 1rem }
.container-fluid, .navbar-nav { display: flex; gap: 1rem; list-style: none; padding: .3rem .8rem }
.sidebar { padding: 0 1rem; font-size: .9rem }
.sidebar ul { list-style: none; padding: 0 }
.btn { display: inline-block; padding: .25rem .5rem; border: 1px solid; text-decoration: none;
  border-radius: 4px; font-size: .875rem }
.content { padding: 0 12px; min-width: 0 }
@media (max-width: 991px) { .sidebar { display: none } }
@media (min-width: 992px) {
  #quarto-content { display: grid; grid-template-columns: 14rem minmax(0, 50rem) 14rem }
  #quarto-margin-sidebar { order: 3 }
}
"""

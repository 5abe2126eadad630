"""The page that names drums: its scripts' form, and that they answer as the package does."""

import base64
import itertools
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from drumlesson import load
from drumlesson.answers import OUTSIDE
from drumlesson.audio import SR
from drumlesson.dev import page
from drumlesson.drums import load_drums
from drumlesson.tables import read_table

TOP = Path(__file__).resolve().parent.parent
TOOLS = TOP / "tests" / "site"
GET_THEM = "tools are missing: npm ci --prefix tests/site"


def node(*args, given):
    """What a script says in node when it is given bytes, or a skip where there is no node."""
    program = shutil.which("node")
    if not program:
        pytest.skip("node is missing (https://nodejs.org)")
    done = subprocess.run([program, *map(str, args)], input=given, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """A folder with the modules of both scripts, those of the models among them."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "package.json").write_text('{"type": "module"}')
    for name, text in (page.modules(TOP) | page.modules(TOP, "beats")).items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


# -- form


def tool(name, *args):
    """What a tool from npm finds in the scripts; a skip where the tools are not there."""
    program = TOOLS / "node_modules" / ".bin" / name
    if not shutil.which("npm") or not program.exists():
        pytest.skip(GET_THEM)
    return subprocess.run([program, *args], cwd=TOP, capture_output=True, text=True)


SCRIPTS = ["nbs/site", "tests/site"]


def test_scripts_have_no_faults():
    found = tool("eslint", "-c", "tests/site/eslint.config.js", *SCRIPTS)
    assert found.returncode == 0, found.stdout + found.stderr


def test_scripts_are_in_one_form():
    files = [path for folder in SCRIPTS for path in (TOP / folder).glob("*.[jc]s*")]
    config = ["--config", "tests/site/package.json"]
    ours = [path.relative_to(TOP).as_posix() for path in files if "lock" not in path.name]
    found = tool("prettier", *config, "--check", *ours)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_fault_is_seen(tmp_path):
    file = TOP / "nbs" / "site" / "fault_.js"
    try:
        file.write_text("const unused = undefined_;\n")
        found = tool("eslint", "-c", "tests/site/eslint.config.js", file)
    finally:
        file.unlink()
    assert "no-undef" in found.stdout and "no-unused-vars" in found.stdout


# -- the same answers


def named_by_script(modules, sounds):
    """What the script says of sounds, a dict each."""
    parts = [np.uint32(len(x)).tobytes() + x.astype("<f4").tobytes() for x in sounds]
    lines = node(TOOLS / "answers.js", modules, given=b"".join(parts))
    return [json.loads(line) for line in lines.splitlines()]


def check_alike(modules, sounds):
    """Script and package give the same labels, reasons and probabilities; returns the figures."""
    shipped = load()
    said = named_by_script(modules, sounds)
    assert len(said) == len(sounds)
    proba, guesses, reasons = shipped._answered(sounds)
    labels = shipped.predict(sounds, unsure=True)
    assert [answer["label"] for answer in said] == labels.tolist()
    assert [answer["guess"] for answer in said] == guesses.tolist()
    assert [answer["why"] for answer in said] == reasons.tolist()
    theirs = np.array([answer["probabilities"] for answer in said])
    outside = np.array([answer["outside"] for answer in said])
    pictures = np.array([answer["seen"] for answer in said])
    off = np.abs(theirs - proba).max()
    of_guess = proba[np.arange(len(said)), [shipped.classes_.tolist().index(g) for g in guesses]]
    answered = np.where(labels == OUTSIDE, shipped.outside_proba(sounds), of_guess)
    assert np.abs([answer["probability"] for answer in said] - answered).max() < 1e-3
    off_outside = np.abs(outside - shipped.outside_proba(sounds)).max()
    off_picture = np.abs(pictures.reshape(len(said), 26, 128) - shipped.features(sounds)).max()
    assert off < 1e-3 and off_outside < 1e-3 and off_picture < 0.01, "the last in dB"
    assert len(set(labels)) >= 4, "too few kinds of answers to say anything"
    return {"hits": len(said), "probability": off, "outside": off_outside, "dB": off_picture}


def told(capsys, what, figures):
    """Prints figures of a comparison."""
    with capsys.disabled():
        print(f"\n{what}: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))


def test_synthesised_hits_are_named_alike(modules, capsys):
    drums = load_drums("synth", n_kits=20, hits=3, random_state=11)
    assert len(drums) == 300
    told(capsys, "script against package, synthesised", check_alike(modules, drums.waves))


def test_recorded_hits_are_named_alike(modules, open_kits, capsys):
    sounds, *_ = open_kits
    chosen = np.random.default_rng(0).permutation(len(sounds))[:300]
    some = [sounds[i] for i in chosen]
    told(capsys, "script against package, recorded", check_alike(modules, some))


def spoiled(x, rng):
    """A hit as it should not be: in noise, twice, cut off, dull, off zero, late, or soft."""
    noise = rng.standard_normal(SR).astype(np.float32)
    late = np.concatenate([np.zeros(SR // 3, np.float32), x])
    yield np.concatenate([0.05 * noise, x + 0.05 * noise[0]])
    yield np.concatenate([x[: SR // 10], x])
    yield x[: SR // 40]
    yield soxr.resample(soxr.resample(x, SR, 8000), 8000, SR).astype(np.float32)
    yield x + np.float32(0.2)
    yield late
    yield 1e-3 * x
    yield 0.1 * noise
    yield np.abs(x)
    yield x[:30]


def test_spoiled_hits_are_doubted_alike(modules, capsys):
    rng = np.random.default_rng(3)
    drums = load_drums("synth", n_kits=3, hits=1, random_state=12)
    all_of_them = itertools.chain.from_iterable(spoiled(x, rng) for x in drums.waves)
    sounds = [x for x in all_of_them if np.abs(x).max() > 1e-5]  # silence is refused, not doubted
    told(capsys, "script against package, spoiled", check_alike(modules, sounds))
    reasons = set(load().doubts(sounds))
    assert len(reasons) >= 6, reasons


# -- its parts


def asked(modules, name, **question):
    """What a part of the page makes of a question."""
    return json.loads(node(TOOLS / "tools.js", modules, name, given=json.dumps(question).encode()))


@pytest.mark.parametrize("rate", [44100, 48000, 32000, 16000])
def test_other_rates_become_ours_as_in_the_package(modules, rate):
    """Below 10 kHz, or what the lower rate has of it, within a thousandth of the peak."""
    x = soxr.resample(np.random.default_rng(1).standard_normal(rate // 5), rate, 0.4 * rate)
    low = soxr.resample(x, 0.4 * rate, rate).astype(np.float32)
    ours = np.array(asked(modules, "resample", x=low.tolist(), **{"from": rate, "to": SR}))
    theirs = soxr.resample(low, rate, SR)
    assert abs(len(ours) - len(theirs)) <= 1
    n = min(len(ours), len(theirs))
    inner = slice(200, n - 200)
    assert np.abs(ours[inner] - theirs[inner]).max() < 1e-3 * np.abs(theirs).max()


def test_what_is_too_high_is_taken_out(modules):
    high = np.sin(2 * np.pi * 15000 * np.arange(8820) / 44100)
    left = asked(modules, "resample", x=high.tolist(), **{"from": 44100, "to": SR})
    assert np.abs(left[200:-200]).max() < 1e-5


def test_channels_become_one_as_in_the_package(modules):
    x = np.array([0.5, -0.5, 0.25, 0.0])
    assert asked(modules, "mix", channels=[x.tolist(), (x / 2).tolist()]) == (0.75 * x).tolist()
    cancelled = asked(modules, "mix", channels=[x.tolist(), (-x).tolist()])
    assert cancelled == x.tolist()


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_a_file_says_its_rate(modules, tmp_path, ending, rate):
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, np.zeros(2000), rate)
    assert asked(modules, "rate", hex=path.read_bytes()[:4000].hex()) == rate


def test_16_bits_are_read_as_numpy_does(modules):
    bits = [0, 1, 512, 1023, 1024, 15360, 31743, 32769, 48640, 64511]
    halves = np.array(bits, np.uint16)
    text = base64.b85encode(halves.tobytes()).decode()
    read = asked(modules, "weights", text=text, shape=[len(bits)], bits=16)
    assert read == halves.view(np.float16).astype(float).tolist()


def test_the_table_can_be_read_by_the_package(modules, tmp_path):
    columns = page.model()["columns"]
    paths = ["plain.wav", 'a "b", c.wav', "=formula.wav", "ü\nline.wav"]
    rows = [{"path": path, "label": "kick", "probability": "0.931"} for path in paths]
    text = asked(modules, "csv", columns=columns, rows=rows)
    (tmp_path / "t.csv").write_bytes(text.encode())
    read = list(read_table(tmp_path / "t.csv"))
    assert [row["path"] for row in read] == ["plain.wav", 'a "b", c.wav', "'=formula.wav", paths[3]]
    assert list(read[0]) == columns and read[0]["probability"] == "0.931"


def played(hits, gap, noise=0.0):
    """Hits one after another, (samples,), and the samples at which they begin."""
    rng = np.random.default_rng(0)
    starts = (SR // 2 + np.arange(len(hits)) * round(gap * SR)).tolist()
    x = noise * rng.standard_normal(starts[-1] + 2 * SR)
    for start, hit in zip(starts, hits, strict=True):
        x[start : start + len(hit)] += hit
    return x, starts


@pytest.mark.parametrize("noise", [0.0, 0.002])
@pytest.mark.parametrize("block", [128, 1000])
def test_hits_are_found_in_what_a_microphone_hears(modules, noise, block):
    kit = load_drums("synth", n_kits=1, hits=1, random_state=5)
    hits = [0.5 * x[: SR // 2] / np.abs(x).max() for x in kit.waves]
    x, starts = played(hits, 0.8, noise)
    found = asked(modules, "hits", x=x.tolist(), sr=SR, block=block)
    assert len(found) == len(starts)
    for piece, start in zip(found, starts, strict=True):
        at = start - round(0.1 * SR)
        near = x[max(0, at - 200) : at + len(piece) + 200]
        match = np.correlate(near, piece, "valid").max()
        assert match > 0.99 * np.sum(np.square(piece)), "the piece is not around the hit"
        assert 0.45 * SR <= len(piece) <= 0.55 * SR


def test_silence_and_hum_are_no_hits(modules):
    hum = 0.2 * np.sin(2 * np.pi * 50 * np.arange(2 * SR) / SR) * np.linspace(0, 1, 2 * SR)
    for x in (np.zeros(SR), 0.005 * np.random.default_rng(0).standard_normal(SR), hum):
        assert asked(modules, "hits", x=x.tolist(), sr=SR, block=128) == []


# -- what is built


def test_script_and_weights_are_small(tmp_path, capsys):
    sizes = {path.name: path.stat().st_size for path in page.build(TOP, tmp_path)}
    told(capsys, "bytes", sizes)
    assert sum(sizes.values()) < 500_000


@pytest.mark.parametrize("which", ["drumlesson.js", "beats.js"])
def test_a_whole_script_is_one_that_a_browser_takes(tmp_path, which):
    page.build(TOP, tmp_path)
    whole = (tmp_path / "site" / which).rename(tmp_path / "whole.cjs")
    node("--check", whole, given=b"")
    text = whole.read_text(encoding="utf-8")
    assert not re.search(r"^(import|export)\b", text, re.M)
    assert not re.search(r"^ *(//|/\*)", text.partition("\n")[2], re.M), "comments are for readers"
    assert not re.search(r"\bhttps?://", text)


def test_naming_fetches_no_transcriber(tmp_path):
    """Whoever has a hit named does not wait for what beats need."""
    sizes = {path.name: path.stat().st_size for path in page.build(TOP, tmp_path)}
    assert sizes["drumlesson.js"] < 241_000


def test_the_page_by_itself_asks_for_what_it_holds(tmp_path):
    command = [sys.executable, "-m", "drumlesson.dev.page", "zip", str(tmp_path / "page.zip")]
    subprocess.run(command, cwd=TOP, check=True, capture_output=True)
    with zipfile.ZipFile(tmp_path / "page.zip") as packed:
        names = packed.namelist()
        html = packed.read("name_a_drum/index.html").decode()
    wanted = re.findall(r'<(?:link|script)[^>]*(?:href|src)="(site/[^"]+)"', html)
    assert len(wanted) == 2 and {f"name_a_drum/{name}" for name in wanted} < set(names)
    assert ".ipynb" not in re.sub(r"<code.*?</code>", "", html)


def test_another_model_is_refused(model_file):
    with pytest.raises(ValueError, match="the page knows"):
        page.model(model_file)


def test_lines_are_joined_but_for_those_with_a_remark():
    """What follows a remark on its line would become a part of it."""
    lines = ["export function f(", "  a, // the first,", "  b,", ") {", "  return [", "    a,"]
    lines += ["    b,", "  ];", "}"]
    whole = page.joined({"one": "\n".join(lines)})
    assert "f(a, // the first,\nb,) {return [a,b,];" in whole

// A window that slides along a hit, as sound, waveform and spectrum: after `attack_explorer`.

import { SR } from "./sound.js";
import { Axes, sideBySide } from "./panel_drawing.js";
import { LivePanel, Slider, hitChoice } from "./panel_parts.js";
import {
  centroid,
  fixed,
  hitOf,
  hitsOf,
  known,
  moreHits,
  outlineOf,
  peakOf,
  powerOf,
  ratioInDb,
  stretch,
} from "./panel_numbers.js";

const LENGTHS = [2, 5, 10, 20, 50, 100, 200, 300, 500]; // of the window, in ms
const ALT = "Left: the waveform, with the window shaded. Right: the spectrum of the window.";

/** What a window from `start` to `stop` in ms, `part`, is within the hit `x`. */
function describe(name, x, part, start, stop) {
  const peak = fixed(ratioInDb(peakOf(part), peakOf(x)), 1);
  return (
    `${name}, ${start} to ${fixed(stop)} ms: its peak is ${peak} dB against the hit's, ` +
    `its spectral centroid ${fixed(centroid(part))} Hz. ` +
    `Tones closer than about ${fixed(1000 / (stop - start))} Hz run together.`
  );
}

/** The last whole ms at which a window of 2 ms may start in a hit. */
function latestIn(x) {
  return Math.max(0, Math.floor((x.length / SR) * 1000) - 2);
}

/** Text and sounds of the panel at these values, and what is drawn. */
export function shown(given, { hit, start: asked, length }) {
  const { name, x } = hitOf(given, hit);
  const start = Math.min(asked, latestIn(x)); // of a hit that is short, its last 2 ms
  const part = stretch(x, start / 1000, (start + length) / 1000);
  const stop = start + (part.length / SR) * 1000;
  let text = describe(name, x, part, start, stop);
  if (start < asked) {
    text += ` At ${asked} ms the hit is over, so its last ${fixed(stop - start)} ms are shown.`;
  }
  const sounds = [
    { name: `${start} to ${fixed(stop)} ms`, samples: part },
    { name: "the hit", samples: x },
  ];
  return { text, sounds, x, part, start, stop };
}

function drawWave(width, { x, start, stop }) {
  const limit = 1.05 * peakOf(x);
  const axes = new Axes({
    title: "the hit and the window",
    x: { from: 0, to: (x.length / SR) * 1000, label: "time (ms)" },
    y: { from: -limit, to: limit, label: "amplitude" },
    width,
  });
  const { times, values } = outlineOf(x);
  axes.band(start, stop);
  axes.line(times, values, "dl-line dl-thin");
  return axes.element;
}

function drawSpectrum(width, { part }) {
  const axes = new Axes({
    title: "spectrum of the window",
    x: { from: 30, to: SR / 2, log: true, ticks: [100, 1000, 10000], label: "frequency (Hz)" },
    y: { from: -60, to: 3, label: "dB below its peak" },
    width,
  });
  const power = powerOf(part, 8192);
  const most = power.reduce((a, b) => Math.max(a, b), 1e-18);
  const bins = Array.from(power.keys()).slice(1);
  const hz = (bin) => (bin * SR) / 2 / (power.length - 1);
  const db = (bin) => 20 * Math.log10(Math.sqrt(power[bin] / most) + 1e-6);
  axes.line(bins.map(hz), bins.map(db));
  return axes.element;
}

/** Makes the figure live. */
export function awaken(figure, { values, facts, sounds }) {
  const hits = hitsOf({ facts, sounds });
  const controls = {
    hit: hitChoice(hits, known(hits, values.hit)),
    start: new Slider({ label: "Start (ms)", to: facts.latest, value: values.start }),
    length: new Slider({ label: "Length (ms)", values: LENGTHS, value: values.length }),
  };
  const endWithHit = () => {
    const { x } = hitOf({ facts, sounds }, controls.hit.value);
    controls.start.span(0, latestIn(x), 1);
    controls.start.tell();
  };
  endWithHit();
  controls.hit.onChange(endWithHit);
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    note: moreHits(facts),
    update: (now) => shown({ facts, sounds }, now),
    draw: sideBySide(drawWave, drawSpectrum, [3, 2]),
  });
}

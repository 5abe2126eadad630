// The spectrogram of a hit, with its window and its hop to choose: after `stft_explorer`.

import { SR } from "./sound.js";
import { hannOf, powerSpectra } from "./features.js";
import { Axes, widthsIn } from "./panel_drawing.js";
import { pictureOf } from "./panel_paint.js";
import { Choice, LivePanel, Slider, hitChoice } from "./panel_parts.js";
import { fixed, hitOf, hitsOf, known, moreHits } from "./panel_numbers.js";

const WINDOWS = [64, 128, 256, 512, 1024, 2048, 4096]; // in samples
const HOPS = [32, 64, 128, 256, 512, 1024];
const TOPS = [
  ["11 kHz", 11],
  ["4 kHz", 4],
  ["1 kHz", 1],
];
const MOST_FRAMES = 500; // that are drawn
const MOST_BINS = 250;
const SCALE = "bright: the loudest; dark: 80 dB below";
const ALT = "A spectrogram: time to the right, frequency upwards, bright where it is loud.";

/** What a window and a hop, in samples, make of a sound. */
function describe(name, window, hop, { bins, frames }, top) {
  let text =
    `${name}: a window of ${window} samples lasts ${fixed((1000 * window) / SR, 1)} ms, ` +
    `and a bin is ${fixed(SR / window, 1)} Hz wide; ` +
    `a hop of ${hop} samples makes a frame every ${fixed((1000 * hop) / SR, 1)} ms. ` +
    `${frames} frames of ${bins} bins, shown up to ${top} kHz.`;
  if (hop > window) {
    text +=
      ` A frame begins ${hop - window} samples after the last one's end: ` +
      "what lies between is not seen.";
  }
  return text;
}

/** Power of the frames of a sound, each centred, the edges filled with zeros. */
export function spectraOf(x, window, hop) {
  const padded = new Float32Array(x.length + window);
  padded.set(x, window / 2);
  return powerSpectra(padded, hannOf(window), hop);
}

/** Where each of `most` stretches of `size` things begins; each thing alone where they are fewer. */
function startsOf(size, most) {
  const n = Math.min(size, most);
  return Array.from({ length: n }, (_, i) => Math.floor((i * size) / n));
}

/** Columns with no more points than a screen shows: the loudest of those that fall on each. */
export function coarse(columns) {
  const [across, up] = [
    startsOf(columns.length, MOST_FRAMES),
    startsOf(columns[0].length, MOST_BINS),
  ];
  return across.map((first, i) => {
    const some = columns.slice(first, across[i + 1]);
    return up.map((low, j) => {
      const high = up[j + 1] ?? columns[0].length;
      let most = 0;
      for (const column of some) {
        for (let bin = low; bin < high; bin++) most = Math.max(most, column[bin]);
      }
      return most;
    });
  });
}

const decibels = (power) => 10 * Math.log10(Math.max(power, 1e-10));

/** A spectrogram up to `top` kHz as columns of dB below `level`, and its edges in s and kHz. */
export function spectrogram(spectra, window, hop, top = SR / 2000, level = null) {
  const bins = spectra[0].length;
  const some = Math.min(bins, Math.floor((1000 * top * window) / SR) + 2);
  const loudest = spectra.reduce((most, power) => power.reduce((a, b) => Math.max(a, b), most), 0);
  const zero = level ?? decibels(loudest);
  const cut = coarse(spectra.map((power) => power.subarray(0, some)));
  const columns = cut.map((column) => column.map((power) => decibels(power) - zero));
  const [step, width] = [hop / SR, SR / window / 1000];
  const edges = [-step / 2, (spectra.length - 0.5) * step, -width / 2, (some - 0.5) * width];
  return { columns, edges, level: zero, top: Math.min(top, SR / 2000) };
}

/** Text and sound of the panel at these values, and what is drawn. */
export function shown(given, { hit, window, hop_length: hop, top }) {
  const { name, x } = hitOf(given, hit);
  const spectra = spectraOf(x, window, hop);
  const size = { bins: spectra[0].length, frames: spectra.length };
  const text = describe(name, window, hop, size, top);
  return { text, sounds: [{ name, samples: x }], ...spectrogram(spectra, window, hop, top) };
}

/** A spectrogram with its axes. */
export function drawSpectrogram(width, title, { columns, edges, top }) {
  const axes = new Axes({
    title,
    x: { from: Math.max(0, edges[0]), to: edges[1], label: "time (s)" },
    y: { from: 0, to: top, label: "frequency (kHz)" },
    width,
  });
  axes.picture(pictureOf(columns), ...edges);
  return axes.element;
}

/** Makes the figure live. */
export function awaken(figure, { values, facts, sounds }) {
  const hits = hitsOf({ facts, sounds });
  const controls = {
    hit: hitChoice(hits, known(hits, values.hit)),
    window: new Slider({ label: "Window (samples)", values: WINDOWS, value: values.window }),
    hop_length: new Slider({ label: "Hop (samples)", values: HOPS, value: values.hop_length }),
    top: new Choice({ label: "Frequencies up to", options: TOPS, value: values.top }),
  };
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    note: moreHits(facts),
    update: (now) => shown({ facts, sounds }, now),
    draw: (drawing, now) => [drawSpectrogram(widthsIn(drawing)[0], SCALE, now)],
  });
}

// Hits that appear and vanish with a threshold over curves: after `peak_explorer`.

import { sumOf, written } from "./panel_count.js";
import { Axes, widthsIn } from "./panel_drawing.js";
import { marks } from "./panel_paint.js";
import { LivePanel, Slider } from "./panel_parts.js";

const WINDOWS = [5, 10, 20, 50, 100]; // ms
const GAP = 0.03; // seconds from one hit of a drum to its next
const ALT =
  "A row for each drum: its curve over time, the threshold as a line, a triangle for each note " +
  "that is there, a cross for each false hit.";

/** Frames where a curve is at its highest within two frames, and high enough. */
export function peaksOf(curve, threshold, hop) {
  const least = Math.round(GAP / hop);
  const found = [];
  curve.forEach((value, frame) => {
    const around = curve.slice(Math.max(0, frame - 2), frame + 3);
    if (value / 1000 < threshold || around.some((other) => other > value)) return;
    if (!found.length || frame - found[found.length - 1] >= least) found.push(frame);
  });
  return found;
}

/** As many pairs (note, hit) as can be: each hit goes to the earliest note that it fits. */
export function matched(times, found, window) {
  const pairs = [];
  let [note, hit] = [0, 0];
  while (note < times.length && hit < found.length) {
    if (Math.abs(times[note] - found[hit]) <= window) pairs.push([note++, hit++]);
    else if (times[note] < found[hit]) note++;
    else hit++;
  }
  return pairs;
}

/** Text of the panel at these values, and what is drawn. */
export function shown({ facts }, values) {
  const threshold = Number(values.threshold.toFixed(2));
  const rows = facts.drums.map((drum, i) => {
    const found = peaksOf(facts.curves[i], threshold, facts.hop).map((frame) => frame * facts.hop);
    const pairs = matched(facts.times[i], found, values.window / 1000);
    return { drum, curve: facts.curves[i], times: facts.times[i], found, pairs };
  });
  const there = sumOf(rows.map(({ times }) => times.length));
  const found = sumOf(rows.map((row) => row.found.length));
  const right = sumOf(rows.map(({ pairs }) => pairs.length));
  const f = (200 * right) / Math.max(1, found + there);
  const text =
    `Threshold ${written(threshold, 2)}: ${found} found, ${right} of ${there} right within ` +
    `${values.window} ms, so ${there - right} missed and ${found - right} false. F ${written(f)}.`;
  return { text, sounds: [], facts, threshold, rows };
}

function drawRow(axes, bottom, { curve, times, found, pairs }, { threshold, facts }) {
  const seconds = curve.map((_, frame) => frame * facts.hop);
  const ends = [0, seconds[seconds.length - 1]];
  const height = (share) => bottom + 0.65 * share;
  axes.line(ends, [height(0), height(0)], "dl-line dl-rule");
  axes.line(ends, [height(threshold), height(threshold)], "dl-line dl-cut");
  const curved = curve.map((value) => height(value / 1000));
  axes.line(seconds, curved, "dl-line dl-thin");
  const notes = new Set(pairs.map(([note]) => note));
  const hits = new Set(pairs.map(([, hit]) => hit));
  const put = (at, kind, name) =>
    marks(
      axes,
      at,
      at.map(() => bottom + 0.82),
      kind,
      name,
    );
  put(
    times.filter((_, i) => notes.has(i)),
    "triangle",
    "dl-right",
  );
  put(
    times.filter((_, i) => !notes.has(i)),
    "triangle",
    "dl-missed",
  );
  put(
    found.filter((_, i) => !hits.has(i)),
    "cross",
    "dl-false",
  );
}

function draw(width, now) {
  const { rows, facts } = now;
  const ticks = rows.map(({ drum }, i) => [rows.length - i - 0.6, drum]);
  const axes = new Axes({
    title: "full: found; hollow: missed; cross: false",
    x: { from: -0.04, to: facts.curves[0].length * facts.hop, label: "seconds" },
    y: { from: 0, to: rows.length, ticks },
    width,
    height: 64 + 56 * rows.length,
  });
  rows.forEach((row, i) => drawRow(axes, rows.length - 1 - i, row, now));
  return axes.element;
}

/** Makes the figure live. */
export function awaken(figure, { values, facts }) {
  const controls = {
    threshold: new Slider({
      label: "Threshold",
      from: 0.02,
      to: 0.98,
      step: 0.02,
      value: values.threshold,
      say: (value) => value.toFixed(2),
    }),
    window: new Slider({ label: "Off by at most (ms)", values: WINDOWS, value: values.window }),
  };
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    update: (now) => shown({ facts }, now),
    draw: (drawing, now) => [draw(widthsIn(drawing)[0], now)],
  });
}

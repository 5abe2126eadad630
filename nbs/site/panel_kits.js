// An interval that builds up from kits drawn anew: after `kits_explorer`.

import {
  counted,
  dice,
  largestOf,
  quantile,
  sortedPlaces,
  sumOf,
  withSign,
} from "./panel_count.js";
import { Axes, sideBySide } from "./panel_drawing.js";
import { LivePanel, Slider } from "./panel_parts.js";

const DRAWS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];
const BARS = 60; // of the histogram
const ALT =
  "Left: a dot for each kit, at its lead. Right: a histogram of the mean leads of the draws, " +
  "with the interval shaded.";

const ascending = (numbers) => [...numbers].sort((a, b) => a - b);

/** The first kits of an order; order 0 is as they come. Leads are hundredths of a point. */
function kitsOf(leads, n, order) {
  if (order === 0) return leads.slice(0, n);
  const places = sortedPlaces(dice(order, leads.length));
  return places.slice(0, n).map((place) => leads[place]);
}

/** The mean lead of each draw. */
export function meansOf(kits, draws, order) {
  const n = kits.length;
  const thrown = dice(1000 + order, draws * n);
  return Array.from({ length: draws }, (_, draw) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += kits[Math.floor(thrown[draw * n + i] * n)];
    return sum / (100 * n);
  });
}

function verdict(low, high) {
  if (low > 0) return "All of it lies above zero.";
  if (high < 0) return "All of it lies below zero.";
  return "Zero lies inside: these kits cannot tell.";
}

/** Text of the panel at these values, and what is drawn. */
export function shown({ facts }, { kits, draws, order }) {
  const taken = kitsOf(facts.leads, kits, order);
  const means = meansOf(taken, draws, order);
  const ordered = ascending(means);
  const [low, high] = [quantile(ordered, 0.025), quantile(ordered, 0.975)];
  const text =
    `${kits} kits lead by ${withSign(sumOf(taken) / (100 * kits), 1)} points. Of ${counted(draws, "draw")}, ` +
    `the middle 95 of 100 lie from ${withSign(low, 1)} to ${withSign(high, 1)}. `;
  return { text: text + verdict(low, high), sounds: [], facts, taken, means, low, high };
}

function drawKits(width, { facts, taken }) {
  const limit = (1.1 * largestOf(facts.leads.map(Math.abs), 100)) / 100;
  const axes = new Axes({
    title: "the kits in the hat",
    x: { from: -limit, to: limit, label: "lead of a kit (points)" },
    y: { from: -1, to: facts.leads.length, ticks: [] },
    width,
  });
  axes.line([0, 0], [-1, facts.leads.length], "dl-line dl-rule");
  const leads = ascending(taken).map((lead) => lead / 100);
  axes.dots(leads, Array.from(leads.keys()), "dl-dot dl-many");
  return axes.element;
}

/** A histogram of means: how far it reaches to either side of 0, and how many each bar holds. */
export function histogram(means, least) {
  const reach = largestOf(means.map(Math.abs), least);
  const counts = new Array(BARS).fill(0);
  for (const mean of means) {
    const bar = Math.floor(((mean + reach) / (2 * reach)) * BARS);
    counts[Math.min(bar, BARS - 1)]++;
  }
  return { reach, counts };
}

function drawDraws(width, { facts, means, low, high }) {
  const { reach, counts } = histogram(means, facts.reach);
  const top = 1.1 * largestOf(counts, 1);
  const axes = new Axes({
    title: "the draws so far",
    x: { from: -reach, to: reach, label: "mean lead of a draw (points)" },
    y: { from: 0, to: top, ticks: [] },
    width,
  });
  axes.band(low, high);
  counts.forEach((count, i) => {
    const left = -reach + (2 * reach * i) / BARS;
    if (count) axes.box(left, left + (2 * reach) / BARS, 0, count, "dl-bar");
  });
  axes.line([0, 0], [0, top], "dl-line dl-rule");
  return axes.element;
}

/** Makes the figure live. */
export function awaken(figure, { values, facts }) {
  const total = facts.leads.length;
  const controls = {
    kits: new Slider({ label: "Kits", from: 4, to: total, value: values.kits }),
    draws: new Slider({ label: "Draws", values: DRAWS, value: values.draws }),
    order: new Slider({ label: "Other kits", from: 0, to: 20, value: values.order }),
  };
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    update: (now) => shown({ facts }, now),
    draw: sideBySide(drawKits, drawDraws),
  });
}

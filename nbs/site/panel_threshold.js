// What a threshold finds, misses and raises false alarms at: after `threshold_explorer`.

import { Axes, legend, widthsIn } from "./panel_drawing.js";
import { LivePanel, Slider } from "./panel_parts.js";
import { fixed, withLength } from "./panel_numbers.js";

const RANGES = 40; // of the histograms
const WHOLE = 10000; // probabilities come in ten thousandths

/** What a threshold finds and misses, and its precision and recall. */
function describe(threshold, { found, missed, alarms, left }) {
  const said = found + alarms;
  const precision = said ? fixed(found / said, 2) : "undefined, as nothing is said yes to";
  return (
    `Threshold ${fixed(threshold, 2)}: ${found} found, ${missed} missed, ` +
    `${alarms} false alarms, ${left} rightly left; ` +
    `precision ${precision}, recall ${fixed(found / (found + missed), 2)}.`
  );
}

/** The worst miss and the worst false alarm, as far as there are any and the page has them. */
function worst({ facts, sounds }, { missed, alarms }) {
  const there = ["miss", "alarm"].filter((kind) => facts[kind]);
  const counted = { miss: missed, alarm: alarms };
  return there.flatMap((kind, i) => {
    const [name, length] = facts[kind];
    return counted[kind] ? [{ name, samples: withLength(sounds[i], length) }] : [];
  });
}

/** Text and sounds of the panel at this threshold. */
export function shown(given, { threshold }) {
  const { yes, no } = given.facts;
  const least = Math.round(100 * threshold) * (WHOLE / 100);
  const above = (list) => list.filter((p) => p >= least).length;
  const [found, alarms] = [above(yes), above(no)];
  const counts = { found, alarms, missed: yes.length - found, left: no.length - alarms };
  return { text: describe(threshold, counts), sounds: worst(given, counts), threshold };
}

/** Share of the hits in each range of their probability. */
function histogram(list) {
  const shares = new Array(RANGES).fill(0);
  for (const p of list) {
    shares[Math.min(RANGES - 1, Math.floor((p * RANGES) / WHOLE))] += 1 / list.length;
  }
  return shares;
}

function draw(width, { name, yes, no }, threshold) {
  const both = [histogram(yes), histogram(no)];
  const axes = new Axes({
    x: { from: 0, to: 1, label: `probability of ${name}` },
    y: { from: 0, to: 1.05 * Math.max(...both.flat()), label: "share of the hits" },
    width,
  });
  both.forEach((shares, i) => {
    shares.forEach((share, k) => {
      axes.box(k / RANGES, (k + 1) / RANGES, 0, share, `dl-bar ${i ? "dl-two" : "dl-one"}`);
    });
  });
  axes.line([threshold, threshold], [0, 2], "dl-line dl-ink");
  const named = [
    ["dl-one", `${name} (${yes.length} hits)`],
    ["dl-two", `no ${name} (${no.length} hits)`],
  ];
  return [axes.element, legend(named)];
}

/** Makes the figure live. */
export function awaken(figure, { values, facts, sounds }) {
  const say = (value) => fixed(value, 2);
  const settings = { to: 1, step: 0.01, value: values.threshold, say };
  return new LivePanel(figure, {
    alt:
      `Two histograms of the probability of ${facts.name}, for hits that are one and hits that ` +
      "are not, with the threshold as a line.",
    controls: { threshold: new Slider({ label: "Threshold", ...settings }) },
    update: (now) => shown({ facts, sounds }, now),
    draw: (drawing, now) => draw(widthsIn(drawing)[0], facts, now.threshold),
  });
}

// The weights that a question gives to frames: after `attention_explorer`.

import { magma } from "./magma.js";
import { largestOf, placeOfLargest, rowsOf, sumOf, written } from "./panel_count.js";
import { Axes, widthsIn } from "./panel_drawing.js";
import { paint } from "./panel_paint.js";
import { LivePanel, Slider } from "./panel_parts.js";

const DIVISORS = [1, 3, 11.3, 30, 100, 1000];
const ZERO = 128; // of the stored tenths
const ALT =
  "Above: the picture, with the bands that are asked for framed. Below: a bar for each frame, " +
  "its weight.";

/** The weight of each frame, asked for bands from `low` to below `high`. */
export function weightsOf(tenths, [low, high], divisor) {
  const products = tenths.map((row) => sumOf(row.slice(low, high)) / 10 / divisor);
  const most = largestOf(products);
  const e = products.map((product) => Math.exp(product - most));
  const sum = sumOf(e);
  return e.map((x) => x / sum);
}

/** Text of the panel at these values, and what is drawn. */
export function shown({ facts }, { bands, divisor }) {
  const tenths = rowsOf(facts.tenths, facts.bands).map((row) => row.map((x) => x - ZERO));
  const weights = weightsOf(tenths, bands, divisor);
  const most = placeOfLargest(weights);
  let [half, sum] = [1, 0];
  for (const weight of [...weights].sort((a, b) => b - a)) {
    sum += weight;
    if (sum >= 0.5 - 1e-9) break;
    half++;
  }
  const frames = half === 1 ? "one frame holds" : `${half} of ${weights.length} frames hold`;
  const text =
    `Asked for bands ${bands[0]} to ${bands[1]}, divided by ${divisor}: frame ${most} weighs ` +
    `most, ${written(100 * weights[most], 1)} %; ${frames} half of the weight.`;
  return { text, sounds: [], facts, tenths, weights, bands };
}

function drawPicture(width, { facts, tenths, bands }) {
  const end = facts.frames - 0.5;
  const axes = new Axes({
    title: "the picture, and what is asked for",
    x: { from: -0.5, to: end, label: "frame" },
    y: { from: 0, to: facts.bands, label: "mel band" },
    width,
  });
  const all = tenths.flat();
  const [low, high] = [-largestOf(all.map((x) => -x)), largestOf(all)];
  const href = paint(tenths, (x) => magma((x - low) / (high - low)));
  axes.picture(href, -0.5, end, 0, facts.bands);
  if (bands[1] > bands[0]) axes.box(-0.45, end - 0.05, bands[0], bands[1], "dl-outline");
  return axes.element;
}

function drawWeights(width, { weights }) {
  const axes = new Axes({
    title: "the weight of each frame",
    x: { from: -0.5, to: weights.length - 0.5, label: "frame" },
    y: { from: 0, to: 1.1 * largestOf(weights), label: "weight" },
    width,
  });
  weights.forEach((weight, i) => axes.box(i - 0.4, i + 0.4, 0, weight, "dl-bar"));
  return axes.element;
}

/** Makes the figure live. */
export function awaken(figure, { values, facts }) {
  const [low, high] = values.bands;
  const controls = {
    from: new Slider({ label: "Asked for, from band", to: facts.bands, value: low }),
    to: new Slider({ label: "to band", to: facts.bands, value: high }),
    divisor: new Slider({ label: "Divide by", values: DIVISORS, value: values.divisor }),
  };
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    update({ from, to, divisor }) {
      const bands = [Math.min(from, to), Math.max(from, to)];
      return shown({ facts }, { bands, divisor });
    },
    draw(drawing, now) {
      const [width] = widthsIn(drawing);
      return [drawPicture(width, now), drawWeights(width, now)];
    },
  });
}

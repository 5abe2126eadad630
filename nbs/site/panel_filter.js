// A filter of three by three over a picture, with ReLU and pooling: after `filter_explorer`.

import { largestOf, placeOfLargest, rowsOf, sumOf, written } from "./panel_count.js";
import { Axes, legend, widthsIn } from "./panel_drawing.js";
import { paint, pictureOf } from "./panel_paint.js";
import { Choice, LivePanel, element } from "./panel_parts.js";

const ALT =
  "Left: a log-mel picture. Right: what the filter answers at each place, red above 0, blue below.";
const KEY = [
  ["dl-positive", "positive answers: above 0"],
  ["dl-negative", "negative answers: below 0"],
];
const DEPTH = 80; // dB of the picture that are kept

/** What nine weights say at every place; at the rim, the outermost values are repeated. */
export function filtered(levels, weights) {
  const within = (i, n) => Math.max(0, Math.min(n - 1, i));
  return levels.map((bands, frame) =>
    bands.map((_, band) => {
      let answer = 0;
      weights.forEach((weight, place) => {
        const row = levels[within(frame + Math.floor(place / 3) - 1, levels.length)];
        answer += weight * row[within(band + (place % 3) - 1, bands.length)];
      });
      return answer;
    }),
  );
}

/** Of each `side` by `side` answers the largest; at the rim, of those that are there. */
export function pooled(answers, side) {
  const [n, m] = [answers.length, answers[0].length].map((size) => Math.ceil(size / side));
  return Array.from({ length: n }, (_, i) => {
    const rows = answers.slice(i * side, (i + 1) * side);
    return Array.from({ length: m }, (__, j) =>
      largestOf(rows.flatMap((row) => row.slice(j * side, (j + 1) * side))),
    );
  });
}

function describe(answers, weights, relu, pool, hop) {
  const all = answers.flat();
  const total = sumOf(weights);
  const even = total === 0 ? "0" : `${total} times its level`;
  const place = placeOfLargest(all);
  const [frame, band] = [Math.floor(place / answers[0].length), place % answers[0].length];
  const above = all.filter((answer) => answer > 0).length;
  let text =
    `The nine weights add up to ${total}, so an even patch is answered with ${even}. ` +
    `${above} of ${all.length} answers are above 0; ` +
    `the largest, ${all[place]}, is at ${written(frame * hop)} ms in band ${band}.`;
  if (relu) text += ` ReLU sets ${all.filter((answer) => answer < 0).length} to 0.`;
  if (pool > 1) {
    const n = pooled(answers, pool).flat().length;
    text += ` Pooling keeps the largest of ${pool} by ${pool}: ${n} numbers.`;
  }
  return text;
}

/** Text of the panel at these values, and what is drawn. */
export function shown({ facts }, { relu, pool, weights }) {
  const levels = rowsOf(facts.levels, facts.bands);
  const answers = filtered(levels, weights);
  const kept = relu ? answers.map((row) => row.map((x) => Math.max(x, 0))) : answers;
  const text = describe(answers, weights, relu, pool, facts.hop_ms);
  return { text, sounds: [], facts, levels, map: pooled(kept, pool) };
}

/** Red above 0, blue below, white at 0; `share` from -1 to 1. */
function redOrBlue(share) {
  const [red, green, blue] = share > 0 ? [178, 24, 43] : [33, 102, 172];
  const strength = Math.min(1, Math.abs(share));
  return [red, green, blue].map((full) => 247 + strength * (full - 247));
}

function drawPicture(width, title, href, { facts }) {
  const end = facts.frames * facts.hop_ms;
  const axes = new Axes({
    title,
    x: { from: 0, to: end, label: "ms" },
    y: { from: 0, to: facts.bands, label: "mel band" },
    width,
  });
  axes.picture(href, 0, end, 0, facts.bands);
  return axes.element;
}

/** Nine fields for the weights, and a button for each filter that has a name. */
class Weights {
  constructor(filters, value) {
    this.element = element("fieldset", "dl-weights");
    this.element.append(element("legend", "", "Weights: a row a frame, a column a band"));
    const grid = element("div", "dl-nine");
    this.inputs = value.map((_, place) => this.field(place));
    grid.append(...this.inputs);
    const buttons = element("div", "dl-choice");
    this.presets = Object.entries(filters).map((filter) => this.button(...filter));
    buttons.append(...this.presets.map(({ button }) => button));
    this.element.append(buttons, grid);
    this.value = value;
    this.element.addEventListener("input", () => this.read());
    this.element.addEventListener("focusout", () => (this.value = this.used));
  }

  field(place) {
    const input = Object.assign(element("input"), { type: "number", min: -9, max: 9, step: 1 });
    const name = `weight of frame ${Math.floor(place / 3) + 1}, band ${(place % 3) + 1}`;
    input.setAttribute("aria-label", name);
    return input;
  }

  button(name, weights) {
    const button = Object.assign(element("button", "dl-button", name), { type: "button" });
    button.addEventListener("click", () => {
      this.value = weights;
      this.element.dispatchEvent(new Event("input"));
    });
    return { button, weights };
  }

  /** Takes what the fields hold. One that is empty, or half typed, keeps its last weight. */
  read() {
    this.used = this.inputs.map(({ valueAsNumber: typed }, place) => {
      if (Number.isNaN(typed)) return this.used[place];
      return Math.max(-9, Math.min(9, Math.round(typed) || 0));
    });
    this.inputs.forEach((input, place) => {
      const isOther = input.valueAsNumber !== this.used[place];
      if (isOther && !Number.isNaN(input.valueAsNumber)) input.value = this.used[place];
    });
    this.press();
  }

  /** The filter that the weights are is pressed; after an edit by hand, mostly none. */
  press() {
    for (const { button, weights } of this.presets) {
      const isSet = weights.every((weight, place) => weight === this.used[place]);
      button.setAttribute("aria-pressed", String(isSet));
    }
  }

  get value() {
    return this.used;
  }

  set value(weights) {
    this.used = [...weights];
    this.inputs.forEach((input, place) => (input.value = weights[place]));
    this.press();
  }

  onChange(react) {
    this.element.addEventListener("input", react);
  }
}

/** Makes the figure live. */
export function awaken(figure, { values, facts }) {
  const below = [
    ["kept", 0],
    ["set to 0", 1],
  ];
  const pools = [
    ["none", 1],
    ["2 by 2", 2],
    ["4 by 4", 4],
  ];
  const controls = {
    weights: new Weights(facts.filters, values.weights),
    relu: new Choice({ label: "Below 0", options: below, value: values.relu }),
    pool: new Choice({ label: "Pooling", options: pools, value: values.pool }),
  };
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    also: "weights",
    update: (now) => shown({ facts }, now),
    draw(drawing, now) {
      const [left, right] = widthsIn(drawing, [1, 1]);
      const soft = now.levels.map((row) => row.map((level) => level - DEPTH));
      const limit = largestOf(now.map.flat().map(Math.abs), 1);
      const map = paint(now.map, (answer) => redOrBlue(answer / limit));
      return [
        drawPicture(left, "the picture", pictureOf(soft, -DEPTH), now),
        drawPicture(right, "the answers", map, now),
        legend(KEY),
      ];
    },
  });
}

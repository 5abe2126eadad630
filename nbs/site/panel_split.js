// Which hits are in the test, by kit or at random: after `split_explorer`.

import { counted, dice, largestOf, sortedPlaces, written } from "./panel_count.js";
import { Axes, widthsIn } from "./panel_drawing.js";
import { rounded } from "./panel_numbers.js";
import { marks } from "./panel_paint.js";
import { Choice, LivePanel, Slider } from "./panel_parts.js";

const ALT =
  "A column of marks for each kit, a mark a hit, hollow in training and full in the test.";
const BY_KIT = 1;

/** The hits of kits of these sizes: kit and number within the kit. */
const hitsOf = (sizes) =>
  sizes.flatMap((size, kit) => Array.from({ length: size }, (_, row) => ({ kit, row })));

/** The hits, each with whether it is in the test. */
export function split(sizes, byKit, percent, order) {
  const hits = hitsOf(sizes);
  const n = byKit ? sizes.length : hits.length;
  const asked = Math.max(1, rounded((n * percent) / 100));
  const drawn = sortedPlaces(dice(order, n)).slice(0, asked);
  const chosen = new Set(drawn);
  return hits.map((hit, i) => ({ ...hit, test: chosen.has(byKit ? hit.kit : i) }));
}

/** Text of the panel at these values, and what is drawn. */
export function shown({ facts }, { rule, percent, order }) {
  const hits = split(facts.sizes, rule === BY_KIT, percent, order);
  const asked = hits.filter(({ test }) => test);
  const learned = hits.filter(({ test }) => !test);
  const known = new Set(learned.map(({ kit }) => kit));
  const sisters = asked.filter(({ kit }) => known.has(kit)).length;
  const share = written((100 * sisters) / Math.max(1, asked.length));
  const text =
    `${rule === BY_KIT ? "By kit" : "At random"}: ${counted(asked.length, "test hit")}, ` +
    `of ${new Set(asked.map(({ kit }) => kit)).size} of ${facts.sizes.length} kits; ` +
    `${sisters} of them, ${share} %, have sisters in training.`;
  return { text, sounds: [], facts, asked, learned };
}

function draw(width, { facts, asked, learned }) {
  const axes = new Axes({
    title: "hollow: in training; full: in the test",
    x: { from: -1, to: facts.sizes.length + 0.5, label: "kit" },
    y: { from: -0.5, to: largestOf(facts.sizes) + 0.5, label: "hit" },
    width,
  });
  const put = (hits, name) => {
    const [xs, ys] = [hits.map(({ kit }) => kit), hits.map(({ row }) => row + 0.5)];
    marks(axes, xs, ys, "square", name);
  };
  put(learned, "dl-pale");
  put(asked, "dl-right");
  return axes.element;
}

/** Makes the figure live. */
export function awaken(figure, { values, facts }) {
  const rules = [
    ["at random", 0],
    ["by kit", BY_KIT],
  ];
  const controls = {
    rule: new Choice({ label: "Rule", options: rules, value: values.rule }),
    percent: new Slider({ label: "Test (%)", from: 5, to: 50, step: 5, value: values.percent }),
    order: new Slider({ label: "Draw", from: 1, to: 20, value: values.order }),
  };
  return new LivePanel(figure, {
    alt: ALT,
    controls,
    update: (now) => shown({ facts }, now),
    draw: (drawing, now) => [draw(widthsIn(drawing)[0], now)],
  });
}

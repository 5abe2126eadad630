// Axes with lines, bands, bars and pictures, drawn as SVG; colours come from the style sheet.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 52, right: 20, top: 24, bottom: 40 }; // pixels around the axes
const HEIGHT = 240;

/** An element of SVG. */
export function shape(kind, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

/** Round numbers from `low` to `high`, about `n` of them. */
export function ticksOf(low, high, n = 5) {
  const rough = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  if (last - first < 2 && n < 12) return ticksOf(low, high, n + 1); // an axis tells by three numbers
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toFixed(9)),
  );
}

/** One pair of axes, as wide as it is told. */
export class Axes {
  /** `x` and `y`: {from, to, label, log, ticks}, of which ticks are numbers or [number, text]. */
  constructor({ title = "", x, y, width, height = HEIGHT }) {
    this.scales = { x, y };
    this.width = width;
    this.height = height;
    this.element = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    this.element.setAttribute("aria-hidden", "true");
    this.inside = shape("svg", {
      x: MARGIN.left,
      y: MARGIN.top,
      width: this.innerWidth,
      height: this.innerHeight,
    });
    this.drawn = shape("g");
    this.inside.append(this.drawn);
    this.element.append(this.inside, this.frame(), ...this.words(title));
    this.tick("x");
    this.tick("y");
  }

  get innerWidth() {
    return this.width - MARGIN.left - MARGIN.right;
  }

  get innerHeight() {
    return this.height - MARGIN.top - MARGIN.bottom;
  }

  frame() {
    const [x, y] = [MARGIN.left, MARGIN.top];
    const size = { width: this.innerWidth, height: this.innerHeight };
    return shape("rect", { x, y, ...size, class: "dl-frame" });
  }

  words(title) {
    const middle = MARGIN.left + this.innerWidth / 2;
    const halfway = MARGIN.top + this.innerHeight / 2;
    const turned = `translate(12 ${halfway}) rotate(-90)`;
    return [
      shape("text", { x: middle, y: 15, class: "dl-title" }, title),
      shape("text", { x: middle, y: this.height - 6 }, this.scales.x.label ?? ""),
      shape("text", { transform: turned }, this.scales.y.label ?? ""),
    ];
  }

  /** Where a value lies on an axis, from 0 to 1. */
  share(axis, value) {
    const { from, to, log } = this.scales[axis];
    if (log) return Math.log(Math.max(value, 1e-9) / from) / Math.log(to / from);
    return (value - from) / (to - from);
  }

  x(value) {
    return this.share("x", value) * this.innerWidth;
  }

  y(value) {
    return (1 - this.share("y", value)) * this.innerHeight;
  }

  /** The numbers along an axis, without those that would touch the one before. */
  tick(axis) {
    const { from, to, ticks } = this.scales[axis];
    const most = axis === "x" ? Math.max(2, Math.floor(this.innerWidth / 70)) : 4;
    let free = -Infinity;
    for (const tick of ticks ?? ticksOf(from, to, most)) {
      const [value, text] = Array.isArray(tick) ? tick : [tick, String(tick)];
      const [x, y] = [MARGIN.left + this.x(value), MARGIN.top + this.y(value)];
      const half = 3.5 * text.length;
      if (axis === "x" && x - half < free) continue;
      free = x + half + 6;
      const below = { x, y: this.height - MARGIN.bottom + 16 };
      const beside = { x: MARGIN.left - 6, y: y + 4, class: "dl-beside" };
      const at = axis === "x" ? below : beside;
      this.element.append(shape("text", at, text.replace("-", "−")));
    }
  }

  /** A line through points. */
  line(xs, ys, name = "dl-line") {
    const points = Array.from(xs, (x, i) => `${this.x(x).toFixed(1)},${this.y(ys[i]).toFixed(1)}`);
    this.drawn.append(shape("polyline", { points: points.join(" "), class: name }));
  }

  /** What lies between two lines over the same places. */
  area(xs, lows, highs, name) {
    const up = Array.from(xs, (x, i) => `${this.x(x)},${this.y(highs[i])}`);
    const down = Array.from(xs, (x, i) => `${this.x(x)},${this.y(lows[i])}`).reverse();
    this.drawn.append(shape("polygon", { points: [...up, ...down].join(" "), class: name }));
  }

  /** A dot at each point. */
  dots(xs, ys, name) {
    Array.from(xs, (x, i) => [this.x(x), this.y(ys[i])]).forEach(([cx, cy]) => {
      this.drawn.append(shape("circle", { cx, cy, r: 4, class: name }));
    });
  }

  /** A rectangle between two values on either axis. */
  box(left, right, bottom, top, name) {
    const [x, y] = [this.x(left), this.y(top)];
    const width = Math.max(1, this.x(right) - x);
    const height = Math.max(0, this.y(bottom) - y);
    this.drawn.append(shape("rect", { x, y, width, height, class: name }));
  }

  /** A stretch of the horizontal axis, over the whole height. */
  band(left, right, name = "dl-band") {
    const { from, to } = this.scales.y;
    this.box(left, right, from, to, name);
  }

  /** Words at a point. */
  say(x, y, text, name = "dl-said") {
    this.drawn.append(shape("text", { x: this.x(x), y: this.y(y), class: name }, text));
  }

  /** A picture, an address, between two values on either axis. */
  picture(href, left, right, bottom, top) {
    const [x, y] = [this.x(left), this.y(top)];
    const size = { width: this.x(right) - x, height: this.y(bottom) - y };
    this.drawn.append(shape("image", { href, x, y, ...size, preserveAspectRatio: "none" }));
  }
}

/** Widths of axes that stand side by side in a drawing, in these shares; one below the other on a
 * phone. */
export function widthsIn(drawing, shares = [1]) {
  const all = Math.max(260, drawing.clientWidth);
  if (all < 560) return shares.map(() => all);
  const sum = shares.reduce((a, b) => a + b);
  return shares.map((share) => Math.floor((all * share) / sum));
}

/** What draws two axes side by side; each is drawn by a function of its width and what is shown. */
export function sideBySide(drawLeft, drawRight, shares = [1, 1]) {
  return (drawing, now) => {
    const [left, right] = widthsIn(drawing, shares);
    return [drawLeft(left, now), drawRight(right, now)];
  };
}

/** A list of what the colours stand for: [name of the colour, text]. */
export function legend(entries) {
  const list = Object.assign(document.createElement("ul"), { className: "dl-legend" });
  for (const [name, text] of entries) {
    const item = document.createElement("li");
    const colour = Object.assign(document.createElement("i"), { className: name });
    item.append(colour, text);
    list.append(item);
  }
  return list;
}

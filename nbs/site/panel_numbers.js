// Numbers and words of the panels, as drumlesson.course.panels has them.

import { SR, peakOf } from "./sound.js";
import { fft } from "./features.js";

/** The nearest whole number; of two that are as near, the even one, as Python rounds. */
export function rounded(x) {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** A number with so many digits after the point, of two as near the even one; never "-0". */
export function fixed(x, digits = 0) {
  const liesBetween = Math.abs(x * 2 ** (digits + 1)) % 2 === 1;
  const text = (liesBetween ? rounded(x * 10 ** digits) / 10 ** digits : x).toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** A number with its sign. */
export const signed = (x, digits) => (Number(fixed(x, digits)) < 0 ? "" : "+") + fixed(x, digits);

/** A number with six significant digits at most, and none that says nothing. */
export const short = (x) => String(Number(x.toPrecision(6)));

/** The ratio of two amplitudes in dB. */
export function ratioInDb(a, b) {
  return 20 * Math.log10(Math.max(a, 1e-5) / Math.max(b, 1e-5));
}

/** The next power of two, `n` itself included. */
export function powerOfTwo(n) {
  return 2 ** Math.ceil(Math.log2(n));
}

/** Power of each frequency of a sound, from 0 to half the rate, filled up to at least `least`. */
export function powerOf(x, least) {
  const n = powerOfTwo(Math.max(least, x.length));
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  re.set(x);
  fft(re, im);
  return Float64Array.from({ length: n / 2 + 1 }, (_, k) => re[k] ** 2 + im[k] ** 2);
}

/** Spectral centroid of a sound in Hz. */
export function centroid(x) {
  const power = powerOf(x, 2048);
  let [weighted, all] = [0, 0];
  power.forEach((value, bin) => {
    weighted += value * bin;
    all += value;
  });
  return all ? ((weighted / all) * SR) / 2 / (power.length - 1) : 0;
}

/** A stretch of a hit in seconds. Where it is cut, it is faded. */
export function stretch(x, start, stop, fade = 0.002) {
  const first = Math.max(0, rounded(start * SR));
  const last = Math.min(rounded(stop * SR), x.length);
  const part = x.slice(first, last);
  const length = Math.min(rounded(fade * SR), Math.floor(part.length / 2));
  for (let i = 0; i < length; i++) {
    if (first > 0) part[i] *= i / length;
    if (last < x.length) part[part.length - 1 - i] *= i / length;
  }
  return part;
}

/** Times in ms, least and largest sample of at most `n` stretches: a line like the waveform. */
export function outlineOf(x, n = 600) {
  const size = Math.max(1, Math.ceil(x.length / n));
  const [times, values] = [[], []];
  for (let start = 0; start < x.length; start += size) {
    const block = x.subarray(start, start + size);
    const time = (start / SR) * 1000;
    times.push(time, time);
    values.push(Math.min(...block), Math.max(...block));
  }
  return { times, values };
}

/** Samples without what fills a stored sound up to a quarter of a second. */
export const withLength = (sound, length) => sound.samples.subarray(0, length);

/** The hits that a panel has to choose from: number in the notebook, name and samples. */
export function hitsOf({ facts, sounds }) {
  return facts.hits.map(([number, name, length], i) => {
    return { number, name, x: withLength(sounds[i], length) };
  });
}

/** The hit of a number; the first where the page has none of that number. */
export function hitOf(given, number) {
  const hits = hitsOf(given);
  return hits.find((hit) => hit.number === number) ?? hits[0];
}

/** The number of a hit where the page has it, else that of its first. */
export function known(hits, number) {
  return hits.some((hit) => hit.number === number) ? number : hits[0].number;
}

/** What is said of the hits that a notebook has and the page has not. */
export function moreHits({ left_out: n }) {
  return n ? `A notebook has ${n} more ${n === 1 ? "hit" : "hits"}.` : "";
}

export { peakOf };

// The window of a hit, and why it may not show one whole hit: after drumlesson.attack.

import { SR, loudest, peakOf } from "./sound.js";
import { powerSpectra } from "./features.js";

const BLOCK = Math.round(SR / 1000); // samples: a millisecond
const QUIET = 25; // ms below the threshold: whatever lies before them is not the hit
const BEFORE = 50; // ms: what a hit must rise above
const RISE = 10 ** (8 / 20); // and by how much, 8 dB
const SOON = 30; // ms within which it does

const max = (x) => x.reduce((most, value) => Math.max(most, value), -Infinity);
const min = (x) => x.reduce((least, value) => Math.min(least, value), Infinity);
const meanSquare = (x) => x.reduce((sum, value) => sum + value * value, 0) / x.length;

/** The largest absolute sample of each millisecond of a sound. */
function envelope(x) {
  const levels = new Float32Array(Math.ceil(x.length / BLOCK));
  for (let i = 0; i < levels.length; i++) {
    levels[i] = peakOf(x, i * BLOCK, Math.min(x.length, (i + 1) * BLOCK));
  }
  return levels;
}

/** A sound that swings around zero; a pulse, which leaves zero to one side, stays as it is. */
function withoutOffset(x) {
  const offset = Math.fround(x.reduce((sum, value) => sum + value, 0) / x.length);
  if (Math.abs(offset) < 0.01 * peakOf(x)) return x;
  let crossings = 0;
  for (let i = 1; i < x.length; i++) crossings += x[i] > offset !== x[i - 1] > offset;
  return crossings > 2 ? x.map((value) => value - offset) : x;
}

/** The block that ends the last quiet before block `top`; the first loud one without any. */
function afterQuiet(levels, top, threshold) {
  let [start, last] = [-1, -1];
  for (let i = 0; i <= top; i++) {
    if (levels[i] < threshold) continue;
    if (start < 0 || i - last > QUIET) start = i;
    last = i;
  }
  return start;
}

/** The last block from `start` to `top` at which a hit rises out of noise, or `start`. */
function risen(levels, start, top) {
  for (let block = top; block >= start + 20; block--) {
    const before = max(levels.subarray(Math.max(0, block - BEFORE), block));
    const soon = max(levels.subarray(block, block + SOON));
    if (soon >= RISE * before && levels[block] > 1.5 * before) return block;
  }
  return start;
}

/** A sound free of an offset, its envelope, and the blocks where its hit begins and is loudest. */
export function findHit(sound, window) {
  const x = withoutOffset(sound);
  const levels = envelope(x);
  const near = Math.floor(loudest(x) / BLOCK);
  const there = levels.subarray(near, near + 10);
  const top = near + there.indexOf(max(there));
  const threshold = levels[top] * 10 ** (-window.threshold_db / 20);
  const start = risen(levels, afterQuiet(levels, top, threshold), top);
  return { x, levels, start, top };
}

/** The window of a hit that was found: Float32Array, begun alike, filled up with zeros. */
export function cut(hit, window) {
  const out = new Float32Array(Math.round(window.seconds * SR));
  const lead = Math.round((window.skip ? window.skip : -window.pre) * SR);
  const start = hit.start * BLOCK + lead;
  const piece = hit.x.subarray(Math.max(start, 0), Math.max(start + out.length, 0));
  out.set(piece, Math.max(-start, 0)); // the file may begin after the window does
  if (!window.peak_normalize) return out;
  const peak = Math.max(peakOf(out), 1e-5);
  return out.map((value) => value / peak);
}

/** Maxima of blocks of so many levels; those that fill no block are left out at the start. */
function blockwise(levels, size, atStart) {
  const n = Math.floor(levels.length / size);
  const first = atStart ? levels.length - n * size : 0;
  return Array.from({ length: n }, (_, i) =>
    max(levels.subarray(first + i * size, first + (i + 1) * size)),
  );
}

const swells = (levels) => blockwise(levels, 20, true); // the largest level of each 20 ms
const areSteady = (levels, least) => levels.length >= least && max(levels) < 2 * min(levels);

function beginsInNoise({ levels, start, top }, end) {
  const upToTop = swells(levels.subarray(start + 20, Math.max(start + 20, top - 20)));
  if (areSteady(upToTop, 10) || areSteady(swells(levels).slice(1), 9)) return true;
  const lead = levels.subarray(Math.max(0, start - 100), Math.max(0, start - 10));
  const hit = levels.subarray(start, end);
  const [before, after] = [swells(lead), swells(hit)];
  if (!areSteady(before, 2)) return false;
  const goesOn = after.length === 0 || min(after) > min(before) / 2;
  return goesOn && meanSquare(lead) > meanSquare(hit) / 50;
}

/** Levels of 5 ms, and where one may be a hit's: high, and not gone in 5 ms, as a click is. */
function strikes(ofMilliseconds, half) {
  const levels = blockwise(ofMilliseconds, 5, false);
  const are = levels.map((level, i) => level >= half && (levels[i + 1] ?? 0) >= level / 4);
  return { levels, are };
}

function holdsAnother({ levels: ofMilliseconds, start }) {
  const half = max(ofMilliseconds) / 2;
  if (strikes(ofMilliseconds.subarray(0, start), half).are.includes(true)) return true;
  const { levels, are } = strikes(ofMilliseconds.subarray(start), half);
  for (let i = 12; i < levels.length; i++) {
    const before = min(levels.slice(i - 8, i - 1));
    if (levels[i] >= 4 * before && are[i]) return true;
  }
  return false;
}

function stopsShort(levels) {
  const last = levels.findLastIndex((level) => level > 1e-5);
  if (last < 0) return false;
  return max(levels.subarray(Math.max(0, last - 2), last + 1)) > max(levels) / 4;
}

const HANN = Float64Array.from(
  { length: 512 },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 511),
);

function lacksTreble(x) {
  if (x.length - 128 < 512) return false;
  let [treble, all] = [0, 0];
  const inner = x.subarray(128); // a file that begins with a step has every frequency there
  for (const power of powerSpectra(inner, HANN, 256)) {
    power.forEach((value, bin) => {
      all += value;
      if ((bin * SR) / 512 > 5500) treble += value;
    });
  }
  return treble < 1e-8 * all;
}

/** What speaks against the window of a hit: noise, another, short, dull; or nothing. */
export function doubtOf(found, window) {
  const begin = found.start * BLOCK;
  const hit = found.x.subarray(begin, begin + Math.round((window.skip + window.seconds) * SR));
  if (beginsInNoise(found, Math.floor((begin + hit.length) / BLOCK))) return "noise";
  if (holdsAnother(found)) return "another";
  const levels = envelope(hit);
  const isOver = begin + hit.length === found.x.length || levels[levels.length - 1] <= 1e-5;
  if (isOver && stopsShort(levels)) return "short";
  return lacksTreble(hit) ? "dull" : "";
}

// Changes of a sound, each by an amount from its range: after drumlesson.augment.
//
// A change takes samples, the range, and shares from 0 to 1 of which it takes as many as it draws.

import { SR, bessel, peakOf } from "./sound.js";
import { fft } from "./features.js";
import { powerOfTwo, rounded } from "./panel_numbers.js";

const within = ([least, most], share) => Math.fround(least + (most - least) * share);
const factor = (db) => 10 ** (db / 20);

function gain(x, range, [share]) {
  const by = factor(within(range, share));
  return x.map((value) => value * by);
}

function shift(x, range, [share]) {
  const places = rounded(Math.fround(within(range, share) * SR));
  return x.map((_, i) => x[i - places] ?? 0);
}

function decay(x, range, [share]) {
  const db = within(range, share) / SR;
  return x.map((value, i) => value * factor(db * i));
}

function saturation(x, range, [share]) {
  const drive = factor(within(range, share));
  const peak = Math.max(peakOf(x), 1e-9);
  return x.map((value) => (Math.tanh((drive * value) / peak) / Math.tanh(drive)) * peak);
}

/** A sound with each frequency in Hz raised by so many dB, and not moved in time. */
function filtered(x, dbAt) {
  const n = powerOfTwo(x.length + Math.floor(SR / 20)); // and 50 ms, in which the filter rings out
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  re.set(x);
  fft(re, im);
  for (let bin = 0; bin <= n / 2; bin++) {
    const by = factor(dbAt(Math.max((bin * SR) / n, 30)));
    for (const k of new Set([bin, (n - bin) % n])) {
      re[k] *= by;
      im[k] *= -by; // turned round: so the same transform leads back
    }
  }
  fft(re, im);
  return Float32Array.from(x, (_, i) => re[i] / n);
}

function tilt(x, range, [share]) {
  const slope = within(range, share);
  return filtered(x, (hz) => slope * Math.log2(hz / 1000));
}

function colour(x, [least, most], shares) {
  const knots = shares.map((share) => least + (most - least) * share);
  return filtered(x, (hz) => {
    const at = Math.min(1, Math.log(hz / 30) / Math.log(SR / 60)) * (knots.length - 1);
    const left = Math.min(Math.floor(at), knots.length - 2);
    const blend = (1 - Math.cos(Math.PI * (at - left))) / 2;
    return knots[left] * (1 - blend) + knots[left + 1] * blend;
  });
}

const LOBES = 64; // of the sinc on either side
const STEPS = 256; // of its table between two zeros
const BETA = 12; // of Kaiser's window
const CUTOFF = 0.957; // of the lower rate's half

let table = null;

/** Half of a windowed sinc, at `STEPS` places between two zeros. */
function sincTable() {
  table ??= Float64Array.from({ length: LOBES * STEPS + 2 }, (_, i) => {
    const t = i / STEPS;
    const inside = Math.max(0, 1 - (t / LOBES) ** 2);
    const turn = Math.PI * CUTOFF * t;
    const sinc = turn === 0 ? 1 : Math.sin(turn) / turn;
    return CUTOFF * sinc * (bessel(BETA * Math.sqrt(inside)) / bessel(BETA));
  });
  return table;
}

/** A tape played at another speed: pitch and length change together. */
function speed(x, range, [share]) {
  const ratio = 2 ** (within(range, share) / 12);
  if (ratio === 1) return x.slice();
  const sinc = sincTable();
  const width = Math.min(1, 1 / ratio); // of the band that is kept
  const reach = LOBES / width;
  const out = new Float32Array(x.length);
  const n = Math.min(out.length, Math.round(x.length / ratio));
  for (let i = 0; i < n; i++) {
    const middle = i * ratio;
    const last = Math.min(x.length - 1, Math.floor(middle + reach));
    let sum = 0;
    for (let k = Math.max(0, Math.ceil(middle - reach)); k <= last; k++) {
      const place = Math.abs(middle - k) * width * STEPS;
      const below = Math.floor(place);
      sum += x[k] * (sinc[below] + (place - below) * (sinc[below + 1] - sinc[below]));
    }
    out[i] = sum * width;
  }
  return out;
}

export const CHANGES = {
  Speed: speed,
  Gain: gain,
  Shift: shift,
  Decay: decay,
  Tilt: tilt,
  Colour: colour,
  Saturation: saturation,
};

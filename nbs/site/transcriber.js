// From a recording of somebody drumming to which drum is hit when: after drumlesson.transcribing.

import { fft, hannOf, melBank, passing } from "./features.js";
import { network } from "./network.js";
import { SR, peakOf, refuseSilence, resampling } from "./sound.js";

/** The mean of all samples, and the level (root mean square) of what is not silent around it. */
export function offsetAndLevel(x, sr, silent) {
  const offset = x.reduce((sum, sample) => sum + sample, 0) / x.length;
  const step = Math.max(Math.floor(sr / 10), 1);
  const tenths = [];
  for (let start = 0; start < x.length; start += step) {
    const tenth = x.subarray(start, start + step);
    const energy = tenth.reduce((sum, sample) => sum + (sample - offset) ** 2, 0);
    tenths.push([energy, tenth.length]);
  }
  const least = silent * Math.max(...tenths.map(([energy, n]) => energy / n));
  const loud = tenths.filter(([energy, n]) => energy >= least * n);
  const total = (k) => loud.reduce((sum, its) => sum + its[k], 0);
  return { offset, level: Math.sqrt(total(0) / total(1)) };
}

/** The function that gives the powers in the bands of two frames, around two samples of a sound. */
function twoFrames(settings) {
  const { n_fft: n } = settings;
  const bank = melBank(settings);
  const hann = hannOf(n);
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  const powers = [new Float32Array(n / 2 + 1), new Float32Array(n / 2 + 1)];
  return function bands(x, centres) {
    for (let i = 0; i < n; i++) {
      re[i] = (x[centres[0] - n / 2 + i] ?? 0) * hann[i];
      im[i] = (x[centres[1] - n / 2 + i] ?? 0) * hann[i];
    }
    fft(re, im); // one frame as the real, one as the imaginary part: they are told apart after it
    for (let k = 0; k <= n / 2; k++) {
      const other = (n - k) % n;
      powers[0][k] = ((re[k] + re[other]) ** 2 + (im[k] - im[other]) ** 2) / 4;
      powers[1][k] = ((im[k] + im[other]) ** 2 + (re[k] - re[other]) ** 2) / 4;
    }
    return powers.map((power) => bank.map((filter) => passing(power, filter)));
  };
}

/** The picture of a sound, frames times bands, as logarithms to base 10; made in steps. */
function* pictureInSteps({ feature, faint }, x) {
  const { hop_length: hop, n_mels } = feature;
  const bands = twoFrames(feature);
  const frames = Math.floor((x.length - 1) / hop) + 1;
  const picture = new Float32Array(frames * n_mels);
  for (let frame = 0; frame < frames; frame += 2) {
    bands(x, [frame * hop, (frame + 1) * hop]).forEach((powers, i) => {
      powers.forEach((power, band) => {
        picture[(frame + i) * n_mels + band] = Math.log10(power + faint); // a frame too many is lost
      });
    });
    yield;
  }
  return picture;
}

/** What the network says of each frame, frames times outputs; in steps, `told` of the share done. */
function* curvesInSteps(model, answer, picture, told) {
  const { frames: atOnce, margin, faint } = model;
  const { n_mels } = model.feature;
  const frames = picture.length / n_mels;
  const step = atOnce - 2 * margin;
  const pieces = [];
  for (let start = 0; start < frames; start += step) {
    const block = new Float32Array(atOnce * n_mels).fill(Math.log10(faint));
    const first = Math.max(0, start - margin);
    const seen = picture.subarray(first * n_mels, (start - margin + atOnce) * n_mels);
    block.set(seen, (first - start + margin) * n_mels);
    const said = yield* answer.inSteps({ shape: [1, atOnce, n_mels], data: block });
    const outputs = said.length / atOnce;
    const end = margin + Math.min(step, frames - start);
    pieces.push(said.slice(margin * outputs, end * outputs));
    told(Math.min(1, (start + step) / frames));
  }
  const curves = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    curves.set(piece, at);
    at += piece.length;
  }
  return curves;
}

const GAP = 0.03; // seconds from one hit of a drum to its next

/** Where a drum's curve is at its highest within two frames, and high enough: {frame, drum}. */
export function pickPeaks(curves, outputs, threshold, hop) {
  const frames = curves.length / outputs;
  const least = Math.round((GAP * SR) / hop);
  const hits = [];
  threshold.forEach((wanted, drum) => {
    const at = (frame) => curves[frame * outputs + drum];
    let last = -least;
    for (let frame = 0; frame < frames; frame++) {
      if (at(frame) < wanted || frame - last < least) continue;
      const near = [frame - 2, frame - 1, frame + 1, frame + 2];
      if (near.some((other) => at(other) > at(frame))) continue; // beyond either end is nothing
      hits.push({ frame, drum });
      last = frame;
    }
  });
  return hits.sort((a, b) => a.frame - b.frame || a.drum - b.drum);
}

/** The value that a share of numbers stays below, between two of them if need be. */
function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

/** How loud a frame is in the bands of a drum, in decibels. */
function levelIn(picture, n_mels, frame, [first, last]) {
  let power = 0;
  for (let band = first; band <= last; band++) power += 10 ** picture[frame * n_mels + band];
  return 10 * Math.log10(power / (last - first + 1));
}

/** How hard each hit was, 1 to 127, against the loudest hits of the same drum. */
function velocities(model, picture, hits) {
  const { n_mels } = model.feature;
  const frames = picture.length / n_mels;
  const heard = hits.map(({ frame, drum }) => {
    const after = [0, 1, 2, 3].map((ahead) => Math.min(frame + ahead, frames - 1));
    return Math.max(...after.map((at) => levelIn(picture, n_mels, at, model.bands[drum])));
  });
  const loudest = model.drums.map((_, drum) => {
    const its = heard.filter((_level, i) => hits[i].drum === drum);
    return its.length ? quantile(its, 0.9) : 0;
  });
  return hits.map(({ drum }, i) => {
    const loud = heard[i] - loudest[drum];
    const velocity = Math.round(model.loud * 10 ** (loud / (20 * model.exponent)));
    return Math.min(127, Math.max(1, velocity));
  });
}

/** Samples at our rate, at the level that the network knows, after some silence; in steps. */
function* preparedInSteps(model, mono, sr) {
  const { offset, level } = offsetAndLevel(mono, sr, model.silent);
  if (level < model.faintest * peakOf(mono)) {
    throw new Error("holds one value all along, which nobody hears: leave it out");
  }
  const centred = mono.map((sample) => (model.level / level) * (sample - offset));
  const { out, fill } = resampling(centred, sr, SR);
  const step = Math.round(SR / 4);
  for (let start = 0; start < out.length; start += step) {
    fill(start, Math.min(out.length, start + step));
    yield;
  }
  const lead = model.lead * model.feature.hop_length; // silence, out of which a first hit rises
  const x = new Float32Array(lead + out.length);
  x.set(out, lead);
  return x;
}

/** Whether the high frequencies are cut off. A kick alone has few of them, but few below, too. */
function isDull({ feature: { n_mels: n }, faint, border, ranges, dull }, picture) {
  const sums = ranges.map(() => 0);
  picture.subarray(border * n, -border * n).forEach((value, i) => {
    ranges.forEach(([first, last], k) => {
      if (i % n >= first && i % n <= last) sums[k] += 10 ** value - faint;
    });
  });
  return dull.every((share, k) => sums[0] < share * sums[k + 1]);
}

/** The function that writes a recording down. */
export function transcriber(model) {
  const answer = network(model.network);
  const hop = model.feature.hop_length;

  /**
   * What is hit in mono samples, in steps: a generator, which may be left alone between any two.
   *
   * It returns the `hits`, each with its time in seconds, drum and velocity; how many `seconds` it
   * all lasts; the `curves`; `more`, for which share of the time something beside drums sounds; and
   * whether it is `dull`, with next to nothing above 5.5 kHz.
   */
  return function* transcribe(mono, sr, told = () => {}) {
    const seconds = mono.length / sr;
    refuseSilence(mono);
    if (seconds < model.shortest) throw new Error("is too short to hold a groove");
    const x = yield* preparedInSteps(model, mono, sr);
    const picture = yield* pictureInSteps(model, x);
    const curves = yield* curvesInSteps(model, answer, picture, told);
    const outputs = (curves.length * model.feature.n_mels) / picture.length;
    const found = pickPeaks(curves, outputs, model.threshold, hop);
    const hard = velocities(model, picture, found);
    const hits = found.map(({ frame, drum }, i) => ({
      time: Math.max(0, ((frame - model.lead) * hop) / SR),
      drum: model.drums[drum],
      velocity: hard[i],
    }));
    const beside = curves.filter((_, i) => i % outputs === model.drums.length);
    const more = beside.reduce((sum, share) => sum + share, 0) / beside.length;
    const last = hits.at(-1)?.time ?? 0;
    const dull = isDull(model, picture);
    return { hits, seconds: Math.max(seconds, last), curves, more, dull };
  };
}

const AT_ONCE = 20; // ms of work, after which the browser has its turn

/** Lets the browser have its turn. Unlike a timer it is not slowed down in a page in the back. */
function turn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** What work that is done in steps returns; the page stays awake while it is done. */
export async function unhurried(steps) {
  let began = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - began < AT_ONCE) continue;
    await turn();
    began = performance.now();
  }
}

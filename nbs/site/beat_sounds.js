// What is heard of a groove: single hits of its recording, and the groove played on these.

import { mix, peakOf } from "./sound.js";

const TOGETHER = 0.03; // seconds within which drums count as hit at once: after drumlesson.slicing
const LEAD = 0.015; // seconds before a hit
const FADE = 0.005; // seconds at either end
const LONGEST = 1; // seconds of a hit

/** The samples of a hit: up to the next one, coming and going softly. */
export function cutHit(mono, sr, hit, hits) {
  const start = Math.max(0, Math.round((hit.time - LEAD) * sr));
  const next = hits.find(({ time }) => time >= hit.time + TOGETHER)?.time ?? Infinity;
  const stop = Math.min(start + LONGEST * sr, (next - LEAD) * sr, mono.length);
  const piece = mono.slice(start, Math.round(stop));
  const fade = Math.min(Math.round(FADE * sr), Math.floor(piece.length / 2));
  for (let i = 0; i < fade; i++) {
    if (start > 0) piece[i] *= i / fade;
    piece[piece.length - 1 - i] *= i / fade;
  }
  return piece;
}

/** The hit that a drum is best known by: its loudest, of those that sound alone if there are any. */
function bestOf(drum, hits) {
  const its = hits.filter((hit) => hit.drum === drum);
  const isAlone = ({ time }) =>
    hits.every((other) => other.drum === drum || Math.abs(other.time - time) >= TOGETHER);
  const alone = its.filter(isAlone);
  const some = alone.length ? alone : its;
  return some.reduce((best, hit) => (hit.velocity > best.velocity ? hit : best));
}

/** A groove as it was written down: each drum always sounds like its best hit, louder or softer. */
export function playedAgain({ channels, sr }, hits) {
  const mono = mix(channels);
  const known = new Map();
  for (const drum of new Set(hits.map((hit) => hit.drum))) {
    const best = bestOf(drum, hits);
    known.set(drum, { piece: cutHit(mono, sr, best, hits), velocity: best.velocity });
  }
  const out = new Float32Array(mono.length + LONGEST * sr);
  for (const { time, drum, velocity } of hits) {
    const { piece, velocity: own } = known.get(drum);
    const start = Math.max(0, Math.round((time - LEAD) * sr));
    for (let i = 0; i < piece.length; i++) out[start + i] += (piece[i] * velocity) / own;
  }
  const peak = peakOf(out);
  return { channels: [peak > 1 ? out.map((sample) => sample / peak) : out], sr };
}

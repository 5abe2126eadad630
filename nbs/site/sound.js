// Any sound file that the browser reads, as mono samples at one rate: after drumlesson.audio.

export const SR = 22050; // samples a second, everywhere in here
export const MAX_SECONDS = 60; // a file longer than this is no drum hit
const KEEP_SECONDS = 4; // of a hit, this much is kept from its loudest moment on
const LEAD_SECONDS = 1; // and this much of what comes before it
const CANCELLED = 0.01; // of the loudest channel's power: a mean with less has lost the drum

/** A sound that is whole and no single hit: silent, or far too long. */
export class NoHit extends Error {}

/** Largest number of a range of an array, its sign left out. */
export function peakOf(x, start = 0, end = x.length) {
  let peak = 0;
  for (let i = start; i < end; i++) peak = Math.max(peak, Math.abs(x[i]));
  return peak;
}

function powerOf(x) {
  let power = 0;
  for (let i = 0; i < x.length; i++) power += x[i] * x[i];
  return power;
}

/** Samples a second of a file by its first bytes; 44,100 where they do not say. */
export function rateOf(bytes) {
  const view = new DataView(bytes);
  const text = (start, n) => String.fromCharCode(...new Uint8Array(bytes, start, n));
  if (bytes.byteLength < 64) return 44100;
  if (text(0, 4) === "RIFF") {
    for (let at = 12; at + 16 < bytes.byteLength;) {
      if (text(at, 4) === "fmt ") return view.getUint32(at + 12, true);
      at += 8 + view.getUint32(at + 4, true) + (view.getUint32(at + 4, true) % 2);
    }
  }
  if (text(0, 4) === "fLaC") return view.getUint32(18) >>> 12;
  if (text(0, 4) === "OggS" && text(29, 6) === "vorbis") return view.getUint32(40, true);
  if (text(0, 4) === "OggS" && text(28, 8) === "OpusHead") return 48000;
  return 44100;
}

/** Channels of equal length as one: their mean, or the loudest where they cancel each other. */
export function mix(channels) {
  const mono = new Float32Array(channels[0].length);
  for (const channel of channels) {
    for (let i = 0; i < mono.length; i++) mono[i] += channel[i] / channels.length;
  }
  const powers = channels.map(powerOf);
  const strongest = powers.indexOf(Math.max(...powers));
  return powerOf(mono) < CANCELLED * powers[strongest] ? channels[strongest] : mono;
}

/** The modified Bessel function of the first kind and order 0. */
export function bessel(x) {
  let sum = 1;
  for (let k = 1, term = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const greatestCommonDivisor = (a, b) => (b ? greatestCommonDivisor(b, a % b) : a);
const BETA = 12.9; // of Kaiser's window: what folds back lies 125 dB below
const HALF = 95; // samples, at the lower rate, on either side
const CUTOFF = 0.957; // of the lower rate's half

/**
 * Samples at another rate, by a windowed sinc: what lies above half the new rate is taken out.
 *
 * Gives `out`, which is still to be filled, and `fill`, which does so from one sample to another.
 */
export function resampling(x, from, to) {
  if (from === to) return { out: x, fill() {} };
  const divisor = greatestCommonDivisor(from, to);
  const [up, down] = [to / divisor, from / divisor];
  const width = Math.min(1, to / from); // of the band that is kept
  const reach = Math.ceil(HALF / width);
  const filters = new Map(); // by where an output lies between two inputs

  function filterAt(phase) {
    if (filters.has(phase)) return filters.get(phase);
    const filter = new Float64Array(2 * reach);
    for (let k = 0; k < filter.length; k++) {
      const t = (phase / up + reach - 1 - k) * width;
      const turn = Math.PI * CUTOFF * t;
      const sinc = turn === 0 ? 1 : Math.sin(turn) / turn;
      const inside = Math.max(0, 1 - (t / HALF) ** 2);
      filter[k] = CUTOFF * width * sinc * (bessel(BETA * Math.sqrt(inside)) / bessel(BETA));
    }
    filters.set(phase, filter);
    return filter;
  }

  const out = new Float32Array(Math.round((x.length * up) / down));

  function fill(start, stop) {
    for (let n = start; n < stop; n++) {
      const before = Math.floor((n * down) / up);
      const filter = filterAt((n * down) % up);
      const first = before - reach + 1;
      let sum = 0;
      const end = Math.min(filter.length, x.length - first);
      for (let k = Math.max(0, -first); k < end; k++) sum += filter[k] * x[first + k];
      out[n] = sum;
    }
  }

  return { out, fill };
}

/** All samples at another rate. */
export function resample(x, from, to = SR) {
  const { out, fill } = resampling(x, from, to);
  fill(0, out.length);
  return out;
}

/** The first sample of the 10 ms of a sound that hold the most energy. */
export function loudest(x) {
  const block = Math.floor(SR / 100);
  let [most, where] = [-1, 0];
  for (let start = 0; start < x.length; start += block) {
    const energy = powerOf(x.subarray(start, start + block));
    if (energy > most) [most, where] = [energy, start];
  }
  return where;
}

/** What is kept of a sound: a second before its loudest 10 ms, four from there. */
export function aroundLoudest(x) {
  const moment = loudest(x);
  const start = Math.max(0, moment - LEAD_SECONDS * SR);
  return x.slice(start, moment + KEEP_SECONDS * SR);
}

/** Throws NoHit where mono samples hold nothing to hear. */
export function refuseSilence(mono) {
  if (peakOf(mono) < 1e-5) {
    throw new NoHit("is silent (or its channels cancel each other): leave it out");
  }
}

/** Channels at the rate `sr` as what is kept of a hit, (samples,) at `SR`. Throws NoHit. */
export function asHit(channels, sr) {
  const mono = mix(channels);
  const seconds = mono.length / sr;
  if (mono.length < Math.floor(sr / 1000)) throw new Error("is too short for a sound");
  if (seconds > MAX_SECONDS) {
    const long = `is ${seconds.toFixed(0)} s long, and a drum hit lasts seconds`;
    throw new NoHit(`${long}: cut it into hits`);
  }
  refuseSilence(mono);
  return aroundLoudest(resample(mono, sr));
}

/** The sound in a file, given as an ArrayBuffer: its channels and its rate. */
export async function decode(bytes) {
  if (bytes.byteLength === 0) throw new Error("is an empty file: copy or download it again");
  const sr = rateOf(bytes);
  let buffer;
  try {
    buffer = await new OfflineAudioContext(1, 1, sr).decodeAudioData(bytes);
  } catch {
    throw new Error("cannot be read as sound: is it WAV, FLAC, OGG or MP3, and whole?");
  }
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, i) =>
    buffer.getChannelData(i),
  );
  if (!channels.every((samples) => samples.every(Number.isFinite))) {
    throw new Error("holds NaN or infinite samples: export it again as 16- or 24-bit PCM");
  }
  return { channels, sr: buffer.sampleRate };
}

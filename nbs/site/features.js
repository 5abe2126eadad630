// The picture of a window that the network sees, its log-mel spectrogram: after drumlesson.features.

const turns = new Map(); // by how many numbers are transformed

/** Cosine and sine of the first half of a turn backwards, in `n / 2` steps. */
function turnsOf(n) {
  if (!turns.has(n)) {
    const angles = Array.from({ length: n / 2 }, (_, k) => (-2 * Math.PI * k) / n);
    turns.set(n, [Float64Array.from(angles, Math.cos), Float64Array.from(angles, Math.sin)]);
  }
  return turns.get(n);
}

/** The Fourier transform of complex numbers, in place; their count is a power of two. */
export function fft(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  const [cosines, sines] = turnsOf(n);
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2;
    for (let start = 0; start < n; start += size) {
      for (let k = 0; k < half; k++) {
        const [i, j] = [start + k, start + k + half];
        const [c, s] = [cosines[(k * n) / size], sines[(k * n) / size]];
        const a = re[j] * c - im[j] * s;
        const b = re[j] * s + im[j] * c;
        re[j] = re[i] - a;
        im[j] = im[i] - b;
        re[i] += a;
        im[i] += b;
      }
    }
  }
}

/** A window of so many samples, which rises and falls as a cosine does. */
export const hannOf = (n) =>
  Float64Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n));

/** Power spectra of the frames of a sound, each of as many bins as half the window has, and one. */
export function powerSpectra(x, window, hop) {
  const n = window.length;
  const spectra = [];
  for (let start = 0; start + n <= x.length; start += hop) {
    const [re, im] = [new Float64Array(n), new Float64Array(n)];
    for (let i = 0; i < n; i++) re[i] = x[start + i] * window[i];
    fft(re, im);
    spectra.push(Float32Array.from({ length: n / 2 + 1 }, (_, k) => re[k] ** 2 + im[k] ** 2));
  }
  return spectra;
}

const BEND_HZ = 1000; // up to here Slaney's scale is straight, from here logarithmic
const BEND_MEL = 15;
const OCTAVES = Math.log(6.4) / 27; // a mel above the bend, as a natural logarithm

function toMel(hz) {
  if (hz < BEND_HZ) return (hz * BEND_MEL) / BEND_HZ;
  return BEND_MEL + Math.log(hz / BEND_HZ) / OCTAVES;
}

function toHz(mel) {
  if (mel < BEND_MEL) return (mel * BEND_HZ) / BEND_MEL;
  return BEND_HZ * Math.exp(OCTAVES * (mel - BEND_MEL));
}

/** The mel filters, triangles of area 1 over their Hz: for each its first bin and its weights. */
export function melBank({ sr, n_fft, n_mels, fmin, fmax }) {
  const [low, high] = [toMel(fmin), toMel(fmax ?? sr / 2)];
  const edge = (i) => toHz(low + ((high - low) * i) / (n_mels + 1));
  return Array.from({ length: n_mels }, (_, i) => {
    const [left, centre, right] = [edge(i), edge(i + 1), edge(i + 2)];
    const first = Math.ceil((left * n_fft) / sr);
    const last = Math.min(n_fft / 2, Math.floor((right * n_fft) / sr));
    const weights = [];
    for (let bin = first; bin <= last; bin++) {
      const hz = (bin * sr) / n_fft;
      const height = Math.min((hz - left) / (centre - left), (right - hz) / (right - centre));
      weights.push((Math.max(0, height) * 2) / (right - left));
    }
    return { first, weights };
  });
}

/** The power of a spectrum that passes a mel filter. */
export function passing(power, { first, weights }) {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) sum += weights[k] * power[first + k];
  return sum;
}

/** The function that makes a picture of a window: Float32Array of frames times bands, in dB. */
export function logMel(settings) {
  const { n_fft, n_mels, hop_length, top_db } = settings;
  const bank = melBank(settings);
  const hann = hannOf(n_fft);
  return function picture(window) {
    const padded = new Float32Array(window.length + n_fft);
    padded.set(window, n_fft / 2);
    const spectra = powerSpectra(padded, hann, hop_length);
    const db = new Float32Array(spectra.length * n_mels);
    spectra.forEach((power, frame) => {
      bank.forEach((filter, band) => {
        db[frame * n_mels + band] = 10 * Math.log10(Math.max(passing(power, filter), 1e-10));
      });
    });
    const loudest = db.reduce((most, value) => Math.max(most, value), -Infinity);
    return db.map((value) => Math.max(value, loudest - top_db));
  };
}

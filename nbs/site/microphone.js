// Hits in what a microphone hears: each is cut out and handed on.

import { peakOf } from "./sound.js";

const STEP = 0.005; // seconds that have one level
const BACK = 10; // steps before a hit that it must rise above
const LOUDER = 2.5; // and by how much: 8 dB
const LEAST = 0.01; // of full scale: what is softer is no hit
const REST = 0.06; // seconds after a hit in which no other is looked for
const LEAD = 0.1; // seconds kept before a hit
const TAIL = 0.4; // seconds kept after it, if no other comes first
const KEPT = 2; // seconds that are remembered

/** Finds hits in samples that come block by block; `onHit` is given each, Float32Array. */
export class HitFinder {
  constructor(sr, onHit) {
    this.sr = sr;
    this.onHit = onHit;
    this.step = Math.round(STEP * sr);
    this.past = new Float32Array(Math.round(KEPT * sr));
    this.heard = 0; // samples so far
    this.levels = Array(BACK).fill(1); // of the last steps; at first nothing can rise above them
    this.level = 0; // of the step that has begun
    this.began = null; // the sample at which the last hit began, if it is not handed on yet
    this.rest = 0; // the sample before which no hit is looked for
  }

  /** Takes down a block of samples. */
  push(block) {
    for (const sample of block) {
      this.past[this.heard % this.past.length] = sample;
      this.heard += 1;
      this.level = Math.max(this.level, Math.abs(sample));
      if (this.heard % this.step === 0) this.endStep();
    }
  }

  endStep() {
    const isLoud = this.level >= LEAST && this.level >= LOUDER * Math.max(...this.levels);
    const start = this.heard - this.step;
    if (isLoud && start >= this.rest) {
      this.flush(start);
      this.began = start;
      this.rest = start + REST * this.sr;
    }
    this.levels.push(this.level);
    this.levels.shift();
    this.level = 0;
    if (this.began !== null && this.heard - this.began >= TAIL * this.sr) this.flush(this.heard);
  }

  /** Hands on the hit that is being heard, up to a sample; nothing where there is none. */
  flush(end = this.heard) {
    if (this.began === null) return;
    const start = Math.max(0, Math.round(this.began - LEAD * this.sr));
    const hit = new Float32Array(end - start);
    for (let i = 0; i < hit.length; i++) hit[i] = this.past[(start + i) % this.past.length];
    this.began = null;
    this.onHit(hit, this.sr);
  }
}

const SOFT = 0.1; // of a recording's peak: what is softer is none of its hits

/** How many hits there are in mono samples. */
export function countHits(mono, sr) {
  let count = 0;
  const finder = new HitFinder(sr, () => (count += 1));
  const gain = LEAST / SOFT / peakOf(mono);
  finder.push(new Float32Array(Math.round(LEAD * sr))); // silence, out of which a first hit rises
  finder.push(mono.map((sample) => sample * gain));
  finder.flush();
  return count;
}

const HANDS_ON = `
registerProcessor("hands-on", class extends AudioWorkletProcessor {
  process([[channel]]) {
    if (channel) this.port.postMessage(channel.slice());
    return true;
  }
});`;

const REFUSALS = {
  NotAllowedError:
    "The microphone was refused. Allow it for this page in the browser, or choose files instead.",
  NotFoundError: "No microphone is connected. Connect one, or choose files instead.",
  NotReadableError: "Another program has the microphone. Close it, or choose files instead.",
};

/** What is said where there is no microphone to be had. */
export function refusal(error) {
  return REFUSALS[error.name] ?? `The microphone cannot be used: ${error.message}`;
}

/** The node that hands on the samples of a stream, block by block. */
async function samplesOf(context, stream) {
  const code = URL.createObjectURL(new Blob([HANDS_ON], { type: "text/javascript" }));
  await context.audioWorklet.addModule(code).finally(() => URL.revokeObjectURL(code));
  await context.resume();
  const node = new AudioWorkletNode(context, "hands-on", { numberOfOutputs: 0 });
  context.createMediaStreamSource(stream).connect(node);
  return node;
}

/**
 * Opens the microphone; `onHit` is given each hit, `onLevel` how loud it is, and `onLost` is called
 * where it goes away. Gives a stop.
 */
export async function listen(onHit, onLevel, onLost) {
  if (!navigator.mediaDevices) {
    throw new Error("browsers give it only to pages that are opened over https or from a disk.");
  }
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const context = new AudioContext();
  const close = () => {
    stream.getTracks().forEach((track) => track.stop());
    return context.close();
  };
  const node = await samplesOf(context, stream).catch(async (error) => {
    await close(); // or the microphone would stay on
    throw error;
  });
  for (const track of stream.getTracks()) {
    track.addEventListener("ended", onLost);
    if (track.readyState === "ended") throw new Error("it went away");
  }
  const finder = new HitFinder(context.sampleRate, onHit);
  node.port.onmessage = ({ data }) => {
    finder.push(data);
    onLevel(Math.max(...finder.levels));
  };
  return function stop() {
    node.port.onmessage = null;
    finder.flush();
    return close();
  };
}

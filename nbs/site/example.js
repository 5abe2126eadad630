// A short beat, made of tones and noise when it is asked for: nobody's recording.

import { SR } from "./sound.js";

const SIXTEENTH = 0.15; // seconds: a sixteenth at 100 beats a minute
const REST = 0.1; // seconds before the first hit
const RINGS = 1.2; // seconds after the last
const LOUD = { X: 1, x: 0.6, o: 0.35 };
const PATTERN = {
  cymbal: "X...............................",
  hihat: "..x.x.x.x.x.x.x.x.x.x.x.x.x.....",
  snare: "....X.......X..o....X.......X...",
  tom: "............................X.Xx",
  kick: "X......X..X.....X......X..X.....",
};

/** Noise that is the same each time: numbers from -1 to 1. */
function noiseMaker() {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const fall = (t, seconds) => Math.exp(-t / seconds);

/** A tone that falls from one frequency to another, at second `t`. */
function falling(t, from, to, seconds) {
  const turns = to * t + (from - to) * seconds * (1 - fall(t, seconds));
  return Math.sin(2 * Math.PI * turns);
}

/** Noise without its low pitches, the better the more often it is set against itself. */
function bright(noise, times) {
  const last = Array(times).fill(0);
  return () => {
    let x = noise();
    for (let i = 0; i < times; i++) [x, last[i]] = [(x - last[i]) / 2, x];
    return x;
  };
}

/** What each drum sounds like: a number for each second. */
function voices() {
  const noise = noiseMaker();
  const [rattle, hiss, wash] = [bright(noise, 1), bright(noise, 3), bright(noise, 2)];
  return {
    kick: (t) => 0.9 * falling(t, 160, 48, 0.03) * fall(t, 0.12) + 0.2 * rattle() * fall(t, 0.004),
    snare: (t) =>
      0.35 * falling(t, 260, 185, 0.02) * fall(t, 0.06) + 0.8 * rattle() * fall(t, 0.07),
    hihat: (t) => 0.9 * hiss() * fall(t, 0.03),
    cymbal: (t) => 0.9 * wash() * fall(t, 0.45),
    tom: (t) => 0.7 * falling(t, 150, 105, 0.05) * fall(t, 0.16) + 0.1 * rattle() * fall(t, 0.006),
  };
}

/** The beat, {channels, sr}. */
export function exampleBeat() {
  const steps = PATTERN.kick.length;
  const x = new Float32Array(Math.round((REST + steps * SIXTEENTH + RINGS) * SR));
  for (const [drum, voice] of Object.entries(voices())) {
    for (let step = 0; step < steps; step++) {
      const loud = LOUD[PATTERN[drum][step]];
      const start = Math.round((REST + step * SIXTEENTH) * SR);
      for (let i = start; loud && i < x.length; i++) x[i] += 0.5 * loud * voice((i - start) / SR);
    }
  }
  return { channels: [x], sr: SR };
}

// From the samples of a hit to an answer and its doubts: after drumlesson.answers.

import { cut, doubtOf, findHit } from "./attack.js";
import { logMel } from "./features.js";
import { network } from "./network.js";

/** Positive numbers as shares of their sum, after each was raised to a power. */
function shares(numbers, power = 1) {
  const raised = numbers.map((value) => Math.max(value, 1e-12) ** power);
  const sum = raised.reduce((total, value) => total + value, 0);
  return raised.map((value) => value / sum);
}

/** What is answered: the class, why it may be wrong, and what is said in place of it then. */
function decide(model, window, probabilities, outside) {
  const { classes, calibration, words } = model;
  const probability = Math.max(...probabilities);
  const guess = classes[probabilities.indexOf(probability)];
  const doubt = window === "dull" && !words.bright.includes(guess) ? "" : window;
  if (doubt) return { guess, label: words.unsure, why: words.doubts[doubt] };
  if (outside > calibration.outside) {
    return { guess, label: words.outside, why: words.none_of_them, probability: outside };
  }
  if (probability < calibration.unsure) {
    const least = calibration.unsure.toFixed(2);
    return { guess, label: words.unsure, why: `less than ${least} probable` };
  }
  return { guess, label: guess, why: "" };
}

/**
 * The function that names a hit, given as samples at the model's rate.
 *
 * It gives `label`, the answer; `guess`, the most probable class; `probability` of the answer: of
 * the guess, or that it is none of the classes; `why` the answer is no class; `probabilities` of
 * all classes; `outside`, how probable none of them is; and the `picture` that the network saw, frames times bands, with its `shape`.
 */
export function classifier(model) {
  const picture = logMel(model.feature);
  const answer = network(model.network);
  const n = model.classes.length;
  return function name(sound) {
    const hit = findHit(sound, model.window);
    const seen = picture(cut(hit, model.window));
    const shape = [seen.length / model.feature.n_mels, model.feature.n_mels];
    const outputs = Array.from(answer({ shape: [1, ...shape], data: seen }));
    const none = outputs.slice(n).reduce((sum, value) => sum + value, 0);
    const outside = Math.min(none, 1);
    const probabilities = shares(shares(outputs.slice(0, n)), 1 / model.calibration.temperature);
    const answered = decide(model, doubtOf(hit, model.window), probabilities, outside);
    const probability = probabilities[model.classes.indexOf(answered.guess)];
    return { probability, ...answered, probabilities, outside, picture: seen, shape };
  };
}

// One augmentation at a time, with its range and its dice: after `augment_bench`.

import { CHANGES } from "./augmentations.js";
import { widthsIn } from "./panel_drawing.js";
import { Choice, LivePanel, Slider, element, hitChoice } from "./panel_parts.js";
import { centroid, fixed, hitOf, hitsOf, known, peakOf, ratioInDb } from "./panel_numbers.js";
import { moreHits, short, signed } from "./panel_numbers.js";
import { drawSpectrogram, spectraOf, spectrogram } from "./panel_stft.js";
import { SR } from "./sound.js";

const [WINDOW, HOP] = [1024, 128]; // of the spectrograms
const ALT = "Two spectrograms: before and after the augmentation.";

/** What was done, and what it did to the peak and the centroid. */
function describe(name, [parameter], [least, most], draw, before, after) {
  const change = signed(ratioInDb(peakOf(after), peakOf(before)), 1);
  const setting = `${name}(${parameter}=(${short(least)}, ${short(most)}))`;
  const centroids = `from ${fixed(centroid(before))} to ${fixed(centroid(after))} Hz`;
  return (
    `${setting}, draw ${draw}: the peak changes by ${change} dB, ` +
    `the spectral centroid ${centroids}.`
  );
}

/** Text and sounds of the panel at these values. */
export function shown(given, { hit, augmentation, amount, draw }) {
  const { dials, draws } = given.facts;
  const { x } = hitOf(given, hit);
  const after = CHANGES[augmentation](x, amount, draws[draw]);
  const text = describe(augmentation, dials[augmentation], amount, draw, x, after);
  const sounds = [
    { name: "before", samples: x },
    { name: "after", samples: after },
  ];
  return { text, sounds };
}

/** Samples that fade over their last 20 ms: else the cut at the end is a stripe up to the top. */
function fading(x) {
  const length = Math.floor(SR / 50);
  return x.map((value, i) => value * Math.min(1, (x.length - i) / length));
}

function pictures([before, after]) {
  const spectra = [before, after].map(({ samples }) => spectraOf(fading(samples), WINDOW, HOP));
  const first = spectrogram(spectra[0], WINDOW, HOP);
  return [first, spectrogram(spectra[1], WINDOW, HOP, SR / 2000, first.level)];
}

/** Two sliders, the ends of a range. */
class Range {
  constructor(dial) {
    this.element = element("div", "dl-range");
    this.reacting = [];
    this.dial(dial);
  }

  /** Sets the limits and the usual range of an augmentation. */
  dial([, from, to, step, label, [least, most]]) {
    const ends = { from: least, to: most };
    this.sliders = Object.entries(ends).map(([end, value]) => {
      const slider = new Slider({ label: `${label}, ${end}`, from, to, step, value, say: short });
      slider.onChange(() => this.follow(end));
      return slider;
    });
    this.element.replaceChildren(...this.sliders.map((slider) => slider.element));
  }

  /** The end that was not moved gives way. */
  follow(moved) {
    const [low, high] = this.sliders;
    if (low.value > high.value && moved === "from") high.value = low.value;
    if (low.value > high.value && moved === "to") low.value = high.value;
    for (const react of this.reacting) react();
  }

  get value() {
    return this.sliders.map((slider) => slider.value);
  }

  onChange(react) {
    this.reacting.push(react);
  }
}

/** The controls, set to what the still panel shows where the page has that. */
function controlsOf(values, { dials }, hits) {
  const names = Object.keys(dials);
  const isThere = names.includes(values.augmentation);
  const name = isThere ? values.augmentation : names[0];
  const dial = isThere ? [...dials[name].slice(0, 5), values.amount] : dials[name];
  const options = names.map((one) => [one, one]);
  const augmentation = new Choice({ label: "Augmentation", options, value: name });
  const amount = new Range(dial);
  augmentation.onChange(() => amount.dial(dials[augmentation.value]));
  return {
    hit: hitChoice(hits, known(hits, values.hit)),
    augmentation,
    amount,
    draw: new Slider({ label: "Draw", to: 50, value: values.draw }),
  };
}

/** Makes the figure live. */
export function awaken(figure, { values, facts, sounds }) {
  return new LivePanel(figure, {
    alt: ALT,
    controls: controlsOf(values, facts, hitsOf({ facts, sounds })),
    note: `A notebook has ${facts.more} more augmentations. ${moreHits(facts)}`.trim(),
    update(now) {
      const told = shown({ facts, sounds }, now);
      return { ...told, pictures: pictures(told.sounds) };
    },
    draw(drawing, now) {
      const widths = widthsIn(drawing, [1, 1]);
      const titles = ["before", "after"];
      return titles.map((title, i) => drawSpectrogram(widths[i], title, now.pictures[i]));
    },
  });
}

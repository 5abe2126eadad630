// Panels that a notebook moves by hand, moved on the page as well.
//
// A stored page holds a still figure of each (drumlesson.course.panels): picture, text, players.
// Its attributes say which module moves it (panel_KIND.js) and from where: `values`, what the
// controls say; `facts`, what the module needs beside the sounds; `clips`, for each sound that it
// needs the number of its player in the figure. Where anything fails, the still figure stays.

import { SR } from "./sound.js";

const STORED = (0.5 * 32767) / 32768; // what a sample of a stored player is of the sound's own

/** What an attribute of a figure holds as JSON; `other` where there is none. */
function told(figure, name, other) {
  const text = figure.dataset[name];
  return text === undefined ? other : JSON.parse(text);
}

/** The sound of a player: its name and its samples, full scale 1. */
async function heard(audio) {
  const bytes = await (await fetch(audio.src)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 1, SR).decodeAudioData(bytes);
  const samples = sound.getChannelData(0).map((x) => x / STORED);
  return { name: audio.getAttribute("aria-label"), samples };
}

/** The sounds that a figure's module needs; without a list of them, all that the figure plays. */
async function soundsOf(figure) {
  const players = [...figure.querySelectorAll(".dl-player")];
  const clips = told(figure, "clips", []);
  const chosen = clips.length ? clips.map((number) => players[number]) : players;
  const audios = chosen.map((player) => player.querySelector("audio[src]"));
  return Promise.all(audios.filter(Boolean).map(heard));
}

/** Makes one figure live. */
async function awaken(figure) {
  const module = await import(`./panel_${figure.dataset.panel}.js`);
  const values = told(figure, "values", {});
  const facts = told(figure, "facts", {});
  await module.awaken(figure, { values, facts, sounds: await soundsOf(figure) });
  figure.dataset.awake = "true";
}

/** Makes the panels of a page live, one after the other. */
export async function awakenPanels(root) {
  for (const figure of root.querySelectorAll("figure[data-panel]")) {
    try {
      await awaken(figure);
    } catch (error) {
      console.warn(`the panel "${figure.dataset.panel}" stays still: ${error.message}`);
    }
  }
}

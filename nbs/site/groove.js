// What was heard of a beat, in words and as files: after drumlesson.midi and drumlesson.cli.

import { several } from "./elements.js";
import { toMidi } from "./midifile.js";
import { toCsv } from "./table.js";
import { TRANSCRIBER } from "./transcriber_model.js";

/** How many hits there are in how many seconds, and of which drums. */
export function counted({ hits, seconds }) {
  const notes = several(hits.length, "hit");
  const counts = TRANSCRIBER.drums.map((drum) => [
    drum,
    hits.filter((h) => h.drum === drum).length,
  ]);
  const each = counts.filter(([, n]) => n > 0).map(([drum, n]) => `${drum} ${n}`);
  return `${notes} in ${seconds.toFixed(1)} s${each.length ? `: ${each.join(", ")}` : ""}`;
}

/** The table of hits, as `drumlesson transcribe --csv` writes it. */
export function notesAsCsv({ hits }) {
  const rows = hits.map(({ time, drum, velocity }) => ({
    time: time.toFixed(6),
    label: drum,
    velocity: String(velocity),
  }));
  return toCsv(TRANSCRIBER.columns, rows).replaceAll("\r\n", "\n");
}

/** The bytes of a MIDI file with the notes of General MIDI. */
export const asMidi = (groove) =>
  toMidi(groove, (drum) => TRANSCRIBER.notes[TRANSCRIBER.drums.indexOf(drum)]);

/** What is said where something beside drums sounds most of the time; else nothing. */
function warningOfMore({ more }) {
  if (more <= TRANSCRIBER.more) return "";
  const share = `${Math.round(100 * more)} %`;
  const what = `Something beside drums sounds for ${share} of the time`;
  return `${what}; it may be written down as drums.`;
}

/** What is said where the high frequencies are missing; else nothing. */
function warningOfDull({ dull }) {
  if (!dull) return "";
  const what = "Holds next to nothing above 5.5 kHz, by which snares, hi-hats and cymbals are told";
  return `${what}; what is written down may be wrong.`;
}

/** What is said of a recording that is likely to be written down wrongly; else nothing. */
export const warningOf = (groove) =>
  [warningOfMore(groove), warningOfDull(groove)].filter(Boolean).join(" ");

// What every page of the site runs; each part leaves a page alone that has nothing for it.
import { askExercises } from "./exercises.js";
import { explainTerms } from "./glossary.js";
import { keepColumns } from "./outputs.js";
import { awakenPanels } from "./panels.js";
import { dressPlayers } from "./players.js";
import { askQuestions } from "./selftest.js";

keepColumns(document);
dressPlayers(document);
explainTerms(document);
askQuestions(document);
askExercises(document);

// Players, questions and panels have other heights than what stood in their places: who came for
// one section of the page is brought to it again, unless they moved on in the meantime.
let hasMoved = false;
for (const kind of ["wheel", "touchstart", "keydown", "pointerdown"]) {
  addEventListener(kind, () => (hasMoved = true), { once: true, passive: true });
}
await awakenPanels(document);
const goal = document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (goal && !hasMoved) goal.scrollIntoView();

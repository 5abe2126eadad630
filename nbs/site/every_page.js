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
const asked = askExercises(document);

// Players, questions and panels have other heights than what stood in their places: who came for
// one section of the page is brought to it again, unless they moved on in the meantime.
let hasMoved = false;
for (const kind of ["wheel", "touchstart", "keydown", "pointerdown"]) {
  addEventListener(kind, () => (hasMoved = true), { once: true, passive: true });
}
await Promise.all([asked, awakenPanels(document)]);
const [visit] = performance.getEntriesByType("navigation");
const isNew = visit?.type === "navigate"; // else the browser puts the page where it was
const goal = location.hash && document.querySelector(":target");
if (goal && isNew && !hasMoved) goal.scrollIntoView();

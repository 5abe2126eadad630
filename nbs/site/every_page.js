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
awakenPanels(document);

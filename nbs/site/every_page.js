// What every page of the site runs; each part leaves a page alone that has nothing for it.
import { explainTerms } from "./glossary.js";
import { awakenPanels } from "./panels.js";
import { dressPlayers } from "./players.js";

dressPlayers(document);
explainTerms(document);
awakenPanels(document);

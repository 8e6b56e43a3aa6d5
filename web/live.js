/* The live page: which of its two sides is shown, boards or passings, is told by the part of the address after #. */

import { storedKey } from "./feed.js";
import { passings } from "./passings.js";
import { results } from "./results.js";
import { $, mark } from "./view.js";

const OF_PASSINGS = ["passings", "device", "session"];
const MAIN = "#main"; // where the skip link leads; no side of its own

let side = null;

function show() {
  if (side && location.hash === MAIN) return;
  const hash = new URLSearchParams(location.hash.slice(1));
  const next = OF_PASSINGS.some((name) => hash.has(name)) ? passings : results;
  if (side !== next) side?.leave();
  side = next;
  mark($("to-passings"), side === passings);
  mark($("to-results"), side === results);
  side.show();
}

$("retry").addEventListener("click", () => side.now());
addEventListener("hashchange", show);
addEventListener("online", () => side.now());
document.addEventListener("visibilitychange", () => document.hidden || side.now());
$("leave").hidden = !storedKey();
show();

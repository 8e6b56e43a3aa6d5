/* The page of results, for everybody: events, and the board of a race as it changes. */

import { Board } from "./board.js";
import { follow, Refused, storedKey, storeKey } from "./feed.js";
import * as lines from "./lines.js";
import { BOARD, everyEvent, found, oneEvent, oneRace } from "./queries.js";
import { $, count, showState } from "./view.js";

const MORE = [50, 200, 1000];
const AGAIN = 15_000; // milliseconds between two looks at the list of events
const TYPING = 250;
const SEARCH_AGAIN = 1000;

let shown = 0; // grows with each address that is shown: what was asked for another one is not heard
let race = null;
let chosen = {};
let board = new Board();
let feed = null;
let top = MORE[0];
let hits = null;
let leader = "";
let framed = false;
let timers = { again: 0, search: 0 };

/** Asks with the tab's key. One that is not accepted any more is forgotten: what is public is there without. */
async function asked(question, ...rest) {
  try {
    return await question(storedKey(), ...rest);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "UNAUTHENTICATED" || !storedKey()) throw error;
    storeKey(null);
    $("leave").hidden = true;
    return question(null, ...rest);
  }
}

function told(state, detail = {}) {
  if (feed) feed.detail = detail;
  showState(state, detail);
}

function address() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const named = (name) => hash.get(name) || null;
  return { event: named("event"), race: named("race"), gender: named("gender"), category: named("category"), checkpoint: named("checkpoint") };
}

function unwatch() {
  shown += 1;
  feed?.stop();
  feed = null;
  clearTimeout(timers.again);
  clearTimeout(timers.search);
}

async function show() {
  const { event, race: raceId, ...names } = address();
  unwatch();
  const mine = shown;
  $("results").hidden = false;
  try {
    if (raceId) return await showBoard(raceId, names, mine);
    const events = event ? [await asked(oneEvent, event)].filter(Boolean) : await visible();
    if (mine !== shown) return;
    if (event && events[0]?.races.length === 1) return await showBoard(events[0].races[0].id, names, mine);
    showLobby(events, Boolean(event));
    later(show, AGAIN, mine);
  } catch (error) {
    if (mine !== shown) return;
    if (error instanceof Refused) return told("refused", { message: error.message });
    told("waiting", { message: error.message, until: Date.now() + 2000 });
    later(show, 2000, mine);
  }
}

function later(then, wait, mine) {
  timers.again = setTimeout(() => mine === shown && then(), wait);
}

/** What everybody may see, and with a key what else its account has. */
async function visible() {
  const open = await everyEvent(null);
  const own = storedKey() ? await asked(everyEvent).catch(noneIfRefused) : [];
  const known = new Set(own.map(({ token }) => token));
  return [...own, ...open.filter(({ token }) => !known.has(token))];
}

/** A key that may not list events has none of its own here; what only went wrong is asked again soon. */
function noneIfRefused(error) {
  if (error instanceof Refused) return [];
  throw error;
}

function showLobby(events, one) {
  race = null;
  $("board").hidden = true;
  $("lobby").hidden = false;
  $("lobby-title").textContent = one ? "Event" : "Events";
  document.title = "Passline live";
  told("quiet");
  lines.showEvents(events);
}

async function showBoard(raceId, names, mine) {
  if (race?.id !== raceId) {
    lines.clearLines();
    top = MORE[0];
    $("search").value = "";
    told("connecting");
    const found = await asked(oneRace, raceId);
    if (mine !== shown) return;
    if (!found) return told("refused", { message: "there is no such race, or it is not public" });
    race = found;
  }
  chosen = names;
  $("lobby").hidden = true;
  $("board").hidden = false;
  document.title = `${race.name} · ${race.event.name} · Passline live`;
  lines.showRace(race, chosen);
  watch(mine);
}

const variables = () => ({
  raceId: race.id,
  gender: chosen.gender,
  category: chosen.category,
  checkpointId: chosen.checkpoint,
});

function watch(mine) {
  feed?.stop();
  board = new Board();
  hits = null;
  const heard = (update) => {
    if (mine !== shown) return;
    if (!board.apply(update)) return feed.again();
    draw(update.snapshot);
  };
  feed = follow({ key: storedKey(), query: BOARD, variables: { ...variables(), top }, field: "leaderboard", heard, told });
  if ($("search").value.trim()) look(mine);
}

// Drawing: once a frame, however much arrived

let quiet = false;

function draw(snapshot) {
  quiet ||= snapshot;
  if (framed) return;
  framed = true;
  requestAnimationFrame(() => {
    framed = false;
    if (race && board.counts) drawNow();
    quiet = false;
  });
}

function drawNow() {
  const all = hits?.lines ?? board.lines;
  const tenths = all.some(({ time }) => time % 1);
  lines.showCounts(race, board.counts, chosen);
  lines.showLines(all, { tenths, laps: race.mode !== "COURSE" }, quiet);
  const [first] = board.lines;
  leader = first?.rank ? `${first.name}, ${lines.clock(first.time, tenths)}` : "";
  const entered = board.counts.entered;
  $("board-note").textContent = hits ? `${count(hits.total)} found` : `${count(Math.min(all.length, entered))} of ${count(entered)}`;
  $("more").hidden = Boolean(hits) || all.length < top || top === MORE.at(-1) || all.length >= entered;
  if ($("search").value.trim() && !timers.search) timers.search = setTimeout(look, SEARCH_AGAIN, shown);
}

/** Asks for those who are searched for; again while the board changes. */
async function look(mine) {
  clearTimeout(timers.search);
  timers.search = 0;
  const search = $("search").value.trim();
  if (!search) {
    hits = null;
    return draw(true);
  }
  const fresh = await asked(found, { ...variables(), search }).catch(() => null);
  if (mine !== shown || search !== $("search").value.trim() || !fresh) return;
  const same = JSON.stringify(fresh) === JSON.stringify(hits);
  hits = fresh;
  if (!same) draw(true);
}

/** Read aloud at most every ten seconds, and only when somebody else leads. */
let announced = "";
function announce() {
  if (!race || !leader || leader === announced) return;
  announced = leader;
  $("news").textContent = `In the lead: ${leader}`;
}

function choose() {
  const category = $("category").value;
  const names = { ...chosen, gender: $("gender").value, category };
  const own = race.categories.find(({ name }) => name === category);
  if (own?.gender && names.gender && own.gender !== names.gender) names.category = "";
  location.hash = lines.boardAt(race.id, names);
}

$("filters").addEventListener("submit", (event) => event.preventDefault());
$("gender").addEventListener("change", choose);
$("category").addEventListener("change", choose);
$("search").addEventListener("input", () => {
  clearTimeout(timers.search);
  timers.search = setTimeout(look, TYPING, shown);
});
$("more").addEventListener("click", () => {
  top = MORE[MORE.indexOf(top) + 1];
  watch(shown);
});
$("lines").addEventListener("animationend", ({ target }) => target.classList.remove("new"));
setInterval(announce, 10_000);
setInterval(() => feed && $("state").dataset.state === "waiting" && showState("waiting", feed.detail), 1000);

export const results = {
  show,
  leave() {
    unwatch();
    race = null;
    $("results").hidden = true;
    $("lobby").hidden = true;
    $("board").hidden = true;
  },
  /** The connection may be back, or somebody looks again. */
  now() {
    if (feed) feed.now();
    else show();
  },
};

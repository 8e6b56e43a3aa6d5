/* The page of passings, for who has a key: devices, and what all of them, one of them or one session sees. */

import { follow, Refused, storedKey, storeKey } from "./feed.js";
import { everyDevice, latest, newest, PASSINGS } from "./queries.js";
import { Tally } from "./tally.js";
import * as view from "./view.js";

const { $ } = view;
const SHORTEST_FRAME = 100;

let key = null;
let open = false;
let devices = [];
let feed = null;
let followed = 0;
let sinceRefresh = 0;
let liveAtRefresh = 0;
let paused = false;
let framed = false;
let drawn = 0;
let tally = new Tally();

function scope() {
  const hash = new URLSearchParams(location.hash.slice(1));
  return { deviceId: hash.get("device") || null, sessionToken: hash.get("session") || null };
}

// Figures and rows: counted as they arrive, shown when there is time.

function heard({ passing }) {
  tally.add(passing, Date.now());
  draw();
}

/** A lone passing is shown in the next frame; a burst ten times a second, so that the page keeps up with it. */
function draw() {
  if (framed) return;
  framed = true;
  const early = drawn + SHORTEST_FRAME - performance.now();
  setTimeout(() => requestAnimationFrame(drawNow), Math.max(0, early));
}

function drawNow() {
  framed = false;
  drawn = performance.now();
  if (!paused) view.showRows(tally.waiting.splice(0));
  pauseLabel();
  figures();
}

function figures() {
  view.showFigures(tally.figures());
}

function everySecond() {
  if (!key || !open) return;
  view.showPulse(tally.perSecond);
  figures();
  tally.tick();
  if ($("state").dataset.state === "waiting") view.showState("waiting", feed.detail);
  refreshSometimes();
}

/** Read aloud at most every ten seconds, and only when there is something to say. */
function announce() {
  if (!open) return;
  const fresh = tally.live - tally.announced;
  if (!fresh) return;
  tally.announced = tally.live;
  $("news").textContent = `${view.count(fresh)} new passing${fresh === 1 ? "" : "s"}`;
}

// Devices

async function refresh() {
  const mine = key;
  sinceRefresh = 0;
  liveAtRefresh = tally.live;
  try {
    const found = await everyDevice(key);
    if (mine !== key) return;
    devices = found;
    view.showDevices(devices, scope());
    title();
  } catch (error) {
    // What else can go wrong is shown by the feed, which tries again.
    if (error instanceof Refused && mine === key) throw error;
  }
}

/** Counts are asked again soon while passings come in, else now and then. */
function refreshSometimes() {
  sinceRefresh += 1;
  const due = tally.live !== liveAtRefresh ? 2 : 8;
  if (sinceRefresh >= due && !document.hidden) refresh().catch(leaveWith);
}

// The scope

function title() {
  const { deviceId, sessionToken } = scope();
  const device = devices.find((one) => one.deviceId === deviceId || one.activeSession?.token === sessionToken);
  const name = sessionToken
    ? `Session ${view.sessionName(device?.activeSession ?? { token: sessionToken })}`
    : deviceId
      ? view.nameOf(device)
      : "All devices";
  $("scope-title").textContent = name;
  $("scope-note").textContent = sessionToken && device ? view.nameOf(device) : deviceId ? (device?.serialNumber ?? "") : "";
  document.title = `${name} · Passline live`;
}

function told(state, detail = {}) {
  if (feed) feed.detail = detail;
  view.showState(state, detail);
}

/**
 * Shows the latest passings of the scope, then follows it from the last of them.
 *
 * A scope without passings is followed from where the account is, asked first so that nothing falls between.
 */
async function watch() {
  feed?.stop();
  const mine = ++followed;
  const variables = scope();
  tally = new Tally();
  feed = { detail: {}, now: watch, stop() {} };
  view.clearRows();
  view.showDevices(devices, variables);
  title();
  figures();
  told("connecting");
  try {
    const place = await newest(key);
    const { total, rows, cursor } = await latest(key, variables);
    if (mine !== followed) return;
    tally.stored = total;
    view.showRows(rows);
    figures();
    const after = cursor ?? place ?? null;
    const hearing = after ? { heard, told } : { heard: watch, told: toldWhileBlank };
    feed = follow({ key, query: PASSINGS, variables, field: "passings", after, ...hearing });
  } catch (error) {
    if (mine === followed) notWatched(error);
  }
}

function notWatched(error) {
  if (error instanceof Refused && error.code !== "NOT_FOUND") return leaveWith(error);
  if (error instanceof Refused) return told("refused", { message: error.message });
  const timer = setTimeout(watch, 2000);
  feed = { detail: {}, now: watch, stop: () => clearTimeout(timer) };
  told("waiting", { message: error.message, until: Date.now() + 2000 });
}

/** An account without a single passing has no place to go on from: once connected, look whether one has slipped by. */
function toldWhileBlank(state, detail) {
  told(state, detail);
  if (state !== "live") return;
  const mine = followed;
  setTimeout(async () => {
    const place = await newest(key).catch(() => null);
    if (mine === followed && place) watch();
  }, 1000);
}

// Coming and going

async function enter(offered) {
  key = offered;
  await refresh();
  storeKey(key);
  $("leave").hidden = false;
  if (!open) return;
  $("door").hidden = true;
  $("room").hidden = false;
  watch();
}

function unwatch() {
  followed += 1;
  feed?.stop();
  feed = null;
}

function leave() {
  unwatch();
  key = null;
  devices = [];
  storeKey(null);
  $("leave").hidden = true;
  view.clearRows();
  if (open) knock();
}

/** Asks for a key. */
function knock() {
  view.showState("out");
  $("room").hidden = true;
  $("door").hidden = false;
  document.title = "Passline live";
  $("key").focus();
}

function leaveWith(error) {
  leave();
  $("door-error").textContent = error.message;
}

function pauseLabel() {
  const held = tally.waiting.length;
  $("pause").textContent = !paused ? "Pause" : held < view.ROWS ? `Resume (${held} new)` : "Resume";
}

$("door-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("door-error").textContent = "";
  $("enter").disabled = true;
  await enter($("key").value.trim()).then(() => ($("key").value = ""), leaveWith);
  $("enter").disabled = false;
});
$("leave").addEventListener("click", leave);
$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  draw();
  pauseLabel();
});
setInterval(everySecond, 1000);
setInterval(announce, 10_000);

export const passings = {
  show() {
    if (open) return key && watch();
    open = true;
    key = storedKey();
    if (key) enter(key).catch(leaveWith);
    else knock();
  },
  leave() {
    open = false;
    unwatch();
    $("door").hidden = true;
    $("room").hidden = true;
  },
  /** The connection may be back, or somebody looks again. */
  now() {
    feed?.now();
    if (key) refresh().catch(leaveWith);
  },
};

/* Events and boards on the screen. Data from the server becomes text here and nothing else: never markup. */

import { $, count, day, fresh, mark, set } from "./view.js";

const STATES = { NOT_STARTED: "Not started", FINISHED: "Finished", DNS: "Did not start", DNF: "Did not finish", DSQ: "Disqualified" };
const FLASHING = 20;

const whole = (seconds) => {
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${two(minutes % 60)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
};

/** 0:31:04.3 where tenths matter, 2:08:37 where there are none. Cut off, not rounded: nobody is faster than they were. */
export function clock(seconds, tenths) {
  if (seconds === null) return "";
  const cut = Math.floor(Math.abs(seconds) * 10 + 1e-6);
  return `${seconds < 0 ? "−" : ""}${whole(Math.floor(cut / 10))}${tenths ? `.${cut % 10}` : ""}`;
}

/** The address of a race's board. */
export const boardAt = (race, names = {}) => {
  const chosen = Object.entries(names).filter(([, value]) => value);
  return `#${new URLSearchParams({ race, ...Object.fromEntries(chosen) })}`;
};

function link(text, address, current = false) {
  const found = document.createElement("a");
  found.textContent = text;
  found.href = address;
  mark(found, current);
  return found;
}

function item(...content) {
  const found = document.createElement("li");
  found.append(...content);
  return found;
}

const date = (text) => day.format(new Date(`${text}T12:00`));

/** When and where an event is. */
export function about({ edition, location, startDate, endDate }) {
  const days = endDate === startDate ? date(startDate) : `${date(startDate)} – ${date(endDate)}`;
  return [edition, days, location].filter(Boolean).join(" · ");
}

let listed = "";

/** The list of events, each with its races; drawn again only when it has changed, so that focus stays. */
export function showEvents(events) {
  if (listed === JSON.stringify(events)) return;
  listed = JSON.stringify(events);
  const cards = events.map((event) => {
    const card = fresh("event-template");
    const title = set(card, "h2", event.name);
    if (!event.public || event.status !== "PUBLISHED") title.append(" ", Object.assign(document.createElement("small"), { textContent: "not public" }));
    set(card, ".note", about(event));
    const races = event.races.map(({ id, name }) => item(link(name, boardAt(id))));
    card.querySelector("ul").replaceChildren(...(races.length ? races : [item("No race yet")]));
    return card;
  });
  $("events").replaceChildren(...cards);
  $("events-none").hidden = events.length > 0;
}

/** What stays as it is while a race is followed: names, links, what can be chosen. */
export function showRace(race, chosen) {
  $("race-title").textContent = race.name;
  $("race-note").textContent = [race.event.name, about(race.event)].join(" · ");
  const races = race.event.races;
  $("races").hidden = races.length < 2;
  $("races").replaceChildren(...races.map(({ id, name }) => link(name, boardAt(id), id === race.id)));
  $("gender").value = chosen.gender ?? "";
  const fitting = race.categories.filter(({ gender }) => !chosen.gender || !gender || gender === chosen.gender);
  const names = new Set(fitting.map(({ name }) => name));
  if (chosen.category) names.add(chosen.category);
  $("category").replaceChildren(new Option("All categories", ""), ...[...names].map((name) => new Option(name, name)));
  $("category").value = chosen.category ?? "";
  $("category").disabled = !names.size;
}

function spot(label, amount, entered, address, current) {
  const found = fresh("spot-template");
  set(found, ".label", label);
  set(found, ".amount", count(amount));
  found.querySelector(".share").style.width = `${entered ? (100 * amount) / entered : 0}%`;
  const target = found.querySelector("a");
  target.href = address;
  mark(target, current);
  return found;
}

/** Who is where, in the order of the course; each spot leads to the board as it was there. */
export function showCounts(race, counts, chosen) {
  const at = new Map(counts.at.map(({ checkpoint, count: amount }) => [checkpoint.id, amount]));
  const here = document.activeElement?.closest?.("#course a")?.getAttribute("href");
  const spots = race.checkpoints.map(({ id, name }) =>
    spot(name, at.get(id) ?? 0, counts.entered, boardAt(race.id, { ...chosen, checkpoint: id }), chosen.checkpoint === id),
  );
  const latest = boardAt(race.id, { ...chosen, checkpoint: null });
  $("course").replaceChildren(spot("All", counts.entered, counts.entered, latest, !chosen.checkpoint), ...spots);
  if (here) [...$("course").querySelectorAll("a")].find((each) => each.getAttribute("href") === here)?.focus();
  $("count-waiting").textContent = count(counts.notStarted);
  $("count-running").textContent = count(counts.onCourse);
  $("count-finished").textContent = count(counts.finished);
  const out = counts.dns + counts.dnf + counts.dsq;
  $("count-out").textContent = count(out);
  $("out").hidden = !out;
}

function whereabouts({ state, checkpoint, lap }, laps) {
  const there = [checkpoint?.name, laps && lap && `lap ${lap}`].filter(Boolean).join(", ");
  return state === "ON_COURSE" ? there || "On course" : STATES[state];
}

function drawn(row, line, { tenths, laps }) {
  set(row, ".place", line.rank === null ? "–" : String(line.rank));
  set(row, ".plate", line.bib ?? "");
  set(row, ".name", line.name);
  set(row, ".club", [line.club, line.country].filter(Boolean).join(" · "));
  set(row, ".group", line.category ?? line.gender ?? "");
  set(row, ".at", whereabouts(line, laps)).dataset.state = line.state;
  const time = set(row, ".clock", clock(line.time, tenths));
  time.title = line.netIsGun ? "No start was read: the time counts from the gun" : "";
  const expected = line.state === "ON_COURSE" && line.projectedTime ? `≈ ${clock(line.projectedTime, false)}` : "";
  set(row, ".gap", line.gap ? `+${clock(line.gap, tenths)}` : expected);
  return row;
}

const progress = ({ state, time }) => `${state} ${time}`;
const rows = new Map();

/** Puts the lines into the table, in place; who has come further lights up, if they are few. */
export function showLines(lines, how, quiet = false) {
  const body = $("lines");
  const moved = quiet ? [] : lines.filter((line) => rows.get(line.key)?.progress !== progress(line));
  const flashing = new Set(moved.length <= FLASHING ? moved : []);
  lines.forEach((line, place) => {
    const known = rows.get(line.key) ?? { row: fresh("line-template") };
    rows.set(line.key, known);
    known.progress = progress(line);
    drawn(known.row, line, how);
    if (body.children[place] !== known.row) body.insertBefore(known.row, body.children[place] ?? null);
    if (flashing.has(line)) known.row.classList.add("new");
  });
  while (body.children.length > lines.length) body.lastElementChild.remove();
  const shown = new Set(lines.map(({ key }) => key));
  for (const key of rows.keys()) if (!shown.has(key)) rows.delete(key);
  $("lines-none").hidden = lines.length > 0;
}

export function clearLines() {
  rows.clear();
  $("lines").replaceChildren();
  $("course").replaceChildren();
  $("lines-none").hidden = true;
}

/* What is on the screen. Data from the server becomes text here and nothing else: never markup. */

export const ROWS = 200;
const FLASHING = 20;

export const $ = (id) => document.getElementById(id);

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});
const short = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.NumberFormat();
const UNITS = [
  ["year", 31_557_600_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];

export const count = (number) => whole.format(number);

/** How long something took: 12 ms, 1.4 s, 3 minutes. */
export function span(milliseconds) {
  if (milliseconds < 1) return "< 1 ms";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const [unit, size] = UNITS.find(([, size]) => milliseconds >= size);
  const amount = Math.floor(milliseconds / size);
  return `${count(amount)} ${unit}${amount === 1 ? "" : "s"}`;
}

function ago(instant) {
  const passed = Date.now() - Date.parse(instant);
  return passed < 2000 ? "now" : `${span(passed < 60_000 ? Math.round(passed / 1000) * 1000 : passed).replace(".0 s", " s")} ago`;
}

/** The time of day here; with the date when that is not today's. */
function moment(instant) {
  const at = new Date(instant);
  const today = at.toDateString() === new Date().toDateString();
  return today ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
}

export const nameOf = (device) => device?.alias || device?.model || device?.serialNumber || "unnamed device";
export const sessionName = (session) => session?.alias || (session ? `${session.token.slice(0, 8)}…` : "");
export const linkTo = (what, id) => `#${new URLSearchParams({ [what]: id })}`;

export function mark(element, current) {
  if (current) element.setAttribute("aria-current", "true");
  else element.removeAttribute("aria-current");
}

export function fresh(template) {
  return $(template).content.firstElementChild.cloneNode(true);
}

export const set = (parent, selector, text) => {
  const element = parent.querySelector(selector);
  if (element.textContent !== text) element.textContent = text;
  return element;
};

function cardOfAll(devices, scope) {
  const item = $("devices").querySelector("[data-device='']") ?? fresh("device-template");
  item.dataset.device = "";
  const total = devices.reduce((sum, { passingCount }) => sum + passingCount, 0);
  set(item, ".name", "All devices");
  set(item, ".passed", count(total));
  item.querySelector(".card").href = "#passings";
  item.querySelector(".session").hidden = true;
  mark(item.querySelector(".card"), !scope.deviceId && !scope.sessionToken);
  return item;
}

function card(device, scope, item = fresh("device-template")) {
  item.dataset.device = device.deviceId;
  set(item, ".name", nameOf(device));
  set(item, ".kind", [device.model, device.serialNumber].filter(Boolean).join(" · "));
  set(item, ".passed", count(device.passingCount));
  set(item, ".last", device.lastPassingAt ? `last ${ago(device.lastPassingAt)}` : "no passing yet");
  const up = device.connection === "CONNECTED";
  set(item, ".link", up ? "connected" : "disconnected").dataset.up = up;
  const link = item.querySelector(".card");
  link.href = linkTo("device", device.deviceId);
  mark(link, scope.deviceId === device.deviceId);
  const session = set(item, ".session", device.activeSession ? `Session ${sessionName(device.activeSession)}` : "");
  session.hidden = !device.activeSession;
  if (device.activeSession) {
    session.href = linkTo("session", device.activeSession.token);
    mark(session, scope.sessionToken === device.activeSession.token);
  }
  return item;
}

/** The list of devices, in place: focus and scroll position stay where they are. */
export function showDevices(devices, scope) {
  const list = $("devices");
  const known = new Map([...list.children].map((item) => [item.dataset.device, item]));
  const items = [cardOfAll(devices, scope), ...devices.map((device) => card(device, scope, known.get(device.deviceId)))];
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
  while (list.children.length > items.length) list.lastElementChild.remove();
  $("devices-count").textContent = devices.length ? count(devices.length) : "";
  $("devices-none").hidden = devices.length > 0;
}

function row({ passing, shownAt }, flashing) {
  const line = fresh("row-template");
  const time = set(line, "time", moment(passing.timestamp));
  time.dateTime = passing.timestamp;
  time.title = passing.timestamp;
  set(line, ".bib", passing.bib ?? "");
  set(line, ".chip", passing.chip ?? "");
  const device = set(line, ".device a", nameOf(passing.device));
  device.title = device.textContent;
  device.href = linkTo("device", passing.device?.deviceId ?? "");
  const session = set(line, ".session a", sessionName(passing.session));
  session.href = linkTo("session", passing.session?.token ?? "");
  set(line, ".no", String(passing.number));
  const delay = shownAt && passing.receivedAt ? Math.max(0, shownAt - Date.parse(passing.receivedAt)) : null;
  set(line, ".delay", delay === null ? "" : span(delay));
  line.classList.toggle("new", flashing && Boolean(shownAt));
  return line;
}

/** Puts deliveries, oldest first, on top of the table and keeps the latest rows only. */
export function showRows(deliveries) {
  const body = $("rows");
  const flashing = deliveries.length <= FLASHING;
  body.prepend(...deliveries.slice(-ROWS).reverse().map((delivery) => row(delivery, flashing)));
  while (body.rows.length > ROWS) body.lastElementChild.remove();
  $("rows-none").hidden = body.rows.length > 0;
}

export function clearRows() {
  $("rows").replaceChildren();
  $("rows-none").hidden = true;
}

/** One bar per second, the latest on the right. */
export function showPulse(perSecond) {
  const highest = Math.max(1, ...perSecond);
  const bars = perSecond.map((amount, second) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const height = amount ? Math.max(1.5, (amount / highest) * 20) : 0.6;
    const place = { x: second + 0.15, y: 20 - height, width: 0.7, height };
    for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value);
    return bar;
  });
  $("pulse").replaceChildren(...bars);
}

const STATES = { out: "Not connected", connecting: "Connecting …", live: "Live", waiting: "Reconnecting" };

/** The seconds left are for the eye; read aloud is only what the state has become. */
export function showState(state, { message = "", until } = {}) {
  $("state").hidden = state === "quiet";
  $("state").dataset.state = state;
  $("state").title = message;
  set($("state"), "#state-text", state === "refused" ? `Refused: ${message}` : STATES[state]);
  const seconds = Math.max(1, Math.round((until - Date.now()) / 1000));
  set($("state"), "#state-left", until ? `in ${seconds} s` : "");
  $("retry").hidden = state !== "waiting";
}

export function showFigures({ stored, live, since, rate, latency, age }) {
  $("figure-stored").textContent = stored === null ? "–" : count(stored);
  $("figure-live").textContent = count(live);
  $("figure-since").textContent = `since ${short.format(since)}`;
  $("figure-rate").textContent = rate < 10 && rate % 1 ? rate.toFixed(1) : count(Math.round(rate));
  $("figure-latency").textContent = latency === null ? "–" : span(Math.max(0, latency));
  $("figure-age").textContent = age === null || age < 0 ? "" : `${span(age)} from passing`;
}

/* What has arrived of the scope that is being watched, in numbers. */

import { ROWS } from "./view.js";

const SECONDS = 60;
const RATE_OVER = 10;

function median(numbers) {
  return numbers.length ? [...numbers].sort((a, b) => a - b)[numbers.length >> 1] : null;
}

function keep(list, item) {
  list.push(item);
  if (list.length > ROWS) list.shift();
}

export class Tally {
  stored = null;
  live = 0;
  announced = 0;
  since = new Date();
  waiting = [];
  perSecond = new Array(SECONDS).fill(0);
  #latencies = [];
  #ages = [];

  add(passing, now) {
    this.live += 1;
    this.perSecond[SECONDS - 1] += 1;
    keep(this.waiting, { passing, shownAt: now });
    if (passing.receivedAt) keep(this.#latencies, now - Date.parse(passing.receivedAt));
    keep(this.#ages, now - Date.parse(passing.timestamp));
  }

  /** A second has gone by. */
  tick() {
    this.perSecond.push(0);
    this.perSecond.shift();
  }

  /** Nothing arrives twice and nothing is left out, so what is stored can be counted up. */
  figures() {
    return {
      stored: this.stored === null ? null : this.stored + this.live,
      live: this.live,
      since: this.since,
      rate: this.perSecond.slice(-RATE_OVER).reduce((sum, amount) => sum + amount) / RATE_OVER,
      latency: median(this.#latencies),
      age: median(this.#ages),
    };
  }
}

/* What the live page asks of the GraphQL API. */

import { ask } from "./feed.js";
import { ROWS } from "./view.js";

const DEVICES = `query Devices($after: String) {
  devices(first: 100, after: $after) {
    edges { node {
      deviceId alias model serialNumber connection passingCount lastPassingAt activeSession { token alias }
    } }
    pageInfo { hasNextPage endCursor }
  }
}`;

const PASSING = `number bib chip timestamp receivedAt session { token alias } device { deviceId alias model serialNumber }`;

const NEWEST = `query Newest { passings(last: 1) { pageInfo { endCursor } } }`;

const LATEST = `query Latest($deviceId: String, $sessionToken: String) {
  passings(deviceId: $deviceId, sessionToken: $sessionToken, last: ${ROWS}) {
    totalCount
    edges { node { ${PASSING} } }
    pageInfo { endCursor }
  }
}`;

export const PASSINGS = `subscription Follow($deviceId: String, $sessionToken: String, $after: String) {
  passings(deviceId: $deviceId, sessionToken: $sessionToken, after: $after) {
    cursor
    passing { ${PASSING} }
  }
}`;

/** All devices of the account, page by page. */
export async function everyDevice(key) {
  const found = [];
  for (let after = null; ; ) {
    const { devices: page } = await ask(key, DEVICES, { after });
    found.push(...page.edges.map(({ node }) => node));
    if (!page.pageInfo.hasNextPage || found.length >= 1000) return found;
    after = page.pageInfo.endCursor;
  }
}

/** Where the account's stream of passings is now; null before its first passing. */
export async function newest(key) {
  const { passings } = await ask(key, NEWEST);
  return passings.pageInfo.endCursor;
}

/** The latest passings of a scope: `{ total, rows, cursor }`, oldest first. */
export async function latest(key, scope) {
  const { passings } = await ask(key, LATEST, scope);
  return {
    total: passings.totalCount,
    rows: passings.edges.map(({ node }) => ({ passing: node })),
    cursor: passings.pageInfo.endCursor,
  };
}

// Events and their boards

const EVENT = `token name edition location startDate endDate status public races { id name }`;

const EVENTS = `query Events($after: String) {
  events(first: 100, after: $after) { edges { node { ${EVENT} } } pageInfo { hasNextPage endCursor } }
}`;

const ONE_EVENT = `query Event($token: String!) { event(token: $token) { ${EVENT} } }`;

const RACE = `query Race($id: ID!) {
  race(id: $id) {
    id name mode laps
    categories { name gender }
    checkpoints { id name kind distance }
    event { ${EVENT} }
  }
}`;

const LINE = `key place rank bib name gender category club country state time gap lap netIsGun projectedTime checkpoint { id name }`;
const COUNTS = `entered notStarted onCourse finished dns dnf dsq at { checkpoint { id } count }`;

export const BOARD = `subscription Board($raceId: ID!, $gender: String, $category: String, $checkpointId: ID, $top: Int!) {
  leaderboard(raceId: $raceId, gender: $gender, category: $category, checkpointId: $checkpointId, top: $top) {
    revision snapshot standings { ${LINE} } removed counts { ${COUNTS} }
  }
}`;

const FOUND = `query Found($raceId: ID!, $gender: String, $category: String, $checkpointId: ID, $search: String!) {
  leaderboard(
    raceId: $raceId, gender: $gender, category: $category, checkpointId: $checkpointId, search: $search, first: 100
  ) {
    totalCount
    edges { node { ${LINE} } }
  }
}`;

/** The public events of everybody, or with a key those of its account; the latest first. */
export async function everyEvent(key) {
  const found = [];
  for (let after = null; ; ) {
    const { events: page } = await ask(key, EVENTS, { after });
    found.push(...page.edges.map(({ node }) => node));
    if (!page.pageInfo.hasNextPage || found.length >= 1000) return found.reverse();
    after = page.pageInfo.endCursor;
  }
}

/** An event with its races; null when it is not there or not to be seen. */
export const oneEvent = async (key, token) => (await ask(key, ONE_EVENT, { token })).event;

/** A race with its course and event; null when it is not there or not to be seen. */
export const oneRace = async (key, id) => (await ask(key, RACE, { id })).race;

/** Those on the board whose bib or name is searched for: `{ total, lines }`. */
export async function found(key, variables) {
  const { leaderboard } = await ask(key, FOUND, variables);
  return { total: leaderboard.totalCount, lines: leaderboard.edges.map(({ node }) => node) };
}

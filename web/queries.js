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

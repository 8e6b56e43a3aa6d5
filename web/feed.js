/* Talking to the public GraphQL API: ask once, or follow for as long as it takes. */

const ENDPOINT = new URL("/graphql", location.href).href;
const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const PONG_WITHIN = 5_000;
const KEY = "passline.key";

/** Trying again does not help against these. */
const FINAL_CODES = new Set(["UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"]);
const FINAL_CLOSES = new Set([4400, 4401, 4403, 4406]);

/** What a server says that restarts: to each another time, so that not all come at once. */
const COME_BACK = /come back in (\d+(?:\.\d+)?) s$/;

export class Refused extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** The key that was entered in this tab, or null: then what is public can be read. */
export const storedKey = () => sessionStorage.getItem(KEY);
export const storeKey = (key) => (key ? sessionStorage.setItem(KEY, key) : sessionStorage.removeItem(KEY));

/** One query's data. Raises Refused when the server says no, any other error when it could not be asked. */
export async function ask(key, query, variables = {}) {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...(key && { "x-api-key": key }) },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json().catch(() => ({}));
  if (answer.errors?.length) {
    const [{ message, extensions }] = answer.errors;
    throw FINAL_CODES.has(extensions?.code) ? new Refused(message, extensions.code) : new Error(message);
  }
  if (response.status === 401 || response.status === 403) throw new Refused("The key was refused", "FORBIDDEN");
  if (!response.ok) throw new Error(`The server answered ${response.status}`);
  return answer.data;
}

function reasonFor(error) {
  if (Array.isArray(error)) {
    const code = error[0]?.extensions?.code;
    return { message: error[0]?.message ?? "The server refused", final: FINAL_CODES.has(code) };
  }
  if (error instanceof CloseEvent) {
    const [, seconds] = COME_BACK.exec(error.reason) ?? [];
    return {
      message: error.reason || `Socket closed (${error.code})`,
      final: FINAL_CLOSES.has(error.code),
      wait: seconds && seconds * 1000,
    };
  }
  return { message: error?.message ?? "The connection was lost", final: false };
}

/** A socket that notices when the other side is gone without a word. */
function open(key, opened) {
  let waiting;
  const client = graphqlWs.createClient({
    url: ENDPOINT.replace(/^http/, "ws"),
    connectionParams: key ? { apiKey: key } : {},
    retryAttempts: 0,
    keepAlive: 10_000,
    on: {
      connected: opened,
      ping: (received) => {
        if (!received) waiting = setTimeout(() => client.terminate(), PONG_WITHIN);
      },
      pong: (received) => {
        if (received) clearTimeout(waiting);
      },
      closed: () => clearTimeout(waiting),
    },
  });
  return client;
}

/**
 * Follows a subscription. Whenever the socket is lost it waits, longer each time, and subscribes again.
 *
 * Given `after`, the subscription delivers `{ cursor … }` and takes an `$after` variable: it goes on after the last
 * cursor heard, no gap, no repeat. `told(state, detail)` hears "connecting", "live", "waiting" (detail: retry at, message)
 * and "refused" (detail: message). Returns `{ now(), again(), stop() }`.
 */
export function follow({ key, query, variables, field, after, heard, told }) {
  let resuming = after === undefined ? {} : { after };
  let failures = 0;
  let timer;
  let client;

  function lost(error) {
    client?.dispose();
    client = undefined;
    const { message, final, wait: asked } = reasonFor(error);
    if (final) return told("refused", { message });
    const wait = asked ?? Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** failures++) * (0.75 + Math.random() / 2);
    timer = setTimeout(connect, wait);
    told("waiting", { message, until: Date.now() + wait });
  }

  function connect() {
    told("connecting");
    const mine = open(key, () => {
      if (client !== mine) return;
      failures = 0;
      told("live");
    });
    client = mine;
    // Whatever an abandoned socket still has to say is not heard: its successor says it again.
    const current = (then) => (value) => client === mine && then(value);
    mine.subscribe(
      { query, variables: { ...variables, ...resuming } },
      {
        next: current(({ data, errors }) => {
          if (errors) return lost(errors);
          if (after !== undefined) resuming = { after: data[field].cursor };
          heard(data[field]);
        }),
        error: current(lost),
        complete: current(() => lost(new Error("The server ended the subscription"))),
      },
    );
  }

  function stop() {
    clearTimeout(timer);
    const last = client;
    client = undefined;
    last?.dispose();
  }

  connect();
  return {
    stop,
    /** Subscribes anew: what was heard does not fit together. */
    again() {
      stop();
      connect();
    },
    /** Does not wait any longer; a socket that is up is left alone. */
    now() {
      if (client) return;
      clearTimeout(timer);
      connect();
    },
  };
}

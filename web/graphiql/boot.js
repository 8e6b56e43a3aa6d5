"use strict";
/* Starts GraphiQL on this server. The key in the headers editor serves both HTTP and the socket. */

const ENDPOINT = new URL("/graphql", location.href).href;
const KEY_HEADERS = ["x-api-key", "api_key"];

const EXAMPLES = [
  `# The key goes into the headers below.
# Run: Ctrl-Enter · Complete: Ctrl-Space
# Documentation: the book on the left

query Devices {
  viewer {
    keyAlias
    access
    account {
      name
    }
  }
  devices(first: 20) {
    totalCount
    edges {
      node {
        deviceId
        alias
        model
        serialNumber
        connection
        passingCount
        lastPassingAt
        activeSession {
          token
          alias
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
  `# Passings as they happen. With the last cursor
# you saw, passings(after: "…"), those you missed
# come first: no gap, no repeat.

subscription Passings {
  passings {
    cursor
    passing {
      number
      bib
      chip
      timestamp
      receivedAt
      device {
        alias
      }
      session {
        alias
      }
    }
  }
}
`,
];

/** The key in the given headers, whichever of its three places it is in; null when there is none. */
function keyIn(headers) {
  for (const [name, value] of Object.entries(headers)) {
    if (KEY_HEADERS.includes(name.toLowerCase())) return value;
    if (name.toLowerCase() === "authorization") return value.replace(/^bearer\s+/i, "");
  }
  return null;
}

/** What the headers editor offers to fill in is not sent while it is empty. */
function filledIn(headers = {}) {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ""));
}

const sockets = new Map();

/** One socket per key, opened by its first subscription and closed after its last. */
function socketFor(key) {
  if (!sockets.has(key)) {
    const url = ENDPOINT.replace(/^http/, "ws");
    sockets.set(key, graphqlWs.createClient({ url, connectionParams: key ? { apiKey: key } : {} }));
  }
  return sockets.get(key);
}

function fetcher(params, options = {}) {
  const headers = filledIn(options.headers);
  const ask = GraphiQL.createFetcher({ url: ENDPOINT, wsClient: socketFor(keyIn(headers)) });
  return ask(params, { ...options, headers });
}

/** A key given to the live page of this browser tab is offered here too. */
function offeredHeaders() {
  return JSON.stringify({ "x-api-key": sessionStorage.getItem("passline.key") ?? "" }, null, 2);
}

function logo() {
  return React.createElement(
    "a",
    { className: "passline-logo", href: "/" },
    React.createElement("img", { src: "/static/favicon.svg", alt: "" }),
    "Passline",
  );
}

const headers = offeredHeaders();
const root = ReactDOM.createRoot(document.getElementById("graphiql"));
root.render(
  React.createElement(
    GraphiQL,
    {
      fetcher,
      defaultTabs: EXAMPLES.map((query) => ({ query, headers })),
      defaultHeaders: headers,
      defaultEditorToolsVisibility: "headers",
      // Tabs and history hold headers, thus keys: nothing is kept longer than the browser tab.
      storage: sessionStorage,
      shouldPersistHeaders: true,
      showPersistHeadersSettings: false,
    },
    React.createElement(GraphiQL.Logo, null, logo()),
  ),
);

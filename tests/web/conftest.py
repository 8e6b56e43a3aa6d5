"""A real browser that may talk to the server under test and to nobody else. It takes longer to start than most
tests take, so it is one for all of them, and they share its event loop; each has a profile of its own."""

import os
import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

HERE = Path(__file__).parent
AT = "2023-02-03T16:08:18.263Z"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def browser_path() -> str:
    """Named by the environment, or found, or the test is skipped. A named one must be there."""
    named = os.environ.get("PASSLINE_TEST_BROWSER")
    if named:
        assert Path(named).exists(), f"PASSLINE_TEST_BROWSER: no {named}"
        return named
    names = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.skip("no browser: install chromium or set PASSLINE_TEST_BROWSER")
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if pytest_asyncio.is_async_test(item) and item.path.parent == HERE:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Device:
    """A device in the field with one open session; speaks v0."""

    def __init__(self, http: httpx.AsyncClient, token: str, name: str) -> None:
        self.http = http
        self.token = token
        self.name = name
        self.number = 0

    async def sees(self, *bibs: str, at: str = AT) -> None:
        passings = []
        for bib in bibs:
            self.number += 1
            passings.append({"timestamp": at, "num_passing": self.number, "bib": bib})
        answer = await self.http.post(
            "/v0/passings", json={"token_session": self.token, "passings_list": passings}
        )
        assert answer.status_code == 201, answer.text


@pytest_asyncio.fixture(loop_scope="session")
async def bind(server, key):
    """Make a device with an open session."""
    async with httpx.AsyncClient(base_url=server.url, headers={"x-api-key": key}) as http:

        async def make(name: str) -> Device:
            new = {"model": "Mat", "serial_number": uuid4().hex, "alias": name}
            device = (await http.post("/v0/devices", json=new)).json()["deviceid"]
            session = await http.post("/v0/sessions", json={"deviceid": device, "alias": f"{name} session"})
            return Device(http, session.json()["token_session"], name)

        yield make


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(server, browser: Browser) -> AsyncIterator[Page]:
    """A tab. A request to another host, an error, or what the server's policy forbids fails the test."""
    strangers: list[str] = []
    errors: list[str] = []

    async def gate(route: Route) -> None:
        if route.request.url.startswith(server.url):
            return await route.continue_()
        strangers.append(route.request.url)
        await route.abort()

    def foreign(url: str) -> bool:
        return not url.startswith(server.url.replace("http", "ws", 1))

    context = await browser.new_context()
    await context.route("**/*", gate)
    page = await context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
    page.on("websocket", lambda socket: strangers.append(socket.url) if foreign(socket.url) else None)
    yield page
    await context.close()
    assert not strangers
    assert not errors


CREATE = """mutation ($event: EventInput!) { createEvent(input: $event) { token } }"""
RACE = """mutation ($token: String!, $race: RaceInput!) {
  createRace(eventToken: $token, input: $race) { id checkpoints { id name } }
}"""
SERVE = """mutation ($checkpoint: ID!, $session: String!) {
  serveCheckpoint(input: {checkpointId: $checkpoint, sessionToken: $session}) { id }
}"""
ADD = """mutation ($token: String!, $all: [ParticipantInput!]!) {
  addParticipants(eventToken: $token, participants: $all) { createdCount }
}"""
PEOPLE = [
    {"bib": "1", "name": "Ada", "lastName": "Berg", "gender": "F", "age": 30, "club": "Harriers"},
    {"bib": "2", "name": "Ben", "lastName": "Costa", "gender": "M", "age": 45},
    {"bib": "3", "name": "Chiara", "lastName": "Dubois", "gender": "F", "age": 45},
    {"bib": "004", "name": "<b>Dan</b>", "gender": "M", "age": 30},
]


class Course:
    """A race in a public event with a mat at each checkpoint."""

    def __init__(self, token: str, race: str, mats: dict[str, Device]) -> None:
        self.token = token
        self.race = race
        self.mats = mats

    async def passes(self, mat: str, *bibs: str, minutes: float) -> None:
        """So many minutes after the gun."""
        at = datetime.fromisoformat(AT) + timedelta(minutes=minutes)
        await self.mats[mat].sees(*bibs, at=at.isoformat())


@pytest_asyncio.fixture(loop_scope="session")
async def make_course(server, key, bind):
    """Make an event with a race over `5k` and `Finish`; four people are in it."""
    async with httpx.AsyncClient(base_url=server.url, headers={"x-api-key": key}) as http:

        async def ask(document: str, **variables: object) -> dict:
            answer = (await http.post("/graphql", json={"query": document, "variables": variables})).json()
            assert "errors" not in answer, answer
            [held] = answer["data"].values()
            return held

        async def make(name: str, *, public: bool = True) -> Course:
            event = {"name": name, "startDate": AT[:10], "status": "PUBLISHED", "public": public}
            token = (await ask(CREATE, event=event))["token"]
            race = {
                "name": "10 km",
                "waves": [{"name": "All", "gunTime": AT}],
                "checkpoints": [{"name": "5k", "distance": 5000}, {"kind": "FINISH", "distance": 10_000}],
                "categories": [
                    {"name": "W40+", "gender": "F", "youngest": 40},
                    {"name": "M40+", "gender": "M", "youngest": 40},
                ],
            }
            made = await ask(RACE, token=token, race=race)
            mats = {}
            for checkpoint in made["checkpoints"]:
                mats[checkpoint["name"]] = device = await bind(checkpoint["name"])
                await ask(SERVE, checkpoint=checkpoint["id"], session=device.token)
            await ask(ADD, token=token, all=PEOPLE)
            return Course(token, made["id"], mats)

        yield make


@pytest_asyncio.fixture(loop_scope="session")
async def course(make_course) -> Course:
    return await make_course("Spring run")

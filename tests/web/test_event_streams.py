"""A browser's own EventSource: it goes on by itself where it was cut off."""

import asyncio
import signal

import pytest
import pytest_asyncio

from tests.journeys.conftest import Field, Process

QUERY = 'subscription { passings(after: "0") { passing { number } } }'
FOLLOW = """query => {
    window.numbers = []
    window.opened = 0
    const source = new EventSource("/graphql/stream?query=" + encodeURIComponent(query))
    source.addEventListener("next", event => numbers.push(JSON.parse(event.data).data.passings.passing.number))
    source.addEventListener("complete", () => source.close())
    source.onopen = () => opened++
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def process(tmp_path, url, broker_url):
    made = Process(tmp_path, url, broker_url)
    yield made
    made.end()


@pytest.mark.alone("sqlite", "what it is about is the browser and the restart")
async def test_an_eventsource_goes_on_after_a_restart_without_gap_or_repeat(process, browser):
    key = await asyncio.to_thread(process.new_key)
    await asyncio.to_thread(process.start)
    # A browser's EventSource shows no key. A proxy of the page's own would add it, as is done here.
    context = await browser.new_context(extra_http_headers={"x-api-key": key})
    field = Field(process.url, key)
    page = await context.new_page()
    await page.goto(f"{process.url}/healthz")
    token = await field.session("S1")
    await field.send(token, 1, 2)
    await page.evaluate(FOLLOW, QUERY)
    await page.wait_for_function("numbers.length == 2")
    await field.send(token, 3)
    await page.wait_for_function("numbers.length == 3")
    process.signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait) == 0
    await asyncio.to_thread(process.start)
    await field.send(token, 4, 5)
    await page.wait_for_function("numbers.length >= 5")
    await field.send(token, 6)
    await page.wait_for_function("numbers.length >= 6")
    assert await page.evaluate("numbers") == [1, 2, 3, 4, 5, 6]
    assert await page.evaluate("opened") == 2
    await field.http.aclose()
    await context.close()

"""GraphiQL in a real browser, without any other host."""

import asyncio

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.alone("postgresql", "a page is a client of the public API")
RESULT = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"


async def result_holding(page: Page, text: str) -> None:
    await page.wait_for_function(f"text => {RESULT}.includes(text)", arg=text)


async def give_key(page: Page, key: str) -> None:
    await page.click(".graphiql-editor-tool .CodeMirror:visible")
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(f'{{"x-api-key": "{key}"}}')


async def test_the_key_of_the_headers_editor_runs_a_query(server, key, bind, page):
    mat = await bind("Finish mat")
    await mat.sees("0042")
    await page.goto(f"{server.url}/graphql")
    await give_key(page, key)
    await page.click(".graphiql-execute-button")
    await result_holding(page, "Finish mat")


async def test_the_same_key_opens_a_subscription(server, key, bind, page):
    mat = await bind("Finish mat")
    await page.goto(f"{server.url}/graphql")
    await page.click("text=Passings >> nth=0")
    await give_key(page, key)
    await page.click(".graphiql-execute-button")
    heard = asyncio.create_task(result_holding(page, "4711"))
    while not heard.done():
        await mat.sees("4711")
        await asyncio.wait({heard}, timeout=0.3)
    await heard


async def test_the_key_is_gone_with_the_browser_tab(server, key, bind, page):
    await bind("Finish mat")
    await page.goto(f"{server.url}/graphql")
    await give_key(page, key)
    await page.click(".graphiql-execute-button")
    await result_holding(page, "Finish mat")
    kept = await page.evaluate("JSON.stringify({ ...localStorage })")
    assert key not in kept


async def test_settings_and_documentation_open_under_the_policy(server, page):
    await page.goto(f"{server.url}/graphql")
    await page.click("[aria-label='Show Documentation Explorer']")
    await page.wait_for_selector("text=Root Types")
    await page.click("[aria-label='Open settings dialog']")
    await page.wait_for_selector("text=Theme")

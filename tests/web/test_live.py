"""The page of passings in a real browser, fed by a device that speaks v0."""

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

pytestmark = pytest.mark.alone("postgresql", "a page is a client of the public API")


async def enter(page: Page, url: str, key: str) -> None:
    await page.goto(f"{url}/#passings")
    await page.fill("#key", key)
    await page.click("#enter")
    await expect(page.locator("#state-text")).to_have_text("Live")


async def bibs(page: Page) -> list[str]:
    return await page.locator("#rows .bib").all_inner_texts()


async def test_a_passing_appears_by_itself(server, key, bind, page):
    mat = await bind("Finish mat")
    await mat.sees("1")
    await enter(page, server.url, key)
    await mat.sees("0042")
    await expect(page.locator("#rows .bib").first).to_have_text("0042")
    assert await bibs(page) == ["0042", "1"]
    await expect(page.locator("#figure-stored")).to_have_text("2")
    await expect(page.locator("#figure-live")).to_have_text("1")


async def test_the_very_first_passing_of_an_account_appears_too(server, key, bind, page):
    mat = await bind("Finish mat")
    await enter(page, server.url, key)
    await mat.sees("7")
    await expect(page.locator("#rows .bib")).to_have_text(["7"])


async def test_a_lost_socket_costs_no_passing_and_repeats_none(server, key, bind, page):
    mat = await bind("Finish mat")
    await mat.sees("1")
    sockets: list[WebSocketRoute] = []
    down = False

    async def between(socket: WebSocketRoute) -> None:
        if down:
            return await socket.close(code=1012, reason="restarting")
        socket.connect_to_server()
        sockets.append(socket)

    await page.route_web_socket("**/graphql", between)
    await enter(page, server.url, key)
    await mat.sees("2")
    await expect(page.locator("#rows .bib").first).to_have_text("2")

    down = True
    await sockets[-1].close(code=1012, reason="restarting, come back in 300.0 s")
    await expect(page.locator("#state-text")).to_have_text("Reconnecting")
    await expect(page.locator("#state-left")).to_have_text("in 300 s")
    await mat.sees("3", "4")
    down = False
    await page.click("#retry")
    await expect(page.locator("#rows .bib").first).to_have_text("4")
    await mat.sees("5")
    await expect(page.locator("#rows .bib").first).to_have_text("5")
    assert await bibs(page) == ["5", "4", "3", "2", "1"]
    await expect(page.locator("#figure-stored")).to_have_text("5")


async def test_one_device_or_one_session_can_be_followed(server, key, bind, page):
    start, finish = await bind("Start mat"), await bind("Finish mat")
    await start.sees("1")
    await finish.sees("2")
    await enter(page, server.url, key)
    await page.click("#devices .card:has-text('Finish mat')")
    await expect(page.locator("#scope-title")).to_have_text("Finish mat")
    await expect(page.locator("#rows .bib")).to_have_text(["2"])
    await page.click("#devices .session:has-text('Start mat session')")
    await expect(page.locator("#rows .bib")).to_have_text(["1"])
    await expect(page.locator("#state-text")).to_have_text("Live")
    await finish.sees("3")
    await start.sees("4")
    await expect(page.locator("#rows .bib")).to_have_text(["4", "1"])


async def test_names_and_bibs_are_text_whatever_they_hold(server, key, bind, page):
    mat = await bind("<img src=x onerror=alert(1)>")
    await mat.sees("<b>1</b>")
    await enter(page, server.url, key)
    await expect(page.locator("#rows .bib")).to_have_text(["<b>1</b>"])
    assert await page.locator("#rows b, #room img").count() == 0


async def test_a_paused_page_holds_its_rows_and_shows_them_later(server, key, bind, page):
    mat = await bind("Finish mat")
    await mat.sees("1")
    await enter(page, server.url, key)
    await page.click("#pause")
    await mat.sees("2")
    await expect(page.locator("#pause")).to_have_text("Resume (1 new)")
    assert await bibs(page) == ["1"]
    await page.click("#pause")
    await expect(page.locator("#rows .bib")).to_have_text(["2", "1"])


async def test_a_wrong_key_stays_at_the_door(server, page):
    await page.goto(f"{server.url}/#passings")
    await page.fill("#key", "ror-00000000000000000000")
    await page.click("#enter")
    await expect(page.locator("#door-error")).not_to_be_empty()
    await expect(page.locator("#room")).to_be_hidden()
    assert await page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("width", [360, 820, 1440])
async def test_nothing_sticks_out_sideways(server, key, bind, page, width):
    mat = await bind("A mat with a name that is longer than anybody would wish for")
    await mat.sees("123456", "E2003412012345678900ABCD")
    await page.set_viewport_size({"width": width, "height": 800})
    await enter(page, server.url, key)
    await expect(page.locator("#rows .bib")).to_have_count(2)
    assert await page.evaluate("document.scrollingElement.scrollWidth") <= width

"""Events and live boards in a real browser, without a key, fed by devices that speak v0."""

import json

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

pytestmark = pytest.mark.alone("sqlite", "a page is a client of the public API")
ONE = """query ($token: String!) { participant(eventToken: $token, bib: "1") { id } }"""


async def look(page: Page, url: str, course) -> None:
    await page.goto(f"{url}/#race={course.race}")
    await expect(page.locator("#state-text")).to_have_text("Live")


def names(page: Page):
    return page.locator("#lines .name")


def cells(page: Page, kind: str):
    return page.locator(f"#lines .{kind}")


async def test_a_passing_changes_the_board(server, course, page):
    await look(page, server.url, course)
    await expect(names(page)).to_have_text(["Ada Berg", "Ben Costa", "Chiara Dubois", "<b>Dan</b>"])
    await expect(page.locator("#count-waiting")).to_have_text("4")
    await course.passes("5k", "2", minutes=20)
    await expect(names(page).first).to_have_text("Ben Costa")
    await expect(cells(page, "at").first).to_have_text("5k")
    await expect(cells(page, "clock").first).to_have_text("20:00")
    await expect(page.locator("#count-running")).to_have_text("1")
    await course.passes("5k", "3", minutes=19.5)
    await expect(names(page).first).to_have_text("Chiara Dubois")
    await expect(cells(page, "gap")).to_have_text(["≈ 39:00", "+0:30", "", ""])
    await course.passes("Finish", "2", minutes=41)
    await expect(names(page).first).to_have_text("Ben Costa")
    await expect(cells(page, "place")).to_have_text(["1", "2", "–", "–"])
    await expect(page.locator("#count-finished")).to_have_text("1")
    await expect(page.locator("#course .amount")).to_have_text(["4", "2", "1"])


async def test_a_line_that_stays_is_not_drawn_anew_and_only_who_moved_lights_up(server, course, page):
    await course.passes("5k", "2", minutes=20)
    await look(page, server.url, course)
    await expect(names(page).first).to_have_text("Ben Costa")
    await page.evaluate(
        "for (const row of document.querySelectorAll('#lines tr')) row.dataset.before = 'yes'"
    )
    moved = page.locator("#lines tr.new .name")
    await course.passes("5k", "3", minutes=19)
    await expect(moved).to_have_text(["Chiara Dubois"])
    await expect(names(page).first).to_have_text("Chiara Dubois")
    assert await page.locator("#lines tr[data-before]").count() == 4
    await expect(moved).to_have_count(0)


async def test_the_womens_board_shows_women_only(server, course, page):
    await course.passes("5k", "2", "1", minutes=20)
    await look(page, server.url, course)
    await page.select_option("#gender", label="Women")
    await expect(names(page)).to_have_text(["Ada Berg", "Chiara Dubois"])
    await expect(page.locator("#state-text")).to_have_text("Live")
    await course.passes("5k", "004", minutes=15)
    await course.passes("5k", "3", minutes=16)
    await expect(names(page)).to_have_text(["Chiara Dubois", "Ada Berg"])
    await expect(cells(page, "place")).to_have_text(["1", "2"])
    assert "gender=F" in page.url


async def test_who_is_no_longer_of_the_group_leaves_its_board(server, course, desk, page):
    await look(page, server.url, course)
    await page.select_option("#gender", label="Women")
    await expect(names(page)).to_have_text(["Ada Berg", "Chiara Dubois"])
    found = desk.data(ONE, token=course.token)["participant"]
    desk.data(
        'mutation ($id: ID!) { updateParticipant(id: $id, patch: {gender: "M"}) { id } }', id=found["id"]
    )
    await expect(names(page)).to_have_text(["Chiara Dubois"])


async def test_a_category_fits_the_gender(server, course, page):
    await look(page, server.url, course)
    await page.select_option("#gender", label="Men")
    await expect(page.locator("#category option")).to_have_text(["All categories", "M40+"])
    await page.select_option("#category", label="M40+")
    await expect(names(page)).to_have_text(["Ben Costa"])
    await page.select_option("#gender", label="Women")
    await expect(names(page)).to_have_text(["Ada Berg", "Chiara Dubois"])


async def test_somebody_is_found_by_bib_or_name(server, course, page):
    await look(page, server.url, course)
    await page.fill("#search", "dub")
    await expect(names(page)).to_have_text(["Chiara Dubois"])
    await page.fill("#search", "004")
    await expect(names(page)).to_have_text(["<b>Dan</b>"])
    await course.passes("5k", "004", minutes=17)
    await expect(cells(page, "at")).to_have_text(["5k"])
    await page.fill("#search", "")
    await expect(names(page)).to_have_count(4)


async def test_the_board_at_a_checkpoint_stays_as_it_was_there(server, course, page):
    await course.passes("5k", "1", minutes=18)
    await course.passes("5k", "2", minutes=19)
    await course.passes("Finish", "2", minutes=38)
    await look(page, server.url, course)
    await expect(names(page).first).to_have_text("Ben Costa")
    await page.click("#course a:has-text('5k')")
    await expect(names(page).first).to_have_text("Ada Berg")
    await expect(cells(page, "clock").first).to_have_text("18:00")
    await expect(page.locator("#course [aria-current] .label")).to_have_text("5k")


async def test_what_passed_while_the_socket_was_lost_is_on_the_board(server, course, page):
    sockets: list[WebSocketRoute] = []
    down = False

    async def between(socket: WebSocketRoute) -> None:
        if down:
            return await socket.close(code=1012, reason="restarting")
        socket.connect_to_server()
        sockets.append(socket)

    await page.route_web_socket("**/graphql", between)
    await look(page, server.url, course)
    await expect(names(page)).to_have_count(4)
    down = True
    await sockets[-1].close(code=1012, reason="restarting")
    await expect(page.locator("#state-text")).to_have_text("Reconnecting")
    await course.passes("5k", "3", minutes=20)
    down = False
    await page.click("#retry")
    await expect(names(page).first).to_have_text("Chiara Dubois")


async def test_a_missing_update_makes_the_page_ask_anew(server, course, page):
    """The second update never reaches the page; the third shows that it is missing."""
    sockets = 0
    updates = 0

    async def between(socket: WebSocketRoute) -> None:
        nonlocal sockets
        sockets += 1
        first = sockets == 1
        upstream = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            nonlocal updates
            if first and json.loads(message)["type"] == "next":
                updates += 1
                if updates == 2:
                    return
            socket.send(message)

        upstream.on_message(pass_on)

    await page.route_web_socket("**/graphql", between)
    await look(page, server.url, course)
    await expect(names(page)).to_have_count(4)
    await course.passes("5k", "1", minutes=21)
    while updates < 2:
        await page.wait_for_timeout(50)
    await expect(cells(page, "at").first).to_have_text("Not started")
    await course.passes("5k", "2", minutes=20)
    await expect(names(page)).to_have_text(["Ben Costa", "Ada Berg", "Chiara Dubois", "<b>Dan</b>"])
    assert sockets == 2


async def test_strangers_see_public_events_only(server, make_course, key, page):
    shown, hidden = await make_course("Open run"), await make_course("Closed run", public=False)
    await page.goto(server.url)
    await expect(page.locator("#events h2:text-is('Open run')").first).to_be_visible()
    assert await page.locator("#events h2:has-text('Closed run')").count() == 0
    await page.goto(f"{server.url}/#race={hidden.race}")
    await expect(page.locator("#state-text")).to_contain_text("Refused")
    await page.goto(f"{server.url}/#event={shown.token}")
    await expect(page.locator("#race-title")).to_have_text("10 km")
    await expect(page.locator("#race-note")).to_contain_text("Open run")


async def test_the_tabs_key_shows_the_accounts_own_events_too(server, make_course, key, page):
    await make_course("Closed run", public=False)
    await page.goto(server.url)
    await page.click("#to-passings")
    await page.fill("#key", key)
    await page.click("#enter")
    await expect(page.locator("#scope-title")).to_have_text("All devices")
    await page.click("#to-results")
    await page.click("#events li:has-text('Closed run') a")
    await expect(names(page)).to_have_count(4)
    await page.click("#to-passings")
    await expect(page.locator("#devices .card:has-text('Finish')")).to_be_visible()


async def test_a_key_that_is_gone_is_forgotten_and_the_public_board_stays(server, course, page):
    await page.goto(server.url)
    await page.evaluate("sessionStorage.setItem('passline.key', 'ror-00000000000000000000')")
    await page.goto(f"{server.url}/#race={course.race}")
    await page.reload()
    await expect(names(page)).to_have_count(4)
    assert await page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("width", [320, 360, 820, 1440, 2560])
async def test_no_board_sticks_out_sideways(server, course, page, width):
    await course.passes("5k", "1", "2", minutes=20)
    await page.set_viewport_size({"width": width, "height": 800})
    await look(page, server.url, course)
    await expect(names(page)).to_have_count(4)
    assert await page.evaluate("document.scrollingElement.scrollWidth") <= width


async def test_names_are_text_whatever_they_hold(server, course, page):
    await look(page, server.url, course)
    await expect(names(page).last).to_have_text("<b>Dan</b>")
    assert await page.locator("#lines b").count() == 0

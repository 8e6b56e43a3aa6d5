"""How the page keeps a board, tried in the browser without a socket."""

import pytest
import pytest_asyncio

pytestmark = pytest.mark.alone("sqlite", "what the page does with an update needs no server")
KEPT = """async (updates) => {
  const { Board } = await import("/static/board.js");
  const board = new Board();
  const fits = updates.map((update) => board.apply({ standings: [], removed: [], counts: {}, ...update }));
  return { fits, bibs: board.lines.map(({ bib }) => bib) };
}"""
CLOCK = """async ([seconds, tenths]) => (await import("/static/lines.js")).clock(seconds, tenths)"""


def line(bib, place):
    return {"key": bib, "bib": bib, "place": place}


FIRST = {"revision": 7, "snapshot": True, "standings": [line("3", 3), line("1", 2), line("2", 1)]}


@pytest_asyncio.fixture(loop_scope="session")
async def kept(server, page):
    await page.goto(f"{server.url}/#passings")

    async def apply(*updates):
        found = await page.evaluate(KEPT, list(updates))
        return found["fits"], found["bibs"]

    return apply


async def test_lines_stand_at_their_places_and_changed_ones_replace_what_was(kept):
    update = {
        "revision": 8,
        "snapshot": False,
        "standings": [line("4", 1), line("2", 2), line("1", 3), line("3", 4)],
    }
    assert await kept(FIRST, update) == ([True, True], ["4", "2", "1", "3"])


async def test_removed_lines_go(kept):
    update = {"revision": 8, "snapshot": False, "standings": [line("1", 1), line("3", 2)], "removed": ["2"]}
    assert await kept(FIRST, update) == ([True, True], ["1", "3"])


async def test_a_snapshot_forgets_what_was_before_whatever_its_revision(kept):
    update = {"revision": 20, "snapshot": True, "standings": [line("5", 1)]}
    assert await kept(FIRST, update) == ([True, True], ["5"])


@pytest.mark.parametrize("revision", [7, 9, 6])
async def test_an_update_that_is_not_the_next_is_not_applied(kept, revision):
    update = {"revision": revision, "snapshot": False, "removed": ["2"]}
    assert await kept(FIRST, update) == ([True, False], ["2", "1", "3"])


@pytest.mark.parametrize("revision", [0, 1, 8])
async def test_without_a_snapshot_nothing_begins(kept, revision):
    assert await kept({"revision": revision, "snapshot": False}) == ([False], [])


@pytest.mark.parametrize(
    ("seconds", "tenths", "text"),
    [
        (7717, False, "2:08:37"),
        (65.99, True, "1:05.9"),
        (1864.3, True, "31:04.3"),
        (0, False, "0:00"),
        (-1.5, True, "−0:01.5"),
        (None, True, ""),
    ],
)
async def test_times_are_cut_off_not_rounded(server, page, seconds, tenths, text):
    await page.goto(f"{server.url}/#passings")
    assert await page.evaluate(CLOCK, [seconds, tenths]) == text

"""The pages as the server hands them out."""

import re
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.alone("sqlite", "files are handed out without a database")


@pytest.mark.parametrize(("path", "title"), [("/", "Passline live"), ("/graphql", "Passline GraphiQL")])
def test_a_browser_gets_the_page_and_all_its_files(server, path, title):
    with httpx.Client(base_url=server.url, headers={"accept": "text/html"}) as http:
        page = http.get(path)
        assert page.status_code == 200
        assert f"<title>{title}</title>" in page.text
        for name in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
            assert http.get(name).status_code == 200, name


@pytest.mark.parametrize(("path", "place"), [("/", 0), ("/graphql", 1)])
def test_a_page_comes_with_the_policy_that_is_written_down(server, path, place):
    readme = (Path(__file__).parents[2] / "web" / "README.md").read_text()
    written = re.findall(r"^ {4}(default-src.*?)\n\n", readme, re.M | re.S)[place]
    page = httpx.get(server.url + path, headers={"accept": "text/html"})
    assert page.headers["content-security-policy"] == " ".join(written.split())

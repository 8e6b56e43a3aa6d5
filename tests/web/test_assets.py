"""What can be said of the pages without a browser."""

import hashlib
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
VENDOR = WEB / "graphiql" / "vendor"
OWN = sorted(
    path for path in WEB.rglob("*") if path.suffix in {".html", ".css", ".js"} and VENDOR not in path.parents
)
SVG = "http://www.w3.org/2000/svg"  # the name of a vocabulary; nothing is fetched from it
PAGES = [path for path in OWN if path.suffix == ".html"]


def named(path: Path) -> str:
    return str(path.relative_to(WEB))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_a_page_refers_to_exists(page):
    references = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.read_text())
    assert references
    assert [name for name in references if not (WEB / name.removeprefix("/static/")).is_file()] == []


@pytest.mark.parametrize("script", [path for path in OWN if path.suffix == ".js"], ids=named)
def test_every_import_of_a_script_exists(script):
    imports = re.findall(r'^import .* from "(.+)";$', script.read_text(), re.M)
    assert [name for name in imports if not (script.parent / name).is_file()] == []


@pytest.mark.parametrize("file", OWN, ids=named)
def test_nothing_of_ours_names_another_host(file):
    addresses = re.findall(r"""(?:https?:|wss?:)?//[a-z0-9]+\.[^\s"')]+""", file.read_text())
    assert [address for address in addresses if address != SVG] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pages_hold_no_inline_script_or_style(page):
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", page.read_text()) == []


@pytest.mark.parametrize("script", [path for path in OWN if path.suffix == ".js"], ids=named)
def test_data_never_becomes_markup(script):
    dangerous = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert re.findall(dangerous, script.read_text()) == []


def test_every_element_the_scripts_look_for_is_on_the_page():
    page = (WEB / "index.html").read_text()
    scripts = "".join(path.read_text() for path in WEB.glob("*.js"))
    wanted = set(re.findall(r'(?:\$|fresh)\("([a-z-]+)"\)', scripts))
    assert wanted
    assert [name for name in sorted(wanted) if f'id="{name}"' not in page] == []


def test_vendored_files_are_those_that_were_published():
    listed = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name != "SHA256SUMS"
    }
    assert found == listed


def test_vendored_styles_carry_their_fonts_and_images():
    addresses = re.findall(r"url\(\s*[\"']?([^)]{0,12})", (VENDOR / "graphiql.min.css").read_text())
    assert addresses
    assert [address for address in addresses if not address.startswith(("data:", "#"))] == []


def test_vendored_packages_are_named_with_their_versions_and_licences():
    """What the README says was copied is what the list of licences names."""
    packages = re.findall(r"npm pack (\S+)@(\S+)", (WEB / "README.md").read_text())
    licences = (WEB / "graphiql" / "LICENSES.txt").read_text()
    assert {name for name, _ in packages} == {"graphiql", "react", "react-dom", "graphql-ws"}
    assert [name for name, version in packages if f"\n{name} {version} · MIT" not in licences] == []

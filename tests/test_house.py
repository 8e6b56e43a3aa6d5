"""The rules of the house, kept by a machine."""

import ast
import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from resolvers import errors
from rest_compat import routes as v0

HOME = Path(__file__).parents[1]
ROOMS = ("timing", "models", "resolvers", "subscriptions", "schema", "rest_compat", "server")
OURS = (*ROOMS, "replay", "web", "bench")
NOUNS = (
    "alarms",
    "audits",
    "bindings",
    "corrections",
    "devices",
    "documents",
    "events",
    "imports",
    "keys",
    "leaderboards",
    "participants",
    "passings",
    "polls",
    "races",
    "registrations",
    "results",
    "servings",
    "sessions",
    "telemetry",
    "verdicts",
)
"""The files of operations in `resolvers`; the others there serve these."""
SERVING = {
    "__init__",
    "callers",
    "context",
    "costs",
    "courses",
    "entries",
    "errors",
    "inputs",
    "limits",
    "marks",
    "numberings",
    "patches",
    "reports",
    "retention",
    "shares",
    "sheets",
    "texts",
    "watch",
}
NAMING = {
    "tests/backends.py": "makes them",
    "tests/servers.py": "makes them",
    "tests/line.py": "another way to the same database",
    "tests/subscriptions/conftest.py": "what a hub does by itself, whatever its bus",
    "tests/subscriptions/test_hub.py": "a bus that is not there",
    "tests/server/test_watchman.py": "a bus that is not started hears nothing, whatever its kind",
    "tests/server/test_cli.py": "databases that cannot be used",
    "tests/server/test_settings.py": "a bus that is not there",
    "tests/server/test_starting.py": "a database that is not there",
    "tests/journeys/test_backup.py": "the copy has a bus for itself",
}
"""The files of tests that name a database or a bus, and why."""


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((HOME / folder).rglob("*.py"))]


def tracked() -> list[Path]:
    """Every text file that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=HOME, capture_output=True, text=True)
    if names.returncode:
        pytest.skip("not a git repository")
    return [path for name in names.stdout.split("\0") if name and (path := HOME / name).is_file()]


def test_the_import_contracts_hold():
    command = (
        "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    )
    found = subprocess.run([sys.executable, "-c", command], cwd=HOME, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("room", OURS)
def test_each_room_has_its_door_sign_and_nothing_else(room):
    tree = ast.parse((HOME / room / "__init__.py").read_text())
    sign = ast.get_docstring(tree)
    assert len(tree.body) == 1 and sign and "\n" not in sign and sign.endswith(".")


@pytest.mark.parametrize("noun", NOUNS)
def test_every_operation_asks_first_who_is_asking(noun):
    module = import_module(f"resolvers.{noun}")
    operations = {
        name: thing
        for name, thing in vars(module).items()
        if inspect.iscoroutinefunction(thing)
        and thing.__module__ == module.__name__
        and not name.startswith("_")
    }
    assert operations
    for name, operation in operations.items():
        first = next(iter(inspect.signature(operation).parameters), None)
        assert first == "ctx", f"{noun}.{name}"


@pytest.mark.parametrize("noun", NOUNS)
def test_every_operation_refuses_who_may_not(noun):
    """It asks for a right, or for the account, which a stranger does not have, or whether the event is seen, or
    the binding token usable, or whether the document may be asked."""
    tree = ast.parse((HOME / "resolvers" / f"{noun}.py").read_text())
    lax = [
        function.name
        for function in tree.body
        if isinstance(function, ast.AsyncFunctionDef) and not function.name.startswith("_")
        if not re.search(
            r"ctx\.(must|caller\.account\b)|(seen|visible|owned|usable|may_register)\(", ast.unparse(function)
        )
    ]
    assert lax == []


def test_no_operation_is_left_out_of_these_tests():
    files = {path.stem for path in (HOME / "resolvers").glob("*.py")}
    assert files - SERVING == set(NOUNS)


def test_every_v0_route_has_a_golden_file():
    golden = {path.stem: path.read_text() for path in (HOME / "tests/rest_compat/golden").glob("*.json")}
    everything = "\n".join(golden.values())
    unused = [None for _ in inspect.signature(v0.routes).parameters]
    for route in v0.routes(*unused):  # type: ignore[arg-type]
        path = re.escape(v0.PREFIX + route.path)
        pattern = re.sub(r"\\\{\w+\\\}", '[^/"]+', path) + r"[?\"]"
        if "openapi" not in route.path:
            assert re.search(pattern, everything), route.path


def test_no_file_is_longer_than_an_eye_can_hold():
    long = {
        str(path.relative_to(HOME)): lines
        for path in sources(*OURS, "tests")
        if (lines := path.read_text().count("\n")) > 300
    }
    assert long == {}


def test_tests_name_no_database_and_no_bus_of_their_own():
    """The fixtures of `tests.matrix` give them, to each test those of both backends."""
    found = {
        str(path.relative_to(HOME))
        for path in sources("tests")
        if re.search(r"""["'](sqlite\+aiosqlite|postgresql\+asyncpg|memory|rediss?)://""", path.read_text())
    }
    assert found == set(NAMING)


def test_there_is_no_drawer():
    names = {"utils", "util", "helpers", "helper", "common", "core", "misc"}
    assert [
        path
        for path in tracked()
        if names & {part.removesuffix(".py") for part in path.relative_to(HOME).parts}
    ] == []


def test_every_error_is_in_the_docs():
    text = (HOME / "docs" / "errors.md").read_text()
    for name, thing in vars(errors).items():
        if inspect.isclass(thing) and issubclass(thing, errors.TimingError) and not name.startswith("_"):
            assert f"`{name}`" in text, name
            if code := getattr(thing, "code", None):
                assert f"`{code}`" in text, code


def test_every_error_has_a_sentence_a_code_and_a_status():
    family = [thing for thing in vars(errors).values() if inspect.isclass(thing)]
    for each in family:
        if (
            issubclass(each, errors.TimingError)
            and each is not errors.TimingError
            and not each.__name__.startswith("_")
        ):
            assert each.__doc__ and each.code.isupper() and 400 <= each.status < 600


def test_nothing_names_the_machine_it_was_made_on():
    """No file of the repository knows a home folder, a workshop or a private host."""
    marks = ["/ho" + "me/", "/ro" + "ot/", "/wo" + "rk/", "/Us" + "ers/"]
    pattern = re.compile("|".join(rf"(?<![\w.$}}*]){re.escape(mark)}" for mark in marks))
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(HOME)}: {line.strip()[:80]}"
            for line in text.splitlines()
            if pattern.search(line)
        ]
    assert found == []


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(HOME))
        for path in sources(*OURS)
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert [name for name in silent if "migrations" not in name] == []

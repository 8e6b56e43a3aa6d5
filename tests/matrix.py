"""Which tests run on which database and bus: all that use one, by whatever fixture, run on both pairs."""

import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from models.database import Database
from tests.backends import BACKENDS, Backends


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backend", choices=BACKENDS, help="only with this database (and its bus)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone(backend, why): it is about this database alone")
    gc.set_threshold(50_000, 20, 50)  # as the server runs


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whoever uses a database or a bus, by whatever fixture, does so on both, unless marked."""
    if "backend" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("alone")
        where = _alone(*marker.args) if marker else BACKENDS
        metafunc.parametrize("backend", where, indirect=True, scope="session")


def _alone(backend: str, why: str) -> list[str]:
    assert backend in BACKENDS and why
    return [backend]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if wanted := config.getoption("--backend"):
        config.hook.pytest_deselected(
            items=[item for item in items if _backend_of(item) not in (wanted, None)]
        )
        items[:] = [item for item in items if _backend_of(item) in (wanted, None)]


def pytest_collection_finish() -> None:
    """What was collected stays to the end: to look through it again and again took a third of the time."""
    gc.collect()
    gc.freeze()


def _backend_of(item: pytest.Item) -> str | None:
    called = getattr(item, "callspec", None)
    return called.params.get("backend") if called else None


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """The database that this test runs on: "sqlite" or "postgresql"."""
    return str(request.param)


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    made = Backends(tmp_path_factory.mktemp("databases"))
    yield made
    made.close()


@pytest.fixture
def url(backend: str, backends: Backends) -> Iterator[str]:
    """Of a database of the test's own, with the newest schema and no row."""
    made = backends.lend(backend)
    yield made
    backends.drop(made)


@pytest.fixture
def bare_url(backend: str, backends: Backends) -> Iterator[str]:
    """Of a database of the test's own, with nothing in it."""
    made = backends.bare(backend)
    yield made
    backends.drop(made)


@pytest.fixture(scope="session")
def broker_url(backend: str, backends: Backends) -> str:
    """Of the bus that belongs to the backend. Not that of the `server` which all tests share."""
    return backends.bus(backend, 1)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url)
    yield opened
    await opened.close()

"""PostgreSQL, Valkey, servers on both and, where it is installed, nginx in front of them: on loopback.

As a program it starts all of it with an account and a key, says where to look, and runs until it is
interrupted.
"""

import os
import shutil
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.backends import Postgres, valkey
from bench.cores import Cores
from bench.machine import Machine, finish, free_port, wait_until_ready

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"
AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    include {folder}/passline.conf;
}}
"""
LISTENS = 80
SERVERS = (8001, 8002)
"""The ports in `deploy/nginx.conf`."""


class Nginx:
    """nginx with the configuration that is deployed: only its ports are others."""

    def __init__(self, folder: Path, servers: Sequence[int]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        folder.mkdir()
        own = CONFIGURATION.read_text().replace(f"listen {LISTENS};", f"listen 127.0.0.1:{self.port};")
        for there, here in zip(SERVERS, servers, strict=True):
            own = own.replace(f"127.0.0.1:{there}", f"127.0.0.1:{here}")
        (folder / "passline.conf").write_text(own)
        user = "" if os.geteuid() else "user root;"  # the folder of a benchmark is closed to others
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def command() -> str | None:
        """None where nginx is not installed."""
        return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

    def __enter__(self) -> "Nginx":
        self._process = subprocess.Popen(self._words())
        wait_until_ready(self._process, f"{self.url}/healthz")
        return self

    def __exit__(self, *_: object) -> None:
        finish(self._process, signal.SIGTERM)

    def problems(self) -> str:
        """What nginx itself finds wrong with the configuration."""
        found = subprocess.run([*self._words(), "-t", "-q"], capture_output=True, text=True)
        return found.stderr if found.returncode else ""

    def _words(self) -> list[str]:
        command = self.command()
        assert command, "nginx is not installed"
        return [command, "-e", str(self._folder / "error.log"), "-c", str(self._folder / "nginx.conf")]


class Topology:
    """All of it, in a folder of its own. A context manager that leaves no process behind."""

    def __init__(
        self,
        servers: int = 2,
        behind_nginx: bool = False,
        settings: dict[str, str] | None = None,
        options: Sequence[str] = (),
        bus: str = "valkey",
    ) -> None:
        """Settings are for every server, options for PostgreSQL. `bus`: "valkey", or "postgres" for
        LISTEN/NOTIFY."""
        self._left = ExitStack()
        self._count, self._behind_nginx, self._options = servers, behind_nginx, options
        self._settings = settings or {}
        self._bus = bus

    def __enter__(self) -> "Topology":
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="passline-bench-")))
            self.postgres = stack.enter_context(Postgres(folder, *self._options).running())
            self.valkey = stack.enter_context(valkey())
            given = {
                "PASSLINE_DATABASE_URL": self.postgres.url(),
                "PASSLINE_BROKER_URL": (
                    self.valkey.connection_url if self._bus == "valkey" else self.postgres.dsn()
                ),
                "PASSLINE_TRUSTED_PROXIES": "127.0.0.1" if self._behind_nginx else "",
            }
            self.servers: list[Machine] = []
            for number in range(1, self._count + 1):
                own = folder / f"server-{number}"
                own.mkdir()
                self.servers.append(Machine(own, Cores(), given | self._settings))
            self.servers[0].command("migrate")
            for machine in self.servers:
                stack.enter_context(machine)
            self.nginx: Nginx | None = None
            if self._behind_nginx:
                ports = [machine.port for machine in self.servers]
                self.nginx = stack.enter_context(Nginx(folder / "nginx", ports))
            self._left = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    @property
    def urls(self) -> list[str]:
        """Where clients go: to nginx where there is one, else to every server."""
        return [self.nginx.url] if self.nginx else [machine.url for machine in self.servers]

    @property
    def ports(self) -> list[int]:
        return [self.nginx.port] if self.nginx else [machine.port for machine in self.servers]

    def new_key(self) -> str:
        return self.servers[0].new_key()

    def client(self, key: str) -> httpx.Client:
        return httpx.Client(base_url=self.urls[0], headers={"x-api-key": key}, timeout=60, trust_env=False)


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that nothing is left behind
    behind_nginx = Nginx.command() is not None
    with Topology(options.servers, behind_nginx and options.servers == len(SERVERS)) as all_of_it:
        key = all_of_it.new_key()
        print(f"PostgreSQL   {all_of_it.postgres.dsn()}")
        print(f"Valkey       {all_of_it.valkey.connection_url}")
        for machine in all_of_it.servers:
            print(f"server       {machine.url}")
        print(
            f"nginx        {all_of_it.nginx.url}"
            if all_of_it.nginx
            else "nginx        is not here: apt install nginx"
        )
        print(f"key          {key}")
        print(f"live page    {all_of_it.urls[0]}/")
        print(f"GraphiQL     {all_of_it.urls[0]}/graphql")
        print("Everything is gone when this ends: Ctrl+C.", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def _options() -> Namespace:
    parser = ArgumentParser(prog="scripts/topology", description=__doc__)
    parser.add_argument("--servers", type=int, default=len(SERVERS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

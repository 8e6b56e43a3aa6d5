"""The server under test: started as a process of its own, with a database of its own, ended at will."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from bench.cores import Cores

COMMAND = Path(sys.executable).parent / "passline"
READY_SECONDS = 60.0


class Machine:
    """A `passline serve` on a free port; a context manager that leaves no process behind."""

    def __init__(self, directory: Path, cores: Cores, settings: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = directory / "passline.db"
        self._log = directory / "server.log"
        self._cores = cores
        self._environment = os.environ | {"PASSLINE_DATABASE_URL": f"sqlite+aiosqlite:///{self.database}"}
        self._environment |= settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Machine":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def worked(self) -> float:
        """Seconds of processor time that the server has used; 0 where the system does not tell."""
        return worked(self.pid)

    @property
    def memory(self) -> float:
        """Megabytes of memory that the server holds; 0 where the system does not tell."""
        return memory(self.pid)

    def start(self) -> None:
        """Returns when the server says that it is ready."""
        serve = [str(COMMAND), "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(serve, env=self._environment, stdout=log, stderr=log)
        self._cores.pin_server(self._process.pid)
        try:
            wait_until_ready(self._process, f"{self.url}/readyz")
        except RuntimeError as error:
            self.kill()
            raise RuntimeError(f"{error}\n{self.log_tail()}") from None

    def stop(self) -> int | None:
        """Asks the server to finish, and insists after a while. Its exit code, if it ran."""
        code = finish(self._process, signal.SIGTERM)
        self._process = None
        return code

    def kill(self) -> None:
        finish(self._process, signal.SIGKILL)
        self._process = None

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def new_key(self, account: str = "bench", access: str = "READ_WRITE") -> str:
        """A key of a new account, made on the command line as an operator would."""
        owner = self.command("accounts", "create", account)
        return self.command("keys", "create", "--account", owner, "--access", access, "--unbind")

    def client(self, key: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"x-api-key": key}, timeout=60, trust_env=False)

    def command(self, *arguments: str) -> str:
        """What a command of the command line prints, with the settings of the server."""
        done = subprocess.run([COMMAND, *arguments], env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"passline {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout.strip()


@contextmanager
def bare(kind: str, cores: Cores) -> Iterator[int]:
    """The port of a ceiling of `bench/bare.py`, on the server's core."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.bare", kind, str(port)])
    cores.pin_server(process.pid)
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        yield port
    finally:
        finish(process, signal.SIGKILL)


def worked(pid: int) -> float:
    """Seconds of processor time that a process has used; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Megabytes of memory that a process holds; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return int(status.split("VmRSS:", 1)[1].split()[0]) / 1024


def free_port() -> int:
    """A port below those that outgoing connections use."""
    while True:
        port = random.randrange(18_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False, verify=False) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}")
            with suppress(httpx.TransportError):
                if client.get(url).is_success:
                    return
            time.sleep(0.02)
    raise RuntimeError(f"the server is not ready after {READY_SECONDS:.0f} s")


def finish(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> int | None:
    if process is None:
        return None
    process.send_signal(how)
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()

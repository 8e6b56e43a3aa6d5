"""nginx in a process of its own, as it is deployed."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.servers import free_port

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"
AROUND = """daemon off; pid {0}/pid; error_log {0}/log; worker_processes 1; {1} events {{}}
http {{ access_log off; client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c;
uwsgi_temp_path {0}/d; scgi_temp_path {0}/e; include {0}/own.conf; }}"""


@contextmanager
def nginx(folder: Path, *ports: int) -> Iterator[str]:
    """Its address, before servers at these two ports. It listens when it is there. Skips where it is not
    installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    here = f"127.0.0.1:{free_port()}"
    own = CONFIGURATION.read_text().replace("listen 80;", f"listen {here};")
    for there, port in zip((8001, 8002), ports, strict=True):
        own = own.replace(f"127.0.0.1:{there}", f"127.0.0.1:{port}")
    own = own.replace("/var/cache/passline", f"{folder}/kept")
    (folder / "own.conf").write_text(own)
    user = "user root;" if folder.owner() == "root" else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder, user))
    running = subprocess.Popen([program, "-e", folder / "log", "-c", folder / "nginx.conf"])
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:  # it listens in a moment
            client.get(f"http://{here}/readyz")  # which nginx answers by itself
        yield f"http://{here}"
    finally:
        running.terminate()
        running.wait(10)

"""What is in `deploy/`: whole, about settings and files that exist, and valid to the programs that read it."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from server.settings import Settings

HOME = Path(__file__).parents[1]
DEPLOY = HOME / "deploy"
FILES = sorted(path.name for path in DEPLOY.iterdir())
SERVERS = (8001, 8002)
"""The ports of `nginx.conf`."""
NO_SETTINGS = {"PASSLINE_HTTP_PORT"}
"""compose.yaml's own: where nginx is to be found."""


def text(name: str) -> str:
    return (DEPLOY / name).read_text()


def words(line: str) -> list[str]:
    """What comes after the instruction, without its options."""
    return [word for word in line.split()[1:] if not word.startswith("--")]


@pytest.mark.parametrize("name", FILES)
def test_every_setting_that_is_named_is_one(name):
    named = set(re.findall(r"PASSLINE_[A-Z_]+[A-Z]", text(name))) - NO_SETTINGS
    assert named <= {f"PASSLINE_{field.upper()}" for field in Settings.model_fields}


def test_the_settings_of_the_example_are_accepted(tmp_path):
    lines = text("passline.env.example").replace("#PASSLINE_", "PASSLINE_")
    (tmp_path / "env").write_text(lines)
    found = Settings(_env_file=tmp_path / "env")
    assert found.database_url.startswith("postgresql") and found.lame_duck_seconds == 5


def test_the_image_is_made_of_files_that_exist_and_that_the_builder_gets():
    lines = [line for line in text("Dockerfile").splitlines() if line.startswith("COPY")]
    named = {name for line in lines if "--from" not in line for name in words(line)[:-1]}
    assert all((HOME / name).exists() for name in named)
    ignored = (HOME / ".dockerignore").read_text().splitlines()
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == named


def test_a_wheel_of_these_files_alone_has_all_that_a_server_needs(tmp_path):
    """As the image makes it; without its dependencies, which need the network."""
    lines = [line for line in text("Dockerfile").splitlines() if line.startswith("COPY")]
    source = tmp_path / "source"
    source.mkdir()
    for line in lines:
        for name in [] if "--from" in line else words(line)[:-1]:
            if (HOME / name).is_dir():
                shutil.copytree(HOME / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(HOME / name, source / name)
    subprocess.run(
        [sys.executable, "-c", "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])",
         str(tmp_path)],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(["git", "ls-files"], cwd=HOME, capture_output=True, text=True).stdout.split()
    rooms = {path.name for path in source.iterdir() if path.is_dir()}
    wanted = {name for name in tracked if name.split("/")[0] in rooms and not name.endswith(".md")}
    assert wanted <= packed
    entry = next(name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("entry_points.txt"))
    assert b"passline = server.cli:main" in zipfile.ZipFile(wheel).read(entry)


def test_the_image_is_told_to_do_what_the_command_line_has():
    from typer.main import get_command

    from server.cli import app

    commands = set(get_command(app).commands)
    called = re.findall(r'"passline", "(\w+)"', text("Dockerfile") + text("compose.yaml"))
    called += re.findall(r"bin/passline (\w+)", text("passline.service") + text("passline@.service"))
    called += re.findall(r"^#.* passline (\w+) create", text("compose.yaml"), re.MULTILINE)
    assert {"serve", "migrate", "accounts"} <= set(called) <= commands


def test_the_services_wait_for_what_they_need_and_find_each_other():
    compose = yaml.safe_load(text("compose.yaml"))
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            has_health = "healthcheck" in services[other] or "build" in services[other]
            assert how["condition"] != "service_healthy" or has_health, f"{name} waits for {other}"
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists()
    addresses = {name: service["networks"]["inside"]["ipv4_address"] for name, service in services.items()
                 if isinstance(service["networks"], dict)}  # fmt: skip
    assert services["server-1"]["environment"]["PASSLINE_TRUSTED_PROXIES"] == addresses["nginx"]
    written = " ".join(services["nginx"]["command"])
    for port, name in zip(SERVERS, ("server-1", "server-2"), strict=True):
        assert f"s/127.0.0.1:{port}/{addresses[name]}:8000/" in written
    build = services["server-1"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_servers_have_longer_to_stop_than_they_take():
    grace = yaml.safe_load(text("compose.yaml"))["x-server"]["stop_grace_period"]
    needed = 5 + Settings.model_fields["drain_seconds"].default
    assert int(grace.removesuffix("s")) > needed
    for name in ("passline.service", "passline@.service"):
        (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", text(name), re.MULTILINE)
        assert int(seconds) > needed


def test_servers_that_share_a_folder_are_one_user():
    """Each instance of a template is a dynamic user of its own, who takes the folder over, unless it is named."""
    assert re.search(r"^User=\w+$", text("passline@.service"), re.MULTILINE)


def test_nginx_accepts_its_configuration(tmp_path):
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    own = text("nginx.conf").replace("listen 80;", "listen 127.0.0.1:18080;")
    (tmp_path / "own.conf").write_text(own.replace("/var/cache/passline", f"{tmp_path}/kept"))
    around = f"pid {tmp_path}/pid; events {{}} http {{ access_log off; include {tmp_path}/own.conf; }}"
    (tmp_path / "nginx.conf").write_text(around)
    words = [nginx, "-t", "-q", "-e", str(tmp_path / "log"), "-c", str(tmp_path / "nginx.conf")]
    found = subprocess.run(words, capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")


def test_nginx_keeps_a_connection_for_less_time_than_a_server_that_stops_serves_on():
    kept = {int(seconds) for seconds in re.findall(r"keepalive_timeout (\d+)s", text("nginx.conf"))}
    assert max(kept) < 5  # uvicorn's own limit, and PASSLINE_LAME_DUCK_SECONDS in the examples
    assert "PASSLINE_LAME_DUCK_SECONDS=5" in text("passline.env.example")


def test_systemd_accepts_the_units(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    units = [name for name in FILES if name.endswith((".service", ".socket"))]
    for name in units:  # the program is not where it will be
        there = Path(sys.executable).parent / "passline"
        (tmp_path / name).write_text(text(name).replace("/opt/passline/bin/passline", str(there)))
    named = [str(tmp_path / name.replace("@.", "@8001.")) for name in units]
    found = subprocess.run(["systemd-analyze", "verify", *named], capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")

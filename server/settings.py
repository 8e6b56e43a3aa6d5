"""Settings: read once from the environment (prefix PASSLINE_) and a `.env` file, then handed down as plain
values.

Each has a row in docs/settings.md.
"""

from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from server.addresses import Addresses
from subscriptions import bus


class Settings(BaseSettings):
    """What may differ between installations."""

    model_config = SettingsConfigDict(env_prefix="PASSLINE_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        "sqlite+aiosqlite:///passline.db", pattern=r"^(sqlite\+aiosqlite:///[^:]|postgresql\+asyncpg://).+"
    )
    migrate: bool = True
    database_pool: int = Field(16, ge=4, le=1_000)
    broker_url: str = "memory://"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    hash_key: str = ""
    ingest_queue: int = Field(50_000, ge=5_000)
    report_queue: int = Field(20_000, ge=1_000)
    telemetry_full_days: int = Field(30, ge=1, le=36_500)
    telemetry_thinned_seconds: int = Field(3600, ge=60, le=366 * 86_400)
    body_limit: int = Field(5 * 1024 * 1024, ge=1024)
    body_seconds: float = Field(60, gt=0)
    head_limit: int = Field(64 * 1024, ge=4096)
    head_seconds: float = Field(10, gt=0)
    trusted_proxies: str = ""
    address_connections: int = Field(20_000, ge=1)
    connections: int = Field(50_000, ge=1)
    key_sockets: int = Field(20_000, ge=1)
    address_sockets: int = Field(10_000, ge=1)
    key_rate: float = Field(5_000, ge=0)
    key_burst: float = Field(300_000, ge=1)
    address_rate: float = Field(10_000, ge=0)
    address_burst: float = Field(600_000, ge=1)
    stranger_rate: float = Field(500, ge=0)
    stranger_burst: float = Field(20_000, ge=1)
    bad_key_rate: float = Field(10, ge=0)
    bad_key_burst: float = Field(200, ge=1)
    limiter_entries: int = Field(100_000, ge=1)
    share_interval: float = Field(1, ge=0.05, le=2)
    answer_cache: int = Field(32 * 1024 * 1024, ge=0)
    leaderboard_interval: float = Field(0.05, ge=0.01, le=60)
    fleet_interval: float = Field(0.5, ge=0.01, le=60)
    public_max_age: int = Field(1, ge=0, le=3600)
    watch_interval: float = Field(1, ge=0.05, le=60)
    socket_outbox: int = Field(256 * 1024, ge=64 * 1024)
    unread_seconds: float = Field(15, gt=0)
    init_seconds: float = Field(3, gt=0)
    heartbeat_seconds: float = Field(15, ge=0.05, le=60)
    idle_seconds: float = Field(900, gt=0)
    goodbye_seconds: float = Field(3, ge=0)
    lame_duck_seconds: float = Field(0, ge=0)
    drain_seconds: int = Field(10, ge=1)
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    log_format: str = Field("console", pattern="^(console|json)$")
    graphiql: bool = True
    introspection: bool = True
    documents_only: bool = False

    @field_validator("database_url")
    @classmethod
    def _names_a_place(cls, url: str) -> str:
        try:
            urlsplit(make_url(url).render_as_string(hide_password=False)).port  # noqa: B018
        except ValueError:
            raise ValueError("no host and port are to be seen") from None  # nor is the password, here
        return url

    @field_validator("broker_url")
    @classmethod
    def _is_a_bus(cls, url: str) -> str:
        return bus.judged(url)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, text: str) -> str:
        Addresses(text)
        return text

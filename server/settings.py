"""Settings: read once from the environment (prefix PASSLINE_) and a `.env` file, then handed down as plain
values.

Each has a row in docs/settings.md.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What may differ between installations."""

    model_config = SettingsConfigDict(env_prefix="PASSLINE_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        "sqlite+aiosqlite:///passline.db", pattern=r"^(sqlite\+aiosqlite:///[^:]|postgresql\+asyncpg://).+"
    )
    broker_url: str = "memory://"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    hash_key: str = ""
    ingest_queue: int = Field(50_000, ge=5_000)
    report_queue: int = Field(20_000, ge=1_000)
    body_limit: int = Field(5 * 1024 * 1024, ge=1024)
    leaderboard_interval: float = Field(0.2, ge=0.01, le=60)
    drain_seconds: int = Field(10, ge=1)
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    log_format: str = Field("console", pattern="^(console|json)$")
    graphiql: bool = True
    introspection: bool = True

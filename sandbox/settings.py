"""Where the sandbox listens and keeps its state, and the environment MiniStack reads when it is imported."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

REGION = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """`public_host` is the name in every URL the sandbox hands out; `state` None keeps nothing.

    MiniStack logs the text of stack failures, which people write: it is silent unless asked.
    """

    port: int = 4566
    host: str = "127.0.0.1"
    public_host: str = "localhost"
    state: Path | None = None
    log_level: str = "CRITICAL"

    @property
    def origin(self) -> str:
        return f"http://{self.public_host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """Everything MiniStack and the Lambda workers it starts are told; nothing else of theirs is inherited.

        AUTH: functions act as their roles, policies are enforced; a 12-digit key is its account's root and may all.
        """
        scratch = self.state or Path(tempfile.gettempdir())
        kept = {"PERSIST_STATE": "1", "STATE_DIR": str(self.state / "services")} if self.state else {}
        return {
            **kept,
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": self.host,
            "MINISTACK_HOST": self.public_host,
            "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{scratch}/no-docker.sock",
            "LAMBDA_EXECUTOR": "local",
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "S3_PERSIST": "1" if self.state else "0",
            "S3_DATA_DIR": str(scratch / "s3"),
            "LOG_LEVEL": self.log_level,
            "AUTH": "true",
        }

    def apply(self) -> None:
        """Set the environment. Must run before anything imports `ministack`."""
        foreign = (
            "AWS_",
            "MINISTACK_",
            "LOCALSTACK_",
            "LAMBDA_",
            "PERSIST_STATE",
            "STATE_DIR",
            "SERVICES",
            "AUTH",
        )
        for name in [name for name in os.environ if name.startswith(foreign)]:
            del os.environ[name]
        os.environ.update(self.environment())

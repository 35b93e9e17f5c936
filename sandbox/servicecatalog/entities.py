"""What Service Catalog keeps. Times are epoch seconds, tags and parameters plain name → value maps."""

import secrets
import string
import time
from dataclasses import dataclass, field
from typing import Any

_ALPHABET = string.ascii_lowercase + string.digits


def new_id(prefix: str) -> str:
    """`<prefix>-` and 13 lower-case letters or digits, as AWS makes them."""
    return f"{prefix}-{''.join(secrets.choice(_ALPHABET) for _ in range(13))}"


@dataclass(frozen=True)
class Caller:
    """Who calls, where, and the origin the sandbox was reached at (for URLs in answers)."""

    account: str
    region: str
    arn: str
    origin: str = "http://localhost:4566"

    @property
    def role_arn(self) -> str:
        """The role behind an assumed-role session; any other principal is itself."""
        service, _, rest = self.arn.partition(":assumed-role/")
        return f"{service.replace(':sts:', ':iam:')}:role/{rest.split('/')[0]}" if rest else self.arn


@dataclass
class Artifact:
    """One version of a product, with its own copy of the template."""

    id: str
    name: str
    description: str
    template: str
    source: str
    created: float = field(default_factory=time.time)
    active: bool = True
    guidance: str = "DEFAULT"
    type: str = "CLOUD_FORMATION_TEMPLATE"


@dataclass
class Product:
    id: str
    name: str = ""
    owner: str = ""
    description: str = ""
    distributor: str = ""
    support_description: str = ""
    support_email: str = ""
    support_url: str = ""
    type: str = "CLOUD_FORMATION_TEMPLATE"
    tags: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    artifacts: list[Artifact] = field(default_factory=list)

    @classmethod
    def restore(cls, document: dict[str, Any]) -> "Product":
        """The product `asdict` took apart."""
        return cls(**{**document, "artifacts": [Artifact(**artifact) for artifact in document["artifacts"]]})


@dataclass
class Portfolio:
    id: str
    name: str
    provider: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    products: list[str] = field(default_factory=list)
    principals: dict[str, str] = field(default_factory=dict)
    shared_with: list[str] = field(default_factory=list)

    def path_id(self, product_id: str) -> str:
        """The launch path of a product through this portfolio."""
        return f"lpv2-{self.id.removeprefix('port-')}{product_id.removeprefix('prod-')}"


@dataclass
class Constraint:
    """`parameters` is the JSON text as it was given."""

    id: str
    type: str
    portfolio_id: str
    product_id: str
    parameters: str
    owner: str
    description: str = ""


@dataclass
class Provisioned:
    """A provisioned product. `user_arn` is the role, `user_arn_session` the session of its first launch."""

    id: str
    name: str
    product_id: str
    artifact_id: str
    path_id: str
    user_arn: str
    user_arn_session: str
    token: str
    stack_name: str
    stack_id: str = ""
    status: str = "UNDER_CHANGE"
    status_message: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    launch_role: str = ""
    created: float = field(default_factory=time.time)
    last_record: str = ""
    last_provisioning_record: str = ""
    last_successful_record: str = ""


@dataclass
class Record:
    """One request to provision, update or terminate, and how it went.

    `operation_events` is how many events the stack had when the request began: later ones are this record's.
    `kept_status` is what an update that CloudFormation refuses leaves the product in.
    """

    id: str
    type: str
    provisioned_id: str
    provisioned_name: str
    product_id: str
    artifact_id: str
    path_id: str
    user_arn: str
    user_arn_session: str
    status: str = "CREATED"
    tags: dict[str, str] = field(default_factory=dict)
    launch_role: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    errors: list[dict[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)
    stack_name: str = ""
    operation_events: int = 0
    kept_status: str = "TAINTED"
    ignore_errors: bool = False

    @property
    def open(self) -> bool:
        """Whether the stack may still change what this record says."""
        return self.status not in ("SUCCEEDED", "FAILED")

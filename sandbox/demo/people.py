"""Who launches products in the demo, as AWS sees them: single sign-on sessions named by their e-mail."""

from dataclasses import dataclass

ACCOUNT = "111122223333"
REGION = "us-east-1"


@dataclass(frozen=True)
class Requester:
    """Somebody with a role in the account."""

    name: str
    email: str
    role: str
    job: str

    def role_arn(self, account: str = ACCOUNT) -> str:
        return f"arn:aws:iam::{account}:role/{self.role}"

    def session_arn(self, account: str = ACCOUNT) -> str:
        """The principal Service Catalog sees."""
        return f"arn:aws:sts::{account}:assumed-role/{self.role}/{self.email}"


RITA = Requester("Rita Requester", "rita@example.com", "AWSReservedSSO_Developer_0123456789abcdef", "Web developer")
RAVI = Requester(
    "Ravi Requester", "ravi@example.com", "AWSReservedSSO_DataScientist_fedcba9876543210", "Data scientist"
)
REQUESTERS = (RITA, RAVI)

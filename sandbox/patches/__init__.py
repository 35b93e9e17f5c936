"""Everything the sandbox changes in MiniStack, one module per lack; each has a test in tests/sandbox."""

from collections.abc import Callable

from sandbox.patches import (
    custom_resources,
    ec2,
    operations,
    ses,
    sns,
    stack_events,
    wait_conditions,
    workers,
)
from sandbox.patches.sns_signing import MessageSigner
from sandbox.presigned import Signer


def install(signer: Signer, messages: MessageSigner, changed: Callable[[], None]) -> None:
    """Apply all patches, once, after MiniStack is imported. `changed` is told of every stack event."""
    wait_conditions.install(signer)
    custom_resources.install(signer)
    stack_events.install(changed)
    operations.install()
    sns.install(signer.origin, messages)
    ses.install()
    ec2.install()
    workers.install()

"""Everything the sandbox changes in MiniStack, one module per lack; each has a test in tests/sandbox."""

from collections.abc import Callable

from sandbox.patches import (
    custom_resources,
    ec2,
    estimates,
    http_api,
    kms,
    lambdas,
    log_patterns,
    metrics,
    operations,
    policies,
    ses,
    sns,
    stack_events,
    tables,
    wait_conditions,
    workers,
)
from sandbox.patches.sns_signing import MessageSigner
from sandbox.presigned import Signer


def install(signer: Signer, messages: MessageSigner, changed: Callable[[], None]) -> None:
    """Apply all patches, once, after MiniStack is imported. `changed` is told of every stack event."""
    policies.install()
    wait_conditions.install(signer)
    custom_resources.install(signer)
    stack_events.install(changed)
    operations.install()
    sns.install(signer.origin, messages)
    ses.install()
    ec2.install()
    kms.install()
    estimates.install()
    tables.install()
    http_api.install(signer.origin)
    workers.install()
    lambdas.install()
    metrics.install()
    log_patterns.install()

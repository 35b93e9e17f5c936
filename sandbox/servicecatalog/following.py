"""A record follows its stack: nothing is scheduled, the truth is read from CloudFormation when somebody asks.

The invariant: a record that is SUCCEEDED or FAILED never changes again, and exactly then its provisioned
product is no longer UNDER_CHANGE. A stack that did not outlive a restart fails the record with a sentence.
"""

from collections.abc import Iterable

from sandbox.servicecatalog.engine import Engine, Event, Stack
from sandbox.servicecatalog.entities import Provisioned, Record
from sandbox.servicecatalog.store import Catalogue

PROVISION, UPDATE, TERMINATE = (
    "PROVISION_PRODUCT",
    "UPDATE_PROVISIONED_PRODUCT",
    "TERMINATE_PROVISIONED_PRODUCT",
)
CLOUDFORMATION_ERROR = "AmazonCloudFormationException"
STACK_GONE = "The stack does not exist any more: the sandbox stopped while it was being changed."

# What the stack's status makes of a record (aws-facts §3.3); a status missing here leaves it IN_PROGRESS.
_RECORD_STATUS = {
    PROVISION: {
        "ROLLBACK_IN_PROGRESS": "IN_PROGRESS_IN_ERROR",
        "CREATE_COMPLETE": "SUCCEEDED",
        "CREATE_FAILED": "FAILED",
        "ROLLBACK_COMPLETE": "FAILED",
        "ROLLBACK_FAILED": "FAILED",
        "DELETE_COMPLETE": "FAILED",
        "DELETE_FAILED": "FAILED",
    },
    UPDATE: {
        "UPDATE_ROLLBACK_IN_PROGRESS": "IN_PROGRESS_IN_ERROR",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "IN_PROGRESS_IN_ERROR",
        "UPDATE_COMPLETE": "SUCCEEDED",
        "UPDATE_ROLLBACK_COMPLETE": "FAILED",
        "UPDATE_ROLLBACK_FAILED": "FAILED",
        "UPDATE_FAILED": "FAILED",
        "ROLLBACK_COMPLETE": "FAILED",
        "DELETE_COMPLETE": "FAILED",
        "DELETE_FAILED": "FAILED",
    },
    TERMINATE: {"DELETE_COMPLETE": "SUCCEEDED", "DELETE_FAILED": "FAILED"},
}
_GOES_ON_RUNNING = {"UPDATE_ROLLBACK_COMPLETE"}


def follow(catalogue: Catalogue, engine: Engine) -> bool:
    """Bring every open record up to date; whether anything changed."""
    changed = [_follow(catalogue, engine, record) for record in catalogue.records.values() if record.open]
    return any(changed)


def refuse(catalogue: Catalogue, record: Record, sentence: str) -> None:
    """CloudFormation would not even start: the record fails with its words."""
    text = f"{sentence} (Service: AmazonCloudFormation; Status Code: 400; Error Code: ValidationError)"
    record.errors = [{"Code": CLOUDFORMATION_ERROR, "Description": text}]
    kept = "ERROR" if record.type == PROVISION else record.kept_status
    _close(catalogue, record, "FAILED", kept, f"{CLOUDFORMATION_ERROR} {text}", record.updated)


def _follow(catalogue: Catalogue, engine: Engine, record: Record) -> bool:
    stack = engine.stack(record.stack_name)
    if not stack:
        _lost(catalogue, record)
        return True
    status = _RECORD_STATUS[record.type].get(stack.status, "IN_PROGRESS")
    if status == record.status:
        return False
    events = engine.events(stack.id)[record.operation_events :]
    updated = max((event.at for event in events), default=record.updated)
    if status in ("SUCCEEDED", "FAILED"):
        _settle(catalogue, record, status, stack, events, updated)
    else:
        record.status, record.updated = status, updated
    return True


def _settle(
    catalogue: Catalogue, record: Record, status: str, stack: Stack, events: Iterable[Event], updated: float
) -> None:
    if status == "SUCCEEDED":
        record.outputs = stack.outputs if record.type != TERMINATE else []
        _close(catalogue, record, status, "AVAILABLE", "", updated)
        return
    text = error_text(events)
    record.errors = [{"Code": CLOUDFORMATION_ERROR, "Description": text}]
    _close(catalogue, record, status, "TAINTED" if stack.status in _GOES_ON_RUNNING else "ERROR", text, updated)


def _lost(catalogue: Catalogue, record: Record) -> None:
    if record.type == TERMINATE:
        _close(catalogue, record, "SUCCEEDED", "", "", record.updated)
        return
    record.errors = [{"Code": CLOUDFORMATION_ERROR, "Description": STACK_GONE}]
    _close(catalogue, record, "FAILED", "ERROR", STACK_GONE, record.updated)


def _close(
    catalogue: Catalogue, record: Record, status: str, product_status: str, message: str, updated: float
) -> None:
    record.status, record.updated = status, updated
    product = catalogue.provisioned.get(record.provisioned_id)
    if not product:
        return
    if record.type == TERMINATE and (status == "SUCCEEDED" or record.ignore_errors):
        del catalogue.provisioned[product.id]
        return
    product.status, product.status_message = product_status, message
    if record.type != TERMINATE and status == "SUCCEEDED":
        _take_over(product, record)


def _take_over(product: Provisioned, record: Record) -> None:
    product.artifact_id, product.path_id = record.artifact_id, record.path_id
    product.product_id = record.product_id
    product.last_successful_record = record.id


def error_text(events: Iterable[Event]) -> str:
    """What went wrong in these events, newest first, worded as Service Catalog does (aws-facts §3.3)."""
    entries = (
        f"{{LogicalResourceId : {e.logical_id}, ResourceType : {e.resource_type}, StatusReason : {e.reason}}}"
        for e in reversed(list(events))
        if e.reason and (e.status.endswith("_FAILED") or _stack_rolls_back(e))
    )
    return f"Errors from CloudFormation: [{', '.join(entries)}]"


def _stack_rolls_back(event: Event) -> bool:
    return event.resource_type == "AWS::CloudFormation::Stack" and event.status.endswith("ROLLBACK_IN_PROGRESS")

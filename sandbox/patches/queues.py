"""A message put into a queue from inside the sandbox, as AWS's services do; the queue's policy was asked before."""
# ruff: noqa: SLF001 - MiniStack's private names

import time

from sandbox.patches.engine import ministack


def put(queue_arn: str, body: str) -> bool:
    """Append a message; False when there is no such queue."""
    sqs = ministack("services.sqs")
    queue = sqs._queue_by_arn(queue_arn)
    if queue is None:
        return False
    now = time.time()
    message = {
        "id": sqs.new_uuid(),
        "body": body,
        "message_attributes": {},
        "receipt_handle": None,
        "sent_at": now,
        "visible_at": now + sqs.queue_delay(queue),
        "receive_count": 0,
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
    return True

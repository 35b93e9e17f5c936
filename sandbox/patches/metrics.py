"""How old the oldest message of every queue is, as CloudWatch tells it; MiniStack measures no queue."""
# ruff: noqa: SLF001 - MiniStack's private names

import time

from sandbox.patches.engine import ministack, replace

NAME = "ApproximateAgeOfOldestMessage"
BEFORE = 60  # seconds: a point made now would lie after the end of the time that is asked about


def install() -> None:
    """Measure whenever metrics of the account are looked at."""
    cloudwatch = ministack("services.cloudwatch")
    clean = cloudwatch._evict_old_metrics

    def measure_and_clean() -> None:
        now = time.time()
        for queue in ministack("services.sqs")._queues.values():
            sent = [message["sent_at"] for message in queue["messages"]]
            dimensions = {"QueueName": queue["name"]}
            bucket = cloudwatch._metric_bucket(("AWS/SQS", NAME, cloudwatch._dims_key(dimensions)))
            age = now - min(sent) if sent else 0.0
            bucket.append({"Timestamp": now - BEFORE, "Value": age, "Unit": "Seconds", "Dimensions": dimensions})
        clean()

    replace(clean, measure_and_clean)

"""What lists and their search show of requests that were opened by an earlier release."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from approvals.asked.risk import gravest
from approvals.choices import ReadingStatus
from approvals.inbox.terms import refill
from approvals.models import LaunchRequest, TemplateReading

_BATCH = 500


class Command(BaseCommand):
    help = "Write the search terms and the risk of older requests anew; may run while the desk works, and again"

    def handle(self, *args: Any, **options: Any) -> None:
        changed, last = 0, LaunchRequest.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        while last:
            batch = list(
                LaunchRequest.objects.filter(pk__lte=last)
                .select_related("requester")
                .defer("template", "stack_facts", "policy_trace")
                .order_by("-pk")[:_BATCH]
            )
            changed += refill(batch)
            changed += _risks(batch)
            last = batch[-1].pk - 1 if batch else 0
        self.stdout.write(f"{changed} changes")


def _risks(batch: list[LaunchRequest]) -> int:
    unknown = [request.pk for request in batch if not request.risk]
    read = TemplateReading.objects.filter(request__in=unknown, status=ReadingStatus.READ)
    return sum(
        LaunchRequest.objects.filter(pk=pk, risk="").update(risk=risk)
        for pk, digest in read.values_list("request_id", "digest")
        if (risk := gravest(digest))
    )

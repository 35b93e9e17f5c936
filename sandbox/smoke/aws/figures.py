"""What the functions take in the sandbox, and how large the templates are.

Three measurements of each function, in milliseconds of this machine's clock:
*cold* from Invoke to the answer of a process that has to be started first (Python, the imports, the call itself),
*warm* the same call of a process that runs, both with nothing else going on and from outside over HTTP;
*stories* what the sandbox's log says of every invocation of the stories, all of which ran side by side: from when
the invocation is taken up, a wait for a free process included, to its end.
"""

import json
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

from lambdas.build import BUCKET_LIMIT, TEMPLATES
from lambdas.deploy import KINDS
from sandbox.problems import ProblemError
from sandbox.smoke.aws.places import Place

COLD, WARM = 3, 7  # calls of each kind
DURATION = re.compile(r"^REPORT .*\bDuration: (\d+) ms", re.MULTILINE)


def figures(places: list[Place], mail: Place, stack_id: str) -> str:
    """All of it as text; `stack_id` is a stack of `mail`, the one account with all three functions."""
    calls: dict[str, dict[str, Any]] = {
        "notify": {"id": "smoke", "detail": {"stack-id": stack_id}},
        "verify": {"self_test": True},
        "approve": {"rawPath": f"/d/{'A' * 43}", "requestContext": {"http": {"method": "GET"}}},
    }
    lines = [f"{'function':12}{'cold':>10}{'warm':>10}{'stories':>10}{'slowest':>10}{'count':>8}   medians in ms"]
    for name, event in calls.items():
        took = [ms for place in places for ms in durations(place, name)]
        cold, warm = measure(mail.clients("lambda"), f"gatehouse-{name}", event)
        lines.append(f"{name:12}{cold:10.0f}{warm:10.0f}{statistics.median(took):10.0f}{max(took):10.0f}{len(took):8}")
    return "\n".join([*lines, "", *sizes(), ""])


def durations(place: Place, name: str) -> list[int]:
    """What every invocation in this account took so far; none where there is no such function."""
    if f"{name.title()}Arn" not in place.outputs:
        return []
    pages = place.clients("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=f"/aws/lambda/gatehouse-{name}", filterPattern="REPORT")
    said = (event["message"] for page in found for event in page["events"])
    return [int(match[1]) for message in said if (match := DURATION.match(message))]


def measure(functions: Any, name: str, event: dict[str, Any]) -> tuple[float, float]:
    """Median of cold and of warm calls. Raises ProblemError when the function fails."""

    def call() -> None:
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
        if "FunctionError" in answer:
            raise ProblemError(f"{name} failed when it was measured.")

    cold = []
    for _ in range(COLD):
        memory = functions.get_function_configuration(FunctionName=name)["MemorySize"]
        # A change of the configuration ends the processes that run.
        functions.update_function_configuration(FunctionName=name, MemorySize=memory)
        cold.append(_timed(call))
    return statistics.median(cold), statistics.median(_timed(call) for _ in range(WARM))


def _timed(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def sizes() -> list[str]:
    """Each template's size beside what CloudFormation takes from a bucket."""
    return [
        f"lambdas/{name}.yaml  {size:9,} of {BUCKET_LIMIT:,} bytes ({size / BUCKET_LIMIT:.0%})"
        for name in TEMPLATES
        for size in [next(kind.template.stat().st_size for kind in KINDS.values() if kind.template.stem == name)]
    ]

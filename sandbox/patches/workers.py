"""Lambda workers: warm before they are needed, few at a time, ended with the sandbox at once.

MiniStack starts a worker process with the first invocation (half a second for boto3) and one more for every
invocation that finds the others busy: a hundred stacks at once would be a hundred processes. It also invokes the
targets of EventBridge once, where AWS tries again.
"""
# ruff: noqa: SLF001 - MiniStack's private names

import contextlib
import json
import threading
import time
from typing import Any

from sandbox.patches.engine import cloudformation, ministack, replace

LIMIT = 6  # workers of one function at a time
PATIENCE = 10  # seconds an invocation waits for one of them before it gets its own: it may be called by one of them


def install() -> None:
    """Warm functions that templates make, queue for workers, and retry what EventBridge invokes."""
    runtime, functions = ministack("core.lambda_runtime"), ministack("services.lambda_svc")
    handlers = cloudformation("provisioners")._RESOURCE_HANDLERS
    create, acquire = handlers["AWS::Lambda::Function"]["create"], runtime.acquire_worker

    def create_and_warm(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, properties, stack_name)
        _warm(functions._functions.get(made[0]) or {})
        return made

    def acquire_in_turn(name: str, config: dict[str, Any], code: bytes, qualifier: str = "$LATEST", *rest: Any) -> Any:
        key, deadline = runtime._worker_key(name, config, qualifier), time.monotonic() + PATIENCE
        while _busy(runtime, key) >= LIMIT and time.monotonic() < deadline:
            time.sleep(0.005)
        return acquire(name, config, code, qualifier, *rest)

    def dispatch(arn: str, payload: str) -> None:
        record, config, _ = functions._get_func_record_for_ref(arn)
        if record and config:
            execution = functions._execution_record_for_config(record, config)
            functions.invoke_async_with_retry(execution, json.loads(payload))

    handlers["AWS::Lambda::Function"] = {**handlers["AWS::Lambda::Function"], "create": create_and_warm}
    replace(acquire, acquire_in_turn)
    ministack("services.eventbridge")._dispatch_to_lambda = dispatch


def _busy(runtime: Any, key: str) -> int:
    with runtime._lock:
        return sum(worker.in_use for worker in runtime._workers.get(key, []))


def warm_all() -> None:
    """Start a worker for every function that was kept from the last run."""
    for record in ministack("services.lambda_svc")._functions.all_values():
        _warm(record)


def _warm(record: dict[str, Any]) -> None:
    config, code = record.get("config") or {}, record.get("code_zip")
    if not code or not str(config.get("Runtime", "")).startswith("python"):
        return
    runtime = ministack("core.lambda_runtime")

    def spawn() -> None:
        worker, _ = runtime.acquire_worker(config["FunctionName"], config, code, config.get("Version", "$LATEST"))
        try:
            runtime.ensure_spawned(worker)
        except Exception:  # noqa: BLE001 - a function that cannot start tells whoever invokes it
            worker._proc = None
        finally:
            runtime.release_worker(worker)

    threading.Thread(target=spawn, daemon=True, name="warm-up").start()


def kill() -> None:
    """Kill every worker process and collect it."""
    runtime = ministack("core.lambda_runtime")
    with runtime._lock:
        processes = [worker._proc for pool in runtime._workers.values() for worker in pool if worker._proc]
    for process in processes:
        with contextlib.suppress(OSError):
            process.kill()
    for process in processes:
        with contextlib.suppress(OSError):
            process.wait(timeout=1)

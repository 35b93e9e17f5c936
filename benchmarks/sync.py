"""A sync of a large catalogue from the sandbox, and a second one with nothing changed: calls, seconds, memory.

    python -m benchmarks.sync [--products 350] [--versions 20] [--portfolios 10]

The catalogue is put into the sandbox's store before it starts, as its API would have left it; templates are put
into its S3, each with its own content. Each sync is a process of its own, so its peak memory is its own, too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.servicecatalog.entities import Artifact, Constraint, Portfolio, Product, new_id
from tests.support import run

ROOT = Path(__file__).resolve().parents[1]
BUCKET = "templates"
ACCOUNT = "100000000000"


def main() -> None:
    given = argparse.ArgumentParser(description="Measures a sync of the catalogue from the sandbox.")
    given.add_argument("--products", type=int, default=350)
    given.add_argument("--versions", type=int, default=20)
    given.add_argument("--portfolios", type=int, default=10)
    given.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = given.parse_args()
    if chosen.child:
        _measured()
        return
    folder = run.begin()
    try:
        _compare(folder, chosen)
    finally:
        run.end(folder)


def _compare(folder: Path, chosen: argparse.Namespace) -> None:
    document, names = _catalogue(chosen.products, chosen.versions, chosen.portfolios)
    (folder / "sandbox").mkdir()
    (folder / "sandbox" / f"servicecatalog-{ACCOUNT}-us-east-1.json").write_text(json.dumps(document))
    os.environ["AWS_ACCESS_KEY_ID"] = ACCOUNT
    print(f"filling a sandbox: {chosen.products} products with {chosen.versions} versions each", file=sys.stderr)
    _upload(run.sandbox_url(), names)
    import django

    django.setup()
    server = run.postgres()
    run.clone("benchmark")
    environment = os.environ | {"DATABASE_URL": server.app_url("benchmark")}
    print(f"{'':<8}{'calls':>8}{'seconds':>9}{'peak MiB':>10}{'before':>8}  read")
    for name in ("first", "second"):
        told = _child(environment)
        print(
            f"{name:<8}{told['calls']:>8}{told['seconds']:>9.1f}{told['peak']:>10.0f}{told['before']:>8.0f}  "
            + ", ".join(f"{number} {what}" for what, number in told["counts"].items())
        )


def _catalogue(products: int, versions: int, portfolios: int) -> tuple[dict[str, Any], list[str]]:
    """The store's document and the keys of the templates."""
    made, shelves, constraints, names = [], [], [], []
    for number in range(products):
        product = Product(new_id("prod"), f"Product {number:03}", "Team", "A product to measure with")
        for version in range(versions):
            key = f"{number:03}/{version:02}.yaml"
            names.append(key)
            product.artifacts.append(Artifact(new_id("pa"), f"v{version + 1}", "", "", f"s3://{BUCKET}/{key}"))
        made.append(product)
    for number in range(portfolios):
        portfolio = Portfolio(new_id("port"), f"Portfolio {number}", "Cloud")
        portfolio.products = [product.id for product in made[number::portfolios]]
        shelves.append(portfolio)
        for inside in portfolio.products:
            role = json.dumps({"LocalRoleName": "Launch"})
            constraints.append(Constraint(new_id("cons"), "LAUNCH", portfolio.id, inside, role, ACCOUNT))
    document = {
        kind: {one.id: asdict(one) for one in rows}
        for kind, rows in (("products", made), ("portfolios", shelves), ("constraints", constraints))
    }
    return document, names


def _upload(url: str, names: list[str]) -> None:
    import boto3
    from botocore.config import Config

    s3 = boto3.client("s3", endpoint_url=url, config=Config(max_pool_connections=8))
    s3.create_bucket(Bucket=BUCKET)
    sample = (ROOT / "lambdas" / "samples" / "wordpress.yaml").read_text()

    def put(name: str) -> None:
        s3.put_object(Bucket=BUCKET, Key=name, Body=f"# {name}\n{sample}".encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, names))


def _child(environment: dict[str, str]) -> dict[str, Any]:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.sync", "--child"],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    answer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return answer


def _measured() -> None:
    """One sync, in slices as the worker does them; prints one line of JSON."""
    import django

    django.setup()
    from catalog import places, sync
    from catalog.models import Place, SyncRun
    from portal import clock

    places.ensure(clock.now())
    Place.objects.update(next_at=clock.now())
    before, began = _peak(), time.monotonic()
    while not (SyncRun.objects.exists() and not SyncRun.objects.filter(finished_at=None).exists()) or _is_due():
        sync.tick(50)
    last = SyncRun.objects.latest("pk")
    if last.result != "done" or last.error:
        raise SystemExit(f"The sync ended as {last.result}: {last.error}")
    told = {"calls": last.calls, "seconds": time.monotonic() - began, "counts": last.counts}
    print(json.dumps(told | {"peak": _peak(), "before": before}))


def _is_due() -> bool:
    from catalog.models import Place
    from portal import clock

    return Place.objects.filter(next_at__lte=clock.now()).exists()


def _peak() -> float:
    """MiB of this process that were in memory at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

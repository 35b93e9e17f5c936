"""What Service Catalog keeps when the sandbox stops."""

from __future__ import annotations

from pathlib import Path

from sandbox.process import SandboxProcess
from tests.sandbox.servicecatalog_support import Place, template


def test_catalogue_and_records_survive_and_a_waiting_launch_is_settled(tmp_path: Path) -> None:
    process = SandboxProcess(state=tmp_path / "state").start()
    try:
        place = Place(process.url)
        product, artifact = place.product(document=template(waits=True))
        done, waiting = place.launch(product, artifact, "done"), place.launch(product, artifact, "waiting")
        place.signal(done, "SUCCESS")
        place.ended(done)
    finally:
        process.stop()
    process = SandboxProcess(state=tmp_path / "state").start()
    try:
        after = Place(process.url, place.account)
        assert after.catalogue.search_products()["ProductViewSummaries"][0]["ProductId"] == product
        info = after.catalogue.describe_provisioning_artifact(ProductId=product, ProvisioningArtifactId=artifact)
        assert info["Info"]["TemplateUrl"].startswith(process.url)
        assert after.status("done") == "AVAILABLE"
        ended = after.ended(waiting)
        assert ended["Status"] == "FAILED"
        assert "sandbox stopped" in ended["RecordErrors"][0]["Description"]
        assert after.status("waiting") == "ERROR"
        again = after.launch(product, artifact, "again")
        after.signal(again, "SUCCESS")
        assert after.ended(again)["Status"] == "SUCCEEDED"
    finally:
        process.stop()

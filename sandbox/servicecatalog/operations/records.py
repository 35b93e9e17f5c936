"""Records: what was asked for and how it went."""

from collections.abc import Callable
from typing import Any

from sandbox.servicecatalog import views
from sandbox.servicecatalog.entities import Record
from sandbox.servicecatalog.errors import InvalidParametersError
from sandbox.servicecatalog.operations import Call, operation
from sandbox.servicecatalog.operations.access import visible
from sandbox.servicecatalog.paging import page

_FILTERS: dict[str, Callable[[Record], tuple[str, ...]]] = {
    "product": lambda record: (record.product_id,),
    "provisionedproduct": lambda record: (record.provisioned_id, record.provisioned_name),
}


@operation
def describe_record(call: Call) -> dict[str, Any]:
    record = call.catalogue.record(call.text("Id"))
    return {"RecordDetail": views.record_detail(record), **page(call, "RecordOutputs", record.outputs)}


@operation
def list_record_history(call: Call) -> dict[str, Any]:
    """Newest first."""
    found = visible(call, call.catalogue.records.values(), "User")
    search = call.params.get("SearchFilter", {})
    if search:
        if search.get("Key") not in _FILTERS:
            raise InvalidParametersError("SearchFilter takes the keys product and provisionedproduct.")
        found = [record for record in found if search.get("Value") in _FILTERS[search["Key"]](record)]
    return page(call, "RecordDetails", [views.record_detail(record) for record in reversed(found)])

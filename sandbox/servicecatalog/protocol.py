"""JSON 1.1 as botocore models it: a request that leaves `parse` satisfies AWS's own input shape.

Required members, types and minima are checked by botocore; enums, patterns and maxima, which botocore leaves
to the server, here. Members the model does not know are ignored, as AWS does.
"""

import json
import re
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from sandbox.servicecatalog.errors import (
    CatalogueError,
    InvalidParametersError,
    SerializationError,
    UnknownOperationError,
)

Document = dict[str, Any]
CONTENT_TYPE = "application/x-amz-json-1.1"


@cache
def model() -> ServiceModel:
    """Service Catalog's model, version 2015-12-10, as shipped with botocore."""
    return ServiceModel(Loader().load_service_model("servicecatalog", "service-2"))


def operation(target: str) -> OperationModel:
    """The operation an `X-Amz-Target` header names."""
    name = target.rpartition(".")[2]
    if name not in model().operation_names:
        raise UnknownOperationError(f"The operation {name} is not one of AWS Service Catalog.")
    return model().operation_model(name)


def parse(called: OperationModel, body: bytes) -> Document:
    """The request's members, valid against the model; raises InvalidParametersException."""
    try:
        sent = json.loads(body or b"{}")
    except ValueError as error:
        raise SerializationError("The request body is not JSON.") from error
    if not isinstance(sent, dict):
        raise SerializationError("The request body is not a JSON object.")
    return check(called, sent)


def check(called: OperationModel, sent: Document) -> Document:
    """The members the model knows, if they satisfy it; raises InvalidParametersException."""
    shape = called.input_shape
    if shape is None:
        return {}
    known: Document = _known(sent, shape)
    report = ParamValidator().validate(known, shape)
    problems = [report.generate_report()] if report.has_errors() else list(_problems(known, shape, ""))
    if problems:
        raise InvalidParametersError("; ".join(problems))
    return known


def answer(document: Document) -> tuple[int, dict[str, str], bytes]:
    """A successful response. Timestamps are epoch seconds already."""
    return 200, _headers(), json.dumps(document).encode()


def refuse(error: CatalogueError) -> tuple[int, dict[str, str], bytes]:
    """An error response as AWS words it for JSON 1.1."""
    body = json.dumps({"__type": error.code, "Message": str(error)}).encode()
    return 400, {**_headers(), "x-amzn-errortype": error.code}, body


def _headers() -> dict[str, str]:
    return {"content-type": CONTENT_TYPE, "x-amzn-requestid": str(uuid.uuid4())}


def _known(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = shape.members
        return {k: _known(v, members[k]) for k, v in value.items() if k in members and v is not None}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_known(item, shape.member) for item in value]
    return value


def _problems(value: Any, shape: Shape, path: str) -> Iterator[str]:
    yield from _scalar_problems(value, shape, path)
    if isinstance(shape, StructureShape):
        for name, item in value.items():
            yield from _problems(item, shape.members[name], f"{path}.{name}" if path else name)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, 1):
            yield from _problems(item, shape.member, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _problems(key, shape.key, f"{path}.{key}")
            yield from _problems(item, shape.value, f"{path}.{key}")


def _scalar_problems(value: Any, shape: Shape, path: str) -> Iterator[str]:
    rules = shape.metadata
    size = value if shape.type_name == "integer" else len(value) if isinstance(value, str | list | dict) else 0
    failed = f"Value at '{path}' failed to satisfy constraint: Member must"
    if "max" in rules and size > rules["max"]:
        yield f"{failed} have length or value less than or equal to {rules['max']}"
    if not isinstance(value, str):
        return
    if rules.get("enum") and value not in rules["enum"]:
        yield f"{failed} satisfy enum value set: [{', '.join(rules['enum'])}]"
    if rules.get("pattern") and not _pattern(rules["pattern"]).fullmatch(value):
        yield f"{failed} satisfy regular expression pattern: {rules['pattern']}"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """AWS writes Java's classes for letters, separators and digits; Python has `\\w` and `\\s`."""
    return re.compile(pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s"))

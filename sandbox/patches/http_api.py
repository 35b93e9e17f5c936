"""HTTP APIs (API Gateway v2) in front of functions, on the sandbox's own origin: `<origin>/_gatehouse/api/<id>/…`.

MiniStack's endpoint is a name under `localhost` that not every machine resolves, finds an API only in the account of
the caller's credentials (a browser has none), invokes the function whatever its policy says, and leaves `cookies`,
`domainPrefix` and the caller's address out of the event (payload 2.0, aws-facts §5).
"""
# ruff: noqa: SLF001 - MiniStack's private names

import base64
import json
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from sandbox.asgi import Receive, Scope, Send, header_map, read_body, send_answer
from sandbox.patches import policies
from sandbox.patches.engine import cloudformation, ministack

PREFIX = "/_gatehouse/api/"
STAGE = "$default"
LARGEST = 10 * 1024 * 1024
Answer = tuple[int, list[tuple[str, str]], bytes]


def install(origin: str) -> None:
    """Give every API of a template an address on this origin."""
    handlers = cloudformation("provisioners")._RESOURCE_HANDLERS
    kind = "AWS::ApiGatewayV2::Api"
    handlers[kind] = {**handlers[kind], "create": _on(origin, handlers[kind]["create"])}


def _on(origin: str, create: Callable[..., Any]) -> Callable[..., Any]:
    def created(*args: Any) -> Any:
        api_id, attributes = create(*args)
        endpoint = f"{origin}{PREFIX}{api_id}"
        ministack("services.apigateway")._apis[api_id]["apiEndpoint"] = endpoint
        return api_id, {**attributes, "ApiEndpoint": endpoint}

    return created


async def handle(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request to an API of any account."""
    body, head = await read_body(receive), scope["method"] == "HEAD"
    try:
        status, headers, content = await _answer(scope, body)
    except Exception:  # noqa: BLE001 - what a function does wrong is a 500 to the caller, as on AWS
        status, headers, content = _message(500, "Internal Server Error")
    headers.append(("apigw-requestid", base64.b64encode(secrets.token_bytes(11)).decode()))
    await send_answer(send, status, headers, b"" if head else content)


async def _answer(scope: Scope, body: bytes) -> Answer:
    apis = ministack("services.apigateway")
    raw = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
    api_id, _, rest = raw.removeprefix(PREFIX).partition("/")
    path = "/" + apis.decode_http_api_path(rest)
    account, region = next(((a, r) for (a, r, i), _ in apis._apis.all_items() if i == api_id), ("", ""))
    if not account:
        return _message(404, "Not Found")
    if len(body) > LARGEST:
        return _message(413, "Request Entity Too Large")
    with ministack("core.responses").request_scope(account, region):
        route = apis._match_route(api_id, scope["method"], path) if STAGE in apis.stages_for_api(api_id) else None
        if not route:
            return _message(404, "Not Found")
        integration = apis._integrations[api_id][route["target"].removeprefix("integrations/")]
        event = _event(scope, body, (account, region, api_id), route["routeKey"], path)
        return await _invoke(integration["integrationUri"], event, f"arn:aws:execute-api:{region}:{account}:{api_id}")


async def _invoke(uri: str, event: dict[str, Any], api_arn: str) -> Answer:
    functions, apis = ministack("services.lambda_svc"), ministack("services.apigateway")
    arn = apis._extract_lambda_ref_from_integration_uri(uri)
    record, configuration, _ = functions._get_func_record_for_ref(arn)
    route = event["routeKey"].replace(" ", "", 1)
    source = f"{api_arn}/{STAGE}/{route}"
    if not record or not policies.function_lets(record, "apigateway.amazonaws.com", source):
        return _message(500, "Internal Server Error")
    execution = functions._execution_record_for_config(record, configuration)
    result = await ministack("core.concurrency").run_reentrant(functions._execute_function, execution, event)
    if result.get("throttle"):
        return _message(503, "Service Unavailable")
    if result.get("error"):
        return _message(500, "Internal Server Error")
    return _response(result.get("body"))


def _event(scope: Scope, body: bytes, owner: tuple[str, str, str], route_key: str, path: str) -> dict[str, Any]:
    """The event of payload format 2.0."""
    account, region, api_id = owner
    headers, address = header_map(scope), (scope.get("client") or ("127.0.0.1",))[0]
    cookies, query = headers.pop("cookie", ""), scope["query_string"].decode("latin-1")
    text = ministack("services.apigateway")._v2_request_body_is_text(headers.get("content-type"))
    parameters = ministack("services.apigateway")._extract_path_params(route_key.partition(" ")[2] or path, path)
    now = time.time()
    optional = {
        "cookies": cookies.split("; ") if cookies else None,
        "queryStringParameters": {k: ",".join(v) for k, v in parse_qs(query, keep_blank_values=True).items()} or None,
        "pathParameters": parameters or None,
        "body": (body.decode(errors="replace") if text else base64.b64encode(body).decode()) if body else None,
    }
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            **headers,
            "content-length": str(len(body)),
            "x-amzn-trace-id": f"Root=1-{int(now):08x}-{secrets.token_hex(12)}",
            "x-forwarded-for": address,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": account,
            "apiId": api_id,
            "domainName": f"{api_id}.execute-api.{region}.amazonaws.com",
            "domainPrefix": api_id,
            "http": {
                "method": scope["method"],
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": address,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": base64.b64encode(secrets.token_bytes(11)).decode(),
            "routeKey": route_key,
            "stage": STAGE,
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": bool(body) and not text,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _response(said: Any) -> Answer:
    """What a function's result becomes; one without statusCode is the body of a 200."""
    if not isinstance(said, dict) or "statusCode" not in said:
        text = said if isinstance(said, str) else json.dumps(said)
        return 200, [("content-type", "application/json")], text.encode()
    headers = {name.lower(): str(value) for name, value in (said.get("headers") or {}).items()}
    headers.setdefault("content-type", "text/plain; charset=utf-8")
    body = str(said.get("body") or "").encode()
    content = base64.b64decode(body) if said.get("isBase64Encoded") else body
    return int(said["statusCode"]), [*headers.items(), *(("set-cookie", c) for c in said.get("cookies") or [])], content


def _message(status: int, text: str) -> Answer:
    return status, [("content-type", "application/json")], json.dumps({"message": text}).encode()

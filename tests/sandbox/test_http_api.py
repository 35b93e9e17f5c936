"""An HTTP API of a template, called by a browser on the sandbox's own address (aws-facts §5)."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.accounts import Account, new_account

CODE = """
import json
def handler(event, context):
    if event["rawPath"] == "/d/broken":
        raise RuntimeError("broken")
    if event["rawPath"] == "/d/bare":
        return {"bare": True}
    headers = {"X-Frame-Options": "DENY", "content-type": "text/html; charset=utf-8"}
    return {"statusCode": 201, "headers": headers, "cookies": ["a=1", "b=2"], "body": json.dumps(event)}
"""


def template(source: str = "*/*/d/*") -> dict[str, Any]:
    """An API with three routes to a function; `source` is what the function's permission is for."""

    def kind(name: str, **properties: Any) -> dict[str, Any]:
        return {"Type": f"AWS::{name}", "Properties": properties}

    api, function = {"Ref": "Api"}, {"Fn::GetAtt": ["Function", "Arn"]}
    target = {"Fn::Sub": "integrations/${Integration}"}
    routes = {
        f"Route{method}": kind("ApiGatewayV2::Route", ApiId=api, RouteKey=f"{method} /d/{{link}}", Target=target)
        for method in ("GET", "HEAD", "POST")
    }
    uri = {"Fn::Sub": f"arn:aws:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/{source}"}
    throttling = {"ThrottlingBurstLimit": 20, "ThrottlingRateLimit": 10}
    return {
        "Resources": {
            "Role": kind("IAM::Role", AssumeRolePolicyDocument={"Statement": []}),
            "Function": kind(
                "Lambda::Function",
                Runtime="python3.13",
                Handler="index.handler",
                Code={"ZipFile": CODE},
                Role={"Fn::GetAtt": ["Role", "Arn"]},
            ),
            "Api": kind("ApiGatewayV2::Api", Name="gatehouse", ProtocolType="HTTP"),
            "Integration": kind(
                "ApiGatewayV2::Integration",
                ApiId=api,
                IntegrationType="AWS_PROXY",
                IntegrationUri=function,
                PayloadFormatVersion="2.0",
            ),
            "Stage": kind(
                "ApiGatewayV2::Stage",
                ApiId=api,
                StageName="$default",
                AutoDeploy=True,
                DefaultRouteSettings=throttling,
            ),
            "Permission": kind(
                "Lambda::Permission",
                FunctionName={"Ref": "Function"},
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=uri,
            ),
            **routes,
        },
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}}},
    }


@pytest.fixture(scope="module")
def account(sandbox: str) -> Account:
    return Account(sandbox, new_account(), "eu-west-1")


@pytest.fixture(scope="module")
def url(account: Account) -> str:
    return account.deploy("api", template())["Url"]


def call(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    """(status, headers, body); no credentials, nothing followed or normalised."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(method, url.split(parts.netloc, 1)[1], body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_address_is_on_the_sandbox_itself(url: str, sandbox: str) -> None:
    assert url.startswith(f"{sandbox}/")


def test_function_sees_the_request_as_from_api_gateway(url: str, account: Account) -> None:
    status, headers, body = call(f"{url}/d/abc?a=1&a=2&b=", Cookie="x=1; y=2", Accept="text/html")
    event = json.loads(body)
    assert status == 201
    assert headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "GET /d/{link}", "/d/abc")
    assert event["rawQueryString"] == "a=1&a=2&b="
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert event["pathParameters"] == {"link": "abc"}
    assert event["cookies"] == ["x=1", "y=2"]
    assert event["headers"]["accept"] == "text/html"
    assert "cookie" not in event["headers"]
    assert ("body" in event, event["isBase64Encoded"]) == (False, False)
    context = event["requestContext"]
    assert (context["accountId"], context["stage"]) == (account.number, "$default")
    assert context["domainName"] == f"{context['apiId']}.execute-api.eu-west-1.amazonaws.com"
    assert context["http"]["method"] == "GET"
    assert context["http"]["sourceIp"] == "127.0.0.1"


def test_form_arrives_in_base64_and_json_as_text(url: str) -> None:
    form = "code=AB-CD&name=Zoë".encode()
    _, _, body = call(f"{url}/d/abc", "POST", form, **{"Content-Type": "application/x-www-form-urlencoded"})
    event = json.loads(body)
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == form
    _, _, body = call(f"{url}/d/abc", "POST", b"{}", **{"Content-Type": "application/json"})
    assert (json.loads(body)["body"], json.loads(body)["isBase64Encoded"]) == ("{}", False)


def test_head_is_invoked_and_answers_without_a_body(url: str) -> None:
    status, _, body = call(f"{url}/d/abc", "HEAD")
    assert (status, body) == (201, b"")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/d/abc"), ("GET", "/"), ("GET", "/d/a/b")])
def test_what_no_route_matches_is_not_found(url: str, method: str, path: str) -> None:
    status, _, body = call(f"{url}{path}", method)
    assert (status, json.loads(body)) == (404, {"message": "Not Found"})


def test_api_that_does_not_exist_is_not_found(sandbox: str) -> None:
    assert call(f"{sandbox}/_gatehouse/api/00000000/d/abc")[0] == 404


def test_result_without_status_is_the_body(url: str) -> None:
    status, headers, body = call(f"{url}/d/bare")
    assert (status, headers["content-type"], json.loads(body)) == (200, "application/json", {"bare": True})


def test_function_that_raises_shows_nothing_of_its_error(url: str) -> None:
    status, _, body = call(f"{url}/d/broken")
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


def test_function_that_allows_another_path_only_is_not_invoked(account: Account) -> None:
    other = account.deploy("other", template("*/*/elsewhere"))["Url"]
    assert call(f"{other}/d/abc")[0] == 500

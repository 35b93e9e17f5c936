"""What the gate is made of: its version, its tokens, the requester's address, the receipt."""

from __future__ import annotations

import json
import re

import pytest

from catalog.gating import BadOption, Options, Verdict, gate, inspect, ungate
from lambdas.notify.template import Template, tree_of
from tests.support.gating import BUCKET, added, gated, outcome, refused, tree, version

PARAMETERS = """\
Parameters:
  Size:
    Type: Number
    Default: 1
  Password:
    Type: String
    NoEcho: true
  Hidden: {Type: String, NoEcho: 'true'}
  Subnets:
    Type: List<AWS::EC2::Subnet::Id>
"""


def properties(text: str, part: str) -> dict[str, object]:
    found: dict[str, object] = tree(text)["Resources"][f"Approval{part}{version(text)}"]["Properties"]
    return found


def test_the_gate_is_the_one_of_the_design() -> None:
    after = gated(PARAMETERS + BUCKET)
    v, resources = version(after), tree(after)["Resources"]
    assert resources.pop(f"ApprovalHandle{v}")["Type"] == "AWS::CloudFormation::WaitConditionHandle"
    assert resources == {
        f"ApprovalRequest{v}": {
            "Type": "Custom::NotificationFunction",
            "Properties": {
                "ServiceToken": {
                    "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-notify"
                },
                "ServiceTimeout": 3600,
                "GateUpdates": "yes",
                "Region": {"Ref": "AWS::Region"},
                "WaitUrl": {"Ref": f"ApprovalHandle{v}"},
                "EmailID": {"Ref": "UserEmail"},
                "Timeout": 42600,
                "Parameters": {name: {"Ref": name} for name in ("UserEmail", "Size", "Subnets")},
            },
        },
        f"ApprovalWait{v}": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": f"ApprovalRequest{v}",
            "Properties": {"Handle": {"Ref": f"ApprovalHandle{v}"}, "Timeout": 42600},
        },
        f"ApprovalReceipt{v}": {
            "Type": "Custom::ApprovalReceipt",
            "Properties": {
                "ServiceToken": {
                    "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-verify"
                },
                "ServiceTimeout": 300,
                "Data": {"Fn::GetAtt": f"ApprovalWait{v}.Data"},
                "Fingerprint": {"Fn::GetAtt": f"ApprovalRequest{v}.Fingerprint"},
                "Receipt": {"Fn::GetAtt": f"ApprovalRequest{v}.Receipt"},
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": f"ApprovalReceipt{v}"},
    }
    assert tree(after)["Outputs"]["ApprovalReceipt"]["Value"] == {"Fn::GetAtt": f"ApprovalReceipt{v}.Receipt"}


def test_the_classic_gate_has_three_resources() -> None:
    after = gated(PARAMETERS + BUCKET, classic=True)
    v = version(after)
    assert {name for name in tree(after)["Resources"] if name != "Bucket"} == {
        f"ApprovalHandle{v}",
        f"ApprovalRequest{v}",
        f"ApprovalWait{v}",
    }
    assert set(properties(after, "Request")) == {
        "ServiceToken",
        "ServiceTimeout",
        "Region",
        "WaitUrl",
        "EmailID",
        "Timeout",
    }
    assert "Outputs" not in tree(after)


def test_updates_that_ask_nobody_do_not_keep_cloudformation_waiting() -> None:
    asked = properties(gated(BUCKET, gate_updates=False), "Request")
    assert (asked["GateUpdates"], asked["ServiceTimeout"]) == ("no", 300)


@pytest.mark.parametrize("text", [BUCKET, json.dumps(tree(BUCKET)), json.dumps(tree(BUCKET), indent=2)])
def test_notify_reads_the_gate(text: str) -> None:
    after = gated(PARAMETERS + text if text == BUCKET else text)
    v = version(after)
    seen = tree_of(json.loads(after) if after.startswith("{") else after)
    template = Template("", "", seen["Resources"], {}, {}, cut=False)
    assert template.kind(f"ApprovalRequest{v}") == "Custom::NotificationFunction"
    assert template.written(f"ApprovalRequest{v}", "WaitUrl") == {"Ref": f"ApprovalHandle{v}"}
    assert template.written(f"ApprovalWait{v}", "Handle") == {"Ref": f"ApprovalHandle{v}"}
    assert template.value(f"ApprovalWait{v}", "Timeout") == "42600"
    assert template.value(f"ApprovalRequest{v}", "GateUpdates") == "yes"
    assert json.dumps(template.written(f"ApprovalRequest{v}", "Parameters")).count("Ref") >= 1


def test_the_version_is_that_of_the_template_and_of_the_gate() -> None:
    v = version(gated(BUCKET))
    assert re.fullmatch("[0-9a-f]{10}", v)
    assert version(gated(BUCKET.replace("\n", "\r\n"))) == v
    assert version(gated(b"\xef\xbb\xbf" + BUCKET.encode())) == v
    others = [
        version(gated(BUCKET + "# changed\n")),
        version(gated(BUCKET, timeout=600)),
        version(gated(BUCKET, gate_updates=False)),
        version(gated(BUCKET, service_token="import:notify")),
        version(gated(BUCKET, classic=True)),
    ]
    assert len({v, *others}) == 6


def test_a_changed_template_is_stale_until_it_is_gated_again() -> None:
    before = gated(BUCKET)
    changed = before.replace("AWS::S3::Bucket", "AWS::SNS::Topic")
    assert inspect(changed.encode()).is_stale
    after = outcome(changed)
    assert after.verdict is Verdict.GATED
    assert after.output == gated(BUCKET.replace("AWS::S3::Bucket", "AWS::SNS::Topic")).encode()
    assert ungate(changed.encode()) == (BUCKET.replace("AWS::S3::Bucket", "AWS::SNS::Topic").encode(), False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Timeout: 42600", "Timeout: 60"),
        ("function:gatehouse-notify", "function:mine"),
        ("function:gatehouse-verify", "function:mine"),
        ("MaxLength: 254", "MaxLength: 3"),
        ("GateUpdates: 'yes'", "GateUpdates: 'no'"),
    ],
)
def test_a_gate_altered_by_hand_is_stale(old: str, new: str) -> None:
    before = gated(BUCKET)
    assert old in before
    altered = before.replace(old, new).encode()
    assert inspect(altered).is_stale
    assert gate(altered).output == before.encode()


def test_a_new_resource_beside_the_gate_is_found_and_gated() -> None:
    text = gated(BUCKET).replace("  Bucket:\n", "  New:\n    Type: AWS::SNS::Topic\n  Bucket:\n")
    assert [leak.logical_id for leak in inspect(text.encode()).leaks] == ["New"]
    after = outcome(text).output
    assert after is not None
    assert inspect(after).is_gated


def test_other_options_write_another_gate_over_the_first() -> None:
    first = gated(BUCKET)
    assert gate(first.encode(), Options(timeout=60)).output == gated(BUCKET, timeout=60).encode()


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("arn:aws-cn:lambda:cn-north-1:111122223333:function:x:live",) * 2,
        ("arn:aws:sns:us-east-1:111122223333:topic",) * 2,
        ("import:desk:notify-arn", {"Fn::ImportValue": "desk:notify-arn"}),
        (
            '{"Fn::ImportValue": {"Fn::Sub": "${AWS::Region}-notify"}}',
            {"Fn::ImportValue": {"Fn::Sub": "${AWS::Region}-notify"}},
        ),
        ('{"Ref": "Pinned"}', {"Ref": "Pinned"}),
        ('{"Fn::GetAtt": "Function.Arn"}', {"Fn::GetAtt": "Function.Arn"}),
    ],
)
@pytest.mark.parametrize("is_json", [False, True])
def test_tokens(token: str, value: object, is_json: bool) -> None:
    text = (
        "Parameters:\n  Pinned:\n    Type: String\n    AllowedValues: ['arn:aws:lambda:…:function:a']\n"
        "Resources:\n  Function:\n    Type: AWS::Lambda::Function\n    Properties:\n      Role: !GetAtt Role.Arn\n"
        "  Role:\n    Type: AWS::IAM::Role\n  Bucket:\n    Type: AWS::S3::Bucket\n"
    )
    after = gated(json.dumps(tree(text)) if is_json else text, service_token=token)
    found = properties(after, "Request")["ServiceToken"]
    assert found == (
        value if value != {"Fn::GetAtt": "Function.Arn"} or not is_json else {"Fn::GetAtt": ["Function", "Arn"]}
    )
    needed = inspect(after.encode()).needed_by_gate
    assert needed == (["Function", "Role"] if "GetAtt" in token else [])


def test_tokens_by_region_become_a_mapping() -> None:
    arns = {region: f"arn:aws:lambda:{region}:111122223333:function:x" for region in ("eu-west-1", "us-east-1")}
    given = ", ".join(f"{region}={arn}" for region, arn in arns.items())
    for text in (BUCKET, "Mappings:\n  GatehouseRegions:\n    a:\n      b: c\n" + BUCKET, json.dumps(tree(BUCKET))):
        after = gated(text, service_token=given, verify_token=given)
        name = "GatehouseRegions2" if "Mappings" in text else "GatehouseRegions"
        assert tree(after)["Mappings"][name] == {region: {"Notify": arn, "Verify": arn} for region, arn in arns.items()}
        looked_up = {"Fn::FindInMap": [name, {"Ref": "AWS::Region"}, "Verify"]}
        assert properties(after, "Receipt")["ServiceToken"] == looked_up


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "arn:aws:iam::111122223333:role/x",
        "import:",
        "import:a b",
        "eu-west-1=arn:aws:lambda:us-east-1:111122223333:function:x",
        "there=arn:aws:lambda:us-east-1:111122223333:function:x",
        "{",
        '{"Fn::If": ["A", "b", "c"]}',
        '{"Fn::Join": ["", [{"Fn::If": ["A", "b", "c"]}]]}',
        '{"Ref": "A", "Fn::Sub": "b"}',
        '["Ref"]',
        "",
    ],
)
def test_a_token_nobody_can_follow_is_refused(token: str) -> None:
    with pytest.raises(BadOption):
        Options(service_token=token)


@pytest.mark.parametrize(
    ("token", "what"),
    [
        ('{"Ref": "Typed"}', "takes the parameter Typed"),
        ('{"Fn::Sub": "arn:aws:lambda:us-east-1:${Typed}:function:x"}', "takes the parameter Typed"),
        ('{"Ref": "Stored"}', "takes the parameter Stored"),
        ('{"Ref": "Nothing"}', "refers to Nothing"),
        ('{"Fn::GetAtt": ["Maybe", "Arn"]}', "which has a Condition"),
        ('{"Fn::GetAtt": ["Uses", "Arn"]}', "which has a Condition"),
    ],
)
def test_a_token_the_requester_could_change_is_refused(token: str, what: str) -> None:
    text = (
        "Parameters:\n  Typed: {Type: String, Default: 'arn:x'}\n"
        "  Stored: {Type: 'AWS::SSM::Parameter::Value<String>', AllowedValues: [/a]}\n"
        "Conditions: {IsOn: !Equals [a, b]}\n"
        "Resources:\n  Maybe: {Type: AWS::Lambda::Function, Condition: IsOn}\n"
        "  Uses: {Type: AWS::Lambda::Function, Properties: {Role: !GetAtt Maybe.Arn}}\n"
    )
    assert what in refused(text, service_token=token)


@pytest.mark.parametrize("timeout", [0, 9, 43201, -1])
def test_a_timeout_cloudformation_does_not_take_is_refused(timeout: int) -> None:
    with pytest.raises(BadOption):
        Options(timeout=timeout)


@pytest.mark.parametrize(
    ("parameters", "email"),
    [
        ("  UserEmail: {Type: String}\n", "UserEmail"),
        ("  OWNEREMAIL: {Type: String}\n", "OWNEREMAIL"),
        ("  Email: {Type: String}\n  RequesterEmail: {Type: String}\n", "Email"),
        (
            "  AdminEmail: {Type: String}\n  NotificationEmail: {Type: String}\n  AlarmEmail: {Type: String}\n",
            "UserEmail",
        ),
        ("  UserEmail: {Type: String, NoEcho: true}\n", "UserEmail2"),
        ("  UserEmail: {Type: CommaDelimitedList}\n  UserEmail2: {Type: Number}\n", "UserEmail3"),
    ],
)
def test_the_requesters_address(parameters: str, email: str) -> None:
    after = gated(f"Parameters:\n{parameters}{BUCKET}")
    assert properties(after, "Request")["EmailID"] == {"Ref": email}


def test_the_address_can_be_named() -> None:
    text = f"Parameters:\n  UserEmail: {{Type: String}}\n  Boss: {{Type: String}}\n  Size: {{Type: Number}}\n{BUCKET}"
    after = gated(text, email_parameter="Boss")
    assert properties(after, "Request")["EmailID"] == {"Ref": "Boss"}
    assert "no parameter Missing" in refused(text, email_parameter="Missing")
    assert refused(text, email_parameter="Size").startswith("product.yaml:4: ")
    hidden = text.replace("Boss: {", "Boss: {NoEcho: true, ")
    assert "is NoEcho" in refused(hidden, email_parameter="Boss")


def test_without_room_for_a_parameter_the_address_is_empty() -> None:
    many = "".join(f"  P{n}: {{Type: String}}\n" for n in range(200))
    after = gated(f"Parameters:\n{many}{BUCKET}")
    assert properties(after, "Request")["EmailID"] == ""
    assert len(tree(after)["Parameters"]) == 200


INTERFACE = """\
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      # the first
      - Label:
          default: Main
        Parameters:
          - Size
    ParameterLabels:
      Size:
        default: How large?
Parameters:
  Size:
    Type: Number
"""


def test_the_console_shows_the_address_first() -> None:
    for text in (INTERFACE + BUCKET, json.dumps(tree(INTERFACE + BUCKET), indent=2)):
        shown = tree(gated(text))["Metadata"]["AWS::CloudFormation::Interface"]
        assert shown["ParameterGroups"][0] == {"Label": {"default": "Request"}, "Parameters": ["UserEmail"]}
        assert len(shown["ParameterGroups"]) == 2
        assert shown["ParameterLabels"]["UserEmail"] == {"default": "Your e-mail address"}


def test_an_output_of_that_name_stays_what_it_is() -> None:
    text = BUCKET + "Outputs:\n  ApprovalReceipt:\n    Value: mine\n"
    after = gated(text)
    assert tree(after)["Outputs"]["ApprovalReceipt"] == {"Value": "mine"}
    assert f"ApprovalReceipt{version(after)}" in tree(after)["Outputs"]
    assert all("mine" not in line for line in added(text, after))


def test_two_hundred_outputs_are_enough() -> None:
    many = "".join(f"  O{n}: {{Value: x}}\n" for n in range(200))
    assert len(tree(gated(f"{BUCKET}Outputs:\n{many}"))["Outputs"]) == 200


def test_no_echo_parameters_are_named() -> None:
    result = outcome(PARAMETERS + BUCKET)
    assert result.no_echo == ["Password", "Hidden"]
    assert any("Password, Hidden" in str(note) for note in result.notes)

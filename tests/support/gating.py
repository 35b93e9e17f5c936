"""Templates for the tests of the gate, and what they have to fulfil whatever else is asked of them."""

from __future__ import annotations

from typing import Any

from benchmarks.leaks import made_before_approval, read
from catalog.gating import Options, Result, Verdict, gate, inspect, ungate
from portal.phrases import Phrase
from tests.support.words import is_chinese

BUCKET = """\
Resources:
  Bucket:
    Type: AWS::S3::Bucket
"""

HAND_MADE = """\
Parameters:
  UserEmail:
    Type: String
Resources:
  WaitHandle:
    Type: AWS::CloudFormation::WaitConditionHandle
  WaitCondition:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: NotificationFunction
    Properties:
      Handle: !Ref WaitHandle
      Timeout: '43200'
  NotificationFunction:
    Type: Custom::NotificationFunction
    Properties:
      ServiceToken: arn:aws:lambda:us-east-1:111122223333:function:approval
      Region: !Ref AWS::Region
      WaitUrl: !Ref WaitHandle
      EmailID: !Ref UserEmail
  Bucket:
    Type: AWS::S3::Bucket
    DependsOn: WaitCondition
"""


def gated(text: str | bytes, **options: Any) -> str:
    """The gated template, after the checks every gated template passes."""
    data = text if isinstance(text, bytes) else text.encode()
    result = gate(data, Options(**options), "product.yaml")
    assert result.verdict is Verdict.GATED, result.reason
    assert result.output is not None
    assert all(isinstance(note, Phrase) and is_chinese(note) for note in result.notes), result.notes
    assert ungate(result.output) == (data, True)
    assert gate(result.output, Options(**options)).verdict is Verdict.ALREADY
    found = inspect(result.output)
    assert found.is_gated, found
    held_up = {name for name in made_before_approval(result.output) if not name.startswith("Approval")}
    assert held_up == set(found.needed_by_gate)
    return result.output.decode("utf-8-sig")


def refused(text: str | bytes, **options: Any) -> str:
    """The sentence with which a template is refused."""
    result = gate(text if isinstance(text, bytes) else text.encode(), Options(**options), "product.yaml")
    assert result.verdict is Verdict.REFUSED, result.verdict
    assert result.output is None
    assert isinstance(result.why, Phrase)
    assert is_chinese(result.why), result.why
    return result.reason


def outcome(text: str, **options: Any) -> Result:
    result = gate(text.encode(), Options(**options), "product.yaml")
    assert all(isinstance(note, Phrase) and is_chinese(note) for note in result.notes), result.notes
    return result


def added(before: str, after: str) -> list[str]:
    """The lines that `after` has more; every line of `before` must still be there, in its order."""
    left, new = before.splitlines(), []
    for line in after.splitlines():
        if left and line == left[0]:
            left.pop(0)
        else:
            new.append(line)
    assert not left, left
    return new


def tree(text: str) -> Any:
    return read(text.encode())


def version(text: str) -> str:
    """The `<v>` of a gated template."""
    names: list[str] = [name for name in tree(text)["Resources"] if name.startswith("ApprovalHandle")]
    return names[0].removeprefix("ApprovalHandle")

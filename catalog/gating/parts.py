"""The gate's own definitions as data, in the long form (design §2), and the version they have.

`<v>` is the first ten hexadecimal digits of a sha256 over the template without its gate (newlines as \\n, no byte
order mark) and the canonical JSON of these definitions with `<v>` left open. CloudFormation never waits twice on one
wait condition and cannot change one, so whatever changes in the template or in the gate has to bring new ids; and a
gate that was altered by hand no longer has the version it claims.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from catalog.gating.names import HANDLE, RECEIPT, RECORD, REQUEST, UNKNOWN, WAIT, Ids
from catalog.gating.options import Options

# How long CloudFormation waits for notify's answer, in seconds: an update of parameters alone is held by it.
HELD_UPDATE_S = 3600
ANSWER_S = 300
_VERSION_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Additions:
    """What a gate brings beside its resources, by section. `new`: sections that were not there.

    `parameter`, `output` and `mapping` are names, empty for none; definitions are data.
    """

    email: str
    parameter: str = ""
    parameter_data: dict[str, Any] = field(default_factory=dict)
    output: str = ""
    mapping: str = ""
    mapping_data: dict[str, Any] = field(default_factory=dict)
    new: tuple[str, ...] = ()
    has_group: bool = False
    has_label: bool = False

    @property
    def listed(self) -> list[str]:
        """For the record in the handle's Metadata: what `ungate` has to take out beside resources and DependsOn."""
        entries = [
            ("Parameters", self.parameter),
            ("Mappings", self.mapping),
            ("Outputs", self.output),
            ("ParameterGroups", self.parameter if self.has_group else ""),
            ("ParameterLabels", self.parameter if self.has_label else ""),
        ]
        return [*self.new, *(f"{section}.{name}" for section, name in entries if name)]


def parts(options: Options, ids: Ids, added: Additions, parameters: list[str], template_sha256: str) -> dict[str, Any]:
    """The gate's resources by logical id. `parameters`: those that feed it, NoEcho ones left out."""
    handle = {
        "Type": HANDLE,
        "Metadata": {RECORD: {"Template": template_sha256, "Added": added.listed}},
    }
    asks = {
        "ServiceToken": options.notify.found_in(added.mapping),
        "ServiceTimeout": HELD_UPDATE_S if options.gate_updates and not options.classic else ANSWER_S,
        **({} if options.classic else {"GateUpdates": "yes" if options.gate_updates else "no"}),
        "Region": {"Ref": "AWS::Region"},
        "WaitUrl": {"Ref": ids.handle},
        "EmailID": {"Ref": added.email} if added.email else "",
        "Timeout": options.timeout,
        **({"Parameters": {name: {"Ref": name} for name in parameters}} if parameters and not options.classic else {}),
    }
    wait = {
        "Type": WAIT,
        "DependsOn": ids.request,
        "Properties": {"Handle": {"Ref": ids.handle}, "Timeout": options.timeout},
    }
    three = {ids.handle: handle, ids.request: {"Type": REQUEST, "Properties": asks}, ids.wait: wait}
    if options.classic:
        return three
    checks = {
        "ServiceToken": options.verify.found_in(added.mapping),
        "ServiceTimeout": ANSWER_S,
        "Data": {"Fn::GetAtt": [ids.wait, "Data"]},
        "Fingerprint": {"Fn::GetAtt": [ids.request, "Fingerprint"]},
        "Receipt": {"Fn::GetAtt": [ids.request, "Receipt"]},
    }
    return {**three, ids.receipt: {"Type": RECEIPT, "Properties": checks}}


def output_data(ids: Ids) -> dict[str, Any]:
    """The output that shows the proof of the decision."""
    return {
        "Description": "The desk's signed proof that this launch was approved",
        "Value": {"Fn::GetAtt": [ids.receipt, "Receipt"]},
    }


def version_of(text: str, resources: dict[str, Any], additions: dict[str, Any], ids: Ids) -> str:
    """`<v>` of this template without a gate, with these definitions under these ids. `additions`: "Section.Name" →
    data."""
    written = json.dumps({"Resources": resources, "Added": additions}, sort_keys=True, separators=(",", ":"))
    written = re.sub(rf"(Approval[A-Za-z]+){ids.version}", rf"\1{UNKNOWN}", written)
    return hashlib.sha256(f"{normal(text)}\0{written}".encode()).hexdigest()[:_VERSION_LENGTH]


def sha256_of(text: str) -> str:
    """Of a template without its gate, however its lines end."""
    return hashlib.sha256(normal(text).encode()).hexdigest()


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")

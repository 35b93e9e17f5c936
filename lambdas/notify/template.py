"""Reads the gate out of a product's template, in JSON or YAML.

Lambda has no YAML parser. This one knows what CloudFormation templates are made of: block and flow
mappings, `!Ref`, quoted and plain scalars. Lists, anchors and long texts stay text; nothing of them is
needed. It never fails: what it cannot read is missing, and who asks falls back to what CloudFormation says.
Which types of resources there are is what CloudFormation's own parser says, whatever was read here.
"""

import re
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lambdas.shared import Stack, call, canonical, client, code_of, sha256

LINE = re.compile(r"""( *)(["']?)([\w.:/$-]+?)\2 *:(?: +(.*))?$""")
# Quoted text is read once, also where it does not end (possessive).
TOKEN = re.compile(
    r""""(?:\\.|[^"\\])*+"?|'(?:''|[^'])*+'?|[{}\[\],]|:(?=\s|["{\[]|$)|[^\s{}\[\],:"']+(?::+[^\s{}\[\],:]+)*"""
)


def flow(tokens: deque[str]) -> Any:
    """One flow value, e.g. `{Handle: !Ref H, Timeout: '60'}`. Raises IndexError when it does not end."""
    part = tokens.popleft()
    if part == "{":
        mapping = {}
        while (key := tokens.popleft()) != "}":
            if key != "," and tokens.popleft() == ":":
                mapping[key.strip("\"'")] = flow(tokens)
        return mapping
    if part == "[":
        items = []
        while tokens[0] != "]":
            if tokens[0] == ",":
                tokens.popleft()
            else:
                items.append(flow(tokens))
        tokens.popleft()
        return items
    if part.startswith("!"):
        return {part[1:]: flow(tokens)}
    return part[1:-1] if part[0] in "\"'" else part


def scalar(inline: str, nested: list[str]) -> Any:
    """The value that begins behind a key, on its line or below it."""
    inline = re.sub(r"^&\S+", "", inline).strip()
    if inline and inline[0] not in "\"'{[":
        inline = f" {inline}".split(" #", 1)[0].strip()
    if not inline:
        return block(nested)
    if re.search(r"(?:^|\s)[|>][+-]?\d?$", inline[-9:]):
        return "\n".join(nested)
    text = " ".join([inline, *(line.strip() for line in nested)])
    if inline[0] not in "{[\"'!":
        return text
    try:
        return flow(deque(TOKEN.findall(text)))
    except (IndexError, RecursionError):
        return text


def block(lines: list[str]) -> Any:
    """The mapping these lines form, each value read in turn; their text when they form none."""
    first = LINE.match(lines[0]) if lines else None
    if first is None:
        return "\n".join(lines)
    entries: list[tuple[str, str, list[str]]] = []
    for line in lines:
        match = LINE.match(line)
        if match and len(match[1]) == len(first[1]):
            entries.append((match[3], match[4] or "", []))
        else:
            entries[-1][2].append(line)
    return {key: scalar(inline, nested) for key, inline, nested in entries}


def tree_of(body: Any) -> dict[str, Any]:
    """A template as GetTemplate gives it (JSON decoded, YAML as text) as a mapping; {} if unreadable."""
    if isinstance(body, str):
        lines = (line.rstrip() for line in body.removeprefix("\ufeff").split("\n"))
        try:
            body = block([line for line in lines if line and not line.lstrip().startswith(("#", "---"))])
        except RecursionError:
            return {}
    return body if isinstance(body, dict) else {}


@dataclass(frozen=True)
class Template:
    """What the stack's template says, and what its references mean with this stack's parameters."""

    sha256: str
    description: str
    resources: dict[str, Any]
    parameters: dict[str, str]
    types: dict[str, int]  # how many of each; at least one where CloudFormation does not count
    cut: bool  # CloudFormation finds other types in it than were read

    def kind(self, logical_id: str) -> str:
        """The resource's type, "" if there is none."""
        return kind_of(self.resources.get(logical_id))

    def written(self, logical_id: str, name: str) -> Any:
        """The property as the template has it, None if it has none."""
        resource = self.resources.get(logical_id)
        properties = resource.get("Properties") if isinstance(resource, dict) else None
        return properties.get(name) if isinstance(properties, dict) else None

    def value(self, logical_id: str, name: str) -> str:
        """The property's text, a `Ref` to a parameter resolved; "" where only CloudFormation could say."""
        written = self.written(logical_id, name)
        if isinstance(written, dict) and written.get("Ref") in self.parameters:
            return self.parameters[written["Ref"]]
        return str(written) if isinstance(written, str | int) else ""


def template_of(stack: Stack, parameters: dict[str, str], deadline: float) -> Template:
    """The template as it was sent; where a macro makes resources of it, those it made."""
    read = client("cloudformation").get_template
    body = call(deadline, read, StackName=stack.id, TemplateStage="Original")["TemplateBody"]
    tree = tree_of(body)
    digest = sha256(body if isinstance(body, str) else canonical(body))
    expands = "Transform" in tree or any(str(key).startswith("Fn::") for key in tree.get("Resources") or ())
    if expands:
        body = call(deadline, read, StackName=stack.id, TemplateStage="Processed")["TemplateBody"]
        tree = tree_of(body)
    resources = tree["Resources"] if isinstance(tree.get("Resources"), dict) else {}
    types = dict(Counter(kind_of(resource) for resource in resources.values()))
    # What a macro made is JSON, which is read for certain; the summary may be of the template before it.
    told = None if expands and isinstance(body, dict) else told_types(stack, deadline)
    cut = told is not None and set(told) != set(types)
    if told is not None and cut:
        types = {name: types.get(name, 1) for name in told}
    return Template(digest, str(tree.get("Description") or ""), resources, parameters, types, cut)


def told_types(stack: Stack, deadline: float) -> list[str] | None:
    """The types of resources CloudFormation's own parser finds in the stack's template; None if it does not say."""
    try:
        summary = call(deadline, client("cloudformation").get_template_summary, StackName=stack.id)
    except ClientError as error:
        if code_of(error) not in ("ValidationError", "InvalidAction"):
            raise
        return None
    types: list[str] | None = summary.get("ResourceTypes")
    return types


def kind_of(resource: Any) -> str:
    return str(resource.get("Type", "")) if isinstance(resource, dict) else ""

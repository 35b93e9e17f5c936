"""`make lambdas`: writes template.yaml, the template with both functions' code in it.

CloudFormation takes a template body of at most 51,200 bytes, so the code goes in without docstrings,
comments, blank lines and deep indentation, and the shared module goes in once. What is left is statement
by statement what stands in `shared.py`, `notify/` and `verify/`; a test compares the two.
"""

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

HERE = Path(__file__).parent
BODY_LIMIT = 51_200
SOURCE = re.compile(r"^( *)(\w+): <([\w/., ]+)>$", re.MULTILINE)
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef


def omitted(source: str) -> set[int]:
    """The lines that hold a docstring or an import from our own modules, which stand in the same file."""
    spans: list[ast.stmt] = []
    for node in ast.walk(ast.parse(source)):
        # A class of nothing but a docstring keeps it: it is its body.
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None and len(node.body) > 1:
            spans.append(node.body[0])
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("lambdas."):
            spans.append(node)
    return {line for span in spans for line in range(span.lineno, (span.end_lineno or 0) + 1)}


def compact(source: str) -> str:
    """The same statements in fewer bytes."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    gone = omitted(source)
    kept = (line for number, line in enumerate(lines, 1) if line and number not in gone)
    return "\n".join(re.sub(r"^ +", lambda indent: " " * (len(indent[0]) // 4), line) for line in kept) + "\n"


def template() -> str:
    """The template, each `Name: <file, file>` replaced by their code. Raises ValueError if too large."""

    def literal(match: re.Match[str]) -> str:
        indent, name, paths = match.groups()
        code = "".join(compact((HERE / path).read_text("utf-8")) for path in paths.split(", "))
        return f"{indent}{name}: |\n" + re.sub(r"^", f"{indent} ", code.rstrip("\n"), flags=re.MULTILINE)

    body = SOURCE.sub(literal, (HERE / "template.source.yaml").read_text("utf-8"))
    if len(body.encode()) >= BODY_LIMIT:
        raise ValueError(f"the template has {len(body.encode())} bytes; CloudFormation takes {BODY_LIMIT}")
    return body


def main() -> None:
    body = template()
    (HERE / "template.yaml").write_text(body, "utf-8")
    sys.stdout.write(f"lambdas/template.yaml: {len(body.encode()):,} of {BODY_LIMIT:,} bytes\n")


if __name__ == "__main__":
    main()

"""`make lambdas`: writes template.yaml (the hub) and spoke.yaml, each with its functions' code in it.

The code goes in as it stands in this folder, line by line; only the imports between our own modules are left out,
because the modules of a function become one file, and letters outside of ASCII are written as escapes. A module that
several functions use goes in once.

Neither fits into a request of 51,200 bytes: both go through a bucket, which takes 1 MB (docs/decisions/0009).
"""

import ast
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
BODY_LIMIT = 51_200
BUCKET_LIMIT = 1_048_576
TEMPLATES = ("template", "spoke")
CODE = re.compile(r"^( *)(\w+): <([\w/]+\.py)>$", re.MULTILINE)


def ours(source: str) -> list[ast.ImportFrom]:
    """The imports of our own modules.

    Raises ValueError for the ones that cannot be left out: of a module as such, or under another name.
    """
    imports = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "lambdas" for alias in node.names):
            raise ValueError(f"line {node.lineno}: write `from lambdas.… import …`")
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "lambdas":
            if not path_of(node).is_file() or any(alias.asname for alias in node.names):
                raise ValueError(f"line {node.lineno}: import names, as they are called there")
            imports.append(node)
    return imports


def path_of(node: ast.ImportFrom) -> Path:
    return HERE.parent.joinpath(*str(node.module).split(".")).with_suffix(".py")


def modules(entry: str, without: set[str]) -> list[str]:
    """`entry` and all of ours it imports, each after what it imports itself; none of `without`."""
    found: list[str] = []

    def visit(path: str) -> None:
        if path in without or path in found:
            return
        for node in ours((HERE / path).read_text("utf-8")):
            visit(path_of(node).relative_to(HERE).as_posix())
        found.append(path)

    visit(entry)
    return found


def parts(source: str) -> dict[str, list[str]]:
    """Name of each piece of code in a template's source, and the modules it is made of, in order."""
    entries = {match[2]: match[3] for match in CODE.finditer(source)}
    return {name: modules(entry, set(entries.values()) - {entry}) for name, entry in entries.items()}


def alone(source: str) -> str:
    """A module without its imports of our own, in ASCII: CloudFormation gives other letters back as question marks.

    Raises ValueError where an escape would not mean the letter, for example in a raw string.
    """
    ascii_only = source.encode("ascii", "backslashreplace").decode()
    if ast.dump(ast.parse(ascii_only)) != ast.dump(ast.parse(source)):
        raise ValueError("outside of plain strings and comments, write ASCII")
    source = ascii_only
    gone = {line for node in ours(source) for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    kept = (line for number, line in enumerate(source.splitlines(keepends=True), 1) if number not in gone)
    return "".join(kept).strip("\n") + "\n"


def template(name: str) -> str:
    """The template `name`, its code in place. Raises ValueError if even a bucket would not do."""
    source = (HERE / f"{name}.source.yaml").read_text("utf-8")
    made = parts(source)

    def literal(match: re.Match[str]) -> str:
        indent, part, _ = match.groups()
        code = "\n\n".join(alone((HERE / path).read_text("utf-8")) for path in made[part])
        return f"{indent}{part}: |\n" + re.sub(r"^(?=.)", f"{indent}  ", code, flags=re.MULTILINE)

    body = CODE.sub(literal, source)
    if len(body.encode()) > BUCKET_LIMIT:
        raise ValueError(f"lambdas/{name}.yaml has {len(body.encode()):,} bytes; CloudFormation takes {BUCKET_LIMIT:,}")
    return body


def main() -> None:
    for name in TEMPLATES:
        body = template(name)
        (HERE / f"{name}.yaml").write_text(body, "utf-8")
        sys.stdout.write(f"lambdas/{name}.yaml: {len(body.encode()):,} of {BUCKET_LIMIT:,} bytes\n")


if __name__ == "__main__":
    main()

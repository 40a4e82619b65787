"""Files and functions that have grown too long to be read in one go.

header-size, source-size    noted above the budget, a fault above the limit
function-size               likewise, for functions whose braces stand at the same indentation
"""

import re

from lintkit import Fault, File, Sample, code_only, main

# (rule, budget, limit)
HEADER = ("header-size", 150, 300)
SOURCE = ("source-size", 400, 700)
FUNCTION = ("function-size", 50, 150)

# A line that opens a function's body, as clang-format writes it: it ends in `{` after a parameter list.
OPENS = re.compile(r"^ *(?!.*\b(?:namespace|struct|class|enum|union|if|for|while|switch|else|do|try|catch)\b)"
                   r"(?:.*\)[^;()]*|\s*: .*|.*\)\s*)\{$")


def judge(file: File, line: int, what: str, size: int, rule_budget_limit: tuple[str, int, int]) -> list[Fault]:
    rule, budget, limit = rule_budget_limit
    if size <= budget:
        return []
    message = f"{what} has {size} lines; the budget is {budget}, the limit {limit}"
    return [Fault(file.path, line, rule, message, only_noted=size <= limit)]


def function_faults(file: File) -> list[Fault]:
    lines = code_only(file.text).split("\n")
    faults = []
    number = 0
    while number < len(lines):
        if not OPENS.match(lines[number]) or "TEST_" in lines[number]:
            number += 1
            continue
        # A long parameter list: the declaration began some lines before.
        first = number
        while first > 0 and lines[first - 1].strip() and not re.search(r"[;{}:>]$|^\s*#", lines[first - 1].rstrip()):
            first -= 1
        indent = re.match(" *", lines[first]).group(0)
        end = number + 1
        while end < len(lines) and not re.match(indent + r"\}", lines[end]):
            end += 1
        faults += judge(file, first + 1, "this function", end - first + 1, FUNCTION)
        number = end if end < len(lines) else number + 1
    return faults


def check(files: list[File]) -> list[Fault]:
    faults = []
    for file in files:
        if not file.is_cpp():
            continue
        size = file.text.count("\n")
        # What tests share is written in headers, bodies and all.
        header = file.is_header() and not file.path.startswith("tests/")
        faults += judge(file, 1, "this file", size, HEADER if header else SOURCE)
        faults += function_faults(file)
    return faults


def planted_only(files: list[File]) -> list[Fault]:
    return [fault for fault in check(files) if not fault.only_noted]


SAMPLES = [
    Sample("big.hpp", "int x;\n" * 301, ("header-size",)),
    Sample("big.cpp", "int x;\n" * 701, ("source-size",)),
    Sample("long.cpp", "void f(int a) {\n" + "  g(a);\n" * 150 + "}\n", ("function-size",)),
    Sample("long.cpp", "struct S {\n  void f() const {\n" + "    g();\n" * 150 + "  }\n};\n", ("function-size",)),
    Sample("long.cpp", "bool T::f(Long a,\n          Long b) {\n" + "  g();\n" * 150 + "}\n", ("function-size",)),
    Sample("small.cpp", "bool T::f(Long a,\n          Long b) {\n  g();\n}\n" + "void h() {\n}\n" * 200),
    Sample("small.hpp", "int x;\n" * 300),
    Sample("small.cpp", "namespace {\n" + "void f() {\n  g();\n}\n" * 150 + "}\n"),
]

if __name__ == "__main__":
    import sys

    main(planted_only if "--self-test" in sys.argv else check, (".hpp", ".h", ".cpp"), SAMPLES)

"""Structured bindings that a lambda uses: clang 14 refuses what g++ takes.

captured-binding   a name from `auto [a, b]` inside a lambda, or inside a doctest macro that makes one
"""

import re

from lintkit import Fault, File, Sample, closing, code_only, line_of, main

BINDING = re.compile(r"\bauto\s*(?:const\s*)?&{0,2}\s*\[([\w\s,]+)\]")
LAMBDA = re.compile(r"(?<![\w\])])\s*\[[&=\w\s,.]*\]\s*(?=[({])")
LAZY_MACRO = re.compile(r"\b(?:INFO|CAPTURE|\w+_MESSAGE)\s*(?=\()")


def scope_end(code: str, position: int) -> int:
    """Where a name declared here ends: with the loop whose head holds it, else with the block around it."""
    depth = 0
    while position < len(code):
        character = code[position]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0 and character == "}":
                return position
            if depth < 0:
                body = re.compile(r"\s*\{").match(code, position + 1)
                if body:
                    return closing(code, body.end() - 1)
                semicolon = code.find(";", position)
                return semicolon if semicolon >= 0 else len(code)
        position += 1
    return position


def inside(code: str, start: int, end: int):
    """(position, text, captures) of lambdas' bodies and of the arguments of lazy macros."""
    for match in LAMBDA.finditer(code, start, end):
        opening = match.end()
        if code[opening] == "(":
            opening = code.find("{", closing(code, opening))
        if 0 <= opening < end:
            yield opening, code[opening : closing(code, opening)], match.group(0)
    for match in LAZY_MACRO.finditer(code, start, end):
        yield match.end(), code[match.end() : closing(code, match.end())], ""


def check_file(file: File) -> list[Fault]:
    code = code_only(file.text)
    faults = []
    for match in BINDING.finditer(code):
        names = [name.strip() for name in match.group(1).split(",") if name.strip()]
        for position, text, captures in inside(code, match.end(), scope_end(code, match.end())):
            for name in names:
                use = re.search(rf"(?<![\w.>]){name}\b", text)
                declared = re.search(rf"[\w>&*]\s+&?{name}\s*[,)=;:{{]", text)
                # `[&name = name]` makes a variable of it, which can be captured.
                if use and not declared and not re.search(rf"\b{name}\s*=", captures):
                    line = line_of(code, position + use.start())
                    faults.append(Fault(file.path, line, "captured-binding", f"clang 14 cannot capture `{name}`"))
    return faults


def check(files: list[File]) -> list[Fault]:
    return [fault for file in files if file.is_cpp() for fault in check_file(file)]


def planted(text: str) -> Sample:
    return Sample("planted.cpp", text, ("captured-binding",))


SAMPLES = [
    planted("for (const auto& [key, value] : map) {\n  run([&] { use(key); });\n}"),
    planted("auto [key, value] = pair;\nauto f = [&](int n) { return n + value; };"),
    planted("for (auto& [type, count] : rows) CHECK_MESSAGE(count == 1, type);"),
    planted("for (const auto& [text, wanted] : cases) {\n  CAPTURE(text);\n  CHECK(f(text) == wanted);\n}"),
    Sample("clean.cpp", "for (const auto& [key, value] : map) {\n  use(key);\n}\nrun([&] { use(key); });"),
    Sample("clean.cpp", "auto [key, value] = pair;\nrun([&] { int key = 1; use(key); });"),
    Sample("clean.cpp", "auto [key, value] = pair;\nuse(table[key], rows[value]);\nrun([] { row.key = 1; });"),
    Sample("clean.cpp", "auto [key, value] = pair;\nrun([&key = key] { use(key); });"),
    Sample("clean.cpp", "auto [key, value] = pair;\nconst auto& k = key;\nrun([&] { use(k); });"),
]

if __name__ == "__main__":
    main(check, (".hpp", ".cpp"), SAMPLES)

"""What the documents say is there.

dead-link      a link to a file, or to a heading of one, that does not exist
dead-test      a test case that a document names and no test file has
other-program  the program in README.md is not examples/tutorial/1_hello.cpp, or has more than 25 lines
"""

import os
import re

from lintkit import ROOT, Fault, File, Sample, line_of, main

PROGRAM = "examples/tutorial/1_hello.cpp"
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*?$", re.MULTILINE | re.DOTALL)
# "name of a test" in `tests/…/test_x.cpp`, as the invariants' table writes it
NAMED_TEST = re.compile(r'"([^"\n]+)" in \[`?([^`\]\n]+)`?\]\(([^)\s]+)\)')


def without_fences(text: str) -> str:
    return FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def headings(text: str) -> set[str]:
    names = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", without_fences(text), re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        copy, name = 0, slug
        while name in names:
            copy += 1
            name = f"{slug}-{copy}"
        names.add(name)
    return names


def link_faults(file: File) -> list[Fault]:
    faults = []
    text = without_fences(file.text)
    for match in LINK.finditer(text):
        target = match.group(1) or match.group(2)
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        place = os.path.normpath(os.path.join(os.path.dirname(file.path), path)) if path else file.path
        there = ROOT / place
        line = line_of(text, match.start())
        if place != file.path and not there.exists():
            faults.append(Fault(file.path, line, "dead-link", f"{target}: there is no {place}"))
        elif anchor and place.endswith(".md"):
            other = file.text if place == file.path else there.read_text(encoding="utf-8")
            if anchor not in headings(other):
                faults.append(Fault(file.path, line, "dead-link", f"{target}: no such heading"))
    return faults


def test_faults(file: File) -> list[Fault]:
    faults = []
    for match in NAMED_TEST.finditer(without_fences(file.text)):
        name, _, target = match.groups()
        place = ROOT / os.path.dirname(file.path) / target
        text = place.read_text(encoding="utf-8") if place.is_file() else ""
        if not re.search(r'(?:TEST_CASE|SCENARIO)[A-Z_]*\((?:[^"\n]*, *)?"' + re.escape(name) + '"', text):
            faults.append(Fault(file.path, line_of(file.text, match.start()), "dead-test", f'{target} has no "{name}"'))
    return faults


def program_faults(file: File) -> list[Fault]:
    if file.path != "README.md":
        return []
    block = re.search(r"^```cpp\n(.*?)^```$", file.text, re.MULTILINE | re.DOTALL)
    program = ROOT / PROGRAM
    if not block or not program.is_file():
        return [Fault(file.path, 1, "other-program", f"the program of {PROGRAM} is missing")]
    line = line_of(file.text, block.start(1))
    if block.group(1) != program.read_text(encoding="utf-8"):
        return [Fault(file.path, line, "other-program", f"differs from {PROGRAM}")]
    if block.group(1).count("\n") > 25:
        return [Fault(file.path, line, "other-program", "more than 25 lines")]
    return []


def check(files: list[File]) -> list[Fault]:
    return [f for file in files for f in link_faults(file) + test_faults(file) + program_faults(file)]


SAMPLES = [
    Sample("docs.md", "see [there](no/such/file.md)\n", ("dead-link",)),
    Sample("docs.md", "# One\nsee [below](#two)\n", ("dead-link",)),
    Sample("docs.md", "![picture](no/such.svg)\n", ("dead-link",)),
    Sample("docs.md", '"no such test" in [`x`](tests/lint/documents.py)\n', ("dead-test",)),
    Sample("README.md", "```cpp\nint main() {}\n```\n", ("other-program",)),
    Sample("docs.md", "# One: `two` & three\n[up](#one-two--three), [lint](tests/lint/documents.py), [w](https://x.org)\n"),
    Sample("docs.md", "```\n[not a link](no/such/file.md)\n```\n"),
]

if __name__ == "__main__":
    main(check, (".md",), SAMPLES)

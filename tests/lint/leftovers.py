"""Nothing half done is committed.

leftover   words that mark unfinished work, conflict marks, and prints left from a search for a defect
blanks     blanks at the end of a line, tabs in C++, no newline at the end of a file
"""

import re

from lintkit import Fault, File, Sample, line_of, main

MARKS = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"))
# In quotes it is data: Atlassian documents have it as the state of a task.
LEFTOVER = re.compile(rf"\b(?:{MARKS})\b(?![-_/\"])|^(?:<{{7}}|>{{7}}) ", re.MULTILINE)
BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)


def check(files: list[File]) -> list[Fault]:
    faults = []
    for file in files:
        for match in LEFTOVER.finditer(file.text):
            faults.append(Fault(file.path, line_of(file.text, match.start()), "leftover", f"`{match.group(0).strip()}`"))
        for match in BLANKS.finditer(file.text):
            faults.append(Fault(file.path, line_of(file.text, match.start()), "blanks", "blanks at the end of the line"))
        if file.is_cpp() and "\t" in file.text:
            faults.append(Fault(file.path, line_of(file.text, file.text.index("\t")), "blanks", "a tab"))
        if file.text and not file.text.endswith("\n"):
            faults.append(Fault(file.path, file.text.count("\n") + 1, "blanks", "no newline at the end"))
    return faults


SAMPLES = [
    Sample("planted.cpp", "// TO" + "DO: later\n", ("leftover",)),
    Sample("planted.py", "# FIX" + "ME\n", ("leftover",)),
    Sample("planted.cpp", "<" * 7 + " HEAD\n", ("leftover",)),
    Sample("planted.cpp", "int x; \n", ("blanks",)),
    Sample("planted.cpp", "\tint x;\n", ("blanks",)),
    Sample("planted.cpp", "int x;", ("blanks",)),
    Sample("clean.cpp", "int to_do = 1;  // see mktemp /tmp/a.XX" + "XXXX\n"),
]

if __name__ == "__main__":
    main(check, (".hpp", ".h", ".cpp", ".py", ".sh", ".cmake", "CMakeLists.txt", ".yaml", "run"), SAMPLES)

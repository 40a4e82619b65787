"""What the linters share: the files of the tree, C++ text without comments and strings, and how results are told.

A linter is a function from a list of Files to a list of Faults. `main()` runs it over the tree, or with --self-test
over the samples that the linter brings: each planted fault must be found, each clean sample must stay clean.
"""

import argparse
import dataclasses
import pathlib
import re
import sys
from typing import Callable, Iterable

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("libmigrate", "plugins", "examples", "tests", "cmake", ".ci")
SKIPPED_FOLDERS = {"build", ".git", "__pycache__"}
CORPUS = "tests/fuzz/corpus/"  # inputs for parsers, whatever they are named


@dataclasses.dataclass
class File:
    """A file of the tree: its path as written from the root, and its text."""

    path: str
    text: str

    def is_header(self) -> bool:
        return self.path.endswith((".hpp", ".h"))

    def is_cpp(self) -> bool:
        return self.path.endswith((".hpp", ".h", ".cpp"))


@dataclasses.dataclass
class Fault:
    path: str
    line: int
    rule: str
    message: str
    only_noted: bool = False  # reported, but no reason to fail

    def __str__(self) -> str:
        note = "note: " if self.only_noted else ""
        return f"{self.path}:{self.line}: {note}{self.message} [{self.rule}]"


def tree_files(suffixes: Iterable[str]) -> list[File]:
    suffixes = tuple(suffixes)
    paths = [p for p in ROOT.iterdir() if p.is_file()]
    for folder in FOLDERS:
        paths += (ROOT / folder).rglob("*")
    files = []
    for path in sorted(set(paths)):
        relative = path.relative_to(ROOT)
        if SKIPPED_FOLDERS & set(relative.parts) or not path.is_file() or path.is_symlink():
            continue
        if path.name.endswith(suffixes) and not relative.as_posix().startswith(CORPUS):
            files.append(File(relative.as_posix(), path.read_text(encoding="utf-8", errors="replace")))
    return files


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


_TOKENS = re.compile(
    r"""//[^\n]*|/\*.*?\*/                             # comments
      |R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"    # raw strings
      |"(?:\\.|[^"\\\n])*"                             # strings
      |(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'             # characters, but not digit separators""",
    re.DOTALL | re.VERBOSE,
)


def code_only(text: str) -> str:
    """The same text with comments and the insides of strings blanked; positions and lines stay where they are."""

    def blank(match: re.Match) -> str:
        token = match.group(0)
        kept = re.sub(r"[^\n]", " ", token)
        if token.startswith(("//", "/*")):
            return kept
        return '"' + kept[1:-1] + '"' if len(token) > 1 else kept

    return _TOKENS.sub(blank, text)


def allowed_rules(text: str, line: int) -> set[str]:
    """Rules that a comment `lint-allow: RULE because …` on this line or the one above switches off."""
    lines = text.split("\n")
    near = "\n".join(lines[max(0, line - 2) : line])
    return set(re.findall(r"lint-allow: ([a-z-]+) because \S", near))


def without_allowed(files: list[File], faults: list[Fault]) -> list[Fault]:
    texts = {file.path: file.text for file in files}
    return [f for f in faults if f.rule not in allowed_rules(texts.get(f.path, ""), f.line)]


def closing(text: str, opening: int) -> int:
    """The position of the bracket that closes the one at `opening`, or the end of the text."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    stack = []
    for position in range(opening, len(text)):
        character = text[position]
        if character in pairs:
            stack.append(pairs[character])
        elif character in ")]}":
            if not stack or stack.pop() != character:
                return position
            if not stack:
                return position
    return len(text)


@dataclasses.dataclass
class Sample:
    """A file for the self-test; `rules` are those that it must break, each at least once, and no others."""

    path: str
    text: str
    rules: tuple[str, ...] = ()


def run_self_test(check: Callable[[list[File]], list[Fault]], samples: list[Sample]) -> int:
    wrong = 0
    for sample in samples:
        files = [File(sample.path, sample.text)]
        found = without_allowed(files, check(files))
        rules = {fault.rule for fault in found}
        if rules != set(sample.rules):
            wrong += 1
            print(f"self-test: {sample.path}: expected {sorted(sample.rules)}, found {sorted(rules)}\n{sample.text}\n")
    planted = sum(1 for sample in samples if sample.rules)
    clean = len(samples) - planted
    print(f"self-test: {planted} planted faults, {clean} clean samples, {wrong} judged wrongly")
    return 1 if wrong or not planted or not clean else 0


def main(check: Callable[[list[File]], list[Fault]], suffixes: Iterable[str], samples: list[Sample]) -> None:
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--self-test", action="store_true", help="show that planted faults are found")
    if parser.parse_args().self_test:
        sys.exit(run_self_test(check, samples))
    files = tree_files(suffixes)
    faults = without_allowed(files, check(files))
    for fault in faults:
        print(fault)
    failed = [fault for fault in faults if not fault.only_noted]
    print(f"{len(files)} files, {len(failed)} faults, {len(faults) - len(failed)} notes")
    sys.exit(1 if failed or not files else 0)

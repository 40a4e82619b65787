"""Shapes of coroutine code that g++ 12 compiles wrongly or that leave references behind.

braces-in-await      a `{…}` initialiser between co_await and the end of the statement: destroyed twice
capture-in-await     a lambda that captures by value in the same place: destroyed twice
conditional-in-await `a ? b : c` in the same place: where it makes an object, that is copied byte by byte
await-in-catch       co_await in a catch block
detached             a coroutine that nobody waits for
borrowed-parameter   a coroutine parameter that can refer to a temporary of the caller

A parameter that is safe for a reason the linter cannot see: `// lint-allow: borrowed-parameter because …`.
"""

import re

from lintkit import Fault, File, Sample, closing, code_only, line_of, main

CONTROL = re.compile(r"\b(if|while|for|switch|constexpr)\s*$")
# Types of which callers make temporaries. Services, Partition and the like are named objects of long life.
BORROWED = re.compile(
    r"\bstring_view\b|&&\s*\w*$|\bconst\s+(?:std::\w+|Value|Object|Array|Cursor|RecordRef|Error|Link|Blob)\b[^&]*&\s*\w*$"
)


def end_of_statement(code: str, start: int) -> int:
    """Where the full expression that begins at `start` ends: `;`, or the `)` of an if, while, for or switch."""
    depth = 0
    position = start
    while position < len(code):
        character = code[position]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                if character == ")" and CONTROL.search(code[: opening_of(code, position)]):
                    return position
                depth = 0
        elif character == ";" and depth == 0:
            return position
        position += 1
    return position


def opening_of(code: str, position: int) -> int:
    depth = 0
    while position >= 0:
        if code[position] in ")]}":
            depth += 1
        elif code[position] in "([{":
            depth -= 1
            if depth == 0:
                return position
        position -= 1
    return 0


def captures_by_value(captures: str) -> bool:
    depth = 0
    parts, part = [], ""
    for character in captures:
        depth += character in "([{<"
        depth -= character in ")]}>"
        if character == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    parts.append(part)
    return any(p.strip() and not p.strip().startswith("&") and p.strip() != "this" for p in parts)


def check_await(code: str, start: int) -> list[tuple[int, str, str]]:
    found = []
    end = end_of_statement(code, start)
    position = start
    while position < end:
        character = code[position]
        before = code[:position].rstrip()[-1:]
        if character == "[" and not (before.isalnum() or before in "_)]"):
            bracket = closing(code, position)
            if captures_by_value(code[position + 1 : bracket]):
                found.append((position, "capture-in-await", "name this lambda before the co_await"))
            body = code.find("{", bracket)
            position = closing(code, body) if 0 <= body < end else bracket
        elif character == "{":
            found.append((position, "braces-in-await", "name this object before the co_await and pass it"))
            position = closing(code, position)
        elif character == "?":
            found.append((position, "conditional-in-await", "name the result of `?:` before the co_await and pass it"))
        position += 1
    return found


def split_parameters(text: str) -> list[str]:
    parts, depth, part = [], 0, ""
    for character in text:
        depth += character in "([{<"
        depth -= character in ")]}>"
        if character == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    return [p.split("=")[0].strip() for p in parts + [part] if p.strip()]


def coroutine_parameters(code: str):
    """(position, parameters) of what is declared as `awaitable<…> name(…)` or `(…) -> awaitable<…>`."""
    for match in re.finditer(r"\bawaitable<", code):
        depth, position = 1, match.end()
        while position < len(code) and depth:
            depth += code[position] == "<"
            depth -= code[position] == ">"
            position += 1
        name = re.match(r"\s+[\w:~]+\s*\(", code[position:])
        if name:
            opening = position + name.end() - 1
            yield opening, code[opening + 1 : closing(code, opening)]
            continue
        arrow = re.search(r"\)\s*(?:mutable\s*)?(?:noexcept\s*)?->\s*(?:[\w:]+::)?$", code[: match.start()])
        if arrow:
            opening = opening_of(code, arrow.start())
            yield opening, code[opening + 1 : arrow.start()]


def check_file(file: File) -> list[Fault]:
    code = code_only(file.text)
    found = []
    for match in re.finditer(r"\bco_await\b", code):
        found += check_await(code, match.end())
    for match in re.finditer(r"\bcatch\s*\(", code):
        body = code.find("{", closing(code, match.end() - 1))
        inside = re.search(r"\bco_await\b", code[body : closing(code, body)])
        if inside:
            found.append((body + inside.start(), "await-in-catch", "keep the exception and wait after the handler"))
    for match in re.finditer(r"\b(?:asio|net)::detached\b", code):
        found.append((match.start(), "detached", "someone has to wait for this coroutine and hear of its error"))
    for position, parameters in coroutine_parameters(code):
        for parameter in split_parameters(parameters):
            if BORROWED.search(parameter):
                found.append((position, "borrowed-parameter", f"take `{' '.join(parameter.split())}` by value"))
    return sorted({Fault(file.path, line_of(code, p), rule, m).__str__(): Fault(file.path, line_of(code, p), rule, m)
                   for p, rule, m in found}.values(), key=lambda fault: fault.line)


def check(files: list[File]) -> list[Fault]:
    return [fault for file in files if file.is_cpp() for fault in check_file(file)]


def planted(rule: str, text: str) -> Sample:
    return Sample("planted.cpp", text, (rule,))


SAMPLES = [
    planted("braces-in-await", 'co_await send(Request{"GET", host});'),
    planted("braces-in-await", "auto reply = co_await send(\n    {host, 1});"),
    planted("braces-in-await", "co_await send(host, {});"),
    planted("braces-in-await", "if (co_await send(Options{1})) { stop(); }"),
    planted("braces-in-await", "use(co_await get(key), Options{.deep = true});"),
    planted("capture-in-await", "co_await on_pool(services, [key] { return find(key); });"),
    planted("capture-in-await", "co_await on_pool(services, [=] { return find(key); });"),
    planted("capture-in-await", "co_await on_pool(services, [&map, key = std::move(key)] { return map[key]; });"),
    planted("conditional-in-await", 'co_await send(deep ? key + "/x" : key);'),
    planted("conditional-in-await", "Row row = co_await first(key) ? Row(1) : Row(2);"),
    planted("await-in-catch", "try { f(); } catch (const Error& error) { if (x) { co_await wait(error); } }"),
    planted("detached", "boost::asio::co_spawn(executor, work(), boost::asio::detached);"),
    planted("borrowed-parameter", "awaitable<void> read(std::string_view name);"),
    planted("borrowed-parameter", "awaitable<std::vector<Value>> Store::get(int n, const std::string& key) const;"),
    planted("borrowed-parameter", "awaitable<void> put(Value&& value);"),
    planted("borrowed-parameter", "auto work = [&](const Value& v) -> boost::asio::awaitable<int> { co_return 1; };"),
    Sample("clean.cpp", "auto work = [key] { return find(key); };\nauto row = co_await on_pool(services, work);"),
    Sample("clean.cpp", "auto row = co_await on_pool(services, [&] { return find({key}); });"),
    Sample("clean.cpp", "if (co_await done(key)) { return Options{1}; }"),
    Sample("clean.cpp", "while (!co_await done(key)) { use({1}); }\nuse(Options{2});"),
    Sample("clean.cpp", "if (co_await done(key)) use(a ? b : c);\nf(a ? b : c);"),
    Sample("clean.cpp", "for (auto& row : co_await rows(key)) { use({row}); }"),
    Sample("clean.cpp", 'co_await log("{}"); // co_await f({1})\n/* co_await f({1}); */ f({1});'),
    Sample("clean.cpp", 'auto text = R"(co_await f({1});)";\nawaitable<void> read(Key key, const Partition& from);'),
    Sample("clean.cpp", "co_return rows[co_await index(table[1])];\nf({1});"),
    Sample("clean.cpp", "try { co_await f(); } catch (...) { kept = std::current_exception(); }\nco_await g(kept);"),
    Sample("clean.cpp", "// lint-allow: borrowed-parameter because the name is a literal\n"
                        "awaitable<void> step(std::string_view name);"),
]

if __name__ == "__main__":
    main(check, (".hpp", ".cpp"), SAMPLES)

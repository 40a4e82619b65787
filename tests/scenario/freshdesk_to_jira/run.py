#!/usr/bin/env python3
"""Freshdesk to Jira with the real programs over sockets, both services played by migrate-sandbox.

  run.py vendor   the exchanges of a whole run against the vendors' documents, which lie beside the repository or where
                  MIGRATE_SHARED says; skipped (77) without them or without python3-jsonschema
  run.py kill N   SIGKILL at N seeded moments, each followed by a restart; Jira ends up as after an undisturbed run
"""
import importlib.util
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
BUILD = os.environ.get("MIGRATE_BUILD_DIR", os.path.join(ROOT, "build", "release"))
SHARED = os.environ.get("MIGRATE_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
DRIVER = os.path.join(ROOT, "examples", "drivers", "freshdesk_to_jira", "migration.yaml")
SETTINGS = {"freshdesk": {"quota_per_minute": 100000, "list_per_minute": 100000},
            "jira": {"masked": True, "rate_get": 0, "rate_post": 0, "rate_put": 0, "rate_delete": 0,
                     "issue_writes_2s": 0, "issue_writes_30s": 0, "user_search_rate": 0, "index_lag_ms": 200}}
CREDENTIALS = {"FRESHDESK_API_KEY": "freshdesk-simulator-key", "JIRA_EMAIL": "migrator@example.com",
               "JIRA_TOKEN": "jira-token"}


class Sandbox:
    settings = SETTINGS

    def __init__(self, items, *options):
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "bin", "migrate-sandbox"), "--only", "freshdesk,jira", "--items", str(items), "--seed", "3",
             "--settings", json.dumps(self.settings), "--parent-exit", *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("migrate-sandbox did not start")
        self.urls = json.loads(line)["services"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def state(self):
        with urllib.request.urlopen(self.urls["jira"] + "/_sim/state") as answer:
            return answer.read().decode()

    def command(self, work):
        return [os.path.join(BUILD, "bin", "migrate"), "run", DRIVER, "--working-dir", work, "--progress", "none",
                "--verify", "none", "--set", f"source.url={self.urls['freshdesk']}", "--set", f"sink.url={self.urls['jira']}",
                "--set", "sink.index_lag=1"]


def run(sandbox, work):
    done = subprocess.run(sandbox.command(work), env={**os.environ, **CREDENTIALS}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"migrate run ended with {done.returncode}:\n{done.stdout[-3000:]}")


def content(text):
    """A state without what differs from sandbox to sandbox: ports, and the order and names of issues."""
    state = json.loads(re.sub(r"127\.0\.0\.1:\d+", "HOST", text))
    names = {name: issue["properties"]["migration"]["key"] for name, issue in state["issues"].items()}
    text = re.sub(r"SUP-#\d+", lambda match: names.get(match[0], match[0]), json.dumps(state["issues"]))
    issues = json.loads(text)
    for issue in issues.values():
        issue["links"].sort(key=json.dumps)
    return issues


def difference(expected, found, path=""):
    if expected == found:
        return None
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(set(expected) | set(found)):
            if key not in found or key not in expected:
                return f"{path}/{key} is {'missing' if key not in found else 'too much'}"
            if text := difference(expected[key], found[key], f"{path}/{key}"):
                return text
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found)):
            if text := difference(one, other, f"{path}[{index}]"):
                return text
    return f"{path}: expected {json.dumps(expected)[:300]}, found {json.dumps(found)[:300]}"


def kill(times):
    dice = random.Random(20)
    with tempfile.TemporaryDirectory(prefix="migrate-kill-") as folder:
        with Sandbox(12) as undisturbed:
            begin = time.monotonic()
            run(undisturbed, os.path.join(folder, "undisturbed"))
            seconds = time.monotonic() - begin
            expected = content(undisturbed.state())
        killed = 0
        while killed < times:
            with Sandbox(12) as sandbox:
                work = tempfile.mkdtemp(dir=folder)  # a state belongs to one Jira
                for _ in range(min(5, times - killed)):
                    process = subprocess.Popen(sandbox.command(work), env={**os.environ, **CREDENTIALS},
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    try:
                        process.wait(timeout=dice.uniform(0.05, 0.6 * seconds))
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                        killed += 1
                    else:
                        break
                run(sandbox, work)
                if text := difference(expected, content(sandbox.state())):
                    sys.exit(f"after {killed} kills Jira is not as it should be: {text}")
            print(f"{killed} of {times} kills, Jira as after an undisturbed run", flush=True)


def vendor():
    if not os.path.isdir(os.path.join(SHARED, "specs")):
        print(f"skipped: there are no vendors' documents at {SHARED}")
        sys.exit(77)
    if importlib.util.find_spec("jsonschema") is None:
        print("skipped: python3-jsonschema is not installed")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="migrate-vendor-") as folder:
        log = os.path.join(folder, "exchanges.jsonl")
        with Sandbox(30, "--exchange-log", log) as sandbox:
            run(sandbox, os.path.join(folder, "work"))
        lines = [json.loads(line) for line in open(log, encoding="utf-8")]
        bad = 0
        # What the observed document is too narrow for, each with its reason.
        overlay = os.path.join(ROOT, "plugins", "freshdesk", "tests", "vendor_overlay.json")
        for service, document, base, more in (
                ("jira", "jira/jira-cloud-v3.corrected.json", "^$", []),
                ("freshdesk", "freshdesk/freshdesk.observed.json", "^/api/v2", ["--overlay", overlay])):
            part = os.path.join(folder, service + ".jsonl")
            with open(part, "w", encoding="utf-8") as out:
                for line in lines:
                    if line["service"] == service and ("/rest/api/" in line["url"] or "/api/v2/" in line["url"]):
                        out.write(json.dumps(line) + "\n")
            checked = subprocess.run([sys.executable, os.path.join(SHARED, "tools", "check_payload.py"), "exchange",
                                      os.path.join(SHARED, "specs", document), part, "--base", base, *more], stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, check=False)
            kinds = [line for line in checked.stdout.splitlines() if line.startswith(("ok", "BAD"))]
            good = sum(line.startswith("ok") for line in kinds)
            print(f"{service}: {sum(1 for _ in open(part, encoding='utf-8'))} exchanges of {len(kinds)} kinds, "
                  f"{len(kinds) - good} kinds against the document")
            if not kinds:
                bad += 1
            if checked.returncode:
                bad += 1
                print("\n".join(line for line in checked.stdout.splitlines() if not line.startswith("ok"))[:4000])
        sys.exit(1 if bad else 0)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "vendor":
        vendor()
    elif len(sys.argv) > 2 and sys.argv[1] == "kill":
        kill(int(sys.argv[2]))
    else:
        sys.exit(__doc__)

#!/usr/bin/env python3
"""What scripts rely on in migrate-sandbox: the ready line, control addresses, faults, the exchange log, its end."""
import base64
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

SANDBOX = os.environ.get("MIGRATE_SANDBOX", "")
PATIENCE = 60  # seconds until a program that hangs is a failure
KEY = "Basic " + base64.b64encode(b"freshdesk-simulator-key:X").decode()


def line_of(stream):
    ready, _, _ = select.select([stream], [], [], PATIENCE)
    if not ready:
        raise AssertionError("the program says nothing")
    return stream.readline()


class Sandbox(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="migrate-sandbox-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, *options):
        program = subprocess.Popen([SANDBOX, "--only", "freshdesk", *map(str, options)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=self.folder)
        self.addCleanup(self.end, program)
        line = json.loads(line_of(program.stdout))
        self.assertIs(line["ready"], True)
        self.assertEqual(list(line["services"]), ["freshdesk"])
        self.assertRegex(line["services"]["freshdesk"], r"^http://127\.0\.0\.1:\d+$")
        return program, line["services"]["freshdesk"]

    def end(self, program):
        if program.poll() is None:
            program.kill()
        program.communicate()

    def call(self, url, data=None, key=KEY):
        headers = {"Authorization": key} if key else {}
        request = urllib.request.Request(url, data=data, headers=headers, method="POST" if data is not None else "GET")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def test_the_same_seed_holds_the_same(self):
        states = []
        for seed in (3, 3, 4):
            _, url = self.start("--seed", seed, "--items", 5)
            status, state = self.call(url + "/_sim/state", key=None)
            self.assertEqual(status, 200)
            # Addresses in texts have the port of the day.
            states.append(re.sub(rb"127\.0\.0\.1:\d+", b"HOST", state))
        self.assertEqual(states[0], states[1])
        self.assertNotEqual(states[0], states[2])

    def test_what_is_meant_for_nobody_is_refused(self):
        plan = self.folder / "faults.json"
        plan.write_text('{"freshdeks": {"faults": []}}')
        for options in (["--settings", '{"freshdeks": {}}'], ["--faults", plan], ["--items", "0"], ["--items", "-3"]):
            done = subprocess.run([SANDBOX, "--only", "freshdesk", *map(str, options)], capture_output=True, text=True,
                                  cwd=self.folder, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn("--items" if "--items" in options else 'did you mean "freshdesk"?', done.stderr)

    def test_credentials_and_counters(self):
        _, url = self.start("--items", 3)
        self.assertEqual(self.call(url + "/api/v2/tickets")[0], 200)
        self.assertEqual(self.call(url + "/api/v2/tickets", key="Basic " + base64.b64encode(b"wrong:X").decode())[0], 401)
        self.assertEqual(self.call(url + "/api/v2/tickets", key=None)[0], 401)
        counters = json.loads(self.call(url + "/_sim/counters", key=None)[1])
        self.assertEqual(counters, {"requests": 3, "writes": 0, "refusals": 0, "most_in_flight": 1})

    def test_faults_from_a_file_and_through_the_control_address(self):
        plan = self.folder / "faults.json"
        plan.write_text(json.dumps({"faults": [{"kind": "status", "path": "/tickets$", "nth": 2, "status": 502}]}))
        _, url = self.start("--items", 3, "--faults", plan)
        self.assertEqual([self.call(url + "/api/v2/tickets")[0] for _ in range(3)], [200, 502, 200])
        status, body = self.call(url + "/_sim/faults", b'{"faults": [{"kind": "drpo_before"}]}')
        self.assertEqual(status, 400)
        self.assertIn(b"drop_before", body)
        again = json.dumps({"faults": [{"kind": "status", "nth": 0, "status": 500}]}).encode()
        self.assertEqual(self.call(url + "/_sim/faults", again)[0], 204)
        self.assertEqual(self.call(url + "/api/v2/tickets")[0], 500)

    def test_who_is_to_die_is_said(self):
        plan = self.folder / "faults.json"
        plan.write_text(json.dumps({"freshdesk": {"faults": [{"kind": "die_before"}]}}))
        program, url = self.start("--items", 3, "--faults", plan)
        with self.assertRaises(OSError):
            self.call(url + "/api/v2/tickets")
        self.assertEqual(json.loads(line_of(program.stdout))["exchange"], "GET /api/v2/tickets")

    def test_exchange_log(self):
        log = self.folder / "exchanges.jsonl"
        _, url = self.start("--items", 3, "--exchange-log", log)
        self.call(url + "/api/v2/tickets?per_page=2")
        self.call(url + "/_sim/state", key=None)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        self.assertEqual(len(lines), 1)
        self.assertEqual(sorted(lines[0]), sorted(["service", "method", "url", "request_headers", "request_body", "status",
                                                   "response_headers", "response_body"]))
        self.assertEqual(lines[0]["url"], url + "/api/v2/tickets?per_page=2")
        self.assertEqual(lines[0]["request_headers"]["Authorization"], "***")
        self.assertNotIn(KEY.split()[1], log.read_text())
        self.assertIsInstance(lines[0]["response_body"], list)

    def test_it_ends_when_it_is_told_to(self):
        for sign in (signal.SIGTERM, signal.SIGINT):
            program, _ = self.start("--items", 1)
            program.send_signal(sign)
            self.assertEqual(program.wait(PATIENCE), 0)

    def test_it_ends_with_its_parent(self):
        starter = ("import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE); "
                   "sys.stdout.buffer.write(p.stdout.readline()); sys.stdout.flush()")
        # The sandbox keeps the pipe of its standard error: that ends when the sandbox does.
        parent = subprocess.Popen([sys.executable, "-c", starter, SANDBOX, "--only", "freshdesk", "--items", "1", "--parent-exit"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, parent)
        self.assertIn("ready", line_of(parent.stdout))
        parent.wait(PATIENCE)
        self.assertEqual(line_of(parent.stderr), "")

    def test_its_parent_may_be_the_first_process_of_a_container(self):
        alone = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
        if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
            self.skipTest("this machine lets nobody make a namespace of processes")
        # It answers a while after it has begun, and ends with the first process, as everything in there.
        starter = ("import json, os, subprocess, sys, urllib.request; "
                   "p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True); "
                   "url = json.loads(p.stdout.readline())['services']['freshdesk']; "
                   "answers = [urllib.request.urlopen(url + '/_sim/counters').status for _ in range(20)]; "
                   "print(os.getpid(), set(answers), p.poll())")
        done = subprocess.run([*alone, sys.executable, "-c", starter, SANDBOX, "--only", "freshdesk", "--items", "1",
                               "--parent-exit"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.stdout.strip(), "1 {200} None", done.stderr)

    def test_usage(self):
        for options in (["--only", "freshdsk"], ["--no-such-option"], ["--faults", "absent.json"], ["--time-scale", "0"]):
            result = subprocess.run([SANDBOX, *options], capture_output=True, text=True, timeout=PATIENCE, cwd=self.folder)
            self.assertEqual(result.returncode, 2, options)
            self.assertTrue(result.stderr, options)
            if options[1:] == ["freshdsk"]:
                self.assertIn("freshdesk", result.stderr)


if __name__ == "__main__":
    unittest.main()

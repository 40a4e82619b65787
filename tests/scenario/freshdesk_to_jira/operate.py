#!/usr/bin/env python3
"""What an operator does around a run of Freshdesk to Jira, with the real programs over sockets: verification after
somebody has tampered with Jira, orphans and their removal, stop and Ctrl+C, rollback."""
import base64
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
import unittest
import urllib.request

import run as pair

INTERNAL = [{"key": "sd.public.comment", "value": {"internal": True}}]
PUBLIC = [{"key": "sd.public.comment", "value": {"internal": False}}]


class Jira:
    """The stand-in as a person with an account uses it."""

    def __init__(self, url):
        self.url = url
        secret = f"{pair.CREDENTIALS['JIRA_EMAIL']}:{pair.CREDENTIALS['JIRA_TOKEN']}".encode()
        self.sign_in = "Basic " + base64.b64encode(secret).decode()

    def call(self, method, path, body=None, **headers):
        headers = {"Authorization": self.sign_in, "Content-Type": "application/json", **headers}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + "/rest/api/3" + path, data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
            return json.loads(content) if content and "json" in answer.headers["Content-Type"] else content

    def issues(self):
        with urllib.request.urlopen(self.url + "/_sim/state") as answer:
            return list(json.load(answer)["issues"].values())

    def upload(self, key, name, content):
        boundary = "a-boundary-of-the-test"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n' \
               "Content-Type: application/octet-stream\r\n\r\n"
        self.call("POST", f"/issue/{key}/attachments", head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
                  **{"Content-Type": f"multipart/form-data; boundary={boundary}", "X-Atlassian-Token": "no-check"})


class Operate(unittest.TestCase):
    def setUp(self):
        self.ends = contextlib.ExitStack()
        self.addCleanup(self.ends.close)
        self.folder = self.ends.enter_context(tempfile.TemporaryDirectory(prefix="migrate-operate-"))
        self.work = os.path.join(self.folder, "work")

    def begin(self, items, *options):
        self.sandbox = self.ends.enter_context(Unmasked(items, *options))
        self.jira = Jira(self.sandbox.urls["jira"])

    def command(self, *arguments, work=None):
        return [os.path.join(pair.BUILD, "bin", "migrate"), arguments[0], pair.DRIVER, "--working-dir", work or self.work,
                "--set", f"source.url={self.sandbox.urls['freshdesk']}", "--set", f"sink.url={self.sandbox.urls['jira']}",
                "--set", "sink.index_lag=1", *arguments[1:]]

    def expect(self, code, *arguments, work=None, answer=""):
        done = subprocess.run(self.command(*arguments, work=work), env={**os.environ, **pair.CREDENTIALS}, input=answer,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, code, f"migrate {' '.join(arguments)}:\n{done.stdout[-3000:]}")
        return done.stdout

    def migrate(self, items, *options):
        self.begin(items, *options)
        self.expect(0, "run", "--progress", "none", "--verify", "none")

    # -- verification ------------------------------------------------------------------------------------------------

    def verify(self, code):
        return [self.expect(code, "verify", "--level", level, "--progress", "none")
                for level in ("basic", "standard", "comprehensive")]

    def issue_with(self, wanted):
        return next(issue for issue in self.jira.issues() if wanted(issue))

    def tampered(self, *words):
        """Every level finds it, and says where."""
        for out in self.verify(4):
            for word in words:
                self.assertIn(word, out)

    def test_a_changed_word_a_lost_comment_and_a_swapped_visibility_are_found(self):
        self.migrate(12)
        commented = [issue for issue in self.jira.issues() if len(issue["comments"]) > 1]
        first = commented[0]["key"]
        description = self.jira.call("GET", f"/issue/{first}?fields=description")["fields"]["description"]
        before = json.loads(json.dumps(description))
        text = next(node for block in description["content"][1:] for node in texts(block))
        text["text"] = text["text"] + " indeed"
        self.jira.call("PUT", f"/issue/{first}?notifyUsers=false", {"fields": {"description": description}})
        self.tampered(first, "description")
        self.jira.call("PUT", f"/issue/{first}?notifyUsers=false", {"fields": {"description": before}})
        self.verify(0)

        self.swap_visibility(commented[0])
        self.tampered(first, "internal")
        self.swap_visibility(self.issue_with(lambda issue: issue["key"] == first))
        self.verify(0)

        lost = commented[1]["comments"][0]
        self.jira.call("DELETE", f"/issue/{commented[1]['key']}/comment/{lost['id']}")
        self.tampered(commented[1]["key"], "comment")

    def swap_visibility(self, issue):
        comment = issue["comments"][0]
        path = f"/issue/{issue['key']}/comment/{comment['id']}"
        body = self.jira.call("GET", path)["body"]
        self.jira.call("PUT", path + "?notifyUsers=false",
                       {"body": body, "properties": PUBLIC if comment["internal"] else INTERNAL})

    def test_a_missing_file_a_changed_byte_and_a_wrong_status_are_found(self):
        self.migrate(12)
        files = [(issue["key"], file) for issue in self.jira.issues() for file in issue["attachments"]
                 if file["size"] > 0 and not file["referencedBy"]]
        key, file = files[0]
        content = self.jira.call("GET", f"/attachment/content/{file['id']}?redirect=false")
        self.jira.call("DELETE", f"/attachment/{file['id']}")
        self.tampered(key, file["name"])
        self.jira.upload(key, file["name"], bytes([content[0] ^ 1]) + content[1:])
        self.tampered(key, file["name"], "other bytes")
        again = next(each for each in self.issue_with(lambda issue: issue["key"] == key)["attachments"]
                     if each["name"] == file["name"])
        self.jira.call("DELETE", f"/attachment/{again['id']}")
        self.jira.upload(key, file["name"], content)
        self.verify(0)

        transition = self.jira.call("GET", f"/issue/{key}/transitions")["transitions"][0]
        self.jira.call("POST", f"/issue/{key}/transitions", {"transition": {"id": transition["id"]}})
        self.tampered(key, "status")

    # -- orphans -----------------------------------------------------------------------------------------------------

    def test_orphans_are_shown_and_removed_only_on_a_typed_word(self):
        self.migrate(10)
        count = len(self.jira.issues())
        self.assertIn("0 orphans, 0 unfinished, 0 gone", self.expect(0, "orphans"))
        # A second working directory, made from nothing: its journal knows none of what the first has made. Whose it is
        # is told by the marks.
        other = os.path.join(self.folder, "other")
        with open(os.path.join(self.work, "migration-status.json")) as status:
            state = json.load(status)["migrationId"]
        out = self.expect(0, "orphans", work=other)
        self.assertIn(f"0 orphans, 0 unfinished, 0 gone, {count} of other states", out)
        self.assertIn(f"Made by the state {state}", out)
        self.assertFalse(os.path.exists(other), "a look made the working directory")
        self.expect(0, "orphans", "--delete", "--yes", work=other)
        self.assertEqual(len(self.jira.issues()), count)
        # An older version's marks do not tell.
        for issue in self.jira.issues():
            mark = issue["properties"]["migration"]
            del mark["state"]
            self.jira.call("PUT", f"/issue/{issue['key']}/properties/migration", mark)
        out = self.expect(0, "orphans", work=other)
        self.assertIn(f"{count} orphans, 0 unfinished, 0 gone", out)
        self.assertIn("another --working-dir", out)
        self.assertIn(f"{count} would be removed", self.expect(0, "orphans", "--delete", "--dry-run", work=other))
        asked = self.expect(2, "orphans", "--delete", work=other, answer="yes\n")
        self.assertIn("from the project SUP of " + self.sandbox.urls["jira"], asked)
        self.assertRegex(asked, rf"{count} items that the journal does not know: SUP-\d+, SUP-")
        self.assertIn(f"{count} may be another working directory's", asked)
        self.assertIn('Type "freshdesk-to-jira" to do it', asked)
        self.assertEqual(len(self.jira.issues()), count)
        self.expect(0, "orphans", "--delete", "--yes", work=other)
        self.assertEqual(len(self.jira.issues()), 0)
        # The reverse: what the journal knows and the target has lost.
        self.assertIn(f"0 orphans, 0 unfinished, {count} gone", self.expect(0, "orphans"))

    def test_what_somebody_else_made_is_no_orphan(self):
        self.migrate(8)
        fields = {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "made by hand"}
        self.jira.call("POST", "/issue", {"fields": fields})
        self.assertIn("0 orphans, 0 unfinished, 0 gone", self.expect(0, "orphans"))

    # -- another Jira ------------------------------------------------------------------------------------------------

    def test_a_state_belongs_to_one_jira(self):
        self.migrate(6)
        with Unmasked(6) as other:
            own, self.sandbox.urls = self.sandbox.urls, {**self.sandbox.urls, "jira": other.urls["jira"]}
            for command in (["run", "--progress", "none"], ["rollback", "--yes", "--progress", "none"], ["orphans"]):
                out = self.expect(3, *command)
                self.assertIn("belongs to the project SUP of " + own["jira"], out)
                self.assertIn("leads to the project SUP of " + other.urls["jira"], out)
            mappings = os.path.join(self.folder, "theirs.csv")
            with open(mappings, "w", encoding="utf-8") as file:
                file.write("source_id,target_id\n4711,SUP-4711\n")
            self.assertIn("leads to the project SUP of " + other.urls["jira"],
                          self.expect(3, "map", "--type", "tickets", "--import", mappings))
            self.assertEqual(Jira(other.urls["jira"]).issues(), [])
            self.sandbox.urls = own
        self.assertNotIn("4711", self.expect(0, "map", "--type", "tickets"))
        self.expect(0, "run", "--progress", "none", "--verify", "none")

    def test_a_jira_that_calls_itself_the_same_is_the_same_at_another_address(self):
        with Named(6) as first:
            self.sandbox = first
            self.expect(0, "run", "--progress", "none", "--verify", "none")
            with Named(6) as second:
                self.assertNotEqual(first.urls["jira"], second.urls["jira"])
                self.sandbox = second
                self.expect(0, "orphans")

    # -- interruption ------------------------------------------------------------------------------------------------

    def interrupted(self, how):
        self.begin(16, "--latency", "40")
        process = subprocess.Popen(self.command("run", "--progress", "none", "--verify", "none"),
                                   env={**os.environ, **pair.CREDENTIALS}, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            # The moment is one of the run's own: the first issues are there, the last are not.
            while not self.jira.issues():
                self.assertIsNone(process.poll(), "the run ended before it made anything")
            how(process)
            self.assertEqual(process.wait(timeout=120), 130)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        # What was in flight was finished or taken back: each issue is whole, and settled in the journal, before any other
        # run has come to complete it.
        issues = self.jira.issues()
        self.assertEqual(self.incomplete(issues), [])
        settled, open_steps = self.journal()
        self.assertEqual({issue["key"] for issue in issues}, settled)
        self.assertEqual(open_steps, [])
        self.assertIn("0 orphans, 0 unfinished, 0 gone", self.expect(0, "orphans"))
        self.expect(0, "run", "--progress", "none", "--verify", "comprehensive")
        self.assertIn("0 orphans, 0 unfinished, 0 gone", self.expect(0, "orphans"))
        self.assertEqual(self.incomplete(self.jira.issues()), [])

    @staticmethod
    def incomplete(issues):
        return [issue["key"] for issue in issues if any("incomplete" in label for label in issue["labels"])]

    def journal(self):
        """Keys of the issues that the state has settled; steps of records that it has not."""
        state = sqlite3.connect(f"file:{os.path.join(self.work, 'migration.db')}?mode=ro", uri=True)
        with contextlib.closing(state):
            outcomes = {key: json.loads(value)["id"] for key, value in state.execute("SELECT key, value FROM outcome")}
            steps = [key for (key,) in state.execute("SELECT key FROM step")]
        return set(outcomes.values()), [key for key in steps if key.rpartition("/")[0] not in outcomes]

    def test_after_ctrl_c_nothing_is_half_there(self):
        self.interrupted(lambda process: process.send_signal(signal.SIGINT))

    def test_after_stop_nothing_is_half_there(self):
        self.interrupted(lambda process: self.expect(0, "stop"))

    # -- rollback ----------------------------------------------------------------------------------------------------

    def test_rollback_takes_back_what_it_made_and_only_that(self):
        self.begin(8)
        fields = {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "made by hand"}
        self.jira.call("POST", "/issue", {"fields": fields})
        self.expect(0, "run", "--progress", "none", "--verify", "none")
        made = len(self.jira.issues()) - 1
        self.assertGreater(made, 0)
        # One's own id map says nothing new: it goes with the items.
        mappings = os.path.join(self.work, "mappings", "tickets.json")
        self.expect(0, "map", "--type", "tickets", "--import", mappings)
        self.assertIn('did you mean "tickets"?', self.expect(2, "map", "--type", "ticket", "--import", mappings))
        said = self.expect(0, "rollback", "--yes", "--progress", "none")
        self.assertIn(f"  tickets: {made} items, ", said)
        self.assertIn(": Taken back\n", said)
        self.assertEqual([issue["fields"]["summary"] for issue in self.jira.issues()], ["made by hand"])
        self.assertEqual(self.expect(0, "map", "--type", "tickets"), "")
        self.assertFalse(os.path.exists(mappings))
        self.assertIn("Nothing that", self.expect(0, "rollback", "--dry-run"))
        self.expect(0, "run", "--progress", "none", "--verify", "none")
        self.assertEqual(len(self.jira.issues()), made + 1)

    def test_statistics_of_a_run(self):
        self.migrate(10)
        with open(os.path.join(self.work, "final-migration-report.json"), encoding="utf-8") as file:
            report = json.load(file)
        counters = report["types"]["tickets"]
        self.assertEqual(counters["read"], counters["written"])
        self.assertEqual(counters["failed"], 0)
        self.assertGreater(counters["files"], 0)
        self.assertEqual(counters["files"], counters["files_written"])

    def test_deleted_tickets_and_spam_are_told_from_the_others(self):
        self.begin(16)
        self.expect(0, "run", "--progress", "none", "--verify", "none", "--set", "source.include=[deleted, spam]")
        with urllib.request.urlopen(self.sandbox.urls["freshdesk"] + "/_sim/state") as answer:
            tickets = json.load(answer)["tickets"]
        kinds = {str(ticket["id"]): ticket["kind"] for ticket in tickets}
        seen = set()
        for issue in self.jira.issues():
            ticket = issue["properties"]["migration"]["key"].split("/")[2]
            # A row of the table of further fields: the name, and behind it the value.
            words = [node["text"].strip() for node in texts(issue["fields"]["description"])]
            marks = {kind for kind in ("deleted", "spam")
                     if any(word.rstrip(": ") == kind and after.strip(": ") in ("true", "yes")
                            for word, after in zip(words, words[1:]))}
            self.assertEqual(marks, {kinds[ticket]} - {"active", "archived"}, (issue["key"], words[-40:]))
            seen |= marks
        self.assertEqual(seen, {"deleted", "spam"})


class Unmasked(pair.Sandbox):
    """Issues under their keys, not under what stays the same from run to run."""
    settings = {**pair.SETTINGS, "jira": {**pair.SETTINGS["jira"], "masked": False}}


class Named(pair.Sandbox):
    settings = {**pair.SETTINGS, "jira": {**pair.SETTINGS["jira"], "base_url": "https://jira.example.com"}}


def texts(node):
    if node.get("type") == "text":
        yield node
    for child in node.get("content", []):
        yield from texts(child)


if __name__ == "__main__":
    unittest.main()

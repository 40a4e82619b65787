#!/usr/bin/env python3
"""Stopped by Ctrl+C or from another shell, locked out by another run: nothing is lost, and the next run goes on."""
import json
import signal

import program

QUESTION = "(q)uit?"


class Interrupts(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.mend_dates()

    def resumes(self):
        self.resumes_from(1)

    def resumes_from(self, run):
        self.expect(0, "run", self.file)
        self.assertEqual(self.rows("SELECT count(*), count(DISTINCT legacy_id) FROM people"), [(6, 6)])
        people = self.report()["types"]["people"]
        self.assertEqual((people["read"], people["written"] + people["skipped"]), (6, 6))
        self.assertEqual(self.report()["run"], run, "it went on with the run instead of starting another")

    def test_ctrl_c(self):
        running = self.start("run", self.file, "--interactive")
        running.read_until(QUESTION)
        running.say("m\n")
        running.text = ""
        running.read_until(QUESTION)
        running.signal(signal.SIGINT)
        self.assertEqual(running.end(), 130, running.text)
        self.assertIn("Stopping", running.text)
        self.assertEqual(self.status()["status"], "stopped")
        self.assertEqual(self.rows("SELECT count(*) FROM towns"), [(1,)])
        self.resumes()

    def test_sigterm(self):
        running = self.start("run", self.file, "--interactive")
        running.read_until(QUESTION)
        running.signal(signal.SIGTERM)
        self.assertEqual(running.end(), 130, running.text)
        self.resumes()

    def test_stop_from_another_shell(self):
        running = self.start("run", self.file, "--interactive")
        running.read_until(QUESTION)
        self.assertEqual(json.loads(self.expect(0, "status", self.file, "--json").out)["status"], "running")
        self.assertIn("is asked to stop", self.expect(0, "stop", self.file).out)
        self.assertEqual(running.end(), 130, running.text)
        self.assertFalse((self.work / "stop").exists(), "the request outlived the run")
        self.assertTrue(any(event["event"] == "stop_requested" for event in self.log()))
        self.resumes()

    def test_stop_and_status_need_no_secret_of_the_ends(self):
        self.file.write_text(program.MIGRATION.replace("path: target.db", 'path: "${env:TARGET_DATABASE}"'))
        environment = self.environment() | {"TARGET_DATABASE": str(self.target)}
        running = self.start("run", self.file, "--interactive", environment=environment)
        running.read_until(QUESTION)
        self.assertEqual(json.loads(self.expect(0, "status", self.file, "--json").out)["status"], "running")
        self.assertIn("is asked to stop", self.expect(0, "stop", self.file).out)
        self.assertEqual(running.end(), 130, running.text)
        self.assertIn("TARGET_DATABASE is not set", self.expect(2, "run", self.file).err)

    def test_a_signal_that_nohup_ignores_stays_ignored(self):
        running = self.start("run", self.file, "--interactive", ignoring=signal.SIGHUP)
        running.read_until(QUESTION)
        running.signal(signal.SIGHUP)
        running.text = ""
        running.say("m\n")
        running.read_until(QUESTION)
        running.say("a\n")
        self.assertEqual(running.end(), 0, running.text)
        self.assertNotIn("Stopping", running.text)

    def test_stop_of_a_long_run(self):
        connection_rows = ",".join(f"({i},'P{i}','2000-01-01','Dubai')" for i in range(7, 30_007))
        self.write(self.legacy, f"INSERT INTO people VALUES {connection_rows}")
        running = self.start("run", self.file, "--batch-size", "1", "--progress", "json")
        running.read_until('"phase":"import"')
        self.expect(0, "stop", self.file)
        code = running.end()
        self.assertEqual(code, 130, running.text[-2000:])
        arrived = self.rows("SELECT count(*) FROM people")[0][0] if self.target.exists() else 0
        self.assertLess(arrived, 30_006)
        self.expect(0, "run", self.file)
        self.assertEqual(self.rows("SELECT count(*), count(DISTINCT legacy_id) FROM people"), [(30_006, 30_006)])

    def test_a_stop_request_is_not_kept_for_the_next_run(self):
        self.expect(2, "stop", self.file)  # no folder yet: the message says so
        self.expect(0, "run", self.file, "--only", "towns")
        self.assertIn("No run", self.expect(0, "stop", self.file).out)
        self.expect(0, "run", self.file)
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(6,)])

    def test_a_stop_request_holds_from_the_start_of_the_program(self):
        self.expect(0, "run", self.file, "--only", "towns")
        # It has begun and has not opened its state.
        running = self.start("run", self.file, "--fresh")
        running.read_until("Start anew?")
        self.expect(0, "stop", self.file)
        running.say("y\n")
        self.assertEqual(running.end(), 130, running.text)
        self.resumes_from(2)

    def test_two_runs_in_one_folder(self):
        running = self.start("run", self.file, "--interactive")
        running.read_until(QUESTION)
        second = self.expect(3, "run", self.file)
        self.assertIn(str(running.process.pid), second.err, "the message does not name the holder")
        self.assertEqual(self.status()["status"], "running", "the second run wrote into the first one's status")
        self.assertEqual(self.status()["pid"], running.process.pid)
        running.say("a\n")
        self.assertEqual(running.end(), 0, running.text)
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(6,)])

    def test_killed(self):
        running = self.start("run", self.file, "--interactive")
        running.read_until(QUESTION)
        running.say("m\n")
        running.text = ""
        running.read_until(QUESTION)
        running.signal(signal.SIGKILL)
        self.assertEqual(running.end(), -signal.SIGKILL)
        self.assertEqual(json.loads(self.expect(0, "status", self.file, "--json").out)["status"], "interrupted")
        self.assertIn("Go on with", self.expect(0, "status", self.file).out)
        self.resumes()


if __name__ == "__main__":
    program.main()

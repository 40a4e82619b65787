#!/usr/bin/env python3
"""Runs to their end: exit codes, files, resuming, retrying, rehearsing."""
import json
import shlex
import zipfile

import program


class Runs(program.ProgramTest):
    def test_everything_arrives(self):
        self.mend_dates()
        result = self.expect(0, "run", self.file, "--progress", "plain")
        self.assertEqual(self.rows("SELECT legacy_id, name FROM people ORDER BY legacy_id"),
                         [(1, "Ada"), (2, "Bo"), (3, "Cy"), (4, "Di"), (5, "Ed"), (6, "Flo")])
        self.assertEqual(self.report()["types"]["people"]["written"], 6)
        self.assertEqual(self.report()["failures"], [])
        self.assertIn("everything arrived", result.out)

    def test_some_fail_and_are_retried_alone(self):
        result = self.expect(1, "run", self.file)
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(5,)])
        report = self.report()
        self.assertEqual(report["status"], "done_with_failures")
        people = report["types"]["people"]
        self.assertEqual((people["read"], people["written"], people["failed"]), (6, 5, 1))
        self.assertEqual([(f["type"], f["id"], f["cause"]) for f in report["failures"]], [("people", "3", "invalid_date")])
        self.assertIn("not a date", report["failures"][0]["message"])
        cause = report["causes"][0]
        self.assertEqual((cause["cause"], cause["count"]), ("invalid_date", 1))
        self.assertIn("--cause invalid_date", cause["retry"])
        for words in ("1 people: invalid_date", "for example people 3", "migrate retry", "final-migration-report.json"):
            self.assertIn(words, result.out)
        self.assertTrue(any(e["event"] == "failure" and e["id"] == "3" for e in self.log()))

        self.expect(1, "retry", self.file)
        self.mend_dates()
        result = self.expect(2, "retry", self.file, "--cause", "invalid_data")
        self.assertIn('no record has failed with the cause "invalid_data"; did you mean "invalid_date"?', result.err)
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(5,)])
        self.expect(0, "retry", self.file, "--cause", "invalid_date")
        self.assertIn("none has failed", self.expect(2, "retry", self.file, "--cause", "invalid_date").err)
        self.assertEqual(self.rows("SELECT name FROM people WHERE legacy_id=3"), [("Cy",)])
        self.assertEqual(self.report()["failures"], [])

    def test_a_second_run_doubles_nothing(self):
        self.mend_dates()
        self.expect(0, "run", self.file)
        before = self.rows("SELECT * FROM people ORDER BY id")
        self.expect(0, "run", self.file)
        self.expect(0, "run", self.file, "--fresh", "--yes")
        self.assertEqual(self.rows("SELECT * FROM people ORDER BY id"), before)

    def test_fresh_asks_first(self):
        self.mend_dates()
        self.expect(0, "run", self.file)
        self.write(self.target, "DELETE FROM people WHERE legacy_id=1")
        result = self.expect(2, "run", self.file, "--fresh", stdin="n\n")
        self.assertIn("Start anew?", result.out)
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(5,)])
        self.expect(2, "run", self.file, "--fresh", stdin="")
        self.expect(0, "run", self.file, "--fresh", stdin="y\n")
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(6,)])

    def test_dry_run_writes_nothing(self):
        result = self.expect(1, "run", self.file, "--dry-run")
        self.assertFalse(self.target.exists(), "a rehearsal made the target")
        self.assertFalse((self.work / "final-migration-report.json").exists())
        rehearsed = json.loads((self.work / "dry-run" / "final-migration-report.json").read_text())
        self.assertEqual(rehearsed["mode"], "dry_run")
        self.assertEqual(rehearsed["types"]["people"]["read"], 6)
        self.assertIn("invalid_date", result.all)
        self.assertIn("people: Rehearsed: 1 of 9 records would not arrive; nothing was written", result.out)
        self.assertIn("8 would be created, 0 changed, 0 are there already, 1 would be refused", result.out)
        self.assertEqual([(f["id"], f["cause"]) for f in rehearsed["failures"]], [("3", "invalid_date")])
        self.expect(1, "run", self.file)
        before = self.rows("SELECT * FROM people")
        self.write(self.legacy, "UPDATE people SET name='Changed'")
        kept = [(self.work / name).read_text() for name in ("migration-status.json", "migration-checkpoint.json")]
        self.assertIn("0 would be created, 5 changed, 3 are there already, 1 would be refused",
                      self.expect(1, "run", self.file, "--dry-run").out)
        self.assertEqual(self.rows("SELECT * FROM people"), before)
        self.assertEqual([(self.work / name).read_text() for name in ("migration-status.json", "migration-checkpoint.json")],
                         kept, "a rehearsal passes for what happened")

    def test_recommended_commands_name_the_same_place(self):
        self.expect(1, "run", self.file, "--working-dir", "other place", "--set", "run.batch_size=2")
        report = json.loads((self.folder / "other place" / "final-migration-report.json").read_text())
        words = report["causes"][0]["retry"]
        self.assertIn("--working-dir 'other place' --set run.batch_size=2 --cause invalid_date", words)
        self.mend_dates()
        self.expect(0, *shlex.split(words)[1:])
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(6,)])

    def test_lists_in_the_workbook(self):
        self.expect(1, "run", self.file)

        def sheet(number):
            with zipfile.ZipFile(self.work / "migration-report.xlsx") as book:
                return book.read(f"xl/worksheets/sheet{number}.xml").decode()
        self.assertEqual(sheet(1).count("<row "), 1 + 8)
        self.assertEqual(sheet(2).count("<row "), 1 + 1)
        for words in ("invalid_date", "not a date"):
            self.assertIn(words, sheet(2))
        self.assertIn("Success rate", sheet(3))
        self.assertIn("people 3", sheet(3))
        self.expect(0, "report", self.file, "--format", "xlsx", "--max-rows", "2")
        self.assertEqual(sheet(1).count("<row "), 1 + 2 + 1)
        self.assertIn("Only the first 2 of 8", sheet(1))

    def test_only_and_where(self):
        self.mend_dates()
        self.expect(0, "run", self.file, "--only", "towns")
        self.assertEqual(self.rows("SELECT count(*) FROM towns"), [(3,)])
        self.assertEqual(self.rows("SELECT count(*) FROM sqlite_master WHERE name='people'")[0][0] and
                         self.rows("SELECT count(*) FROM people")[0][0], 0)
        self.expect(0, "run", self.file, "--only", "people", "--where", "people.town=dubai")
        self.assertEqual(self.rows("SELECT name FROM people ORDER BY name"), [("Ada",), ("Di",), ("Ed",)])
        pending = json.loads(self.expect(0, "pending", self.file, "--only", "people", "--json").out)
        self.assertEqual(sorted(p["id"] for p in pending), ["2", "3", "6"])

    def test_where_is_about_one_type(self):
        self.mend_dates()
        result = self.expect(0, "run", self.file, "--where", "people.town=dubai")
        self.assertEqual(self.rows("SELECT name FROM people ORDER BY name"), [("Ada",), ("Di",), ("Ed",)])
        self.assertEqual(self.rows("SELECT count(*) FROM towns"), [(0,)])
        self.assertEqual(list(self.report()["types"]), ["people"])
        result = self.expect(0, "run", self.file, "--where", "people.town=nowhere")
        self.assertIn("there was nothing to move", result.out)
        self.assertNotIn("everything arrived", result.out)
        result = self.expect(0, "run", self.file, "--where", "people.twon=dubai")
        self.assertIn('none of the 6 records of people that were read has a field "twon"', result.out)

    def test_types_that_do_not_exist(self):
        for words in (["--only", "peple"], ["--where", "peple.town=dubai"], ["--set", "run.only=[peple]"]):
            result = self.expect(2, "run", self.file, *words)
            self.assertIn('did you mean "people"?', result.err)
        self.assertIn('"people"', self.expect(2, "pending", self.file, "--only", "peple").err)
        self.assertIn("only", self.expect(2, "run", self.file, "--only", "towns", "--where", "people.town=dubai").err)
        self.assertFalse(self.target.exists())
        self.assertFalse(self.work.exists(), "what was refused left a state behind")

    def test_pending_tells_why(self):
        before = json.loads(self.expect(0, "pending", self.file, "--json").out)
        self.assertEqual(len(before), 9)
        self.assertFalse(self.work.exists(), "looking made the working directory")
        self.expect(1, "run", self.file)
        result = self.expect(0, "pending", self.file)
        self.assertEqual(len(result.out.splitlines()), 1)
        self.assertIn("people\t3\tinvalid_date\t", result.out)

    def test_delta(self):
        self.mend_dates()
        self.expect(0, "run", self.file)
        self.write(self.legacy, "UPDATE people SET name='Adele' WHERE id=1", "DELETE FROM people WHERE id=2",
                   "INSERT INTO people VALUES (7,'Gil','2000-01-01','Ajman')")
        self.expect(0, "run", self.file, "--mode", "incremental")
        self.assertEqual(self.rows("SELECT legacy_id, name FROM people ORDER BY legacy_id"),
                         [(1, "Adele"), (3, "Cy"), (4, "Di"), (5, "Ed"), (6, "Flo"), (7, "Gil")])

    def test_files_of_a_run(self):
        self.expect(1, "run", self.file, "--verify", "standard")
        status = self.status()
        self.assertEqual(status["status"], "done_with_failures")
        self.assertEqual(status["types"]["people"]["failed"], 1)
        for key in ("migrationId", "phase", "rate", "eta_seconds", "lastErrors"):
            self.assertIn(key, status)
        for name in ("read", "transformed", "written", "skipped", "dropped", "failed", "linked", "verified"):
            self.assertIn(name, status["types"]["people"])
        self.assertEqual(status["lastErrors"][0]["cause"], "invalid_date")
        checkpoint = json.loads((self.work / "migration-checkpoint.json").read_text())
        self.assertEqual(checkpoint["migrationId"], status["migrationId"])
        self.assertEqual(checkpoint["lastCompletedPhase"], "post_migration")
        self.assertEqual(set(checkpoint), {"migrationId", "lastCompletedPhase", "timestamp", "migrationState"})
        self.assertEqual(json.loads((self.work / "verification-results" / "standard.json").read_text())["differences"], 0)
        mappings = json.loads((self.work / "mappings" / "people.json").read_text())
        self.assertEqual(mappings, {str(legacy): own for legacy, own in self.rows("SELECT legacy_id, id FROM people")})
        page = (self.work / "migration-report.html").read_text()
        self.assertIn("<svg", page)
        self.assertIn("invalid_date", page)
        self.assertNotIn("http", page.replace("http-equiv", ""))
        with zipfile.ZipFile(self.work / "migration-report.xlsx") as book:
            workbook = book.read("xl/workbook.xml").decode()
        self.assertLess(workbook.index("Migrated"), workbook.index("Unmigrated"))
        self.assertLess(workbook.index("Unmigrated"), workbook.index("Summary"))
        self.assertIn("invalid_date", (self.work / "migration-executive-summary.md").read_text().replace("\\", ""))
        self.assertEqual(list(self.work.glob("*.tmp")), [])
        # The same from the state alone.
        (self.work / "migration-report.html").unlink()
        self.assertIn("migration-report.html", self.expect(0, "report", self.file, "--format", "html").out)
        self.assertTrue((self.work / "migration-report.html").exists())

    def test_status(self):
        self.assertEqual(json.loads(self.expect(0, "status", self.file, "--json").out)["status"], "none")
        self.assertFalse(self.work.exists())
        self.expect(1, "run", self.file)
        self.assertEqual(json.loads(self.expect(0, "status", self.file, "--json").out)["status"], "done_with_failures")
        self.assertIn("invalid_date", self.expect(0, "status", self.file).out)

    def test_progress_for_programs(self):
        result = self.expect(1, "run", self.file, "--progress", "json")
        lines = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual(lines[-1]["event"], "end")
        self.assertEqual(lines[-1]["report"]["types"]["people"]["written"], 5)

    def test_rollback(self):
        self.mend_dates()
        self.write(self.target, "CREATE TABLE towns (id INTEGER PRIMARY KEY, legacy_id BIGINT UNIQUE, name TEXT)",
                   "INSERT INTO towns VALUES (10, NULL, 'Ours')")
        self.expect(0, "run", self.file)
        # The last run has written nothing; what is taken back is what all of them have.
        self.expect(0, "run", self.file)
        shown = self.expect(0, "rollback", self.file, "--dry-run")
        self.assertIn("  people: 2 chunks of rows\n  towns: 2 chunks of rows\n", shown.out)
        self.assertIn("nothing has been done", shown.out)
        self.expect(2, "rollback", self.file, stdin="n\n")
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(6,)])
        # Somebody works with the target meanwhile: that is not taken away.
        self.write(self.target, "UPDATE people SET name='Edited by hand' WHERE legacy_id=4")
        result = self.migrate("rollback", self.file, "--yes")
        self.assertEqual(self.rows("SELECT name FROM people"), [("Edited by hand",)])
        self.assertEqual(self.rows("SELECT id, name FROM towns"), [(10, "Ours")])
        self.assertIn("people: Taken back, 1 kept\n", result.out)
        self.assertFalse((self.work / "mappings" / "towns.json").exists())
        self.expect(0, "report", self.file)
        self.assertIn("Taken back, 1 kept", (self.work / "migration-executive-summary.md").read_text())
        self.assertEqual([kept["type"] for kept in self.report()["rollback"]["kept"]], ["people"])
        self.assertEqual((self.status()["mode"], self.status()["phase"]), ("rollback", "rollback"))
        self.assertEqual(self.expect(result.code, "rollback", self.file, "--yes").code, result.code)
        self.assertEqual(self.rows("SELECT name FROM people"), [("Edited by hand",)])


if __name__ == "__main__":
    program.main()

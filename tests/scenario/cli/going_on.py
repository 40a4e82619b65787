#!/usr/bin/env python3
"""The command that goes on, as it is printed: run as it stands, it does what the one that was interrupted would have."""
import re
import shlex
import signal

import program

QUESTION = "(q)uit?"


class GoingOn(program.ProgramTest):
    def interrupted(self, *words, how=signal.SIGINT):
        """Ends at its first question."""
        running = self.start(*words, "--interactive")
        running.read_until(QUESTION)
        running.signal(how)
        self.assertEqual(running.end(), 130 if how == signal.SIGINT else -how, running.text)

    def named(self, text):
        return re.search(r"Go on where it ended: `(.*)`", text)[1]

    def summary(self, folder=None):
        return (self.folder / (folder or self.work) / "migration-executive-summary.md").read_text()

    def status_names(self, *words):
        said = self.expect(0, "status", self.file, *words).out
        return re.search(r"Go on with: (.*)", said)[1]

    def go_on(self, code, command):
        words = shlex.split(command)
        self.assertEqual(words[0], "migrate")
        return self.expect(code, *words[1:], stdin="a\n" if "--interactive" in words else "")

    def test_a_run_goes_on_with_its_own_options(self):
        self.mend_dates()
        self.write(self.legacy, "UPDATE people SET town='Abu Dhabi' WHERE town='Dubai'")
        plugins = self.folder / "my plugins"
        plugins.mkdir()
        options = ["--working-dir", "other work", "--set", "run.sample=7", "--plugins", "my plugins", "--where",
                   "people.town=Abu Dhabi", "--verify", "comprehensive", "--no-rollback", "--skip-phases", "linking",
                   "--batch-size", "2"]
        self.interrupted("run", self.file, *options)
        command = self.named(self.summary("other work"))
        place = f"{self.file} --working-dir 'other work'"
        self.assertEqual(command, f"migrate run {place} --set run.sample=7 --plugins '{plugins}' --where 'people.town=Abu "
                                  "Dhabi' --verify comprehensive --no-rollback --skip-phases linking --batch-size 2 "
                                  "--interactive")
        # From the status, too, which is asked for without these options; also by who writes the reports anew.
        self.assertEqual(self.status_names("--working-dir", "other work"), command)
        self.expect(0, "report", self.file, "--working-dir", "other work", "--format", "md")
        self.assertEqual(self.named(self.summary("other work")), command)
        self.go_on(0, command)
        self.work = self.folder / "other work"
        report = self.report()
        self.assertEqual((report["run"], list(report["types"])), (1, ["people"]))
        self.assertEqual(report["verification"]["level"], "comprehensive")
        self.assertEqual(self.rows("SELECT legacy_id FROM people ORDER BY legacy_id"), [(1,), (4,), (5,)])
        self.assertEqual(self.rows("SELECT count(*) FROM towns"), [(0,)])

    def test_no_rollback_holds_for_what_goes_on(self):
        text = program.MIGRATION.replace("run: {", "run: {verify: comprehensive, on_verify_failure: rollback, ")
        self.file.write_text(text)
        self.mend_dates()
        self.write(self.target, "CREATE TABLE towns (id INTEGER PRIMARY KEY, legacy_id BIGINT UNIQUE, name TEXT)",
                   "CREATE TRIGGER makes_a_difference AFTER INSERT ON towns BEGIN "
                   "UPDATE towns SET name='Changed' WHERE id=NEW.id; END")
        self.interrupted("run", self.file, "--no-rollback")
        self.go_on(4, self.named(self.summary()))
        self.assertEqual(self.rows("SELECT count(*) FROM people"), [(6,)])
        self.assertIsNone(self.report().get("rollback"))

    def test_of_a_killed_run_the_status_names_it(self):
        self.mend_dates()
        self.interrupted("run", self.file, "--only", "people", "--set", "run.sample=7", "--verify", "basic",
                         how=signal.SIGKILL)
        command = self.status_names()
        self.assertEqual(command, f"migrate run {self.file} --set run.sample=7 --only people --verify basic --interactive")
        self.go_on(0, command)
        self.assertEqual((self.report()["run"], list(self.report()["types"])), (1, ["people"]))

    def test_the_mode_is_one_of_the_options(self):
        self.mend_dates()
        self.file.write_text(program.MIGRATION.replace("run: {", "run: {mode: incremental, "))
        self.interrupted("run", self.file, "--mode", "full")
        self.assertEqual(self.named(self.summary()), f"migrate run {self.file} --mode full --interactive")
        self.interrupted("run", self.file, "--fresh", "--yes")
        command = self.named(self.summary())
        self.assertEqual(command, f"migrate run {self.file} --mode incremental --interactive")
        self.go_on(0, command)
        self.assertEqual(self.report()["run"], 2)

    def test_a_retry_goes_on_with_its_own_options(self):
        self.expect(1, "run", self.file, "--verify", "none")
        self.mend_dates()
        self.interrupted("retry", self.file, "--cause", "invalid_date")
        command = self.named(self.summary())
        self.assertEqual(command, f"migrate retry {self.file} --cause invalid_date --interactive")
        self.assertEqual(self.status_names(), command)
        self.go_on(0, command)
        self.assertEqual(self.rows("SELECT name FROM people WHERE legacy_id=3"), [("Cy",)])

    def test_what_a_retry_waits_for_is_the_run_with_its_options(self):
        self.mend_dates()
        self.interrupted("run", self.file, "--only", "people", "--batch-size", "2")
        command = f"migrate run {self.file} --only people --batch-size 2 --interactive"
        for code, *words in ((130, "retry"), (4, "verify", "--level", "basic"), (0, "run", "--dry-run", "--only", "towns")):
            self.expect(code, words[0], self.file, *words[1:])
            self.expect(130, "retry", self.file)
            self.assertEqual(self.named(self.summary()), command, words)
            self.assertEqual(self.status_names(), command, words)
        self.go_on(0, command)
        self.assertEqual((self.report()["run"], list(self.report()["types"])), (1, ["people"]))

    def test_what_was_turned_away_is_nothing_to_go_on_with(self):
        self.mend_dates()
        self.interrupted("run", self.file, "--only", "people")
        self.legacy.rename(self.folder / "away.db")
        self.expect(3, "run", self.file)
        (self.folder / "away.db").rename(self.legacy)
        self.expect(0, "report", self.file)
        self.assertEqual(self.named(self.summary()), f"migrate run {self.file} --only people --interactive")

    def test_a_rehearsal_recommends_what_it_has_rehearsed(self):
        self.expect(0, "run", self.file, "--dry-run", "--only", "towns", "--verify", "basic")
        self.assertIn(f"Migrate: `migrate run {self.file} --only towns --verify basic`.", self.summary("people.work/dry-run"))


if __name__ == "__main__":
    program.main()

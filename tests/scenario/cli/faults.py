#!/usr/bin/env python3
"""Whatever is wrong: a message that names the thing and what to do, the right exit code, and nothing lost."""
import json
import os
import unittest

import program


class Faults(program.ProgramTest):
    def broken(self, old, new):
        self.assertIn(old, program.MIGRATION)
        self.file.write_text(program.MIGRATION.replace(old, new))

    def test_usage(self):
        self.assertIn("subcommand", self.expect(2).err)
        self.expect(2, "no-such-command")
        self.assertIn('no command "chek"; did you mean "check"?', self.expect(2, "chek", self.file).err)
        self.expect(2, "run")
        self.expect(2, "run", self.file, "--no-such-option")
        self.assertIn("one of", self.expect(2, "run", self.file, "--mode", "quick").err)
        self.assertIn("json", self.expect(2, "run", self.file, "--progress", "fancy").err)
        self.assertIn("linking", self.expect(2, "run", self.file, "--skip-phases", "import").err)
        self.assertIn("TYPE.FIELD=VALUE", self.expect(2, "run", self.file, "--where", "people").err)
        self.assertIn("run", self.expect(0, "--help").out)
        self.assertFalse(self.work.exists())
        self.assertFalse(self.target.exists())

    def test_missing_migration_file(self):
        result = self.expect(2, "run", "absent.yaml")
        self.assertIn("absent.yaml", result.err)

    def test_unknown_keys_all_at_once_with_their_place(self):
        self.broken("rank: 1}", "rnak: 1}")
        self.file.write_text(self.file.read_text().replace("max_failures", "max_failure"))
        result = self.expect(2, "run", self.file)
        text = self.file.read_text().splitlines()
        for key, nearest in (("rnak", "rank"), ("max_failure", "max_failures")):
            line = next(i for i, row in enumerate(text, 1) if key in row)
            column = text[line - 1].index(key) + 1
            self.assertIn(f"people.yaml:{line}:{column}", result.err)
            self.assertIn(f'"{nearest}"', result.err)
        self.assertFalse(self.work.exists())

    def test_unknown_connector(self):
        self.broken("connector: sqlite\n  path: legacy.db", "connector: sqlit\n  path: legacy.db")
        result = self.expect(2, "run", self.file)
        self.assertIn('"sqlite"', result.err)

    def test_missing_source(self):
        self.legacy.unlink()
        result = self.expect(3, "run", self.file)
        self.assertIn("legacy.db", result.all)
        self.assertFalse(self.legacy.exists(), "a missing source was made")
        self.assertEqual(self.status()["status"], "preflight_failed")

    def test_what_did_not_begin_leaves_the_reports_of_what_did(self):
        self.expect(1, "run", self.file)
        before = self.report()
        self.legacy.rename(self.folder / "away.db")
        for command in ("run", "verify", "retry"):
            result = self.expect(3, command, self.file)
            self.assertIn("not-started", result.out)
            self.assertEqual(self.report(), before)
            self.assertEqual(json.loads((self.work / "not-started" / "final-migration-report.json").read_text())["status"],
                             "preflight_failed")
        (self.folder / "away.db").rename(self.legacy)
        self.expect(1, "run", self.file)
        self.assertEqual(self.report()["run"], 2)

    def test_another_target_needs_another_folder(self):
        self.expect(1, "run", self.file)
        elsewhere = ("--set", f"sink.path={self.folder}/other.db")
        for command in ("run", "verify", "retry", "rollback"):
            result = self.expect(3, command, self.file, *elsewhere, *(["--yes"] if command == "rollback" else []))
            self.assertIn("belongs to the SQLite file", result.all)
            self.assertIn("other.db", result.all)
            self.assertIn("--same-target", result.all)
        self.expect(3, "map", self.file, "--type", "people", *elsewhere)
        self.assertFalse((self.folder / "other.db").exists())
        self.expect(1, "run", self.file, *elsewhere, "--working-dir", "other.work")
        self.expect(1, "run", self.file)
        # State and database go on together, wherever they are.
        moved = self.folder / "moved"
        moved.mkdir()
        self.target.rename(moved / "target.db")
        self.work.rename(moved / "work")
        at = ("--set", f"sink.path={moved}/target.db", "--working-dir", moved / "work")
        self.expect(1, "run", self.file, *at)
        self.assertEqual(self.rows("SELECT count(*) FROM people", moved / "target.db"), [(5,)])

    def test_source_is_no_database(self):
        self.legacy.write_bytes(b"This is not a database. " * 400)
        result = self.expect(3, "run", self.file)
        self.assertIn("legacy.db", result.all)
        self.assertEqual(self.legacy.read_bytes()[:4], b"This")

    def test_missing_table(self):
        self.write(self.legacy, "DROP TABLE people")
        result = self.expect(3, "run", self.file)
        self.assertIn("people", result.all)

    def test_wrong_column(self):
        self.broken("{table: people, key: [id], rank: 1}", "{table: people, key: [id], columns: [id, nmae], rank: 1}")
        result = self.expect(3, "run", self.file)
        self.assertIn("nmae", result.all)

    def test_corrupt_state_is_kept_aside(self):
        self.mend_dates()
        self.expect(0, "run", self.file)
        damaged = b"\x00\x01garbage" * 2000
        (self.work / "migration.db").write_bytes(damaged)
        for extra in ("migration.db-wal", "migration.db-shm"):
            (self.work / extra).unlink(missing_ok=True)
        result = self.expect(3, "run", self.file)
        self.assertIn("migration.db", result.err)
        kept = [p for p in self.work.glob("migration.db*") if p.is_file() and p.read_bytes() == damaged]
        self.assertEqual(len(kept), 1, "the damaged state is gone")
        self.assertNotEqual(kept[0].name, "migration.db")
        self.assertIn(kept[0].name, result.err)
        # The target knows what it has: nothing is doubled.
        self.expect(0, "run", self.file)
        self.assertEqual(self.rows("SELECT count(*), count(DISTINCT legacy_id) FROM people"), [(6, 6)])
        self.assertEqual(kept[0].read_bytes(), damaged)

    def test_looking_leaves_a_corrupt_state(self):
        self.mend_dates()
        self.expect(0, "run", self.file)
        damaged = b"\x00\x01garbage" * 2000
        state = self.work / "migration.db"
        state.write_bytes(damaged)
        for extra in ("migration.db-wal", "migration.db-shm"):
            (self.work / extra).unlink(missing_ok=True)
        for command in ("check", "check", "report", "map", "pending"):
            self.assertIn("left as it is", self.expect(3, command, self.file).err)
        self.expect(0, "status", self.file)
        self.assertEqual(state.read_bytes(), damaged)
        self.assertEqual(list(self.work.glob("*.corrupt-*")), [])
        # Put aside by who would change it, also where a question comes first; from then on every check tells.
        self.assertIn("renamed", self.expect(3, "run", self.file, "--fresh").err)
        for _ in range(2):
            result = self.expect(3, "check", self.file)
            for words in ("✗ state", "migration.db.corrupt-1", "mappings:"):
                self.assertIn(words, result.out)
        self.expect(0, "run", self.file)
        self.expect(0, "check", self.file)

    def test_check_looks_at_the_working_directory(self):
        self.assertIn("✓ working directory", self.expect(0, "check", self.file).out)
        self.assertFalse(self.work.exists())
        self.work.write_text("")
        self.assertIn("✗ working directory", self.expect(3, "check", self.file).out)

    def test_working_directory_is_a_file(self):
        self.work.write_text("in the way")
        result = self.expect(2, "run", self.file)
        self.assertIn("people.work", result.err)
        self.assertEqual(self.work.read_text(), "in the way")

    @unittest.skipIf(not os.path.exists("/dev/full"), "no /dev/full here")
    def test_full_disk_for_reports(self):
        self.mend_dates()
        self.expect(0, "run", self.file)
        name = "final-migration-report.json.tmp"
        (self.work / name).symlink_to("/dev/full")
        result = self.expect(3, "report", self.file, "--format", "json")
        self.assertIn("No space left", result.err)
        (self.work / name).unlink(missing_ok=True)
        self.assertEqual(self.report()["types"]["people"]["written"], 6, "the previous report is not whole any more")

    def test_too_many_failures(self):
        self.write(self.legacy, "UPDATE people SET born='never'")
        result = self.expect(3, "run", self.file, "--set", "run.max_failures=2")
        self.assertIn("max_failures", result.all)

    def test_secret_on_the_command_line_is_refused(self):
        result = self.migrate("run", self.file, "--set", "sink.connector=postgres", "--set",
                              "sink.dsn=postgresql://u:hunter2@127.0.0.1:1/db")
        self.assertEqual(result.code, 2, result.all)
        self.assertNotIn("hunter2", result.all)

    def test_report_of_what_never_ran(self):
        result = self.expect(2, "report", self.file)
        self.assertIn("has not been run yet", result.err)
        self.expect(2, "rollback", self.file, "--yes")
        self.assertFalse(self.work.exists())

    def test_a_mistyped_place_is_no_empty_target(self):
        self.mend_dates()
        self.expect(0, "run", self.file)
        for command in ("verify", "retry"):
            result = self.expect(2, command, self.file, "--working-dir", "people.wrok")
            self.assertIn("has not been run yet: there is no", result.err)
            self.assertIn("--working-dir", result.err)
            self.assertFalse((self.folder / "people.wrok").exists())
        self.expect(0, "verify", self.file)

    def test_a_state_without_a_run_is_nothing_to_verify(self):
        self.expect(1, "run", self.file, "--dry-run")
        self.assertIn("its state is empty", self.expect(2, "verify", self.file).err)
        (self.folder / "towns.csv").write_text("source_id,target_id\n2,70\n")
        self.expect(0, "map", self.file, "--type", "towns", "--import", "towns.csv")
        self.assertNotEqual(self.migrate("verify", self.file).code, 2)

    def test_check_refuses_what_a_run_refuses(self):
        (self.folder / "towns.csv").write_text("source_id,target_id\n2,70\n")
        (self.folder / "bad.csv").write_text("source_id,target_id\n2,70\n2,71\n")
        ready = program.MIGRATION
        for old, new, name, words in [
                ("run: {", "mappings: {towns: absent.csv}\nrun: {", "mappings: towns", "absent.csv"),
                ("run: {", "mappings: {towns: bad.csv}\nrun: {", "mappings: towns", "bad.csv:3:"),
                ("run: {", "mappings: {twons: towns.csv}\nrun: {", "mappings: twons", 'did you mean "towns"?'),
                ("run: {", "run: {only: [town], ", "only and where", 'did you mean "towns"?'),
                ("run: {", "run: {where: {type: peple, field: town, value: x}, ", "only and where",
                 'did you mean "people"?')]:
            self.file.write_text(ready.replace(old, new))
            result = self.expect(3, "check", self.file)
            self.assertIn(f"✗ {name}: ", result.out)
            self.assertIn(words, result.out)
            self.assertNotIn("Ready", result.out)
            self.expect(2, "run", self.file)
        self.file.write_text(ready.replace("run: {", "mappings: {towns: towns.csv}\nrun: {only: [towns], "))
        result = self.expect(0, "check", self.file)
        self.assertIn("✓ mappings: towns", result.out)
        self.assertIn("✓ only and where", result.out)
        self.assertFalse(self.target.exists())

    def test_plugins_and_spec(self):
        listed = json.loads(self.expect(0, "plugins", "--json").out)
        self.assertLessEqual({("sqlite", "source"), ("sqlite", "sink"), ("sqlite", "store"), ("fields", "transformer")},
                             {(c["name"], c["kind"]) for c in listed["connectors"]})
        schema = json.loads(self.expect(0, "spec", "sqlite", "--json-schema").out)
        self.assertIn("path", schema["source"]["properties"])
        self.assertIn("busy_ms", self.expect(0, "spec", "sqlite").out)
        self.assertIn("sqlite", self.expect(2, "spec", "sqlyte").err)

    @unittest.skipIf("MIGRATE_FOREIGN_PLUGINS" not in os.environ, "the static build loads nothing")
    def test_plugin_of_another_abi(self):
        folder = os.environ["MIGRATE_FOREIGN_PLUGINS"]
        self.assertTrue(os.path.exists(os.path.join(folder, "foreign.so")))
        result = self.expect(0, "plugins", "--plugins", folder)
        refusal = result.out[result.out.index("foreign.so: "):]
        for words in ("another ABI", "the plugin: abi-99 another-compiler", "this build: abi-1 "):
            self.assertIn(words, refusal)
        # The others work all the same, and a migration that names it learns why it is not there.
        self.mend_dates()
        self.expect(0, "run", self.file, "--plugins", folder)
        self.broken("connector: sqlite\n  path: legacy.db", "connector: foreign\n  path: legacy.db")
        result = self.expect(2, "run", self.file, "--plugins", folder)
        self.assertIn("foreign", result.err)

    def test_who_only_looks_needs_no_right_to_write(self):
        self.expect(1, "run", self.file)
        self.expect(1, "run", self.file)  # what lies beside the state is there
        nobody = 65534 if os.getuid() == 0 else None
        # The databases of the migration are another matter.
        self.folder.chmod(0o777)
        self.target.chmod(0o666)
        self.work.chmod(0o555)
        self.addCleanup(self.work.chmod, 0o755)
        before = sorted(path.name for path in self.work.iterdir())
        result = self.expect(3, "check", self.file, user=nobody)
        self.assertIn("✗ working directory", result.out)
        self.assertIn("✓ source:", result.out)
        self.assertEqual(len(self.expect(0, "map", self.file, "--type", "people", user=nobody).out.splitlines()), 5)
        self.assertIn("people\t3\tinvalid_date", self.expect(0, "pending", self.file, user=nobody).out)
        self.expect(0, "orphans", self.file, user=nobody)
        self.assertIn("people: ", self.expect(0, "rollback", self.file, "--dry-run", user=nobody).out)
        self.assertIn("done_with_failures", self.expect(0, "status", self.file, user=nobody).out)
        self.assertIn("not writable", self.expect(2, "run", self.file, user=nobody).err)
        self.assertEqual(sorted(path.name for path in self.work.iterdir()), before)


if __name__ == "__main__":
    program.main()

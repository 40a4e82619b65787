#!/usr/bin/env python3
"""Mapping files: taken in and given out, as JSON and CSV."""
import json

import program


class Mappings(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.mend_dates()

    def ids(self, table):
        return dict(self.rows(f"SELECT legacy_id, id FROM {table}"))

    def test_export_and_look_up(self):
        self.expect(0, "run", self.file)
        self.expect(0, "map", self.file, "--type", "people", "--export", "people.json")
        exported = json.loads((self.folder / "people.json").read_text())
        self.assertEqual(exported, {str(k): v for k, v in self.ids("people").items()})
        self.expect(0, "map", self.file, "--type", "people", "--export", "people.csv")
        lines = (self.folder / "people.csv").read_bytes().split(b"\r\n")
        self.assertEqual(lines[0], b"source_id,target_id")
        self.assertEqual(sorted(lines[1:-1]), sorted(f"{k},{v}".encode() for k, v in self.ids("people").items()))
        self.assertEqual(self.expect(0, "map", self.file, "--type", "people", "--source-id", "4").out,
                         f"people\t4\t{self.ids('people')[4]}\n")
        self.assertIn("people\t4\t", self.expect(0, "map", self.file, "--type", "people", "--target-id",
                                                 self.ids("people")[4]).out)
        self.expect(0, "map", self.file, "--type", "people", "--source-id", "4", "--export", "one.json")
        self.assertEqual(json.loads((self.folder / "one.json").read_text()), {"4": self.ids("people")[4]})
        self.assertIn("no people", self.expect(1, "map", self.file, "--type", "people", "--source-id", "99").err)

    def imported(self, name, content):
        (self.folder / name).write_text(content)
        self.write(self.target, "CREATE TABLE towns (id INTEGER PRIMARY KEY, legacy_id BIGINT UNIQUE, name TEXT)",
                   "INSERT INTO towns VALUES (70, NULL, 'Dubai of old')")
        self.expect(0, "map", self.file, "--type", "towns", "--import", name)
        self.expect(0, "run", self.file)
        return self.rows("SELECT id, name FROM towns WHERE id=70")

    def test_imported_rows_are_adopted(self):
        self.assertEqual(self.imported("towns.json", '{"2": 70}'), [(70, "Dubai")])
        self.assertEqual(self.rows("SELECT count(*) FROM towns"), [(3,)])

    def test_imported_list(self):
        self.assertEqual(self.imported("towns.json", '[{"source_id": 2, "target_id": 70}]'), [(70, "Dubai")])

    def test_imported_csv(self):
        self.assertEqual(self.imported("towns.csv", "target_id,note,source_id\r\n70,\"a, \"\"b\"\"\",2\r\n"),
                         [(70, "Dubai")])

    def test_of_the_migration_file(self):
        (self.folder / "towns.csv").write_text("source_id,target_id\n2,70\n")
        self.file.write_text(program.MIGRATION + "mappings: {towns: towns.csv}\n")
        self.write(self.target, "CREATE TABLE towns (id INTEGER PRIMARY KEY, legacy_id BIGINT UNIQUE, name TEXT)",
                   "INSERT INTO towns VALUES (70, NULL, 'Dubai of old')")
        self.expect(0, "run", self.file)
        self.assertEqual(self.rows("SELECT id, name FROM towns WHERE legacy_id=2 OR name='Dubai'"), [(70, "Dubai")])

    def test_faults_name_file_and_line(self):
        for name, content, line, words in [
                ("a.csv", "source_id,target_id\n1,2\n1,3\n", 3, "already"),
                ("b.csv", "source,target\n1,2\n", 1, "source_id"),
                ("c.csv", "source_id,target_id\n1,2\n3\n", 3, "fields"),
                ("d.csv", 'source_id,target_id\n1,"2\n', 2, "never closed"),
                ("e.json", '{"1": 2,\n "2": }', 2, "JSON"),
                ("f.json", '{"1": {"a": 1}}', 1, "object"),
                ("g.json", '{"1": 2', 1, "ends"),
                ("h.csv", "", 1, "empty")]:
            (self.folder / name).write_text(content)
            result = self.expect(2, "map", self.file, "--type", "towns", "--import", name)
            self.assertIn(f"{name}:{line}:", result.err)
            self.assertIn(words, result.err)
        self.assertFalse(self.work.exists(), "a faulty file left a state behind")

    def test_types_that_do_not_exist(self):
        (self.folder / "towns.csv").write_text("source_id,target_id\n2,70\n")
        result = self.expect(2, "map", self.file, "--type", "town", "--import", "towns.csv")
        self.assertIn('did you mean "towns"?', result.err)
        self.assertIn("known: towns, people\n",
                      self.expect(2, "map", self.file, "--type", "regions", "--import", "towns.csv").err)
        self.assertFalse(self.work.exists(), "what was refused left a state behind")
        self.file.write_text(program.MIGRATION + "mappings: {town: towns.csv}\n")
        self.assertIn('did you mean "towns"?', self.expect(2, "run", self.file).err)
        self.assertFalse(self.target.exists())

    def test_a_type_that_a_rule_might_make_is_warned_of(self):
        # Without tables of its own the target takes those of the source, and rules may name others.
        text = program.MIGRATION
        self.file.write_text(text[:text.index("  tables:\n    towns: {id")] + "run: {max_failures: 0}\n")
        (self.folder / "some.csv").write_text("source_id,target_id\n2,70\n")
        self.assertIn('did you mean "towns"?',
                      self.expect(2, "map", self.file, "--type", "town", "--import", "some.csv").err)
        result = self.expect(0, "map", self.file, "--type", "regions", "--import", "some.csv")
        self.assertIn('warning: a mapping file is given for "regions"', result.err)
        # From now on it is known.
        self.assertEqual(self.expect(0, "map", self.file, "--type", "regions", "--import", "some.csv").err, "")

    def test_a_type_that_nobody_knows_has_nothing_to_tell(self):
        text = program.MIGRATION
        self.file.write_text(text[:text.index("  tables:\n    towns: {id")] + "run: {max_failures: 0}\n")
        self.expect(0, "run", self.file)
        (self.folder / "some.csv").write_text("source_id,target_id\n2,70\n")
        self.expect(0, "map", self.file, "--type", "regions", "--import", "some.csv")
        for words in ([], ["--source-id", "1"], ["--export", "x.csv"], ["--forget-gone"]):
            result = self.expect(2, "map", self.file, "--type", "countries", *words)
            self.assertIn('there is no type "countries"; known: towns, people, regions', result.err)
        self.assertFalse((self.folder / "x.csv").exists())
        self.expect(0, "map", self.file, "--type", "regions")
        # Where the source cannot tell, that is said.
        self.legacy.rename(self.folder / "away.db")
        self.assertIn("cannot be asked now", self.expect(0, "map", self.file, "--type", "countries").err)

    def test_a_file_is_imported_for_the_target_of_the_state_alone(self):
        self.expect(0, "run", self.file)
        (self.folder / "towns.csv").write_text("source_id,target_id\n9,70\n")
        words = ("map", self.file, "--type", "towns", "--import", "towns.csv")
        result = self.expect(3, *words, "--set", f"sink.path={self.folder}/other.db")
        self.assertIn("belongs to the SQLite file", result.err)
        self.assertFalse((self.folder / "other.db").exists())
        self.assertNotIn("\t9\t", self.expect(0, "map", self.file, "--type", "towns").out)
        self.expect(0, *words)

    def test_usage(self):
        self.assertIn("--type", self.expect(2, "map", self.file, "--import", "x.csv").err)
        self.assertIn(".csv", self.expect(2, "map", self.file, "--type", "towns", "--export", "x.txt").err)
        self.assertIn("absent.csv", self.expect(2, "map", self.file, "--type", "towns", "--import", "absent.csv").err)
        self.assertIn("has not been run", self.expect(2, "map", self.file, "--type", "towns", "--export", "x.csv").err)
        self.assertFalse((self.folder / "x.csv").exists())
        self.expect(0, "run", self.file)
        for words in (["--export", "x.csv"], [], ["--source-id", "1"]):
            result = self.expect(2, "map", self.file, "--type", "peple", *words)
            self.assertIn('did you mean "people"?', result.err)
        self.assertFalse((self.folder / "x.csv").exists())


if __name__ == "__main__":
    program.main()

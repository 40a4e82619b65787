#!/usr/bin/env python3
"""Verification after somebody has tampered with the target; checks; orphans."""
import json

import program


class Proof(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.mend_dates()

    def test_verify_finds_tampering(self):
        self.expect(0, "run", self.file)
        self.expect(0, "verify", self.file, "--level", "comprehensive")
        self.write(self.target, "UPDATE people SET name='Mallory' WHERE legacy_id=5")
        result = self.expect(4, "verify", self.file, "--level", "comprehensive")
        for words in ("people 5", "name", "Ed", "Mallory"):
            self.assertIn(words, result.out)
        found = json.loads((self.work / "verification-results" / "comprehensive.json").read_text())
        self.assertEqual(found["differences"], 1)
        self.assertEqual((found["examples"][0]["type"], found["examples"][0]["id"], found["examples"][0]["field"]),
                         ("people", "5", "name"))
        # What the run had brought is still told.
        self.assertEqual(self.report()["types"]["people"]["written"], 6)

    def test_verify_finds_what_is_gone(self):
        self.expect(0, "run", self.file)
        self.write(self.target, "DELETE FROM people WHERE legacy_id=5")
        for level in ("basic", "standard", "comprehensive"):
            self.expect(4, "verify", self.file, "--level", level)

    def test_verify_names_all_of_an_empty_table(self):
        self.expect(0, "run", self.file)
        self.write(self.target, "DELETE FROM people", "DELETE FROM towns")
        for level in ("basic", "standard", "comprehensive"):
            self.assertIn("11 differences", self.expect(4, "verify", self.file, "--level", level).out)

    def test_run_verifies(self):
        self.expect(0, "run", self.file, "--verify", "comprehensive")
        self.assertEqual(self.report()["verification"]["differences"], 0)
        self.assertGreater(self.report()["verification"]["checked"], 0)

    def test_verify_levels(self):
        self.assertIn("comprehensive", self.expect(2, "verify", self.file, "--level", "thorough").err)
        self.expect(2, "verify", self.file, "--level", "none")

    def test_check(self):
        result = self.expect(0, "check", self.file)
        self.assertIn("✓ source:", result.out)
        self.assertNotIn("✗", result.out)
        self.assertFalse(self.work.exists(), "a check made the working directory")
        self.assertFalse(self.target.exists(), "a check made the target")
        self.legacy.unlink()
        result = self.expect(3, "check", self.file)
        self.assertIn("✗ source:", result.out)
        self.assertIn("legacy.db", result.out)

    def test_orphans(self):
        self.expect(0, "run", self.file)
        self.assertIn("no orphans", self.expect(0, "orphans", self.file).out)


if __name__ == "__main__":
    program.main()

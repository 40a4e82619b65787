#!/usr/bin/env python3
"""One by one with a person, whose answers come through a pipe."""
import program


class Interactive(program.ProgramTest):
    def run_with(self, code, answers, *options):
        return self.expect(code, "run", self.file, "--interactive", *options, stdin=answers)

    def people(self):
        return self.rows("SELECT legacy_id, name FROM people ORDER BY legacy_id")

    def test_shows_source_and_proposal(self):
        result = self.run_with(130, "q\n")
        for words in ("towns 1", "source", '"Ajman"', "target: towns 1", "(m)igrate"):
            self.assertIn(words, result.out)

    def test_migrate_skip_all(self):
        self.mend_dates()
        # Three towns, then person 1 is left out, and the rest goes without questions.
        result = self.run_with(0, "m\nm\nm\ns\na\n")
        self.assertEqual([legacy for legacy, _ in self.people()], [2, 3, 4, 5, 6])
        people = self.report()["types"]["people"]
        self.assertEqual((people["read"], people["written"], people["skipped"], people["failed"]), (6, 5, 1, 0))
        self.assertEqual([f["id"] for f in self.report()["left_out"]], ["1"])
        self.assertEqual(self.report()["failures"], [])
        self.assertIn("people: Done; 1 left out by a person\n", result.out)
        self.assertNotIn("everything arrived", result.out)
        self.assertIn("8 of 9 records arrived", (self.work / "migration-executive-summary.md").read_text())
        self.assertEqual(result.out.count("people 1 ──"), 1)
        self.assertEqual(result.out.count("people 3 ──"), 0, "it asked although the answer was all")

    def test_edit(self):
        result = self.run_with(0, "m\nm\nm\nm\nm\ne born=2001-02-03\nm\na\n")
        self.assertIn("cannot be migrated as it is", result.out)
        self.assertIn("invalid_date", result.out)
        self.assertEqual(len(self.people()), 6)
        self.assertIn("2001-02-03", self.rows("SELECT born FROM people WHERE legacy_id=3")[0][0])

    def test_edit_of_an_unknown_field_says_which_there_are(self):
        result = self.run_with(130, "e nmae=Sharjah\nq\n")
        self.assertIn('there is no field "nmae"', result.out)
        self.assertIn('"name"', result.out)

    def test_edit_twice_keeps_both_edits(self):
        self.mend_dates()
        self.run_with(130, "m\nm\nm\ne name=Adele\ne born=1950-01-01\nm\nq\n")
        self.assertEqual(self.people(), [(1, "Adele")])
        self.assertIn("1950-01-01", self.rows("SELECT born FROM people")[0][0])

    def test_nonsense_is_asked_again(self):
        result = self.run_with(130, "what\nm\nq\n")
        self.assertIn('"what" is none of', result.out)
        self.assertEqual(self.rows("SELECT count(*) FROM towns"), [(1,)])

    def test_end_of_input_is_quit_and_the_next_run_goes_on(self):
        self.mend_dates()
        self.run_with(130, "m\nm\n")
        self.assertEqual(self.rows("SELECT count(*) FROM towns"), [(2,)])
        self.expect(0, "run", self.file)
        self.assertEqual(self.rows("SELECT count(*) FROM towns"), [(3,)])
        self.assertEqual(len(self.people()), 6)

    def test_differences_to_what_is_there(self):
        self.mend_dates()
        self.expect(0, "run", self.file)
        self.write(self.target, "UPDATE towns SET name='Somewhere' WHERE legacy_id=1")
        result = self.run_with(130, "q\n", "--fresh", "--yes")
        self.assertIn("differences to what the target has now", result.out)
        self.assertIn("Somewhere → Ajman", result.out.replace('"', ""))


if __name__ == "__main__":
    program.main()

// Comparing the target with the source, field by field.
#include <iostream>

#include "board.hpp"

int main() {
  tutorial::Board board;
  auto store = migrate::make_memory_store();
  migrate::run_blocking(tutorial::notes_to_board(board, store), migrate::RunOptions());
  board.cards["104"].title = "Changed by somebody";
  board.cards.erase("107");

  migrate::RunOptions compare;
  compare.mode = migrate::Mode::verify;
  compare.verify = migrate::VerifyLevel::comprehensive;
  migrate::Report report = migrate::run_blocking(tutorial::notes_to_board(board, store), compare);
  if (!report.verification) return 1;
  for (const migrate::Finding& finding : report.verification->examples) {
    std::cout << finding.record.type << ' ' << finding.record.id << ' ' << finding.field << ' ' << finding.message
              << ": expected \"" << finding.expected << "\", found \"" << finding.found << "\"\n";
  }
  return report.status == migrate::Status::differences && report.verification->differences == 2 ? 0 : 1;
}

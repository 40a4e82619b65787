// Taking a migration back: what it made goes, what was there before stays.
#include <iostream>

#include "board.hpp"

int main() {
  tutorial::Board board;
  board.cards["1"].title = "Somebody's own card";
  auto store = migrate::make_memory_store();
  migrate::run_blocking(tutorial::notes_to_board(board, store), migrate::RunOptions());
  std::cout << board.cards.size() << " cards after the run\n";

  migrate::RunOptions back;
  back.mode = migrate::Mode::rollback;
  migrate::Report report = migrate::run_blocking(tutorial::notes_to_board(board, store), back);
  std::cout << board.cards.size() << " card after the rollback\n";
  return report.status == migrate::Status::done && board.cards.size() == 1 ? 0 : 1;
}

// How a list of tickets is read that is longer than the service hands out and changes meanwhile: arithmetic without
// I/O.
//
// The service lists tickets from a second of updated_at on (`updated_since`, inclusive), a page at a time, 300 pages at
// most. A ticket that somebody touches moves to the end of that order, and all behind its old place move up: a reader
// that goes on by page number misses what slips over the border of a page. So behind each page the list is asked for
// anew from the second of the last row on, and rows of that second which were read already are dropped. Page numbers
// are used only inside a crowd, tickets of one second that fill more than a page; such a crowd is read until two passes
// agree. A ticket that was changed this moment may be changed again within the same second, unseen: such rows are left
// for two seconds. At the end the last minute is read again until nothing new comes.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "migrate/record.hpp"

namespace migrate::freshdesk {

using Second = std::chrono::sys_seconds;

/// "2024-01-31T09:00:00Z", or with an offset. Throws Error(invalid, "bad_time") naming the text.
Second second_from(const std::string& text);
std::string to_text(Second second);

struct Row {
  std::int64_t id = 0;
  Second updated{};
};

/// A page of the list, as Window::asked() and page() name it.
struct ListedPage {
  std::vector<Row> rows;  ///< in order of `updated`
  Second listed_at{};     ///< by the service's clock
  bool more = false;      ///< the list has a next page
  bool whole = true;      ///< false: the rest of a page of an earlier window
};

/// What a page has brought.
struct Advance {
  std::vector<std::size_t> fresh;  ///< indices of rows that were not read yet
  std::size_t through = 0;         ///< rows before this one are dealt with
  bool rest = false;               ///< there are new rows behind the limit
  bool wait = false;               ///< what is left was changed this moment: ask again after Window::settling
  bool done = false;               ///< the list has been read to its end
};

/// A position in the list, and its form as a cursor. Pure: the same calls give the same results.
class Window {
 public:
  explicit Window(Second since);
  explicit Window(const Cursor& cursor);
  Cursor cursor() const;

  /// The `updated_since` and `page` of the next request.
  Second asked() const noexcept { return asked_; }
  int page() const noexcept { return page_; }

  /// Takes at most `limit` new rows of the page and moves on behind them. With neither new rows nor done() the next
  /// page is to be asked for. Throws Error when the list is not in order or a second holds more than can be listed.
  Advance advance(const ListedPage& page, std::size_t limit);

  /// What to throw when the service refuses a further page of one window.
  Error too_crowded() const;

  static constexpr int max_pages = 300;                 ///< what the service permits
  static constexpr std::chrono::seconds look_back{60};  ///< how late an update may become visible
  static constexpr std::chrono::seconds settling{2};    ///< until a second is over and all of it can be seen
  static constexpr int max_rounds = 10;                 ///< second looks at the end, on a desk that never rests
  static constexpr std::size_t max_remembered = 2000;   ///< ids; the look back shrinks above that

 private:
  bool known(const Row& row) const;
  void remember(const Row& row);
  void forget();
  bool in_crowd() const noexcept { return page_ > 1 || crowd_.before >= 0; }
  bool settle_crowd(std::int64_t seen_on_page);
  void move_to(Second since);
  void end_of_list(Advance& advance, bool unsettled);

  /// Passes over a crowd.
  struct Crowd {
    std::int64_t before = -1;  ///< rows of the pass before; -1: there was none
    std::int64_t counted = 0;  ///< rows of this pass, on the pages that are finished
    bool fresh = false;        ///< this pass has brought something new
  };

  Second since_{}, asked_{};
  Second floor_{};               ///< rows before it are not remembered
  Second sure_ = Second::max();  ///< rows from there on may have been read while they were changing
  int page_ = 1, round_ = 0;
  bool round_fresh_ = false;
  Crowd crowd_;
  std::map<Second, std::set<std::int64_t>> seen_;
};

}  // namespace migrate::freshdesk

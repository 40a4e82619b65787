// The arithmetic of reading a list that moves, against a model of the service's list.
#include "window.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <functional>
#include <random>

using namespace migrate;
using namespace migrate::freshdesk;
using std::chrono::seconds;

namespace {

const Second year_2024 = second_from("2024-01-01T00:00:00Z");

/// The service: tickets by id, listed by (updated, id), inclusively or not, so many a page.
struct Desk {
  std::map<std::int64_t, Second> tickets;
  std::map<std::int64_t, int> changes;  ///< of a ticket, in all: what an answer shows of it beside its time
  Second now = year_2024 + seconds(1'000'000);
  std::size_t per_page = 10;
  int page_cap = 3;
  bool inclusive = true;
  int lists = 0;

  void touch(std::int64_t id) {
    tickets[id] = now;
    ++changes[id];
  }
  ListedPage list(Second since, int page) {
    ++lists;
    if (page > page_cap) throw Error(ErrorKind::invalid, "refused", "page");
    std::vector<Row> rows;
    for (const auto& [id, updated] : tickets)
      if (inclusive ? updated >= since : updated > since) rows.push_back(Row{id, updated});
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.updated < b.updated; });
    ListedPage result;
    const std::size_t first = (static_cast<std::size_t>(page) - 1) * per_page;
    for (std::size_t i = first; i < rows.size() && i < first + per_page; ++i) result.rows.push_back(rows[i]);
    result.more = rows.size() > first + per_page;
    result.listed_at = now;
    return result;
  }
};

/// What a source does with the window: reads batches of at most `limit`, keeps the rest of a page for the next one
/// where `thrifty`, and writes the cursor down in between.
struct Reader {
  explicit Reader(
      Desk& served, std::size_t batch = 7, bool keeps_rest = true, std::function<void()> people = [] {})
      : desk(served), limit(batch), thrifty(keeps_rest), meanwhile(std::move(people)) {}
  Desk& desk;
  std::size_t limit;
  bool thrifty;
  std::function<void()> meanwhile;  ///< what people do between two requests
  std::vector<Row> read;
  std::map<std::int64_t, int> state;  ///< Desk::changes when the ticket was read last

  Cursor run(Cursor cursor) {
    for (int batch = 0;; ++batch) {
      REQUIRE(batch < 100'000);
      Window window(cursor);
      std::size_t got = 0;
      bool done = false;
      while (got < limit && !done) {
        ListedPage page;
        Second asked = window.asked();
        int number = window.page();
        if (kept) {
          page = kept->page;
          page.whole = kept->asked == asked && kept->number == number;
          if (!page.whole) page.rows.erase(page.rows.begin(), page.rows.begin() + static_cast<long>(kept->through));
          kept.reset();
        } else {
          meanwhile();
          page = desk.list(asked, number);
        }
        Advance advance = window.advance(page, limit - got);
        for (const std::size_t i : advance.fresh) {
          read.push_back(page.rows[i]);
          state[page.rows[i].id] = desk.changes[page.rows[i].id];
        }
        got += advance.fresh.size();
        done = advance.done;
        if (advance.wait && got > 0) break;
        if (advance.wait) desk.now += Window::settling;
        if (advance.rest && thrifty) kept = Kept{page, asked, number, advance.through};
      }
      cursor = window.cursor();
      if (done) return cursor;
      REQUIRE(got > 0);
    }
  }

 private:
  struct Kept {
    ListedPage page;
    Second asked;
    int number;
    std::size_t through;
  };
  std::optional<Kept> kept;
};

Cursor start() { return Window(second_from("2000-01-01T00:00:00Z")).cursor(); }

/// Every ticket in its last state, and no state twice. `second_run`: where it has begun; what one had to read while it
/// was changing, the next one reads again.
void check_complete(const Desk& desk, const std::vector<Row>& read, std::size_t second_run = SIZE_MAX) {
  std::map<std::int64_t, Second> last;
  std::set<std::pair<std::int64_t, Second>> states;
  for (std::size_t i = 0; i < read.size(); ++i) {
    const Row& row = read[i];
    if (i == second_run) states.clear();
    CHECK_MESSAGE(states.emplace(row.id, row.updated).second, "ticket " << row.id << " came twice in one state");
    last[row.id] = std::max(last.count(row.id) ? last[row.id] : Second(), row.updated);
  }
  for (const auto& ticket : desk.tickets)
    CHECK_MESSAGE(last[ticket.first] == ticket.second, "ticket " << ticket.first << " of " << to_text(ticket.second)
                                                                 << " came as of " << to_text(last[ticket.first]));
}

}  // namespace

TEST_CASE("times are read with any offset and written in UTC") {
  CHECK(to_text(second_from("2014-12-31T12:27:09+10:00")) == "2014-12-31T02:27:09Z");
  CHECK(to_text(second_from("2024-02-29T23:59:59.987Z")) == "2024-02-29T23:59:59Z");
  for (const char* wrong : {"", "2024-01-31", "2024-02-30T00:00:00Z", "2024-01-31T09:00:00Zx", "yesterday"})
    CHECK_THROWS_AS(second_from(wrong), Error);
}

TEST_CASE("a list that rests is read once, whatever the batch, through crowds of one second and beyond the page cap") {
  for (const bool inclusive : {true, false})
    for (const bool thrifty : {true, false})
      for (const std::size_t limit : {1u, 3u, 7u, 100u}) {
        Desk desk;
        desk.inclusive = inclusive;
        // 55 alone, 14 of one second, 12 of the next, 40 alone, 29 of one second at the end: pages hold 10.
        std::int64_t id = 0;
        Second at = year_2024;
        for (int i = 0; i < 55; ++i) desk.tickets[++id] = at += seconds(1);
        for (int i = 0; i < 14; ++i) desk.tickets[++id] = at + seconds(1);
        for (int i = 0; i < 12; ++i) desk.tickets[++id] = at + seconds(2);
        for (int i = 0; i < 40; ++i) desk.tickets[++id] = at += seconds(100);
        for (int i = 0; i < 25; ++i) desk.tickets[++id] = at + seconds(100);
        Reader reader{desk, limit, thrifty};
        const Cursor end = reader.run(start());
        CAPTURE(inclusive);
        CAPTURE(limit);
        check_complete(desk, reader.read);
        CHECK(reader.read.size() == desk.tickets.size());
        // Behind the end there is nothing, until somebody works on a ticket.
        reader.read.clear();
        const Cursor again = reader.run(end);
        CHECK(reader.read.empty());
        CHECK(boost::json::serialize(again) == boost::json::serialize(end));
        desk.tickets[3] = at + seconds(500);
        desk.tickets[++id] = at + seconds(100);
        reader.run(again);
        CHECK(reader.read.size() == 2);
      }
}

TEST_CASE("few requests: a hundred rows cost one list, and the end one more") {
  Desk desk;
  desk.per_page = 100;
  for (int i = 0; i < 1000; ++i) desk.tickets[i] = year_2024 + seconds(10 * i);
  Reader reader{desk, 20};
  reader.run(start());
  CHECK(reader.read.size() == 1000);
  // One row of overlap a page, and the last look.
  CHECK(desk.lists <= 12);
}

TEST_CASE("from every cursor exactly the rest is read") {
  Desk desk;
  for (int i = 0; i < 60; ++i) desk.tickets[i] = year_2024 + seconds(i / 17);
  Desk whole = desk;
  Reader all{whole};
  all.run(start());
  Cursor cursor = start();
  std::vector<std::int64_t> ids;
  // One batch at a time with a reader of its own each: nothing but the cursor goes on.
  for (int batch = 0; ids.size() < 60; ++batch) {
    REQUIRE(batch < 100);
    Window window(cursor);
    Advance advance;
    while (advance.fresh.empty()) {
      ListedPage page = desk.list(window.asked(), window.page());
      advance = window.advance(page, 4);
      for (const std::size_t i : advance.fresh) ids.push_back(page.rows[i].id);
      REQUIRE_FALSE(advance.done);
    }
    cursor = window.cursor();
  }
  std::vector<std::int64_t> expected;
  for (const Row& row : all.read) expected.push_back(row.id);
  CHECK(ids == expected);
}

TEST_CASE("people work on tickets while they are read: nothing is missed, no state comes twice") {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    Desk desk;
    desk.per_page = static_cast<std::size_t>(3 + pick(8));
    desk.page_cap = 1000;
    const int count = 20 + pick(80);
    for (int i = 1; i <= count; ++i) desk.tickets[i] = year_2024 + seconds(pick(2) ? pick(1000) : pick(4));
    desk.now = year_2024 + seconds(2000);
    int busy = 60, rests = 0;
    Reader reader{desk, static_cast<std::size_t>(1 + pick(12)), pick(2) == 0, [&] {
                    desk.now += seconds(pick(3) / 2);
                    if (busy <= 0 || ++rests > 40) return;
                    for (int i = pick(4); i > 0; --i, --busy) desk.touch(1 + pick(count));
                    if (pick(4) == 0) desk.touch(1000 + busy);
                  }};
    const Cursor cursor = reader.run(start());
    reader.meanwhile = [] {};
    const std::size_t first_run = reader.read.size();
    reader.run(cursor);  // a desk that never rested is finished by the next run
    check_complete(desk, reader.read, first_run);
    for (const auto& [id, changes] : desk.changes) CHECK(reader.state[id] == changes);
  }
}

TEST_CASE("a crowd of one second that is being worked on is read until two passes agree") {
  Desk desk;
  desk.page_cap = 30;
  for (int i = 1; i <= 95; ++i) desk.tickets[i] = year_2024;
  int requests = 0;
  // From under the reader, the first ticket of the crowd goes each time a page is asked for: all others move up.
  Reader reader{desk, 10, true, [&] {
                  if (++requests > 12) return;
                  desk.now += seconds(1);
                  desk.touch(requests);
                }};
  reader.run(start());
  check_complete(desk, reader.read);
}

TEST_CASE("more tickets in one second than the service lists is said, not skipped") {
  Desk desk;
  desk.per_page = 1;
  desk.page_cap = 100'000;
  for (int i = 1; i <= 400; ++i) desk.tickets[i] = year_2024;
  Reader reader{desk, 50};
  try {
    reader.run(start());
    FAIL("read to the end");
  } catch (const Error& error) {
    CHECK(error.cause == "too_many_in_one_second");
    CHECK(std::string(error.what()).find("2024-01-01T00:00:00Z") != std::string::npos);
    CHECK_FALSE(error.advice.empty());
  }
}

TEST_CASE("a list in another order is refused") {
  Window window(year_2024);
  ListedPage page;
  page.listed_at = year_2024 + seconds(1000);
  page.rows = {Row{1, year_2024 + seconds(9)}, Row{2, year_2024 + seconds(3)}};
  CHECK_THROWS_AS(window.advance(page, 10), Error);
}

TEST_CASE("a desk that never rests comes to an end, and the next run goes on there") {
  Desk desk;
  for (int i = 1; i <= 30; ++i) desk.tickets[i] = year_2024 + seconds(i);
  Reader reader{desk, 10, true, [&] {
                  desk.now += seconds(1);
                  desk.touch(1 + desk.now.time_since_epoch().count() % 30);
                }};
  const Cursor end = reader.run(start());
  reader.meanwhile = [] {};
  const std::size_t first_run = reader.read.size();
  reader.run(end);
  check_complete(desk, reader.read, first_run);
}

TEST_CASE("what is remembered stays small") {
  Desk desk;
  desk.per_page = 100;
  desk.page_cap = 300;
  for (int i = 0; i < 20'000; ++i) desk.tickets[i] = year_2024 + seconds(i / 300);
  Reader reader{desk, 100};
  const Cursor end = reader.run(start());
  CHECK(reader.read.size() == 20'000);
  CHECK(boost::json::serialize(end).size() < 40'000);
}

TEST_CASE("a foreign cursor is refused") { CHECK_THROWS_AS(Window(Cursor(Value(7))), Error); }

#include "window.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace migrate::freshdesk {

namespace {

using std::chrono::seconds;

bool flag(const Object& object, const char* name) {
  const Value* value = object.if_contains(name);
  return value && value->is_bool() && value->get_bool();
}

std::int64_t number(const Object& object, const char* name, std::int64_t otherwise) {
  const Value* value = object.if_contains(name);
  return value && value->is_int64() ? value->get_int64() : otherwise;
}

Second moment(const Object& object, const char* name, Second otherwise) {
  const Value* value = object.if_contains(name);
  return value && value->is_string() ? second_from(std::string(value->get_string())) : otherwise;
}

}  // namespace

Second second_from(const std::string& text) {
  std::istringstream in(text);
  date::sys_time<std::chrono::milliseconds> time;
  in >> date::parse(text.ends_with('Z') ? "%FT%TZ" : "%FT%T%Ez", time);
  if (in.fail() || in.peek() != std::istringstream::traits_type::eof())
    throw Error(ErrorKind::invalid, "bad_time", fmt::format("\"{}\" is not a time like 2024-01-31T09:00:00Z", text));
  return std::chrono::floor<seconds>(time);
}

std::string to_text(Second second) { return date::format("%FT%TZ", second); }

Window::Window(Second since) : since_(since), asked_(since), floor_(since) {}

Window::Window(const Cursor& cursor) {
  if (!cursor.is_object())
    throw Error(ErrorKind::invalid, "bad_cursor", "the saved position in the list of tickets is not one of this source")
        .with_advice("start the run anew with --fresh");
  const Object& object = cursor.get_object();
  since_ = moment(object, "since", Second());
  asked_ = moment(object, "asked", since_);
  floor_ = moment(object, "floor", since_);
  sure_ = moment(object, "sure", Second::max());
  page_ = static_cast<int>(number(object, "page", 1));
  round_ = static_cast<int>(number(object, "round", 0));
  round_fresh_ = flag(object, "fresh");
  if (const Value* crowd = object.if_contains("crowd"); crowd && crowd->is_object()) {
    crowd_.before = number(crowd->get_object(), "before", -1);
    crowd_.counted = number(crowd->get_object(), "counted", 0);
    crowd_.fresh = flag(crowd->get_object(), "fresh");
  }
  if (const Value* seen = object.if_contains("seen"); seen && seen->is_object())
    for (const auto& [second, ids] : seen->get_object())
      for (const Value& id : ids.as_array()) seen_[second_from(std::string(second))].insert(id.as_int64());
}

Cursor Window::cursor() const {
  Object object;
  object.emplace("since", to_text(since_));
  if (asked_ != since_) object.emplace("asked", to_text(asked_));
  object.emplace("page", page_);
  object.emplace("floor", to_text(floor_));
  if (sure_ != Second::max()) object.emplace("sure", to_text(sure_));
  object.emplace("round", round_);
  object.emplace("fresh", round_fresh_);
  if (in_crowd()) {
    Object crowd;
    crowd.emplace("before", crowd_.before);
    crowd.emplace("counted", crowd_.counted);
    crowd.emplace("fresh", crowd_.fresh);
    object.emplace("crowd", std::move(crowd));
  }
  Object seen;
  for (const auto& [second, ids] : seen_) {
    Array list;
    for (const std::int64_t id : ids) list.emplace_back(id);
    seen.emplace(to_text(second), std::move(list));
  }
  object.emplace("seen", std::move(seen));
  return object;
}

Error Window::too_crowded() const {
  return Error(ErrorKind::invalid, "too_many_in_one_second",
               fmt::format("more tickets were updated in the one second {} than the service lists ({} pages)",
                           to_text(since_), max_pages))
      .with_advice(
          "read with per_page: 100; if that does not do, change some of these tickets in Freshdesk (a tag by a bulk "
          "action on a part of them), which moves them to another second, and start again");
}

bool Window::known(const Row& row) const {
  const auto second = seen_.find(row.updated);
  return second != seen_.end() && second->second.count(row.id) > 0;
}

void Window::remember(const Row& row) {
  seen_[row.updated].insert(row.id);
  round_fresh_ = true;
}

/// Keeps what the present window and the last look at the end can meet again, and no more than is sensible.
void Window::forget() {
  if (seen_.empty()) return;
  const Second latest = seen_.rbegin()->first;
  floor_ = std::max(floor_, latest - look_back);
  const Second needed = std::min(since_, asked_);
  // With the second before, which advance() may ask for.
  seen_.erase(seen_.begin(), seen_.lower_bound(std::min(floor_, needed) - seconds(1)));
  std::size_t remembered = 0;
  for (const auto& [second, ids] : seen_) remembered += ids.size();
  while (remembered > max_remembered && seen_.begin()->first < std::min(needed, latest)) {
    remembered -= seen_.begin()->second.size();
    seen_.erase(seen_.begin());
    floor_ = std::max(floor_, seen_.begin()->first);
  }
}

void Window::move_to(Second since) {
  since_ = asked_ = since;
  page_ = 1;
  crowd_ = Crowd();
}

/// At the end of a pass over a crowd. When it has brought nothing new and as many rows as the pass before, no ticket of
/// this second can have slipped over the border of a page: true on a first page, whose later rows are good as well;
/// behind others the list is asked for anew from the next second on. Otherwise the next pass begins.
bool Window::settle_crowd(std::int64_t seen_on_page) {
  const std::int64_t counted = crowd_.counted + seen_on_page;
  const bool settled = !crowd_.fresh && crowd_.before == counted;
  const bool first_page = page_ == 1;
  crowd_ = Crowd();
  page_ = 1;
  if (settled && first_page) return true;
  if (settled) {
    since_ += seconds(1);
    asked_ += seconds(1);
  } else {
    crowd_.before = counted;
  }
  return false;
}

void Window::end_of_list(Advance& advance, bool unsettled) {
  if (unsettled) {
    ++round_;
    advance.wait = true;
    return move_to(since_);
  }
  advance.done = !round_fresh_ || round_ >= max_rounds;
  // What had to be read while it was still changing is read once more by the next run.
  if (advance.done) seen_.erase(seen_.lower_bound(std::exchange(sure_, Second::max())), seen_.end());
  round_ = advance.done ? 0 : round_ + 1;
  round_fresh_ = false;
  move_to(floor_);
}

Advance Window::advance(const ListedPage& page, std::size_t limit) {
  Advance result;
  const Second window = since_;
  const auto out_of_order = [](const Row& a, const Row& b) { return a.updated > b.updated; };
  if (std::adjacent_find(page.rows.begin(), page.rows.end(), out_of_order) != page.rows.end())
    throw Error(ErrorKind::invalid, "list_out_of_order",
                "the service does not list tickets in the order of updated_at that was asked for: reading on could "
                "miss tickets");
  // Should `updated_since` leave out its own second, the tickets read last do not come again: ask from a second before.
  const auto at_border = [window](const Row& row) { return row.updated <= window; };
  if (page.whole && page_ == 1 && asked_ == since_ && seen_.count(since_) &&
      std::none_of(page.rows.begin(), page.rows.end(), at_border)) {
    asked_ = since_ - seconds(1);
    return result;
  }
  const auto settled = [&](const Row& row) { return row.updated + settling <= page.listed_at; };
  std::size_t end = page.rows.size();
  if (round_ < max_rounds)
    while (end > 0 && !settled(page.rows[end - 1])) --end;
  const bool unsettled = end < page.rows.size();
  std::int64_t of_window = 0;
  bool crowded = in_crowd();
  for (; result.through < end; ++result.through) {
    const Row& row = page.rows[result.through];
    if (row.updated > window && crowded) {
      if (!settle_crowd(of_window)) return forget(), result;
      crowded = false;
    }
    of_window += row.updated <= window;
    if (known(row)) continue;
    if (result.fresh.size() == limit) {
      if (page.rows[result.fresh.back()].updated > window) move_to(page.rows[result.fresh.back()].updated);
      result.rest = true;
      return forget(), result;
    }
    result.fresh.push_back(result.through);
    if (!settled(row)) sure_ = std::min(sure_, row.updated);
    remember(row);
    crowd_.fresh = crowd_.fresh || row.updated <= window;
  }
  if (!page.more || unsettled) {
    if (!crowded || settle_crowd(of_window)) end_of_list(result, unsettled);
  } else if (!page.rows.empty() && page.rows.back().updated > window) {
    move_to(page.rows.back().updated);
  } else if (page.whole) {
    crowd_.counted += of_window;
    if (++page_ > max_pages) throw too_crowded();
  }
  return forget(), result;
}

}  // namespace migrate::freshdesk

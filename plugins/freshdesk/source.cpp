#include "source.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

#include "json.hpp"
#include "migrate/task_group.hpp"

namespace migrate::freshdesk {

namespace {

constexpr std::int64_t archived_a_partition = 1000;
constexpr std::size_t probes_at_once = 50;

Shelf shelf_of(const Partition& partition) {
  const std::string name = text(partition.options, "shelf");
  return name == "deleted" ? Shelf::deleted : name == "spam" ? Shelf::spam : Shelf::desk;
}

std::optional<Second> readable_update(const Value& ticket) {
  try {
    return updated_of(ticket);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

FreshdeskSource::FreshdeskSource(const SourceConfig& config, const Services& services)
    : config_(config), services_(services), api_(config_, services_), directory_(api_), files_(api_) {}

SourceTraits FreshdeskSource::traits() const {
  SourceTraits traits;
  traits.fetches = traits.incremental = traits.blobs = true;
  return traits;
}

awaitable<std::vector<Check>> FreshdeskSource::check() { co_return co_await checks_of(api_, config_); }

awaitable<std::vector<Partition>> FreshdeskSource::partitions() {
  std::vector<Partition> partitions;
  const auto add = [&partitions](std::string name, int rank, Object options) {
    Partition& partition = partitions.emplace_back();
    partition.name = std::move(name);
    partition.rank = rank;
    partition.type = ticket_type;
    partition.options = std::move(options);
  };
  add("tickets", 0, Object{{"shelf", "desk"}});
  for (const char* shelf : {"deleted", "spam"})
    if (config_.includes(shelf)) add(fmt::format("tickets {}", shelf), 1, Object{{"shelf", shelf}});
  if (!config_.includes("archived")) co_return partitions;
  co_await api_.connect();
  if (config_.archived_through) newest_ = *config_.archived_through;
  if (!newest_) newest_ = co_await api_.newest_listed();
  // Where nobody says what the last id is, the last range goes on behind the newest ticket that is listed.
  const bool open = !config_.archived_through;
  const std::int64_t last = open ? std::max(*newest_, config_.archived_from) : *newest_;
  for (std::int64_t first = config_.archived_from; first <= last;) {
    // Ranges begin at round numbers, whatever the newest ticket is: their names stay the same.
    const std::int64_t end = (first / archived_a_partition + 1) * archived_a_partition;
    Object options{{"archived_from", first}, {"archived_through", std::min(end - 1, *newest_)}};
    if (open && end > last) options.emplace("archived_open", true);
    add(fmt::format("tickets archived {}", first), 2, std::move(options));
    first = end;
  }
  co_return partitions;
}

awaitable<RecordBatch> FreshdeskSource::read(const Partition& partition, Cursor from, std::size_t limit) {
  co_await api_.connect();
  limit = std::max<std::size_t>(1, limit);
  ArchivedRange range;
  range.first = number(partition.options, "archived_from");
  range.through = number(partition.options, "archived_through");
  range.open = truth(partition.options, "archived_open");
  if (range.first > 0) co_return co_await read_archived(range, std::move(from), limit);
  co_return co_await read_list(partition.name, shelf_of(partition), std::move(from), limit);
}

std::optional<FreshdeskSource::Listed> FreshdeskSource::take_rest(const std::string& partition, const Cursor& from) {
  std::optional<Listed> rest;
  const auto found = rests_.find(partition);
  if (found == rests_.end()) return rest;
  if (found->second.cursor == boost::json::serialize(from)) rest = std::move(found->second);
  rests_.erase(found);
  return rest;
}

awaitable<FreshdeskSource::Listed> FreshdeskSource::list_page(Shelf shelf, const Window& window) {
  Listed listed;
  listed.asked = window.asked();
  listed.number = window.page();
  std::optional<http::StatusError> refused;
  try {
    // Of deleted tickets and spam the list may be all that is shown.
    const bool with_description = rows_have_files_ || shelf != Shelf::desk;
    listed.page = co_await api_.tickets(shelf, listed.asked, listed.number, with_description);
  } catch (const http::StatusError& error) {
    refused = error;
  }
  if (refused && refused->status() == 400 && listed.number > 1) throw window.too_crowded();
  if (refused) throw *refused;
  listed.rows.more = listed.page.more;
  listed.rows.listed_at = listed.page.answered;
  Second updated = listed.asked;
  for (const Value& ticket : listed.page.rows) {
    // The list is in this order: a ticket whose time cannot be read lies behind the one before it.
    if (const std::optional<Second> told = readable_update(ticket)) updated = *told;
    listed.rows.rows.push_back(Row{number(ticket, "id"), updated});
  }
  if (!listed.page.rows.empty()) rows_have_files_ = has(listed.page.rows.front(), "attachments");
  co_return listed;
}

awaitable<RecordBatch> FreshdeskSource::read_list(std::string partition, Shelf shelf, Cursor from, std::size_t limit) {
  Window window = from.is_null() ? Window(second_from(config_.since)) : Window(from);
  RecordBatch batch;
  std::optional<Listed> listed = take_rest(partition, from);
  while (batch.records.size() < limit && !batch.last) {
    if (!listed) listed = co_await list_page(shelf, window);
    const Advance advance = window.advance(listed->rows, limit - batch.records.size());
    batch.last = advance.done;
    std::vector<Gathered> tickets(advance.fresh.size());
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      tickets[i].parts.ticket = std::move(listed->page.rows[advance.fresh[i]]);
      tickets[i].shelf = shelf;
    }
    if (advance.rest)
      keep_rest(*listed, advance.through, window);
    else
      listed.reset();
    // Those that are gone since they were listed make room for others.
    std::vector<Record> records = co_await records_of(tickets);
    std::move(records.begin(), records.end(), std::back_inserter(batch.records));
    if (advance.wait && !batch.records.empty()) break;
    if (advance.wait) co_await services_.clock->sleep(Window::settling);
  }
  batch.next = window.cursor();
  if (listed) {
    listed->cursor = boost::json::serialize(batch.next);
    rests_[partition] = std::move(*listed);
  }
  co_return batch;
}

/// Inside a crowd the page is still the one that the window asks for; otherwise what was read of it is cut off.
void FreshdeskSource::keep_rest(Listed& listed, std::size_t through, const Window& window) {
  listed.rows.whole = listed.rows.whole && listed.asked == window.asked() && listed.number == window.page();
  if (listed.rows.whole) return;
  const auto count = static_cast<std::ptrdiff_t>(through);
  listed.rows.rows.erase(listed.rows.rows.begin(), listed.rows.rows.begin() + count);
  listed.page.rows.erase(listed.page.rows.begin(), listed.page.rows.begin() + count);
}

awaitable<RecordBatch> FreshdeskSource::read_archived(ArchivedRange range, Cursor from, std::size_t limit) {
  std::int64_t next = std::max(range.first, number(from, "next"));
  // The greatest id that is known to exist, in an open range.
  std::int64_t last = std::max(range.through, number(from, "last"));
  const auto end = [&] {
    return range.open ? std::max(last, range.first - 1) + config_.archived_misses : range.through;
  };
  RecordBatch batch;
  while (batch.records.size() < limit && next <= end()) {
    const std::size_t room = std::min(probes_at_once, limit - batch.records.size());
    std::vector<Gathered> tickets;
    for (; tickets.size() < room && next <= end(); ++next) {
      Gathered& ticket = tickets.emplace_back();
      ticket.parts.archived = true;
      ticket.id = next;
    }
    std::vector<Record> records = co_await records_of(tickets);
    std::move(records.begin(), records.end(), std::back_inserter(batch.records));
    for (const Gathered& ticket : tickets)
      if (ticket.exists) last = std::max(last, ticket.id);
  }
  batch.last = next > end();
  // What led to none may be archived by the next run, which goes on behind the last one that is known.
  if (batch.last && range.open) next = std::max(range.first, last + 1);
  Object cursor;
  cursor.emplace("next", next);
  if (range.open) cursor.emplace("last", last);
  batch.next = std::move(cursor);
  if (batch.last && range.open) tell_end_of_archive(range, last);
  co_return batch;
}

/// No list tells where archived tickets end: whoever runs this should know what was taken for the end.
void FreshdeskSource::tell_end_of_archive(const ArchivedRange& range, std::int64_t last) const {
  if (range.through > 0 && last == range.through) return;
  const std::string found = last > 0 ? fmt::format("the last one found is {}", last) : std::string("none was found");
  services_.write_log(
      LogLevel::warning, "freshdesk",
      fmt::format("archived tickets: {}, and the {} ids behind it lead to none, which is taken for the end; the lists "
                  "show no ticket behind {}. If there are more, set archived_through to the number of the newest one",
                  found, config_.archived_misses, range.through));
}

awaitable<RecordBatch> FreshdeskSource::fetch(std::vector<RecordRef> refs) {
  co_await api_.connect();
  std::vector<Gathered> tickets;
  for (const RecordRef& ref : refs) {
    if (ref.type != ticket_type) continue;
    Gathered& ticket = tickets.emplace_back();
    ticket.id = id_in(ref.id);
  }
  RecordBatch batch;
  batch.records = co_await records_of(tickets);
  batch.last = true;
  co_return batch;
}

awaitable<std::unique_ptr<ByteStream>> FreshdeskSource::open(Blob blob) {
  co_await api_.connect();
  co_return co_await files_.open(std::move(blob));
}

std::shared_ptr<Source> make_source(SourceConfig config, const Services& services) {
  return std::make_shared<FreshdeskSource>(config, services);
}

}  // namespace migrate::freshdesk

// What belongs to a ticket, gathered with as few requests as will do.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "html.hpp"
#include "json.hpp"
#include "migrate/task_group.hpp"
#include "source.hpp"
#include "trouble.hpp"

namespace migrate::freshdesk {

namespace {

constexpr std::size_t tickets_at_once = 64;
constexpr int most_passes = 5;  // over the conversations of a ticket that has more than a page

/// Whether the list has not shown all of the ticket: its files it mostly lacks.
bool must_be_viewed(const Value& ticket) {
  const Association kind = association_of(ticket);
  const bool belongs = kind == Association::child || kind == Association::related;
  return !has(ticket, "attachments") || !has(ticket, "description") ||
         (belongs && list(ticket, "associated_tickets_list").empty());
}

void put_over(Value& ticket, Value view) {
  Object& all = ticket.get_object();
  for (auto& member : view.get_object()) all[member.key()] = std::move(member.value());
}

Warning hidden(const char* what, int status) {
  return Warning{fmt::format("{}_hidden", what), what,
                 fmt::format("the service does not show the {} of this ticket (status {})", what, status)};
}

/// Whom it names and the service cannot show: a ticket without its requester would not be whole.
std::optional<Error> trouble_of_names(const TicketParts& parts, const Names& names) {
  WantedNames wanted;
  if (!names.troubled_people.empty() || !names.troubled_companies.empty()) add_wanted(parts, wanted);
  for (const std::int64_t id : wanted.people)
    if (const auto found = names.troubled_people.find(id); found != names.troubled_people.end()) return found->second;
  for (const std::int64_t id : wanted.companies)
    if (const auto found = names.troubled_companies.find(id); found != names.troubled_companies.end())
      return found->second;
  return std::nullopt;
}

/// What keeps a record from being made of it; nothing when it was added.
std::optional<Error> add_record(const TicketParts& parts, const Names& names, const std::string& site,
                                std::vector<Record>& records) {
  try {
    records.push_back(record_of(parts, names, site));
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace

awaitable<std::vector<Record>> FreshdeskSource::records_of(std::vector<Gathered>& tickets) {
  std::vector<Record> records;
  if (tickets.empty()) co_return records;
  if (config_.time_entries && config_.time_entries_by == "list") co_await directory_.list_time_entries();
  co_await gather_waiting(tickets);
  const auto is_unshown = [](const Gathered& ticket) { return ticket.unshown; };
  if (std::any_of(tickets.begin(), tickets.end(), is_unshown)) {
    co_await find_in_lists(tickets);
    co_await gather_waiting(tickets);
  }
  WantedNames wanted;
  for (const Gathered& ticket : tickets)
    if (!ticket.gone && !ticket.trouble) add_wanted(ticket.parts, wanted);
  const Names names = co_await directory_.look_up(std::move(wanted));
  for (const Gathered& ticket : tickets) {
    if (ticket.gone) continue;
    std::optional<Error> trouble = ticket.trouble;
    if (!trouble) trouble = trouble_of_names(ticket.parts, names);
    if (!trouble) trouble = add_record(ticket.parts, names, api_.site(), records);
    if (!trouble) continue;
    if (ticket.id <= 0) throw *trouble;
    services_.write_log(LogLevel::warning, "freshdesk",
                        fmt::format("ticket {} cannot be read: {}", ticket.id, trouble->what()));
    records.push_back(unreadable_record(ticket.id, ticket.parts.ticket, *trouble));
  }
  co_return records;
}

awaitable<void> FreshdeskSource::gather_waiting(std::vector<Gathered>& tickets) {
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  // A ticket's requests follow one another; how many go at once over all the limiter decides.
  TaskGroup group(executor, tickets_at_once);
  for (Gathered& ticket : tickets) {
    if (!std::exchange(ticket.waiting, false)) continue;
    awaitable<void> work = gather_or_note(ticket);
    const bool started = co_await group.spawn(std::move(work));
    if (!started) break;
  }
  co_await group.join();
}

/// Gathers, and notes what one ticket alone suffers from.
awaitable<void> FreshdeskSource::gather_or_note(Gathered& ticket) {
  bool begun = false;
  std::function<awaitable<void>()> attempt = [&] {
    if (std::exchange(begun, true)) {
      TicketParts as_listed;
      as_listed.ticket = std::move(ticket.parts.ticket);
      as_listed.archived = ticket.parts.archived;
      ticket.parts = std::move(as_listed);
    }
    return gather(ticket);
  };
  std::optional<Error> trouble = co_await trouble_of_one(api_, std::move(attempt));
  if (!trouble) co_return;
  if (is_restricted(api_.account().agent) && trouble->cause == "access_denied") {
    ticket.gone = true;
    if (!std::exchange(hidden_told_, true))
      services_.write_log(LogLevel::warning, "freshdesk",
                          fmt::format("ticket {} is hidden from the key's agent, who sees a part of the tickets only: "
                                      "it and others like it are left out",
                                      ticket.id));
    co_return;
  }
  ticket.exists = true;
  ticket.trouble = std::move(trouble);
}

awaitable<void> FreshdeskSource::gather(Gathered& ticket) {
  const bool listed = ticket.parts.ticket.is_object();
  if (listed) {
    ticket.id = number(ticket.parts.ticket, "id");
    // An archived one has been viewed: the plain address of its id shows nothing.
    if (!ticket.parts.archived && must_be_viewed(ticket.parts.ticket)) co_await view(ticket);
  } else {
    co_await fetch_one(ticket);
  }
  if (!ticket.gone) {
    updated_of(ticket.parts.ticket);  // throws where it is no time
    files_.remember(ticket.parts.ticket);
    if (config_.conversations) co_await gather_conversations(ticket);
    const bool timed = config_.time_entries && !ticket.gone && !ticket.parts.archived;
    if (timed) co_await gather_times(ticket);
  }
  if (ticket.gone && listed)
    services_.write_log(LogLevel::info, "freshdesk",
                        fmt::format("ticket {} was listed and is gone from there: left out", ticket.id));
  if (ticket.gone) co_return;
  co_await gather_pictures(ticket);
  co_await gather_prime(ticket);
  if (ticket.parts.archived) {
    note_unoffered(ticket);
    co_return;
  }
  if (config_.satisfaction_ratings && !ratings_refused_) co_await gather_ratings(ticket);
}

/// A ticket that was named by its id alone.
awaitable<void> FreshdeskSource::fetch_one(Gathered& ticket) {
  ShownTicket viewed;
  viewed.status = 404;
  const TicketId plain{ticket.id, false};
  const bool probed = ticket.parts.archived;  // for archived ones, number by number
  if (ticket.id > 0 && !probed) viewed = co_await api_.ticket(plain, true);
  // The plain address of some archived tickets leads to their own one.
  if (viewed.ticket && truth(*viewed.ticket, "archived")) viewed.ticket.reset();
  std::optional<Value> found = std::move(viewed.ticket);
  if (!found && ticket.id > 0 && viewed.status != 405) {
    // Also where no archived tickets are to be read: it was none when it was read.
    found = co_await fetch_archived(ticket.id);
    ticket.parts.archived = found.has_value();
  }
  ticket.unshown = !found && !probed && ticket.id > 0;
  ticket.exists = found.has_value();
  ticket.gone = !found || updated_of(*found) < second_from(config_.since);
  if (ticket.gone) co_return;
  ticket.parts.ticket = std::move(*found);
  const Value& shown = ticket.parts.ticket;
  // What read() leaves out is left out here too.
  ticket.gone =
      (truth(shown, "deleted") && !config_.includes("deleted")) || (truth(shown, "spam") && !config_.includes("spam"));
  ticket.shelf = truth(shown, "deleted") ? Shelf::deleted : truth(shown, "spam") ? Shelf::spam : Shelf::desk;
}

/// Nothing where the plan has no archived tickets and none are asked for.
awaitable<std::optional<Value>> FreshdeskSource::fetch_archived(std::int64_t id) {
  const TicketId archived{id, true};
  try {
    ShownTicket viewed = co_await api_.ticket(archived, false);
    co_return std::move(viewed.ticket);
  } catch (const http::StatusError& error) {
    if (config_.includes("archived") || error.cause != "require_feature") throw;
  }
  co_return std::nullopt;
}

/// The address of a deleted ticket, or of spam, may show nothing of what the lists show: those are looked through for
/// the tickets that no address has shown.
awaitable<void> FreshdeskSource::find_in_lists(std::vector<Gathered>& tickets) {
  std::map<std::int64_t, Gathered*> wanted;
  for (Gathered& ticket : tickets)
    if (ticket.unshown) wanted.emplace(ticket.id, &ticket);
  for (const Shelf shelf : {Shelf::deleted, Shelf::spam}) {
    if (!config_.includes(shelf == Shelf::deleted ? "deleted" : "spam")) continue;
    Window window(second_from(config_.since));
    for (bool last = false; !last && !wanted.empty();) {
      Listed listed = co_await list_page(shelf, window);
      const Advance advance = window.advance(listed.rows, listed.rows.rows.size() + 1);
      for (const std::size_t row : advance.fresh) {
        const auto found = wanted.find(listed.rows.rows[row].id);
        if (found == wanted.end()) continue;
        Gathered& ticket = *found->second;
        ticket.parts.ticket = std::move(listed.page.rows[row]);
        ticket.shelf = shelf;
        ticket.gone = false;
        ticket.waiting = true;
        wanted.erase(found);
      }
      last = advance.done;
      if (advance.wait) co_await services_.clock->sleep(Window::settling);
    }
  }
}

awaitable<void> FreshdeskSource::view(Gathered& ticket) {
  const TicketId id{ticket.id, false};
  ShownTicket viewed = co_await api_.ticket(id, false);
  std::optional<Value>& shown = viewed.ticket;
  if (!shown || !shown->is_object()) {
    // A ticket of the desk is gone then; of the others the service may not show more than the list does.
    ticket.gone = ticket.shelf == Shelf::desk;
    if (ticket.gone) co_return;
    ticket.parts.warnings.push_back(hidden("files", viewed.status));
    if (!has(ticket.parts.ticket, "description")) ticket.parts.warnings.push_back(hidden("description", viewed.status));
    co_return;
  }
  const bool moved = truth(*shown, "deleted") != (ticket.shelf == Shelf::deleted) ||
                     truth(*shown, "spam") != (ticket.shelf == Shelf::spam);
  ticket.gone = ticket.shelf == Shelf::desk && moved;
  ticket.parts.archived = truth(*shown, "archived");
  put_over(ticket.parts.ticket, std::move(*shown));
}

/// A ticket of the desk whose list is not found was removed, or archived, this moment, or the answer was wrong: a
/// lagging replica's, for example. Of the others the service may not show more than it does. Throws Error(transient)
/// where the ticket is still there.
awaitable<void> FreshdeskSource::doubt_missing(Gathered& ticket, const char* what, int status) {
  if (ticket.shelf != Shelf::desk || ticket.parts.archived) {
    ticket.parts.warnings.push_back(hidden(what, status));
    co_return;
  }
  const TicketId id{ticket.id, false};
  const ShownTicket still = co_await api_.ticket(id, false);
  ticket.gone = !still.ticket || truth(*still.ticket, "deleted") || truth(*still.ticket, "spam");
  if (ticket.gone) co_return;
  ticket.parts.archived = truth(*still.ticket, "archived");
  throw Error(
      ErrorKind::transient, fmt::format("{}_missing", what),
      fmt::format("the helpdesk shows the ticket and does not find the list of its {} (status {})", what, status));
}

/// All pages, once. The status of the answer: other than 200 where the service does not show them.
awaitable<int> FreshdeskSource::list_conversations(Gathered& ticket, std::vector<TicketParts::Said>& said) {
  const TicketId id{ticket.id, ticket.parts.archived};
  said.clear();
  for (int page = 1;; ++page) {
    ListPage listed = co_await api_.conversations(id, page);
    if (listed.status != 200) co_return listed.status;
    for (Value& conversation : listed.rows) {
      files_.remember(conversation);
      said.push_back(TicketParts::Said{std::move(conversation), page});
    }
    if (!listed.more) co_return listed.status;
  }
}

/// One that is deleted between two pages lets another slip over their border, unseen: more than a page is read until
/// two passes agree.
awaitable<void> FreshdeskSource::gather_conversations(Gathered& ticket) {
  std::map<std::int64_t, TicketParts::Said> all;
  std::vector<std::int64_t> before;
  for (int pass = 1; pass <= most_passes; ++pass) {
    std::vector<TicketParts::Said> said;
    const int status = co_await list_conversations(ticket, said);
    if (status != 200) {
      co_await doubt_missing(ticket, "conversations", status);
      co_return;
    }
    std::vector<std::int64_t> ids;
    for (const TicketParts::Said& each : said) ids.push_back(number(each.conversation, "id"));
    if (said.empty() || said.back().page == 1 || ids == before) {
      ticket.parts.conversations = std::move(said);
      co_return;
    }
    before = std::move(ids);
    for (TicketParts::Said& each : said) all.insert_or_assign(number(each.conversation, "id"), std::move(each));
  }
  for (auto& [id, said] : all) ticket.parts.conversations.push_back(std::move(said));
  ticket.parts.warnings.push_back(
      Warning{"conversations_changing", "conversations",
              fmt::format("conversations were added or deleted all the time while they were read ({} times): all that "
                          "were seen are carried, and some of them may be deleted",
                          most_passes)});
}

/// Of an archived ticket the service shows neither, whether it has any or not.
void FreshdeskSource::note_unoffered(Gathered& ticket) {
  const auto note = [&ticket](const char* what) {
    ticket.parts.warnings.push_back(Warning{
        fmt::format("{}_hidden", what), what,
        fmt::format("the service does not offer the {} of archived tickets: if there were any, they stay behind",
                    what)});
  };
  if (config_.time_entries && directory_.has_time_entries()) note("time_entries");
  if (config_.satisfaction_ratings && !ratings_refused_) note("satisfaction_ratings");
}

awaitable<void> FreshdeskSource::gather_times(Gathered& ticket) {
  // The list of all time entries speaks of the desk's tickets.
  const bool listed = config_.time_entries_by == "list" && ticket.shelf == Shelf::desk;
  if (listed && !directory_.may_have_time_entries(ticket.id, updated_of(ticket.parts.ticket))) co_return;
  if (!directory_.has_time_entries()) co_return;
  ChildList times = co_await api_.time_entries(ticket.id);
  ticket.parts.time_entries = std::move(times.rows);
  if (times.status == 403 && !times.of_ticket)
    directory_.no_time_entries();
  else if (times.status == 403 || (times.status != 200 && !empty_times_seen_))
    // Nobody knows whether the plan has any.
    ticket.parts.warnings.push_back(hidden("time_entries", times.status));
  else if (times.status != 200)
    co_await doubt_missing(ticket, "time_entries", times.status);
  else
    empty_times_seen_ = empty_times_seen_ || ticket.parts.time_entries.empty();
}

awaitable<void> FreshdeskSource::gather_ratings(Gathered& ticket) {
  ChildList ratings = co_await api_.satisfaction_ratings(ticket.id);
  ticket.parts.satisfaction_ratings = std::move(ratings.rows);
  const bool none_at_all = ratings.status == 403 && !ratings.of_ticket;
  if (none_at_all && !std::exchange(ratings_refused_, true))
    services_.write_log(LogLevel::warning, "freshdesk",
                        "this account has no satisfaction ratings that the key may see: tickets come without them");
  if (ratings.status != 200 && !none_at_all)
    ticket.parts.warnings.push_back(hidden("satisfaction_ratings", ratings.status));
}

/// Texts show pictures that are not listed, some of which are gone for long. Those are told of now, so that they do not
/// fail the ticket when its files are moved.
awaitable<void> FreshdeskSource::gather_pictures(Gathered& ticket) {
  TicketParts& parts = ticket.parts;
  std::set<std::string> listed;
  std::vector<ShownPicture> shown = pictures_in(text(parts.ticket, "description"));
  for (const Value& file : list(parts.ticket, "attachments")) listed.insert(text(file, "id"));
  for (const TicketParts::Said& said : parts.conversations) {
    // Nothing is carried of it, so that its files are none that are listed.
    if (truth(said.conversation, "deleted")) continue;
    for (const Value& file : list(said.conversation, "attachments")) listed.insert(text(file, "id"));
    for (ShownPicture& picture : pictures_in(text(said.conversation, "body"))) shown.push_back(std::move(picture));
  }
  std::vector<KeptPicture> unlisted;
  for (const ShownPicture& picture : shown) {
    std::optional<KeptPicture> kept = kept_picture(picture.address, api_.site());
    // Each once.
    if (kept && kept->own_host && listed.insert(kept->id).second) unlisted.push_back(std::move(*kept));
  }
  if (!unlisted.empty()) parts.pictures = co_await files_.look_at(std::move(unlisted));
}

awaitable<void> FreshdeskSource::gather_prime(Gathered& ticket) {
  const Association kind = association_of(ticket.parts.ticket);
  if (kind != Association::child && kind != Association::related) co_return;
  const Array& told = list(ticket.parts.ticket, "associated_tickets_list");
  if (!told.empty()) ticket.parts.prime = id_in(text_of(told.front()));
  // Nor is there such an address for archived tickets.
  if (ticket.parts.prime <= 0 && !ticket.parts.archived)
    ticket.parts.prime = co_await api_.prime_association(ticket.id);
}

}  // namespace migrate::freshdesk

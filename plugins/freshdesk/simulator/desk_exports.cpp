// Account exports, the only list in which archived tickets stand; and state().
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "simulator/desk.hpp"

namespace migrate::freshdesk::simulation {
namespace {

constexpr std::int64_t first_job = 431;
constexpr Seconds no_address = 0;  // a canonical rendering has no addresses that could expire

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::optional<Seconds> time_in(const Value& body, std::string_view name) {
  const Value* range = body.is_object() ? body.get_object().if_contains("date_range") : nullptr;
  const Value* time = range && range->is_object() ? range->get_object().if_contains(name) : nullptr;
  return time && time->is_string() ? parse_instant(time->get_string()) : std::nullopt;
}

}  // namespace

http::Response Desk::start_export(const Call& call) {
  if (call.viewer.restricted) return refusal(403, "access_denied", "You are not authorized to perform this action.");
  boost::system::error_code error;
  const Value body = boost::json::parse(call.request.body, error);
  if (error || !body.is_object()) return refusal(400, "invalid_json", "Request body has invalid json format");
  Parameters given(call.request, {});
  Job job;
  const auto from = time_in(body, "start_date"), to = time_in(body, "end_date");
  if (!from || !to) given.fault("date_range", "It should have a start_date and an end_date", "missing_field");
  const Value* resources = body.get_object().if_contains("resources");
  if (!resources || !resources->is_array() || resources->get_array().empty()) {
    given.fault("resources", "It should be a list of resources", "missing_field");
  } else {
    for (const Value& resource : resources->get_array()) {
      const Value* name = resource.is_object() ? resource.get_object().if_contains("name") : nullptr;
      static const std::vector<std::string> known{"tickets", "archive_tickets", "contacts", "companies", "groups"};
      if (!name || !name->is_string() || !contains(known, name->get_string())) {
        given.fault("resources", fmt::format("It should be one of these values: '{}'", fmt::join(known, ",")));
        continue;
      }
      job.resources.emplace_back(name->get_string());
      const Value* include = resource.get_object().if_contains("include");
      if (include && include->is_array()) {
        for (const Value& part : include->get_array()) job.notes = job.notes || part == Value("notes");
      }
    }
  }
  if (auto refused = given.refusal()) return std::move(*refused);
  job.id = first_job + 3 * static_cast<std::int64_t>(jobs_.size());
  job.asked = call.now;
  job.from = *from;
  job.to = *to;
  jobs_.push_back(job);
  const std::string address = fmt::format("{}/api/v2/jobs/{}", addresses_.desk(), job.id);
  // As the service writes it: without the scheme.
  Object link{{"href", address.substr(address.find("//") + 2)}, {"method", "GET"}};
  http::Response response(202, Object{{"job", Object{{"id", job.id}, {"link", std::move(link)}}}});
  response.headers.set("Location", address);
  return response;
}

bool Desk::finished(const Job& job) const { return now() >= job.asked + settings_.export_seconds; }

http::Response Desk::view_job(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& known) { return known.id == call.id; });
  if (job == jobs_.end() || call.viewer.restricted) return without_body(404);
  const bool done = finished(*job);
  const Seconds took = std::min(call.now - job->asked, settings_.export_seconds);
  Members members;
  members.add("id", std::to_string(job->id))
      .add("name", "ACCOUNT::EXPORT")
      .add("status", done ? "COMPLETED" : "IN PROGRESS")
      .add("progress", done ? 100 : took * 100 / settings_.export_seconds)
      .add("created_at", instant(job->asked))
      .add("updated_at", instant(job->asked + took))
      .add("status_updated_at", instant(job->asked + took));
  if (done) members.add("download_url", addresses_.signed_url(Store::export_path(job->id), call.now));
  return http::Response(200, members.object());
}

std::optional<std::string> Desk::exported(std::int64_t id) const {
  const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& known) { return known.id == id; });
  if (job == jobs_.end() || !finished(*job)) return std::nullopt;
  const auto tickets = [&](bool archived) {
    Array list;
    for (std::size_t i = 0; i < tickets_.size(); ++i) {
      const Row& row = tickets_.row(i);
      if ((row.kind == TicketKind::archived) != archived || row.created < job->from || row.created > job->to) continue;
      Value ticket = render_.ticket(i, archived ? Shape::archived : Shape::viewed, {}, now());
      Array notes;
      for (std::size_t k = 0; job->notes && k < tickets_.conversations(i); ++k) {
        notes.push_back(render_.conversation(i, k, now()));
      }
      if (job->notes) ticket.get_object().emplace("notes", std::move(notes));
      list.push_back(std::move(ticket));
    }
    return list;
  };
  Object all;
  if (contains(job->resources, "tickets")) all.emplace("tickets", tickets(false));
  if (contains(job->resources, "archive_tickets")) all.emplace("archive_tickets", tickets(true));
  const auto list = [&](std::string_view name, std::size_t count, auto render) {
    if (!contains(job->resources, name)) return;
    Array items;
    for (std::size_t i = 0; i < count; ++i) items.push_back(render(i));
    all.emplace(name, std::move(items));
  };
  const auto& contacts = account_.contacts();
  list("contacts", contacts.size(), [&](std::size_t i) { return render_.contact(contacts[i]); });
  list("companies", account_.companies(), [&](std::size_t i) { return render_.company(i); });
  list("groups", Account::groups, [&](std::size_t i) { return render_.group(i); });
  return boost::json::serialize(all);
}

Value Desk::state() const {
  Render canonical = render_;
  canonical.set_canonical(true);
  Array tickets, contacts, agents, companies, groups, products;
  for (std::size_t i = 0; i < tickets_.size(); ++i) {
    static constexpr std::array<std::string_view, 4> kinds{"active", "deleted", "spam", "archived"};
    const TicketKind kind = tickets_.row(i).kind;
    const Shape shape = kind == TicketKind::archived ? Shape::archived : Shape::viewed;
    Object ticket = canonical.ticket(i, shape, {"requester", "stats", "company"}, no_address).as_object();
    ticket.emplace("kind", kinds[static_cast<std::size_t>(kind)]);
    Array conversations, times, watchers;
    for (std::size_t k = 0; k < tickets_.conversations(i); ++k) {
      conversations.push_back(canonical.conversation(i, k, no_address));
    }
    for (const TimeEntry& entry : content_.time_entries(i)) times.push_back(canonical.time_entry(i, entry));
    for (const std::size_t agent : content_.watchers(i)) watchers.emplace_back(account_.user_id(agent));
    const auto rating = content_.rating(i);
    ticket.emplace("conversations", std::move(conversations));
    ticket.emplace("time_entries", std::move(times));
    ticket.emplace("watcher_ids", std::move(watchers));
    ticket.emplace("satisfaction_ratings", rating ? Array{canonical.rating(i, *rating)} : Array());
    tickets.push_back(std::move(ticket));
  }
  for (std::size_t i = 0; i < account_.users(); ++i) {
    static constexpr std::array<std::string_view, 7> kinds{"agent",   "former_agent", "contact",         "blocked",
                                                           "deleted", "merged",       "downgraded_agent"};
    const UserKind kind = account_.kind(i);
    const bool is_agent = i < Account::agents;
    Value user = is_agent ? canonical.agent(i, scope_of(i)) : canonical.contact(i);
    user.get_object().emplace("kind", kinds[static_cast<std::size_t>(kind)]);
    (is_agent ? agents : contacts).push_back(std::move(user));
  }
  for (std::size_t i = 0; i < account_.companies(); ++i) companies.push_back(canonical.company(i));
  for (std::size_t i = 0; i < Account::groups; ++i) groups.push_back(canonical.group(i));
  for (std::size_t i = 0; i < Account::products; ++i) products.push_back(canonical.product(i));
  return Object{{"tickets", std::move(tickets)},
                {"contacts", std::move(contacts)},
                {"agents", std::move(agents)},
                {"companies", std::move(companies)},
                {"groups", std::move(groups)},
                {"products", std::move(products)},
                {"ticket_fields", canonical.ticket_fields()},
                {"changes", changes_}};
}

}  // namespace migrate::freshdesk::simulation

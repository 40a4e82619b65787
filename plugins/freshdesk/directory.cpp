#include "directory.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "json.hpp"
#include "migrate/task_group.hpp"
#include "trouble.hpp"

namespace migrate::freshdesk {

namespace {

/// What the service means where its list of fields cannot be read.
const std::map<std::int64_t, std::string> usual_statuses{{2, "Open"},
                                                         {3, "Pending"},
                                                         {4, "Resolved"},
                                                         {5, "Closed"},
                                                         {6, "Waiting on Customer"},
                                                         {7, "Waiting on Third Party"}};
const std::map<std::int64_t, std::string> usual_priorities{{1, "Low"}, {2, "Medium"}, {3, "High"}, {4, "Urgent"}};
const std::map<std::int64_t, std::string> usual_sources{{1, "Email"},           {2, "Portal"},         {3, "Phone"},
                                                        {5, "Twitter"},         {6, "Facebook"},       {7, "Chat"},
                                                        {9, "Feedback Widget"}, {10, "Outbound Email"}};

Person person_of(std::int64_t id, const Value& value) {
  return Person{std::to_string(id), text(value, "name"), text(value, "email")};
}

void take_names(const Array& rows, std::map<std::int64_t, std::string>& names) {
  for (const Value& row : rows) names[number(row, "id")] = text(row, "name");
}

/// Ids that are not among `known`, and that no list was read again for.
std::set<std::int64_t> new_among(const std::set<std::int64_t>& ids, const std::map<std::int64_t, std::string>& known,
                                 const std::set<std::int64_t>& in_none) {
  std::set<std::int64_t> unknown;
  for (const std::int64_t id : ids)
    if (!known.count(id) && !in_none.count(id)) unknown.insert(id);
  return unknown;
}

}  // namespace

std::map<std::int64_t, std::string> labels_of(const Value& choices) {
  std::map<std::int64_t, std::string> labels;
  const Object* object = choices.if_object();
  if (!object) return labels;
  for (const auto& [key, value] : *object) {
    const std::int64_t id = id_in(key);
    // A list holds what agents see and what customers see.
    const Value* name = value.is_array() && !value.get_array().empty() ? &value.get_array().front() : &value;
    if (id >= 0 && name->is_string())
      labels[id] = std::string(name->get_string());
    else if (value.is_int64())
      labels[value.get_int64()] = std::string(key);
  }
  return labels;
}

void Directory::warn(const std::string& message) { api_.services().write_log(LogLevel::warning, "freshdesk", message); }

void Directory::take_labels(const Array& fields) {
  for (const Value& field : fields) {
    const std::string type = text(field, "type");
    const Value* choices = member(field, "choices");
    auto* labels = type == "default_status"     ? &fixed_.statuses
                   : type == "default_priority" ? &fixed_.priorities
                   : type == "default_source"   ? &fixed_.sources
                                                : nullptr;
    if (!labels || !choices) continue;
    for (auto& [id, label] : labels_of(*choices)) (*labels)[id] = label;
  }
}

std::map<std::int64_t, std::string> Directory::named(const std::optional<Array>& rows, std::string_view what) {
  std::map<std::int64_t, std::string> names;
  if (!rows) warn(fmt::format("the key's agent may not see {}: tickets keep their ids instead of names", what));
  if (rows) take_names(*rows, names);
  return names;
}

/// Agents, groups, products and labels. Two readers that come at once both list; the answers are the same.
awaitable<void> Directory::list_once() {
  if (listed_) co_return;
  std::optional<Array> fields = co_await api_.all("ticket_fields");
  std::optional<Array> groups = co_await api_.all("groups");
  std::optional<Array> products = co_await api_.all("products");
  std::optional<Array> agents = co_await api_.all("agents");
  if (listed_) co_return;
  fixed_.statuses = usual_statuses;
  fixed_.priorities = usual_priorities;
  fixed_.sources = usual_sources;
  if (!fields) warn("the key's agent may not see the ticket fields: custom statuses keep their numbers");
  if (fields) take_labels(*fields);
  fields_listed_ = fields.has_value();
  groups_listed_ = groups.has_value();
  products_listed_ = products.has_value();
  fixed_.groups = named(groups, "groups");
  fixed_.products = named(products, "products");
  if (!agents) warn("the key's agent may not list agents: each is asked for by id");
  if (agents)
    for (const Value& agent : *agents)
      if (const Value* contact = member(agent, "contact"))
        agents_.emplace(number(agent, "id"), person_of(number(agent, "id"), *contact));
  listed_ = true;
}

/// What came into being since it was listed. What is in no list then, a group that was deleted for example, is looked
/// for once.
awaitable<void> Directory::list_again(const WantedNames* wanted) {
  const std::set<std::int64_t> statuses = new_among(wanted->statuses, fixed_.statuses, in_none_.statuses);
  if (fields_listed_ && !statuses.empty()) {
    const std::optional<Array> fields = co_await api_.all("ticket_fields");
    if (fields) take_labels(*fields);
    in_none_.statuses.insert(statuses.begin(), statuses.end());
  }
  const std::set<std::int64_t> groups = new_among(wanted->groups, fixed_.groups, in_none_.groups);
  if (groups_listed_ && !groups.empty()) {
    const std::optional<Array> rows = co_await api_.all("groups");
    if (rows) take_names(*rows, fixed_.groups);
    in_none_.groups.insert(groups.begin(), groups.end());
  }
  const std::set<std::int64_t> products = new_among(wanted->products, fixed_.products, in_none_.products);
  if (products_listed_ && !products.empty()) {
    const std::optional<Array> rows = co_await api_.all("products");
    if (rows) take_names(*rows, fixed_.products);
    in_none_.products.insert(products.begin(), products.end());
  }
}

awaitable<void> Directory::ask(std::string resource, std::set<std::int64_t> ids,
                               std::function<void(std::int64_t, Found)> take, std::map<std::int64_t, Error>& troubled) {
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  // How many really go at once the limiter decides.
  TaskGroup group(executor, 64);
  const auto one = [](Api& api, std::string kind, std::int64_t id, std::function<void(std::int64_t, Found)> use,
                      std::map<std::int64_t, Error>& bad) -> awaitable<void> {
    const auto look = [](Api& desk, std::string named, std::int64_t wanted, Found& out) -> awaitable<void> {
      out = co_await desk.one(std::move(named), wanted);
    };
    Found found;
    std::function<awaitable<void>()> attempt = [&] { return look(api, kind, id, found); };
    std::optional<Error> trouble = co_await trouble_of_one(api, std::move(attempt));
    if (trouble)
      bad.emplace(id, std::move(*trouble));
    else
      use(id, std::move(found));
  };
  for (const std::int64_t id : ids) {
    awaitable<void> work = one(api_, resource, id, take, troubled);
    const bool started = co_await group.spawn(std::move(work));
    if (!started) break;
  }
  co_await group.join();
}

awaitable<Names> Directory::look_up(WantedNames wanted) {
  co_await list_once();
  co_await list_again(&wanted);
  Names names = fixed_;
  std::set<std::int64_t> unknown_people, unknown_companies;
  for (const std::int64_t id : wanted.people) {
    if (const auto agent = agents_.find(id); agent != agents_.end())
      names.people[id] = agent->second;
    else if (const std::optional<Person>* known = contacts_.find(id); !known)
      unknown_people.insert(id);
    else if (*known)
      names.people[id] = **known;
  }
  for (const std::int64_t id : wanted.companies) {
    if (const std::string* known = companies_.find(id))
      names.companies[id] = *known;
    else
      unknown_companies.insert(id);
  }
  std::set<std::int64_t> no_contacts;
  const std::function<void(std::int64_t, Found)> take_contact = [&](std::int64_t id, Found found) {
    if (found) names.people[id] = person_of(id, *found);
    if (found)
      contacts_.put(id, std::optional<Person>(names.people[id]));
    else
      no_contacts.insert(id);  // of an agent who joined lately, or whom the key's agent may not list
  };
  co_await ask("contacts", std::move(unknown_people), take_contact, names.troubled_people);
  const std::function<void(std::int64_t, Found)> take_agent = [&](std::int64_t id, Found found) {
    const Value* contact = found ? member(*found, "contact") : nullptr;
    if (contact) names.people[id] = person_of(id, *contact);
    contacts_.put(id, contact ? std::optional<Person>(names.people[id]) : std::nullopt);
  };
  co_await ask("agents", std::move(no_contacts), take_agent, names.troubled_people);
  const std::function<void(std::int64_t, Found)> take_company = [&](std::int64_t id, Found found) {
    names.companies[id] = found ? text(*found, "name") : std::string();
    companies_.put(id, names.companies[id]);
  };
  co_await ask("companies", std::move(unknown_companies), take_company, names.troubled_companies);
  std::erase_if(names.companies, [](const auto& entry) { return entry.second.empty(); });
  co_return names;
}

void Directory::no_time_entries() {
  if (times_ == Times::none) return;
  times_ = Times::none;
  warn("this account has no time entries that the key may see: tickets come without them");
}

/// The tickets that have time entries; nothing when they are too many to be worth it, or keep changing. Entries that
/// are removed meanwhile move others over the border of a page, so two passes must agree.
awaitable<std::optional<std::unordered_set<std::int64_t>>> Directory::timed_tickets() {
  std::unordered_set<std::int64_t> tickets;
  std::size_t before = 0;
  for (int pass = 1; pass <= 3; ++pass) {
    std::size_t entries = 0;
    const std::size_t known = tickets.size();
    for (int page = 1;; ++page) {
      if (page > most_time_pages) co_return std::nullopt;
      std::optional<ListPage> listed = co_await api_.all_time_entries(page);
      if (!listed) co_return std::nullopt;
      for (const Value& entry : listed->rows) tickets.insert(number(entry, "ticket_id"));
      entries += listed->rows.size();
      // One page has no border.
      if (!listed->more && page == 1) co_return tickets;
      if (!listed->more) break;
    }
    if (pass > 1 && entries == before && tickets.size() == known) co_return tickets;
    before = entries;
  }
  co_return std::nullopt;
}

awaitable<void> Directory::list_time_entries() {
  if (times_ != Times::unknown) co_return;
  const Second as_of = std::chrono::floor<std::chrono::seconds>(api_.now() + api_.account().ahead);
  std::optional<std::unordered_set<std::int64_t>> timed = co_await timed_tickets();
  if (times_ != Times::unknown) co_return;
  times_ = timed ? Times::listed : Times::not_listed;
  times_as_of_ = as_of - Window::look_back;
  if (timed) timed_ = std::move(*timed);
}

bool Directory::may_have_time_entries(std::int64_t ticket, Second updated) const {
  return times_ == Times::not_listed ||
         (times_ == Times::listed && (timed_.count(ticket) > 0 || updated >= times_as_of_));
}

}  // namespace migrate::freshdesk

// People, companies and the account's fields; what is in a ticket stands in render.cpp.
#include <fmt/format.h>

#include <array>

#include "simulator/render.hpp"

namespace migrate::freshdesk::simulation {
namespace {

constexpr std::array<std::pair<int, std::array<std::string_view, 2>>, 8> statuses{{
    {2, {"Open", "Being Processed"}},
    {3, {"Pending", "Awaiting your Reply"}},
    {4, {"Resolved", "This ticket has been Resolved"}},
    {5, {"Closed", "This ticket has been Closed"}},
    {6, {"Waiting on Customer", "Awaiting your Reply"}},
    {7, {"Waiting on Third Party", "Being Processed"}},
    {8, {"In Pr\u00fcfung \u2713", "Being Processed"}},
    {9, {"Waiting on Customer", "Being Processed"}},  // two statuses may have one name
}};
constexpr std::array<std::pair<std::string_view, int>, 4> priorities{
    {{"Low", 1}, {"Medium", 2}, {"High", 3}, {"Urgent", 4}}};
constexpr std::array<std::pair<std::string_view, int>, 6> sources{
    {{"Email", 1}, {"Portal", 2}, {"Phone", 3}, {"Chat", 7}, {"Feedback Widget", 9}, {"Outbound Email", 10}}};

struct FieldText {
  std::string_view name, label, type;
};
constexpr std::array<FieldText, 11> given_fields{{
    {"requester", "Search a requester", "default_requester"},
    {"subject", "Subject", "default_subject"},
    {"ticket_type", "Type", "default_ticket_type"},
    {"source", "Source", "default_source"},
    {"status", "Status", "default_status"},
    {"priority", "Priority", "default_priority"},
    {"group", "Group", "default_group"},
    {"agent", "Agent", "default_agent"},
    {"product", "Product", "default_product"},
    {"company", "Company", "default_company"},
    {"description", "Description", "default_description"},
}};
constexpr std::array<FieldText, 10> own_fields{{
    {"cf_asset_tag", "Asset tag / Inventarnummer", "custom_text"},
    {"cf_error_details", "Error details", "custom_paragraph"},
    {"cf_vip", "VIP", "custom_checkbox"},
    {"cf_affected_users", "Affected users", "custom_number"},
    {"cf_amount", "Amount \u20ac", "custom_decimal"},
    {"cf_installed_on", "Installed on", "custom_date"},
    {"cf_region", "Region", "custom_dropdown"},
    {"cf_site", "Site", "nested_field"},
    {"cf_contract_file", "Contract", "custom_file"},
    {"cf_device", "Device", "custom_lookup"},
}};

template <class Pairs>
Object numbers_of(const Pairs& pairs) {
  Object object;
  for (const auto& [name, number] : pairs) object.emplace(name, number);
  return object;
}

Object status_choices() {
  Object choices;
  for (const auto& [number, labels] : statuses) choices.emplace(std::to_string(number), Array{labels[0], labels[1]});
  return choices;
}

Members field(const FieldText& text, std::int64_t number, bool given) {
  Members members;
  members.add("id", 43'000'900'000 + number * 3)
      .add("name", text.name)
      .add("label", text.label)
      .add("label_for_customers", text.label)
      .add("description", "")
      .add("position", number)
      .add("type", text.type)
      .add("default", given)
      .add("required_for_closure", false)
      .add("required_for_agents", given && number < 3)
      .add("required_for_customers", given && number < 3)
      .add("customers_can_edit", !given)
      .add("displayed_to_customers", true)
      .add("created_at", "2014-11-30T09:10:02Z")
      .add("updated_at", "2015-06-17T05:44:19Z");
  return members;
}

}  // namespace

Value Render::ticket_fields() const {
  Object groups, agents, products;
  for (std::size_t i = 0; i < Account::groups; ++i) groups.emplace(account_.group(i).name, account_.group(i).id);
  for (std::size_t i = 0; i < Account::products; ++i)
    products.emplace(account_.product(i).name, account_.product(i).id);
  for (std::size_t i = 0; i < Account::agents; ++i) {
    if (account_.kind(i) == UserKind::agent) agents.emplace(account_.user(i).name, account_.user_id(i));
  }
  Array fields;
  std::int64_t number = 1;
  for (const FieldText& text : given_fields) {
    Members members = field(text, number++, true);
    if (text.name == "status") members.add("choices", status_choices());
    if (text.name == "priority") members.add("choices", numbers_of(priorities));
    if (text.name == "source") members.add("choices", numbers_of(sources));
    if (text.name == "group") members.add("choices", groups);
    if (text.name == "agent") members.add("choices", agents);
    if (text.name == "product") members.add("choices", products);
    if (text.name == "ticket_type") {
      members.add("choices", Array{"Question", "Incident", "Problem", "Refund", "Feature Request", "R\u00fcckfrage"});
    }
    fields.push_back(members.object());
  }
  for (const FieldText& text : own_fields) {
    Members members = field(text, number++, false);
    if (text.type == "custom_dropdown") members.add("choices", Array{"North", "S\u00fcd", "East/West", "\u6771\u4eac"});
    if (text.type == "nested_field") {
      Array halls, sites;
      halls.push_back(Object{{"Hall A & B", Array{"Room 17", "Room 18"}}});
      sites.push_back(Object{{"Plant 1", std::move(halls)}});
      sites.push_back(Object{{"Plant 2", Array()}});
      members.add("choices", std::move(sites));
      Array nested;
      for (const std::string_view name : {"cf_building", "cf_room"}) {
        nested.push_back(Members()
                             .add("id", 43'000'901'000 + static_cast<std::int64_t>(nested.size()))
                             .add("name", name)
                             .add("label", name.substr(3))
                             .add("label_in_portal", name.substr(3))
                             .add("level", nested.size() + 2)
                             .object());
      }
      members.add("nested_ticket_fields", std::move(nested));
    }
    fields.push_back(members.object());
  }
  return fields;
}

Value Render::contact(std::size_t index) const {
  const User user = account_.user(index);
  Array other_emails, other_companies;
  if (user.email && index % 5 == 0) other_emails.emplace_back(fmt::format("second.{}@mail.test", index));
  if (user.company && index % 6 == 0) {
    const std::int64_t id = account_.company((*user.company + 1) % account_.companies()).id;
    other_companies.push_back(Members().add("company_id", id).add("view_all_tickets", false).object());
  }
  Members members;
  members.add("id", user.id)
      .add("active", user.verified)
      .add("name", user.name)
      .add("email", user.email)
      .add("phone", user.phone)
      .add("mobile", user.mobile)
      .add("twitter_id", user.twitter)
      .add("facebook_id", nullptr)
      .add("unique_external_id", user.external)
      .add("address", index % 7 == 0 ? std::optional("1 Main St,\r\nNew York") : std::nullopt)
      .add("company_id", id_of(user.company, [&](auto i) { return account_.company(i).id; }))
      .add("view_all_tickets", false)
      .add("description", nullptr)
      .add("job_title", index % 3 == 0 ? std::optional("Head of \"Labels\"") : std::nullopt)
      .add("language", index % 4 == 0 ? "de" : "en")
      .add("time_zone", "Berlin")
      .add("other_emails", std::move(other_emails))
      .add("other_companies", std::move(other_companies))
      .add("tags", Array())
      .add("custom_fields", Members().add("department", index % 2 ? std::optional("Sales") : std::nullopt).object())
      .add("csat_rating", nullptr)
      .add("preferred_source", nullptr)
      .add("created_at", instant(user.created))
      .add("updated_at", instant(user.updated));
  if (user.kind == UserKind::deleted) members.add("deleted", true);
  return members.object(turn(index));
}

Value Render::agent(std::size_t index, int ticket_scope) const {
  const User user = account_.user(index);
  Members contact;
  contact.add("active", true)
      .add("name", user.name)
      .add("email", user.email)
      .add("phone", nullptr)
      .add("mobile", nullptr)
      .add("job_title", nullptr)
      .add("language", "en")
      .add("time_zone", "Berlin")
      .add("last_login_at", index % 2 ? std::optional(instant(user.updated)) : std::nullopt)
      .add("created_at", instant(user.created))
      .add("updated_at", instant(user.updated));
  Members members;
  members.add("id", user.id)
      .add("available", index % 3 == 0)
      .add("available_since", nullptr)
      .add("occasional", index % 4 == 3)
      .add("signature", index % 2 ? std::optional("<div>Kind regards &amp; bye</div>") : std::nullopt)
      .add("ticket_scope", ticket_scope)
      .add("type", "support_agent")
      .add("group_ids", Array{account_.group(index % Account::groups).id})
      .add("role_ids", Array{43'000'000'301 + static_cast<std::int64_t>(index % 2)})
      .add("last_active_at", nullptr)
      .add("created_at", instant(user.created))
      .add("updated_at", instant(user.updated))
      .add("contact", contact.object());
  return members.object(turn(index));
}

Value Render::company(std::size_t index) const {
  const Company company = account_.company(index);
  const Seconds created = account_.today() - static_cast<Seconds>(30 + index % 800) * day;
  return Members()
      .add("id", company.id)
      .add("name", company.name)
      .add("description", nullptr)
      .add("note", index % 3 == 0 ? std::optional("pays late") : std::nullopt)
      .add("domains", Array{company.domain})
      .add("health_score", nullptr)
      .add("account_tier", index % 2 ? std::optional("Premium") : std::nullopt)
      .add("renewal_date", nullptr)
      .add("industry", nullptr)
      .add("custom_fields", Members().add("website", nullptr).object())
      .add("created_at", instant(created))
      .add("updated_at", instant(created + 3 * day))
      .object(turn(index));
}

Value Render::group(std::size_t index) const {
  const Named group = account_.group(index);
  Array agents;
  for (std::size_t i = index; i < Account::agents; i += Account::groups) {
    if (account_.kind(i) == UserKind::agent) agents.emplace_back(account_.user_id(i));
  }
  return Members()
      .add("id", group.id)
      .add("name", group.name)
      .add("description", nullptr)
      .add("business_hour_id", nullptr)
      .add("escalate_to", nullptr)
      .add("unassigned_for", index % 2 ? std::optional("30m") : std::nullopt)
      .add("auto_ticket_assign", index % 2 ? Value(true) : Value(0))
      .add("agent_ids", std::move(agents))
      .add("group_type", "support_agent_group")
      .add("created_at", "2023-01-08T07:53:41Z")
      .add("updated_at", "2023-01-08T07:53:41Z")
      .object(turn(index));
}

Value Render::product(std::size_t index) const {
  const Named product = account_.product(index);
  return Members()
      .add("id", product.id)
      .add("name", product.name)
      .add("description", index ? std::optional("since 2020") : std::nullopt)
      .add("created_at", "2023-01-08T07:53:41Z")
      .add("updated_at", "2023-01-08T07:53:41Z")
      .object(turn(index));
}

Value Render::time_entry(std::size_t ticket, const TimeEntry& entry) const {
  const auto company = content_.fields(ticket).company;
  return Members()
      .add("id", entry.id)
      .add("ticket_id", tickets_.id(ticket))
      .add("agent_id", account_.user_id(entry.agent))
      .add("company_id", id_of(company, [&](auto i) { return account_.company(i).id; }))
      .add("billable", entry.billable)
      .add("note", entry.note)
      .add("timer_running", entry.running)
      .add("time_spent", fmt::format("{:02}:{:02}", entry.spent / hour, entry.spent / minute % 60))
      .add("executed_at", instant(entry.executed))
      .add("start_time", instant(entry.executed))
      .add("created_at", instant(entry.executed))
      .add("updated_at", instant(entry.executed))
      .object(turn(static_cast<std::uint64_t>(entry.id)));
}

Value Render::rating(std::size_t ticket, const Rating& rating) const {
  const TicketFields fields = content_.fields(ticket);
  return Members()
      .add("id", rating.id)
      .add("survey_id", 43'000'000'021)
      .add("ticket_id", tickets_.id(ticket))
      .add("user_id", account_.user_id(rating.user))
      .add("agent_id", account_.user_id(rating.agent))
      .add("group_id", id_of(fields.group, [&](auto i) { return account_.group(i).id; }))
      .add("feedback", rating.feedback)
      .add("ratings", Members().add("default_question", rating.value).object())
      .add("created_at", instant(rating.created))
      .add("updated_at", instant(rating.created))
      .object(turn(static_cast<std::uint64_t>(rating.id)));
}

}  // namespace migrate::freshdesk::simulation

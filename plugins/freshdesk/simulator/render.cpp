#include "simulator/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "migrate/digest.hpp"

namespace migrate::freshdesk::simulation {
namespace {

using boost::json::storage_ptr;

constexpr std::string_view help_address = "help@acme.test";
constexpr std::int64_t help_mailbox = 43'000'012'345;
constexpr std::size_t included_conversations = 10;

Value texts(std::initializer_list<std::string_view> range, const storage_ptr& storage) {
  Array list(storage);
  for (const std::string_view text : range) list.emplace_back(boost::json::string_view(text));
  return list;
}

/// A list, or null where the channel knows no e-mail.
Value addresses_or_null(bool null, std::initializer_list<std::string_view> range, const storage_ptr& storage) {
  return null ? Value(nullptr, storage) : texts(range, storage);
}

std::optional<std::string> instant_if(bool there, Seconds time) {
  return there ? std::optional(instant(time)) : std::nullopt;
}

}  // namespace

Render::Render(const Account& account, const Tickets& tickets, const Content& content, const Addresses& addresses)
    : account_(account), tickets_(tickets), content_(content), addresses_(addresses) {}

Value Render::ticket(std::size_t index, Shape shape, const Includes& includes, Seconds now, storage_ptr storage) const {
  const Row& row = tickets_.row(index);
  const TicketFields fields = content_.fields(index);
  const Association association = content_.association(index);
  Members members(storage);
  members.add("id", tickets_.id(index))
      .add("subject", fields.subject)
      .add("status", row.status)
      .add("priority", row.priority)
      .add("source", fields.source)
      .add("type", fields.type)
      .add("requester_id", account_.user_id(fields.requester))
      .add("responder_id", id_of(fields.responder, [&](auto i) { return account_.user_id(i); }))
      .add("group_id", id_of(fields.group, [&](auto i) { return account_.group(i).id; }))
      .add("company_id", id_of(fields.company, [&](auto i) { return account_.company(i).id; }))
      .add("product_id", id_of(fields.product, [&](auto i) { return account_.product(i).id; }))
      .add("due_by", instant(tickets_.due(index)))
      .add("fr_due_by", instant(row.created + 4 * hour))
      .add("is_escalated", fields.escalated)
      .add("created_at", instant(row.created))
      .add("updated_at", instant(row.updated));
  if (shape == Shape::associated) return members.object(turn(index));

  add_channel(members, index, fields);
  Array tags(storage);
  for (const std::string_view tag : fields.tags) tags.emplace_back(boost::json::string_view(tag));
  members.add("spam", row.kind == TicketKind::spam)
      .add("association_type", association.type ? std::optional(association.type) : std::nullopt)
      .add("tags", std::move(tags))
      .add("custom_fields", custom_fields(index, storage));
  // Of tickets that nobody deleted the member is null, or not there at all.
  if (row.kind == TicketKind::deleted) {
    members.add("deleted", true);
  } else if (index % 2 == 0) {
    members.add("deleted", nullptr);
  }
  if (shape == Shape::listed) {
    members.add("associated_tickets_count", association.type ? std::optional(association.others.size()) : std::nullopt);
    if (includes.contains("description")) add_description(members, index);
  } else {
    add_viewed(members, index, shape, association, now);
  }
  add_included(members, index, fields, includes, now);
  return members.object(turn(index));
}

std::uint64_t Render::turn(std::uint64_t item) const noexcept { return canonical_ ? 0 : mixed(account_.seed() + item); }

void Render::add_channel(Members& members, std::size_t index, const TicketFields& fields) const {
  const storage_ptr& storage = members.storage();
  const bool chat = fields.source == 7, mail = fields.source == 1, copied = mail && index % 4 == 0;
  members
      .add("cc_emails",
           copied ? texts({"boss@acme.test", "o'brien@mail.test"}, storage) : addresses_or_null(chat, {}, storage))
      .add("fwd_emails", addresses_or_null(chat, {}, storage))
      .add("reply_cc_emails", copied ? texts({"boss@acme.test"}, storage) : addresses_or_null(chat, {}, storage))
      .add("ticket_cc_emails", addresses_or_null(chat, {}, storage))
      .add("to_emails", addresses_or_null(!mail, {help_address}, storage))
      .add("email_config_id", mail ? std::optional(help_mailbox) : std::nullopt)
      .add("support_email", mail ? std::optional(help_address) : std::nullopt)
      .add("fr_escalated", fields.escalated && index % 2 == 0)
      .add("nr_due_by", nullptr)
      .add("nr_escalated", false);
}

void Render::add_description(Members& members, std::size_t index) const {
  const Body body = content_.body(index, 0);
  members.add("description", body.html).add("description_text", body.text);
}

void Render::add_viewed(Members& members, std::size_t index, Shape shape, const Association& association,
                        Seconds now) const {
  add_description(members, index);
  Array others(members.storage());
  for (const std::size_t other : association.others) others.emplace_back(tickets_.id(other));
  members
      .add("associated_tickets_list", association.type ? Value(std::move(others)) : Value(nullptr, members.storage()))
      .add("source_additional_info", nullptr)
      .add("attachments", attachments(index, 0, now, members.storage()));
  if (shape == Shape::archived) members.add("archived", true);
  if (canonical_) members.add("inline_images", inline_images(index, 0));
}

void Render::add_included(Members& members, std::size_t index, const TicketFields& fields, const Includes& includes,
                          Seconds now) const {
  const storage_ptr& storage = members.storage();
  if (includes.contains("requester")) members.add("requester", requester(fields.requester, storage));
  if (includes.contains("stats")) members.add("stats", stats(index, storage));
  if (includes.contains("company")) {
    Members company(storage);
    if (fields.company) {
      const Company found = account_.company(*fields.company);
      company.add("id", found.id).add("name", found.name);
    }
    members.add("company", company.object());
  }
  if (includes.contains("conversations")) {
    Array list(storage);
    const std::size_t count = std::min(tickets_.conversations(index), included_conversations);
    for (std::size_t k = 0; k < count; ++k) list.push_back(conversation(index, k, now, storage));
    members.add("conversations", std::move(list));
  }
}

Value Render::requester(std::size_t user, const storage_ptr& storage) const {
  const User found = account_.user(user);
  return Members(storage)
      .add("id", found.id)
      .add("name", found.name)
      .add("email", found.email)
      .add("mobile", found.mobile)
      .add("phone", found.phone)
      .object();
}

Value Render::stats(std::size_t ticket, const storage_ptr& storage) const {
  const Row& row = tickets_.row(ticket);
  const bool answered = row.conversations > 0;
  const Seconds first = std::min(row.updated, row.created + static_cast<Seconds>(1 + ticket % 50) * minute);
  return Members(storage)
      .add("agent_responded_at", instant_if(answered, first))
      .add("requester_responded_at", instant_if(row.conversations > 1, first))
      .add("first_responded_at", instant_if(answered, first))
      .add("status_updated_at", instant(row.updated))
      .add("reopened_at", instant_if(ticket % 9 == 0, row.updated))
      .add("resolved_at", instant_if(row.status == 4 || row.status == 5, row.updated))
      .add("closed_at", instant_if(row.status == 5, row.updated))
      .add("pending_since", instant_if(row.status == 3, row.updated))
      .object();
}

Value Render::custom_fields(std::size_t ticket, const storage_ptr& storage) const {
  static constexpr std::array<std::string_view, 4> regions{"North", "S\u00fcd", "East/West", "\u6771\u4eac"};
  Random random(account_.seed(), Topic::ticket, ticket, 1);
  const auto there = [&] { return random.chance(70); };
  const bool text = there(), details = there(), number = there(), amount = there(), on = there(), region = there();
  const std::uint64_t site = random.below(4), cents = random.below(1'000'000);
  Members members(storage);
  members.add("cf_asset_tag", text ? std::optional(fmt::format("P-{:04}", random.below(10'000))) : std::nullopt)
      .add("cf_error_details",
           details ? std::optional("first line\r\nsecond line \u2713 <not html>\r\n\r\n") : std::nullopt)
      .add("cf_vip", random.chance(20))
      .add("cf_affected_users", number ? std::optional(random.between(-1, 2'147'483'647)) : std::nullopt);
  // Decimals come as texts or as numbers.
  if (!amount) {
    members.add("cf_amount", nullptr);
  } else if (ticket % 2) {
    members.add("cf_amount", fmt::format("{}.{:02}", cents / 100, cents % 100));
  } else {
    members.add("cf_amount", Value(static_cast<double>(cents) / 100, storage));
  }
  members.add("cf_installed_on", !on ? std::nullopt
                                 : random.chance(5)
                                     ? std::optional<std::string>(random.chance(50) ? "9999-12-31" : "1899-12-31")
                                     : std::optional(date_of(account_.today() - random.between(0, 3000) * day)));
  members.add("cf_region", region ? std::optional(random.pick(regions)) : std::nullopt)
      .add("cf_site", site > 0 ? std::optional("Plant 1") : std::nullopt)
      .add("cf_building", site > 1 ? std::optional("Hall A & B") : std::nullopt)
      .add("cf_room", site > 2 ? std::optional("Room 17") : std::nullopt)
      .add("cf_contract_file", nullptr)
      .add("cf_device", random.chance(20) ? std::optional(fmt::format("_0-{}", random.below(100))) : std::nullopt);
  return members.object();
}

Value Render::attachments(std::size_t ticket, std::size_t slot, Seconds now, const storage_ptr& storage) const {
  Array list(storage);
  for (const File& file : content_.files(ticket, slot)) {
    if (!file.listed) continue;
    Members members(storage);
    members.add("id", file.id).add("name", file.name).add("content_type", file.media_type).add("size", file.size);
    if (canonical_) {
      members.add("sha256", sha256(content_.bytes(file)));
      if (file.lost) members.add("lost", true);
    } else {
      members.add("attachment_url", addresses_.signed_url(Addresses::file_path(file.id, file.name), now));
    }
    members.add("created_at", instant(file.created)).add("updated_at", instant(file.created));
    list.push_back(members.object(turn(static_cast<std::uint64_t>(file.id))));
  }
  return list;
}

Value Render::inline_images(std::size_t ticket, std::size_t slot) const {
  Array list;
  for (const File& file : content_.files(ticket, slot)) {
    if (!file.in_text) continue;
    Members members;
    members.add("id", file.id).add("name", file.name).add("size", file.size).add("listed", file.listed);
    members.add("by_token", file.by_token).add("sha256", sha256(content_.bytes(file)));
    if (file.lost) members.add("lost", true);
    list.push_back(members.object());
  }
  if (const auto vanished = content_.vanished_image(ticket, slot)) {
    list.push_back(Members().add("id", *vanished).add("vanished", true).object());
  }
  return list;
}

Value Render::conversation(std::size_t ticket, std::size_t number, Seconds now, storage_ptr storage) const {
  const Conversation made = content_.conversation(ticket, number);
  const Body body = content_.body(ticket, number + 1);
  const User user = account_.user(made.user);
  std::optional<std::string> from;
  if (made.by_mail && user.email) from = fmt::format("{} <{}>", user.name, *user.email);
  Array cloud(storage);
  if (made.cloud_file) {
    cloud.push_back(
        Members(storage).add("id", made.id).add("name", "Plan \u2013 Q3.gdoc").add("url", *made.cloud_file).object());
  }
  Members members(storage);
  members.add("id", made.id)
      .add("ticket_id", tickets_.id(ticket))
      .add("body", body.html)
      .add("body_text", body.text)
      .add("incoming", made.incoming)
      .add("private", made.note)
      .add("user_id", user.id)
      .add("source", made.source)
      .add("category", made.note ? 2 : 1)
      .add("support_email", made.by_mail && !made.incoming ? std::optional(help_address) : std::nullopt)
      .add("from_email", from)
      .add("to_emails", made.by_mail ? texts({made.incoming ? help_address : "lea@mail.test"}, storage)
                        : number % 2 ? texts({}, storage)
                                     : Value(nullptr, storage))
      .add("cc_emails", made.by_mail && number % 3 == 0 ? texts({"boss@acme.test"}, storage) : texts({}, storage))
      .add("bcc_emails", made.by_mail ? texts({}, storage) : Value(nullptr, storage))
      .add("created_at", instant(made.created))
      .add("updated_at", instant(made.edited.value_or(made.created)))
      .add("last_edited_at", made.edited ? std::optional(instant(*made.edited)) : std::nullopt)
      .add("last_edited_user_id", made.edited ? std::optional(user.id) : std::nullopt)
      .add("attachments", attachments(ticket, number + 1, now, storage))
      .add("cloud_files", std::move(cloud))
      .add("has_quoted_text", made.quotes)
      .add("deleted", false)
      .add("email_failure_count", nullptr)
      .add("outgoing_failures", nullptr)
      .add("thread_id", nullptr)
      .add("thread_message_id", nullptr)
      .add("automation_id", nullptr)
      .add("automation_type_id", nullptr)
      .add("auto_response", false)
      .add("source_additional_info", nullptr);
  if (canonical_) members.add("inline_images", inline_images(ticket, number + 1));
  return members.object(turn(static_cast<std::uint64_t>(made.id)));
}

}  // namespace migrate::freshdesk::simulation

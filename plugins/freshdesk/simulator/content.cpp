#include "simulator/content.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace migrate::freshdesk::simulation {
namespace {

constexpr std::size_t slots = Tickets::most_conversations + 1;
constexpr std::size_t places = 8;          // numbers of files that a slot has
constexpr std::size_t first_in_text = 4;   // the place of the first image in the text
constexpr std::size_t vanished_place = 7;  // that no file ever has

std::uint64_t file_size(Random& random) {
  if (random.chance(6)) return 0;
  if (random.chance(62)) return static_cast<std::uint64_t>(random.between(1, 4000));
  return static_cast<std::uint64_t>(random.chance(80) ? random.between(4000, 60'000) : random.between(60'000, 300'000));
}

/// 0: as long as others.
std::size_t long_text(std::size_t ticket, std::size_t slot) {
  if (ticket % 400 == 209 && slot == 0) return 1024 * 1024;
  if ((ticket % 200 == 9 && slot == 0) || (ticket % 200 == 16 && slot == 2)) return 64 * 1024;
  return 0;
}

}  // namespace

Content::Content(const Account& account, const Tickets& tickets, const Addresses& addresses, const Settings& settings)
    : account_(account),
      tickets_(tickets),
      addresses_(addresses),
      lost_every_(static_cast<std::uint64_t>(settings.lost_file_every)),
      cid_every_(static_cast<std::uint64_t>(settings.cid_every)),
      conversation_ids_(account.seed(), 11, 43'010'000'000, 3),
      file_ids_(account.seed(), 12, 43'020'000'000, 3),
      time_entry_ids_(account.seed(), 13, 43'000'700'000, 5),
      rating_ids_(account.seed(), 14, 43'000'050'000, 5) {}

TicketFields Content::fields(std::size_t ticket) const {
  static constexpr std::array<std::string_view, 6> types{"Question", "Incident",        "Problem",
                                                         "Refund",   "Feature Request", "R\u00fcckfrage"};
  static constexpr std::array<int, 10> sources{1, 1, 1, 1, 2, 2, 3, 7, 9, 10};
  Random random(account_.seed(), Topic::ticket, ticket);
  TicketFields fields;
  do {
    fields.requester = Account::agents + random.below(account_.users() - Account::agents);
  } while (account_.kind(fields.requester) == UserKind::merged);
  if (random.chance(4)) fields.requester = 3;  // agents have requests too
  if (random.chance(75)) fields.responder = random.below(Account::agents);
  if (random.chance(60)) fields.group = random.below(Account::groups);
  if (random.chance(40)) fields.product = random.below(Account::products);
  fields.company = account_.company_of(fields.requester);
  fields.subject = random_subject(random);
  if (ticket % 20 == 12) fields.subject = ticket % 40 == 12 ? "" : " ";
  if (ticket % 20 == 14) fields.subject = std::string(251, 's') + "\u00df.\u2713";
  if (random.chance(80)) fields.type = random.pick(types);
  fields.source = random.pick(sources);
  for (auto count = random.chance(50) ? 0 : random.between(1, 4); count > 0; --count) {
    const std::string_view tag = random_tag(random);
    if (std::find(fields.tags.begin(), fields.tags.end(), tag) == fields.tags.end()) fields.tags.push_back(tag);
  }
  fields.escalated = random.chance(20);
  return fields;
}

Association Content::association(std::size_t ticket) const {
  // In each dozen: a parent with two children, and a tracker with three related tickets.
  const std::size_t dozen = ticket - ticket % 12;
  if (dozen + 12 > tickets_.size()) return {};
  switch (ticket % 12) {
    case 0:
      return {1, {dozen + 1, dozen + 2}};
    case 1:
    case 2:
      return {2, {dozen}};
    case 5:
      return {3, {dozen + 6, dozen + 7, dozen + 9}};
    case 6:
    case 7:
    case 9:
      return {4, {dozen + 5}};
    default:
      return {};
  }
}

Seconds Content::slot_time(std::size_t ticket, std::size_t slot) const {
  const Row& row = tickets_.row(ticket);
  if (slot == 0) return row.created;
  const Change* change = tickets_.change(ticket);
  if (slot > row.conversations) return change->conversations[slot - row.conversations - 1].at;
  const Seconds end = change ? change->first_updated : row.updated;
  Random random(account_.seed(), Topic::conversation, ticket, 1000);
  const auto share = static_cast<Seconds>(random.chance(15) ? 1 : slot);  // now and then all in one second
  return row.created + (end - row.created) * share / (row.conversations + 1);
}

Conversation Content::conversation(std::size_t ticket, std::size_t number) const {
  static constexpr std::array<int, 5> rare{5, 6, 7, 9, 11};
  const Row& row = tickets_.row(ticket);
  const TicketFields fields = this->fields(ticket);
  Random random(account_.seed(), Topic::conversation, ticket, number);
  Conversation made;
  made.id = conversation_ids_.at(ticket * slots + number);
  made.ticket = ticket;
  made.number = number;
  made.created = slot_time(ticket, number + 1);
  const std::uint64_t kind = random.below(100);
  const std::size_t agent = fields.responder && random.chance(70) ? *fields.responder : random.below(Account::agents);
  made.user = agent;
  if (kind < 40) {
    made.incoming = true;
    made.user = fields.requester;
    // Somebody who was in copy; since then perhaps merged, deleted or blocked.
    if (random.chance(20)) made.user = Account::agents + random.below(account_.users() - Account::agents);
  } else if (kind >= 75) {
    made.source = kind < 96 ? 2 : kind < 98 ? 8 : random.pick(rare);
    made.note = kind < 93;
    made.by_mail = made.source == 8;
    made.incoming = made.source == 5 || made.source == 6 || made.source == 7;
    if (made.incoming) made.user = fields.requester;
  }
  if (fields.source == 7 && number == 0) {
    made.source = 15;
    made.incoming = true;
    made.note = made.by_mail = false;
    made.user = fields.requester;
  }
  if (number >= row.conversations) {
    made.note = tickets_.change(ticket)->conversations[number - row.conversations].note;
    made.incoming = !made.note;
    made.by_mail = !made.note;
    made.source = made.note ? 2 : 0;
    made.user = made.note ? agent : fields.requester;
  }
  made.quotes = made.by_mail && random.chance(40);
  if (!made.incoming && random.chance(6)) made.edited = made.created;
  if (random.chance(4))
    made.cloud_file = fmt::format("https://drive.example.test/file/d/{:x}/view?usp=sharing", made.id);
  return made;
}

Body Content::body(std::size_t ticket, std::size_t slot) const {
  // The first message of a chat is its description once more.
  const std::size_t text_slot = slot == 1 && fields(ticket).source == 7 ? 0 : slot;
  Random random(account_.seed(), Topic::body, ticket, text_slot);
  const std::size_t length = long_text(ticket, slot);
  Body body = length > 0 ? long_body(length) : random_body(random);
  if (slot > 0) {
    const Conversation conversation = this->conversation(ticket, slot - 1);
    if (conversation.source == 5)
      return Body().add("<div>View the message on Twitter</div>", "View the message on Twitter");
    if (conversation.quotes) {
      body.add(
          "<div class=\"freshdesk_quote\"><blockquote class=\"freshdesk_quote\">Your message of today:<br>&gt; it "
          "still does not work</blockquote></div>",
          "Your message of today: > it still does not work");
    }
  }
  const auto show = [&](std::string_view url, std::string_view name) {
    const std::string image = fmt::format(
        "<div><img src=\"{}\" class=\"inline-image\" style=\"cursor: default; width: 300px\" alt=\"{}\"></div>",
        escaped(url), escaped(name));
    body.html = random.chance(30) ? image + body.html : body.html + image;
    if (random.chance(15)) body.html += image;
  };
  for (const File& file : files(ticket, slot)) {
    if (!file.in_text) continue;
    show(address_in_text(file), file.name);
  }
  if (const auto vanished = vanished_image(ticket, slot)) show(addresses_.inline_url(*vanished), "image.png");
  return body;
}

std::string Content::address_in_text(const File& file) const {
  if (!file.by_token) return addresses_.store() + Addresses::file_path(file.id, file.name) + "?v=2&t=1706700000";
  // Mails that were answered elsewhere bring their pictures back so: the name of a part of the mail, which is an
  // address.
  const bool as_part = cid_every_ > 0 && mixed(~static_cast<std::uint64_t>(file.id)) % cid_every_ == 0;
  return (as_part ? "cid:" : "") + addresses_.inline_url(file.id);
}

std::int64_t Content::file_id(std::size_t ticket, std::size_t slot, std::size_t place) const {
  return file_ids_.at((ticket * slots + slot) * places + place);
}

std::vector<File> Content::files(std::size_t ticket, std::size_t slot) const {
  Random random(account_.seed(), Topic::files, ticket, slot);
  const Seconds created = slot_time(ticket, slot);
  std::vector<File> files;
  const auto add = [&](std::size_t place, FileName name) {
    File file;
    file.id = file_id(ticket, slot, place);
    file.name = std::move(name.name);
    file.media_type = name.media_type;
    file.size = file_size(random);
    file.created = created;
    file.lost = lost_every_ > 0 && mixed(static_cast<std::uint64_t>(file.id)) % lost_every_ == 0;
    files.push_back(std::move(file));
  };
  std::int64_t attached = random.chance(slot == 0 ? 45 : 75) ? 0 : random.between(1, slot == 0 ? 4 : 2);
  for (std::size_t place = 0; attached > 0; ++place, --attached) {
    FileName name = random_file(random);
    if (place > 0 && random.chance(25)) name.name = files.back().name;
    add(place, std::move(name));
  }
  std::int64_t shown = random.chance(slot == 0 ? 25 : 8) ? random.between(1, slot == 0 ? 2 : 1) : 0;
  for (std::size_t place = first_in_text; shown > 0; ++place, --shown) {
    add(place, {random.chance(50) ? "image.png" : "image001.png", "image/png"});
    files.back().in_text = true;
    files.back().listed = random.chance(50);
    files.back().by_token = random.chance(75);
  }
  return files;
}

std::optional<std::int64_t> Content::vanished_image(std::size_t ticket, std::size_t slot) const {
  Random random(account_.seed(), Topic::files, ticket, slots + slot);
  if (!random.chance(slot == 0 ? 3 : 1)) return std::nullopt;
  return file_id(ticket, slot, vanished_place);
}

std::optional<File> Content::find_file(std::int64_t id) const {
  const auto number = file_ids_.find(id);
  if (!number) return std::nullopt;
  const std::size_t ticket = *number / places / slots, slot = *number / places % slots;
  if (ticket >= tickets_.size() || slot > tickets_.conversations(ticket)) return std::nullopt;
  for (File& file : files(ticket, slot)) {
    if (file.id == id) return std::move(file);
  }
  return std::nullopt;
}

std::string Content::bytes(const File& file) const {
  std::string bytes(file.size, '\0');
  Random random(account_.seed(), Topic::files, static_cast<std::uint64_t>(file.id), ~0ULL);
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random.next();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, bytes.size() - at));
  }
  return bytes;
}

std::vector<TimeEntry> Content::time_entries(std::size_t ticket) const {
  Random random(account_.seed(), Topic::time_entries, ticket);
  std::vector<TimeEntry> entries;
  const std::int64_t count = random.chance(70) ? 0 : random.between(1, 4);
  for (std::int64_t i = 0; i < count; ++i) {
    TimeEntry entry;
    entry.id = time_entry_ids_.at(ticket * 4 + static_cast<std::size_t>(i));
    entry.agent = random.below(Account::agents);
    entry.billable = random.chance(60);
    entry.running = random.chance(5);
    entry.spent = entry.running ? 0 : random.between(0, 130) * 5 * minute;
    if (random.chance(70)) entry.note = random_subject(random);
    entry.executed = tickets_.row(ticket).created + random.between(0, 2 * hour);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::optional<Rating> Content::rating(std::size_t ticket) const {
  static constexpr std::array<int, 5> values{-103, -102, 100, 102, 103};
  Random random(account_.seed(), Topic::ratings, ticket);
  const TicketFields fields = this->fields(ticket);
  if (!fields.responder || !random.chance(20)) return std::nullopt;
  Rating rating;
  rating.id = rating_ids_.at(ticket);
  rating.user = fields.requester;
  rating.agent = *fields.responder;
  rating.value = random.pick(values);
  if (random.chance(60)) rating.feedback = random_subject(random);
  rating.created = tickets_.row(ticket).created + hour;
  return rating;
}

std::vector<std::size_t> Content::watchers(std::size_t ticket) const {
  std::vector<std::size_t> agents;
  for (std::size_t agent = 0; agent < Account::agents; ++agent) {
    if (mixed(account_.seed() + ticket * Account::agents + agent) % 30 == 0) agents.push_back(agent);
  }
  return agents;
}

}  // namespace migrate::freshdesk::simulation

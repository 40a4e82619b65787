#include "item.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "html.hpp"
#include "json.hpp"
#include "migrate/digest.hpp"
#include "migrate/item.hpp"
#include "shape.hpp"
#include "window.hpp"

namespace migrate::freshdesk {

namespace {

/// Members of a ticket that have a place of their own in an item, that repeat another one (the texts without their
/// markup, numbers of what is listed), or that are ids whose name is carried.
constexpr std::array<std::string_view, 27> placed_of_ticket{"id",
                                                            "subject",
                                                            "description",
                                                            "description_text",
                                                            "structured_description",
                                                            "status",
                                                            "priority",
                                                            "type",
                                                            "tags",
                                                            "requester_id",
                                                            "requester",
                                                            "responder_id",
                                                            "created_at",
                                                            "updated_at",
                                                            "due_by",
                                                            "attachments",
                                                            "conversations",
                                                            "company_id",
                                                            "company",
                                                            "group_id",
                                                            "product_id",
                                                            "source",
                                                            "cloud_files",
                                                            "associated_tickets_list",
                                                            "associated_tickets_count",
                                                            "association_type",
                                                            "archived"};
constexpr std::array<std::string_view, 15> placed_of_conversation{
    "id",        "body",       "body_text",  "structured_body", "incoming",    "private", "user_id",       "source",
    "ticket_id", "created_at", "updated_at", "attachments",     "cloud_files", "deleted", "last_edited_at"};
constexpr std::array<std::string_view, 8> placed_of_time_entry{"id",   "agent_id", "executed_at",   "time_spent",
                                                               "note", "billable", "timer_running", "ticket_id"};

/// Whom a blind copy or a forward went to is no business of those who may read an item.
constexpr std::array<std::string_view, 3> recipients_unseen{"bcc_emails", "ticket_bcc_emails", "fwd_emails"};

constexpr std::array<std::pair<std::int64_t, const char*>, 9> conversation_kinds{{{0, "reply"},
                                                                                  {2, "note"},
                                                                                  {5, "tweet"},
                                                                                  {6, "survey feedback"},
                                                                                  {7, "facebook post"},
                                                                                  {8, "forward"},
                                                                                  {9, "phone"},
                                                                                  {11, "e-commerce"},
                                                                                  {15, "chat"}}};

template <class List>
bool holds(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// What does not say that it is public is not: a note must never reach the requester by mistake.
bool is_internal(const Value& conversation) {
  const Value* restricted = member(conversation, "private");
  return !restricted || !restricted->is_bool() || restricted->get_bool();
}

bool is_forward(const Value& conversation) {
  return member(conversation, "source") && number(conversation, "source") == 8;
}

std::string in_digest(const std::optional<Person>& person) {
  return person ? fmt::format("{}\t{}\t{}", person->id, person->name, person->email) : std::string();
}

/// Makes one record.
class Making {
 public:
  Making(const TicketParts& parts, const Names& names, const std::string& site)
      : parts_(parts), ticket_(parts.ticket), names_(names), site_(site), id_(text(parts.ticket, "id")) {}

  Record record() {
    if (number(ticket_, "id") <= 0 || text(ticket_, "updated_at").empty())
      throw Error(ErrorKind::invalid, "not_a_ticket", "the service has listed something without id or updated_at");
    record_.ref = RecordRef{ticket_type, id_};
    record_.warnings = parts_.warnings;
    list_files(ticket_);
    for (const TicketParts::Said& said : parts_.conversations)
      if (!truth(said.conversation, "deleted")) list_files(said.conversation);
    fields();
    people();
    others();
    item_.description = body_of(ticket_, "description", "description_text");
    files_of(ticket_, "ticket", Value(), nullptr);
    pictures_of(item_.description, "description", "ticket", Value(), nullptr);
    conversations();
    worklogs();
    association();
    record_.version = version();
    record_.data = item_.value();
    return std::move(record_);
  }

 private:
  void warn(std::string cause, std::string field, std::string message) {
    record_.warnings.push_back(Warning{std::move(cause), std::move(field), std::move(message)});
  }

  std::string label(const std::map<std::int64_t, std::string>& labels, const char* name) {
    if (!member(ticket_, name)) return {};
    const auto found = labels.find(number(ticket_, name));
    if (found != labels.end()) return found->second;
    warn(fmt::format("unknown_{}", name), name,
         fmt::format("the helpdesk names no {} {}: the number is kept", name, text(ticket_, name)));
    return text(ticket_, name);
  }

  void fields() {
    item_.title = text(ticket_, "subject");
    item_.kind = text(ticket_, "type");
    item_.status = label(names_.statuses, "status");
    item_.priority = label(names_.priorities, "priority");
    for (const Value& tag : list(ticket_, "tags")) item_.labels.push_back(text_of(tag));
    item_.created = time_of(ticket_, "created_at");
    item_.updated = time_of(ticket_, "updated_at");
    item_.due = time_of(ticket_, "due_by");
    item_.url = site_ + "/a/tickets/" + id_;
  }

  /// `mailbox`: how the service calls somebody that it does not know any more.
  std::optional<Person> person(std::int64_t id, const std::string& mailbox, const std::string& field) {
    if (id == 0 && mailbox.empty()) return std::nullopt;
    const Value* requester = member(ticket_, "requester");
    if (requester && number(*requester, "id") == id && id != 0)
      return Person{std::to_string(id), text(*requester, "name"), text(*requester, "email")};
    if (const auto found = names_.people.find(id); found != names_.people.end()) return found->second;
    const std::string own_id = id ? std::to_string(id) : std::string();
    if (!mailbox.empty()) return person_of_mailbox(own_id, mailbox);
    warn("unknown_person", field, fmt::format("nobody is known by the id {}: deleted, or hidden from the key", id));
    return Person{own_id, "", ""};
  }

  void people() {
    item_.reporter = person(number(ticket_, "requester_id"), "", "requester_id");
    item_.assignee = person(number(ticket_, "responder_id"), "", "responder_id");
  }

  void named(Object& others, const char* name, const std::map<std::int64_t, std::string>& names, const char* id_name) {
    const std::int64_t id = number(ticket_, id_name);
    if (id == 0) return;
    const auto found = names.find(id);
    if (found == names.end())
      warn(fmt::format("unknown_{}", name), id_name, fmt::format("no {} is known by the id {}", name, id));
    others[name] = found == names.end() ? std::to_string(id) : found->second;
  }

  void others() {
    Object others;
    for (const auto& [key, value] : ticket_.get_object())
      if (!holds(placed_of_ticket, key) && !holds(recipients_unseen, key)) others.emplace(key, value);
    // Said of every ticket; it means something of those that are.
    for (const char* shelf : {"spam", "deleted"})
      if (!truth(ticket_, shelf)) others.erase(shelf);
    if (member(ticket_, "source")) others["source"] = label(names_.sources, "source");
    named(others, "group", names_.groups, "group_id");
    named(others, "product", names_.products, "product_id");
    if (const Value* company = member(ticket_, "company"); company && !text(*company, "name").empty())
      others["company"] = text(*company, "name");
    else
      named(others, "company", names_.companies, "company_id");
    static constexpr std::array<const char*, 5> kinds{"", "parent", "child", "tracker", "related"};
    if (const Association kind = association_of(ticket_); kind != Association::none)
      others["association_type"] = kinds[static_cast<std::size_t>(kind)];
    if (parts_.archived) others["archived"] = true;
    if (const Value* requester = member(ticket_, "requester"); requester && requester->is_object()) {
      Object more;
      for (const auto& [key, value] : requester->get_object())
        if (key != "id" && key != "name" && key != "email") more.emplace(key, value);
      others["requester"] = std::move(more);
    }
    others["satisfaction_ratings"] = parts_.satisfaction_ratings;
    others["conversations"] = further_of_conversations();
    others["time_entries"] = further_of_time_entries();
    item_.others = canonical(others).get_object();
  }

  /// What public conversations have beyond a comment, by their ids: recipients, mostly. A target shows it beside the
  /// description, so that what belongs to an internal comment has no place here.
  Value further_of_conversations() const {
    Object all;
    for (const TicketParts::Said& said : parts_.conversations)
      if (!truth(said.conversation, "deleted") && !is_internal(said.conversation) && !is_forward(said.conversation))
        add_further(all, said.conversation, placed_of_conversation);
    return all;
  }

  /// What time entries have beyond a worklog, by their ids.
  Value further_of_time_entries() const {
    Object all;
    for (const Value& entry : parts_.time_entries) add_further(all, entry, placed_of_time_entry);
    return all;
  }

  template <class Placed>
  static void add_further(Object& all, const Value& value, const Placed& placed) {
    if (!value.is_object()) return;
    Object more;
    for (const auto& [key, member] : value.get_object()) {
      const bool says_no = member.is_bool() && !member.get_bool();
      if (!holds(placed, key) && !holds(recipients_unseen, key) && !says_no) more.emplace(key, member);
    }
    all[text(value, "id")] = std::move(more);
  }

  ItemText body_of(const Value& owner, const char* html, const char* plain) {
    ItemText body;
    body.text = text(owner, html);
    body.format = body.text.empty() ? "plain" : "html";
    if (body.text.empty()) body.text = text(owner, plain);
    // Files that lie in somebody's cloud are links: nobody has given the helpdesk their bytes.
    for (const Value& file : list(owner, "cloud_files")) {
      const std::string address = text(file, "url");
      std::string name = text(file, "name");
      if (name.empty()) name = text(file, "filename");
      if (name.empty()) name = address;
      body.text += body.format == "html" ? fmt::format("<p><a href=\"{}\">{}</a></p>", escaped(address), escaped(name))
                                         : fmt::format("\n{}: {}", name, address);
    }
    return body;
  }

  Value locator(const char* owner, const Value& conversation) const {
    Object locator;
    locator.emplace("owner", owner);
    locator.emplace("ticket", number(ticket_, "id"));
    if (parts_.archived) locator.emplace("archived", true);
    if (const Object* where = conversation.if_object())
      for (const auto& [key, value] : *where) locator.emplace(key, value);
    return locator;
  }

  void list_files(const Value& owner) {
    for (const Value& file : list(owner, "attachments")) listed_.insert(text(file, "id"));
  }

  void add_blob(Blob blob, Comment* comment) {
    if (comment) comment->blobs.push_back(blob.id);
    blob_ids_.insert(blob.id);
    record_.blobs.push_back(std::move(blob));
  }

  void files_of(const Value& owner, const char* kind, const Value& conversation, Comment* comment) {
    for (const Value& file : list(owner, "attachments")) {
      Blob blob;
      blob.id = text(file, "id");
      if (blob.id.empty() || blob_ids_.count(blob.id)) continue;
      blob.name = text(file, "name");
      if (blob.name.empty()) blob.name = "attachment-" + blob.id;
      blob.media_type = text(file, "content_type");
      const char* const size = member(file, "size") ? "size" : "file_size";
      if (member(file, size)) blob.size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number(file, size)));
      blob.locator = locator(kind, conversation);
      add_blob(std::move(blob), comment);
    }
  }

  void pictures_of(const ItemText& body, const std::string& field, const char* kind, const Value& conversation,
                   Comment* comment) {
    if (body.format != "html") return;
    for (const auto& [address, name] : pictures_in(body.text)) {
      Blob blob;
      if (const auto embedded = embedded_picture(address)) {
        blob.id = "inline:" + embedded->name.substr(0, embedded->name.find('.'));
        blob.name = embedded->name;
        blob.media_type = embedded->media_type;
        blob.size = embedded->size;
        Object locator;
        locator.emplace("owner", "text");
        locator.emplace("base64", embedded->base64);
        blob.locator = std::move(locator);
      } else if (const auto kept = kept_picture(address, site_)) {
        const bool is_listed = listed_.count(kept->id) > 0;
        blob.id = is_listed ? kept->id : "inline:" + kept->id;
        if (!is_listed && !kept->own_host) continue;
        if (const auto file = parts_.pictures.find(kept->id); !is_listed && file != parts_.pictures.end()) {
          if (file->second.gone) {
            warn("picture_missing", field, fmt::format("{} shows the picture {}, which is gone", field, kept->id));
            continue;
          }
          if (!file->second.trouble.empty()) {
            warn("picture_unreachable", field,
                 fmt::format("{} shows the picture {}, which cannot be fetched; its address stays in the text: {}",
                             field, kept->id, file->second.trouble));
            continue;
          }
          blob.size = file->second.size;
          blob.media_type = file->second.media_type;
        }
        blob.name = !name.empty() ? name : !kept->name.empty() ? kept->name : "inline-" + kept->id;
        blob.locator = locator(kind, conversation);
        blob.locator.get_object().emplace("address", kept->address);
      } else {
        if (is_data_address(address))
          warn("picture_missing", field,
               fmt::format("{} shows a picture that is in its address (data:) and cannot be read", field));
        if (address.starts_with("cid:"))
          warn("picture_missing", field,
               fmt::format("{} shows a picture {} that the helpdesk has not kept", field, address));
        continue;
      }
      item_.images.push_back(InlineImage{address, blob.id});
      if (!blob_ids_.count(blob.id) && !listed_.count(blob.id)) add_blob(std::move(blob), comment);
    }
  }

  void conversations() {
    std::vector<const TicketParts::Said*> said;
    for (const TicketParts::Said& each : parts_.conversations) said.push_back(&each);
    std::stable_sort(said.begin(), said.end(), [](const TicketParts::Said* a, const TicketParts::Said* b) {
      const std::string first = time_of(a->conversation, "created_at"), second = time_of(b->conversation, "created_at");
      return first != second ? first < second : number(a->conversation, "id") < number(b->conversation, "id");
    });
    for (const TicketParts::Said* each : said) conversation(*each);
  }

  void conversation(const TicketParts::Said& said) {
    const Value& from = said.conversation;
    Comment comment;
    comment.id = text(from, "id");
    const std::string field = fmt::format("conversation {}", comment.id);
    if (comment.id.empty() || truth(from, "deleted"))
      return warn("deleted_conversation", field, field + " was deleted in the helpdesk: left out");
    comment.author = person(number(from, "user_id"), text(from, "from_email"), field);
    comment.created = time_of(from, "created_at");
    comment.updated = time_of(from, member(from, "last_edited_at") ? "last_edited_at" : "updated_at");
    comment.body = body_of(from, "body", "body_text");
    comment.internal = is_internal(from);
    const std::int64_t source = member(from, "source") ? number(from, "source") : (comment.internal ? 2 : 0);
    comment.kind = fmt::format("source {}", source);
    for (const auto& [number, word] : conversation_kinds)
      if (number == source) comment.kind = word;
    Object where;
    where.emplace("conversation", number(from, "id"));
    where.emplace("page", said.page);
    const Value place(std::move(where));
    files_of(from, "conversation", place, &comment);
    pictures_of(comment.body, field, "conversation", place, &comment);
    item_.comments.push_back(std::move(comment));
  }

  void worklogs() {
    for (const Value& entry : parts_.time_entries) {
      Worklog worklog;
      worklog.id = text(entry, "id");
      if (worklog.id.empty()) continue;
      const std::string field = fmt::format("time entry {}", worklog.id);
      worklog.author = person(number(entry, "agent_id"), "", field);
      worklog.started = time_of(entry, member(entry, "executed_at") ? "executed_at" : "created_at");
      worklog.seconds = seconds_of(text(entry, "time_spent"));
      if (worklog.seconds < 0) {
        warn("unreadable_time_spent", field,
             fmt::format("{}: \"{}\" are no hours and minutes; taken as none", field, text(entry, "time_spent")));
        worklog.seconds = 0;
      }
      if (truth(entry, "timer_running"))
        warn("timer_running", field, field + ": its timer is running; what it shows now is carried");
      worklog.note.text = text(entry, "note");
      worklog.billable = truth(entry, "billable");
      item_.worklogs.push_back(std::move(worklog));
    }
  }

  /// Told by the child and by the related ticket, so that each pair is told once.
  void association() {
    const Association kind = association_of(ticket_);
    if (kind != Association::child && kind != Association::related) return;
    if (parts_.prime == 0)
      return warn("unknown_association", "association_type", "the helpdesk does not tell which ticket this belongs to");
    Link link;
    link.relation = kind == Association::child ? "parent" : "relates";
    link.target = RecordRef{ticket_type, std::to_string(parts_.prime)};
    link.cause = "missing_" + link.relation;
    record_.links.push_back(std::move(link));
  }

  /// A new conversation changes updated_at; an edited one, time entries and ratings need not, nor does a second change
  /// within the same second. Texts are left out: addresses of pictures in them may be signed anew each time.
  std::string version() const {
    Item brief = item_;
    brief.description = ItemText();
    brief.comments.clear();
    brief.worklogs.clear();
    brief.images.clear();
    std::string all = boost::json::serialize(brief.value());
    for (const TicketParts::Said& said : parts_.conversations)
      all += fmt::format("\nc{} {} {} {}", text(said.conversation, "id"), text(said.conversation, "updated_at"),
                         text(said.conversation, "last_edited_at"), truth(said.conversation, "deleted"));
    for (const Value& entry : parts_.time_entries)
      all += fmt::format("\nt{} {} {}", text(entry, "id"), text(entry, "updated_at"), text(entry, "time_spent"));
    // Who is renamed changes nothing of a ticket, but how its authors are called where it arrives.
    for (const Comment& comment : item_.comments) all += "\nb" + in_digest(comment.author);
    for (const Worklog& worklog : item_.worklogs) all += "\nw" + in_digest(worklog.author);
    for (const Value& file : list(ticket_, "attachments")) all += "\na" + text(file, "id");
    if (parts_.prime) all += fmt::format("\np{}", parts_.prime);
    // Another run may be able to fetch them, also those that somebody on the way has called gone.
    for (const auto& [id, file] : parts_.pictures) {
      if (!file.trouble.empty()) all += "\nu" + id;
      if (file.gone) all += "\ng" + id;
    }
    return item_.updated + "+" + sha256(all).substr(0, 16);
  }

  const TicketParts& parts_;
  const Value& ticket_;
  const Names& names_;
  const std::string& site_;
  std::string id_;
  Record record_;
  Item item_;
  std::set<std::string> listed_;    ///< ids of files that are listed with the ticket or a conversation
  std::set<std::string> blob_ids_;  ///< of record_.blobs
};

}  // namespace

Second updated_of(const Value& ticket) { return second_from(text(ticket, "updated_at")); }

Association association_of(const Value& ticket) {
  const std::int64_t kind = number(ticket, "association_type");
  return kind >= 1 && kind <= 4 ? static_cast<Association>(kind) : Association::none;
}

void add_wanted(const TicketParts& parts, WantedNames& wanted) {
  const Value* requester = member(parts.ticket, "requester");
  const std::int64_t known = requester ? number(*requester, "id") : 0;
  const auto want = [&](std::int64_t id) {
    if (id != 0 && id != known) wanted.people.insert(id);
  };
  want(number(parts.ticket, "requester_id"));
  want(number(parts.ticket, "responder_id"));
  const auto add = [&](std::set<std::int64_t>& ids, const char* name) {
    if (const std::int64_t id = number(parts.ticket, name); id != 0) ids.insert(id);
  };
  add(wanted.statuses, "status");
  add(wanted.groups, "group_id");
  add(wanted.products, "product_id");
  for (const TicketParts::Said& said : parts.conversations) want(number(said.conversation, "user_id"));
  for (const Value& entry : parts.time_entries) want(number(entry, "agent_id"));
  const std::int64_t company = number(parts.ticket, "company_id");
  if (company != 0 && !member(parts.ticket, "company")) wanted.companies.insert(company);
}

Record record_of(const TicketParts& parts, const Names& names, const std::string& site) {
  return Making(parts, names, site).record();
}

Record unreadable_record(std::int64_t id, const Value& ticket, const Error& trouble) {
  Record record;
  record.ref = RecordRef{ticket_type, std::to_string(id)};
  Item item;
  item.title = text(ticket, "subject");
  record.data = item.value();
  // It must not pass for what an earlier run has brought.
  record.version = "unreadable";
  Error failure(ErrorKind::invalid, "ticket_unreadable",
                fmt::format("ticket {} cannot be read: {}", id, trouble.what()));
  failure.with_advice("look at it in the helpdesk, then try again: migrate retry --cause ticket_unreadable");
  record.failure = std::make_shared<const Error>(std::move(failure));
  return record;
}

}  // namespace migrate::freshdesk

#include "draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <set>

#include "json.hpp"
#include "migrate/richtext/formats.hpp"
#include "migrate/richtext/text.hpp"
#include "names.hpp"

namespace migrate::jira {

namespace {

constexpr std::size_t title_limit = 255;
constexpr std::int64_t least_worklog = 60;  // Jira counts time in minutes

std::string print(const Value& value) { return boost::json::serialize(value); }

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// Puts an item's members where they belong; what has no place goes among the further fields.
class Drafting {
 public:
  Drafting(const Record& record, const Item& item, const Looked& looked, const SinkConfig& config)
      : record_(record), item_(item), looked_(looked), config_(config) {}

  Draft draft() {
    must_fields();
    title();
    people();
    priority();
    due();
    labels();
    status();
    custom_fields();
    others();
    files();
    required();
    texts();
    fingerprints();
    return std::move(draft_);
  }

 private:
  [[noreturn]] void refuse(const char* cause, const std::string& message, const std::string& advice) const {
    throw Error(ErrorKind::invalid, cause, fmt::format("{} {}: {}", record_.ref.type, record_.ref.id, message))
        .with_advice(advice);
  }
  void lost(std::string cause, std::string field, std::string message) {
    draft_.warnings.push_back(Warning{std::move(cause), std::move(field), std::move(message)});
  }
  Markup markup() const { return config_.api == 3 ? Markup::document : Markup::wiki; }

  /// True when the screen takes it; else it is shown to people instead.
  bool takes(const std::string& field, const std::string& shown) {
    if (looked_.screen->has(field)) return true;
    further_.emplace_back(field, shown);
    lost("field_not_on_screen", field, fmt::format("{} is not on the create screen of {}", field, looked_.type->name));
    return false;
  }

  void must_fields() {
    draft_.fields.emplace("project", object("key", config_.project));
    draft_.fields.emplace("issuetype", object("id", looked_.type->id));
    if (!item_.kind.empty() && !same_name(item_.kind, looked_.type->name)) {
      further_.emplace_back("kind", item_.kind);
      lost("unknown_issue_type", "kind", fmt::format("\"{}\" became {}", item_.kind, looked_.type->name));
    }
    if (!looked_.screen->has("labels"))
      refuse("no_marker", fmt::format("labels are not on the create screen of {}", looked_.type->name),
             "put the field Labels on the screen: the migration finds its issues again by it");
    if (!looked_.screen->has("description"))
      refuse("no_description", fmt::format("the description is not on the create screen of {}", looked_.type->name),
             "put the field Description on the screen: what the item says, and whose words it is, stands there");
    if (looked_.type->subtask && looked_.parent.empty())
      refuse("missing_parent", fmt::format("a {} needs a parent, and there is none yet", looked_.type->name),
             "retry it when the parent has arrived (migrate retry --cause missing_parent)");
    if (!looked_.parent.empty()) {
      const Field* parent = parent_field(*looked_.screen);
      if (!parent)
        refuse("parent_impossible", fmt::format("{} cannot have a parent", looked_.type->name),
               "map the relation to a link type (relations: {parent: Relates}), or choose a type that can have one");
      draft_.fields.emplace(parent->id, parent_value(*parent, looked_.parent));
      draft_.parent_field = parent->id;
    }
  }

  void title() {
    bool cut = false;
    const std::string clean = richtext::plain_text(richtext::plain(item_.title));
    std::string title = one_line(clean, title_limit, cut);
    if (title.empty()) title = fmt::format("{} {} (without a title)", record_.ref.type, record_.ref.id);
    if (cut) {
      further_.emplace_back("title", item_.title);
      lost("title_cut", "title",
           fmt::format("longer than {} characters; the whole is in the description", title_limit));
    }
    draft_.fields.emplace("summary", title);
  }

  Object account(const std::string& id) const { return object(looked_.cloud ? "accountId" : "name", id); }

  void people() {
    if (item_.assignee && !looked_.assignee)
      lost("unknown_assignee", "assignee", fmt::format("Jira cannot assign it to {}", named(*item_.assignee)));
    if (looked_.assignee && looked_.assignee_is_fallback)
      lost("fallback_assignee", "assignee", fmt::format("in place of {}", named(*item_.assignee)));
    // The panel above the description names both in any case.
    const bool may_assign = !looked_.site->lacks("ASSIGN_ISSUES");
    if (looked_.assignee && !may_assign)
      lost("may_not_assign", "assignee", "the account of the migration lacks the right Assign Issues");
    if (looked_.assignee && may_assign && looked_.screen->has("assignee"))
      draft_.fields.emplace("assignee", account(*looked_.assignee));
    if (looked_.reporter && looked_.screen->has("reporter"))
      draft_.fields.emplace("reporter", account(*looked_.reporter));
  }

  void priority() {
    if (item_.priority.empty() || !takes("priority", item_.priority)) return;
    const std::vector<std::string>& allowed = looked_.screen->fields.at("priority").allowed;
    const auto found = std::find_if(allowed.begin(), allowed.end(),
                                    [&](const std::string& name) { return same_name(name, item_.priority); });
    if (found == allowed.end() && !allowed.empty())
      refuse("unknown_priority",
             fmt::format("there is no priority \"{}\"; Jira has {}", item_.priority, listed(allowed)),
             "map it with the transformer `fields`, or add the priority to the project's scheme");
    draft_.fields.emplace("priority", object("name", found == allowed.end() ? item_.priority : *found));
  }

  void due() {
    if (item_.due.empty() || !takes("duedate", readable_time(item_.due))) return;
    if (!seconds_of(item_.due + (item_.due.size() == 10 ? "T00:00:00Z" : "")))
      refuse("invalid_date", fmt::format("\"{}\" is no date", item_.due), "map `due` to RFC 3339");
    draft_.fields.emplace("duedate", item_.due.substr(0, 10));
    if (item_.due.size() > 10 && item_.due.compare(10, 9, "T00:00:00") != 0)
      further_.emplace_back("due", readable_time(item_.due));
  }

  void labels() {
    for (const std::string& text : item_.labels) {
      std::string label = as_label(text);
      if (label != text) lost("label_changed", "labels", fmt::format("\"{}\" became \"{}\"", text, label));
      if (label.empty() || std::find(draft_.labels.begin(), draft_.labels.end(), label) != draft_.labels.end())
        continue;
      draft_.labels.push_back(std::move(label));
    }
  }

  void status() {
    if (item_.status.empty()) return;
    draft_.status = Site::status(*looked_.type, item_.status);
    if (draft_.status) return;
    std::vector<std::string> names;
    for (const IssueStatus& status : looked_.type->statuses) names.push_back(status.name);
    refuse(
        "unknown_status",
        fmt::format("{} issues have no status \"{}\"; they have {}", looked_.type->name, item_.status, listed(names)),
        "map it with the transformer `fields`, or add the status to the workflow");
  }

  void custom_fields() {
    for (const auto& member : item_.fields) {
      const std::string id(member.key());
      const auto field = looked_.screen->fields.find(id);
      if (field == looked_.screen->fields.end())
        refuse("field_not_on_screen",
               fmt::format("{} is not on the create screen of {}, or unknown", id, looked_.type->name),
               "put the field on the screen, or leave it out with the transformer `fields`");
      if (member.value().is_null()) continue;
      draft_.fields.insert_or_assign(id, fitted(field->second, member.value(), markup(), looked_.cloud));
    }
  }

  void others() {
    Rows rows = flat(item_.others);
    if (rows.empty()) return;
    std::string names;
    for (const auto& row : rows) names += (names.empty() ? "" : ", ") + row.first;
    if (config_.others == "fail")
      refuse("unmapped_fields", fmt::format("these fields have no place in Jira: {}", names),
             "map or drop each with the transformer `fields`, or set `others` to `preamble` or `drop`");
    if (config_.others == "drop") {
      lost("dropped_fields", "others", names);
      return;
    }
    std::move(rows.begin(), rows.end(), std::back_inserter(further_));
  }

  /// Blobs that a text shows as pictures.
  void shown_by(const ItemText& text, std::set<std::string>& blobs) const {
    if (item_.images.empty()) return;
    richtext::Node tree = richtext::parse(text).document;
    richtext::rewrite(tree, [&](richtext::Node& node) {
      if (node.kind != richtext::Kind::image) return;
      for (const InlineImage& image : item_.images)
        if (image.address == node.url) blobs.insert(image.blob);
    });
  }

  /// Blobs of comments for staff that nothing else has.
  std::set<std::string> internal_blobs() const {
    std::set<std::string> internal, open;
    const auto is_internal = [](const Comment& comment) { return comment.internal; };
    if (std::none_of(item_.comments.begin(), item_.comments.end(), is_internal)) return internal;
    shown_by(item_.description, open);
    for (const Comment& comment : item_.comments) {
      std::set<std::string>& blobs = comment.internal ? internal : open;
      blobs.insert(comment.blobs.begin(), comment.blobs.end());
      shown_by(comment.body, blobs);
    }
    for (const std::string& blob : open) internal.erase(blob);
    return internal;
  }

  void files() {
    const std::set<std::string> internal = internal_blobs();
    for (const Blob& blob : record_.blobs) {
      const bool hidden = internal.count(blob.id) != 0;
      if (hidden && config_.internal_files == "leave_out") {
        // Not among the further fields: its name is for staff, too.
        lost("file_left_out", "blobs", fmt::format("{}: it belongs to an internal comment", blob.name));
        draft_.withheld.push_back(&blob);
        continue;
      }
      if (hidden)
        lost("internal_file_visible", "blobs",
             fmt::format("{}: of an internal comment, and visible to all who see the issue", blob.name));
      const bool fits = looked_.site->upload_limit == 0 || !blob.size || *blob.size <= looked_.site->upload_limit;
      if (fits && looked_.site->attachments) {
        draft_.files.push_back(&blob);
        continue;
      }
      const std::string why = looked_.site->attachments ? fmt::format("{} bytes are more than the {} that Jira takes",
                                                                      *blob.size, looked_.site->upload_limit)
                                                        : std::string("attachments are switched off in Jira");
      if (config_.unmovable_files == "fail")
        refuse("file_too_large", fmt::format("the file \"{}\" cannot be moved: {}", blob.name, why),
               "raise the limit in Jira, or set `unmovable_files: leave_out`");
      further_.emplace_back("file left out", fmt::format("{} ({})", blob.name, why));
      lost("file_left_out", "blobs", fmt::format("{}: {}", blob.name, why));
    }
  }

  /// What the screen demands and the item does not have would be refused by Jira one field at a time.
  void required() {
    std::string missing;
    for (const auto& [id, field] : looked_.screen->fields) {
      if (!field.required || draft_.fields.contains(id) || id == "description" || id == "reporter") continue;
      if (id == "labels" || id == "project" || id == "issuetype" || id == "attachment") continue;
      missing += (missing.empty() ? "" : ", ") + fmt::format("{} ({})", id, field.name);
    }
    if (!missing.empty())
      refuse("missing_field", fmt::format("{} demands {}", looked_.type->name, missing),
             "set it under `fields` with the transformer `fields`, or give it a default in Jira");
  }

  void losses(const richtext::Losses& losses, const std::string& where) {
    for (const richtext::Loss& loss : losses.all())
      lost("text_" + loss.kind, where,
           fmt::format("{} x {} became {}{}", loss.count, loss.kind, loss.became,
                       loss.example.empty() ? std::string() : ": " + loss.example));
  }

  void texts() {
    TextContext context;
    context.markup = markup();
    context.limit = looked_.limit;
    context.storage = draft_.arena.get();
    const std::vector<InlineImage> images = draft_.pictures(item_);
    context.images = &images;
    const bool fits = fit_panel(further_, context);
    draft_.whole = fits ? item_.description : with_rows(item_.description, further_);
    draft_.description = description_text(record_.ref, item_, draft_.whole, fits ? further_ : Rows(), context);
    losses(draft_.description.losses, "description");
    for (const Comment& comment : item_.comments) {
      if (comment.internal) audience_for(*looked_.site, config_);
      CommentDraft draft;
      draft.comment = &comment;
      draft.hidden = comment.internal;
      draft.texts = comment_texts(comment, draft.hidden, context);
      for (const std::string& id : comment.blobs)
        if (draft_.moves(id)) draft.blobs.push_back(id);
      for (const Text& text : draft.texts) losses(text.losses, "comments");
      draft_.comments.push_back(std::move(draft));
    }
    std::stable_sort(draft_.comments.begin(), draft_.comments.end(), [](const CommentDraft& a, const CommentDraft& b) {
      return a.comment->created < b.comment->created;
    });
    for (const Worklog& worklog : item_.worklogs) worklog_draft(worklog, context);
  }

  void worklog_draft(const Worklog& worklog, const TextContext& context) {
    if (worklog.seconds <= 0) {
      lost("empty_worklog", "worklogs", fmt::format("time entry {} holds no time", worklog.id));
      return;
    }
    if (looked_.site->lacks("WORK_ON_ISSUES"))
      refuse("may_not_log_work", "it has time entries, and the account of the migration lacks the right Work On Issues",
             "grant the right, or leave `worklogs` out with the transformer `fields`");
    WorklogDraft draft(context.storage);
    draft.worklog = &worklog;
    draft.text = worklog_text(worklog, context);
    // Jira drops what is less than a minute.
    draft.seconds = std::max(least_worklog, (worklog.seconds + least_worklog / 2) / least_worklog * least_worklog);
    if (draft.seconds != worklog.seconds)
      lost("worklog_rounded", "worklogs", fmt::format("{} s became {} s", worklog.seconds, draft.seconds));
    const std::string when = worklog.started.empty() ? item_.created : worklog.started;
    draft.started = jira_time(when).value_or("");
    if (draft.started.empty())
      refuse("invalid_date", fmt::format("time entry {} was begun at \"{}\", which is no time", worklog.id, when),
             "map `worklogs.started` to RFC 3339");
    losses(draft.text.losses, "worklogs");
    draft_.worklogs.push_back(std::move(draft));
  }

  void fingerprints() {
    for (const auto& member : draft_.fields) {
      const std::string id(member.key());
      // The parent is a link: it may be set later.
      if (id != "project" && id != draft_.parent_field) draft_.fingerprints[id] = fingerprint_of(print(member.value()));
    }
    draft_.fingerprints["description"] = fingerprint_of(richtext::canonical_text(draft_.description.tree));
    if (draft_.status) draft_.fingerprints["status"] = fingerprint_of(draft_.status->name);
  }

  const Record& record_;
  const Item& item_;
  const Looked& looked_;
  const SinkConfig& config_;
  Draft draft_;
  Rows further_;
};

std::string spaced(std::string_view word) {
  std::string out;
  for (const char byte : word) out += byte == '_' || byte == '-' ? ' ' : byte;
  return out;
}

}  // namespace

bool Draft::moves(const std::string& blob) const {
  return std::any_of(files.begin(), files.end(), [&](const Blob* file) { return file->id == blob; });
}

std::vector<InlineImage> Draft::pictures(const Item& item) const {
  std::vector<InlineImage> shown = item.images;
  std::erase_if(shown, [&](const InlineImage& image) { return !moves(image.blob); });
  return shown;
}

Draft draft_of(const Record& record, const Item& item, const Looked& looked, const SinkConfig& config) {
  return Drafting(record, item, looked, config).draft();
}

IssueType& type_for(Site& site, const Item& item, const SinkConfig& config) {
  if (IssueType* type = item.kind.empty() ? nullptr : site.type(item.kind)) return *type;
  if (IssueType* type = site.type(config.issue_type)) return *type;
  std::vector<std::string> names;
  for (const IssueType& type : site.types) names.push_back(type.name);
  throw Error(ErrorKind::invalid, "unknown_issue_type",
              fmt::format("project {} has neither the issue type \"{}\" nor \"{}\"; it has {}", config.project,
                          item.kind, config.issue_type, listed(names)))
      .with_advice("set `issue_type` to one of these");
}

Value fitted(const Field& field, const Value& value, Markup markup, bool cloud) {
  if (field.is_document()) {
    const Object* rich = value.if_object();
    if (!value.is_string() && !(rich && rich->contains("$richText"))) return value;
    const Item holder(object("description", value));
    const richtext::Node tree = richtext::parse(holder.description).document;
    if (markup == Markup::wiki) return Value(richtext::print_wiki(tree).text);
    return richtext::print_adf(tree).document;
  }
  if (const Object* date = value.if_object(); date && date->size() == 1 && date->contains("$date")) {
    const std::string text = text_at(value, {"$date"});
    return Value(field.type == "date" ? text.substr(0, 10) : jira_time(text).value_or(text));
  }
  if (field.type == "array" && !value.is_array()) {
    Array list;
    list.push_back(value);
    return fitted(field, list, markup, cloud);
  }
  if (field.type == "array") {
    Field element = field;
    element.type = field.items;
    Array list;
    for (const Value& each : value.get_array()) list.push_back(fitted(element, each, markup, cloud));
    return list;
  }
  if (field.type == "string" && (value.is_int64() || value.is_uint64() || value.is_bool())) return Value(print(value));
  if (field.type == "date" && value.is_string()) return Value(std::string(value.get_string()).substr(0, 10));
  if (field.type == "datetime" && value.is_string()) {
    const std::string text(value.get_string());
    return Value(jira_time(text).value_or(text));
  }
  if (!value.is_string()) return value;
  if (field.type == "option") return object("value", value);
  if (field.type == "user") return object(cloud ? "accountId" : "name", value);
  if (field.type == "group" || field.type == "version" || field.type == "component" || field.type == "priority")
    return object("name", value);
  return value;
}

Audience audience_for(const Site& site, const SinkConfig& config) {
  const std::string& how = config.internal_comments;
  if (how == "group") return Audience::group;
  if (how == "role" || (how == "auto" && !site.service_management)) return Audience::role;
  if (how != "fail" && site.service_management) return Audience::service_management;
  throw Error(ErrorKind::invalid, "internal_comment",
              how == "fail" ? std::string("the item has a comment for staff only, and the configuration refuses those")
                            : fmt::format("project {} is no service project: it has no internal notes", config.project))
      .with_advice("set `internal_comments: role` and `internal_audience` to the role that may see them");
}

Relation relation_for(const std::string& word, const Site& site, const SinkConfig& config) {
  Relation relation;
  const auto configured = config.relations.find(word);
  const std::string wanted = configured == config.relations.end() ? word : configured->second;
  if (same_name(wanted, "parent")) {
    relation.parent = true;
    return relation;
  }
  const std::string phrase = spaced(wanted);
  const auto match = [&](auto member) {
    return std::find_if(site.links.begin(), site.links.end(), [&](const LinkType& type) {
      return same_name(type.*member, wanted) || same_name(type.*member, phrase);
    });
  };
  auto found = match(&LinkType::outward);
  if (found == site.links.end()) found = match(&LinkType::name);
  if (found == site.links.end()) {
    found = match(&LinkType::inward);
    relation.outward = found == site.links.end();
  }
  // "duplicates" and "relates" are types Duplicate and Relates.
  if (found == site.links.end()) {
    const std::string shorter = phrase.ends_with('s') ? phrase.substr(0, phrase.size() - 1) : phrase + "s";
    found = std::find_if(site.links.begin(), site.links.end(),
                         [&](const LinkType& type) { return same_name(type.name, shorter); });
  }
  if (found == site.links.end())
    throw Error(ErrorKind::invalid, "unknown_relation",
                fmt::format("Jira has no link type for the relation \"{}\"", word))
        .with_advice(fmt::format("name one under `relations`, for example `relations: {{{}: Relates}}`", word));
  relation.type = found->name;
  return relation;
}

void warn(Operation& operation, const Warning& warning) {
  std::vector<Warning>& all = operation.mutable_record().warnings;
  const bool known = std::any_of(all.begin(), all.end(), [&](const Warning& each) {
    return each.cause == warning.cause && each.field == warning.field && each.message == warning.message;
  });
  if (!known) all.push_back(warning);
}

}  // namespace migrate::jira

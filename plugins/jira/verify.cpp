// What an item should be in Jira and what is there, compared: texts by what they say, files byte by byte, comments with
// who may see them, links with their direction, time entries, web links.
#include <fmt/format.h>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "compare.hpp"
#include "json.hpp"
#include "migrate/digest.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

constexpr std::size_t at_once = 8;       // issues that are compared side by side
constexpr std::size_t chunk = 1u << 16;  // bytes of a file that are read at once
constexpr std::size_t bulk = 100;        // issues a request

std::string print(const Value& value) { return boost::json::serialize(value); }

awaitable<std::string> digest_of(std::unique_ptr<ByteStream> bytes) {
  Sha256 digest;
  while (true) {
    const std::string part = co_await bytes->read(chunk);
    if (part.empty()) co_return digest.finish();
    digest.update(part);
  }
}

}  // namespace

/// One item and its issue.
class Comparison {
 public:
  Comparison(JiraSink& sink, Operation& operation, std::vector<Finding>& findings)
      : sink_(sink), operation_(operation), job_(operation), findings_(findings) {}

  awaitable<void> run(Value issue) {
    issue_ = std::move(issue);
    job_.key = text_at(issue_, {"key"});
    std::optional<Error> refused;
    try {
      co_await sink_.look_up(job_);
    } catch (const Error& error) {
      refused = error;
    }
    if (refused && refused->kind() != ErrorKind::invalid) throw *refused;
    if (refused) {
      differs("", "", job_.key, fmt::format("cannot be compared, since it would be refused now: {}", refused->what()));
      co_return;
    }
    for (const Value& file : list_at(issue_, {"fields", "attachment"})) found_files_.push_back(file);
    fields();
    labels();
    co_await files();
    co_await description();
    co_await comments();
    co_await links();
    co_await worklogs();
    co_await source_link();
    for (Original& each : originals_) co_await original(std::move(each));
  }

 private:
  void differs(std::string field, std::string expected, std::string found, std::string message) {
    Finding finding;
    finding.record = operation_.record().ref;
    finding.field = std::move(field);
    finding.expected = std::move(expected);
    finding.found = std::move(found);
    finding.message = fmt::format("{} {} ({}): {}", finding.record.type, finding.record.id, job_.key, message);
    findings_.push_back(std::move(finding));
  }

  void fields() {
    for (const auto& member : job_.draft.fields) {
      const std::string id(member.key());
      if (id == "project" || id == job_.draft.parent_field) continue;
      const Value* found = jira::find(issue_, {"fields", id});
      const auto screen = job_.looked.screen->fields.find(id);
      if (found && screen != job_.looked.screen->fields.end() && screen->second.is_document()) {
        text(id, canonical(member.value(), sink_.markup()), *found);
        continue;
      }
      if (found && holds(member.value(), *found)) continue;
      std::string shown;
      if (found) shown = print(*found);
      differs(id, print(member.value()), shown.substr(0, 200), fmt::format("{} is not what it should be", id));
    }
    const IssueStatus* status = job_.draft.status;
    if (status && text_at(issue_, {"fields", "status", "id"}) != status->id)
      differs("status", status->name, text_at(issue_, {"fields", "status", "name"}), "is in another status");
  }

  void labels() {
    std::set<std::string> there;
    for (const Value& label : list_at(issue_, {"fields", "labels"}))
      if (label.is_string()) there.emplace(label.get_string());
    const std::string key = create_key(operation_.migration(), operation_.record().ref);
    for (const std::string& label : sink_.labels_of(job_, key))
      if (!there.count(label)) differs("labels", label, "", fmt::format("lacks the label {}", label));
    if (there.count(std::string(incomplete_label)))
      differs("labels", "", std::string(incomplete_label), "is marked as incomplete");
  }

  /// A text of the item. Only its beginning may have been written, with the whole as a file: where it was cut, Jira may
  /// have decided.
  void text(const std::string& field, const std::string& expected, const Value& body, const std::string& what = {},
            const ItemText& source = ItemText()) {
    std::string found = canonical(body, sink_.markup());
    if (!what.empty() && found.find(goes_on) != std::string::npos) originals_.push_back(original_of(what, source));
    if (agrees(found, expected, sink_.rewrites_markup())) return;
    const auto [should, is] = parting(expected, found);
    differs(field, should, is, fmt::format("{} says something else", field));
  }

  /// Images by their presence: where they stand on the target does not matter for what a text says. One that has lost
  /// its file is a finding of its own.
  std::string expected_text(const Text& text, const std::vector<NamedFile>& files) const {
    std::map<std::string, std::string> media;
    for (const std::string& image : text.images)
      if (!left_out_.count(image)) media[image] = name_of(image);
    return canonical(printed(text, sink_.markup(), media, files), sink_.markup());
  }

  std::string name_of(const std::string& blob) const {
    for (const Blob& each : operation_.record().blobs)
      if (each.id == blob) return file_name(each);
    return {};
  }

  /// How much of it Jira has taken its property says: a list of further fields stands behind the text or goes into its
  /// file, as there is room.
  awaitable<void> description() {
    if (!job_.looked.screen->has("description")) co_return;
    std::optional<JiraSink::Job> cut;
    const auto limit = static_cast<std::size_t>(number_at(issue_, {"properties", property_key, "limit"}));
    if (limit != 0 && limit < job_.looked.limit) {
      cut.emplace(operation_);
      cut->looked = job_.looked;
      cut->looked.limit = limit;
      co_await sink_.redraft(*cut);
    }
    const Draft& draft = cut ? cut->draft : job_.draft;
    const Value* found = jira::find(issue_, {"fields", "description"});
    const Value nothing;
    text("description", expected_text(draft.description, {}), found ? *found : nothing, "description", draft.whole);
  }

  awaitable<void> files() {
    for (const Blob* blob : job_.draft.files) co_await file(blob);
    for (const Blob* blob : job_.draft.withheld) withheld(file_name(*blob));
  }

  void withheld(const std::string& name) {
    for (const Value& each : found_files_)
      if (text_at(each, {"filename"}) == name && sink_.is_own(each))
        differs("attachments", "", name,
                fmt::format("the file {} belongs to comments for staff only, and others can see it", name));
  }

  /// The one attachment of that name; a finding when there is none, or more than one.
  const Value* attachment(const std::string& name, bool may_be_absent) {
    const Value* found = nullptr;
    for (const Value& each : found_files_) {
      if (text_at(each, {"filename"}) != name) continue;
      if (found) differs("attachments", name, name, fmt::format("has the file {} more than once", name));
      found = &each;
    }
    if (!found && !may_be_absent) differs("attachments", name, "", fmt::format("lacks the file {}", name));
    return found;
  }

  awaitable<void> file(const Blob* of) {
    const Blob& blob = *of;
    const std::string name = file_name(blob);
    const Value* found = attachment(name, true);
    if (!found) {
      if (sink_.config_.unmovable_files == "leave_out") {
        bool gone = false;
        try {
          co_await operation_.open(blob);
        } catch (const Error& error) {
          gone = error.kind() == ErrorKind::not_found;
        }
        if (gone) {
          left_out_.insert(blob.id);
          co_return;
        }
      }
      attachment(name, false);
      co_return;
    }
    job_.files[blob.id] = text_at(*found, {"id"});
    const auto size = static_cast<std::uint64_t>(number_at(*found, {"size"}));
    if (blob.size && *blob.size != size) {
      differs("attachments", std::to_string(*blob.size), std::to_string(size),
              fmt::format("the file {} has another size", name));
      co_return;
    }
    std::string expected = blob.sha256;
    if (expected.empty()) {
      std::unique_ptr<ByteStream> source = co_await operation_.open(blob);
      expected = co_await digest_of(std::move(source));
    }
    co_await bytes(name, *found, std::move(expected));
  }

  awaitable<void> original(Original original) {
    const Value* found = attachment(original.name, false);
    if (!found) co_return;
    co_await bytes(original.name, *found, sha256(original.content));
  }

  awaitable<void> bytes(std::string name, Value attachment, std::string expected) {
    std::string id = text_at(attachment, {"id"}), called = text_at(attachment, {"filename"});
    std::unique_ptr<ByteStream> there;
    try {
      there = co_await sink_.api_.download(std::move(id), std::move(called));
    } catch (const http::StatusError& error) {
      // What may pass is no difference: the comparison is repeated then.
      if (error.kind() != ErrorKind::invalid && error.kind() != ErrorKind::not_found) throw;
      differs("attachments", expected, "", fmt::format("the file {} cannot be read back: {}", name, error.what()));
      co_return;
    }
    const std::string found = co_await digest_of(std::move(there));
    if (found != expected) differs("attachments", expected, found, fmt::format("the file {} holds other bytes", name));
  }

  awaitable<void> comments() {
    if (job_.draft.comments.empty()) co_return;
    const Array there = co_await sink_.api_.comments(job_.key);
    for (CommentDraft& draft : job_.draft.comments) comment(draft, there);
    std::map<std::string, std::vector<const Value*>> found;
    for (const Value& each : there)
      if (const Value* mark = mark_in(each); mark && part_in(*mark) == 0) found[mark_id(each)].push_back(&each);
    std::map<const Value*, Placed> known;
    for (std::size_t i = 0; i < job_.draft.comments.size(); ++i)
      if (const std::vector<const Value*>& all = found[job_.draft.comments[i].comment->id]; all.size() == 1)
        known[all.front()] = Placed{i, sink_.is_internal(*all.front())};
    std::vector<Placed> order;
    for (const Value& each : there)
      if (const auto place = known.find(&each); place != known.end()) order.push_back(place->second);
    if (!in_order(order)) differs("comments", "", "", "the comments stand in another order");
  }

  static std::string mark_id(const Value& thing) {
    for (const Value& property : list_at(thing, {"properties"}))
      if (text_at(property, {"key"}) == property_key) return text_at(property, {"value", "id"});
    return {};
  }

  /// Where it was parted its own property tells.
  void comment(CommentDraft& draft, const Array& there) {
    const std::string& id = draft.comment->id;
    const std::string field = fmt::format("comments[{}]", id);
    std::map<std::size_t, const Value*> parts;
    for (const Value& each : there) {
      if (mark_id(each) != id) continue;
      const Value*& found = parts[part_in(*mark_in(each))];
      if (found) differs(field, "", "", fmt::format("comment {} is there more than once", id));
      found = &each;
    }
    if (!parts.count(0)) return differs(field, "", "", fmt::format("lacks the comment {}", id));
    const Value& mark = *mark_in(*parts[0]);
    draft.hidden = draft.hidden || sink_.is_internal(*parts[0]);
    const auto limit = static_cast<std::size_t>(number_at(mark, {"limit"}));
    if (draft.hidden && (limit != 0 || draft.texts.size() > 1))
      sink_.shorten(job_, draft, number_at(mark, {"parts"}) != 0 ? limit : any_length);
    for (std::size_t part = 0; part < draft.texts.size(); ++part)
      if (!parts.count(part))
        differs(field, "", "", fmt::format("lacks part {} of the comment {}", part + 1, id));
      else
        comment_part(draft, part, *parts[part]);
    if (parts.size() > draft.texts.size())
      differs(field, "", "", fmt::format("the comment {} has more parts than its text", id));
  }

  void comment_part(const CommentDraft& draft, std::size_t part, const Value& found) {
    const std::string& id = draft.comment->id;
    const std::string field = fmt::format("comments[{}]", id);
    if (sink_.is_internal(found) != draft.comment->internal)
      differs(field + ".internal", draft.comment->internal ? "true" : "false",
              draft.comment->internal ? "false" : "true",
              draft.comment->internal ? fmt::format("the comment {} is for staff only, and others can see it", id)
                                      : fmt::format("the comment {} is public, and the requester cannot see it", id));
    std::vector<NamedFile> files;
    bool complete = true;  // the address of a file that is gone is not known
    for (const std::string& blob : part == 0 ? draft.blobs : std::vector<std::string>()) {
      if (left_out_.count(blob)) continue;
      const auto known = job_.files.find(blob);
      const std::string name = name_of(blob);
      complete = complete && known != job_.files.end();
      files.push_back(NamedFile{name, complete ? sink_.api_.file_address(known->second, name) : std::string()});
    }
    if (!complete && sink_.markup() == Markup::wiki) return;
    const Value* body = jira::find(found, {"body"});
    const Value nothing;
    text(field, expected_text(draft.texts[part], files), body ? *body : nothing, "comment-" + id, draft.comment->body);
  }

  /// A link of the item's and what it leads to in Jira.
  struct Wanted {
    const Link* link;
    Relation relation;
    std::string other;
  };

  bool has_link(const Wanted& wanted, const std::string& other) const {
    const Field* field = wanted.relation.parent ? parent_field(*job_.looked.screen) : nullptr;
    if (field && parent_in(issue_, *field) == other) return true;
    for (const Value& each : list_at(issue_, {"fields", "issuelinks"})) {
      if (wanted.relation.parent || text_at(each, {"type", "name"}) != wanted.relation.type) continue;
      if (text_at(each, {wanted.relation.outward ? "outwardIssue" : "inwardIssue", "key"}) == other) return true;
    }
    return false;
  }

  awaitable<void> links() {
    std::vector<Wanted> missing;
    std::vector<std::string> keys;
    for (const Link& link : operation_.record().links) {
      const std::optional<Value> target = operation_.linked(link.target);
      // What has found no target is counted as such, not here.
      if (!target || !target->is_string()) continue;
      Wanted wanted{&link, relation_for(link.relation, *sink_.site_, sink_.config_), std::string(target->get_string())};
      if (has_link(wanted, wanted.other)) continue;
      keys.push_back(wanted.other);
      missing.push_back(std::move(wanted));
    }
    // They may bear other keys by now.
    const std::vector<std::string> present = co_await sink_.present_ids(std::move(keys));
    for (std::size_t i = 0; i < missing.size(); ++i) {
      if (!present[i].empty() && has_link(missing[i], present[i])) continue;
      differs("links", fmt::format("{} {}", missing[i].link->relation, missing[i].other), "",
              fmt::format("lacks the link \"{}\" to {}", missing[i].link->relation, missing[i].other));
    }
  }

  awaitable<void> worklogs() {
    if (job_.draft.worklogs.empty()) co_return;
    const Array there = co_await sink_.api_.worklogs(job_.key);
    std::set<std::string> taken;
    for (const WorklogDraft& draft : job_.draft.worklogs) {
      const std::string& id = draft.worklog->id;
      const std::string field = fmt::format("worklogs[{}]", id);
      const auto alike = [&](const Value& each) {
        return number_at(each, {"timeSpentSeconds"}) == draft.seconds &&
               seconds_of(text_at(each, {"started"})) == seconds_of(draft.started);
      };
      const Value note = printed(draft.text, sink_.markup(), {}, {});
      const Value contents = sink_.contents_of(draft, note);
      const auto first = [&](auto&& is) {
        return std::find_if(there.begin(), there.end(),
                            [&](const Value& each) { return !taken.count(text_at(each, {"id"})) && is(each); });
      };
      // Data Center keeps no properties of time entries; several may hold the same time.
      auto found = first(
          [&](const Value& each) { return sink_.api_.cloud() ? mark_id(each) == id : sink_.is_entry(each, contents); });
      if (found == there.end() && !sink_.api_.cloud()) found = first(alike);
      if (found == there.end()) {
        differs(field, "", "", fmt::format("lacks the time entry {}", id));
        continue;
      }
      taken.insert(text_at(*found, {"id"}));
      if (!alike(*found))
        differs(field, fmt::format("{} s at {}", draft.seconds, draft.started),
                fmt::format("{} s at {}", number_at(*found, {"timeSpentSeconds"}), text_at(*found, {"started"})),
                fmt::format("the time entry {} holds another time", id));
      const Value* said = jira::find(*found, {"comment"});
      if (said) text(field, expected_text(draft.text, {}), *said, "worklog-" + id, draft.worklog->note);
    }
  }

  awaitable<void> source_link() {
    if (!sink_.config_.source_link || job_.item.url.empty()) co_return;
    http::Query query;
    query.add("globalId", source_link_id(operation_.migration(), operation_.record().ref));
    const std::optional<Value> link = co_await sink_.api_.find_issue(job_.key, "/remotelink" + query.text());
    const bool there = link && text_at(*link, {"object", "url"}) == job_.item.url;
    if (!there) differs("source_link", job_.item.url, "", "lacks the web link to its source");
  }

  JiraSink& sink_;
  Operation& operation_;
  JiraSink::Job job_;
  std::vector<Finding>& findings_;
  Value issue_;
  std::vector<Value> found_files_;
  std::vector<Original> originals_;  ///< of texts that were cut
  std::set<std::string> left_out_;   ///< blobs that the source has no more, and that may be absent for it
};

awaitable<std::vector<Finding>> JiraSink::verify(std::span<Operation> operations) {
  site_ = co_await reader_.site();
  std::vector<std::string> fields{"summary",  "issuetype", "status",      "priority",   "labels",     "assignee",
                                  "reporter", "duedate",   "description", "attachment", "issuelinks", "parent"};
  const std::vector<std::string> properties(1, std::string(property_key));
  std::set<std::string> custom;
  std::vector<std::string> keys;
  for (const Operation& operation : operations) {
    if (operation.target_id().is_string()) keys.emplace_back(operation.target_id().get_string());
    if (const Value* more = operation.data().if_contains("fields"); more && more->is_object())
      for (const auto& member : more->get_object()) custom.emplace(member.key());
  }
  if (!api_.cloud())  // each type may have its parent in another field
    for (IssueType& type : site_->types)
      if (const Field* field = parent_field(*co_await reader_.screen(type))) custom.insert(field->id);
  fields.insert(fields.end(), custom.begin(), custom.end());
  std::map<std::string, Value> found;
  for (std::size_t first = 0; first < keys.size(); first += bulk) {
    const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<std::string> some(begin, begin + static_cast<std::ptrdiff_t>(std::min(bulk, keys.size() - first)));
    const Array issues = co_await api_.issues(std::move(some), fields, properties);
    for (const Value& issue : issues) found.emplace(text_at(issue, {"key"}), issue);
  }
  std::vector<std::vector<Finding>> findings(operations.size());
  boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  TaskGroup group(executor, at_once);
  std::string asked;
  for (const std::string& field : fields) asked += (asked.empty() ? "?fields=" : ",") + field;
  asked += fmt::format("&properties={}", property_key);
  auto compare = [&](std::size_t i) -> awaitable<void> {
    Operation& operation = operations[i];
    const Value& id = operation.target_id();
    const std::string key = id.is_string() ? std::string(id.get_string()) : std::string();
    const auto known = found.find(key);
    std::optional<Value> issue;
    if (known != found.end()) issue = known->second;
    // It may bear another key by now.
    else if (!key.empty())
      issue = co_await api_.find_issue(key, asked);
    if (!issue) {
      Finding finding;
      finding.record = operation.record().ref;
      finding.expected = key;
      finding.found = "nothing";
      finding.message = fmt::format("{} {} should be in Jira{}, and is not", finding.record.type, finding.record.id,
                                    key.empty() ? std::string() : " as " + key);
      findings[i].push_back(std::move(finding));
      co_return;
    }
    Comparison comparison(*this, operation, findings[i]);
    co_await comparison.run(std::move(*issue));
  };
  for (std::size_t i = 0; i < operations.size(); ++i) {
    awaitable<void> comparing = compare(i);
    const bool started = co_await group.spawn(std::move(comparing));
    if (!started) break;
  }
  co_await group.join();
  std::vector<Finding> all;
  for (std::vector<Finding>& some : findings) std::move(some.begin(), some.end(), std::back_inserter(all));
  co_return all;
}

}  // namespace migrate::jira

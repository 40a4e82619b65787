// Writes items as issues. Each call that changes something is a journalled step; see README.md for their order.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "draft.hpp"
#include "users.hpp"

namespace migrate::jira {

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services);

/// On the run's strand.
class JiraSink final : public ItemSink {
 public:
  JiraSink(SinkConfig config, const Services& services);

  SinkTraits traits() const override;
  awaitable<std::vector<Check>> check() override;
  awaitable<TargetIdentity> identity() override;
  awaitable<void> prepare(std::vector<TableSchema> schemas) override;
  awaitable<std::vector<Finding>> preview(std::span<Operation> operations) override;
  awaitable<std::vector<Finding>> verify(std::span<Operation> operations) override;
  awaitable<std::string> write(Operation& operation) override;
  awaitable<void> link(Operation& operation) override;
  awaitable<void> undo(Receipt receipt) override;
  awaitable<void> for_each_marked(std::string migration, std::chrono::system_clock::time_point last_write,
                                  std::function<void(const Marked&)> each) override;
  awaitable<std::optional<Marked>> any_marked(std::string migration) override;
  awaitable<std::vector<bool>> exist(std::vector<std::string> target_ids) override;
  awaitable<std::vector<std::string>> present_ids(std::vector<std::string> target_ids) override;

 private:
  /// One item on its way.
  struct Job {
    explicit Job(Operation& of) : operation(of), item(of.record().data) {}
    Operation& operation;
    Item item;
    Looked looked;
    Draft draft;
    IssueType* type = nullptr;
    std::string key;         ///< of the issue
    bool ours = true;        ///< this migration has made the issue
    bool just_made = false;  ///< in this very call, so that nobody can have touched it
    bool resumed = false;    ///< made or marked by an earlier call, of whose parts the journal may not know all
    bool more = false;       ///< it has been made in several calls, and is marked until the last edit
    bool restated = false;   ///< the source says another status than it last did
    bool moves = false;      ///< is to be brought into another status, by a delta run
    Value issue;             ///< as it was before; null: just made, or not known
    Value mark;              ///< what its property says by now; null: not known, or it has none
    std::optional<std::vector<Change>> history;            ///< once asked
    std::optional<Array> attachments, comments, worklogs;  ///< as Jira lists them, once asked
    std::map<std::string, std::string> files;              ///< attachment id by blob
    std::map<std::string, std::string> media;              ///< by blob: what texts show it as
    std::set<std::string> entries;                         ///< ids of work logs that belong to an entry already
    std::map<std::string, std::string> kept;  ///< fingerprints of fields that stay as they were last written
    void forget_lists() {
      attachments.reset();
      comments.reset();
      worklogs.reset();
    }
  };

  // search.cpp
  Search marked_by(const std::string& migration) const;
  Marked marked_from(const Value& issue) const;

  // check.cpp
  awaitable<void> check_more(Site& site, std::vector<Check>& checks);
  awaitable<std::optional<bool>> is_in_group(std::string group);
  awaitable<std::optional<bool>> is_in_role(Site& site);

  // write.cpp
  awaitable<void> look_up(Job& job);
  awaitable<void> redraft(Job& job);
  awaitable<void> create(Job& job);
  awaitable<void> make_issue(Job& job);
  awaitable<void> complete(Job& job);
  Value issue_body(Job& job, const Step& step) const;
  Value property_of(const Job& job, const std::string& key, const std::string& state,
                    boost::json::storage_ptr storage = {}) const;
  bool needs_more(const Job& job) const;
  std::vector<std::string> labels_of(const Job& job, const std::string& key) const;
  awaitable<void> set_source_link(Job& job);
  awaitable<void> reach_status(Job& job, std::string step);
  awaitable<void> walk(Job& job, std::string from);
  awaitable<std::string> status_of(std::string issue);
  awaitable<void> edit(Job& job, Value body);

  // links.cpp
  const Link* parent_link(const Operation& operation) const;
  awaitable<void> set_links(Job& job);
  awaitable<void> set_link(Job& job, Link link, std::string other);
  awaitable<void> set_parent(Job& job, Link link, std::string other);
  awaitable<void> save_parent(Job& job, Field field, std::string other, std::string said);
  awaitable<Field> parent_field_of(Job& job);
  awaitable<Value> present(Job& job, std::string field);
  awaitable<void> undo_link(std::string issue, Value undo);

  // contents.cpp
  awaitable<void> move_files(Job& job);
  awaitable<void> move_file(Job& job, const Blob* blob);
  awaitable<void> finish_upload(Job& job, Step& step, const Upload& upload, std::string sha256);
  awaitable<std::optional<Upload>> find_upload(Job& job, std::string name, std::optional<std::uint64_t> size);
  awaitable<std::map<std::string, std::string>> media_of(Job& job, const Text& text);
  awaitable<void> move_comments(Job& job);
  awaitable<void> move_comment(Job& job, CommentDraft& draft);
  awaitable<std::optional<Value>> find_comment(Job& job, std::string key);
  awaitable<bool> is_hidden(Job& job, Value comment);
  awaitable<void> move_parts(Job& job, CommentDraft& draft, bool first_alone);
  awaitable<bool> move_part(Job& job, CommentDraft& draft, std::size_t part);
  awaitable<void> remove_exposed(Job& job, const CommentDraft& draft, Value comment);
  awaitable<void> remove_comment(Job& job, Value comment);
  awaitable<void> hide_or_remove(Job& job, Step& step, const CommentDraft& draft, Value made);
  Value comment_body(const Job& job, const CommentDraft& draft, std::size_t part, Value text,
                     const std::string& key) const;
  void note_limit(const Job& job, const CommentDraft& draft, Object& mark) const;
  void name_files(const Job& job, CommentDraft& draft) const;
  awaitable<Value> comment_print(Job& job, CommentDraft& draft, std::size_t part);
  bool is_internal(const Value& comment) const;
  static bool must_look(Job& job, const Step& step);
  awaitable<bool> wait_for_call(Job& job, const Step& step);

  // worklogs.cpp
  awaitable<void> move_worklogs(Job& job);
  awaitable<void> claim_entries(Job& job);
  awaitable<void> move_worklog(Job& job, WorklogDraft& draft);
  static Object entry_body(const WorklogDraft& draft, const Value& note);
  Value contents_of(const WorklogDraft& draft, const Value& note) const;
  awaitable<std::string> find_worklog(Job& job, std::string key, Value sent);
  bool is_entry(const Value& worklog, const Value& contents) const;
  bool holds_entry(const Value& worklog, const Value& contents) const;
  static const Array& entries_before(const Job& job);
  awaitable<void> look_at_entries(Job& job);
  awaitable<void> update_worklog(Job& job, WorklogDraft& draft, std::string id);
  awaitable<void> tell_gone_worklogs(Job& job);

  // overflow.cpp
  static std::size_t limit_of(const Job& job, const CommentDraft& draft);
  awaitable<void> shorten(Job& job, http::StatusError refusal);
  bool shorten(const Job& job, CommentDraft& draft, std::size_t limit) const;
  awaitable<void> recall_limit(Job& job, Value issue);
  awaitable<void> move_original(Job& job, std::optional<Original> original);
  static bool has_originals(const Job& job);
  awaitable<void> drop_originals(Job& job, std::string what, ItemText text, Value shown);
  awaitable<void> drop_open_originals(Job& job, const CommentDraft& draft);

  // internal.cpp
  static std::map<std::size_t, Value> parts_in(const Job& job, const Array& comments, const std::string& id);
  awaitable<bool> recall_parts(Job& job, CommentDraft& draft);
  awaitable<void> withdraw_parts(Job& job, const CommentDraft& draft, std::size_t from, std::size_t end);
  awaitable<void> update_parts(Job& job, CommentDraft& draft);
  awaitable<bool> are_same(Job& job, CommentDraft& draft, std::map<std::size_t, Value> there);
  awaitable<bool> edit_part(Job& job, CommentDraft& draft, std::size_t part, Value there);
  awaitable<void> withhold_files(Job& job);
  awaitable<void> withhold_file(Job& job, const Blob* blob);
  awaitable<std::vector<std::string>> own_files(Job& job, std::string name);

  // pictures.cpp
  using Released = std::vector<const Blob*>;
  awaitable<void> release_pictures(Job& job, Value before, Value after, Released& released);
  awaitable<void> regain_pictures(Job& job, Released released);
  std::vector<const Value*> files_of_others(const Job& job) const;
  awaitable<bool> drops_files_of_others(const Job& job, Value before, Value after);

  // search.cpp
  /// What an issue must bear to be the effect of a step.
  struct Sought {
    std::string marker;                                          ///< the label
    std::string key;                                             ///< of the step "create"
    std::string state;                                           ///< Step::state()
    bool unnamed;                                                ///< a mark that names no state may be the one
    std::string url;                                             ///< of the item at the source, where it is known
    std::optional<std::chrono::system_clock::time_point> begun;  ///< the step; nothing: the issue may be older
  };
  Sought sought_by(const Step& step, const Job& job) const;
  Sought sought_by(const Receipt& receipt) const;
  awaitable<bool> is_sought(std::string issue, Sought sought);
  /// `since_call`: see Api.
  awaitable<std::optional<std::string>> find_made(Sought sought, std::chrono::milliseconds since_call);
  awaitable<bool> settle(std::string key);
  awaitable<std::optional<std::string>> find_by_label(Sought sought);
  awaitable<std::optional<std::string>> find_by_key(Sought sought, std::int64_t after);
  awaitable<std::int64_t> last_before(std::chrono::system_clock::time_point call);
  awaitable<std::int64_t> newest_found();

  // update.cpp
  awaitable<void> bring_up_to_date(Job& job);
  awaitable<void> update_contents(Job& job);
  awaitable<bool> read_issue(Job& job);
  awaitable<void> adopt(Job& job);
  awaitable<std::string> withdraw(Operation& operation);
  static bool is_ours(const Value& issue, const std::string& key);
  bool by_others(const Value& user) const;
  bool by_others(const Value& thing, std::string_view role) const;
  bool is_own(const Value& file) const;

  // update_fields.cpp
  struct Edit {
    Edit() = default;

    Object fields;
    Object before;  ///< what `fields` name, as it is now
    Array labels;   ///< changes
  };
  awaitable<void> update_fields(Job& job);
  awaitable<Object> fields_wanted(Job& job, Value last);
  awaitable<bool> stays(Job& job, std::string field, Value next);
  awaitable<void> write_edit(Job& job, Edit edit);
  awaitable<std::optional<http::StatusError>> try_edit(Job& job, Edit& wanted, Released& released);
  bool is_cleared(const Job& job, const std::string& field) const;
  awaitable<void> decide_status(Job& job);
  awaitable<bool> open_move(Job& job, bool wanted);
  awaitable<void> decide_move(Job& job);
  static void warn_of_move(Job& job);
  Value edit_body(const Job& job, const Object& fields, const Array& labels) const;
  Value new_mark(const Job& job) const;
  awaitable<bool> changed_by_others(Job& job, std::string field, std::string name);

  // update_comments.cpp
  awaitable<void> hide_exposed(Job& job);
  awaitable<void> update_comments(Job& job);
  static bool comments_may_differ(const Job& job);
  awaitable<void> update_comment(Job& job, CommentDraft& draft, Value there);
  awaitable<void> hide_comment(Job& job, CommentDraft& draft);
  awaitable<void> edit_comment(Job& job, CommentDraft& draft, Value there, Value text);
  static Value edited_comment(const Value& there, Value text, Value mark);
  static void warn_of_edit(Job& job, const CommentDraft& draft);
  static void warn_of_rest(Job& job, std::string field, const std::string& what);
  void tell_gone_files(Job& job) const;
  std::string expected_of(const Job& job, CommentDraft& draft, std::size_t part) const;
  bool is_as_written(const Job& job, CommentDraft& draft, const Value& there) const;

  // undo.cpp
  awaitable<void> undo_create(Receipt receipt);
  awaitable<void> undo_part(Receipt receipt);
  awaitable<void> undo_effect(std::string issue, Receipt receipt);
  awaitable<void> undo_upload(std::string issue, Receipt receipt);
  awaitable<void> refuse_if_touched(std::string issue, Value found);
  awaitable<Array> all_of(std::string issue, Value found, std::string field, std::string list);
  awaitable<void> refuse_if_parent(std::string issue, std::vector<std::string> children);
  void refuse_unless_made(const std::string& issue, const Value& found, const std::string& key,
                          const std::string& state) const;
  awaitable<void> delete_issue(std::string issue, std::string key, std::string state);

  // undo_edit.cpp
  /// The undoing of an edit. The property keeps of each field how far back it is (`undone`), in the same call: an edit
  /// that had to stay may be tried again when those before it are gone.
  struct Undoing {
    Value mark;  ///< what the property says; null: the issue has been given back
    std::int64_t begun = 0;
    bool is_past(std::string_view field) const;
    Value mark_without(const Object& fields, const Array& labels) const;
  };
  awaitable<void> undo_edit(Receipt receipt);
  awaitable<void> restore(std::string issue, Object fields, Array labels, Undoing& undoing);
  awaitable<std::optional<http::StatusError>> try_restore(std::string issue, Object fields, Array labels,
                                                          Undoing& undoing);

  // verify.cpp
  friend class Comparison;

  Markup markup() const noexcept { return config_.api == 3 ? Markup::document : Markup::wiki; }
  /// What Jira gives back of markup is made anew from the document that it has made of it.
  bool rewrites_markup() const noexcept { return markup() == Markup::wiki && api_.cloud(); }

  SinkConfig config_;
  Services services_;
  Api api_;
  SiteReader reader_;
  Users users_;
  Site* site_ = nullptr;  ///< once read
  Workflows workflows_;
  std::map<std::string, std::string> first_status_;  ///< id, by issue type
  std::int64_t newest_ = 0;                          ///< number of the newest issue that was certainly there
  std::map<std::string, std::int64_t> made_after_;   ///< by marker: the newest issue before the call that is uncertain
};

/// What undo() needs to know of every step: {"issue": key, "ours": made by this migration}.
Object undo_of(const std::string& issue, bool ours);
/// What the property of a comment says that the migration has made; null for others.
const Value* mark_in(const Value& comment);
/// Which part of its comment bears this mark, from 0.
std::size_t part_in(const Value& mark);
bool was_edited(const Comment& comment);
/// A limit that parts and cuts nothing.
inline constexpr std::size_t any_length = 1u << 30;
/// Whether a file is the whole of a text that was cut.
bool is_original(const std::string& file_name) noexcept;
/// True for the refusal of a text that is too long.
bool is_too_long(const Error& error) noexcept;

}  // namespace migrate::jira

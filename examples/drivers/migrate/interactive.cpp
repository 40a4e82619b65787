#include "interactive.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "editor.hpp"
#include "migrate/config_shape.hpp"
#include "migrate/json.hpp"

namespace migrate::program {

namespace {

std::string shown(const Value& value) {
  std::string text = value.is_null() ? "(none)" : boost::json::serialize(value);
  // No byte of the data may steer the terminal.
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text;
}

void print_fields(const Value& data) {
  const Object* object = data.if_object();
  if (!object) {
    std::cout << "    " << shown(data) << '\n';
    return;
  }
  std::size_t width = 0;
  for (const auto& [name, value] : *object) width = std::max(width, name.size());
  for (const auto& [name, value] : *object) {
    std::cout << fmt::format("    {:<{}}  {}\n", std::string_view(name), width, shown(value));
  }
}

std::string_view word_for(Action action) {
  switch (action) {
    case Action::create: return "new";
    case Action::update: return "brings up to date";
    case Action::patch: return "changes";
    case Action::remove: return "removes";
  }
  return "new";
}

void print_proposal(const Proposal& proposal) {
  const Record& source = proposal.source;
  std::cout << fmt::format("\n── {} {} ──\n  source\n", source.ref.type, source.ref.id);
  print_fields(source.data);
  for (const Operation& operation : proposal.operations) {
    const Record& record = operation.record();
    std::cout << fmt::format("  target: {} {} ({}{})\n", record.ref.type, record.ref.id, word_for(operation.action()),
                             operation.target_id().is_null() ? std::string() : " " + shown(operation.target_id()));
    print_fields(record.data);
    for (const Warning& warning : record.warnings) {
      std::cout << fmt::format("    ! {}: {} {}\n", warning.cause, warning.field, warning.message);
    }
  }
  if (!proposal.changes.empty()) std::cout << "  differences to what the target has now\n";
  for (const Finding& change : proposal.changes) {
    std::cout << fmt::format("    {} {} {}: {} → {}  {}\n", change.record.type, change.record.id, change.field,
                             change.found, change.expected, change.message);
  }
  if (proposal.refused) {
    std::cout << fmt::format("  cannot be migrated as it is: {}: {}\n", proposal.refused->cause,
                             proposal.refused->what());
    if (!proposal.refused->advice.empty()) std::cout << "    " << proposal.refused->advice << '\n';
  }
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// A record that outlives the batch it came from.
Record copy_of(const Record& record) {
  Record copy;
  copy.ref = record.ref;
  copy.data = detached(record.data);
  copy.links = record.links;
  for (Link& link : copy.links) link.attributes = Value(link.attributes, boost::json::storage_ptr());
  copy.blobs = record.blobs;
  copy.keys = record.keys;
  copy.version = record.version;
  copy.intent = record.intent;
  copy.deleted = record.deleted;
  return copy;
}

}  // namespace

void edit_field(Object& data, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  const std::string field = trimmed(assignment.substr(0, equals));
  std::vector<std::string> known;
  for (const auto& [name, value] : data) known.emplace_back(name);
  Value* place = data.if_contains(field);
  if (equals == std::string::npos || !place) {
    throw Error(ErrorKind::invalid, "usage",
                equals == std::string::npos ? "an edit is written field=value"
                                            : fmt::format("there is no field \"{}\"{}", field,
                                                          config::suggestion(field, known)));
  }
  const std::string text = trimmed(assignment.substr(equals + 1));
  if (text == "null") {
    *place = nullptr;
  } else if (place->is_string() || place->is_null()) {
    *place = text;
  } else {
    boost::json::error_code code;
    Value parsed = parse_json(text, code);
    if (code) throw Error(ErrorKind::invalid, "usage", fmt::format("\"{}\" is no JSON value, as {} needs", text, field));
    *place = std::move(parsed);
  }
}

awaitable<Verdict> TerminalReviewer::review(const Proposal& proposal, Record& edited) {
  if (!draft_ || draft_->ref != proposal.source.ref) draft_ = copy_of(proposal.source);
  print_proposal(proposal);
  for (;;) {
    std::cout << "(m)igrate, (s)kip, (e)dit field=value, migrate (a)ll the rest, (q)uit? " << std::flush;
    const std::optional<std::string> line = read_line();
    if (!line) {
      std::cout << "\n";
      co_return Verdict::quit;
    }
    const std::optional<Verdict> verdict = answer(proposal, trimmed(*line), edited);
    if (verdict) co_return *verdict;
  }
}

std::optional<Verdict> TerminalReviewer::answer(const Proposal& proposal, const std::string& line, Record& edited) {
  if (line == "m" || line == "migrate") return Verdict::migrate;
  if (line == "s" || line == "skip") return Verdict::skip;
  if (line == "a" || line == "all") return Verdict::all;
  if (line == "q" || line == "quit") return Verdict::quit;
  const std::string word = line.substr(0, line.find(' '));
  if (word != "e" && word != "edit") {
    std::cout << fmt::format("\"{}\" is none of m, s, e, a and q.\n", line);
    return std::nullopt;
  }
  try {
    Record draft = copy_of(*draft_);
    if (const std::string assignment = trimmed(line.substr(word.size())); !assignment.empty()) {
      edit_field(draft.data.as_object(), assignment);
    } else {
      draft.data = edited_by_person(draft.data, proposal.source.ref.type);
    }
    draft_ = copy_of(draft);
    edited = std::move(draft);
    return Verdict::edit;
  } catch (const Error& error) {
    std::cout << error.what() << '\n';
    return std::nullopt;
  }
}

std::optional<std::string> TerminalReviewer::read_line() {
  for (;;) {
    if (const std::size_t end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    if (stop_.stop_requested()) return std::nullopt;
    // Not a plain read: Ctrl+C must get through while nobody answers.
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 200) <= 0) continue;
    char buffer[4096];
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      if (unread_.empty()) return std::nullopt;
      unread_ += '\n';
      continue;
    }
    unread_.append(buffer, static_cast<std::size_t>(count));
  }
}

}  // namespace migrate::program

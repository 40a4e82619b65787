#include "report_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>

#include "migrate/report_writer.hpp"
#include "report_parts.hpp"

MIGRATE_BEGIN
namespace reporting {

namespace {

/// Bytes of the character that `text` begins with; 0 when it begins with none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  const unsigned char second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
      (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

}  // namespace

std::string iso_time(std::chrono::system_clock::time_point time) {
  if (time == std::chrono::system_clock::time_point()) return std::string();
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (milliseconds - seconds).count());
}

std::string duration_text(std::chrono::milliseconds duration) {
  const std::int64_t milliseconds = std::max<std::int64_t>(duration.count(), 0);
  if (milliseconds < 1'000) return fmt::format("{} ms", milliseconds);
  if (milliseconds < 60'000) return fmt::format("{:.1f} s", static_cast<double>(milliseconds / 100) / 10);
  const std::int64_t seconds = milliseconds / 1'000;
  if (seconds < 3'600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3'600, seconds / 60 % 60);
}

std::string count_text(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string percent_text(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "–";
  if (part >= whole) return "100 %";
  return fmt::format("{:.1f} %", std::min(99.9, 100.0 * static_cast<double>(part) / static_cast<double>(whole)));
}

double rate_of(std::uint64_t records, std::chrono::milliseconds elapsed) {
  return elapsed.count() <= 0 ? 0.0 : static_cast<double>(records) * 1'000.0 / static_cast<double>(elapsed.count());
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string clean_utf8(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; }))
    return std::string(text);
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    result.append(length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  std::size_t end = limit > 3 ? limit - 3 : 0;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : clean_utf8(text)) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string escape_markdown(std::string_view text) {
  std::string result;
  for (const char c : clean_utf8(text)) {
    if (c == '\n' || c == '\r' || c == '\t') {
      result += ' ';
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      if (std::string_view("\\`*_|<>[]").find(c) != std::string_view::npos) result += '\\';
      result += c;
    }
  }
  return result;
}

void append_json(std::string& out, std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(),
                                 [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (plain) {
    out.append(1, '"').append(text).append(1, '"');
  } else {
    out += boost::json::serialize(Value(clean_utf8(text)));
  }
}

void append_json(std::string& out, const Value& value) {
  if (const auto* number = value.if_int64()) {
    const fmt::format_int digits(*number);
    out.append(digits.data(), digits.size());
  } else if (const auto* text = value.if_string()) {
    append_json(out, std::string_view(text->data(), text->size()));
  } else {
    out += boost::json::serialize(value);
  }
}

std::string plain_text(const Value& value) {
  return value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
}

std::string verification_text(const Report::Verification& verification) {
  return fmt::format("{} of {} records compared, {} differences", count_text(verification.compared),
                     count_text(verification.records), count_text(verification.differences));
}

std::string orphans_text(const Report& report) {
  if (!report.orphans_cleaned && !report.orphans_removed && !report.total().files) return std::string();
  return fmt::format("{} cleaned up by the run, {} removed with migrate orphans", count_text(report.orphans_cleaned),
                     count_text(report.orphans_removed));
}

std::string attachments_text(const Report& report) {
  const Counters total = report.total();
  if (!total.files) return std::string();
  if (report.rollback)
    return fmt::format("{} of {} had arrived, before the migration was taken back", count_text(total.files_written),
                       count_text(total.files));
  return fmt::format("{} of {} arrived ({})", count_text(total.files_written), count_text(total.files),
                     percent_text(total.files_written, total.files));
}

std::string chosen_text(const Report& report) {
  for (const Check& check : report.checks)
    if (check.name == chosen_records) return check.message;
  return std::string();
}

bool is_rehearsal(const Report& report) { return report.mode == to_string(Mode::dry_run); }

std::uint64_t left_out(const Report& report, const std::string& type) {
  std::uint64_t count = 0;
  for (const auto& [each, counters] : report.types) {
    if (!type.empty() && type != each) continue;
    const auto causes = report.causes.find(each);
    if (causes == report.causes.end()) continue;
    const auto by_person = causes->second.find(cause_of_person);
    // Those of earlier runs are listed as well, and are not among what this one has counted.
    if (by_person != causes->second.end()) count += std::min(by_person->second.count, counters.skipped);
  }
  return count;
}

std::uint64_t arrived(const Report& report, const std::string& type) {
  std::uint64_t count = 0;
  if (is_rehearsal(report)) return count;
  if (report.rollback) {
    for (const Finding& kept : report.rollback->kept)
      if (type.empty() || kept.record.type == type) ++count;
    return count;
  }
  for (const auto& [each, counters] : report.types)
    if (type.empty() || type == each) count += counters.written + counters.skipped;
  return count - left_out(report, type);
}

std::string arrival_text(const Report& report) {
  const Counters total = report.total();
  const std::string rest =
      fmt::format("{} failed, {} warnings", count_text(total.failed), count_text(warning_count(report)));
  if (is_rehearsal(report))
    return fmt::format("{} records read in a rehearsal, and nothing written; {}", count_text(total.read), rest);
  if (report.rollback)
    return fmt::format("{} of {} records were written or there already, before they were taken back; {}",
                       count_text(total.written + total.skipped), count_text(total.read), rest);
  return fmt::format("{} of {} records arrived ({}), {:.0f} a second; {}", count_text(arrived(report)),
                     count_text(total.read), percent_text(arrived(report), total.read),
                     rate_of(total.read, report.elapsed), rest);
}

std::string preview_text(const Report::Preview& preview) {
  return fmt::format("{} would be created, {} changed, {} are there already, {} would be refused",
                     count_text(preview.create), count_text(preview.change), count_text(preview.unchanged),
                     count_text(preview.refuse));
}

std::string undone_text(const UndoResult& rollback) {
  const char* what = rollback.of_items ? "items" : "rows";
  return fmt::format("{} {} removed, {} restored, {} kept{}", count_text(rollback.removed), what,
                     count_text(rollback.restored), count_text(rollback.kept.size()),
                     rollback.kept.empty() ? "" : " (changed since, or not let go by the target)");
}

namespace {

std::string taken_back(const UndoResult& rollback) {
  const std::size_t kept = rollback.kept.size();
  return kept ? fmt::format("taken back, {} kept", count_text(kept)) : "taken back";
}

std::string headline_of_rehearsal(const Report& report) {
  const Counters total = report.total();
  if (total.read == 0) return "Rehearsed: there is nothing to move";
  const std::string chosen = chosen_text(report);
  if (total.failed == 0 && !chosen.empty())
    return fmt::format("Rehearsed: the chosen records would arrive ({}); nothing was written", chosen);
  if (total.failed == 0) return "Rehearsed: everything would arrive; nothing was written";
  return fmt::format("Rehearsed: {} of {} records would not arrive; nothing was written", count_text(total.failed),
                     count_text(total.read));
}

/// Of a run that ended without failures of its own.
std::string headline_of_done(const Report& report) {
  if (report.rollback) return "T" + taken_back(*report.rollback).substr(1);
  std::uint64_t failed = 0;
  for (const CauseRow& row : causes_by_count(report)) failed += row.summary.count;
  if (failed) return fmt::format("Done, but {} records of earlier runs have not arrived", count_text(failed));
  if (const std::uint64_t count = left_out(report))
    return fmt::format("Done; {} left out by a person", count_text(count));
  if (report.total().read == 0) return "Done: there was nothing to move";
  const std::string chosen = chosen_text(report);
  if (!chosen.empty()) return fmt::format("Done: the chosen records arrived ({})", chosen);
  return "Done: everything arrived";
}

}  // namespace

std::string headline(const Report& report) {
  const bool ended = report.status == Status::done || report.status == Status::done_with_failures;
  if (ended && is_rehearsal(report)) return headline_of_rehearsal(report);
  switch (report.status) {
    case Status::done:
      return headline_of_done(report);
    case Status::done_with_failures:
      return "Done, but some records did not arrive";
    case Status::differences:
      return report.rollback ? "Verification found differences; " + taken_back(*report.rollback)
                             : "Verification found differences";
    case Status::stopped:
      if (report.fatal && report.fatal->cause == "unfinished_rollback") return "Not done: a rollback has not ended";
      // Nobody has asked for that: a retry or a verification of it has done what it could.
      if (report.fatal && report.fatal->cause == "unfinished_run") return "Not everything: the run itself has not ended";
      return "Stopped on request; the state is saved";
    case Status::broken_off: return "Broken off; the state is valid";
    case Status::preflight_failed: return "Not started: a check failed";
  }
  return "Broken off; the state is valid";
}

std::string about_warnings(const Report& report) {
  return std::string(is_rehearsal(report) ? "would arrive" : "arrived") +
         ", with something changed, left empty or left out";
}

bool can_be_retried(const Report& report) { return !is_rehearsal(report) && !report.rollback; }

std::string retry_command(const std::string& arguments, const std::string& cause) {
  return fmt::format("migrate retry {} --cause {}", arguments.empty() ? "FILE" : arguments, shell_word(cause));
}

}  // namespace reporting

std::string resume_command(std::string_view mode, const std::string& arguments, const CalledWith& called_with) {
  const bool migrates = mode != to_string(Mode::rollback) && mode != to_string(Mode::verify) &&
                        mode != to_string(Mode::retry);
  const bool rehearses = mode == to_string(Mode::dry_run);
  const auto known = called_with.find(migrates && !rehearses ? "run" : std::string(mode));
  if (known != called_with.end()) return fmt::format("migrate {} {}", migrates ? "run" : mode, known->second);
  const std::string file = arguments.empty() ? "FILE" : arguments;
  for (const Mode other : {Mode::rollback, Mode::verify, Mode::retry})
    if (mode == to_string(other)) return fmt::format("migrate {} {}", mode, file);
  if (mode == to_string(Mode::dry_run)) return fmt::format("migrate run {} --dry-run", file);
  // Without its mode it would not go on, but begin another run.
  if (mode == to_string(Mode::incremental) || mode == to_string(Mode::test))
    return fmt::format("migrate run {} --mode {}", file, mode);
  return fmt::format("migrate run {}", file);
}

std::string shell_word(std::string_view word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("@%+=:,./-_").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

MIGRATE_END

#include "names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "migrate/digest.hpp"

namespace migrate::jira {

namespace {

bool is_plain(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
}

/// Letters, digits, "-", "_" and "." stay; the rest becomes "_".
std::string tame(std::string_view text, std::size_t longest) {
  std::string out(text.substr(0, longest));
  for (char& byte : out)
    if (!is_plain(byte) && byte != '-' && byte != '_' && byte != '.') byte = '_';
  return out;
}

std::string fingerprint(std::string_view text) { return sha256(text).substr(0, 12); }

/// An id that is not plain could look like another one when it is tamed.
std::string in_file_name(const std::string& id) {
  const bool plain = id.size() <= 40 && std::all_of(id.begin(), id.end(), [](char byte) {
                       return is_plain(byte) || byte == '-' || byte == '_';
                     });
  return plain ? id : tame(id, 20) + "-" + fingerprint(id);
}

/// At most `longest` bytes, and no torn character at the end.
std::string_view prefix(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return text;
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xC0) == 0x80) --longest;
  return text.substr(0, longest);
}

bool number(std::string_view text, std::size_t at, std::size_t count, int& out) {
  if (at + count > text.size()) return false;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + count, out);
  return error == std::errc() && end == text.data() + at + count;
}

}  // namespace

std::string create_key(const std::string& step_key) { return step_key.substr(0, step_key.rfind('/')) + "/create"; }

std::string adopt_key(const std::string& step_key) { return step_key.substr(0, step_key.rfind('/')) + "/adopt"; }

std::string create_key(const std::string& migration, const RecordRef& record) {
  return fmt::format("{}/{}/{}/create", migration, record.type, record.id);
}

std::string marker_label(const std::string& prefix, const std::string& key) {
  // migration/type/id/create
  const std::size_t end = key.rfind('/');
  const std::size_t type = key.find('/');
  const std::size_t id = type == std::string::npos ? end : key.find('/', type + 1);
  const std::string middle =
      id < end ? tame(std::string_view(key).substr(id + 1, end - id - 1), 60) : std::string("item");
  return fmt::format("{}-{}-{}", prefix, middle, fingerprint(key));
}

std::string migration_label(const std::string& prefix, const std::string& migration) {
  return fmt::format("{}-{}", prefix, migration);
}

std::string as_label(std::string_view text) {
  std::string out;
  for (const char byte : text) {
    const bool blank = static_cast<unsigned char>(byte) <= ' ' || byte == 0x7F;
    if (!blank)
      out += byte;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  // Blanks beyond ASCII: no-break space, en quad to hair space, narrow no-break, ideographic.
  for (const std::string_view wide :
       {"\xC2\xA0", "\xE2\x80\xAF", "\xE3\x80\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
        "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A"})
    for (std::size_t at = out.find(wide); at != std::string::npos; at = out.find(wide, at))
      out.replace(at, wide.size(), "-");
  // Bytes are more than characters, so this is never too long.
  out = std::string(prefix(out, label_limit));
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

std::string source_link_id(const std::string& migration, const RecordRef& record) {
  return std::string(prefix(fmt::format("migration={}&type={}&id={}", migration, record.type, record.id), 255));
}

std::string step_name(std::string_view what, std::string_view id) {
  std::string out(what);
  out += ':';
  for (const char byte : id) {
    if (static_cast<unsigned char>(byte) < ' ' || byte == '/' || byte == '%')
      out += fmt::format("%{:02X}", static_cast<unsigned char>(byte));
    else
      out += byte;
  }
  return out;
}

std::string comment_step(const std::string& id, std::size_t part) {
  return step_name("comment", part == 0 ? id : fmt::format("{}:part-{}", id, part + 1));
}

std::string file_name(const Blob& blob) {
  std::string name;
  for (const char byte : blob.name.empty() ? std::string("file") : blob.name) {
    const bool awkward = static_cast<unsigned char>(byte) < ' ' || byte == 0x7F ||
                         std::string_view("/\\:*?\"<>|!^[]{}#%;").find(byte) != std::string_view::npos;
    name += awkward ? '_' : byte;
  }
  // Jira takes blanks at the ends away.
  name.erase(0, std::min(name.find_first_not_of(' '), name.size()));
  name.erase(name.find_last_not_of(' ') + 1);
  if (name.empty()) name = "file";
  const std::size_t dot = name.rfind('.');
  const bool has_end = dot != std::string::npos && dot > 0 && name.size() - dot <= 12 &&
                       std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dot) + 1, name.end(), is_plain);
  const std::string end = has_end ? name.substr(dot) : std::string();
  const std::string_view stem = prefix(std::string_view(name).substr(0, has_end ? dot : name.size()), 150);
  return fmt::format("{}--{}{}", stem, in_file_name(blob.id), end);
}

bool is_file_of(const std::string& file_name, const std::string& blob_id) {
  const std::string mark = "--" + in_file_name(blob_id);
  const std::size_t at = file_name.rfind(mark);
  if (at == std::string::npos) return false;
  return at + mark.size() == file_name.size() || file_name[at + mark.size()] == '.';
}

std::string id_of_step(const std::string& name) {
  std::string id;
  for (std::size_t at = std::min(name.size(), name.find(':')) + 1; at < name.size(); ++at) {
    int code = 0;
    if (name[at] == '%' && at + 2 < name.size() &&
        std::from_chars(name.data() + at + 1, name.data() + at + 3, code, 16).ec == std::errc()) {
      id += static_cast<char>(code);
      at += 2;
    } else {
      id += name[at];
    }
  }
  return id;
}

std::string boundary(const std::string& step_key) { return "migrate-" + sha256(step_key).substr(0, 40); }

bool same_name(std::string_view a, std::string_view b) noexcept {
  const auto folded = [](char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return folded(x) == folded(y); });
}

std::optional<std::int64_t> number_of(std::string_view issue_key) {
  const std::size_t dash = issue_key.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  std::int64_t value = 0;
  const char* last = issue_key.data() + issue_key.size();
  const auto [end, error] = std::from_chars(issue_key.data() + dash + 1, last, value);
  if (error != std::errc() || end != last || value <= 0) return std::nullopt;
  return value;
}

std::string readable_time(const std::string& time) {
  if (time.size() < 20 || time[10] != 'T' || time.back() != 'Z') return time;
  return time.substr(0, 10) + " " + time.substr(11, 5) + " UTC";
}

std::optional<std::string> jira_time(const std::string& time) {
  if (time.size() < 20 || time[10] != 'T' || time.back() != 'Z' || !seconds_of(time)) return std::nullopt;
  std::string fraction = time.size() > 20 && time[19] == '.' ? time.substr(20, time.size() - 21) : std::string();
  fraction.resize(3, '0');
  return time.substr(0, 19) + "." + fraction + "+0000";
}

std::optional<std::int64_t> seconds_of(std::string_view time) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!number(time, 0, 4, year) || !number(time, 5, 2, month) || !number(time, 8, 2, day)) return std::nullopt;
  if (!number(time, 11, 2, hour) || !number(time, 14, 2, minute) || !number(time, 17, 2, second)) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  std::int64_t result =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::sys_days(date).time_since_epoch()).count();
  result += hour * 3600 + minute * 60 + second;
  std::size_t at = 19;
  if (at < time.size() && time[at] == '.')
    for (++at; at < time.size() && time[at] >= '0' && time[at] <= '9';) ++at;
  if (at >= time.size() || time[at] == 'Z') return result;
  if (time[at] != '+' && time[at] != '-') return std::nullopt;
  int hours = 0, minutes = 0;
  const std::size_t rest = at + 3 < time.size() && time[at + 3] == ':' ? at + 4 : at + 3;
  if (!number(time, at + 1, 2, hours) || !number(time, rest, 2, minutes)) return std::nullopt;
  const std::int64_t offset = hours * 3600 + minutes * 60;
  return time[at] == '+' ? result - offset : result + offset;
}

}  // namespace migrate::jira

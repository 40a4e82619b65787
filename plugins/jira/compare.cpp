#include "compare.hpp"

#include <algorithm>

#include "json.hpp"
#include "names.hpp"
#include "text.hpp"

namespace migrate::jira {

namespace {

constexpr std::size_t excerpt = 60;  // characters around a difference

/// Words alone, without macros: what wiki markup keeps when the Cloud turns it into a document and back.
std::string words_of(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t end = text[at] == '{' ? text.find_first_of("}\n", at) : std::string::npos;
    if (end != std::string::npos && text[end] == '}' && text[at + 1] != '{') at = end;
    const char byte = text[at];
    const auto code = static_cast<unsigned char>(byte);
    const bool word =
        code >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    if (word)
      out += byte;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return out;
}

}  // namespace

bool is_same_text(const std::string& found, const std::string& expected, bool rewritten) {
  return found == expected || (rewritten && words_of(found) == words_of(expected));
}

bool agrees(const std::string& found, const std::string& expected, bool rewritten) {
  if (is_same_text(found, expected, rewritten)) return true;
  const std::size_t note = found.find(goes_on);
  const std::size_t line = note == std::string::npos ? note : found.rfind('\n', note);
  if (line == std::string::npos) return false;
  const std::string head = found.substr(0, line);
  return expected.starts_with(head) || (rewritten && words_of(expected).starts_with(words_of(head)));
}

std::pair<std::string, std::string> parting(const std::string& a, const std::string& b) {
  std::size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
  std::size_t from = at > excerpt / 2 ? at - excerpt / 2 : 0;
  while (from > 0 && (static_cast<unsigned char>(a[from]) & 0xC0) == 0x80) --from;
  const auto part = [&](const std::string& text) {
    std::size_t end = std::min(text.size(), from + excerpt);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    return (from > 0 ? "…" : "") + text.substr(from, end - from) + (end < text.size() ? "…" : "");
  };
  return {part(a), part(b)};
}

bool holds(const Value& expected, const Value& found) {
  if (const Object* object = expected.if_object()) {
    for (const auto& member : *object) {
      const Value* there = jira::find(found, {std::string_view(member.key())});
      if (!there || !holds(member.value(), *there)) return false;
    }
    return true;
  }
  if (const Array* list = expected.if_array()) {
    const Array* there = found.if_array();
    if (!there || there->size() != list->size()) return false;
    return std::all_of(list->begin(), list->end(), [&](const Value& each) {
      return std::any_of(there->begin(), there->end(), [&](const Value& other) { return holds(each, other); });
    });
  }
  if (expected.is_number() && found.is_number()) {
    boost::json::error_code ignored;
    return expected.to_number<double>(ignored) == found.to_number<double>(ignored);
  }
  if (expected.is_string() && found.is_string()) {
    if (expected.get_string() == found.get_string()) return true;
    const auto a = seconds_of(std::string(expected.get_string())), b = seconds_of(std::string(found.get_string()));
    return a && b && *a == *b;
  }
  return expected == found;
}

bool in_order(const std::vector<Placed>& comments) {
  std::size_t furthest = 0;
  for (const Placed& each : comments) {
    if (each.place < furthest && !each.internal) return false;
    furthest = std::max(furthest, each.place);
  }
  return true;
}

}  // namespace migrate::jira

// Whether a text that Jira gives back says what was written.
#include "text.hpp"

namespace migrate::jira {

namespace {

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

}  // namespace migrate::jira

#include "migrate/config_shape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <ostream>

#include "migrate/secret.hpp"

MIGRATE_BEGIN

std::ostream& operator<<(std::ostream& out, const Secret& secret) { return out << (secret.empty() ? "" : "***"); }

std::string to_string(const ConfigFault& fault) {
  std::string text = fault.file;
  if (fault.line > 0) text += fmt::format("{}{}:{}", text.empty() ? "" : ":", fault.line, fault.column);
  for (const std::string& part : {fault.path, fault.message}) {
    if (!part.empty()) text += (text.empty() ? "" : ": ") + part;
  }
  return text;
}

static std::string lines(const std::vector<ConfigFault>& faults) {
  std::string text;
  for (const ConfigFault& fault : faults) text += (text.empty() ? "" : "\n") + to_string(fault);
  return text;
}

ConfigError::ConfigError(std::vector<ConfigFault> faults)
    : Error(ErrorKind::invalid, "configuration", lines(faults)), faults_(std::move(faults)) {}
ConfigError::ConfigError(std::string path, std::string message)
    : ConfigError(std::vector<ConfigFault>{{std::move(path), std::move(message), "", 0, 0}}) {}
ConfigError::ConfigError(const ConfigError&) = default;
ConfigError& ConfigError::operator=(const ConfigError&) = default;
ConfigError::~ConfigError() = default;

namespace config {

std::string child_path(std::string_view path, std::string_view key) {
  bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c >= 0x80;
  });
  if (plain) return fmt::format("{}{}{}", path, path.empty() ? "" : ".", key);
  return fmt::format("{}[\"{}\"]", path, key);
}

std::string child_path(std::string_view path, std::size_t index) { return fmt::format("{}[{}]", path, index); }

bool is_within(std::string_view path, std::string_view outer) noexcept {
  if (!path.starts_with(outer)) return false;
  path.remove_prefix(outer.size());
  return outer.empty() || path.empty() || path.front() == '.' || path.front() == '[';
}

// Two neighbours exchanged count as one edit: the most frequent slip of all.
static std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t change =
          std::tolower(static_cast<unsigned char>(a[i - 1])) == std::tolower(static_cast<unsigned char>(b[j - 1])) ? 0
                                                                                                                   : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  if (word.size() > 64) return best;
  std::size_t best_distance = std::max<std::size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string& candidate : known) {
    std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  if (!best.empty() || word.size() < 3) return best;
  for (const std::string& candidate : known) {
    if (candidate.size() >= 3 && (candidate.starts_with(word) || word.starts_with(candidate))) return candidate;
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  std::string near = nearest(word, known);
  if (!near.empty()) return fmt::format("; did you mean \"{}\"?", near);
  if (known.empty()) return "; nothing is known here";
  return fmt::format("; known: {}", fmt::join(known, ", "));
}

const Origin* origin_of(const Origins* origins, std::string path) {
  if (!origins) return nullptr;
  for (;;) {
    if (auto found = origins->find(path); found != origins->end()) return &found->second;
    if (path.empty()) return nullptr;
    std::size_t cut = path.ends_with("\"]") ? path.rfind("[\"") : path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
}

ConfigFault fault_at(const Context& context, std::string path, std::string message, bool at_key) {
  ConfigFault fault{std::move(path), std::move(message), "", 0, 0};
  if (const Origin* origin = origin_of(context.origins, fault.path)) {
    fault.file = origin->overridden ? "--set" : origin->file;
    fault.line = at_key && origin->key_line > 0 ? origin->key_line : origin->line;
    fault.column = at_key && origin->key_line > 0 ? origin->key_column : origin->column;
  }
  return fault;
}

std::string mask_passwords(std::string text) {
  if (std::size_t scheme = text.find("://"); scheme != std::string::npos) {
    std::size_t begin = scheme + 3;
    std::size_t end = std::min(text.find_first_of("/?#", begin), text.size());
    std::size_t at = text.rfind('@', end);
    std::size_t colon = text.find(':', begin);
    if (at != std::string::npos && at > begin && colon < at) text.replace(colon + 1, at - colon - 1, "***");
  }
  // Both forms of libpq: keyword = 'quoted value', and a query parameter.
  for (std::size_t from = 0; (from = text.find("password", from)) != std::string::npos;) {
    from += 8;
    std::size_t begin = text.find_first_not_of(" \t", from);
    if (begin == std::string::npos || text[begin] != '=') continue;
    begin = std::min(text.find_first_not_of(" \t", begin + 1), text.size());
    std::size_t end = begin;
    if (end < text.size() && text[end] == '\'') {
      for (++end; end < text.size() && text[end] != '\''; ++end) end += text[end] == '\\' ? 1 : 0;
      end = std::min(end + 1, text.size());
    } else {
      while (end < text.size() && !std::strchr(" \t\n&", text[end])) end += text[end] == '\\' ? 2 : 1;
      end = std::min(end, text.size());
    }
    if (end > begin) text.replace(begin, end - begin, "***");
    from = begin;
  }
  return text;
}

}  // namespace config
MIGRATE_END

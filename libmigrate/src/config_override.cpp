#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <variant>

#include "config_document.hpp"

MIGRATE_BEGIN
namespace config {
namespace {

using Segment = std::variant<std::string, std::size_t>;

/// `a.b[2]["c d"]`; nothing when it is no path.
std::optional<std::vector<Segment>> segments_of(std::string_view path) {
  std::vector<Segment> segments;
  while (!path.empty()) {
    if (path.starts_with("[\"")) {
      std::size_t end = path.find("\"]");
      if (end == std::string_view::npos) return std::nullopt;
      segments.emplace_back(std::string(path.substr(2, end - 2)));
      path.remove_prefix(end + 2);
    } else if (path.front() == '[') {
      std::size_t index = 0, end = path.find(']');
      if (end == std::string_view::npos) return std::nullopt;
      auto [stop, failure] = std::from_chars(path.data() + 1, path.data() + end, index);
      if (failure != std::errc() || stop != path.data() + end) return std::nullopt;
      segments.emplace_back(index);
      path.remove_prefix(end + 1);
    } else {
      if (path.front() == '.') path.remove_prefix(segments.empty() ? 0 : 1);
      std::size_t end = std::min(path.find_first_of(".["), path.size());
      if (end == 0) return std::nullopt;
      segments.emplace_back(std::string(path.substr(0, end)));
      path.remove_prefix(end);
    }
  }
  return segments;
}

void forget_below(Origins& origins, const std::string& path) {
  auto next = origins.lower_bound(path);
  while (next != origins.end() && next->first.starts_with(path)) {
    next = is_within(next->first, path) ? origins.erase(next) : std::next(next);
  }
}

Origin command_line() {
  Origin origin;
  origin.directory = std::filesystem::current_path();
  origin.overridden = true;
  return origin;
}

/// The place that a path leads to, with maps made on the way; null, and a message, when there is no such place.
Value* place_of(const std::vector<Segment>& segments, Document& document, std::string& path, std::string& trouble) {
  Value* at = &document.value;
  for (const Segment& segment : segments) {
    if (const auto* index = std::get_if<std::size_t>(&segment)) {
      if (at->is_null()) *at = Array();
      if (!at->is_array()) {
        trouble = fmt::format("{} is no list", path);
        return nullptr;
      }
      Array& array = at->get_array();
      if (*index > array.size()) {
        trouble = fmt::format("{} has only {} elements", path, array.size());
        return nullptr;
      }
      if (*index == array.size()) array.emplace_back(nullptr);
      path = child_path(path, *index);
      at = &array[*index];
    } else {
      const std::string& key = std::get<std::string>(segment);
      if (at->is_null()) {
        *at = Object();
        document.origins.insert_or_assign(path, command_line());
      }
      if (!at->is_object()) {
        trouble = fmt::format("{} is no map", path);
        return nullptr;
      }
      path = child_path(path, key);
      at = &at->get_object()[key];
    }
  }
  return at;
}

}  // namespace

void apply_override(const std::string& assignment, Document& document, std::vector<ConfigFault>& faults) {
  auto fault = [&](std::string path, std::string message) {
    faults.push_back({std::move(path), std::move(message), "--set", 0, 0});
  };
  std::size_t equals = assignment.find('=');
  std::string name = assignment.substr(0, equals);
  auto segments = segments_of(name);
  // The text after "=" may be a secret: it is not shown.
  if (equals == std::string::npos || !segments || segments->empty()) {
    return fault(equals == std::string::npos ? "" : name,
                 "write it as path=value, for example source.url=http://localhost");
  }
  std::string path, trouble;
  Value* place = place_of(*segments, document, path, trouble);
  if (!place) return fault(name, trouble);

  std::string text = assignment.substr(equals + 1);
  YAML::Node node;
  bool structured = !text.empty() && std::string_view("[{\"'").find(text.front()) != std::string_view::npos;
  if (structured) {
    try {
      node = YAML::Load(text);
    } catch (const YAML::Exception&) {
      structured = false;
    }
  }
  if (!structured) {
    node = YAML::Node(text);
    node.SetTag("?");
  }
  forget_below(document.origins, path);
  DocumentReader reader(command_line(), document.origins, faults);
  *place = reader.read(node, path);
}

}  // namespace config
MIGRATE_END

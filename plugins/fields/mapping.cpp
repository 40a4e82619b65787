// Mapping files for `lookup`.
#include <boost/json/parse.hpp>
#include <fstream>
#include <sstream>

#include "migrate/json.hpp"
#include "rules.hpp"
#include "text.hpp"

namespace migrate::fields {
namespace {

Error wrong(const std::filesystem::path& file, const std::string& message) {
  return Error(ErrorKind::invalid, "configuration", file.string() + ": " + message);
}

/// One record of RFC 4180 CSV; false at the end of the text. Throws Error(invalid) when a quote is left open.
bool csv_record(std::string_view& rest, std::vector<std::string>& cells, std::size_t& line) {
  cells.assign(1, std::string());
  if (rest.empty()) return false;
  bool quoted = false;
  std::size_t opened = line;
  while (!rest.empty()) {
    char c = rest.front();
    rest.remove_prefix(1);
    if (c == '\n') ++line;
    if (quoted && c == '"' && rest.starts_with('"')) {
      cells.back() += '"';
      rest.remove_prefix(1);
    } else if (c == '"' && (quoted || cells.back().empty())) {
      quoted = !quoted;
      opened = line;
    } else if (!quoted && c == ',') {
      cells.emplace_back();
    } else if (!quoted && c == '\n') {
      return true;
    } else if (quoted || c != '\r') {
      cells.back() += c;
    }
  }
  if (quoted) {
    throw Error(ErrorKind::invalid, "configuration",
                "line " + std::to_string(opened) + ": a quote is not closed, and takes in the rest of the file");
  }
  return true;
}

}  // namespace

Mapping::Mapping(const MappingConfig& config) : fold_(config.fold) {
  std::ifstream file(config.file, std::ios::binary);
  if (!file) throw wrong(config.file, "cannot be read");
  std::ostringstream content;
  content << file.rdbuf();
  std::string text = std::move(content).str();
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  if (!is_utf8(text)) throw wrong(config.file, "is not UTF-8");
  if (config.file.extension() == ".json") {
    read_json(text, config);
  } else {
    read_csv(text, config);
  }
}

void Mapping::add(std::string_view key, Value value) {
  auto [at, added] = values_.emplace(fold_ ? lowered(trimmed(key)) : std::string(key), std::move(value));
  if (!added) throw Error(ErrorKind::invalid, "configuration", "the key " + quoted(key) + " stands there twice");
}

const Value* Mapping::find(std::string_view key) const {
  auto at = values_.find(fold_ ? lowered(trimmed(key)) : std::string(key));
  return at != values_.end() ? &at->second : nullptr;
}

void Mapping::read_csv(const std::string& text, const MappingConfig& config) {
  std::string_view rest = text;
  std::size_t line = 1;
  std::vector<std::string> header, cells;
  auto read = [&](std::vector<std::string>& into) {
    try {
      return csv_record(rest, into, line);
    } catch (const Error& error) {
      throw wrong(config.file, error.what());
    }
  };
  read(header);
  auto column = [&](const std::string& name) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (header[i] == name) return i;
    }
    throw wrong(config.file, "the header line has no column \"" + name + "\"" + config::suggestion(name, header));
  };
  std::size_t key = column(config.key), value = column(config.value);
  for (std::size_t at = line; read(cells); at = line) {
    if (cells.size() == 1 && cells[0].empty()) continue;
    std::string where = "line " + std::to_string(at) + ": ";
    if (cells.size() != header.size()) {
      throw wrong(config.file,
                  where + std::to_string(cells.size()) + " cells, the header has " + std::to_string(header.size()));
    }
    try {
      add(cells[key], cells[value].empty() ? Value() : Value(cells[value]));
    } catch (const Error& error) {
      throw wrong(config.file, where + error.what());
    }
  }
}

void Mapping::read_json(const std::string& text, const MappingConfig& config) {
  boost::json::error_code code;
  Value whole = parse_json(text, code);
  if (code) throw wrong(config.file, "is not JSON: " + code.message());
  try {
    if (const Object* object = whole.if_object()) {
      for (const auto& [key, value] : *object) add(key, value);
      return;
    }
    const Array* array = whole.if_array();
    if (array == nullptr) throw Error(ErrorKind::invalid, "must be an object, or an array of objects");
    for (const Value& element : *array) {
      const Object* object = element.if_object();
      const Value* key = object != nullptr ? object->if_contains(config.key) : nullptr;
      const Value* value = object != nullptr ? object->if_contains(config.value) : nullptr;
      std::string spare;
      auto word = key != nullptr ? scalar_text(*key, spare) : std::nullopt;
      if (!word || value == nullptr) {
        throw Error(ErrorKind::invalid, "an element lacks \"" + config.key + "\" or \"" + config.value + "\"");
      }
      add(*word, *value);
    }
  } catch (const Error& error) {
    throw wrong(config.file, error.what());
  }
}

}  // namespace migrate::fields

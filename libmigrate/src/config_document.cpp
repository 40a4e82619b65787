#include "config_document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

MIGRATE_BEGIN
namespace config {
namespace {

constexpr int deepest = 100;
// Aliases can name the same node many times over: a small file may stand for an enormous value.
constexpr std::size_t most_nodes = 200'000;
constexpr std::uintmax_t largest_file = 16u << 20;

std::optional<std::string> file_text(const std::filesystem::path& file, std::string& trouble) {
  std::error_code failure;
  if (std::filesystem::is_directory(file, failure)) {
    trouble = "is a directory";
    return std::nullopt;
  }
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    trouble = errno ? std::strerror(errno) : "cannot be opened";
    return std::nullopt;
  }
  std::string text;
  for (std::array<char, 65536> part; in; text.append(part.data(), static_cast<std::size_t>(in.gcount()))) {
    in.read(part.data(), part.size());
    if (text.size() > largest_file) {
      trouble = "is larger than 16 MiB";
      return std::nullopt;
    }
  }
  return text;
}

bool looks_like_number(const std::string& text) {
  std::size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0, digits = 0;
  auto run = [&] {
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) ++digits;
  };
  run();
  if (i < text.size() && text[i] == '.') {
    ++i;
    run();
  }
  if (digits == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    digits = 0;
    run();
    if (digits == 0) return false;
  }
  return i == text.size();
}

template <class Number>
std::optional<Value> number_from(const std::string& text) {
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  Number number{};
  auto [stop, failure] = std::from_chars(begin, end, number);
  if (failure != std::errc() || stop != end) return std::nullopt;
  return Value(number);
}

/// JSON writes characters beyond the basic plane as two escapes; YAML has \U for them.
std::string join_surrogates(const std::string& text) {
  auto unit = [&](std::size_t at) -> unsigned {
    unsigned code = 0;
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
    auto [end, failure] = std::from_chars(&text[at + 2], &text[at + 2] + 4, code, 16);
    return failure == std::errc() && end == &text[at + 2] + 4 ? code : 0;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    unsigned high = unit(i), low = high ? unit(i + 6) : 0;
    if (high >= 0xD800 && high < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
      out += fmt::format("\\U{:08X}", 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
      i += 12;
    } else {
      out.append(text, i, 2);
      i += 2;
    }
  }
  return out;
}

std::string line_of(const std::string& text, int number) {
  std::istringstream in(text);
  std::string line;
  for (int i = 0; i <= number; ++i) std::getline(in, line);
  return line;
}

class NoEvents : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// Not by YAML::LoadAll(): behind a stray bracket yaml-cpp 0.7 finds one empty document after the other, without end.
bool holds_several(const std::string& yaml) {
  std::istringstream in(yaml);
  YAML::Parser parser(in);
  NoEvents none;
  return parser.HandleNextDocument(none) && parser.HandleNextDocument(none);
}

void throw_if_faulty(const Document& document, std::vector<ConfigFault> faults) {
  Context context;
  context.origins = &document.origins;
  for (const auto& [path, origin] : document.origins) {
    if (!origin.missing.empty()) faults.push_back(fault_at(context, path, origin.missing));
  }
  if (!faults.empty()) throw ConfigError(std::move(faults));
}

}  // namespace

void DocumentReader::fault(const std::string& path, std::string message, bool at_key) {
  Context context;
  context.origins = &origins_;
  faults_.push_back(fault_at(context, path, std::move(message), at_key));
}

Value DocumentReader::plain(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (!looks_like_number(text)) return Value(text);
  if (text.find_first_of(".eE") == std::string::npos) {
    if (auto value = number_from<std::int64_t>(text)) return *value;
    return number_from<std::uint64_t>(text).value_or(Value(text));
  }
  return number_from<double>(text).value_or(Value(text));
}

std::string DocumentReader::replacement(const std::string& expression, Origin& origin) {
  auto miss = [&](const std::string& why) { origin.missing += (origin.missing.empty() ? "" : "; ") + why; };
  std::string name = expression.substr(expression.find(':') + 1);
  if (expression.starts_with("env:")) {
    if (const char* value = std::getenv(name.c_str())) return value;
    miss(fmt::format("the environment variable {} is not set", name));
    return {};
  }
  std::filesystem::path file = base_.directory / name;
  std::string trouble;
  std::optional<std::string> text = file_text(file, trouble);
  if (!text) {
    miss(fmt::format("the file {} cannot be read: {}", file.string(), trouble));
    return {};
  }
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return *text;
}

std::string DocumentReader::interpolated(const std::string& text, Origin& origin) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::string_view rest = std::string_view(text).substr(i);
    if (rest.starts_with("$${")) {
      out += "${";
      i += 3;
    } else if (rest.starts_with("${env:") || rest.starts_with("${file:")) {
      std::size_t end = rest.find('}');
      if (end == std::string_view::npos) {
        origin.missing = fmt::format("\"{}\" has no closing brace", rest.substr(0, 6));
        return out;
      }
      out += replacement(std::string(rest.substr(2, end - 2)), origin);
      origin.interpolated = true;
      i += end + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

Value DocumentReader::scalar(const YAML::Node& node, Origin& origin) {
  const std::string& text = node.Scalar();
  const std::string& tag = node.Tag();
  bool is_plain = tag == "?" || tag.empty();
  if (!is_plain && tag != "!" && tag != "tag:yaml.org,2002:str") {
    origin.missing = fmt::format("the YAML tag {} has no meaning here", tag);
    return nullptr;
  }
  std::string result = interpolated(text, origin);
  if (origin.interpolated) {
    origin.text = result;
    return Value(result);
  }
  if (base_.overridden && is_plain) origin.text = text;
  return is_plain ? plain(result) : Value(result);
}

Value DocumentReader::map(const YAML::Node& node, const std::string& path, int depth) {
  Object object;
  for (const auto& entry : node) {
    const YAML::Node& key = entry.first;
    if (!key.IsScalar()) {
      fault(path, "a key must be a text");
      continue;
    }
    std::string child = child_path(path, key.Scalar());
    bool twice = object.contains(key.Scalar());
    object[key.Scalar()] = read(entry.second, child, key, depth + 1);
    if (twice) fault(child, "is written twice", true);
  }
  return object;
}

Value DocumentReader::read(const YAML::Node& node, const std::string& path, const YAML::Node& key, int depth) {
  Origin origin = base_;
  if (!base_.overridden) {
    origin.line = node.Mark().line + 1;
    origin.column = node.Mark().column + 1;
    if (key.IsScalar()) {
      origin.key_line = key.Mark().line + 1;
      origin.key_column = key.Mark().column + 1;
    }
    // yaml-cpp gives an empty value no mark of its own.
    if (node.IsNull() && origin.line <= 1 && origin.key_line > 0) {
      origin.line = origin.key_line;
      origin.column = origin.key_column;
    }
  }
  Origin& kept = origins_[path] = std::move(origin);
  if (depth > deepest || ++nodes_ > most_nodes) {
    if (nodes_ != most_nodes + 2) fault(path, depth > deepest ? "is nested too deeply" : "is too large");
    nodes_ = nodes_ > most_nodes ? most_nodes + 1 : nodes_;
    return nullptr;
  }
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return scalar(node, kept);
    case YAML::NodeType::Map:
      return map(node, path, depth);
    case YAML::NodeType::Sequence: {
      Array array;
      for (std::size_t i = 0; i < node.size(); ++i) {
        array.push_back(read(node[i], child_path(path, i), YAML::Node(), depth + 1));
      }
      return array;
    }
    default:
      return nullptr;
  }
}

Document read_document(const std::string& text, const std::string& name, const std::filesystem::path& directory,
                       const std::vector<std::string>& set, std::vector<ConfigFault>& faults) {
  Document document;
  Origin base;
  base.file = name;
  base.directory = std::filesystem::absolute(directory);
  try {
    const std::string yaml = join_surrogates(text);
    if (holds_several(yaml)) throw ConfigError({{"", "holds several YAML documents", name, 0, 0}});
    DocumentReader reader(base, document.origins, faults);
    if (const YAML::Node node = YAML::Load(yaml); node.IsDefined()) document.value = reader.read(node, "");
  } catch (const YAML::Exception& error) {
    std::string hint = line_of(text, error.mark.line).find("${") == std::string::npos
                           ? ""
                           : "; inside braces or brackets, ${…} must stand in quotes";
    throw ConfigError({{"", fmt::format("this is not valid YAML: {}{}", error.msg, hint), name, error.mark.line + 1,
                        error.mark.column + 1}});
  }
  if (document.value.is_null() && faults.empty()) document.value = Object();
  for (const std::string& assignment : set) apply_override(assignment, document, faults);
  return document;
}

Document read_document(const std::filesystem::path& file, const std::vector<std::string>& set,
                       std::vector<ConfigFault>& faults) {
  std::string trouble;
  std::optional<std::string> text = file_text(file, trouble);
  if (!text) throw ConfigError({{"", fmt::format("the file cannot be read: {}", trouble), file.string(), 0, 0}});
  return read_document(*text, file.string(), std::filesystem::absolute(file).parent_path(), set, faults);
}

Document parse_document(const std::string& text, const std::string& name, const std::filesystem::path& directory,
                        const std::vector<std::string>& set) {
  std::vector<ConfigFault> faults;
  Document document = read_document(text, name, directory, set, faults);
  throw_if_faulty(document, std::move(faults));
  return document;
}

Document load_document(const std::filesystem::path& file, const std::vector<std::string>& set) {
  std::vector<ConfigFault> faults;
  Document document = read_document(file, set, faults);
  throw_if_faulty(document, std::move(faults));
  return document;
}

}  // namespace config
MIGRATE_END

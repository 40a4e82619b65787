// The shape of a configuration as data, and the faults that are found in one. What Spec<T> (config_spec.hpp) is built
// on; a connector needs nothing of it but ConfigError.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/error.hpp"
#include "migrate/record.hpp"

MIGRATE_BEGIN

/// One fault of a configuration. `path` is like `source.tables[2].rank`; file, line and column as far as known.
struct ConfigFault {
  std::string path, message;
  std::string file;
  int line = 0, column = 0;  ///< from 1; 0: unknown
};
/// "file:line:column: path: message"; parts that are not known are left out.
MIGRATE_API std::string to_string(const ConfigFault& fault);

/// Every fault of a configuration at once; what() has one line each. Kind `invalid`, cause "configuration".
class MIGRATE_API ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<ConfigFault> faults);
  /// For validators: one fault at `path`, relative to the object that is being validated.
  ConfigError(std::string path, std::string message);
  ConfigError(const ConfigError&);
  ConfigError& operator=(const ConfigError&);
  ~ConfigError() override;
  const std::vector<ConfigFault>& faults() const noexcept { return faults_; }

 private:
  std::vector<ConfigFault> faults_;
};

namespace config {

/// Where one value was written.
struct Origin {
  std::string file;          ///< empty: the command line
  int line = 0, column = 0;  ///< of the value
  int key_line = 0, key_column = 0;
  std::filesystem::path directory;  ///< that relative paths start from
  bool interpolated = false;        ///< holds text of an environment variable or a file: never shown
  bool overridden = false;          ///< came from the command line
  std::optional<std::string> text;  ///< as written, where a field of another type may still take it as its own
  std::string missing;  ///< why there is no value: a variable that is not set, a file that cannot be read. Else empty
};
/// By path. A value without an origin of its own has that of the nearest value around it.
using Origins = std::map<std::string, Origin>;

/// What surrounds a value that is parsed. Default: nothing known; paths stay as they are.
struct Context {
  Context() {}
  std::string path;  ///< of the value itself: "source", "transform[1]"
  const Origins* origins = nullptr;
  std::vector<ConfigFault>* warnings = nullptr;  ///< receives what is accepted but unwise
  std::vector<std::string> reserved;             ///< keys that somebody else reads: "connector"
};

enum class Kind { any, text, secret, path, boolean, integer, number, list, map, object };

struct ObjectShape;

/// What one value may look like.
struct Shape {
  Kind kind = Kind::any;
  std::shared_ptr<const Shape> element;       ///< list, map
  std::shared_ptr<const ObjectShape> object;  ///< object
  std::optional<std::int64_t> least, most;    ///< integer, number
  std::vector<std::string> choices;           ///< text
  bool one_or_many = false;                   ///< list: may be written as its single element
  bool sensitive = false;                     ///< text that may embed a password, for example a connection string
  bool not_empty = false;                     ///< text, secret, path, list, map
};

struct Field {
  std::string name, doc;
  Shape shape;
  bool required = true;
  bool nullable = false;  ///< null means absent
  Value fallback;         ///< what stands in the documentation as the default; null: none
};

struct ObjectShape {
  std::string doc;
  std::vector<Field> fields;
  /// Called with the checked value when it has no other fault; throws ConfigError or Error with what is wrong.
  std::vector<std::function<void(const Value&)>> validators;
};

/// `value` with paths made absolute and single elements wrapped, or ConfigError with every fault.
MIGRATE_API Value checked(const ObjectShape& shape, const Value& value, const Context& context);
MIGRATE_API Value json_schema(const ObjectShape& shape);
/// A table of the fields: name, type, default, meaning.
MIGRATE_API std::string markdown(const ObjectShape& shape);
/// A copy with "***" in place of every secret, and of passwords inside sensitive texts.
MIGRATE_API Value redacted(const ObjectShape& shape, const Value& value);

/// path + ".key", or path + "[\"a key\"]" where the key is no plain word.
MIGRATE_API std::string child_path(std::string_view path, std::string_view key);
MIGRATE_API std::string child_path(std::string_view path, std::size_t index);
/// "a.b" and "a.b[0]" are within "a.b", "a.bc" is not.
MIGRATE_API bool is_within(std::string_view path, std::string_view outer) noexcept;
/// The nearest of `known` by edit distance; empty when none is near.
MIGRATE_API std::string nearest(std::string_view word, const std::vector<std::string>& known);
/// "; did you mean "x"?" or a list of what is known.
MIGRATE_API std::string suggestion(std::string_view word, const std::vector<std::string>& known);
/// Origin of the value at `path`, or of the nearest one around it; null when nothing is known.
MIGRATE_API const Origin* origin_of(const Origins* origins, std::string path);
/// A fault at `path` (already complete), with the position that the context knows for it.
MIGRATE_API ConfigFault fault_at(const Context& context, std::string path, std::string message, bool at_key = false);
/// `postgresql://u:secret@h/db` and `password=secret` with the password masked.
MIGRATE_API std::string mask_passwords(std::string text);

}  // namespace config

MIGRATE_END

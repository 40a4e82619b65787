// One session with a PostgreSQL server. Every call blocks: use it on the pool, by one coroutine at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/error.hpp"
#include "migrate/services.hpp"

struct pg_conn;
struct pg_result;

namespace migrate::postgres {

/// What the server said, beyond what every Error has.
class ServerError : public Error {
 public:
  ServerError(ErrorKind kind, std::string cause_word, const std::string& message)
      : Error(kind, std::move(cause_word), message) {}
  std::string sqlstate, primary, explanation, context, table, column, constraint;
  bool about_data() const { return sqlstate.starts_with("22") || sqlstate.starts_with("23"); }
};

/// Rows of a query, as text. Valid as long as the object.
class Result {
 public:
  Result() = default;
  explicit Result(pg_result* raw) : raw_(raw, &clear) {}
  int rows() const;
  int columns() const;
  bool null(int row, int column) const;
  std::string_view text(int row, int column) const;
  std::string str(int row, int column) const { return std::string(text(row, column)); }
  /// Throws Error(internal) when it is no integer.
  std::int64_t integer(int row, int column) const;
  bool truth(int row, int column) const { return text(row, column) == "t"; }
  /// Rows that an INSERT, UPDATE or DELETE touched.
  std::uint64_t affected() const;

 private:
  static void clear(pg_result* raw);
  std::unique_ptr<pg_result, void (*)(pg_result*)> raw_{nullptr, &clear};
};

/// A statement's parameter: text, or nothing for NULL.
class Parameter {
 public:
  Parameter(std::nullptr_t) : null_(true) {}               // NOLINT: implicit, so that lists of parameters read well
  Parameter(std::string text) : text_(std::move(text)) {}  // NOLINT
  Parameter(std::string_view text) : text_(text) {}        // NOLINT
  Parameter(const char* text) : text_(text) {}             // NOLINT
  template <std::integral T>
  Parameter(T number) : text_(std::to_string(number)) {}  // NOLINT
  const char* data() const { return null_ ? nullptr : text_.c_str(); }

 private:
  std::string text_;
  bool null_ = false;
};
using Parameters = std::vector<Parameter>;

class Connection {
 public:
  Connection(std::string dsn, Services services);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects when it is not connected. Throws Error(unauthorized), (not_found) or (transient), with advice.
  void open();
  /// Closes at once, whatever is under way; the server rolls back. The next call connects anew.
  void close() noexcept;
  bool usable() const noexcept;
  bool in_transaction() const noexcept;

  /// A query, or several statements without parameters.
  Result run(const std::string& sql);
  Result run(const std::string& sql, const Parameters& parameters);
  /// A statement that changes something: reaches the fault points "postgres.<name> before" and "… after".
  Result change(std::string_view name, const std::string& sql);
  Result change(std::string_view name, const std::string& sql, const Parameters& parameters);

  /// Sends one statement and does not wait for it; nothing else may be asked until finish() or settle() has returned.
  void start(const std::string& sql);
  /// Waits for what start() has sent, and throws what run() would.
  Result finish();
  /// Waits for what start() has sent, if anything, and drops what the server says of it.
  void settle() noexcept;

  /// COPY … FROM STDIN in text format: begin, any number of pieces, end. end_copy() returns the rows taken.
  void begin_copy(const std::string& sql);
  void put_copy(const char* data, std::size_t size);
  std::uint64_t end_copy();
  /// Ends a COPY so that it fails; never throws.
  void abort_copy() noexcept;

  /// True where the server keeps bytes without an encoding (SQL_ASCII).
  bool raw_bytes() const noexcept { return raw_bytes_; }
  int server_version() const;
  const Services& services() const noexcept { return services_; }
  /// "host:port/database as user", for messages.
  std::string describe() const;

 private:
  void connect();
  void prepare_session();
  [[noreturn]] void fail(pg_result* result, const std::string& doing);
  [[noreturn]] void fail_to_connect(const std::string& message);
  Result checked(pg_result* result, const std::string& sql);

  std::string dsn_;
  Services services_;
  pg_conn* raw_ = nullptr;
  bool raw_bytes_ = false;
};

/// "name" with quotes, as SQL wants it.
std::string quote_name(std::string_view name);
/// 'text' as an SQL literal.
std::string literal(std::string_view text);
/// {"a","b"}: an array literal for a text[] parameter.
std::string text_array(const std::vector<std::string>& items);

}  // namespace migrate::postgres

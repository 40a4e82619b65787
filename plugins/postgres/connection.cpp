#include "connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <cctype>
#include <charconv>
#include <chrono>

namespace migrate::postgres {

int Result::rows() const { return PQntuples(raw_.get()); }
int Result::columns() const { return PQnfields(raw_.get()); }
bool Result::null(int row, int column) const { return PQgetisnull(raw_.get(), row, column) != 0; }

std::string_view Result::text(int row, int column) const {
  return {PQgetvalue(raw_.get(), row, column), static_cast<std::size_t>(PQgetlength(raw_.get(), row, column))};
}

std::int64_t Result::integer(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    throw Error(ErrorKind::internal, fmt::format("PostgreSQL answered \"{}\" where a number was expected", digits));
  }
  return number;
}

std::uint64_t Result::affected() const {
  const std::string_view digits = PQcmdTuples(raw_.get());
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

void Result::clear(pg_result* raw) { PQclear(raw); }

Connection::Connection(std::string dsn, Services services) : dsn_(std::move(dsn)), services_(std::move(services)) {}
Connection::~Connection() { close(); }

void Connection::close() noexcept {
  PQfinish(raw_);
  raw_ = nullptr;
}

bool Connection::usable() const noexcept { return raw_ && PQstatus(raw_) == CONNECTION_OK; }
bool Connection::in_transaction() const noexcept { return raw_ && PQtransactionStatus(raw_) != PQTRANS_IDLE; }
int Connection::server_version() const { return PQserverVersion(raw_); }

std::string Connection::describe() const {
  if (!raw_) return "PostgreSQL";
  const auto part = [](const char* text) { return std::string(text ? text : ""); };
  return fmt::format("{}:{}/{} as {}", part(PQhost(raw_)), part(PQport(raw_)), part(PQdb(raw_)), part(PQuser(raw_)));
}

void Connection::open() {
  if (usable()) return;
  close();
  connect();
  prepare_session();
}

namespace {

constexpr std::chrono::seconds connect_patience{15};

void check_dsn(const std::string& dsn) {
  char* complaint = nullptr;
  PQconninfoOption* options = PQconninfoParse(dsn.c_str(), &complaint);
  // libpq's complaint can quote a piece of the password, so it is not repeated.
  PQfreemem(complaint);
  if (!options) {
    throw Error(ErrorKind::invalid, "bad_dsn", "The dsn is not a connection string of PostgreSQL")
        .with_advice("Write it as `host=… port=… dbname=… user=… password=…` or `postgresql://user:password@host/db`.");
  }
  PQconninfoFree(options);
}

// Waits until the socket is ready; false when the patience is over.
bool wait_for(PGconn* raw, bool to_read, std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd socket{PQsocket(raw), static_cast<short>(to_read ? POLLIN : POLLOUT), 0};
  return left.count() > 0 && poll(&socket, 1, static_cast<int>(left.count())) > 0;
}

// The five characters of "FATAL:  28P01: …", which verbose messages carry in every language.
std::string sqlstate_in(std::string_view message) {
  for (std::size_t at = message.find(":  "); at != std::string_view::npos; at = message.find(":  ", at + 1)) {
    const std::string_view code = message.substr(at + 3, 6);
    const bool plausible = code.size() == 6 && code[5] == ':' &&
                           std::all_of(code.begin(), code.begin() + 5, [](unsigned char c) { return std::isalnum(c); });
    if (plausible) return std::string(code.substr(0, 5));
  }
  return {};
}

std::string first_line(std::string_view message) { return std::string(message.substr(0, message.find('\n'))); }

struct Meaning {
  ErrorKind kind;
  std::string_view cause, advice;
};

Meaning meaning_of(std::string_view state) {
  using K = ErrorKind;
  if (state.starts_with("28")) return {K::unauthorized, "authentication", "Check user and password in the dsn."};
  if (state == "42501") return {K::unauthorized, "missing_right", "Grant the missing right to the user of the dsn."};
  if (state == "3D000") return {K::not_found, "missing_database", "Create the database or correct the dsn."};
  if (state == "3F000") return {K::not_found, "missing_schema", "Create the schema or correct `schema`."};
  if (state == "42P01") return {K::not_found, "missing_table", ""};
  if (state == "42703") return {K::not_found, "missing_column", ""};
  if (state == "53100") {
    return {K::internal, "disk_full", "Free space on the database server, then run again: it goes on by itself."};
  }
  if (state == "25006")
    return {K::unauthorized, "read_only", "The server is read-only (a standby?): name the primary."};
  if (state == "23505") return {K::invalid, "duplicate_key", ""};
  if (state == "23502") return {K::invalid, "missing_value", ""};
  if (state == "23503") return {K::invalid, "missing_reference", ""};
  if (state == "23514") return {K::invalid, "check_violation", ""};
  if (state == "22P05") return {K::invalid, "nul_character", "Remove the character U+0000: PostgreSQL cannot hold it."};
  if (state.starts_with("22") || state.starts_with("23")) return {K::invalid, "bad_value", ""};
  const bool passes = state.starts_with("08") || state.starts_with("40") || state.starts_with("53") ||
                      state.starts_with("57") || state.starts_with("58") || state == "55P03";
  if (passes) return {K::transient, state.starts_with("40") ? "serialization" : "database_busy", ""};
  return {K::internal, "database", ""};
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text ? text : "";
}

}  // namespace

void Connection::connect() {
  check_dsn(dsn_);
  const char* keywords[] = {"dbname", "fallback_application_name", nullptr};
  const char* values[] = {dsn_.c_str(), "migrate", nullptr};
  raw_ = PQconnectStartParams(keywords, values, 1);
  if (!raw_) throw Error(ErrorKind::internal, "out of memory");
  // The state that tells a wrong password from a wrong database appears in verbose messages only.
  PQsetErrorVerbosity(raw_, PQERRORS_VERBOSE);
  const auto deadline = std::chrono::steady_clock::now() + connect_patience;
  PostgresPollingStatusType status = PQstatus(raw_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED) fail_to_connect(PQerrorMessage(raw_));
    if (!wait_for(raw_, status == PGRES_POLLING_READING, deadline)) fail_to_connect("no answer in time");
    status = PQconnectPoll(raw_);
  }
  PQsetErrorVerbosity(raw_, PQERRORS_DEFAULT);
  PQsetNoticeProcessor(
      raw_, [](void*, const char*) {}, nullptr);
}

void Connection::fail_to_connect(const std::string& message) {
  const std::string state = sqlstate_in(message);
  std::string text = first_line(message);
  if (!state.empty()) {
    if (const auto at = text.find(state + ": "); at != std::string::npos) text.erase(at, 7);
  }
  const std::string where = describe();
  close();
  if (state.empty() && text.find("password") != std::string::npos) {
    throw Error(ErrorKind::unauthorized, "authentication", fmt::format("PostgreSQL at {}: {}", where, text))
        .with_advice("Give a password in the dsn, in PGPASSWORD or in ~/.pgpass.");
  }
  if (state.empty()) {
    throw Error(ErrorKind::transient, "unreachable", fmt::format("PostgreSQL at {} does not answer: {}", where, text))
        .with_advice("Check host and port in the dsn, and that the server runs and accepts connections from here.");
  }
  const Meaning meaning = meaning_of(state);
  throw Error(meaning.kind, std::string(meaning.cause), fmt::format("PostgreSQL at {} refuses: {}", where, text))
      .with_advice(std::string(meaning.advice));
}

void Connection::prepare_session() {
  raw_bytes_ = std::string_view(PQparameterStatus(raw_, "server_encoding")) == "SQL_ASCII";
  // Without an encoding on the server, asking for one would refuse the very bytes that have to be read.
  PQsetClientEncoding(raw_, raw_bytes_ ? "SQL_ASCII" : "UTF8");
  run("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'hex'; "
      "SET extra_float_digits = 1; SET client_min_messages = 'warning'; "
      // What a chunk touches was written a moment ago or is about to be: it is in the cache, and an index is cheap.
      "SET random_page_cost = 1.1");
}

void Connection::fail(pg_result* result, const std::string& doing) {
  const std::string state = result ? field(result, PG_DIAG_SQLSTATE) : "";
  std::string primary = result ? field(result, PG_DIAG_MESSAGE_PRIMARY) : "";
  if (primary.empty()) primary = first_line(PQerrorMessage(raw_));
  const bool lost = PQstatus(raw_) != CONNECTION_OK;
  Meaning meaning = state.empty() ? Meaning{ErrorKind::transient, "connection_lost", ""} : meaning_of(state);
  if (lost) meaning = {ErrorKind::transient, "connection_lost", ""};
  const std::string explanation = result ? field(result, PG_DIAG_MESSAGE_DETAIL) : "";
  ServerError error(meaning.kind, std::string(meaning.cause),
                    fmt::format("PostgreSQL: {}{}{}{}", primary, explanation.empty() ? "" : " (" + explanation + ")",
                                doing.empty() ? "" : ", at: ", doing.substr(0, 160)));
  error.with_advice(std::string(meaning.advice));
  error.sqlstate = state;
  error.primary = primary;
  error.explanation = explanation;
  if (result) {
    error.context = field(result, PG_DIAG_CONTEXT);
    error.table = field(result, PG_DIAG_TABLE_NAME);
    error.column = field(result, PG_DIAG_COLUMN_NAME);
    error.constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
    PQclear(result);
  }
  throw error;
}

Result Connection::checked(pg_result* result, const std::string& sql) {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN) return Result(result);
  fail(result, sql);
}

Result Connection::run(const std::string& sql) {
  open();
  return checked(PQexec(raw_, sql.c_str()), sql);
}

Result Connection::run(const std::string& sql, const Parameters& parameters) {
  open();
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const Parameter& parameter : parameters) values.push_back(parameter.data());
  return checked(
      PQexecParams(raw_, sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0),
      sql);
}

void Connection::start(const std::string& sql) {
  open();
  if (PQsendQuery(raw_, sql.c_str()) != 1) fail(nullptr, sql);
}

Result Connection::finish() {
  pg_result* last = nullptr;
  while (PGresult* next = PQgetResult(raw_)) {
    PQclear(last);
    last = next;
  }
  return checked(last, {});
}

void Connection::settle() noexcept {
  if (!raw_) return;
  while (PGresult* result = PQgetResult(raw_)) PQclear(result);
}

Result Connection::change(std::string_view name, const std::string& sql) {
  services_.reach(fmt::format("postgres.{} before", name));
  Result result = run(sql);
  services_.reach(fmt::format("postgres.{} after", name));
  return result;
}

Result Connection::change(std::string_view name, const std::string& sql, const Parameters& parameters) {
  services_.reach(fmt::format("postgres.{} before", name));
  Result result = run(sql, parameters);
  services_.reach(fmt::format("postgres.{} after", name));
  return result;
}

void Connection::begin_copy(const std::string& sql) {
  services_.reach("postgres.copy before");
  run(sql);
}

void Connection::put_copy(const char* data, std::size_t size) {
  if (size != 0 && PQputCopyData(raw_, data, static_cast<int>(size)) != 1) fail(nullptr, "COPY");
}

std::uint64_t Connection::end_copy() {
  if (PQputCopyEnd(raw_, nullptr) != 1) fail(nullptr, "COPY");
  Result result = checked(PQgetResult(raw_), "");
  while (PGresult* more = PQgetResult(raw_)) PQclear(more);
  services_.reach("postgres.copy after");
  return result.affected();
}

void Connection::abort_copy() noexcept {
  if (!raw_ || PQtransactionStatus(raw_) != PQTRANS_ACTIVE) return;
  PQputCopyEnd(raw_, "given up");
  while (PGresult* result = PQgetResult(raw_)) {
    const bool stuck = PQresultStatus(result) == PGRES_COPY_IN;
    PQclear(result);
    if (stuck) break;
  }
}

std::string quote_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out += '\'';
}

std::string text_array(const std::vector<std::string>& items) {
  std::string out = "{";
  for (const std::string& item : items) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out += '}';
}

}  // namespace migrate::postgres

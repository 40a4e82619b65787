// What the tests of this plugin share: one private server a program, a schema a test case, and calls without
// coroutines.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "migrate/sink.hpp"
#include "migrate/source.hpp"
#include "private_postgres.hpp"

namespace migrate::postgres {

inline testing_support::PrivatePostgres& server() {
  // Ends the program, as CTest understands it: every case needs the server.
  if (const auto reason = testing_support::PrivatePostgres::why_not()) {
    MESSAGE("skipped: ", *reason);
    std::_Exit(77);
  }
  static testing_support::PrivatePostgres instance;
  return instance;
}

/// Runs one coroutine to its end on this thread.
template <class T>
T wait(awaitable<T> work) {
  boost::asio::io_context context;
  std::exception_ptr failure;
  if constexpr (std::is_void_v<T>) {
    boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr error) { failure = error; });
    context.run();
    if (failure) std::rethrow_exception(failure);
  } else {
    std::optional<T> result;
    boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr error, T value) {
      failure = error;
      if (!error) result.emplace(std::move(value));
    });
    context.run();
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }
}

/// A schema of its own, gone at the end, and a connection to look at it.
struct World {
  explicit World(const std::string& where = server().dsn()) : db(where, Services()), dsn(where) {
    db.run("DROP SCHEMA IF EXISTS t CASCADE; CREATE SCHEMA t; SET search_path = t");
  }
  std::string one(const std::string& sql) {
    const Result rows = db.run(sql);
    return rows.rows() == 0 || rows.null(0, 0) ? "NULL" : rows.str(0, 0);
  }
  Connection db;
  std::string dsn;
};

inline Record record(std::string type, std::string id, Value data) {
  Record made;
  made.ref = {std::move(type), std::move(id)};
  made.data = std::move(data);
  return made;
}

/// Operations of records, one unit each unless told otherwise.
inline std::vector<Operation> operations(std::vector<Record>& records) {
  std::vector<Operation> made;
  for (std::size_t i = 0; i < records.size(); ++i) made.emplace_back(records[i], i);
  return made;
}

/// What the engine does with a chunk: begin, identify, write and, if nothing fails, commit.
inline WriteResult push(TableSink& sink, const std::string& chunk, std::vector<Operation>& ops) {
  auto transaction = wait(sink.begin(chunk));
  wait(transaction->identify(ops));
  WriteResult result = wait(transaction->write(ops));
  if (result.failures.empty()) wait(transaction->commit(Value{{"chunk", chunk}}));
  return result;
}
inline WriteResult push(TableSink& sink, const std::string& chunk, std::vector<Record>& records) {
  std::vector<Operation> ops = operations(records);
  return push(sink, chunk, ops);
}

}  // namespace migrate::postgres

// What the tests of both connectors use.
#pragma once

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "migrate/error.hpp"
#include "migrate/record.hpp"

namespace fs = std::filesystem;
using namespace migrate;

struct TempFolder {
  fs::path path;
  TempFolder() {
    std::string pattern = (fs::temp_directory_path() / "migrate-sqlite-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TempFolder() { fs::remove_all(path); }
};

template <class T>
T wait_for(awaitable<T> work) {
  boost::asio::io_context context;
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr trouble, T value) {
    failure = trouble;
    result.emplace(std::move(value));
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

inline void wait_for(awaitable<void> work) {
  boost::asio::io_context context;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(work), [&](std::exception_ptr trouble) { failure = trouble; });
  context.run();
  if (failure) std::rethrow_exception(failure);
}

/// Runs SQL, one line a row, columns quoted by quote() joined with '|'.
inline std::vector<std::string> sql(const fs::path& file, const std::string& text) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  std::vector<std::string> rows;
  char* message = nullptr;
  const auto collect = [](void* into, int count, char** values, char**) {
    std::string row;
    for (int i = 0; i < count; ++i) row += (i ? "|" : "") + std::string(values[i] ? values[i] : "NULL");
    static_cast<std::vector<std::string>*>(into)->push_back(row);
    return 0;
  };
  const int code = sqlite3_exec(db, text.c_str(), collect, &rows, &message);
  const std::string said = message ? message : "";
  sqlite3_free(message);
  sqlite3_close(db);
  INFO(said);
  REQUIRE(code == SQLITE_OK);
  return rows;
}

template <class Work>
Error error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::internal, "none", "no error was thrown");
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

using Strings = std::vector<std::string>;

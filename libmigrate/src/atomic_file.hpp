// A file that appears under its name only when it is whole.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN

/// Throws Error(internal), cause "file", from every member that touches the disk.
class AtomicFile {
 public:
  /// Creates the folder and `target`.tmp in it: what a killed process left there is overwritten.
  explicit AtomicFile(std::filesystem::path target);
  /// Removes the temporary file unless it was committed.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view text);
  void commit();
  const std::filesystem::path& target() const noexcept { return target_; }
  const std::filesystem::path& temporary() const noexcept { return temporary_; }
  /// For a library that writes the file itself: closes it; commit() then only renames.
  void hand_over();

 private:
  [[noreturn]] void fail(int code) const;
  std::filesystem::path target_, temporary_;
  std::FILE* file_ = nullptr;
  bool committed_ = false;
};

/// Creates a folder and its parents.
void make_directory(const std::filesystem::path& directory);
void write_file_atomically(const std::filesystem::path& target, std::string_view text);

MIGRATE_END

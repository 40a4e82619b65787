#include "atomic_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "migrate/error.hpp"

MIGRATE_BEGIN

namespace {
Error file_error(const std::filesystem::path& path, int code) {
  Error error(ErrorKind::internal, "file",
              fmt::format("{} cannot be written: {}", path.string(), std::generic_category().message(code)));
  switch (code) {
    case ENOSPC:
    case EDQUOT: error.with_advice("Free some space on that disk, then repeat the command; nothing is lost."); break;
    case EACCES:
    case EPERM:
    case EROFS: error.with_advice("Give the user who runs migrate the right to write there, or choose another "
                                  "folder with --working-dir."); break;
    default: error.with_advice("Check that folder and its disk, then repeat the command.");
  }
  return error;
}
}  // namespace

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)) {
  if (target_.has_parent_path()) make_directory(target_.parent_path());
  temporary_ = target_;
  temporary_ += ".tmp";
  file_ = std::fopen(temporary_.c_str(), "wbe");
  if (!file_) throw file_error(target_, errno);
}

AtomicFile::~AtomicFile() {
  if (file_) std::fclose(file_);
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::fail(int code) const { throw file_error(target_, code); }

void AtomicFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail(errno);
}

void AtomicFile::hand_over() {
  std::FILE* file = file_;
  file_ = nullptr;
  if (std::fclose(file) != 0) fail(errno);
}

void AtomicFile::commit() {
  if (file_) hand_over();
  std::error_code code;
  std::filesystem::rename(temporary_, target_, code);
  if (code) fail(code.value());
  committed_ = true;
}

void make_directory(const std::filesystem::path& directory) {
  std::error_code code;
  std::filesystem::create_directories(directory, code);
  if (!code && std::filesystem::is_directory(directory)) return;
  const bool in_the_way = !code || code == std::errc::not_a_directory || code == std::errc::file_exists;
  Error error(ErrorKind::invalid, "working_dir",
              fmt::format("the folder {} cannot be made: {}", directory.string(),
                          in_the_way ? "something that is not a folder has this name" : code.message()));
  throw error.with_advice(in_the_way ? "Move the file out of the way or name another folder."
                                     : "Name a folder that the user who runs migrate can write to.");
}

void write_file_atomically(const std::filesystem::path& target, std::string_view text) {
  AtomicFile file(target);
  file.write(text);
  file.commit();
}

MIGRATE_END

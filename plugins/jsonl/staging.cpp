#include "staging.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace migrate::jsonl {

namespace fs = std::filesystem;
using sqlite::Statement;
using sqlite::Use;

namespace {

constexpr std::size_t buffer_bytes = 1U << 20;

Error file_error(const fs::path& file, const char* doing) {
  const int code = errno;
  if (code == ENOSPC || code == EDQUOT)
    return Error(ErrorKind::internal, "disk_full", fmt::format("no space left on the device for {}", file.string()))
        .with_advice("Free some space there, then start the same command again: it goes on where it stopped.");
  return Error(ErrorKind::internal, "file_error",
               fmt::format("{} cannot be {}: {}", file.string(), doing, std::strerror(code)))
      .with_advice("Check the folder's rights and the disk.");
}

const fs::path& made(const fs::path& folder) {
  std::error_code trouble;
  fs::create_directories(folder, trouble);
  if (trouble)
    throw Error(ErrorKind::unauthorized, "no_access",
                fmt::format("the folder {} cannot be created: {}", folder.string(), trouble.message()))
        .with_advice("Correct `path`, or the rights of the folder above it.");
  return folder;
}

void write_all(int descriptor, std::string_view bytes, std::int64_t offset, const fs::path& file) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw file_error(file, "written");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

Staging::Staging(const fs::path& folder, bool write)
    : folder_(write ? made(folder) : folder),
      db_(folder / "index.db", write ? sqlite::Access::create : sqlite::Access::read, 5000) {
  if (!write) return;
  db_.execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE IF NOT EXISTS files(type TEXT PRIMARY KEY NOT NULL, length INTEGER NOT NULL, "
      "swapping INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS records(type TEXT NOT NULL, id TEXT NOT NULL, number INTEGER, offset INTEGER NOT "
      "NULL, "
      "length INTEGER NOT NULL, PRIMARY KEY(type, id)) WITHOUT ROWID;"
      "CREATE UNIQUE INDEX IF NOT EXISTS records_by_offset ON records(type, offset);"
      "CREATE INDEX IF NOT EXISTS records_by_number ON records(type, number) WHERE number IS NOT NULL;"
      "CREATE TABLE IF NOT EXISTS chunks(chunk TEXT PRIMARY KEY NOT NULL, seq INTEGER NOT NULL UNIQUE, receipt TEXT) "
      "WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS changes(chunk TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT "
      "NULL, former TEXT, PRIMARY KEY(chunk, seq)) WITHOUT ROWID");
  recover();
}

Staging::~Staging() { close_files(); }

bool Staging::is_one(const fs::path& folder) { return fs::is_regular_file(folder / "index.db"); }

fs::path Staging::file(const std::string& type) const {
  if (type.empty() || type.find('/') != std::string::npos || type.find('\0') != std::string::npos || type[0] == '.')
    throw Error(ErrorKind::invalid, "bad_type", fmt::format("\"{}\" cannot be the name of a file", type));
  return folder_ / (type + ".jsonl");
}

std::vector<std::string> Staging::types() { return db_.words("SELECT type FROM files ORDER BY type"); }

void Staging::recover() {
  for (const std::string& type : db_.words("SELECT type FROM files WHERE swapping=1")) finish_swap(type);
  Statement select = db_.prepare("SELECT type, length FROM files");
  while (db_.step(select)) {
    const fs::path path = file(std::string(select.text(0)));
    const auto committed = static_cast<std::uintmax_t>(select.integer(1));
    std::error_code missing;
    const std::uintmax_t size = fs::file_size(path, missing);
    if (missing || size < committed)
      throw Error(ErrorKind::internal, "damaged_staging",
                  fmt::format("{} is shorter than what was committed to it: {} of {} bytes", path.string(),
                              missing ? 0 : size, committed))
          .with_advice("Restore the folder from a copy, or empty it and start the run anew with --fresh.");
    if (size > committed) fs::resize_file(path, committed);
  }
}

void Staging::finish_swap(const std::string& type) {
  fs::path fresh = file(type);
  fresh += ".new";
  if (fs::exists(fresh)) fs::rename(fresh, file(type));
  Statement done = db_.prepare("UPDATE files SET swapping=0 WHERE type=?");
  done.bind(1, std::string_view(type));
  db_.step(done);
}

std::optional<Position> Staging::find(const std::string& type, const std::string& id) {
  if (!find_) find_ = db_.prepare("SELECT offset, length FROM records WHERE type=? AND id=?");
  Use use(find_);
  find_.bind(1, std::string_view(type));
  find_.bind(2, std::string_view(id));
  if (!db_.step(find_)) return std::nullopt;
  return Position{find_.integer(0), find_.integer(1)};
}

std::string Staging::read(const std::string& type, Position position) {
  File& file = open(type);
  flush(type, file);
  std::string line(static_cast<std::size_t>(position.length), '\0');
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t got = ::pread(file.descriptor, line.data() + done, line.size() - done,
                                position.offset + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw file_error(this->file(type), "read");
    done += static_cast<std::size_t>(got);
  }
  return line;
}

Staging::File& Staging::open(const std::string& type) {
  File& opened = files_[type];
  if (opened.descriptor >= 0) return opened;
  const fs::path path = file(type);
  opened.descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (opened.descriptor < 0) throw file_error(path, "opened");
  Statement select = db_.prepare("SELECT length FROM files WHERE type=?");
  select.bind(1, std::string_view(type));
  opened.committed = opened.length = db_.step(select) ? select.integer(0) : 0;
  // A file that the index does not know yet holds only what a crash left.
  if (::ftruncate(opened.descriptor, opened.committed) != 0) throw file_error(path, "written");
  return opened;
}

void Staging::flush(const std::string& type, File& opened) {
  if (opened.buffer.empty()) return;
  write_all(opened.descriptor, opened.buffer, opened.length - static_cast<std::int64_t>(opened.buffer.size()),
            file(type));
  opened.buffer.clear();
}

void Staging::begin() { db_.execute("BEGIN IMMEDIATE"); }

Position Staging::append(const std::string& type, const std::string& line) {
  File& opened = open(type);
  const Position position{opened.length, static_cast<std::int64_t>(line.size())};
  opened.buffer += line;
  opened.buffer += '\n';
  opened.length += position.length + 1;
  if (opened.buffer.size() >= buffer_bytes) flush(type, opened);
  return position;
}

void Staging::set(const std::string& type, const std::string& id, Position position) {
  if (!set_) set_ = db_.prepare("INSERT OR REPLACE INTO records VALUES(?,?,?,?,?)");
  Use use(set_);
  set_.bind(1, std::string_view(type));
  set_.bind(2, std::string_view(id));
  std::int64_t number = 0;
  const auto parsed = std::from_chars(id.data(), id.data() + id.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == id.data() + id.size()) set_.bind(3, number);
  set_.bind(4, position.offset);
  set_.bind(5, position.length);
  db_.step(set_);
}

void Staging::erase(const std::string& type, const std::string& id) {
  if (!erase_) erase_ = db_.prepare("DELETE FROM records WHERE type=? AND id=?");
  Use use(erase_);
  erase_.bind(1, std::string_view(type));
  erase_.bind(2, std::string_view(id));
  db_.step(erase_);
}

void Staging::commit() {
  for (auto& [type, opened] : files_) {
    flush(type, opened);
    if (opened.length == opened.committed) continue;
    if (::fdatasync(opened.descriptor) != 0) throw file_error(file(type), "written");
    if (opened.committed == 0) sync_folder(folder_);
    Statement length =
        db_.prepare("INSERT INTO files(type, length) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET length=?2");
    length.bind(1, std::string_view(type));
    length.bind(2, opened.length);
    db_.step(length);
  }
  db_.execute("COMMIT");
  for (auto& [type, opened] : files_) opened.committed = opened.length;
}

void Staging::roll_back() noexcept {
  if (sqlite3_get_autocommit(db_.get()) == 0) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  for (auto& [type, opened] : files_) {
    opened.buffer.clear();
    opened.length = opened.committed;
    // What was written behind it is overwritten by the next chunk, or cut off at the next opening.
  }
}

void Staging::close_files() noexcept {
  for (auto& [type, opened] : files_)
    if (opened.descriptor >= 0) {
      if (::ftruncate(opened.descriptor, opened.committed) != 0) errno = 0;  // cut off at the next opening then
      ::close(opened.descriptor);
    }
  files_.clear();
}

void Staging::compact() {
  for (const std::string& type : types()) {
    Statement live = db_.prepare("SELECT coalesce(sum(length + 1), 0) FROM records WHERE type=?");
    live.bind(1, std::string_view(type));
    db_.step(live);
    if (live.integer(0) == open(type).length) continue;
    fs::path fresh = file(type);
    fresh += ".new";
    const int descriptor = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) throw file_error(fresh, "created");
    db_.execute("BEGIN IMMEDIATE");
    try {
      Statement select =
          db_.prepare("SELECT id, offset, length FROM records WHERE type=? AND offset>=? ORDER BY offset LIMIT 1000");
      Statement move = db_.prepare("UPDATE records SET offset=? WHERE type=? AND id=?");
      std::int64_t from = 0, length = 0;
      for (bool more = true; more;) {
        struct Line {
          std::string id;
          Position position;
        };
        std::vector<Line> lines;
        {
          Use use(select);
          select.bind(1, std::string_view(type));
          select.bind(2, from);
          while (db_.step(select))
            lines.push_back(Line{std::string(select.text(0)), Position{select.integer(1), select.integer(2)}});
        }
        more = lines.size() == 1000;
        std::string block;
        const std::int64_t start = length;
        for (const Line& line : lines) {
          block += read(type, line.position) + '\n';
          // A line never moves behind its old place, so places that are yet to be read stay free.
          Use use(move);
          move.bind(1, length);
          move.bind(2, std::string_view(type));
          move.bind(3, std::string_view(line.id));
          db_.step(move);
          length += line.position.length + 1;
          from = line.position.offset + 1;
        }
        write_all(descriptor, block, start, fresh);
      }
      if (::fsync(descriptor) != 0) throw file_error(fresh, "written");
      Statement done = db_.prepare("UPDATE files SET length=?, swapping=1 WHERE type=?");
      done.bind(1, length);
      done.bind(2, std::string_view(type));
      db_.step(done);
      db_.execute("COMMIT");
    } catch (...) {
      ::close(descriptor);
      roll_back();
      throw;
    }
    ::close(descriptor);
    ::close(files_[type].descriptor);
    files_.erase(type);
    finish_swap(type);
  }
}

}  // namespace migrate::jsonl

#include "source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "line.hpp"
#include "staging.hpp"

namespace migrate::jsonl {

namespace fs = std::filesystem;

namespace {

RecordBatch fresh_batch() {
  RecordBatch batch;
  batch.arena = make_arena();
  batch.last = true;
  return batch;
}

std::int64_t field(const Cursor& from, std::string_view name) {
  return from.is_null() ? 0 : from.as_object().at(name).as_int64();
}

}  // namespace

awaitable<std::vector<Partition>> JsonlSource::partitions() {
  auto work = [&] { return partitions_now(); };
  co_return co_await on_pool(services_, work);
}

std::vector<Partition> JsonlSource::partitions_now() const {
  std::vector<fs::path> files;
  if (!fs::exists(config_.path))
    throw Error(ErrorKind::not_found, "missing_file",
                fmt::format("{}: there is no such file or folder", config_.path.string()))
        .with_advice("Correct `path`: it is taken relative to the migration file.");
  if (fs::is_directory(config_.path)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(config_.path))
      if (entry.is_regular_file() && entry.path().extension() == ".jsonl") files.push_back(entry.path());
    if (files.empty())
      throw Error(ErrorKind::not_found, "missing_file", fmt::format("{} holds no .jsonl files", config_.path.string()))
          .with_advice("Name the folder of <type>.jsonl files, or one file.");
  } else {
    files.push_back(config_.path);
  }
  std::sort(files.begin(), files.end());
  const bool staged = fs::is_directory(config_.path) && Staging::is_one(config_.path);
  std::vector<Partition> partitions;
  for (const fs::path& file : files) {
    Partition partition;
    partition.name = partition.type = file.stem().string();
    partition.options = Object{{"file", file.string()}, {"staged", staged}};
    if (staged) {
      Staging staging(config_.path, false);
      sqlite::Statement count = staging.db().prepare("SELECT count(*) FROM records WHERE type=?");
      count.bind(1, std::string_view(partition.type));
      staging.db().step(count);
      partition.size = static_cast<std::uint64_t>(count.integer(0));
    }
    partitions.push_back(std::move(partition));
  }
  return partitions;
}

awaitable<RecordBatch> JsonlSource::read(const Partition& partition, Cursor from, std::size_t limit) {
  auto work = [&] {
    return partition.options.at("staged").as_bool() ? read_staged(partition, from, limit)
                                                    : read_lines(partition, from, limit);
  };
  co_return co_await on_pool(services_, work);
}

RecordBatch JsonlSource::read_lines(const Partition& partition, const Cursor& from, std::size_t limit) const {
  const std::string file(partition.options.at("file").as_string());
  std::int64_t offset = field(from, "offset"), number = field(from, "line");
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw Error(ErrorKind::not_found, "missing_file", fmt::format("{} cannot be opened", file))
        .with_advice("Check that the file is there and may be read.");
  in.seekg(offset);
  RecordBatch batch = fresh_batch();
  std::string line;
  while (std::getline(in, line)) {
    if (batch.records.size() == limit) {
      batch.last = false;
      break;
    }
    offset += static_cast<std::int64_t>(line.size()) + (in.eof() ? 0 : 1);
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    // Some editors put a byte order mark in front of the first line.
    std::string_view text = line;
    if (number == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (text.find_first_not_of(" \t") == std::string_view::npos) continue;
    read_line(text, boost::json::storage_ptr(batch.arena.get()), fmt::format("{}:{}", file, number), partition.type,
              config_.id, batch.records.emplace_back());
  }
  if (in.bad()) throw Error(ErrorKind::internal, "file_error", fmt::format("{} could not be read to its end", file));
  batch.next = Object{{"offset", offset}, {"line", number}};
  return batch;
}

RecordBatch JsonlSource::read_staged(const Partition& partition, const Cursor& from, std::size_t limit) const {
  Staging staging(config_.path, false);
  RecordBatch batch = fresh_batch();
  std::int64_t offset = field(from, "offset");
  sqlite::Statement select =
      staging.db().prepare("SELECT offset, length FROM records WHERE type=? AND offset>=? ORDER BY offset LIMIT ?");
  select.bind(1, std::string_view(partition.type));
  select.bind(2, offset);
  select.bind(3, static_cast<std::int64_t>(limit) + 1);
  const std::string file(partition.options.at("file").as_string());
  std::ifstream in(file, std::ios::binary);
  std::string line;
  while (staging.db().step(select)) {
    if (batch.records.size() == limit) {
      batch.last = false;
      break;
    }
    const std::int64_t at = select.integer(0);
    line.resize(static_cast<std::size_t>(select.integer(1)));
    in.seekg(at);
    if (!in.read(line.data(), static_cast<std::streamsize>(line.size())))
      throw Error(ErrorKind::internal, "damaged_staging", fmt::format("{} ends before byte {}", file, at))
          .with_advice("Restore the folder from a copy, or stage the records anew.");
    read_line(line, boost::json::storage_ptr(batch.arena.get()), fmt::format("{} at byte {}", file, at), partition.type,
              config_.id, batch.records.emplace_back());
    offset = at + 1;
  }
  batch.next = Object{{"offset", offset}, {"line", 0}};
  return batch;
}

awaitable<std::vector<Check>> JsonlSource::check() {
  std::vector<Check> checks;
  try {
    for (const Partition& partition : partitions_now()) {
      const std::string file(partition.options.at("file").as_string());
      try {
        RecordBatch first = partition.options.at("staged").as_bool() ? read_staged(partition, Cursor(), 1)
                                                                     : read_lines(partition, Cursor(), 1);
        checks.push_back(Check{"source file " + partition.name, true,
                               fmt::format("{} {}", file, first.records.empty() ? "is empty" : "can be read"), ""});
      } catch (const Error& error) {
        checks.push_back(Check{"source file " + partition.name, false, error.what(), error.advice});
      }
    }
  } catch (const Error& error) {
    checks.push_back(Check{"source files", false, error.what(), error.advice});
  }
  co_return checks;
}

std::shared_ptr<Source> make_source(SourceConfig config, const Services& services) {
  return std::make_shared<JsonlSource>(std::move(config), services);
}

}  // namespace migrate::jsonl

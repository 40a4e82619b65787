// A whole connector in one file: each line of a text file is a record. Copy it, rename it, fill it with your system.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "migrate/plugin.hpp"

namespace {

using namespace migrate;

struct LinesConfig {
  std::filesystem::path path;
  std::string type = "lines";
};

// Names, documentation and rules of the options: parsing, faults, JSON Schema and Markdown all come from here.
Spec<LinesConfig> lines_spec() {
  return Spec<LinesConfig>("Reads a text file; each line is a record.")
      .field("path", &LinesConfig::path, "The file")
      .not_empty()
      .field("type", &LinesConfig::type, "The type of its records")
      .optional()
      .not_empty();
}

class LinesSource final : public Source {
 public:
  LinesSource(LinesConfig config, const Services& services) : config_(std::move(config)), services_(services) {}

  awaitable<std::vector<Check>> check() override {
    Check check;
    check.name = "readable";
    std::ifstream file(config_.path);
    check.passed = file.good();
    check.message = config_.path.string() + (check.passed ? " can be read" : " cannot be read");
    if (!check.passed) check.advice = "Correct `path`, or give this user the right to read the file.";
    std::vector<Check> checks;
    checks.push_back(std::move(check));
    co_return checks;
  }

  awaitable<std::vector<Partition>> partitions() override {
    Partition all;
    all.name = "all";
    all.type = config_.type;
    std::vector<Partition> partitions;
    partitions.push_back(std::move(all));
    co_return partitions;
  }

  // The cursor says all that there is to know: how many bytes and lines lie behind. So any call can be repeated, and a
  // run that died goes on here.
  awaitable<RecordBatch> read(const Partition&, Cursor from, std::size_t limit) override {
    auto work = [&] { return read_lines(from, limit); };
    co_return co_await on_pool(services_, work);
  }

 private:
  RecordBatch read_lines(const Cursor& from, std::size_t limit) const {
    std::int64_t offset = from.is_null() ? 0 : from.at("offset").as_int64();
    std::int64_t number = from.is_null() ? 0 : from.at("line").as_int64();
    std::ifstream file(config_.path, std::ios::binary);
    file.seekg(offset);
    if (!file) {
      throw Error(ErrorKind::not_found, "source_file",
                  "The file " + config_.path.string() + " cannot be read: " + std::strerror(errno))
          .with_advice("Put the file back, then start the same command again.");
    }
    RecordBatch batch;
    batch.arena = make_arena();
    for (std::string line; batch.records.size() < limit && std::getline(file, line);) {
      offset += static_cast<std::int64_t>(line.size()) + (file.eof() ? 0 : 1);
      batch.records.push_back(record(++number, line, batch.arena.get()));
    }
    batch.last = batch.records.size() < limit;
    Object next;
    next["offset"] = offset;
    next["line"] = number;
    batch.next = std::move(next);
    return batch;
  }

  Record record(std::int64_t number, const std::string& line, boost::json::storage_ptr storage) const {
    Record record;
    record.ref.type = config_.type;
    record.ref.id = std::to_string(number);
    Object data(storage);
    data["number"] = number;
    data["text"] = line;
    record.data = Value(std::move(data), storage);
    return record;
  }

  LinesConfig config_;
  Services services_;
};

std::shared_ptr<Source> make_lines_source(LinesConfig config, const Services& services) {
  return std::make_shared<LinesSource>(std::move(config), services);
}

}  // namespace

MIGRATE_PLUGIN(lines, "1.0.0") { registry.add_source("lines", lines_spec(), make_lines_source); }

// Reads lines by byte offset, so that a page depends on its cursor alone. In a folder that the sink has filled, the
// index says which lines are present ones.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config.hpp"
#include "migrate/services.hpp"
#include "migrate/source.hpp"

namespace migrate::jsonl {

class JsonlSource final : public Source {
 public:
  JsonlSource(SourceConfig config, Services services) : config_(std::move(config)), services_(std::move(services)) {}

  awaitable<std::vector<Check>> check() override;
  awaitable<std::vector<Partition>> partitions() override;
  awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) override;

 private:
  std::vector<Partition> partitions_now() const;
  RecordBatch read_lines(const Partition& partition, const Cursor& from, std::size_t limit) const;
  RecordBatch read_staged(const Partition& partition, const Cursor& from, std::size_t limit) const;

  SourceConfig config_;
  Services services_;
};

std::shared_ptr<Source> make_source(SourceConfig config, const Services& services);

}  // namespace migrate::jsonl

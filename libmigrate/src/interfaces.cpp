// Key functions and default bodies of the interfaces: their one home, so that every plugin shares one vtable.
#include <fmt/format.h>

#include "migrate/pipeline.hpp"
#include "migrate/relational.hpp"
#include "migrate/sink.hpp"
#include "migrate/source.hpp"
#include "migrate/transformer.hpp"

MIGRATE_BEGIN

namespace {
Error unsupported(const char* what) {
  return Error(ErrorKind::unsupported, std::string("this connector does not support ") + what);
}
}  // namespace

ByteStream::~ByteStream() = default;

Source::~Source() = default;
SourceTraits Source::traits() const { return {}; }
awaitable<std::vector<TableSchema>> Source::schemas() { co_return std::vector<TableSchema>(); }
awaitable<RecordBatch> Source::fetch(std::vector<RecordRef>) {
  throw unsupported("fetching single records");
  co_return RecordBatch();
}
awaitable<std::unique_ptr<ByteStream>> Source::open(Blob) {
  throw unsupported("reading files");
  co_return nullptr;
}

Transformer::~Transformer() = default;

namespace {
class FunctionTransformer final : public Transformer {
 public:
  explicit FunctionTransformer(std::function<void(Record, std::vector<Record>&)> function)
      : function_(std::move(function)) {}
  void apply(Record record, std::vector<Record>& out) const override { function_(std::move(record), out); }

 private:
  std::function<void(Record, std::vector<Record>&)> function_;
};
}  // namespace

std::shared_ptr<const Transformer> transform_with(std::function<void(Record, std::vector<Record>&)> function) {
  return std::make_shared<FunctionTransformer>(std::move(function));
}

TargetIdentity TargetIdentity::of_path(std::string_view connector, std::string_view noun,
                                       const std::filesystem::path& path) {
  const std::filesystem::path absolute = std::filesystem::absolute(path);
  std::error_code failure;
  std::filesystem::path real = std::filesystem::weakly_canonical(absolute, failure);
  if (failure) real = absolute.lexically_normal();  // a folder above that cannot be looked into
  TargetIdentity identity;
  identity.id = fmt::format("{} {}", connector, real.string());
  identity.shown = fmt::format("the {} {}", noun, real.string());
  return identity;
}

Sink::~Sink() = default;
SinkTraits Sink::traits() const { return {}; }
awaitable<TargetIdentity> Sink::identity() { co_return TargetIdentity(); }
awaitable<void> Sink::prepare(std::vector<TableSchema>) { co_return; }
awaitable<std::vector<Finding>> Sink::preview(std::span<Operation>) { co_return std::vector<Finding>(); }
awaitable<std::vector<Finding>> Sink::verify(std::span<Operation>) {
  throw unsupported("verification");
  co_return std::vector<Finding>();
}
awaitable<void> Sink::finish() { co_return; }

awaitable<void> ItemSink::link(Operation&) {
  throw unsupported("links that resolve later");
  co_return;
}
awaitable<void> ItemSink::undo(Receipt) {
  throw unsupported("taking effects back");
  co_return;
}
awaitable<std::optional<Marked>> ItemSink::any_marked(std::string) { co_return std::nullopt; }
awaitable<void> ItemSink::for_each_marked(std::string, std::chrono::system_clock::time_point,
                                          std::function<void(const Marked&)>) {
  throw unsupported("listing what it has marked");
  co_return;
}
awaitable<std::vector<bool>> ItemSink::exist(std::vector<std::string>) {
  throw unsupported("listing what it has marked");
  co_return std::vector<bool>();
}
awaitable<std::vector<std::string>> ItemSink::present_ids(std::vector<std::string> target_ids) {
  std::vector<std::string> asked = target_ids;
  const std::vector<bool> there = co_await exist(std::move(asked));
  for (std::size_t i = 0; i < target_ids.size(); ++i)
    if (!there[i]) target_ids[i].clear();
  co_return target_ids;
}

TableTransaction::~TableTransaction() = default;

Reviewer::~Reviewer() = default;

MIGRATE_END

// A migration of the stand-in's tickets into a sink that takes everything, as the engine sees it.
#pragma once

#include <algorithm>

#include "lab.hpp"
#include "migrate/pipeline.hpp"
#include "migrate/sink.hpp"

namespace lab {

/// Takes every item but those that it is told to refuse, and keeps how many comments, time entries and files it had.
class Taking final : public ItemSink {
 public:
  struct Taken {
    std::size_t comments = 0, worklogs = 0, files = 0;
    std::string status;
  };
  std::set<std::string> refused;
  std::map<std::string, Taken> taken;

  SinkTraits traits() const override {
    SinkTraits traits;
    traits.links = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> none;
    co_return none;
  }
  awaitable<std::string> write(Operation& operation) override {
    const Record& record = operation.record();
    if (refused.count(record.ref.id)) throw Error(ErrorKind::invalid, "unknown_status", "there is no such status");
    Step step = co_await operation.begin("create");
    if (!step.done()) co_await step.finish("T-" + record.ref.id);
    const Item item(record.data);
    taken[record.ref.id] = Taken{item.comments.size(), item.worklogs.size(), record.blobs.size(), item.status};
    co_return step.target_id();
  }
  awaitable<void> link(Operation&) override { co_return; }
  awaitable<std::vector<Finding>> preview(std::span<Operation>) override {
    std::vector<Finding> none;
    co_return none;
  }
  awaitable<void> undo(Receipt) override { co_return; }

  std::size_t worklogs() const {
    std::size_t all = 0;
    for (const auto& [id, each] : taken) all += each.worklogs;
    return all;
  }
};

/// Runs of one migration: each with a source of its own, as after a restart.
struct Migration {
  explicit Migration(Lab& of) : lab(of), store(make_memory_store(of.services)) {}
  Report run(Mode mode = Mode::full, bool fresh = false) {
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = lab.source();
    pipeline.sink = sink;
    pipeline.services = lab.services;
    pipeline.store = store;
    RunOptions options;
    options.mode = mode;
    options.fresh = fresh;
    return run_blocking(pipeline, options);
  }
  Lab& lab;
  std::shared_ptr<CheckpointStore> store;
  std::shared_ptr<Taking> sink = std::make_shared<Taking>();
};

inline Report migrate_all(Lab& lab, Mode mode = Mode::full) { return Migration(lab).run(mode); }

/// An answer instead of the stand-in's, where the path is this one.
inline auto instead(std::string path, http::Response answer) {
  return [path, answer](const http::Request& request, http::Response& response) {
    if (request.path() == path) response = answer;
  };
}

inline http::Response denied() {
  return http::Response(403, Object{{"code", "access_denied"}, {"message", "You are not authorized."}});
}

inline std::size_t told(const Lab& lab, std::string_view words) {
  return static_cast<std::size_t>(
      std::count_if(lab.warnings.begin(), lab.warnings.end(),
                    [&](const std::string& warning) { return warning.find(words) != std::string::npos; }));
}

}  // namespace lab

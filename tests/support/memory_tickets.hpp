// Eight tickets on their way into a service in memory: the fifth is refused, the second links to the seventh.
#pragma once

#include "memory_systems.hpp"

namespace testing_systems {

inline std::shared_ptr<MemorySource> tickets() {
  auto source = std::make_shared<MemorySource>();
  for (int i = 1; i <= 8; ++i) {
    Array comments;
    for (int c = 0; c < i % 4; ++c) comments.emplace_back(fmt::format("comment {}", c));
    if (i == 5) comments.emplace_back("poison");
    Object data;
    data.emplace("title", fmt::format("ticket {}", i));
    data.emplace("comments", std::move(comments));
    Record& ticket = source->add("tickets", i, std::move(data));
    ticket.version = "1";
    if (i == 2) ticket.links.push_back(link_to("blocks", "tickets", "7", Missing::deferred, "missing_ticket"));
  }
  return source;
}

struct World {
  MemoryService service;
  Faults faults;
  std::shared_ptr<CheckpointStore> store = make_memory_store(faults.services());
  std::size_t in_flight = 1;
  std::shared_ptr<MemorySource> source = tickets();

  Pipeline pipeline() {
    Pipeline pipeline;
    pipeline.name = "tickets";
    pipeline.source = source;
    pipeline.services = faults.services();
    pipeline.sink = std::make_shared<MemoryItems>(service, pipeline.services, in_flight);
    pipeline.store = store;
    return pipeline;
  }
  std::optional<Report> run(RunOptions options = RunOptions()) {
    try {
      return run_blocking(pipeline(), options);
    } catch (const SimulatedCrash&) {
      return std::nullopt;
    }
  }
  void revive() {
    faults.at = 0;
    faults.dead = false;
  }
};

}  // namespace testing_systems

#include "sink.hpp"

#include <fmt/format.h>

namespace migrate::jira {

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services) {
  return std::make_shared<JiraSink>(std::move(config), services);
}

JiraSink::JiraSink(SinkConfig config, const Services& services)
    : config_(std::move(config)), services_(services), api_(config_, services), reader_(api_), users_(api_, config_) {}

/// Jira's own name for itself is the same through a proxy, and a project's number the same under another key.
awaitable<TargetIdentity> JiraSink::identity() {
  const Site* site = co_await reader_.site();
  TargetIdentity identity;
  const std::string& project = site->project_id.empty() ? site->project_key : site->project_id;
  identity.id = fmt::format("jira {} project {}", api_.base_url(), project);
  identity.shown = fmt::format("the project {} of {}", site->project_key, api_.base_url());
  co_return identity;
}

}  // namespace migrate::jira

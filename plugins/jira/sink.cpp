#include "sink.hpp"

namespace migrate::jira {

std::shared_ptr<Sink> make_sink(SinkConfig config, const Services& services) {
  return std::make_shared<JiraSink>(std::move(config), services);
}

JiraSink::JiraSink(SinkConfig config, const Services& services)
    : config_(std::move(config)), services_(services), api_(config_, services), reader_(api_), users_(api_, config_) {}

}  // namespace migrate::jira

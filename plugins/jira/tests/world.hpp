// A migration into the stand-in of Jira, in process and in virtual time: source, state and service outlive the runs.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "json.hpp"
#include "migrate/base64.hpp"
#include "migrate/migrate.hpp"
#include "migrate/testing/simulator.hpp"
#include "simulator.hpp"
#include "sink.hpp"

namespace jira_world {

using namespace migrate;
using namespace migrate::jira;

inline Value parsed(const std::string& text) { return boost::json::parse(text); }
inline std::string print(const Value& value) { return boost::json::serialize(value); }

class Bytes final : public ByteStream {
 public:
  explicit Bytes(std::string all) : all_(std::move(all)) {}
  awaitable<std::string> read(std::size_t limit) override {
    std::string part = all_.substr(at_, limit);
    at_ += part.size();
    co_return part;
  }

 private:
  std::string all_;
  std::size_t at_ = 0;
};

/// Tickets in memory, with their files.
class Tickets final : public Source {
 public:
  std::map<std::int64_t, Record> records;
  std::map<std::string, std::string> files;  ///< by blob id

  Record& add(std::int64_t id, const std::string& json) {
    Record& record = records[id];
    record.ref = RecordRef{"tickets", std::to_string(id)};
    record.data = parsed(json);
    record.version = "1";
    return record;
  }
  void attach(Record& record, const std::string& id, const std::string& name, const std::string& type,
              std::string bytes) {
    Blob blob;
    blob.id = id;
    blob.name = name;
    blob.media_type = type;
    blob.size = bytes.size();
    record.blobs.push_back(blob);
    files[id] = std::move(bytes);
  }
  static void link(Record& record, const std::string& relation, const std::string& target) {
    Link link;
    link.relation = relation;
    link.target = RecordRef{"tickets", target};
    link.missing = Missing::deferred;
    link.cause = "missing_" + relation;
    record.links.push_back(std::move(link));
  }

  SourceTraits traits() const override {
    SourceTraits traits;
    traits.fetches = traits.blobs = true;
    return traits;
  }
  awaitable<std::vector<Check>> check() override {
    std::vector<Check> none;
    co_return none;
  }
  awaitable<std::vector<Partition>> partitions() override {
    Partition partition;
    partition.name = partition.type = "tickets";
    std::vector<Partition> all;
    all.push_back(std::move(partition));
    co_return all;
  }
  awaitable<RecordBatch> read(const Partition&, Cursor from, std::size_t limit) override {
    RecordBatch batch;
    auto next = from.is_int64() ? records.upper_bound(from.get_int64()) : records.begin();
    batch.next = from;
    for (; next != records.end() && batch.records.size() < limit; ++next) {
      batch.records.push_back(next->second);
      batch.next = next->first;
    }
    batch.last = next == records.end();
    co_return batch;
  }
  awaitable<RecordBatch> fetch(std::vector<RecordRef> refs) override {
    RecordBatch batch;
    for (const RecordRef& ref : refs)
      if (const auto found = records.find(std::stoll(ref.id)); found != records.end())
        batch.records.push_back(found->second);
    co_return batch;
  }
  awaitable<std::unique_ptr<ByteStream>> open(Blob blob) override {
    const auto found = files.find(blob.id);
    if (found == files.end()) throw Error(ErrorKind::not_found, "file_gone", "the file is gone");
    co_return std::make_unique<Bytes>(found->second);
  }
};

/// Ends a run at one of the points that the services announce; everything after it is dead too.
struct Death {
  int at = 0, passed = 0;
  bool dead = false;
  std::vector<std::string> points;
  void operator()(std::string_view point) {
    if (dead) throw SimulatedCrash{std::string(point)};
    points.emplace_back(point);
    if (++passed != at) return;
    dead = true;
    throw SimulatedCrash{std::string(point)};
  }
};

struct World {
  static constexpr const char* origin = "https://acme.atlassian.net";

  Death death;
  Services services;
  std::shared_ptr<http::SimulatedTransport> transport = std::make_shared<http::SimulatedTransport>();
  std::shared_ptr<testing::Simulator> jira;
  std::unique_ptr<testing::SimulatorHost> host;
  std::shared_ptr<CheckpointStore> store;
  std::shared_ptr<Tickets> source = std::make_shared<Tickets>();
  SinkConfig config;
  std::vector<Value> exchanges;  ///< since keep_exchanges()

  /// Cloud with interface 3 or 2, or Data Center.
  enum class Way { documents, markup, data_center };

  explicit World(Way way = Way::documents, const std::string& settings = "{}", const std::string& project = "OPS") {
    services.clock = Clock::simulated(std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)));
    services.transport = transport;
    services.fault_point = [this](std::string_view point) { death(point); };
    testing::SimulatorOptions options;
    options.settings = parsed(settings);
    if (way == Way::data_center) options.settings.as_object()["deployment"] = "server";
    Services lent;
    lent.clock = services.clock;
    jira = make_simulator(options, lent);
    host = std::make_unique<testing::SimulatorHost>("jira", jira, lent);
    host->attach(*transport, origin, "https://media.atlassian.com");
    store = make_memory_store(services);
    config.url = origin;
    if (way != Way::data_center) config.email = "migrator@example.com";
    config.token = Secret("jira-token");
    config.project = project;
    config.api = way == Way::documents ? 3 : 2;
  }

  /// To write each of them down takes longer than to answer it.
  void keep_exchanges() {
    host->observe([this](const Value& exchange) { exchanges.push_back(detached(exchange)); });
  }
  Pipeline pipeline() {
    Pipeline pipeline;
    pipeline.name = "freshdesk-to-jira";
    pipeline.source = source;
    pipeline.sink = make_sink(config, services);
    pipeline.store = store;
    pipeline.services = services;
    return pipeline;
  }
  /// Nothing: the process has died.
  std::optional<Report> try_run(RunOptions options = RunOptions()) {
    try {
      return run_blocking(pipeline(), options);
    } catch (const SimulatedCrash&) {
      return std::nullopt;
    }
  }
  Report run(RunOptions options = RunOptions()) {
    std::optional<Report> report = try_run(options);
    REQUIRE(report);
    INFO(complaint(*report));
    return *report;
  }
  Report run(Mode mode, VerifyLevel level = VerifyLevel::none) {
    RunOptions options;
    options.mode = mode;
    options.verify = level;
    return run(options);
  }
  /// Until Jira has done what it may still be at work on. No more trouble from then on.
  void let_pass(std::chrono::seconds time) {
    host->set_faults(testing::FaultPlan());
    boost::asio::io_context context;
    boost::asio::co_spawn(context, services.clock->sleep(time), [](std::exception_ptr) {});
    context.run();
    as(self, "GET", "/myself");
  }
  void revive() {
    death = Death();
    host->set_faults(testing::FaultPlan());
  }

  static std::string complaint(const Report& report) {
    std::string text(to_string(report.status));
    if (report.fatal) text += fmt::format("; fatal: {} ({})", report.fatal->what(), report.fatal->cause);
    for (const auto& [type, causes] : report.causes)
      for (const auto& [cause, summary] : causes)
        text += fmt::format("; {} x {}: {}", summary.count, cause, summary.example);
    if (report.verification)
      for (const Finding& finding : report.verification->examples)
        text += fmt::format("\n  {} {}: {} [{} | {}]", finding.record.id, finding.field, finding.message,
                            finding.expected, finding.found);
    return text;
  }

  /// Somebody at work in Jira, by address, or nobody by name; the answer. `path` is below the interface's root.
  http::Response as(const std::string& person, const std::string& method, const std::string& path,
                    const Value& body = nullptr) {
    http::Request request(method, fmt::format("/rest/api/{}{}", config.api, path));
    if (!body.is_null()) request.set_json(body);
    return as(person, std::move(request));
  }
  http::Response as(const std::string& person, http::Request request) {
    // Data Center knows people by their login.
    const std::string name = config.email.empty() ? person.substr(0, person.find('@')) : person;
    if (!name.empty()) request.headers.add("Authorization", "Basic " + base64_encode(name + ":jira-token"));
    boost::asio::io_context context;
    http::Response response;
    std::exception_ptr trouble;
    const auto ask = [&]() -> awaitable<void> {
      http::Url to = http::parse_url(origin);
      http::ExchangeLimits limits;
      response = co_await transport->exchange(std::move(to), std::move(request), limits);
    };
    boost::asio::co_spawn(context, ask(), [&](std::exception_ptr failure) { trouble = failure; });
    context.run();
    if (trouble) std::rethrow_exception(trouble);
    INFO(response.body);
    CHECK(response.ok());
    return response;
  }
  http::Response upload_as(const std::string& person, const std::string& issue, const std::string& name,
                           std::string bytes) {
    http::Request request("POST", fmt::format("/rest/api/{}/issue/{}/attachments", config.api, issue));
    request.headers.add("X-Atlassian-Token", "no-check");
    http::Part part;
    part.name = "file";
    part.file_name = name;
    part.media_type = "text/plain";
    part.body = std::move(bytes);
    std::vector<http::Part> parts;
    parts.push_back(std::move(part));
    http::set_multipart(request, std::move(parts), "a-boundary-of-this-test");
    return as(person, std::move(request));
  }
  static constexpr const char* self = "migrator@example.com";
  static constexpr const char *ana = "ana.ruiz@example.com", *nobody = "";

  /// A text as this interface takes it.
  Value body_of(const std::string& words) const {
    if (config.api == 2) return Value(words);
    Object text = object("type", "text");
    text.emplace("text", words);
    Object paragraph = object("type", "paragraph");
    paragraph.emplace("content", Array{std::move(text)});
    Object document = object("type", "doc");
    document.emplace("version", 1);
    document.emplace("content", Array{std::move(paragraph)});
    return document;
  }

  Object issues() const { return jira->state().at("issues").as_object(); }
  std::string key_of(const std::string& ticket) const { return std::string(issue_of(ticket).at("key").as_string()); }
  std::int64_t counter(const char* name) const {
    return jira->state().at("counters").at(name).to_number<std::int64_t>();
  }
  Value masked() const { return masked_state(jira->state()); }
  /// The issue that holds the ticket; null when there is none.
  Value issue_of(const std::string& ticket) const {
    for (const auto& member : issues())
      for (const Value& label : member.value().at("labels").as_array())
        if (std::string_view(label.as_string()).starts_with("migrated-" + ticket + "-")) return member.value();
    return nullptr;
  }
};

}  // namespace jira_world

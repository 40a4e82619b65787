// The program migrate-sandbox: stand-ins of the services on this machine, for rehearsals, the demo and tests.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "migrate/config_shape.hpp"
#include "migrate/http/transport.hpp"
#include "migrate/plugin.hpp"
#include "migrate/registry.hpp"
#include "migrate/testing/simulator.hpp"

namespace {

using namespace migrate;
namespace asio = boost::asio;

/// Stand-ins keep what they hold in memory.
constexpr std::size_t most_items = 1'000'000;

struct Arguments {
  std::vector<std::string> only;
  std::vector<std::filesystem::path> plugins;
  std::uint64_t seed = 1;
  std::size_t items = 30;
  double time_scale = 1;
  int latency = 0;
  std::string faults, exchange_log, settings;
  bool parent_exit = false;
};

/// Time that goes `scale` times as fast as the system's.
class ScaledClock final : public Clock {
 public:
  explicit ScaledClock(double scale) : scale_(scale), start_(std::chrono::system_clock::now()) {}
  std::chrono::system_clock::time_point now() const override {
    const std::chrono::duration<double> passed = std::chrono::system_clock::now() - start_;
    return start_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(passed * scale_);
  }
  awaitable<void> sleep(std::chrono::milliseconds duration) override {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    const std::chrono::duration<double, std::milli> real(static_cast<double>(duration.count()) / scale_);
    asio::steady_timer timer(executor, std::chrono::duration_cast<asio::steady_timer::duration>(real));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

 private:
  double scale_;
  std::chrono::system_clock::time_point start_;
};

/// `file` as JSON; Error(invalid) that names it.
Value json_file(const std::string& file) {
  std::ifstream in(file);
  if (!in)
    throw Error(ErrorKind::not_found, "no_file", fmt::format("{} cannot be read", file));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  boost::system::error_code trouble;
  Value value = boost::json::parse(text, trouble);
  if (trouble) throw Error(ErrorKind::invalid, "not_json", fmt::format("{} is not JSON: {}", file, trouble.message()));
  return value;
}

/// The part for one service of {"jira": …, …}; null when there is none.
Value part_of(const Value& all, const std::string& service) {
  const Object* object = all.if_object();
  const Value* part = object ? object->if_contains(service) : nullptr;
  return part ? *part : Value();
}

bool is_for_all(const Value& faults) { return faults.is_object() && faults.get_object().contains("faults"); }

/// A service's faults: the whole file is one plan for all, or it holds a plan for each by name.
testing::FaultPlan plan_for(const Value& file, const std::string& service) {
  const Value part = is_for_all(file) ? file : part_of(file, service);
  testing::FaultPlan plan = part.is_null() ? testing::FaultPlan() : testing::FaultPlan(part);
  // Who is to die, the reader of this line knows.
  plan.on_death = [service](const std::string& exchange) {
    const Value line = Object{{"dying", service}, {"exchange", exchange}};
    std::cout << boost::json::serialize(line) << std::endl;
  };
  return plan;
}

/// What is meant for a service that does not exist would be passed over in silence.
void require_services(const Value& parts, const std::vector<std::string>& known, const std::string& where) {
  if (!parts.is_object()) return;
  for (const auto& [name, part] : parts.get_object()) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) != known.end()) continue;
    throw Error(ErrorKind::invalid, "unknown_service",
                fmt::format("{}: there is no service \"{}\"{}", where, std::string_view(name),
                            config::suggestion(std::string_view(name), known)));
  }
}

class Sandbox {
 public:
  explicit Sandbox(const Arguments& arguments) : arguments_(arguments) {
    services_.clock = arguments.time_scale == 1 ? Clock::system() : std::make_shared<ScaledClock>(arguments.time_scale);
    register_static_plugins(registry_);
    registry_.discover(arguments.plugins);
    if (!arguments.exchange_log.empty()) {
      log_.open(arguments.exchange_log, std::ios::trunc);
      if (!log_) throw Error(ErrorKind::invalid, "no_log", fmt::format("{} cannot be written", arguments.exchange_log));
    }
    const Value faults = arguments.faults.empty() ? Value() : json_file(arguments.faults);
    Value settings;
    if (!arguments.settings.empty()) {
      boost::system::error_code trouble;
      settings = boost::json::parse(arguments.settings, trouble);
      if (trouble || !settings.is_object())
        throw Error(ErrorKind::invalid, "not_json", "--settings takes a JSON object: {\"jira\": {…}, …}");
    }
    const std::vector<std::string> known = services_there();
    require_services(settings, known, "--settings");
    if (!is_for_all(faults)) require_services(faults, known, arguments.faults);
    for (const std::string& name : wanted()) add(name, part_of(settings, name), plan_for(faults, name));
  }

  /// Listens with every service and prints where.
  awaitable<void> open() {
    Object services;
    for (auto& [name, host] : hosts_) services.emplace(name, co_await host->listen());
    const Value line = Object{{"ready", true}, {"services", std::move(services)}};
    std::cout << boost::json::serialize(line) << std::endl;
  }
  void close() {
    for (auto& [name, host] : hosts_) host->stop();
  }

 private:
  std::vector<std::string> services_there() const {
    std::vector<std::string> names;
    for (const SimulatorInfo& info : registry_.simulators()) names.push_back(info.name);
    return names;
  }
  std::vector<std::string> wanted() const {
    if (!arguments_.only.empty()) return arguments_.only;
    const std::vector<std::string> names = services_there();
    if (names.empty())
      throw Error(ErrorKind::not_found, "no_simulators", "no plugin with a stand-in of a service was found")
          .with_advice("name their folder with --plugins");
    return names;
  }
  void add(const std::string& name, Value settings, testing::FaultPlan plan) {
    testing::SimulatorOptions options;
    options.seed = arguments_.seed;
    options.items = arguments_.items;
    options.settings = std::move(settings);
    auto host = std::make_unique<testing::SimulatorHost>(name, registry_.make_simulator(name, options, services_), services_);
    host->set_faults(std::move(plan));
    // Milliseconds of a person's clock, whatever the services' clock does.
    host->set_latency(std::chrono::milliseconds(std::llround(arguments_.latency * arguments_.time_scale)));
    if (log_.is_open())
      host->observe([this](const Value& exchange) { log_ << boost::json::serialize(exchange) << '\n' << std::flush; });
    hosts_.emplace_back(name, std::move(host));
  }

  const Arguments& arguments_;
  Services services_;
  Registry registry_;
  std::ofstream log_;
  std::vector<std::pair<std::string, std::unique_ptr<testing::SimulatorHost>>> hosts_;
};

/// Ends the program when `parent`, who has started it, is gone. That is process 1 in many a container; so whoever has no
/// parent any more cannot be told by this number.
awaitable<void> watch_parent(asio::io_context& context, pid_t parent) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (getppid() == parent) {
    timer.expires_after(std::chrono::milliseconds(200));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  context.stop();
}

int serve(const Arguments& arguments, pid_t parent) {
  asio::io_context context(1);
  Sandbox sandbox(arguments);
  std::exception_ptr failure;
  asio::co_spawn(context, sandbox.open(), [&](std::exception_ptr error) {
    failure = error;
    if (error) context.stop();
  });
  if (arguments.parent_exit) asio::co_spawn(context, watch_parent(context, parent), [](std::exception_ptr) {});
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) context.stop();
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
  sandbox.close();
  return 0;
}

int run_program(int argc, char** argv, pid_t parent) {
  Arguments arguments;
  CLI::App app("Stand-ins of the services on 127.0.0.1, each on its own port.", "migrate-sandbox");
  app.set_version_flag("--version", "migrate-sandbox " MIGRATE_VERSION);
  app.add_option("--only", arguments.only, "Services, separated by commas (default: every one there is)")->delimiter(',');
  app.add_option("--seed", arguments.seed, "Another seed, other data")->capture_default_str();
  app.add_option("--items", arguments.items, "How much a source holds")
      ->check(CLI::Range(std::size_t(1), most_items))->capture_default_str();
  app.add_option("--time-scale", arguments.time_scale, "How many seconds pass for the services in one")
      ->check(CLI::Range(0.001, 1e6))->capture_default_str();
  app.add_option("--latency", arguments.latency, "Milliseconds before each answer")->check(CLI::Range(0, 600'000));
  app.add_option("--faults", arguments.faults, "Which exchanges fail and how: a JSON file, see README.md");
  app.add_option("--exchange-log", arguments.exchange_log, "Each request and its answer, a JSON line each");
  app.add_option("--settings", arguments.settings, "The services' own switches: {\"jira\": {\"index_lag_ms\": 0}}");
  app.add_option("--plugins", arguments.plugins, "Folders with plugins, before the usual ones");
  app.add_flag("--parent-exit", arguments.parent_exit, "Ends when the program that has started it ends");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return serve(arguments, parent);
}

}  // namespace

int main(int argc, char** argv) {
  const pid_t parent = getppid();  // before anything that takes time, in which it could end
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run_program(argc, argv, parent);
  } catch (const Error& error) {
    std::cerr << "migrate-sandbox: " << error.what() << '\n';
    if (!error.advice.empty()) std::cerr << "  " << error.advice << '\n';
  } catch (const std::exception& error) {
    std::cerr << "migrate-sandbox: " << error.what() << '\n';
  }
  return 2;
}

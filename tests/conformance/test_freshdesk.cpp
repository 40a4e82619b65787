// The loaded source against the loaded stand-in, in process and in virtual time.
#include "conformance.hpp"
#include "migrate/http/transport.hpp"
#include "migrate/testing/simulator.hpp"

using namespace conformance;

namespace {

struct Desk {
  Desk(std::size_t items, migrate::Object settings) {
    services.clock =
        migrate::Clock::simulated(std::chrono::system_clock::time_point(std::chrono::seconds(1'770'114'030)));
    auto transport = std::make_shared<migrate::http::SimulatedTransport>();
    services.transport = transport;
    migrate::testing::SimulatorOptions options;
    options.seed = 3;
    options.items = items;
    options.settings = std::move(settings);
    simulator = built_plugins().make_simulator("freshdesk", options, services);
    host.emplace("freshdesk", simulator, services);
    host->attach(*transport, "https://acme.freshdesk.com", "https://euattachment.freshdesk.com");
  }
  std::size_t count() const {
    const migrate::Value state = simulator->state();
    return state.at("tickets").as_array().size();
  }

  migrate::Services services;
  std::shared_ptr<migrate::testing::Simulator> simulator;
  std::optional<migrate::testing::SimulatorHost> host;
};

}  // namespace

TEST_CASE("the freshdesk source conforms: desk, deleted, spam and archived tickets, pages of seven, crowded seconds") {
  Desk desk(60, migrate::Object{{"quota_per_minute", 100'000}, {"list_per_minute", 100'000}, {"page_cap", 4}});
  migrate::Object options{{"url", "https://acme.freshdesk.com"},
                          {"api_key", "freshdesk-simulator-key"},
                          {"include", migrate::Array{"deleted", "spam", "archived"}},
                          {"satisfaction_ratings", true},
                          {"per_page", 7}};
  migrate::testing::SourceFixture fixture;
  fixture.make = [&] { return built_plugins().make_source("freshdesk", options, desk.services); };
  fixture.expected_records = desk.count();
  expect(migrate::testing::check_source(fixture));
}

// Whole migrations into the stand-in: what arrives, what is refused, what verification finds.
#include "tickets.hpp"

using namespace jira_world;

namespace {

RunOptions two_at_a_time() {
  RunOptions options;
  options.batch_size = 2;
  return options;
}

}  // namespace

TEST_CASE("tickets arrive whole, whichever Jira it is") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    World world(way);
    family(world);
    const Report report = world.run(two_at_a_time());
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
    INFO(World::complaint(proof));
    CHECK(proof.status == Status::done);
    CHECK(proof.verification->checked == 4);
  }
}

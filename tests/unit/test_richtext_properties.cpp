// What holds for every tree, for hundreds of them out of seeds. A failure names the seed; the same seed fails again.
#include <doctest/doctest.h>

#include "richtext_checks.hpp"
#include "richtext_random.hpp"

using namespace migrate;
using namespace migrate::richtext_tests;

namespace {

void check_seeds(bool wild) {
  const std::uint64_t last = seeds(200);
  for (std::uint64_t seed = 1; seed <= last; ++seed) {
    const Node document = RandomTree(seed, wild).document();
    const std::string wrong = check_everything(document);
    if (wrong.empty()) continue;
    const Node small = shrunk(document, [](const Node& tree) { return !check_everything(tree).empty(); });
    CAPTURE(seed);
    REQUIRE(check_everything(small) == "");
    REQUIRE(wrong == "");
  }
  CHECK(last > 0);
}

}  // namespace

TEST_CASE("documents as people write them: valid, complete, read back the same, every loss told") {
  check_seeds(false);
}

TEST_CASE("trees that nobody would write: the same") { check_seeds(true); }

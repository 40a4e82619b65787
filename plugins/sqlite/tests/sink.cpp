#include "sink.hpp"

#include "helpers.hpp"

TEST_CASE("sink: placeholder") { CHECK(true); }

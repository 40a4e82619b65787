// Every tree that a parser gives is printed in all ways and checked, as it came and with targets.
#pragma once

#include "fuzzer.hpp"
#include "richtext_checks.hpp"

namespace migrate::fuzzing {

using namespace richtext_tests;

inline void check_parsed(richtext::Parsed parsed) {
  require_nothing(check_normal(parsed.document));
  require_nothing(check_everything(parsed.document));
  richtext::rewrite(parsed.document, [](Node& node) { node.target = node.id.empty() ? "lea" : node.id; });
  require_nothing(check_everything(parsed.document));
}

}  // namespace migrate::fuzzing

// Trees that the input decides node by node.
#include "richtext.hpp"
#include "richtext_random.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const bool wild : {false, true}) {
    migrate::richtext_tests::RandomTree tree(migrate::richtext_tests::Dice(migrate::fuzzing::bytes(data, size)), wild);
    migrate::fuzzing::require_nothing(migrate::richtext_tests::check_everything(tree.document()));
  }
  return 0;
}

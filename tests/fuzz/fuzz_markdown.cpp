#include "richtext.hpp"

using migrate::richtext::MarkdownFlavour;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = migrate::fuzzing::bytes(data, size);
  migrate::fuzzing::check_parsed(migrate::richtext::parse_markdown(text));
  migrate::richtext::MarkdownOptions azure;
  azure.flavour = MarkdownFlavour::azure_devops;
  migrate::fuzzing::check_parsed(migrate::richtext::parse_markdown(text, azure));
  return 0;
}

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "migrate/plugin.hpp"

using namespace migrate;

namespace {

struct PrefixConfig {
  std::string text;
};
Spec<PrefixConfig> prefix_spec() {
  return Spec<PrefixConfig>("Puts a text before the name.").field("text", &PrefixConfig::text, "The text");
}
class Prefix : public Transformer {
 public:
  explicit Prefix(PrefixConfig config) : config_(std::move(config)) {}
  void apply(Record record, std::vector<Record>& out) const override {
    record.ref.id = config_.text + record.ref.id;
    out.push_back(std::move(record));
  }

 private:
  PrefixConfig config_;
};
std::shared_ptr<const Transformer> make_prefix(PrefixConfig config, const Services&) {
  if (config.text == "foreign") throw std::runtime_error("out of paper");
  return std::make_shared<const Prefix>(std::move(config));
}

void add_prefix(Registry& registry) { registry.add_transformer("prefix", prefix_spec(), make_prefix); }
void add_half(Registry& registry) {
  registry.add_transformer("half", prefix_spec(), make_prefix);
  throw std::runtime_error("no licence");
}

PluginDescriptor descriptor(void (*add_to)(Registry&), const char* tag = MIGRATE_TAG_MARKER MIGRATE_ABI_TAG) {
  return {plugin_magic, sizeof(PluginDescriptor), tag, "letters", "1.2.3", add_to};
}

template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::internal, "nothing was thrown");
}

}  // namespace

TEST_CASE("a connector is made from its options") {
  Registry registry;
  registry.add(descriptor(add_prefix));
  Value options = boost::json::parse(R"({"text": ">"})");
  auto transformer = registry.make_transformer("prefix", options, Services());
  Record record;
  record.ref = {"t", "1"};
  std::vector<Record> out;
  transformer->apply(std::move(record), out);
  REQUIRE(out.size() == 1);
  CHECK(out[0].ref.id == ">1");
}

TEST_CASE("what the registry knows of a connector") {
  Registry registry;
  registry.add(descriptor(add_prefix));
  ConnectorInfo info = registry.info(ConnectorKind::transformer, "prefix");
  CHECK(info.plugin == "letters");
  CHECK(info.version == "1.2.3");
  CHECK(info.doc == "Puts a text before the name.");
  CHECK(info.json_schema.at("required").as_array().size() == 1);
  CHECK(info.markdown.find("| `text` |") != std::string::npos);
}

TEST_CASE("options are checked, with every fault") {
  Registry registry;
  registry.add(descriptor(add_prefix));
  Value options = boost::json::parse(R"({"txt": ">"})");
  config::Context context;
  context.path = "transform[0]";
  Error error = error_of([&] { registry.checked(ConnectorKind::transformer, "prefix", options, context); });
  CHECK(std::string(error.what()) ==
        "transform[0].txt: unknown option; did you mean \"text\"?\ntransform[0].text: is missing (The text)");
}

TEST_CASE("an unknown connector names what is near and where it was looked for") {
  Registry registry;
  registry.add(descriptor(add_prefix));
  registry.load_directory("/nowhere/at/all");
  registry.add_not_built("jq", "libjq is missing");
  Error error = error_of([&] { registry.info(ConnectorKind::transformer, "prefx"); });
  std::string message = error.what();
  CHECK(error.kind() == ErrorKind::not_found);
  CHECK(message.find("did you mean \"prefix\"?") != std::string::npos);
  CHECK(message.find("looked at /nowhere/at/all: does not exist") != std::string::npos);
  message = error_of([&] { registry.info(ConnectorKind::transformer, "jq"); }).what();
  CHECK(message.find("left out of this build: libjq is missing") != std::string::npos);
  message = error_of([&] { registry.info(ConnectorKind::sink, "prefix"); }).what();
  CHECK(message.find("is known as a transformer") != std::string::npos);
}

TEST_CASE("a name is taken once") {
  Registry registry;
  registry.add(descriptor(add_prefix));
  Error error = error_of([&] { registry.add_transformer("prefix", prefix_spec(), make_prefix); });
  CHECK(error.kind() == ErrorKind::conflict);
  CHECK(std::string(error.what()).find("plugin letters") != std::string::npos);
  Error again = error_of([&] { registry.add(descriptor(add_prefix)); });
  CHECK(again.kind() == ErrorKind::conflict);
  CHECK(registry.info(ConnectorKind::transformer, "prefix").plugin == "letters");
}

TEST_CASE("a plugin of another ABI is refused with both tags") {
  Registry registry;
  Error error = error_of([&] { registry.add(descriptor(add_prefix, MIGRATE_TAG_MARKER "abi-99 other")); });
  CHECK(error.kind() == ErrorKind::unsupported);
  std::string message = error.what();
  CHECK(message.find("abi-99 other") != std::string::npos);
  CHECK(message.find(MIGRATE_ABI_TAG) != std::string::npos);
  CHECK(error.advice.find("Rebuild") != std::string::npos);
  PluginDescriptor odd = descriptor(add_prefix);
  odd.magic = 1;
  CHECK(error_of([&] { registry.add(odd); }).cause == "plugin_descriptor");
}

TEST_CASE("what a failing plugin added is taken back") {
  Registry registry;
  Error error = error_of([&] { registry.add(descriptor(add_half)); });
  CHECK(std::string(error.what()) == "The plugin letters failed while it registered its connectors: no licence");
  CHECK(error_of([&] { registry.info(ConnectorKind::transformer, "half"); }).kind() == ErrorKind::not_found);
  registry.add(descriptor(add_prefix));
}

TEST_CASE("a foreign exception of a factory names the connector") {
  Registry registry;
  registry.add(descriptor(add_prefix));
  Value options = boost::json::parse(R"({"text": "foreign"})");
  Error error = error_of([&] { registry.make_transformer("prefix", options, Services()); });
  CHECK(error.kind() == ErrorKind::internal);
  CHECK(std::string(error.what()) == "The transformer \"prefix\" of plugin letters could not be made: out of paper.");
}

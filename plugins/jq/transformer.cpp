#include "transformer.hpp"

#include <algorithm>

#include "machine.hpp"
#include "shape.hpp"

namespace migrate::jq {
namespace {

class Jq final : public Transformer {
 public:
  explicit Jq(const JqConfig& config) : machine_(config.program, config.arguments), types_(config.types) {}

  void apply(Record record, std::vector<Record>& out) const override {
    if (!types_.empty() && std::find(types_.begin(), types_.end(), record.ref.type) == types_.end()) {
      out.push_back(std::move(record));
      return;
    }
    std::vector<Record> made;
    for (Value& result : results(record)) {
      Record each = taken(std::move(result), record);
      // What others share does not go with one of them.
      if (record.deleted && each.deleted && each.ref != record.ref && each.intent != Intent::upsert) continue;
      made.push_back(std::move(each));
    }
    std::move(made.begin(), made.end(), std::back_inserter(out));
  }

 private:
  std::vector<Value> results(const Record& record) const {
    try {
      return machine_.run(shown(record), record.data.storage());
    } catch (Error& error) {
      if (record.deleted) {
        error.with_advice(
            "the record has vanished from its source and comes with `deleted: true` and without its data: begin the "
            "program with `if .deleted then . else … end`, and name there what was made of it");
      }
      throw;
    }
  }

  Machine machine_;
  std::vector<std::string> types_;
};

}  // namespace

Spec<JqConfig> jq_spec() {
  return Spec<JqConfig>("Changes records by a program of the jq language (1.6).")
      .field("program", &JqConfig::program,
             "Takes a record {type, id, data, links, keys, blobs, warnings, version, intent, deleted}; its results are "
             "records")
      .not_empty()
      .field("arguments", &JqConfig::arguments, "Values that the program sees as $name")
      .optional()
      .field("for", &JqConfig::types, "Types of records; default: all")
      .optional()
      .one_or_many()
      .validate([](const JqConfig& config) { Machine check(config.program, config.arguments); });
}

std::shared_ptr<const Transformer> make_jq(JqConfig config, const Services&) { return std::make_shared<Jq>(config); }

}  // namespace migrate::jq

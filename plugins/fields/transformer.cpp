#include "transformer.hpp"

#include "program.hpp"

namespace migrate::fields {
namespace {

class Fields final : public Transformer {
 public:
  explicit Fields(const FieldsConfig& config) : rules_(config) {}
  void apply(Record record, std::vector<Record>& out) const override {
    std::size_t before = out.size();
    const Program& program = rules_.program_for(record.ref.type);
    try {
      program.run(std::move(record), out);
    } catch (...) {
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(before), out.end());
      throw;
    }
  }

 private:
  RuleSet rules_;
};

}  // namespace

std::shared_ptr<const Transformer> make_fields(FieldsConfig config, const Services&) {
  return std::make_shared<Fields>(config);
}

}  // namespace migrate::fields

// A compiled jq program. jq's state is not thread-safe, so there is a pool of them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "migrate/record.hpp"

struct jq_state;

namespace migrate::jq {

class Machine {
 public:
  /// Throws ConfigError("program", …) with every message of jq's compiler.
  Machine(std::string program, const std::map<std::string, Value>& arguments);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Every result for this input, in order. Any number of threads at once. Throws Error(invalid, "jq_error") with jq's
  /// message; the results so far are discarded then.
  std::vector<Value> run(const Value& input, const boost::json::storage_ptr& storage) const;

 private:
  struct Free {
    void operator()(jq_state* state) const noexcept;
  };
  using State = std::unique_ptr<jq_state, Free>;
  State compiled() const;
  State borrow() const;

  std::string program_;
  Value arguments_;
  mutable std::mutex mutex_;
  mutable std::vector<State> idle_;
};

}  // namespace migrate::jq

// How the kit runs checks and collects results.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "migrate/testing/conformance.hpp"

MIGRATE_BEGIN
namespace testing {

/// Thrown by a check that does not hold.
struct Violation {
  std::string detail;
};
inline void require(bool holds, const std::string& detail) {
  if (!holds) throw Violation{detail};
}

class Runner {
 public:
  void run(const std::string& name, std::function<awaitable<void>()> check) {
    boost::asio::io_context context(1);
    Result result;
    result.check = name;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, check(), [&failure](std::exception_ptr error) { failure = error; });
    context.run();
    if (failure) {
      result.state = Result::State::failed;
      try {
        std::rethrow_exception(failure);
      } catch (const Violation& violation) {
        result.detail = violation.detail;
      } catch (const std::exception& error) {
        result.detail = error.what();
      }
    }
    results_.push_back(std::move(result));
  }
  void skip(const std::string& name, const std::string& reason) {
    results_.push_back(Result{name, Result::State::skipped, reason});
  }
  std::vector<Result> take() { return std::move(results_); }

 private:
  std::vector<Result> results_;
};

}  // namespace testing
MIGRATE_END

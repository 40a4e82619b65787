// The one error type: thrown by connectors and transformers, stored with failed records, printed in reports.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN

/// What the engine does about an error follows from its kind alone.
enum class ErrorKind {
  transient,     ///< reset, timeout, 5xx, lock timeout: repeated with back-off up to RetryPolicy::attempts
  throttled,     ///< a quota: waits `retry_after`, uses up no attempt
  invalid,       ///< this record cannot be taken: it fails now
  conflict,      ///< the target changed meanwhile: resolved anew once, then the record fails
  not_found,     ///< a required thing is absent: the record fails
  unauthorized,  ///< wrong credentials or rights: the run ends, the state stays valid
  unsupported,   ///< the connector cannot do this at all: refused before anything runs
  cancelled,     ///< a stop was asked for: not a failure
  internal       ///< a defect or a foreign exception: the run ends, everything is kept
};

MIGRATE_API std::string_view to_string(ErrorKind kind) noexcept;

/// Connectors throw this and nothing else. `what()` says what happened and to what; `cause` groups equal
/// troubles in reports (snake_case, for example "invalid_date"); `advice` says what a person can do.
class MIGRATE_API Error : public std::runtime_error {
 public:
  Error();
  Error(ErrorKind kind, const std::string& message);
  Error(ErrorKind kind, std::string cause, const std::string& message);
  Error(const Error&);
  Error& operator=(const Error&);
  ~Error() override;  // defined in the library: one vtable and one typeinfo for every plugin

  ErrorKind kind() const noexcept { return kind_; }
  bool retryable() const noexcept { return kind_ == ErrorKind::transient || kind_ == ErrorKind::throttled; }

  Error& with_advice(std::string text);
  Error& with_detail(boost::json::value value);

  std::string cause;                        ///< defaults to the kind's name
  std::string advice;                       ///< empty when there is nothing a person could do
  std::chrono::milliseconds retry_after{0}; ///< throttled only
  boost::json::value detail;                ///< status, request id, column, a redacted excerpt

 private:
  ErrorKind kind_;
};

MIGRATE_END

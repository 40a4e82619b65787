#include "migrate/error.hpp"

MIGRATE_BEGIN

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::transient: return "transient";
    case ErrorKind::throttled: return "throttled";
    case ErrorKind::invalid: return "invalid";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::unauthorized: return "unauthorized";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::cancelled: return "cancelled";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

Error::Error() : Error(ErrorKind::internal, std::string()) {}
Error::Error(ErrorKind kind, const std::string& message)
    : std::runtime_error(message), cause(to_string(kind)), kind_(kind) {}
Error::Error(ErrorKind kind, std::string cause_code, const std::string& message)
    : std::runtime_error(message), cause(std::move(cause_code)), kind_(kind) {}
// Reports and stores keep errors long after the batch whose arena `detail` may have come from is gone.
Error::Error(const Error& other)
    : std::runtime_error(other),
      cause(other.cause),
      advice(other.advice),
      retry_after(other.retry_after),
      detail(other.detail, boost::json::storage_ptr()),
      kind_(other.kind_) {}
Error& Error::operator=(const Error&) = default;
Error::~Error() = default;

Error& Error::with_advice(std::string text) {
  advice = std::move(text);
  return *this;
}
Error& Error::with_detail(boost::json::value value) {
  detail = std::move(value);
  return *this;
}

MIGRATE_END

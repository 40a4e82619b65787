// What a connector calls its service with: credentials, limits, repeats where they are safe, redirects, errors for
// people.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "migrate/http/rate_limiter.hpp"
#include "migrate/http/transport.hpp"
#include "migrate/secret.hpp"

MIGRATE_BEGIN
class Step;  // sink.hpp
namespace http {

/// Header fields that prove who is asking. They go to the origin of the base URL and nowhere else.
class MIGRATE_API Auth {
 public:
  /// None.
  Auth();
  static Auth basic(std::string user, Secret password);
  static Auth bearer(Secret token);
  static Auth header(std::string name, Secret value);
  /// A bearer token that runs out: asked for before the first request, and once more, with `refused`, after a 401.
  static Auth token(std::function<awaitable<Secret>(bool refused)> source);
  /// One more field, for services that want two.
  Auth& also(std::string name, Secret value);

 private:
  friend class Client;
  std::vector<std::pair<std::string, Secret>> fields_;
  std::function<awaitable<Secret>(bool)> source_;
};

/// For repeats inside one send(): few and short. The long back-off is the engine's (see migrate::RetryPolicy).
struct RetryPolicy {
  RetryPolicy() {}
  int attempts = 4;                                       ///< of an exchange that fails; 1: no repeats
  std::chrono::milliseconds first{500}, longest{20'000};  ///< doubled each time, then a random half to whole of it
  /// Refusals (429; 503 with Retry-After of what is idempotent) are waited out and use up no attempt while send() has
  /// not lasted that long.
  std::chrono::milliseconds budget{300'000};
  std::uint64_t seed = 0;  ///< of the jitter; 0: from the clock
};

struct ClientOptions {
  ClientOptions() {}
  std::string base_url;  ///< "https://acme.atlassian.net" or with a path, put before each target
  Auth auth;
  Headers headers;  ///< with each request to the base origin; a request's own fields come first
  RetryPolicy retry;
  ExchangeLimits exchange;
  unsigned redirects = 5;                ///< followed for GET and HEAD; 0: a 3xx is an answer like another
  std::string user_agent;                ///< empty: libmigrate and its version
  std::vector<LimitOptions> limits;      ///< the account-wide one first: requests that name none take 1 from it
  QuotaReader quota_reader;              ///< null: read_quota
  std::shared_ptr<RateLimiter> limiter;  ///< in place of the two above: shared with other clients
};

/// A service that answered and said no. send() never throws it; error_of(), get_json() and the like do.
class MIGRATE_API StatusError : public Error {
 public:
  StatusError(ErrorKind kind, std::string cause, const std::string& message, int status, bool applied_nothing);
  ~StatusError() override;
  int status() const noexcept { return status_; }
  /// The service has certainly applied nothing.
  bool refused() const noexcept { return refused_; }

 private:
  int status_;
  bool refused_;
};

/// 401, 403: unauthorized. 404, 410: not_found. 409, 412: conflict. 429, and 503 with Retry-After: throttled. 408, 425
/// and other 5xx: transient. Else invalid. A page in place of JSON (a gateway's, a sign-in form's) is named as what it
/// is, even with 200. Message and detail hold method, path, status, the service's own words; never a credential.
MIGRATE_API StatusError error_of(const Response& response);
/// The response itself when it is ok() and no web page in place of an answer, else throws error_of() it.
MIGRATE_API Response checked(Response response);
/// True for what certainly changed nothing at the service: a refusal, or a request that never arrived whole. Otherwise
/// the outcome is unknown: look for the step's key before it is repeated.
MIGRATE_API bool nothing_applied(const Error& error) noexcept;
MIGRATE_API bool nothing_applied(const Response& response) noexcept;

/// One service as one account sees it. On the run's strand, any number of requests at once. Every await ends when the
/// run is cancelled. Before and after each exchange that can change something Services::reach() is called.
class MIGRATE_API Client {
 public:
  Client(ClientOptions options, const Services& services);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// Any final status. Repeats by itself: what is idempotent after a lost connection, a timeout or 5xx; anything that
  /// the service refused before it took it (429), or that did not reach it whole; no streamed body ever. A 503 with
  /// Retry-After keeps other requests back and may have been applied all the same: a POST is not repeated. Throws
  /// TransportError when no answer came: with sent() and a POST the outcome is unknown.
  awaitable<Response> send(Request request, RateClass taken = RateClass());
  /// A download that is not held in memory. Throws error_of() a status that is not ok. Repeats end with the head.
  awaitable<StreamedResponse> open(Request request, RateClass taken = RateClass());

  /// The body of an ok answer; null when it is empty. Throw error_of() others.
  awaitable<Value> get_json(std::string target, RateClass taken = RateClass());
  awaitable<Value> send_json(std::string method, std::string target, Value body, RateClass taken = RateClass());

  /// The exchange of a Step: what checked() lets pass, or throws. A certain refusal is noted in the step first, so that
  /// the next attempt need not look for what cannot be there; after an unknown outcome the step stays uncertain.
  awaitable<Response> send_step(Step& step, Request request, RateClass taken = RateClass());

  RateLimiter& limiter() noexcept;
  /// Of the base URL: "https://acme.atlassian.net".
  const std::string& origin() const noexcept;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace http
MIGRATE_END

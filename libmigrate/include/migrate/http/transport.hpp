// Carries one exchange, without any policy: no repeats, no redirects, no limits. Real sockets, or a handler in process.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "migrate/http/message.hpp"
#include "migrate/services.hpp"

MIGRATE_BEGIN
namespace http {

/// What went wrong below HTTP. Kind transient; cause "connect_failed", "tls_failed" (kind unauthorized: the certificate
/// was not trusted), "connection_lost", "timeout", "response_torn", "body_size" (a stream of other length than
/// announced) or "response_too_large" (kind invalid).
class MIGRATE_API TransportError : public Error {
 public:
  TransportError(ErrorKind kind, std::string cause, const std::string& message, bool sent);
  ~TransportError() override;
  /// False: the service cannot have seen the whole request, so nothing was applied. True: unknown.
  bool sent() const noexcept { return sent_; }

 private:
  bool sent_;
};

/// Where a limit of time is zero there is none.
struct ExchangeLimits {
  ExchangeLimits() {}
  std::chrono::milliseconds connect{10'000};  ///< name look-up, TCP and TLS
  std::chrono::milliseconds idle{60'000};     ///< without one byte arriving or leaving
  std::chrono::milliseconds total{0};         ///< of the whole exchange, connecting included
  std::size_t max_body = 64u << 20;           ///< bytes of a buffered body; a streamed one has no cap
};

/// Shared by all clients of a run, used from the run's strand. Every await ends at once when the run is cancelled; the
/// connection is then closed.
class MIGRATE_API Transport {
 public:
  virtual ~Transport();
  /// `to` says where; the request's target is already in origin form. Throws TransportError. An answer that is not ok()
  /// is handed over also when its body breaks off or is too large: cut, since its head says what counts.
  virtual awaitable<Response> exchange(Url to, Request request, ExchangeLimits limits) = 0;
  /// The same with a streamed body, which throws where it breaks off, whatever the status.
  virtual awaitable<StreamedResponse> open(Url to, Request request, ExchangeLimits limits) = 0;
};

struct SocketOptions {
  SocketOptions() {}
  std::size_t max_idle_per_host = 128;          ///< connections kept for later exchanges
  std::chrono::milliseconds keep_idle{20'000};  ///< shorter than the services' own limits, to lose fewer races
  std::string ca_file;                          ///< PEM; empty: the system's certificates
};
/// Keep-alive connections, TLS 1.2 or later with the certificate and the host name verified.
MIGRATE_API std::shared_ptr<Transport> socket_transport(SocketOptions options);

/// How an answer ends on the wire; anything but proper is for stand-ins of services that fail (testing::FaultPlan).
enum class Ending {
  proper,
  close_before,  ///< closes the connection instead of answering
  torn,          ///< sends the head and half of the body, then closes
  short_body,    ///< closes after a body shorter than its Content-Length by one byte
  drip           ///< one byte of body a second of the services' clock
};

struct Answer {
  Response response;
  Ending ending = Ending::proper;
};
/// Answers a request. Handlers of one server never run in parallel, but interleave at their awaits. What it throws that
/// is no Error, a SimulatedCrash say, goes through the in-process transport to the client; over sockets it ends the
/// server.
using AnswerHandler = std::function<awaitable<Answer>(Request)>;

/// In process, without sockets: requests to an origin go to its handler; any other origin is "connect_failed". Bodies
/// that stream are read whole first; endings become the TransportError that a socket would give. With a simulated clock
/// whole migrations run in virtual time.
class MIGRATE_API SimulatedTransport : public Transport {
 public:
  SimulatedTransport();
  ~SimulatedTransport() override;
  /// `clock` measures the limits of time, after the handler is done: an answer that came too late is a timeout whose
  /// request was applied. Null: no such limits, and a dripping answer takes no time.
  void serve(std::string origin, AnswerHandler handler, std::shared_ptr<Clock> clock = nullptr);
  awaitable<Response> exchange(Url to, Request request, ExchangeLimits limits) override;
  awaitable<StreamedResponse> open(Url to, Request request, ExchangeLimits limits) override;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace http
MIGRATE_END

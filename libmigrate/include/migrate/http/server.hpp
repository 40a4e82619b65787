// A small HTTP/1.1 server on the loopback: under the simulators, and under the live page of a run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "migrate/http/transport.hpp"

MIGRATE_BEGIN
namespace http {

/// Keep-alive, chunked and sized requests, sized answers, HEAD, Expect: 100-continue. Lives on the executor that
/// start() was called on; stop() or the destructor closes every connection.
class MIGRATE_API Server {
 public:
  explicit Server(const Services& services);
  ~Server();
  /// Listens on 127.0.0.1; port 0 chooses a free one below 32768. Returns the port. Throws Error(unsupported) naming
  /// the port when it is taken. `max_body` bytes of a request, 413 above.
  awaitable<std::uint16_t> start(AnswerHandler handler, std::uint16_t port = 0, std::size_t max_body = 256u << 20);
  void stop();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace http
MIGRATE_END

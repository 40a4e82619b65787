// What all transports share, and the one without sockets.
#include "migrate/http/transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "http/streams.hpp"
#include "http/transport_errors.hpp"

MIGRATE_BEGIN
namespace http {

TransportError::TransportError(ErrorKind kind, std::string cause_code, const std::string& message, bool was_sent)
    : Error(kind, std::move(cause_code), message), sent_(was_sent) {}
TransportError::~TransportError() = default;

Transport::~Transport() = default;

void check_request(const Request& request) {
  bool proper = is_token(request.method) && !request.target.empty();
  for (char c : request.target)
    proper = proper && static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F;
  if (proper) return;
  throw Error(ErrorKind::invalid, "bad_request_line",
              fmt::format("{} {} cannot be sent: a blank, a line end or a letter outside ASCII is in it.",
                          excerpt(request.method, 20), excerpt(redacted_target(request.target), 200)))
      .with_advice("Put every part of a path or query through http::encode().");
}

TransportError torn(const std::string& where, bool sent) {
  return TransportError(ErrorKind::transient, "response_torn",
                        fmt::format("The answer of {} broke off before its end.", where), sent);
}
TransportError too_large(const std::string& where, std::size_t limit) {
  return TransportError(ErrorKind::invalid, "response_too_large",
                        fmt::format("The answer of {} is larger than {} bytes.", where, limit), true);
}
TransportError timeout(const std::string& where, const char* what, std::chrono::milliseconds limit, bool sent) {
  return TransportError(ErrorKind::transient, "timeout",
                        fmt::format("{}: {} within {} ms.", where, what, limit.count()), sent);
}
TransportError lost(const std::string& where, const std::string& why, bool sent) {
  return TransportError(ErrorKind::transient, "connection_lost",
                        fmt::format("The connection to {} was lost before an answer came ({}).", where, why), sent);
}
TransportError wrong_size(std::uint64_t promised, std::uint64_t found) {
  return TransportError(
      ErrorKind::transient, "body_size",
      fmt::format("The stream of a request's body has {} bytes and not the {} that it was said to have.", found,
                  promised),
      false);
}

TransportError of_another(const TransportError& trouble, bool sent) {
  TransportError own(trouble.kind(), trouble.cause, trouble.what(), sent);
  static_cast<Error&>(own) = trouble;  // with advice and detail
  return own;
}

class SimulatedTransport::State {
 public:
  struct Place {
    AnswerHandler handler;
    std::shared_ptr<Clock> clock;
  };
  std::map<std::string, Place> places;
};

SimulatedTransport::SimulatedTransport() : state_(std::make_unique<State>()) {}
SimulatedTransport::~SimulatedTransport() = default;

void SimulatedTransport::serve(std::string origin, AnswerHandler handler, std::shared_ptr<Clock> clock) {
  state_->places[parse_url(origin).origin()] = {std::move(handler), std::move(clock)};
}

static awaitable<void> read_stream(Request& request) {
  try {
    for (;;) {
      std::string bytes = co_await request.stream->read(stream_chunk);
      if (bytes.empty()) break;
      request.body += bytes;
    }
  } catch (const TransportError& trouble) {
    throw of_another(trouble, false);
  }
  if (request.stream_size && *request.stream_size != request.body.size()) {
    throw wrong_size(*request.stream_size, request.body.size());
  }
  request.stream.reset();
}

awaitable<Response> SimulatedTransport::exchange(Url to, Request request, ExchangeLimits limits) {
  const std::string where = to.origin();
  auto found = state_->places.find(where);
  if (found == state_->places.end()) {
    throw TransportError(ErrorKind::transient, "connect_failed",
                         fmt::format("Nothing answers at {}: no simulator is attached there.", where), false);
  }
  State::Place place = found->second;
  check_request(request);
  if (request.stream) co_await read_stream(request);
  request.headers.set("Host", where.substr(where.find("//") + 2));
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    request.headers.set("Content-Length", std::to_string(request.body.size()));
  }
  const bool head_only = request.method == "HEAD";
  const auto start = place.clock ? place.clock->now() : std::chrono::system_clock::time_point();
  Answer answer = co_await place.handler(std::move(request));
  Response& response = answer.response;

  auto elapsed = std::chrono::milliseconds(0);
  if (place.clock) elapsed = std::chrono::ceil<std::chrono::milliseconds>(place.clock->now() - start);
  auto over = [](std::chrono::milliseconds limit, std::chrono::milliseconds took) {
    return limit.count() > 0 && took > limit;
  };
  if (over(limits.idle, elapsed)) throw timeout(where, "no byte came", limits.idle, true);
  if (over(limits.total, elapsed)) throw timeout(where, "the answer was not complete", limits.total, true);
  if (answer.ending == Ending::close_before) throw lost(where, "closed by the peer", true);
  if (!response.headers.has("Content-Length")) {
    response.headers.set("Content-Length", std::to_string(response.body.size()));
  }
  // Of what is not ok as much is handed over as has come.
  std::size_t come = response.body.size();
  if (answer.ending == Ending::torn || answer.ending == Ending::short_body) {
    if (response.ok()) throw torn(where, true);
    come = answer.ending == Ending::torn ? come / 2 : come - std::min<std::size_t>(come, 1);
  }
  if (answer.ending == Ending::drip && place.clock) {
    const std::chrono::milliseconds whole = std::chrono::seconds(response.body.size());
    const bool too_long = over(limits.total, elapsed + whole);
    const std::chrono::milliseconds takes = too_long ? limits.total - elapsed : whole;
    co_await place.clock->sleep(takes);
    if (too_long && response.ok()) throw timeout(where, "the answer was not complete", limits.total, true);
    come = static_cast<std::size_t>(std::chrono::floor<std::chrono::seconds>(takes).count());
  }
  if (head_only) come = 0;
  if (come > limits.max_body && response.ok()) throw too_large(where, limits.max_body);
  response.body.resize(std::min(come, limits.max_body));
  co_return std::move(response);
}

awaitable<StreamedResponse> SimulatedTransport::open(Url to, Request request, ExchangeLimits limits) {
  limits.max_body = std::numeric_limits<std::size_t>::max();
  Response response = co_await exchange(std::move(to), std::move(request), limits);
  StreamedResponse streamed;
  streamed.status = response.status;
  streamed.headers = std::move(response.headers);
  streamed.body = std::make_unique<TextStream>(std::move(response.body));
  co_return streamed;
}

}  // namespace http
MIGRATE_END

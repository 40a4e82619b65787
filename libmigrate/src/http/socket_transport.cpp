#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <vector>

#include "http/streams.hpp"
#include "http/transport_errors.hpp"
#include "http/wire.hpp"

MIGRATE_BEGIN
namespace http {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

/// Handed to the kernel at once: an idle limit that is shorter than the upload of a large body is met in between.
constexpr std::size_t write_piece = 256 * 1024;

/// One connection with its reader: what comes after an answer may lie in the reader already.
struct Line {
  std::shared_ptr<Connection> connection;
  std::unique_ptr<Reader> reader = response_reader();
  std::string text;
  SteadyTime idle_since;
};

/// The idle connections of one transport on one execution context.
struct Pool {
  std::map<std::string, std::vector<Line>> idle;
  bool closed = false;
};

/// Closes idle connections before their context goes: a transport is often kept longer.
class PoolKeeper final : public asio::execution_context::service {
 public:
  using key_type = PoolKeeper;
  static asio::execution_context::id id;
  explicit PoolKeeper(asio::execution_context& owner) : service(owner) {}
  void keep(const std::shared_ptr<Pool>& pool) {
    std::erase_if(pools_, [](const auto& weak) { return weak.expired(); });
    pools_.push_back(pool);
  }

 private:
  void shutdown() noexcept override {
    for (const std::weak_ptr<Pool>& weak : pools_) {
      if (std::shared_ptr<Pool> pool = weak.lock()) {
        pool->closed = true;
        pool->idle.clear();
      }
    }
  }
  std::vector<std::weak_ptr<Pool>> pools_;
};
asio::execution_context::id PoolKeeper::id;

/// A line that is in use; closed unless it is given back.
class Lease {
 public:
  Lease(std::shared_ptr<Pool> pool, std::string where, Line line)
      : pool_(std::move(pool)), where_(std::move(where)), line_(std::move(line)) {}
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (line_.connection) line_.connection->close();
  }
  Line& line() noexcept { return line_; }
  Connection& connection() noexcept { return *line_.connection; }
  Reader& reader() noexcept { return *line_.reader; }
  const std::string& where() const noexcept { return where_; }

  void give_back(const SocketOptions& options) {
    std::vector<Line>& idle = pool_->idle[where_];
    const SteadyTime now = std::chrono::steady_clock::now();
    std::erase_if(idle, [&](const Line& line) { return now - line.idle_since > options.keep_idle; });
    if (pool_->closed || !line_.reader->reusable() || idle.size() >= options.max_idle_per_host) return;
    line_.connection->unlimited();
    line_.idle_since = now;
    idle.push_back(std::move(line_));
  }

 private:
  std::shared_ptr<Pool> pool_;
  std::string where_;
  Line line_;
};

TransportError cannot_connect(const std::string& where, const std::string& why) {
  TransportError error(ErrorKind::transient, "connect_failed", fmt::format("{} cannot be reached: {}.", where, why),
                       false);
  error.with_advice("Check the address, and whether this machine may reach it (network, proxy, firewall).");
  return error;
}

[[noreturn]] void rethrow(const Reader::Broken& broken, const std::string& where, ExchangeLimits limits) {
  using Why = Reader::Broken::Why;
  if (broken.why == Why::timed_out) {
    throw timeout(where, broken.any_byte ? "the answer was not complete" : "no answer came",
                  limits.total.count() > 0 ? std::min(limits.total, limits.idle) : limits.idle, true);
  }
  if (broken.why == Why::malformed) {
    throw TransportError(ErrorKind::transient, "response_torn",
                         fmt::format("What {} answered is no HTTP ({}).", where, broken.text), true);
  }
  if (broken.any_byte) throw torn(where, true);
  throw lost(where, broken.text, true);
}

/// A name look-up that whoever asked can walk away from: the system's own cannot be interrupted.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
  tcp::resolver resolver;
  asio::steady_timer done;
  error_code trouble = asio::error::timed_out;
  std::vector<tcp::endpoint> endpoints;
};

awaitable<std::vector<tcp::endpoint>> endpoints_of(Url to, SteadyTime end) {
  std::vector<tcp::endpoint> result;
  error_code trouble;
  asio::ip::address address = asio::ip::make_address(to.host, trouble);
  if (!trouble) {
    result.emplace_back(address, to.port);
    co_return result;
  }
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto lookup = std::make_shared<Lookup>(executor);
  lookup->done.expires_at(end);
  lookup->resolver.async_resolve(to.host, std::to_string(to.port),
                                 [lookup](error_code failed, tcp::resolver::results_type found) {
                                   lookup->trouble = failed;
                                   for (const auto& entry : found) lookup->endpoints.push_back(entry.endpoint());
                                   lookup->done.cancel();
                                 });
  error_code ignored;
  co_await lookup->done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (lookup->trouble) throw cannot_connect(to.origin(), "its name is not resolved, " + lookup->trouble.message());
  co_return lookup->endpoints;
}

struct Attempt {
  explicit Attempt(const asio::any_io_executor& executor) : socket(executor), timer(executor) {}
  tcp::socket socket;
  asio::steady_timer timer;
  bool late = false;
};

awaitable<tcp::socket> connected(Url to, SteadyTime end) {
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  std::vector<tcp::endpoint> endpoints = co_await endpoints_of(to, end);
  error_code trouble = asio::error::host_not_found;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    // Each address has its share of the time: one that swallows everything must not keep the others from being tried.
    const SteadyTime now = std::chrono::steady_clock::now();
    auto attempt = std::make_shared<Attempt>(executor);
    attempt->timer.expires_at(end == SteadyTime::max() ? end
                                                       : now + (end - now) / static_cast<int>(endpoints.size() - i));
    attempt->timer.async_wait([weak = std::weak_ptr<Attempt>(attempt)](error_code cancelled) {
      std::shared_ptr<Attempt> open = weak.lock();
      if (!open || cancelled) return;
      open->late = true;
      open->socket.close(cancelled);
    });
    co_await attempt->socket.async_connect(endpoints[i], asio::redirect_error(asio::use_awaitable, trouble));
    if (attempt->late) trouble = asio::error::timed_out;
    if (!trouble) {
      error_code ignored;
      attempt->socket.set_option(tcp::no_delay(true), ignored);
      co_return std::move(attempt->socket);
    }
    if (trouble == asio::error::operation_aborted) throw boost::system::system_error(trouble);
  }
  throw cannot_connect(to.origin(), trouble.message());
}

class SocketTransport final : public Transport {
 public:
  explicit SocketTransport(SocketOptions options) : options_(std::move(options)) {}

  awaitable<Response> exchange(Url to, Request request, ExchangeLimits limits) override {
    const std::optional<SteadyTime> end = end_of(limits.total);
    check_request(request);
    Lease lease = co_await lease_line(to, limits, end);
    Head head = co_await ask(lease, to, request, limits, end);
    Response response;
    response.status = head.status;
    response.headers = std::move(head.headers);
    bool whole = false;
    try {
      whole = co_await lease.reader().whole_body(lease.connection(), response.body, limits.max_body);
    } catch (const Reader::Broken& broken) {
      if (response.ok()) rethrow(broken, lease.where(), limits);
    }
    if (!whole) {
      if (response.ok()) throw too_large(lease.where(), limits.max_body);
      // The head says all that counts, when to come back for one; the words are for people.
      response.body.resize(std::min(response.body.size(), limits.max_body));
    } else if (head.keep_alive) {
      lease.give_back(options_);
    }
    co_return std::move(response);
  }

  awaitable<StreamedResponse> open(Url to, Request request, ExchangeLimits limits) override {
    const std::optional<SteadyTime> end = end_of(limits.total);
    check_request(request);
    Lease lease = co_await lease_line(to, limits, end);
    Head head = co_await ask(lease, to, request, limits, end);
    lease.connection().limit(milliseconds(0), end);
    StreamedResponse response;
    response.status = head.status;
    response.headers = std::move(head.headers);
    response.body = std::make_unique<Download>(std::move(lease), limits, end, head.keep_alive, options_);
    co_return response;
  }

 private:
  class Download final : public ByteStream {
   public:
    Download(Lease lease, ExchangeLimits limits, std::optional<SteadyTime> end, bool keep_alive, SocketOptions options)
        : lease_(std::in_place, std::move(lease)),
          limits_(limits),
          end_(end),
          keep_alive_(keep_alive),
          options_(std::move(options)) {}

    awaitable<std::string> read(std::size_t limit) override {
      std::string bytes;
      if (!lease_) co_return bytes;
      Connection& connection = lease_->connection();
      connection.limit(limits_.idle, end_);
      try {
        bytes = co_await lease_->reader().body(connection, limit);
      } catch (const Reader::Broken& broken) {
        const std::string where = lease_->where();
        lease_.reset();
        rethrow(broken, where, limits_);
      }
      // A slow reader is not the service's fault.
      connection.limit(milliseconds(0), end_);
      if (lease_->reader().done()) {
        if (keep_alive_) lease_->give_back(options_);
        lease_.reset();
      }
      co_return bytes;
    }

   private:
    std::optional<Lease> lease_;
    ExchangeLimits limits_;
    std::optional<SteadyTime> end_;
    bool keep_alive_;
    SocketOptions options_;
  };

  static std::optional<SteadyTime> end_of(milliseconds total) {
    if (total.count() <= 0) return std::nullopt;
    return std::chrono::steady_clock::now() + total;
  }

  std::shared_ptr<Pool> pool_of(const asio::any_io_executor& executor) {
    asio::execution_context& context = asio::query(executor, asio::execution::context);
    std::shared_ptr<Pool>& pool = pools_[&context];
    if (!pool || pool->closed) {  // another context may have come to the same address
      pool = std::make_shared<Pool>();
      asio::use_service<PoolKeeper>(context).keep(pool);
    }
    return pool;
  }

  awaitable<Lease> lease_line(Url to, ExchangeLimits limits, std::optional<SteadyTime> end) {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    std::shared_ptr<Pool> pool = pool_of(executor);
    std::string where = to.origin();
    std::vector<Line>& idle = pool->idle[where];
    while (!idle.empty()) {  // the one used last: it is the least likely to have been closed
      Line line = std::move(idle.back());
      idle.pop_back();
      const bool old = std::chrono::steady_clock::now() - line.idle_since > options_.keep_idle;
      if (!old && line.connection->executor() == executor && !line.connection->stale()) {
        co_return Lease(std::move(pool), std::move(where), std::move(line));
      }
    }
    Line line;
    line.connection = co_await connect(to, limits, end);
    co_return Lease(std::move(pool), std::move(where), std::move(line));
  }

  awaitable<std::shared_ptr<Connection>> connect(Url to, ExchangeLimits limits, std::optional<SteadyTime> whole) {
    std::optional<SteadyTime> end = end_of(limits.connect);
    if (whole && (!end || *whole < *end)) end = whole;
    tcp::socket socket = co_await connected(to, end.value_or(SteadyTime::max()));
    if (!to.tls) co_return plain_connection(std::move(socket));
    if (!tls_) tls_ = std::make_unique<TlsContext>(options_.ca_file);
    error_code trouble;
    std::string reason;
    std::shared_ptr<Connection> connection = co_await tls_->connect(std::move(socket), to.host, end, trouble, reason);
    if (connection) co_return connection;
    if (trouble == asio::error::operation_aborted) throw boost::system::system_error(trouble);
    if (!reason.empty()) {
      TransportError error(ErrorKind::unauthorized, "tls_failed",
                           fmt::format("The certificate of {} is not trusted: {}.", to.origin(), reason), false);
      error.with_advice("Check the address. A private authority's certificate is named with ca_file.");
      throw error;
    }
    throw TransportError(ErrorKind::transient, "tls_failed",
                         fmt::format("No TLS connection to {}: {}.", to.origin(), trouble.message()), false);
  }

  /// Sends the request and reads the head of the answer.
  awaitable<Head> ask(Lease& lease, const Url& to, Request& request, ExchangeLimits limits,
                      std::optional<SteadyTime> end) {
    lease.connection().limit(limits.idle, end);
    const bool sent = co_await send(lease, to, request, limits, end);
    if (lease.connection().timed_out())
      throw timeout(lease.where(), "the request could not be sent", limits.idle, sent);
    std::optional<Head> head;
    try {
      // Also after a broken upload: whoever refuses a body answers (413) before it has come whole, and closes.
      head = co_await lease.reader().head(lease.connection(), request.method == "HEAD");
    } catch (const Reader::Broken& broken) {
      if (!sent) throw lost(lease.where(), broken.text, false);
      rethrow(broken, lease.where(), limits);
    }
    if (!head) throw lost(lease.where(), "closed by the peer", sent);
    if (!sent) head->keep_alive = false;
    co_return std::move(*head);
  }

  /// False when not all of the request has left: the service cannot act on it.
  static awaitable<bool> send(Lease& lease, const Url& to, Request& request, ExchangeLimits limits,
                              std::optional<SteadyTime> end) {
    std::string& text = lease.line().text;
    text.clear();
    append_request_head(text, to, request, request.stream ? request.stream_size : request.body.size());
    std::array<asio::const_buffer, 3> parts;
    parts[0] = asio::buffer(text);
    error_code trouble;
    if (request.stream) co_return co_await send_stream(lease, parts, request, limits, end);
    std::size_t at = 0;
    do {
      const std::size_t piece = std::min(write_piece, request.body.size() - at);
      parts[1] = asio::buffer(request.body.data() + at, piece);
      co_await lease.connection().write(parts, trouble);
      if (trouble) co_return false;
      parts[0] = asio::const_buffer();
      at += piece;
    } while (at < request.body.size());
    co_return true;
  }

  static awaitable<std::string> next_bytes(Connection& connection, Request& request, ExchangeLimits limits,
                                           std::optional<SteadyTime> end) {
    connection.limit(milliseconds(0), end);  // a slow source is not the service's fault
    std::string bytes;
    try {
      bytes = co_await request.stream->read(stream_chunk);
    } catch (const TransportError& trouble) {
      throw of_another(trouble, false);
    }
    connection.limit(limits.idle, end);
    co_return bytes;
  }

  /// `parts` begin with the head. Who has got as many bytes as were announced holds a whole request and acts on it: the
  /// last of them leave when the stream has ended with them, so what is thrown before was not applied.
  static awaitable<bool> send_stream(Lease& lease, std::array<asio::const_buffer, 3> parts, Request& request,
                                     ExchangeLimits limits, std::optional<SteadyTime> end) {
    Connection& connection = lease.connection();
    const bool sized = request.stream_size.has_value();
    std::uint64_t count = 0;
    error_code trouble;
    if (request.stream_size != 0U) {
      co_await connection.write(parts, trouble);
      if (trouble) co_return false;
      parts[0] = asio::const_buffer();
    }
    for (;;) {
      const std::string bytes = co_await next_bytes(connection, request, limits, end);
      count += bytes.size();
      const bool whole = sized && count == *request.stream_size;
      if (whole && !bytes.empty()) {
        const std::string more = co_await next_bytes(connection, request, limits, end);
        count += more.size();
      }
      if (sized && (count > *request.stream_size || (bytes.empty() && !whole))) {
        throw wrong_size(*request.stream_size, count);
      }
      std::string frame;
      if (!sized) {
        frame = fmt::format("{:x}\r\n", bytes.size());
        parts[0] = asio::buffer(frame);
        parts[2] = asio::const_buffer("\r\n", 2);
      }
      parts[1] = asio::buffer(bytes);
      co_await connection.write(parts, trouble);
      if (trouble) co_return false;
      if (whole || bytes.empty()) co_return true;
    }
  }

  SocketOptions options_;
  std::unique_ptr<TlsContext> tls_;
  std::map<asio::execution_context*, std::shared_ptr<Pool>> pools_;
};

}  // namespace

std::shared_ptr<Transport> socket_transport(SocketOptions options) {
  return std::make_shared<SocketTransport>(std::move(options));
}

}  // namespace http
MIGRATE_END

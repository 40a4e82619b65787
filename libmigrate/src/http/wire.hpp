// Connections and messages as bytes. What needs Beast or OpenSSL is behind this header, in wire.cpp alone: compiling
// them takes half a minute and a gigabyte.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "migrate/http/message.hpp"

MIGRATE_BEGIN
namespace http {

using boost::asio::ip::tcp;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

/// A TCP connection, plain or with TLS. One exchange at a time. Errors come as codes: eof for an orderly end, timed_out
/// when a limit of time has closed the connection.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(const boost::asio::any_io_executor& executor);
  virtual ~Connection();

  /// From now on the connection is closed when no byte has moved for `idle`, and at `end`. Zero, nothing: no limit.
  void limit(std::chrono::milliseconds idle, std::optional<SteadyTime> end);
  void unlimited();
  awaitable<std::size_t> read_some(boost::asio::mutable_buffer into, error_code& trouble);
  /// All of it. Returns how many bytes were handed over.
  awaitable<std::size_t> write(std::array<boost::asio::const_buffer, 3> parts, error_code& trouble);
  /// The peer has closed, or has sent something that nobody asked for: of no use for another exchange.
  bool stale();
  void close();
  bool timed_out() const noexcept { return timed_out_; }
  /// The end came without the farewell of TLS: perhaps not from the peer, and not where it meant to end.
  bool cut_off() const noexcept { return cut_off_; }
  const boost::asio::any_io_executor& executor() const noexcept { return executor_; }

 protected:
  virtual awaitable<std::size_t> read_bytes(boost::asio::mutable_buffer into, error_code& trouble) = 0;
  virtual awaitable<std::size_t> write_bytes(std::array<boost::asio::const_buffer, 3> parts, error_code& trouble) = 0;
  virtual tcp::socket& socket() = 0;
  enum class End { none, orderly, cut_off };
  virtual End end_of(const error_code& trouble) const = 0;
  /// Bytes that have been read off the socket and that nobody has asked for yet.
  virtual bool holds_bytes() = 0;

 private:
  void moved();
  void watch();

  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer timer_;
  std::chrono::milliseconds idle_{0};
  std::optional<SteadyTime> end_;
  SteadyTime deadline_ = SteadyTime::max(), armed_for_ = SteadyTime::max();
  bool timed_out_ = false, cut_off_ = false;
};

std::shared_ptr<Connection> plain_connection(tcp::socket socket);

/// What a client trusts. Shared by its connections.
class TlsContext {
 public:
  /// `ca_file` empty: the system's certificates. Throws Error(invalid) when the file cannot be used.
  explicit TlsContext(const std::string& ca_file);
  ~TlsContext();
  /// Shakes hands on a connected socket. Null with `trouble` when that fails; `reason` says why when the certificate is
  /// what was refused. `limits` as Connection::limit().
  awaitable<std::shared_ptr<Connection>> connect(tcp::socket socket, std::string host, std::optional<SteadyTime> end,
                                                 error_code& trouble, std::string& reason);

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// The first part of a message.
struct Head {
  int status = 0;              ///< responses
  std::string method, target;  ///< requests
  Headers headers;
  bool keep_alive = false;
  std::optional<std::uint64_t> length;  ///< of the body; nothing: chunked, or until the connection closes
};

/// Reads messages off one connection, one after another. Throws Broken.
class Reader {
 public:
  struct Broken {
    enum class Why { torn, malformed, failed, timed_out } why;
    std::string text;
    bool any_byte = false;  ///< of this message had come
  };
  virtual ~Reader();
  /// Nothing when the peer closed before the first byte. `bodiless`: the answer to HEAD.
  virtual awaitable<std::optional<Head>> head(Connection& from, bool bodiless) = 0;
  /// The next bytes of the body, at most `limit`; empty: the end.
  virtual awaitable<std::string> body(Connection& from, std::size_t limit) = 0;
  /// Appends all of it to `out`, up to `limit` bytes; false when there is more.
  virtual awaitable<bool> whole_body(Connection& from, std::string& out, std::size_t limit) = 0;
  /// The body has been read to its end.
  virtual bool done() const = 0;
  /// And nothing has come after it that nobody asked for.
  virtual bool reusable() const = 0;
};
std::unique_ptr<Reader> request_reader();
std::unique_ptr<Reader> response_reader();

/// Head lines; fields that speak of framing or the connection are written by these alone. `size`: nothing is chunked.
void append_request_head(std::string& out, const Url& to, const Request& request, std::optional<std::uint64_t> size);
void append_response_head(std::string& out, const Response& response, std::uint64_t size, bool keep_alive);

}  // namespace http
MIGRATE_END

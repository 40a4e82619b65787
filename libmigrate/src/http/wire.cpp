#include "http/wire.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <limits>

#include "http/streams.hpp"
#include "http/text.hpp"

MIGRATE_BEGIN
namespace http {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
using std::chrono::milliseconds;

namespace {

/// A head that is larger is no head. Content security policies alone reach 10 KiB.
constexpr std::uint32_t largest_head = 256 * 1024;
constexpr std::size_t first_read = 16 * 1024;

template <class Stream>
class ConnectionOver final : public Connection {
 public:
  explicit ConnectionOver(Stream stream) : Connection(stream.get_executor()), stream_(std::move(stream)) {}
  Stream& stream() noexcept { return stream_; }

 private:
  awaitable<std::size_t> read_bytes(asio::mutable_buffer into, error_code& trouble) override {
    return stream_.async_read_some(into, asio::redirect_error(asio::use_awaitable, trouble));
  }
  awaitable<std::size_t> write_bytes(std::array<asio::const_buffer, 3> parts, error_code& trouble) override {
    return asio::async_write(stream_, parts, asio::redirect_error(asio::use_awaitable, trouble));
  }
  End end_of(const error_code& trouble) const override {
    // Whoever leaves out the farewell of TLS has closed, too; what is torn shows in the framing, where there is one.
    if (trouble == ssl::error::stream_truncated) return End::cut_off;
    return trouble == asio::error::eof ? End::orderly : End::none;
  }
  bool holds_bytes() override {
    if constexpr (std::is_same_v<Stream, tcp::socket>) {
      return false;
    } else {
      // A farewell that came together with the answer has left the socket already.
      SSL* session = stream_.native_handle();
      return SSL_has_pending(session) == 1 || BIO_ctrl_pending(SSL_get_rbio(session)) > 0;
    }
  }
  tcp::socket& socket() override {
    if constexpr (std::is_same_v<Stream, tcp::socket>) {
      return stream_;
    } else {
      return stream_.next_layer();
    }
  }

  Stream stream_;
};

}  // namespace

std::shared_ptr<Connection> plain_connection(tcp::socket socket) {
  return std::make_shared<ConnectionOver<tcp::socket>>(std::move(socket));
}

class TlsContext::State {
 public:
  ssl::context context{ssl::context::tls_client};
};

TlsContext::TlsContext(const std::string& ca_file) : state_(std::make_unique<State>()) {
  SSL_CTX_set_min_proto_version(state_->context.native_handle(), TLS1_2_VERSION);
  state_->context.set_verify_mode(ssl::verify_peer);
  error_code trouble;
  if (ca_file.empty()) {
    state_->context.set_default_verify_paths(trouble);
  } else {
    state_->context.load_verify_file(ca_file, trouble);
  }
  if (trouble) {
    throw Error(ErrorKind::invalid, "ca_file",
                "The certificates in \"" + ca_file + "\" cannot be used: " + trouble.message() + ".")
        .with_advice("Name a file of certificates in PEM form.");
  }
}
TlsContext::~TlsContext() = default;

awaitable<std::shared_ptr<Connection>> TlsContext::connect(tcp::socket socket, std::string host,
                                                           std::optional<SteadyTime> end, error_code& trouble,
                                                           std::string& reason) {
  using Stream = ssl::stream<tcp::socket>;
  auto connection = std::make_shared<ConnectionOver<Stream>>(Stream(std::move(socket), state_->context));
  Stream& stream = connection->stream();
  error_code no_address;
  asio::ip::make_address(host, no_address);
  X509_VERIFY_PARAM* wanted = SSL_get0_param(stream.native_handle());
  if (no_address) {
    SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());  // an address has no place there
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
  }
  connection->limit(milliseconds(0), end);
  co_await stream.async_handshake(ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, trouble));
  if (trouble) {
    if (connection->timed_out()) trouble = asio::error::timed_out;
    long verdict = SSL_get_verify_result(stream.native_handle());
    if (verdict != X509_V_OK) reason = X509_verify_cert_error_string(verdict);
    co_return nullptr;
  }
  connection->unlimited();
  co_return connection;
}

Reader::~Reader() = default;

namespace {

template <bool is_request>
class MessageReader final : public Reader {
 public:
  awaitable<std::optional<Head>> head(Connection& from, bool bodiless) override {
    std::optional<Head> result;
    bool announced = true;
    while (announced) {
      const bool any_byte = co_await parse_head(from);
      if (!any_byte) co_return result;
      announced = interim();
    }
    result = taken_head(bodiless);
    co_return result;
  }

  awaitable<std::string> body(Connection& from, std::size_t limit) override {
    std::string bytes;
    if (framing_ == Framing::chunked) {
      co_await read_chunked(from, bytes, limit);
    } else {
      co_await read_plain(from, bytes, limit);
    }
    co_return bytes;
  }

  awaitable<bool> whole_body(Connection& from, std::string& out, std::size_t limit) override {
    if (framing_ == Framing::sized) {
      if (left_ > limit) co_return false;
      out.reserve(out.size() + static_cast<std::size_t>(left_));
    }
    while (framing_ != Framing::none) {
      const std::size_t before = out.size();
      // Filled in pieces that stay in the cache: a string cannot grow without being cleared first.
      if (framing_ == Framing::chunked) {
        co_await read_chunked(from, out, stream_chunk);
      } else {
        co_await read_plain(from, out, stream_chunk);
      }
      if (out.size() == before) break;
      if (out.size() > limit) co_return false;
    }
    co_return true;
  }

  bool done() const override { return framing_ == Framing::none; }
  bool reusable() const override { return done() && buffer_.size() == 0; }

 private:
  enum class Framing { none, sized, chunked, until_close };
  using Parser = beast::http::parser<is_request, beast::http::buffer_body>;

  [[noreturn]] void fail(const error_code& trouble, bool any_byte) const {
    Broken broken{Broken::Why::failed, trouble.message(), any_byte};
    if (trouble == asio::error::operation_aborted) throw boost::system::system_error(trouble);
    if (trouble == asio::error::timed_out) broken.why = Broken::Why::timed_out;
    if (trouble == asio::error::eof) broken.why = Broken::Why::torn;
    throw broken;
  }
  [[noreturn]] static void malformed(std::string what) { throw Broken{Broken::Why::malformed, std::move(what), true}; }
  void feed(error_code& trouble) {
    try {
      buffer_.consume(parser_->put(buffer_.data(), trouble));
    } catch (const std::exception& error) {  // Beast's way to say that a field is longer than it can hold
      malformed(error.what());
    }
  }

  /// False when the peer closed before the first byte.
  awaitable<bool> parse_head(Connection& from) {
    parser_.emplace();
    parser_->header_limit(largest_head);
    parser_->body_limit(boost::none);
    framing_ = Framing::none;
    bool any_byte = buffer_.size() > 0;
    for (;;) {
      if (buffer_.size() > 0) {
        error_code trouble;
        feed(trouble);
        if (trouble && trouble != beast::http::error::need_more) malformed(trouble.message());
        if (parser_->is_header_done()) co_return true;
      }
      error_code trouble;
      asio::mutable_buffer room = buffer_.prepare(first_read);
      std::size_t count = co_await from.read_some(room, trouble);
      buffer_.commit(count);
      if (trouble == asio::error::eof && !any_byte) co_return false;
      if (trouble) fail(trouble, any_byte);
      any_byte = true;
    }
  }

  /// 100 and 103 announce the answer.
  bool interim() const {
    if constexpr (is_request) {
      return false;
    } else {
      const unsigned status = parser_->get().result_int();
      return status >= 100 && status < 200 && status != 101;
    }
  }

  Head taken_head(bool bodiless) {
    Head head;
    auto& message = parser_->get();
    if constexpr (is_request) {
      head.method = std::string(message.method_string());
      head.target = std::string(message.target());
    } else {
      head.status = static_cast<int>(message.result_int());
    }
    try {
      for (const auto& field : message) head.headers.add(std::string(field.name_string()), std::string(field.value()));
    } catch (const Error& error) {
      malformed(error.what());
    }
    head.keep_alive = parser_->keep_alive();
    boost::optional<std::uint64_t> length = parser_->content_length();
    if (bodiless || parser_->is_done()) {
      head.length = 0;
    } else if (parser_->chunked()) {
      framing_ = Framing::chunked;
    } else if (length) {
      head.length = left_ = *length;
      framing_ = left_ > 0 ? Framing::sized : Framing::none;
    } else {
      framing_ = Framing::until_close;
    }
    return head;
  }

  /// Appends to `out` at most `limit` bytes of a body without chunks: what lies in the buffer, else straight from
  /// the connection.
  awaitable<void> read_plain(Connection& from, std::string& out, std::size_t limit) {
    if (framing_ == Framing::none) co_return;
    if (framing_ == Framing::sized) limit = static_cast<std::size_t>(std::min<std::uint64_t>(limit, left_));
    const std::size_t before = out.size();
    std::size_t count = std::min(limit, buffer_.size());
    if (count > 0) {
      out.append(static_cast<const char*>(buffer_.data().data()), count);
      buffer_.consume(count);
    } else {
      out.resize(before + limit);
      error_code trouble;
      asio::mutable_buffer room(out.data() + before, limit);
      count = co_await from.read_some(room, trouble);
      out.resize(before + count);
      const bool ends = trouble == asio::error::eof && framing_ == Framing::until_close;
      if (ends && !from.cut_off()) framing_ = Framing::none;
      if (trouble && framing_ != Framing::none) fail(trouble, true);
    }
    if (framing_ == Framing::sized && (left_ -= count) == 0) framing_ = Framing::none;
  }

  awaitable<void> read_chunked(Connection& from, std::string& out, std::size_t limit) {
    const std::size_t before = out.size();
    out.resize(before + limit);
    auto& target = parser_->get().body();
    target.data = out.data() + before;
    target.size = limit;
    target.more = true;
    while (!parser_->is_done()) {
      error_code trouble;
      if (buffer_.size() > 0) {
        feed(trouble);
        if (trouble == beast::http::error::need_buffer) break;
        if (trouble && trouble != beast::http::error::need_more) malformed(trouble.message());
        // Of the sizes, extensions and trailers between the data nothing is digested before the end of the line.
        if (trouble && buffer_.size() > largest_head) malformed("a line between chunks that does not end");
        if (target.size == 0 || parser_->is_done()) break;
        // What has been decoded is handed on before more is waited for.
        if (target.size < limit && (trouble || buffer_.size() == 0)) break;
        if (!trouble) continue;
      }
      trouble.clear();
      asio::mutable_buffer room = buffer_.prepare(first_read);
      std::size_t count = co_await from.read_some(room, trouble);
      buffer_.commit(count);
      if (trouble) fail(trouble, true);
    }
    out.resize(before + limit - target.size);
    if (parser_->is_done()) framing_ = Framing::none;
  }

  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Framing framing_ = Framing::none;
  std::uint64_t left_ = 0;
};

/// Written by the transport itself, never taken over from a message.
bool is_framing(std::string_view name) {
  for (std::string_view own :
       {"content-length", "transfer-encoding", "connection", "host", "keep-alive", "upgrade", "trailer", "te"}) {
    if (equal_ignoring_case(name, own)) return true;
  }
  return false;
}

void append_fields(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (is_framing(name)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
}

}  // namespace

std::unique_ptr<Reader> request_reader() { return std::make_unique<MessageReader<true>>(); }
std::unique_ptr<Reader> response_reader() { return std::make_unique<MessageReader<false>>(); }

void append_request_head(std::string& out, const Url& to, const Request& request, std::optional<std::uint64_t> size) {
  std::string origin = to.origin();
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ");
  out.append(origin, origin.find("//") + 2).append("\r\n");
  append_fields(out, request.headers);
  const bool usual = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!size) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (*size > 0 || usual) {
    out.append("Content-Length: ").append(std::to_string(*size)).append("\r\n");
  }
  out += "\r\n";
}

void append_response_head(std::string& out, const Response& response, std::uint64_t size, bool keep_alive) {
  const auto reason = beast::http::obsolete_reason(beast::http::int_to_status(static_cast<unsigned>(response.status)));
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason).append("\r\n");
  append_fields(out, response.headers);
  if (response.status != 204 && response.status != 304) {
    out.append("Content-Length: ").append(std::to_string(size)).append("\r\n");
  }
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
}

}  // namespace http
MIGRATE_END

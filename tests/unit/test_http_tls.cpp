// TLS against a server with certificates that the test makes itself.
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <memory>

#include "http_kit.hpp"
#include "temporary_folder.hpp"

using namespace migrate;
using namespace http_kit;
namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

struct Identity {
  Key key{nullptr, EVP_PKEY_free};
  Certificate certificate{nullptr, X509_free};
};

void extend(X509* certificate, X509* issuer, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
  REQUIRE(extension);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// An authority where `issuer` is null, else a server of these names.
Identity identity(const char* name, const Identity* issuer, const char* names, long valid_for = 3600) {
  Identity made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
  X509_gmtime_adj(X509_getm_notAfter(certificate), valid_for);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* signer = issuer ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  X509_set_pubkey(certificate, made.key.get());
  extend(certificate, signer, NID_basic_constraints, issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (issuer) extend(certificate, signer, NID_subject_alt_name, names);
  REQUIRE(X509_sign(certificate, issuer ? issuer->key.get() : made.key.get(), EVP_sha256()) > 0);
  return made;
}

void write_certificate(const Identity& identity, const std::filesystem::path& file) {
  std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(file.c_str(), "w"), std::fclose);
  REQUIRE(PEM_write_X509(out.get(), identity.certificate.get()));
}

/// Answers "hello" to whatever it is asked, and notes the name that the client asked for.
struct TlsServer {
  TlsServer(const asio::any_io_executor& executor, const Identity& identity, int newest = TLS1_3_VERSION)
      : context(ssl::context::tls_server), acceptor(executor) {
    SSL_CTX_use_certificate(context.native_handle(), identity.certificate.get());
    SSL_CTX_use_PrivateKey(context.native_handle(), identity.key.get());
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.native_handle(), newest);
    SSL_CTX_set_security_level(context.native_handle(), 0);  // else the library itself refuses what is old
    boost::system::error_code taken;
    for (port = 20443; port < 32000; ++port) {
      tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
      acceptor.open(endpoint.protocol());
      acceptor.bind(endpoint, taken);
      if (!taken) break;
      acceptor.close();
    }
    acceptor.listen();
  }

  awaitable<void> serve() {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    for (;;) {
      tcp::socket socket(executor);
      co_await acceptor.async_accept(socket, asio::use_awaitable);
      socket.set_option(tcp::no_delay(true));  // else the farewell waits for the client to confirm the answer
      ssl::stream<tcp::socket> stream(std::move(socket), context);
      boost::system::error_code failed;
      co_await stream.async_handshake(ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, failed));
      if (failed) continue;
      const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      asked_for = name ? name : "";
      std::string request;
      for (int i = 0; i < 2; ++i) {  // two exchanges a connection
        std::size_t size = co_await asio::async_read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n",
                                                           asio::redirect_error(asio::use_awaitable, failed));
        if (failed) break;
        request.erase(0, size);
        ++exchanges;
        co_await asio::async_write(stream, asio::buffer(answer), asio::use_awaitable);
        if (!keeps) break;
      }
      if (!says_farewell) continue;
      co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, failed));
    }
  }

  ssl::context context;
  tcp::acceptor acceptor;
  std::uint16_t port = 0;
  std::string asked_for;
  int exchanges = 0;
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  bool keeps = true, says_farewell = true;
};

/// Runs `test(server, transport)` with a server of that identity and a client that trusts `authority`.
template <class Test>
void with_server(const Identity& identity, const Identity* authority, Test test, int newest = TLS1_3_VERSION) {
  TemporaryFolder folder;
  http::SocketOptions options;
  if (authority) {
    options.ca_file = (folder.path / "ca.pem").string();
    write_certificate(*authority, options.ca_file);
  }
  run([&]() -> awaitable<void> {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    TlsServer server(executor, identity, newest);
    asio::co_spawn(executor, server.serve(), [](std::exception_ptr) {});
    auto transport = http::socket_transport(options);
    co_await test(server, *transport);
  });
}

http::Url url(const TlsServer& server, std::string host) {
  return http::parse_url("https://" + host + ":" + std::to_string(server.port) + "/");
}
http::Request get() { return http::Request("GET", "/"); }
http::ExchangeLimits limits;

}  // namespace

TEST_CASE("a certificate of a trusted authority, for the name that was asked for") {
  Identity authority = identity("An authority", nullptr, ""),
           server = identity("service", &authority, "DNS:localhost,IP:127.0.0.1");
  with_server(server, &authority, [](TlsServer& at, http::Transport& transport) -> awaitable<void> {
    for (int i = 0; i < 5; ++i) {
      http::Url to = url(at, "localhost");
      http::Response response = co_await transport.exchange(to, get(), limits);
      CHECK(response.body == "hello");
      CHECK(at.asked_for == "localhost");
      co_await settled();  // a client that is quicker than the server's farewell cannot notice it
    }
    CHECK(at.exchanges == 5);  // the server says farewell after two: noticed before the next is sent
  });
  with_server(server, &authority, [](TlsServer& at, http::Transport& transport) -> awaitable<void> {
    http::Url to = url(at, "127.0.0.1");
    http::Response response = co_await transport.exchange(to, get(), limits);
    CHECK(response.body == "hello");
    CHECK(at.asked_for.empty());  // an address is no name
  });
}

TEST_CASE("certificates that are not to be trusted") {
  Identity authority = identity("An authority", nullptr, ""), other = identity("Another", nullptr, "");
  auto refused = [](std::string host, std::string why) {
    return [host, why](TlsServer& at, http::Transport& transport) -> awaitable<void> {
      http::Url to = url(at, host);
      auto error = co_await thrown_by<http::TransportError>(transport.exchange(to, get(), limits));
      CHECK(error.cause == "tls_failed");
      CHECK(error.kind() == ErrorKind::unauthorized);
      CHECK_FALSE(error.sent());
      CAPTURE(std::string(error.what()));
      CHECK(std::string(error.what()).find(why) != std::string::npos);
      CHECK_FALSE(error.advice.empty());
      CHECK(at.exchanges == 0);
    };
  };
  Identity good = identity("service", &authority, "DNS:localhost");
  SUBCASE("of another authority") { with_server(good, &other, refused("localhost", "issuer")); }
  SUBCASE("not of one of the system's") { with_server(good, nullptr, refused("localhost", "issuer")); }
  SUBCASE("for another name") {
    Identity wrong = identity("service", &authority, "DNS:example.org");
    with_server(wrong, &authority, refused("localhost", "ostname mismatch"));
  }
  SUBCASE("for a name, asked for by address") {
    with_server(good, &authority, refused("127.0.0.1", "IP address mismatch"));
  }
  SUBCASE("run out") {
    Identity old = identity("service", &authority, "DNS:localhost", -60);
    with_server(old, &authority, refused("localhost", "expired"));
  }
  SUBCASE("signed by itself") {
    Identity self = identity("localhost", nullptr, "");
    with_server(self, &authority, refused("localhost", "self"));
  }
}

TEST_CASE("a body that ends with the connection is whole only when the farewell of TLS says so") {
  Identity authority = identity("An authority", nullptr, ""), server = identity("service", &authority, "DNS:localhost");
  with_server(server, &authority, [](TlsServer& at, http::Transport& transport) -> awaitable<void> {
    at.keeps = false;
    http::Url to = url(at, "localhost");
    for (const bool sized : {true, false}) {
      at.answer = sized ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" : "HTTP/1.1 200 OK\r\n\r\nhello";
      at.says_farewell = true;
      http::Response response = co_await transport.exchange(to, get(), limits);
      CHECK(response.body == "hello");
      at.says_farewell = false;
      if (sized) {  // the framing tells
        response = co_await transport.exchange(to, get(), limits);
        CHECK(response.body == "hello");
        continue;
      }
      auto error = co_await thrown_by<http::TransportError>(transport.exchange(to, get(), limits));
      CHECK(error.cause == "response_torn");
      http::StreamedResponse opened = co_await transport.open(to, get(), limits);
      std::string bytes = co_await opened.body->read(100);
      CHECK(bytes == "hello");
      error = co_await thrown_by<http::TransportError>(opened.body->read(100));
      CHECK(error.cause == "response_torn");
    }
  });
}

TEST_CASE("nothing older than TLS 1.2") {
  Identity authority = identity("An authority", nullptr, ""), server = identity("service", &authority, "DNS:localhost");
  with_server(
      server, &authority,
      [](TlsServer& at, http::Transport& transport) -> awaitable<void> {
        http::Url to = url(at, "localhost");
        auto error = co_await thrown_by<http::TransportError>(transport.exchange(to, get(), limits));
        CHECK(error.cause == "tls_failed");
        CHECK_FALSE(error.sent());
      },
      TLS1_1_VERSION);
  with_server(
      server, &authority,
      [](TlsServer& at, http::Transport& transport) -> awaitable<void> {
        http::Url to = url(at, "localhost");
        http::Response response = co_await transport.exchange(to, get(), limits);
        CHECK(response.ok());
      },
      TLS1_2_VERSION);
}

TEST_CASE("a file of certificates that is none") {
  TemporaryFolder folder;
  http::SocketOptions options;
  options.ca_file = (folder.path / "ca.pem").string();
  std::ofstream(options.ca_file) << "hello";
  Identity authority = identity("An authority", nullptr, "");
  run([&]() -> awaitable<void> {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    TlsServer server(executor, authority);
    auto transport = http::socket_transport(options);
    http::Url to = url(server, "localhost");
    Error error = co_await thrown_by<Error>(transport->exchange(to, get(), limits));
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK(std::string(error.what()).find(options.ca_file) != std::string::npos);
  });
}

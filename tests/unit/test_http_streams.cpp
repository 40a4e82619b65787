// Bodies that are larger than what may be held in memory.
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <fstream>

#include "http_kit.hpp"
#include "migrate/http/client.hpp"
#include "migrate/http/server.hpp"
#include "migrate/plugin.hpp"

using namespace migrate;
using namespace http_kit;
using boost::asio::ip::tcp;

namespace {

constexpr std::uint64_t size = 64u << 20;

/// Bytes that depend on their position, never held as a whole.
class Pattern final : public ByteStream {
 public:
  awaitable<std::string> read(std::size_t limit) override {
    std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(limit, size - at_)), '\0');
    for (char& byte : bytes) byte = at(at_++);
    co_return bytes;
  }
  static char at(std::uint64_t position) { return static_cast<char>(position * 7 + (position >> 13)); }

 private:
  std::uint64_t at_ = 0;
};

/// Of this process, in memory. The address sanitizer keeps what is freed: nothing can be measured there.
std::size_t resident() {
  if (!std::string_view(MIGRATE_TAG_SANITIZER).empty()) return 0;
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

/// A service in a process of its own, so that what is measured is the client alone: reads an upload and says whether it
/// was right, or sends a download.
class Child {
 public:
  Child() {
    boost::asio::io_context context;
    tcp::acceptor acceptor(context);
    boost::system::error_code taken;
    for (port = 21000; port < 32000; ++port) {
      tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(), port);
      acceptor.open(endpoint.protocol());
      acceptor.bind(endpoint, taken);
      if (!taken) break;
      acceptor.close();
    }
    acceptor.listen();
    context.notify_fork(boost::asio::io_context::fork_prepare);
    process_ = ::fork();
    if (process_ == 0) {
      context.notify_fork(boost::asio::io_context::fork_child);
      serve(acceptor);
      ::_exit(0);
    }
    context.notify_fork(boost::asio::io_context::fork_parent);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { ::waitpid(process_, nullptr, 0); }
  std::uint16_t port = 0;

 private:
  static void serve(tcp::acceptor& acceptor) {
    boost::asio::io_context context;
    tcp::socket socket(context);
    acceptor.accept(socket);
    boost::asio::streambuf buffer;
    boost::asio::read_until(socket, buffer, "\r\n\r\n");
    std::string head(boost::asio::buffers_begin(buffer.data()), boost::asio::buffers_end(buffer.data()));
    std::string body = head.substr(head.find("\r\n\r\n") + 4);
    const bool upload = head.starts_with("PUT");
    std::vector<char> bytes(1 << 16);
    std::uint64_t at = 0;
    bool right = true;
    while (upload && at < size) {
      std::size_t count = body.size();
      std::copy(body.begin(), body.end(), bytes.begin());
      body.clear();
      if (count == 0) count = socket.read_some(boost::asio::buffer(bytes));
      for (std::size_t i = 0; i < count; ++i) right = right && bytes[i] == Pattern::at(at++);
    }
    const std::string answer = upload ? (right ? "right" : "wrong") : "";
    const std::uint64_t length = upload ? answer.size() : size;
    boost::asio::write(socket, boost::asio::buffer("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) +
                                                   "\r\n\r\n" + answer));
    while (!upload && at < size) {
      for (char& byte : bytes) byte = Pattern::at(at++);
      boost::asio::write(socket, boost::asio::buffer(bytes));
    }
  }
  pid_t process_ = -1;
};

http::Client client_of(const Child& child) {
  http::ClientOptions options;
  options.base_url = "http://127.0.0.1:" + std::to_string(child.port);
  return http::Client(options, Services());
}

}  // namespace

TEST_CASE("64 MiB up in bounded memory") {
  Child child;
  run([&]() -> awaitable<void> {
    http::Client client = client_of(child);
    http::Request request("PUT", "/file");
    request.stream = std::make_shared<Pattern>();
    request.stream_size = size;
    const std::size_t before = resident();
    http::Response response = co_await client.send(request);
    CHECK(response.body == "right");
    CHECK(resident() < before + (8u << 20));
  });
}

TEST_CASE("64 MiB down in bounded memory") {
  Child child;
  run([&]() -> awaitable<void> {
    http::Client client = client_of(child);
    http::Request request("GET", "/file");
    const std::size_t before = resident();
    http::StreamedResponse response = co_await client.open(request);
    std::uint64_t at = 0;
    bool right = true;
    std::size_t most = 0;
    for (;;) {
      const std::string bytes = co_await response.body->read(1 << 16);
      if (bytes.empty()) break;
      for (char byte : bytes) right = right && byte == Pattern::at(at++);
      most = std::max(most, resident());
    }
    CHECK(at == size);
    CHECK(right);
    CHECK(most < before + (8u << 20));
  });
}

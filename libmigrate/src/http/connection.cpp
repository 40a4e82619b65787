// What all connections share: limits of time, and whether the other end is still there.
#include <poll.h>

#include "http/wire.hpp"

MIGRATE_BEGIN
namespace http {

namespace asio = boost::asio;
using std::chrono::milliseconds;

Connection::Connection(const asio::any_io_executor& executor) : executor_(executor), timer_(executor) {}
Connection::~Connection() = default;

void Connection::limit(milliseconds idle, std::optional<SteadyTime> end) {
  idle_ = idle;
  end_ = end;
  moved();
}

void Connection::unlimited() {
  limit(milliseconds(0), std::nullopt);
  // Else a connection that only waits to be used again would keep its context from running out of work.
  timer_.cancel();
  armed_for_ = SteadyTime::max();
}

void Connection::moved() {
  deadline_ = idle_.count() > 0 ? std::chrono::steady_clock::now() + idle_ : SteadyTime::max();
  if (end_) deadline_ = std::min(deadline_, *end_);
  // A deadline that moves away is noticed when the timer fires: no timer is touched for each read and write.
  if (deadline_ < armed_for_) watch();
}

void Connection::watch() {
  armed_for_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
    std::shared_ptr<Connection> self = weak.lock();
    if (!self || cancelled) return;
    self->armed_for_ = SteadyTime::max();
    if (self->deadline_ == SteadyTime::max()) return;
    if (std::chrono::steady_clock::now() < self->deadline_) return self->watch();
    self->timed_out_ = true;
    self->close();
  });
}

awaitable<std::size_t> Connection::read_some(asio::mutable_buffer into, error_code& trouble) {
  moved();
  std::size_t count = co_await read_bytes(into, trouble);
  if (const End end = trouble ? end_of(trouble) : End::none; end != End::none) {
    cut_off_ = end == End::cut_off;
    trouble = asio::error::eof;
  }
  if (trouble && timed_out_) trouble = asio::error::timed_out;
  co_return count;
}

awaitable<std::size_t> Connection::write(std::array<asio::const_buffer, 3> parts, error_code& trouble) {
  moved();
  std::size_t count = co_await write_bytes(parts, trouble);
  if (trouble && timed_out_) trouble = asio::error::timed_out;
  co_return count;
}

bool Connection::stale() {
  if (timed_out_ || !socket().is_open() || holds_bytes()) return true;
  pollfd readable{socket().native_handle(), POLLIN, 0};
  return ::poll(&readable, 1, 0) != 0;
}

void Connection::close() {
  error_code ignored;
  socket().shutdown(tcp::socket::shutdown_both, ignored);
  socket().close(ignored);
}

}  // namespace http
MIGRATE_END

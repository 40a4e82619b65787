// Byte streams over something else.
#pragma once

#include <memory>
#include <string>

#include "migrate/http/rate_limiter.hpp"
#include "migrate/source.hpp"

MIGRATE_BEGIN
namespace http {

/// Bytes that are asked of a stream at once: what is held in memory of an upload or a download.
inline constexpr std::size_t stream_chunk = 64 * 1024;

class TextStream final : public ByteStream {
 public:
  explicit TextStream(std::string text) : text_(std::move(text)) {}
  awaitable<std::string> read(std::size_t limit) override {
    std::string bytes = text_.substr(at_, limit);
    at_ += bytes.size();
    co_return bytes;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

/// Keeps the place among the requests in flight until the download has ended.
class Held final : public ByteStream {
 public:
  Held(std::unique_ptr<ByteStream> body, RateLimiter::Permit permit)
      : body_(std::move(body)), permit_(std::move(permit)) {}
  awaitable<std::string> read(std::size_t limit) override {
    std::string bytes = co_await body_->read(limit);
    if (bytes.empty()) permit_ = RateLimiter::Permit();
    co_return bytes;
  }

 private:
  std::unique_ptr<ByteStream> body_;
  RateLimiter::Permit permit_;
};

}  // namespace http
MIGRATE_END

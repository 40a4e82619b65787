// Byte streams over what is already in memory, and the whole of a stream.
#pragma once

#include <optional>
#include <string>

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

}  // namespace http
MIGRATE_END

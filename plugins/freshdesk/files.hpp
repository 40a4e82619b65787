// The bytes of files, which lie behind addresses that expire.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "api.hpp"
#include "directory.hpp"
#include "item.hpp"
#include "migrate/source.hpp"

namespace migrate::freshdesk {

/// Until when a signed address says of itself that it is good (X-Amz-Date and X-Amz-Expires, or Expires); nothing when
/// it does not say.
std::optional<std::chrono::system_clock::time_point> good_until(const std::string& address);

/// Opens blobs by their locators (see item.cpp). An address is taken from the owner of the file at the moment of need;
/// one that the service has given lately is used again while it says of itself that it is good, which saves a request a
/// file. When it is refused all the same, the owner is asked once more. One strand, any number of calls at once.
class Files {
 public:
  explicit Files(Api& api) : api_(api) {}

  /// Remembers the addresses of an owner's attachments; the last two thousand.
  void remember(const Value& owner);
  /// Throws Error(not_found, "file_missing") when the owner no longer lists the file, "file_refused" when its address
  /// is refused even when fresh. The stream throws Error(transient, "file_size") at its end when the size is another
  /// than was announced.
  awaitable<std::unique_ptr<ByteStream>> open(Blob blob);
  /// What lies behind the address of a picture: its first byte is asked for, outside the account's quota. Anybody can
  /// write such an address into a mail, so no trouble with it is thrown but a stop and the helpdesk's own throttling.
  awaitable<PictureFile> look_at(std::string address);

 private:
  std::optional<std::string> remembered(const Blob& blob);
  awaitable<std::string> ask(Blob blob);
  awaitable<std::optional<Value>> owner_of(const Value* locator, int page, bool& more);

  static constexpr std::size_t most_remembered = 2000;
  static constexpr std::chrono::seconds margin{30};  ///< a download begins before its address expires

  Api& api_;
  Recent<std::string> addresses_{most_remembered};
};

}  // namespace migrate::freshdesk

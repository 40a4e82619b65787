// The bytes of files, which lie behind addresses that expire.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api.hpp"
#include "directory.hpp"
#include "html.hpp"
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
  /// is refused even when fresh, Error(transient,
  /// "not_the_picture") when a page answers in the place of a picture that a text shows. The stream throws
  /// Error(transient, "file_size") at its end when the size is another than was announced.
  awaitable<std::unique_ptr<ByteStream>> open(Blob blob);
  /// What lies behind the addresses of one ticket's pictures, by their ids: the first byte of each is asked for,
  /// outside the account's quota. What a passing trouble may have hidden is looked at once more a minute later. Anybody
  /// can write such an address into a mail, so no trouble with it is thrown but a stop, the helpdesk's own, and
  /// Error(transient, "files_unreachable") where one that has answered in this run no longer does either.
  awaitable<std::map<std::string, PictureFile>> look_at(std::vector<KeptPicture> pictures);

 private:
  std::optional<std::string> remembered(const Blob& blob);
  awaitable<std::string> ask(Blob blob);
  awaitable<PictureFile> look_at_one(std::string address);
  awaitable<void> ask_others(std::string silent_host);
  awaitable<std::vector<KeptPicture>> look_over(std::vector<KeptPicture> pictures, int silences,
                                                std::map<std::string, PictureFile>& files);
  awaitable<std::optional<Value>> owner_of(const Value* locator, int page, bool& more);

  static constexpr std::size_t most_remembered = 2000;
  static constexpr std::chrono::seconds margin{30};  ///< a download begins before its address expires
  static constexpr std::chrono::milliseconds until_next_look{60'000};
  static constexpr int most_waits_in_vain = 3;
  static constexpr std::size_t most_silent_hosts = 5;  ///< of the pictures of one ticket

  /// A host that pictures lie on, as this run has met it.
  struct Keeper {
    std::uint64_t answers = 0;
    bool silent = false;       ///< at the last look
    bool unreachable = false;  ///< after a wait, until it answers
    int waits_in_vain = 0;     ///< in a row, for errors that it answers with
  };

  Api& api_;
  Recent<std::string> addresses_{most_remembered};
  std::map<std::string, Keeper> keepers_;
  std::string known_;  ///< the last picture of which there was an answer
  bool asking_ = false;
};

}  // namespace migrate::freshdesk

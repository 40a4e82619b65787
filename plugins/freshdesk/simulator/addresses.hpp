// The addresses that the service hands out for files: signed ones that expire, tokens that do not, and old public ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "simulator/instant.hpp"

namespace migrate::freshdesk::simulation {

class Addresses {
 public:
  Addresses(std::uint64_t seed, Seconds valid);

  /// "http://host:port" of the help desk and of the store of files.
  void locate(std::string desk, std::string store);
  const std::string& desk() const noexcept { return desk_; }
  const std::string& store() const noexcept { return store_; }

  /// On the store; good from `now` on for as long as the settings say.
  std::string signed_url(std::string_view path, Seconds now) const;
  enum class Verdict { good, unsigned_request, wrong_signature, expired };
  struct Examination {
    Verdict verdict = Verdict::unsigned_request;
    Seconds from = 0, valid = 0;
  };
  /// `target` is the whole target of a request to the store.
  Examination examine(std::string_view target, Seconds now) const;

  /// On the help desk, for whoever has it and for ever: leads to the file.
  std::string inline_url(std::int64_t file) const;
  /// The file that a token names; nothing when nobody here has made it.
  std::optional<std::int64_t> file_of(std::string_view token) const;

  /// "/data/helpdesk/attachments/production/17/original/a%20b.png"
  static std::string file_path(std::int64_t file, std::string_view name);

 private:
  std::string signature(std::string_view path, std::string_view time, std::string_view valid) const;

  std::string secret_, desk_ = "https://desk.simulated", store_ = "https://files.simulated";
  Seconds valid_;
};

}  // namespace migrate::freshdesk::simulation

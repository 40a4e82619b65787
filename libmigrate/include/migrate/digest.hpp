// SHA-256: what proves that a file arrived as it left, and what signs the addresses of simulators.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN

/// Of bytes that come in parts. Throws Error(internal) when the cryptographic library refuses to work.
class MIGRATE_API Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  /// 64 hexadecimal digits in lower case. The object starts anew afterwards.
  std::string finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// The same at once.
MIGRATE_API std::string sha256(std::string_view bytes);
/// 32 raw bytes.
MIGRATE_API std::string hmac_sha256(std::string_view key, std::string_view message);
/// Two lower-case digits a byte.
MIGRATE_API std::string hex(std::string_view bytes);

MIGRATE_END

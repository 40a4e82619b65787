#include "migrate/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "migrate/error.hpp"

MIGRATE_BEGIN

namespace {

constexpr std::size_t sha256_size = 32;

void require(bool worked) {
  if (!worked) throw Error(ErrorKind::internal, "no_sha256", "OpenSSL refuses to compute SHA-256");
}

std::string_view text(const unsigned char* bytes, std::size_t size) {
  return std::string_view(reinterpret_cast<const char*>(bytes), size);
}

/// Looked up once: OpenSSL searches its providers each time that it is given the algorithm by EVP_sha256().
const EVP_MD* algorithm() {
  static EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  require(found != nullptr);
  return found;
}

}  // namespace

class Sha256::State {
 public:
  State() : context_(EVP_MD_CTX_new()) { start(); }
  ~State() { EVP_MD_CTX_free(context_); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void start() { require(context_ && EVP_DigestInit_ex(context_, algorithm(), nullptr) == 1); }
  void update(std::string_view bytes) { require(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1); }
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    require(EVP_DigestFinal_ex(context_, digest.data(), &size) == 1);
    start();
    return hex(text(digest.data(), size));
  }

 private:
  EVP_MD_CTX* context_;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
void Sha256::update(std::string_view bytes) { state_->update(bytes); }
std::string Sha256::finish() { return state_->finish(); }

std::string sha256(std::string_view bytes) {
  Sha256 whole;
  whole.update(bytes);
  return whole.finish();
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::array<unsigned char, sha256_size> code;
  unsigned size = 0;
  require(HMAC(algorithm(), key.data(), static_cast<int>(key.size()),
               reinterpret_cast<const unsigned char*>(message.data()), message.size(), code.data(), &size) != nullptr);
  return std::string(text(code.data(), size));
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(bytes.size() * 2, '\0');
  char* to = out.data();
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15U];
  }
  return out;
}

MIGRATE_END

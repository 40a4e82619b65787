// SHA-256 and base64, against the vectors of their standards.
#include <doctest/doctest.h>

#include "migrate/base64.hpp"
#include "migrate/digest.hpp"

using namespace migrate;

TEST_CASE("SHA-256 gives the digests of FIPS 180, at once and in parts") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  for (int i = 0; i < 1000; ++i) parts.update(std::string(1000, 'a'));
  CHECK(parts.finish() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(parts.finish() == sha256(""));
}

TEST_CASE("HMAC-SHA-256 gives the codes of RFC 4231, also for a key longer than a block") {
  CHECK(hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("base64 gives the texts of RFC 4648 and reads them back") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},         {"f", "Zg=="},        {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},  {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  std::string bytes;
  for (const auto& [plain, text] : vectors) {
    CHECK(base64_encode(plain) == text);
    CHECK(base64_decode(text, bytes));
    CHECK(bytes == plain);
  }
  const std::string odd("\xfb\xff\0\xfe", 4);
  CHECK(base64_encode(odd) == "+/8A/g==");
  CHECK(base64_encode(odd, Base64::url) == "-_8A_g");
  CHECK(base64_decode("-_8A_g", bytes, Base64::url));
  CHECK(bytes == odd);
  CHECK_FALSE(base64_decode("-_8A_g", bytes));
  CHECK_FALSE(base64_decode("+/8A/g", bytes, Base64::url));
  CHECK_FALSE(base64_decode("Zm9vY", bytes));
  CHECK_FALSE(base64_decode("Zm 9v", bytes));
}

// Bytes as base64 text (RFC 4648).
#pragma once

#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN

/// `standard` has + and / and is padded; `url` has - and _ and is not, as tokens in addresses are written.
enum class Base64 { standard, url };

MIGRATE_API std::string base64_encode(std::string_view bytes, Base64 alphabet = Base64::standard);
/// False when it is not base64 of that alphabet. Padding at the end may be missing. `bytes` keeps its capacity.
MIGRATE_API bool base64_decode(std::string_view text, std::string& bytes, Base64 alphabet = Base64::standard);

MIGRATE_END

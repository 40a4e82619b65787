// Addresses: what is left of them, and which are harmless.
#pragma once

#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

/// Valid UTF-8 without blanks around it and without control characters and line ends inside it.
std::string clean_address(std::string_view address);
/// Whether clean_address() would leave it as it is.
bool is_clean_address(std::string_view address) noexcept;

/// "https" of "https://…"; empty for an address without one. What browsers ignore is ignored.
std::string scheme_of(std::string_view address);

/// Whether a link may lead there: relative, or of a scheme that runs nothing.
bool is_safe_link(std::string_view address);
/// Whether an image may come from there: like a link, and the data: of pictures.
bool is_safe_image(std::string_view address);
/// http or https with a host.
bool is_web_address(std::string_view address);

/// The last part of a path, for people: "shot.png" of "https://x.test/a/shot.png?v=1"; empty for data: and the like.
std::string file_name_of(std::string_view address);
std::string percent_decoded(std::string_view text);

}  // namespace richtext
MIGRATE_END

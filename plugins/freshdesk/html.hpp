// What a reader has to know of the HTML of tickets: the pictures that it shows, and links that are added to it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace migrate::freshdesk {

/// A picture by its address, as it stands in the text; `name` is its alternative text where that is a file's name.
struct ShownPicture {
  std::string address, name;
};
/// Each address once, in order.
std::vector<ShownPicture> pictures_in(std::string_view html);

/// A picture that the service itself keeps: by a token that names its id, or by an older address that holds it.
struct KeptPicture {
  std::string id;
  std::string address;    ///< to fetch it from: without the "cid:" that some mails have put before it
  std::string name;       ///< of the file where the address tells; else empty
  bool own_host = false;  ///< lies where the service keeps files: fit to be fetched
};
/// `shown` is the address in the text, `site` the helpdesk's. Nothing for pictures of others: anybody can write their
/// address into a mail, so they are never fetched.
std::optional<KeptPicture> kept_picture(const std::string& shown, const std::string& site);

/// A picture that is itself in its address ("data:image/png;base64,…").
struct EmbeddedPicture {
  std::string media_type, base64, name;
  std::size_t size = 0;  ///< bytes
};
bool is_data_address(std::string_view address);
/// As browsers read it: letters of either case, "%2B", and blanks of folded lines. Nothing where no picture comes out.
std::optional<EmbeddedPicture> embedded_picture(std::string_view address);

/// Whether what came in place of a picture is a page or a program's words: a form to sign in, a notice of maintenance.
/// `start`: its first bytes, as far as they are known.
bool is_no_picture(std::string_view media_type, std::string_view start);

std::string escaped(std::string_view text);

}  // namespace migrate::freshdesk

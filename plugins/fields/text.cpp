#include "text.hpp"

#include <fmt/format.h>
#include <iconv.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>

#include "migrate/base64.hpp"

namespace migrate::fields {
namespace {

/// Length of the UTF-8 sequence at `p`; 0 when it is none.
std::size_t sequence_length(const unsigned char* p, const unsigned char* end) noexcept {
  unsigned char lead = *p;
  if (lead < 0x80) return 1;
  std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                       : (lead & 0xF0) == 0xE0        ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
  if (length == 0 || static_cast<std::size_t>(end - p) < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((p[i] & 0xC0) != 0x80) return 0;
  }
  bool overlong = (lead == 0xE0 && p[1] < 0xA0) || (lead == 0xF0 && p[1] < 0x90);
  bool surrogate = lead == 0xED && p[1] > 0x9F;
  bool beyond = lead == 0xF4 && p[1] > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

/// The code point when a reader would not see it: no-break and zero-width spaces, marks of direction, joiners.
unsigned unseen(const unsigned char* p, std::size_t length) noexcept {
  if (length == 2) return p[0] == 0xC2 && p[1] == 0xA0 ? 0xA0 : 0;
  if (length != 3) return 0;
  unsigned letter = (p[0] & 0x0FU) << 12 | (p[1] & 0x3FU) << 6 | (p[2] & 0x3FU);
  bool hidden = (letter >= 0x200B && letter <= 0x200F) || (letter >= 0x2028 && letter <= 0x202F) ||
                (letter >= 0x2060 && letter <= 0x206F) || letter == 0xFEFF;
  return hidden ? letter : 0;
}

class Iconv {
 public:
  explicit Iconv(const std::string& charset) : handle_(iconv_open("UTF-8", charset.c_str())) {}
  ~Iconv() {
    if (valid()) iconv_close(handle_);
  }
  Iconv(const Iconv&) = delete;
  Iconv& operator=(const Iconv&) = delete;
  bool valid() const noexcept { return handle_ != reinterpret_cast<iconv_t>(-1); }

  std::optional<std::string> convert(std::string_view bytes) const {
    iconv(handle_, nullptr, nullptr, nullptr, nullptr);
    // A character of any charset takes at most four bytes of UTF-8, plus what a stateful one flushes at the end.
    std::string out(bytes.size() * 4 + 16, '\0');
    char* from = const_cast<char*>(bytes.data());
    std::size_t from_left = bytes.size();
    char* to = out.data();
    std::size_t to_left = out.size();
    if (iconv(handle_, &from, &from_left, &to, &to_left) == static_cast<std::size_t>(-1) || from_left != 0) return {};
    if (iconv(handle_, nullptr, nullptr, &to, &to_left) == static_cast<std::size_t>(-1)) return {};
    out.resize(out.size() - to_left);
    return out;
  }

 private:
  iconv_t handle_;
};

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

bool is_ascii(std::string_view text) noexcept {
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    if (word & 0x8080808080808080ULL) return false;
  }
  for (; left > 0; ++p, --left) {
    if (static_cast<unsigned char>(*p) & 0x80) return false;
  }
  return true;
}

bool is_utf8(std::string_view text) noexcept {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p != end) {
    std::size_t length = sequence_length(p, end);
    if (length == 0) return false;
    p += length;
  }
  return true;
}

bool is_blank(const Value* value) noexcept {
  if (value == nullptr || value->is_null()) return true;
  const boost::json::string* text = value->if_string();
  return text != nullptr && trimmed(*text).empty();
}

Charset::Charset(std::string name) : name_(std::move(name)) {
  Iconv converter(name_);
  if (!converter.valid()) {
    throw Error(ErrorKind::invalid, "configuration", fmt::format("\"{}\" is not a charset that iconv knows", name_))
        .with_advice("`iconv --list` shows the names");
  }
  bool complete = true;
  for (int byte = 0; byte < 256; ++byte) {
    char c = static_cast<char>(byte);
    auto letter = converter.convert(std::string_view(&c, 1));
    if (!letter || letter->empty() || letter->size() > 4) {
      complete = false;
      continue;
    }
    table_[static_cast<std::size_t>(byte)].size = static_cast<std::uint8_t>(letter->size());
    std::memcpy(table_[static_cast<std::size_t>(byte)].bytes.data(), letter->data(), letter->size());
  }
  // A byte without meaning of its own is either a hole of a single-byte charset or the start of a longer sequence:
  // only the former fails with every byte that could follow it.
  for (int first = 128; first < 256 && !complete && single_byte_; ++first) {
    if (table_[static_cast<std::size_t>(first)].size != 0) continue;
    for (int second = 32; second < 256 && single_byte_; ++second) {
      char pair[2] = {static_cast<char>(first), static_cast<char>(second)};
      if (converter.convert(std::string_view(pair, 2))) single_byte_ = false;
    }
  }
  // UTF-16 and its like give nothing for one byte and something for two that are plain ASCII.
  if (table_['A'].size != 1 || table_['A'].bytes[0] != 'A') single_byte_ = false;
}

std::optional<std::string> Charset::decode(std::string_view bytes) const {
  if (!single_byte_) return Iconv(name_).convert(bytes);
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    const Letter& letter = table_[static_cast<unsigned char>(c)];
    if (letter.size == 0) return std::nullopt;
    out.append(letter.bytes.data(), letter.size);
  }
  return out;
}

void digits_to_ascii(boost::json::string& text) {
  if (is_ascii(text)) return;
  char* to = text.data();
  const char* from = text.data();
  const char* end = from + text.size();
  while (from != end) {
    auto lead = static_cast<unsigned char>(*from);
    if (end - from >= 2) {
      auto next = static_cast<unsigned char>(from[1]);
      bool arabic = lead == 0xD9 && next >= 0xA0 && next <= 0xA9;   // U+0660 to U+0669
      bool persian = lead == 0xDB && next >= 0xB0 && next <= 0xB9;  // U+06F0 to U+06F9
      if (arabic || persian) {
        *to++ = static_cast<char>('0' + (next & 0x0F));
        from += 2;
        continue;
      }
    }
    *to++ = *from++;
  }
  text.resize(static_cast<std::size_t>(to - text.data()));
}

std::optional<std::string> binary_bytes(const Value& value) {
  const Object* object = value.if_object();
  if (object == nullptr || object->size() != 1) return std::nullopt;
  const Value* binary = object->if_contains("$binary");
  const Object* parts = binary != nullptr ? binary->if_object() : nullptr;
  const Value* encoded = parts != nullptr ? parts->if_contains("base64") : nullptr;
  const boost::json::string* text = encoded != nullptr ? encoded->if_string() : nullptr;
  if (text == nullptr) return std::nullopt;
  std::string bytes;
  if (!base64_decode(*text, bytes)) return std::nullopt;
  return bytes;
}

std::optional<std::string_view> scalar_text(const Value& value, std::string& spare) {
  switch (value.kind()) {
    case boost::json::kind::string:
      return std::string_view(value.get_string());
    case boost::json::kind::int64:
      spare = fmt::format_int(value.get_int64()).str();
      return spare;
    case boost::json::kind::uint64:
      spare = fmt::format_int(value.get_uint64()).str();
      return spare;
    case boost::json::kind::double_:
      spare = fmt::format("{}", value.get_double());
      return spare;
    case boost::json::kind::bool_:
      spare = value.get_bool() ? "true" : "false";
      return spare;
    case boost::json::kind::null:
      spare.clear();
      return spare;
    default:
      return std::nullopt;
  }
}

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string out = "\"";
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p != end && out.size() < longest) {
    std::size_t length = sequence_length(p, end);
    if (length == 0 || *p < 0x20) {
      out += fmt::format("\\x{:02x}", *p++);
    } else if (unsigned letter = unseen(p, length); letter != 0) {
      out += fmt::format("\\u{:04x}", letter);
      p += length;
    } else {
      out.append(reinterpret_cast<const char*>(p), length);
      p += length;
    }
  }
  out += p == end ? "\"" : "…\"";
  return out;
}

std::string quoted(const Value& value) {
  std::string spare;
  if (auto bytes = binary_bytes(value)) return quoted(std::string_view(*bytes));
  if (auto text = scalar_text(value, spare)) return quoted(*text);
  return quoted(std::string_view(boost::json::serialize(value)));
}

}  // namespace migrate::fields

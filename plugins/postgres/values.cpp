#include "values.hpp"

#include <boost/json/serialize.hpp>

#include <array>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include "migrate/base64.hpp"
#include "migrate/json.hpp"

namespace migrate::postgres {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string bytes_of_hex(std::string_view text) {
  std::string bytes;
  if (text.starts_with("\\x")) text.remove_prefix(2);
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(hex_value(text[i]) * 16 + hex_value(text[i + 1]));
  }
  return bytes;
}

bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* const end = at + text.size();
  const auto follows = [&](int count, unsigned char least, unsigned char most) {
    if (end - at <= count || at[1] < least || at[1] > most) return false;
    for (int i = 2; i <= count; ++i) {
      if ((at[i] & 0xC0) != 0x80) return false;
    }
    at += count + 1;
    return true;
  };
  while (at != end) {
    const unsigned char lead = *at;
    if (lead < 0x80) {
      ++at;
      continue;
    }
    bool good = false;
    if (lead >= 0xC2 && lead <= 0xDF)
      good = follows(1, 0x80, 0xBF);
    else if (lead == 0xE0)
      good = follows(2, 0xA0, 0xBF);
    else if (lead == 0xED)
      good = follows(2, 0x80, 0x9F);
    else if (lead >= 0xE1 && lead <= 0xEF)
      good = follows(2, 0x80, 0xBF);
    else if (lead == 0xF0)
      good = follows(3, 0x90, 0xBF);
    else if (lead >= 0xF1 && lead <= 0xF3)
      good = follows(3, 0x80, 0xBF);
    else if (lead == 0xF4)
      good = follows(3, 0x80, 0x8F);
    if (!good) return false;
  }
  return true;
}

Value wrapped(std::string_view name, Value value, const boost::json::storage_ptr& storage) {
  Object object(storage);
  object.reserve(1);
  object.emplace(name, std::move(value));
  return Value(std::move(object));
}

Value text_value(std::string_view text, const boost::json::storage_ptr& storage) {
  return Value(boost::json::string(text, storage));
}

Value binary_value(std::string_view bytes, const boost::json::storage_ptr& storage) {
  Object inner(storage);
  inner.reserve(2);
  inner.emplace("base64", base64_encode(bytes));
  inner.emplace("subType", "00");
  return wrapped("$binary", Value(std::move(inner)), storage);
}

// "2024-01-31 20:00:00.5+00": the session's zone is UTC. Infinity and years before Christ have no such form.
Value instant_value(std::string_view text, const boost::json::storage_ptr& storage) {
  if (text.size() < 22 || !text.ends_with("+00")) return text_value(text, storage);
  boost::json::string out(text.substr(0, text.size() - 3), storage);
  if (const std::size_t blank = out.find(' '); blank != boost::json::string::npos) out[blank] = 'T';
  out += 'Z';
  return wrapped("$date", Value(std::move(out)), storage);
}

Value local_time_value(std::string_view text, const boost::json::storage_ptr& storage) {
  boost::json::string out(text, storage);
  if (out.size() >= 19 && out[10] == ' ') out[10] = 'T';
  return Value(std::move(out));
}

Value real_value(std::string_view text, const boost::json::storage_ptr& storage) {
  if (text == "NaN" || text.ends_with("Infinity")) return wrapped("$numberDouble", text_value(text, storage), storage);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return Value(number, storage);
}

Value json_value(std::string_view text, const boost::json::storage_ptr& storage) {
  boost::system::error_code error;
  Value value = parse_json(text, error, storage);
  return error ? text_value(text, storage) : value;
}

}  // namespace

Value decode(Kind kind, std::string_view text, bool raw_bytes, const boost::json::storage_ptr& storage) {
  switch (kind) {
    case Kind::boolean:
      return Value(text == "t", storage);
    case Kind::integer: {
      std::int64_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      return Value(number, storage);
    }
    case Kind::real:
      return real_value(text, storage);
    case Kind::numeric:
      return wrapped("$numberDecimal", text_value(text, storage), storage);
    case Kind::timestamptz:
      return instant_value(text, storage);
    case Kind::timestamp:
      return local_time_value(text, storage);
    case Kind::bytea:
      return binary_value(bytes_of_hex(text), storage);
    case Kind::json:
    case Kind::jsonb:
      return json_value(text, storage);
    case Kind::date:
    case Kind::text:
    case Kind::other:
      break;
  }
  if (raw_bytes && !is_utf8(text)) return binary_value(text, storage);
  return text_value(text, storage);
}

char* CopyBuffer::room(std::size_t size) {
  if (buffer_.size() - used_ < size) buffer_.resize(std::max(buffer_.size() * 2, used_ + size + 4096));
  return buffer_.data() + used_;
}

void CopyBuffer::raw(std::string_view text) {
  std::memcpy(room(text.size()), text.data(), text.size());
  used_ += text.size();
}

void CopyBuffer::number(std::int64_t value) {
  char* at = room(24);
  used_ += static_cast<std::size_t>(std::to_chars(at, at + 24, value).ptr - at);
}

namespace {

// 0: as it is; 1: U+0000; else the letter after the backslash.
constexpr std::array<char, 256> escapes = [] {
  std::array<char, 256> table{};
  table[0] = 1;
  table['\\'] = '\\';
  table['\t'] = 't';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\v'] = 'v';
  return table;
}();

}  // namespace

bool CopyBuffer::text(std::string_view value) {
  char* out = room(value.size() * 2);
  for (const char c : value) {
    const char escape = escapes[static_cast<unsigned char>(c)];
    if (escape == 0) [[likely]] {
      *out++ = c;
    } else {
      if (escape == 1) return false;
      *out++ = '\\';
      *out++ = escape;
    }
  }
  used_ = static_cast<std::size_t>(out - buffer_.data());
  return true;
}

Refusal CopyBuffer::value(const Value& value, Kind kind, bool raw_bytes) {
  switch (value.kind()) {
    case boost::json::kind::null:
      null();
      return Refusal::none;
    case boost::json::kind::bool_:
      // A number column takes 1 and 0, the others PostgreSQL's own words.
      if (kind == Kind::integer || kind == Kind::real || kind == Kind::numeric)
        raw(value.get_bool() ? "1" : "0");
      else
        raw(value.get_bool() ? "true" : "false");
      return Refusal::none;
    case boost::json::kind::int64:
      number(value.get_int64());
      return Refusal::none;
    case boost::json::kind::uint64:
      raw(std::to_string(value.get_uint64()));
      return Refusal::none;
    case boost::json::kind::double_: {
      char* at = room(32);
      used_ += static_cast<std::size_t>(std::to_chars(at, at + 32, value.get_double()).ptr - at);
      return Refusal::none;
    }
    case boost::json::kind::string: {
      const boost::json::string& string = value.get_string();
      if (kind == Kind::json || kind == Kind::jsonb)
        return text(boost::json::serialize(string)) ? Refusal::none : Refusal::nul_character;
      return text(std::string_view(string.data(), string.size())) ? Refusal::none : Refusal::nul_character;
    }
    case boost::json::kind::array:
    case boost::json::kind::object:
      return object(value, kind, raw_bytes);
  }
  return Refusal::bad_value;
}

Refusal CopyBuffer::object(const Value& value, Kind kind, bool raw_bytes) {
  const Object* object = value.if_object();
  if (object && object->size() == 1 && object->begin()->key().starts_with('$')) {
    const auto& [name, inner] = *object->begin();
    const boost::json::string* string = inner.if_string();
    if (string && (name == "$date" || name == "$numberDecimal" || name == "$numberDouble")) {
      return text(std::string_view(string->data(), string->size())) ? Refusal::none : Refusal::nul_character;
    }
    const Object* binary = name == "$binary" ? inner.if_object() : nullptr;
    const Value* base64 = binary ? binary->if_contains("base64") : nullptr;
    if (base64 && base64->is_string()) {
      if (!base64_decode(base64->get_string(), scratch_)) return Refusal::bad_value;
      if (kind != Kind::bytea) return raw_bytes && text(scratch_) ? Refusal::none : Refusal::bad_value;
      char* at = room(scratch_.size() * 2 + 3);
      std::memcpy(at, "\\\\x", 3);
      at += 3;
      for (const char c : scratch_) {
        *at++ = hex_digits[static_cast<unsigned char>(c) >> 4];
        *at++ = hex_digits[static_cast<unsigned char>(c) & 15];
      }
      used_ += scratch_.size() * 2 + 3;
      return Refusal::none;
    }
  }
  if (kind != Kind::json && kind != Kind::jsonb && kind != Kind::text) return Refusal::bad_value;
  return text(boost::json::serialize(value)) ? Refusal::none : Refusal::nul_character;
}

std::string key_text(const Value& value) {
  if (const auto* string = value.if_string()) return std::string(string->data(), string->size());
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (const Object* object = value.if_object(); object && object->size() == 1 && object->begin()->value().is_string()) {
    const boost::json::string& inner = object->begin()->value().get_string();
    return std::string(inner.data(), inner.size());
  }
  return boost::json::serialize(value);
}

}  // namespace migrate::postgres

#include "shape.hpp"

#include <map>
#include <utility>

#include "json.hpp"
#include "window.hpp"

namespace migrate::freshdesk {

std::string time_of(const Value& value, std::string_view name) {
  std::string written = text(value, name);
  if (written.empty()) return written;
  try {
    return to_text(second_from(written));
  } catch (const Error&) {
    return written;
  }
}

Value canonical(const Value& value) {
  if (const Array* array = value.if_array()) {
    Array result;
    for (const Value& element : *array) result.push_back(canonical(element));
    return result;
  }
  const Object* object = value.if_object();
  if (!object) return value;
  std::map<std::string, Value> members;
  for (const auto& [key, element] : *object) {
    Value clean = canonical(element);
    const bool nothing = clean.is_null() || (clean.is_string() && clean.get_string().empty()) ||
                         (clean.is_array() && clean.get_array().empty()) ||
                         (clean.is_object() && clean.get_object().empty());
    if (!nothing) members.emplace(std::string(key), std::move(clean));
  }
  Object result;
  for (auto& [key, element] : members) result.emplace(key, std::move(element));
  return result;
}

Person person_of_mailbox(std::string id, const std::string& mailbox) {
  const std::size_t open = mailbox.find('<'), close = mailbox.find('>', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return Person{std::move(id), "", mailbox};
  std::string name = mailbox.substr(0, open);
  std::erase(name, '"');
  while (name.ends_with(' ')) name.pop_back();
  return Person{std::move(id), std::move(name), mailbox.substr(open + 1, close - open - 1)};
}

std::int64_t seconds_of(const std::string& hours_and_minutes) {
  const std::size_t colon = hours_and_minutes.find(':');
  if (colon == std::string::npos) return -1;
  std::int64_t total = 0;
  for (const std::string& part : {hours_and_minutes.substr(0, colon), hours_and_minutes.substr(colon + 1)}) {
    if (part.empty() || part.size() > 8 || part.find_first_not_of("0123456789") != std::string::npos) return -1;
    total = total * 60 + std::stoll(part);
  }
  return total * 60;
}

}  // namespace migrate::freshdesk

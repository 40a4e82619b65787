// The query of a request, as strictly read as the service reads it; and the answers that are no data.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/http/message.hpp"
#include "simulator/instant.hpp"

namespace migrate::freshdesk::simulation {

/// {"code":…,"message":…}
http::Response refusal(int status, std::string_view code, std::string_view message);
http::Response without_body(int status);
http::Response html_page(int status, std::string_view title);

/// Notes every fault; refusal() names them all.
class Parameters {
 public:
  /// Others than `known` are faults.
  Parameters(const http::Request& request, std::initializer_list<std::string_view> known);

  std::optional<std::string> text(std::string_view name) const;
  /// From 1 to `most`; `fallback` when it is not there, or no such number.
  std::int64_t number(std::string_view name, std::int64_t fallback, std::int64_t most);
  std::optional<std::int64_t> id(std::string_view name);
  std::optional<Seconds> time(std::string_view name);
  std::optional<bool> truth(std::string_view name);
  /// The first choice when it is not there.
  std::string choice(std::string_view name, std::initializer_list<std::string_view> choices);
  /// A comma-separated list.
  std::set<std::string, std::less<>> choices(std::string_view name, std::initializer_list<std::string_view> choices);

  void fault(std::string_view field, std::string_view message, std::string_view code = "invalid_value");
  /// 400 with all faults; nothing when there are none.
  std::optional<http::Response> refusal() const;

 private:
  std::vector<std::pair<std::string, std::string>> given_;
  Array faults_;
};

struct Page {
  std::int64_t number = 1, size = 30;
  std::size_t first() const noexcept { return static_cast<std::size_t>((number - 1) * size); }
};
/// `page` and `per_page`.
Page page_of(Parameters& parameters);
/// With the header for the next page when there is one.
http::Response page_answer(Value items, const http::Request& request, std::string_view origin, const Page& page,
                           bool more);

}  // namespace migrate::freshdesk::simulation

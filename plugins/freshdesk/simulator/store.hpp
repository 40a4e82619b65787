// The store of files: another host, which knows signed addresses and no accounts.
#pragma once

#include <functional>
#include <optional>

#include "migrate/http/message.hpp"
#include "simulator/content.hpp"

namespace migrate::freshdesk::simulation {

class Store {
 public:
  Store(const Content& content, const Addresses& addresses) : content_(content), addresses_(addresses) {}

  /// Answers as a file store does: XML where it refuses. `exported` gives the bytes of an export by its number.
  http::Response answer(const http::Request& request, Seconds now,
                        const std::function<std::optional<std::string>(std::int64_t)>& exported) const;
  /// "/inline/attachment?token=…" of the help desk: leads to the file.
  http::Response follow_token(const http::Request& request, Seconds now) const;

  static std::string export_path(std::int64_t job);

 private:
  const Content& content_;
  const Addresses& addresses_;
};

}  // namespace migrate::freshdesk::simulation

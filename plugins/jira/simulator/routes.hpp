// Which request leads to which handler.
#pragma once

#include <string_view>
#include <vector>

#include "service.hpp"

namespace migrate::jira::sim {

struct Route {
  enum Where { everywhere, cloud, server };
  enum Body { empty, json, multipart };
  std::string_view method, pattern;
  http::Response (Service::*handler)(Call&);
  std::string_view query = {};  ///< names that it takes, separated by blanks
  Where where = everywhere;
  Body body = empty;
};
const std::vector<Route>& routes();

}  // namespace migrate::jira::sim

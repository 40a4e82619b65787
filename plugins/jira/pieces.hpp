// A text as several that fit, one behind the other. Pure; callable from any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "migrate/richtext/document.hpp"

namespace migrate::jira {

/// The document, which is normalised, in pieces of at most `limit` by `length`, which measures a tree's printed form:
/// nothing of it is missing, and nothing stands in two of them. Lists, tables and quotes go on in the next piece. One
/// that cannot be parted any more (a picture) may be longer than the limit.
std::vector<richtext::Node> pieces_of(richtext::Node document, std::size_t limit,
                                      const std::function<std::size_t(const richtext::Node&)>& length);

}  // namespace migrate::jira

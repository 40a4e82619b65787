// Wiki markup within a line, for the reader of blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "migrate/record.hpp"

namespace migrate::jira::sim {

/// The name at the media service of the file of that name.
using MediaOf = std::function<std::optional<std::string>(std::string_view name)>;

/// Inline nodes of one paragraph. A picture stands among them as a node "media", which only a block can hold: the
/// caller puts it where it belongs.
Array read_inline(std::string_view text, const MediaOf& media);

}  // namespace migrate::jira::sim

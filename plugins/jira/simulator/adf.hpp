// Atlassian documents as the stand-in takes them: what is valid, what is in them, and wiki markup both ways.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/record.hpp"

namespace migrate::jira::sim {

/// What a look at a document found.
struct Examined {
  std::string fault;  ///< empty: valid; else where and why, for the one who looks for the defect (Jira does not say)
  std::vector<std::string> media;     ///< names of files at the media service
  std::vector<std::string> mentions;  ///< account ids
  std::size_t characters = 0;         ///< of its text, in UTF-16 units; a break or a new block counts as one
  bool empty = true;                  ///< nothing that shows
};

/// By the table of node kinds in adf_rules.cpp. Stricter than the published schema on purpose: nodes of Confluence
/// are refused, and so is what is only said to make trouble (control characters, links without an address, a list item
/// that begins with a list).
Examined examine(const Value& document);

/// The text of a document, blocks on lines of their own: for searches.
std::string plain_text(const Value& document);

std::size_t utf16_length(std::string_view text);

/// Wiki markup to a document. `media` names the file of that name at the media service; nothing when the issue has
/// none, and then the markup stays text.
Value from_wiki(std::string_view text, const std::function<std::optional<std::string>(std::string_view name)>& media);

/// A document as wiki markup; `name` is the file's name for its name at the media service.
std::string to_wiki(const Value& document, const std::function<std::string(std::string_view media)>& name);

/// The names in `!name!`, `!name|…!` and `[^name]`.
std::vector<std::string> wiki_files(std::string_view text);

}  // namespace migrate::jira::sim

// Azure DevOps writes @<id of a user> in Markdown, which is an element of HTML to Markdown.
#pragma once

#include <string>
#include <string_view>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

/// What stands in for mentions while Markdown is read: the id between two signs that the text does not have, so that it
/// is a word there. What is no words (code, addresses) gets back what was written.
class AzureMentions {
 public:
  struct Found {
    std::size_t at = std::string_view::npos;  ///< npos: there is none
    std::size_t size = 0;                     ///< of the stand-in
    std::string_view id;
  };

  /// The text with stand-ins in it.
  std::string put_into(std::string_view markdown);
  /// The first stand-in.
  Found find(std::string_view text) const;
  std::string taken_out_of(std::string_view text) const;

 private:
  std::string sign_;
};

}  // namespace richtext
MIGRATE_END

// What goes into the tree of document.hpp, and what comes out of it.
#pragma once

#include <string>
#include <string_view>

#include "migrate/record.hpp"
#include "migrate/richtext/document.hpp"

MIGRATE_BEGIN
namespace richtext {

/// Any input gives the best tree that can be made of it; `losses` tells what the tree could not take over.
struct Parsed {
  Node document;
  Losses losses;
};

struct HtmlOptions {
  HtmlOptions() {}
  bool matrix_reply = false;  ///< leave out <mx-reply>: true for Matrix events that are replies, and only for those
};
/// HTML5 as browsers read it (fragments, unclosed tags, Word's). Knows the mentions of Azure DevOps, of Matrix and of
/// print_html(), references to Azure DevOps work items, and check boxes. Scripts and styles are no content.
MIGRATE_API Parsed parse_html(std::string_view html, const HtmlOptions& options = HtmlOptions());

/// Atlassian Document Format. What is no document at all is taken as text.
MIGRATE_API Parsed parse_adf(const Value& adf);

struct Printed {
  std::string text;
  Losses losses;
};
struct PrintedAdf {
  Value document;  ///< on the heap
  Losses losses;
};

/// Atlassian Document Format as Jira takes it: valid by the published schema and by Jira's narrower rules, whatever the
/// tree. An image with a target becomes media of that id in a block of its own, a mention with a target a mention of
/// that account, a reference whose target is an address a card. Tables leave lists and quotes and stand behind them.
/// An empty tree gives an empty document: Jira takes that as a description, not as a comment.
MIGRATE_API PrintedAdf print_adf(const Node& document);

}  // namespace richtext
MIGRATE_END

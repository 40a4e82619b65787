// What goes into the tree of document.hpp, and what comes out of it.
#pragma once

#include <string>
#include <string_view>

#include "migrate/item.hpp"
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

enum class MarkdownFlavour {
  gitlab,        ///< "@lea" is a mention, "#12", "!3", "&4" and "acme/app#12" are references, "> [!note]" is a panel
  azure_devops,  ///< "@<id>" is a mention, "#12" a reference
  plain
};
struct MarkdownOptions {
  MarkdownOptions() {}
  MarkdownFlavour flavour = MarkdownFlavour::gitlab;
};
/// CommonMark with tables, task lists, struck out text, addresses as links, and the HTML that stands in it.
MIGRATE_API Parsed parse_markdown(std::string_view markdown, const MarkdownOptions& options = MarkdownOptions());

/// By the format that it names; a source's own dialect needs the functions above. Wiki markup is taken as it stands.
MIGRATE_API Parsed parse(const ItemText& text);

struct Printed {
  std::string text;
  Losses losses;
};
struct PrintedAdf {
  explicit PrintedAdf(const boost::json::storage_ptr& storage = {}) : document(storage) {}
  Value document;
  Losses losses;
};

/// Atlassian Document Format as Jira takes it: valid by the published schema and by Jira's narrower rules, whatever the
/// tree. An image with a target becomes media of that id in a block of its own, a mention with a target a mention of
/// that account, a reference whose target is an address a card. Tables leave lists and quotes and stand behind them.
/// An empty tree gives an empty document: Jira takes that as a description, not as a comment. `storage`: where the
/// document is made; on the heap by default.
MIGRATE_API PrintedAdf print_adf(const Node& document, boost::json::storage_ptr storage = {});

/// GitLab Flavored Markdown. parse_markdown() makes the same tree of it but for what `losses` names. No line begins
/// with
/// "/" (GitLab would take it for a command), and no text is a mention or reference that the tree does not have: a
/// mention whose target is a user's name and a reference whose target is one of GitLab's ("#45") are, and nothing else.
/// Tables that bars cannot hold are HTML.
MIGRATE_API Printed print_markdown(const Node& document);

/// HTML without scripts, handlers and addresses that run something, safe to show as it is. parse_html() makes the same
/// tree of it but for what `losses` names.
MIGRATE_API Printed print_html(const Node& document);

/// Jira's wiki markup, for its interface 2 and for Data Center. An image with a target is the attachment of that name,
/// a mention with a target "[~target]", a reference with a target the target as it is.
MIGRATE_API Printed print_wiki(const Node& document);

}  // namespace richtext
MIGRATE_END

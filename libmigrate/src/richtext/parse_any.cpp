#include "migrate/richtext/formats.hpp"

MIGRATE_BEGIN
namespace richtext {

Parsed parse(const ItemText& text) {
  if (text.format == "html") return parse_html(text.text);
  if (text.format == "markdown") return parse_markdown(text.text);
  if (text.format == "adf") return parse_adf(text.document);
  Parsed parsed;
  if (text.format != "plain") parsed.losses.add(text.format, "plain text", text.text);
  parsed.document = normalised(paragraph(text.text), parsed.losses);
  return parsed;
}

}  // namespace richtext
MIGRATE_END

// Words of the invented help desk: names, subjects, HTML as people and mail programs write it, names of files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "simulator/random.hpp"

namespace migrate::freshdesk::simulation {

/// HTML and what is left of it without markup.
struct Body {
  std::string html, text;

  Body& add(std::string_view more_html, std::string_view more_text);
};

/// A paragraph to a page of every kind of trouble: other scripts, entities, tables, leftovers of mail programs, markup
/// of other systems; sometimes nothing.
Body random_body(Random& random);
/// A body of `size` bytes or a little more.
Body long_body(std::size_t size);

std::string random_subject(Random& random);
std::string_view random_tag(Random& random);

struct PersonName {
  std::string full;
  std::string mailbox;  ///< ASCII
};
PersonName random_person(Random& random);
std::string_view company_name(std::size_t number);

struct FileName {
  std::string name;
  std::string_view media_type;
};
FileName random_file(Random& random);

/// Text within HTML.
std::string escaped(std::string_view text);

}  // namespace migrate::freshdesk::simulation

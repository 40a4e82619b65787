// From the service's JSON to a record: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "directory.hpp"
#include "migrate/record.hpp"

namespace migrate::freshdesk {

inline constexpr const char* ticket_type = "tickets";

/// A picture that a text shows and no list names: whether it is there, and what its keeper tells of it.
struct PictureFile {
  bool gone = false;
  std::string trouble;   ///< why nobody knows what is there; empty: it is known
  bool passing = false;  ///< the trouble may be over another time
  bool silent = false;   ///< and it is that no answer came
  std::optional<std::uint64_t> size;
  std::string media_type;
};

/// A ticket with everything that belongs to it, as the service told.
struct TicketParts {
  struct Said {
    Value conversation;
    int page = 1;  ///< of the list of conversations, for those who ask for a file again
  };
  Value ticket;
  bool archived = false;
  std::vector<Said> conversations;
  Array time_entries, satisfaction_ratings;
  std::map<std::string, PictureFile> pictures;  ///< by id, as kept_picture() finds it
  std::int64_t prime = 0;                       ///< the parent of a child, the tracker of a related ticket
  std::vector<Warning> warnings;
};

/// Throws Error(invalid, "bad_time") where a ticket has no updated_at.
Second updated_of(const Value& ticket);

/// association_type of the service.
enum class Association { none = 0, parent = 1, child = 2, tracker = 3, related = 4 };
Association association_of(const Value& ticket);

/// Adds the ids that record_of() will want names for.
void add_wanted(const TicketParts& parts, WantedNames& wanted);

/// `site` is the helpdesk's address. Throws Error(invalid) when the ticket has no id or no updated_at.
Record record_of(const TicketParts& parts, const Names& names, const std::string& site);

/// A ticket that is there and cannot be read: a record that fails, wherever it goes to, with the cause
/// "ticket_unreadable". `ticket`: what is known of it, or null.
Record unreadable_record(std::int64_t id, const Value& ticket, const Error& trouble);

}  // namespace migrate::freshdesk

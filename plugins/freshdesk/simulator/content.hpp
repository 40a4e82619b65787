// What is in a ticket: its fields, conversations, files, times and ratings, made from the seed when they are asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/account.hpp"
#include "simulator/addresses.hpp"
#include "simulator/settings.hpp"
#include "simulator/text.hpp"
#include "simulator/tickets.hpp"

namespace migrate::freshdesk::simulation {

struct TicketFields {
  std::size_t requester = 0;
  std::optional<std::size_t> responder, group, company, product;
  std::string subject;
  std::optional<std::string_view> type;
  int source = 1;
  std::vector<std::string_view> tags;
  bool escalated = false;
};

/// 1 parent, 2 child, 3 tracker, 4 related; 0: none. A child and a related ticket name one other.
struct Association {
  int type = 0;
  std::vector<std::size_t> others;
};

struct File {
  std::int64_t id = 0;
  std::string name;
  std::string_view media_type;
  std::uint64_t size = 0;
  Seconds created = 0;
  bool listed = true;    ///< among the attachments
  bool in_text = false;  ///< an image in the HTML
  bool by_token = true;  ///< such an image's address is a token; else an old public one
  bool lost = false;     ///< cannot be downloaded
};

struct Conversation {
  std::int64_t id = 0;
  std::size_t ticket = 0, number = 0, user = 0;
  Seconds created = 0;
  std::optional<Seconds> edited;
  bool incoming = false, note = false;  ///< a note is for agents' eyes alone
  int source = 0;
  bool by_mail = true;
  bool quotes = false;
  std::optional<std::string> cloud_file;  ///< an address elsewhere
};

struct TimeEntry {
  std::int64_t id = 0;
  std::size_t agent = 0;
  bool billable = true, running = false;
  std::optional<std::string> note;
  Seconds executed = 0, spent = 0;
};

struct Rating {
  std::int64_t id = 0;
  std::size_t user = 0, agent = 0;
  int value = 100;
  std::optional<std::string> feedback;
  Seconds created = 0;
};

/// A ticket's description is its slot 0, its conversation `k` slot k + 1.
class Content {
 public:
  Content(const Account& account, const Tickets& tickets, const Addresses& addresses, const Settings& settings);

  TicketFields fields(std::size_t ticket) const;
  Association association(std::size_t ticket) const;
  Conversation conversation(std::size_t ticket, std::size_t number) const;
  Body body(std::size_t ticket, std::size_t slot) const;
  std::vector<TimeEntry> time_entries(std::size_t ticket) const;
  std::optional<Rating> rating(std::size_t ticket) const;
  std::vector<std::size_t> watchers(std::size_t ticket) const;

  /// In the order of their numbers, those in the text behind the others.
  std::vector<File> files(std::size_t ticket, std::size_t slot) const;
  /// The number of an image that a text shows and that is gone: its token leads nowhere.
  std::optional<std::int64_t> vanished_image(std::size_t ticket, std::size_t slot) const;
  std::optional<File> find_file(std::int64_t id) const;
  std::string bytes(const File& file) const;

 private:
  Seconds slot_time(std::size_t ticket, std::size_t slot) const;
  std::int64_t file_id(std::size_t ticket, std::size_t slot, std::size_t place) const;
  std::string address_in_text(const File& file) const;

  const Account& account_;
  const Tickets& tickets_;
  const Addresses& addresses_;
  std::uint64_t lost_every_, cid_every_;
  Ids conversation_ids_, file_ids_, time_entry_ids_, rating_ids_;
};

}  // namespace migrate::freshdesk::simulation

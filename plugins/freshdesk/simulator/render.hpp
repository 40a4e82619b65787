// The JSON that the service answers with.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "migrate/record.hpp"
#include "simulator/content.hpp"
#include "simulator/members.hpp"

namespace migrate::freshdesk::simulation {

enum class Shape {
  listed,     ///< as in a list: without attachments and the list of associated tickets
  viewed,     ///< one ticket
  archived,   ///< one archived ticket
  associated  ///< the short form under associated_tickets
};

/// `now` is the time from which addresses of files are valid.
class Render {
 public:
  Render(const Account& account, const Tickets& tickets, const Content& content, const Addresses& addresses);

  /// For state(): members in a fixed order, and of files their digest in place of an address.
  void set_canonical(bool canonical) noexcept { canonical_ = canonical; }

  using Includes = std::set<std::string, std::less<>>;
  /// With what `includes` names of: description, requester, stats, company, conversations (ten at most).
  Value ticket(std::size_t index, Shape shape, const Includes& includes, Seconds now,
               boost::json::storage_ptr storage = {}) const;
  Value conversation(std::size_t ticket, std::size_t number, Seconds now, boost::json::storage_ptr storage = {}) const;
  Value time_entry(std::size_t ticket, const TimeEntry& entry) const;
  Value rating(std::size_t ticket, const Rating& rating) const;

  Value contact(std::size_t user) const;
  Value agent(std::size_t user, int ticket_scope) const;
  Value company(std::size_t index) const;
  Value group(std::size_t index) const;
  Value product(std::size_t index) const;
  /// Every field of a ticket; statuses and priorities with their numbers.
  Value ticket_fields() const;

 private:
  /// Where the members of an item's object begin.
  std::uint64_t turn(std::uint64_t item) const noexcept;
  template <class Find>
  static std::optional<std::int64_t> id_of(const std::optional<std::size_t>& index, Find find) {
    return index ? std::optional<std::int64_t>(find(*index)) : std::nullopt;
  }
  void add_channel(Members& members, std::size_t index, const TicketFields& fields) const;
  void add_description(Members& members, std::size_t index) const;
  void add_viewed(Members& members, std::size_t index, Shape shape, const Association& association, Seconds now) const;
  void add_included(Members& members, std::size_t index, const TicketFields& fields, const Includes& includes,
                    Seconds now) const;
  Value custom_fields(std::size_t ticket, const boost::json::storage_ptr& storage) const;
  Value attachments(std::size_t ticket, std::size_t slot, Seconds now, const boost::json::storage_ptr& storage) const;
  Value inline_images(std::size_t ticket, std::size_t slot) const;
  Value requester(std::size_t user, const boost::json::storage_ptr& storage) const;
  Value stats(std::size_t ticket, const boost::json::storage_ptr& storage) const;

  const Account& account_;
  const Tickets& tickets_;
  const Content& content_;
  const Addresses& addresses_;
  bool canonical_ = false;
};

}  // namespace migrate::freshdesk::simulation

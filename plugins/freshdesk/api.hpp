// The calls of the Freshdesk API v2 that a reader needs, as typed functions: paging, what each takes from the quotas,
// and refusals that are answers. Everything is a GET.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"
#include "migrate/http/client.hpp"
#include "migrate/services.hpp"
#include "window.hpp"

namespace migrate::freshdesk {

/// What a list holds beside the tickets that people work on.
enum class Shelf { desk, deleted, spam };

/// A ticket's own address; archived tickets have another one.
struct TicketId {
  std::int64_t id = 0;
  bool archived = false;
};

struct ListPage {
  int status = 200;  ///< of conversations also 404, 405 and 410: the ticket is gone or may not be looked into
  Array rows;
  Second answered{};  ///< by the service's clock
  bool more = false;
};

/// A ticket as its own address shows it, with the status of the answer where it shows none: 404 or 410, and 405 of one
/// that is deleted or spam.
struct ShownTicket {
  int status = 200;
  std::optional<Value> ticket;
};

/// What belongs to a ticket, with the status of the answer: 403 where the plan has none of it, 403 with `of_ticket`,
/// 404, 405 or 410 where this ticket may not be looked into.
struct ChildList {
  int status = 200;
  bool of_ticket = false;
  Array rows;
};

/// Who asks, and what the account may.
struct Account {
  Value agent;                    ///< GET /agents/me
  int calls_per_minute = 0;       ///< 0: not told
  int lists_per_minute = 0;       ///< of the list of tickets; 0: no limit of its own is known
  std::chrono::seconds ahead{0};  ///< of the service's clock before this machine's
};

/// One account, on the run's strand; any number of calls at once. Throws http::StatusError with advice for what the
/// service refuses, http::TransportError when no answer comes. That there is nothing, or that the key may not see it,
/// only the service itself can say: what a gateway or a firewall says in its place is thrown (transient,
/// "not_the_helpdesk").
class Api {
 public:
  Api(const SourceConfig& config, const Services& services);

  /// Before anything else: learns the account's limits, once.
  awaitable<void> connect();
  const Account& account() const noexcept { return account_; }
  static std::string plan_name(int calls_per_minute);

  /// Costs 1, and 2 more for each of description, requester and stats; `with_description` asks for the first.
  awaitable<ListPage> tickets(Shelf shelf, Second updated_since, int page, bool with_description);
  /// The id of the newest ticket of a list; 0 when there is none.
  awaitable<std::int64_t> newest_ticket(Shelf shelf);
  /// The greatest of all lists but those of deleted ones and spam that the key may not see. Archived tickets are in
  /// none: their ids can be greater.
  awaitable<std::int64_t> newest_listed();
  /// With everything but its conversations; none where there is none. `with_people` embeds requester and stats, 1
  /// more each.
  awaitable<ShownTicket> ticket(TicketId ticket, bool with_people);
  /// A hundred a page, in order of creation.
  awaitable<ListPage> conversations(TicketId ticket, int page);
  awaitable<ChildList> time_entries(std::int64_t ticket);
  awaitable<ChildList> satisfaction_ratings(std::int64_t ticket);
  /// Of all tickets; nothing where the plan has none or the service has no such list.
  awaitable<std::optional<ListPage>> all_time_entries(int page);
  /// The parent of a child, the tracker of a related ticket; 0 when there is none.
  awaitable<std::int64_t> prime_association(std::int64_t ticket);

  /// "agents", "groups", "products", "ticket_fields": all pages. Nothing where the key may not see them.
  awaitable<std::optional<Array>> all(std::string resource);
  /// "contacts", "companies", "agents": nothing where it is deleted, merged away or hidden.
  awaitable<std::optional<Value>> one(std::string resource, std::int64_t id);

  /// Bytes from wherever they lie, without credentials and outside the account's quota. Throws http::StatusError.
  awaitable<http::StreamedResponse> download(std::string address);
  /// The same of the first byte, with little patience: nobody has said that there is anything.
  awaitable<http::StreamedResponse> first_byte(std::string address);

  const std::string& site() const noexcept { return config_.url; }
  std::chrono::system_clock::time_point now() const { return services_.clock->now(); }
  const Services& services() const noexcept { return services_; }

 private:
  awaitable<http::Response> get(std::string target, http::RateClass taken);
  awaitable<http::Response> get(std::string target, double cost = 1);
  awaitable<ChildList> children(std::int64_t ticket, std::string what);
  awaitable<std::optional<Value>> look_up(std::string target);
  http::ClientOptions options() const;
  std::vector<http::LimitOptions> limits() const;

  SourceConfig config_;
  Services services_;
  Account account_;
  bool connected_ = false;
  std::optional<http::Client> client_, files_, looks_;
};

/// Whether an agent, as the service tells of him, sees a part of the tickets only.
bool is_restricted(const Value& agent);

/// The refusal of an answer that is not ok, with what a person can do about it.
http::StatusError refusal(const http::Response& response);

/// "rel=next" in a Link header.
bool has_next(const http::Response& response);

}  // namespace migrate::freshdesk

// The service itself: which addresses there are, who may ask, and what is answered.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/testing/simulator.hpp"
#include "simulator/parameters.hpp"
#include "simulator/quota.hpp"
#include "simulator/render.hpp"
#include "simulator/search.hpp"
#include "simulator/store.hpp"

namespace migrate::freshdesk::simulation {

class Desk final : public testing::Simulator {
 public:
  Desk(std::uint64_t seed, std::size_t items, Settings settings, std::shared_ptr<Clock> clock);

  awaitable<http::Response> handle(http::Request request) override;
  Value state() const override;
  void located(std::string origin, std::string other_origin) override;

 private:
  struct Viewer {
    std::size_t agent = 0;
    bool restricted = false;  ///< sees only the tickets that are assigned to him
  };
  struct Call {
    const http::Request& request;
    std::int64_t id = 0;  ///< of the address, where it has one
    Viewer viewer;
    Seconds now = 0;
  };
  using Answer = http::Response (Desk::*)(const Call&);
  struct Route {
    std::string_view path;   ///< below /api/v2/; * stands for a number
    std::string_view verbs;  ///< that the service takes there
    Answer answer;
    LimitedList list = LimitedList::none;
    std::int64_t include_credits = 0;  ///< of each included part
    bool extra = false;                ///< lacking in the smallest plan
  };
  /// What a list of tickets asks for.
  struct Wanted {
    TicketKind kind = TicketKind::active;
    Tickets::Order order = Tickets::Order::created;
    bool descending = true;
    std::optional<Seconds> since;
    std::optional<std::size_t> requester, company;
    bool nobody = false;  ///< asks for a person or a company that does not exist
    bool watching = false, mine = false;
  };
  struct Job {
    std::int64_t id = 0;
    Seconds asked = 0, from = 0, to = 0;
    std::vector<std::string> resources;
    bool notes = false;
  };

  // desk.cpp
  static const std::vector<Route>& routes();
  http::Response answer(const http::Request& request);
  http::Response answer_api(const http::Request& request, Seconds now);
  http::Response answer_route(const Route& route, Call call);
  std::optional<Viewer> viewer_of(const http::Request& request) const;
  bool may_see(const Viewer& viewer, std::size_t ticket) const;
  Seconds now() const;
  /// Page by page of what is `count` items; `item` renders one.
  template <class Item>
  http::Response paged(const Call& call, const Page& page, std::size_t count, Item item) const {
    Array items;
    const std::size_t end = std::min(count, page.first() + static_cast<std::size_t>(page.size));
    for (std::size_t i = page.first(); i < end; ++i) items.push_back(item(i));
    return page_answer(std::move(items), call.request, addresses_.desk(), page, end < count);
  }

  // desk_tickets.cpp
  http::Response list_tickets(const Call& call);
  http::Response view_ticket(const Call& call);
  http::Response view_archived(const Call& call);
  http::Response list_conversations(const Call& call);
  http::Response list_archived_conversations(const Call& call);
  http::Response list_ticket_times(const Call& call);
  http::Response list_ticket_ratings(const Call& call);
  http::Response list_watchers(const Call& call);
  http::Response list_associated(const Call& call);
  http::Response view_prime(const Call& call);
  http::Response search_tickets(const Call& call);
  http::Response list_times(const Call& call);
  http::Response list_ratings(const Call& call);
  /// The ticket that the address names; a refusal when there is none, it is (not) archived, or not to be seen.
  std::optional<http::Response> find_ticket(const Call& call, bool archived, std::size_t& ticket) const;
  http::Response conversations_of(const Call& call, bool archived) const;
  Wanted wanted_tickets(Parameters& given) const;
  bool is_wanted(const Wanted& wanted, const Call& call, std::size_t ticket) const;
  http::Response list_page(const Call& call, const Page& page, const std::vector<std::uint32_t>& tickets, bool more,
                           const Render::Includes& includes) const;
  /// After a list of tickets: what people do meanwhile.
  void let_happen(Seconds now);
  std::optional<std::size_t> pick_active(std::uint64_t number) const;
  Searched searched(std::size_t ticket, Seconds now) const;

  // desk_account.cpp
  http::Response list_contacts(const Call& call);
  http::Response view_contact(const Call& call);
  http::Response list_agents(const Call& call);
  http::Response view_agent(const Call& call);
  http::Response view_me(const Call& call);
  http::Response list_companies(const Call& call);
  http::Response view_company(const Call& call);
  http::Response list_groups(const Call& call);
  http::Response view_group(const Call& call);
  http::Response list_products(const Call& call);
  http::Response view_product(const Call& call);
  http::Response list_fields(const Call& call);
  http::Response view_settings(const Call& call);
  std::optional<std::size_t> find_by_email(std::string_view email) const;
  static int scope_of(std::size_t agent);

  // desk_exports.cpp
  http::Response start_export(const Call& call);
  http::Response view_job(const Call& call);
  bool finished(const Job& job) const;
  std::optional<std::string> exported(std::int64_t job) const;

  Settings settings_;
  std::shared_ptr<Clock> clock_;
  Account account_;
  Tickets tickets_;
  Addresses addresses_;
  Content content_;
  Render render_;
  Store store_;
  Quota quota_;
  std::vector<Job> jobs_;
  std::vector<std::uint32_t> last_page_;
  std::int64_t requests_ = 0, lists_ = 0, changes_ = 0;
};

}  // namespace migrate::freshdesk::simulation

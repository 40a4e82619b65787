// People, companies, groups, products and the account's settings.
#include <fmt/format.h>

#include <algorithm>

#include "simulator/desk.hpp"

namespace migrate::freshdesk::simulation {

std::optional<std::size_t> Desk::find_by_email(std::string_view email) const {
  for (std::size_t user = 0; user < account_.users(); ++user) {
    if (account_.kind(user) != UserKind::merged && account_.user(user).email == email) return user;
  }
  return std::nullopt;
}

http::Response Desk::list_contacts(const Call& call) {
  Parameters given(call.request, {"page", "per_page", "email", "mobile", "phone", "company_id", "state", "contact_type",
                                  "updated_since", "_updated_since", "unique_external_id"});
  const Page page = page_of(given);
  const auto email = given.text("email"), mobile = given.text("mobile"), phone = given.text("phone");
  const auto external = given.text("unique_external_id");
  const auto company = given.id("company_id");
  const std::string state = given.choice("state", {"", "blocked", "deleted", "unverified", "verified"});
  const std::string type = given.choice("contact_type", {"", "contact", "visitor"});
  auto since = given.time("updated_since");
  if (!since) since = given.time("_updated_since");
  if (auto refused = given.refusal()) return std::move(*refused);
  const UserKind kind = state == "blocked"   ? UserKind::blocked
                        : state == "deleted" ? UserKind::deleted
                                             : UserKind::contact;
  // Of most accounts most lists are whole ones: people are not made up only to be let through.
  const bool by_person = email || mobile || phone || external || since || !state.empty();
  const auto is_wanted = [&](const User& user) {
    return (!email || user.email == *email) && (!mobile || user.mobile == *mobile) &&
           (!phone || user.phone == *phone) && (!external || user.external == *external) &&
           (!since || user.updated >= *since) && (state != "verified" || user.verified) &&
           (state != "unverified" || !user.verified);
  };
  std::vector<std::uint32_t> found;
  for (const std::uint32_t index : account_.contacts()) {
    const UserKind own = account_.kind(index);
    if ((own == UserKind::downgraded_agent ? UserKind::contact : own) != kind || type == "visitor") continue;
    const auto employer = company ? account_.company_of(index) : std::nullopt;
    if (company && (!employer || account_.company(*employer).id != *company)) continue;
    if (!by_person || is_wanted(account_.user(index))) found.push_back(index);
  }
  return paged(call, page, found.size(), [&](std::size_t i) { return render_.contact(found[i]); });
}

http::Response Desk::view_contact(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  const auto user = account_.find_user(call.id);
  if (!user) return without_body(404);
  switch (account_.kind(*user)) {
    case UserKind::contact:
    case UserKind::blocked:
    case UserKind::downgraded_agent:
      return http::Response(200, render_.contact(*user));
    case UserKind::deleted: {
      http::Response response = without_body(405);
      response.headers.set("Allow", "DELETE, PUT");
      return response;
    }
    case UserKind::agent:
    case UserKind::former_agent:
    case UserKind::merged:
      break;
  }
  return without_body(404);
}

http::Response Desk::list_agents(const Call& call) {
  Parameters given(call.request, {"page", "per_page", "email", "mobile", "phone", "state"});
  const Page page = page_of(given);
  const auto email = given.text("email");
  const bool unreachable = given.text("mobile") || given.text("phone");  // no agent of this account has one
  const std::string state = given.choice("state", {"", "fulltime", "occasional"});
  if (auto refused = given.refusal()) return std::move(*refused);
  std::vector<std::pair<std::string, std::size_t>> found;
  for (std::size_t agent = 0; agent < Account::agents; ++agent) {
    if (account_.kind(agent) != UserKind::agent || unreachable) continue;
    const User user = account_.user(agent);
    if (email && user.email != *email) continue;
    if (!state.empty() && (agent % 4 == 3) != (state == "occasional")) continue;
    found.emplace_back(user.name, agent);
  }
  std::sort(found.begin(), found.end());
  return paged(call, page, found.size(),
               [&](std::size_t i) { return render_.agent(found[i].second, scope_of(found[i].second)); });
}

http::Response Desk::view_agent(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  const auto user = account_.find_user(call.id);
  if (!user || account_.kind(*user) != UserKind::agent) return without_body(404);
  return http::Response(200, render_.agent(*user, scope_of(*user)));
}

http::Response Desk::view_me(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  return http::Response(200, render_.agent(call.viewer.agent, scope_of(call.viewer.agent)));
}

http::Response Desk::list_companies(const Call& call) {
  Parameters given(call.request, {"page", "per_page", "updated_since"});
  const Page page = page_of(given);
  const auto since = given.time("updated_since");
  if (auto refused = given.refusal()) return std::move(*refused);
  std::vector<Value> found;
  for (std::size_t i = 0; i < account_.companies(); ++i) {
    Value company = render_.company(i);
    const auto updated = parse_instant(company.at("updated_at").as_string());
    if (!since || *updated >= *since) found.push_back(std::move(company));
  }
  return paged(call, page, found.size(), [&](std::size_t i) { return found[i]; });
}

http::Response Desk::view_company(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  const auto company = account_.find_company(call.id);
  return company ? http::Response(200, render_.company(*company)) : without_body(404);
}

http::Response Desk::list_groups(const Call& call) {
  Parameters given(call.request, {"page", "per_page"});
  const Page page = page_of(given);
  if (auto refused = given.refusal()) return std::move(*refused);
  return paged(call, page, Account::groups, [&](std::size_t i) { return render_.group(i); });
}

http::Response Desk::view_group(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  for (std::size_t i = 0; i < Account::groups; ++i) {
    if (account_.group(i).id == call.id) return http::Response(200, render_.group(i));
  }
  return without_body(404);
}

http::Response Desk::list_products(const Call& call) {
  Parameters given(call.request, {"page", "per_page"});
  const Page page = page_of(given);
  if (auto refused = given.refusal()) return std::move(*refused);
  return paged(call, page, Account::products, [&](std::size_t i) { return render_.product(i); });
}

http::Response Desk::view_product(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  for (std::size_t i = 0; i < Account::products; ++i) {
    if (account_.product(i).id == call.id) return http::Response(200, render_.product(i));
  }
  return without_body(404);
}

http::Response Desk::list_fields(const Call& call) {
  Parameters given(call.request, {"type"});
  const auto type = given.text("type");
  if (auto refused = given.refusal()) return std::move(*refused);
  Array chosen;
  const Value fields = render_.ticket_fields();
  for (const Value& field : fields.get_array()) {
    if (!type || field.at("type").as_string() == *type) chosen.push_back(field);
  }
  return http::Response(200, chosen);
}

http::Response Desk::view_settings(const Call& call) {
  Parameters given(call.request, {});
  if (auto refused = given.refusal()) return std::move(*refused);
  return http::Response(200, Object{{"primary_language", "en"},
                                    {"supported_languages", Array{"de", "ja-JP"}},
                                    {"portal_languages", Array{"de"}}});
}

}  // namespace migrate::freshdesk::simulation

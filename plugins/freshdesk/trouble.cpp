#include "trouble.hpp"

namespace migrate::freshdesk {

namespace {

/// `again`: it came once more although the helpdesk answered something else meanwhile.
bool is_of_one(const Error& error, bool again) {
  switch (error.kind()) {
    case ErrorKind::invalid:
    case ErrorKind::conflict:
    case ErrorKind::not_found:
      return true;
    case ErrorKind::unauthorized:
      return error.cause == "access_denied";
    case ErrorKind::transient:
      return again;
    default:
      return false;
  }
}

}  // namespace

awaitable<std::optional<Error>> trouble_of_one(Api& api, std::function<awaitable<void>()> attempt) {
  for (bool again = false;; again = true) {
    std::optional<Error> trouble;
    try {
      awaitable<void> work = attempt();
      co_await std::move(work);
    } catch (const Error& error) {
      trouble = error;
    }
    if (!trouble) co_return std::nullopt;
    if (trouble->kind() == ErrorKind::transient) {
      // Another answer about tickets tells whether the service, or the way to it, is ill or this one thing. It throws in
      // the former case.
      co_await api.newest_ticket(Shelf::desk);
    }
    if (is_of_one(*trouble, again)) co_return trouble;
    if (trouble->kind() != ErrorKind::transient) throw *trouble;
  }
}

}  // namespace migrate::freshdesk

#include "migrate/base64.hpp"
#include "migrate/http/client.hpp"

MIGRATE_BEGIN
namespace http {

Auth::Auth() = default;
Auth Auth::basic(std::string user, Secret password) {
  return header("Authorization", Secret("Basic " + base64_encode(user + ":" + password.reveal())));
}
Auth Auth::bearer(Secret token) { return header("Authorization", Secret("Bearer " + token.reveal())); }
Auth Auth::header(std::string name, Secret value) {
  Auth auth;
  auth.also(std::move(name), std::move(value));
  return auth;
}
Auth Auth::token(std::function<awaitable<Secret>(bool refused)> source) {
  Auth auth;
  auth.source_ = std::move(source);
  return auth;
}
Auth& Auth::also(std::string name, Secret value) {
  fields_.emplace_back(std::move(name), std::move(value));
  return *this;
}

}  // namespace http
MIGRATE_END

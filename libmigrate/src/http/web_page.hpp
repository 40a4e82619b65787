// Pages for people in place of a service's answer.
#pragma once

#include "migrate/http/message.hpp"

MIGRATE_BEGIN
namespace http {

bool is_web_page(const Response& response);
/// Also with 200: services that send whoever they do not know to a form.
bool is_sign_in_page(const Response& response);
/// A good status, and no page in place of what it promises: a gateway says 200 for what it has never passed on.
inline bool is_answer(const Response& response) { return response.ok() && !is_web_page(response); }

}  // namespace http
MIGRATE_END

// Pages for people in place of a service's answer.
#pragma once

#include "migrate/http/message.hpp"

MIGRATE_BEGIN
namespace http {

bool is_web_page(const Response& response);
/// Also with 200: services that send whoever they do not know to a form.
bool is_sign_in_page(const Response& response);

}  // namespace http
MIGRATE_END

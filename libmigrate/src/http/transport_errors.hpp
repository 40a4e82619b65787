// The troubles of an exchange in words, the same for every transport.
#pragma once

#include <chrono>
#include <string>

#include "http/redact.hpp"
#include "http/text.hpp"
#include "migrate/http/transport.hpp"

MIGRATE_BEGIN
namespace http {

/// Throws Error(invalid) for a method or target that would end the request line early.
void check_request(const Request& request);

TransportError torn(const std::string& where, bool sent);
TransportError too_large(const std::string& where, std::size_t limit);
TransportError timeout(const std::string& where, const char* what, std::chrono::milliseconds limit, bool sent);
TransportError lost(const std::string& where, const std::string& why, bool sent);
TransportError wrong_size(std::uint64_t promised, std::uint64_t found);
/// The trouble of another exchange that this one needed, for a token or the bytes of its body: whether that one was
/// sent says nothing of this one.
TransportError of_another(const TransportError& trouble, bool sent);

}  // namespace http
MIGRATE_END

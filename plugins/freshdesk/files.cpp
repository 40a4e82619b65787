#include "files.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <sstream>
#include <utility>

#include "html.hpp"
#include "json.hpp"
#include "migrate/base64.hpp"

namespace migrate::freshdesk {

namespace {

/// What is in memory already.
class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::string bytes) : bytes_(std::move(bytes)) {}
  awaitable<std::string> read(std::size_t limit) override {
    std::string part = bytes_.substr(at_, limit);
    at_ += part.size();
    co_return part;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

/// Passes bytes on and sees to it that they are as many as were announced.
class CountedStream final : public ByteStream {
 public:
  CountedStream(std::unique_ptr<ByteStream> inner, std::string what, std::uint64_t size)
      : inner_(std::move(inner)), what_(std::move(what)), size_(size) {}

  awaitable<std::string> read(std::size_t limit) override {
    std::string part = co_await inner_->read(limit);
    read_ += part.size();
    if (read_ > size_ || (part.empty() && read_ < size_))
      throw Error(
          ErrorKind::transient, "file_size",
          fmt::format("{} should have {} bytes, {} {}", what_, size_, part.empty() ? "but ended after" : "but has",
                      part.empty() ? std::to_string(read_) : "more"))
          .with_advice("run `migrate retry`; if it stays so, open the file in Freshdesk: it may be damaged there");
    co_return part;
  }

 private:
  std::unique_ptr<ByteStream> inner_;
  std::string what_;
  std::uint64_t size_, read_ = 0;
};

}  // namespace

std::optional<std::chrono::system_clock::time_point> good_until(const std::string& address) {
  const http::Request request("GET", address);
  const std::int64_t epoch = id_in(request.query("Expires").value_or(""));
  if (epoch > 0) return std::chrono::system_clock::time_point(std::chrono::seconds(epoch));
  const std::int64_t seconds = id_in(request.query("X-Amz-Expires").value_or(""));
  std::istringstream in(request.query("X-Amz-Date").value_or(""));
  date::sys_seconds signed_at;
  in >> date::parse("%Y%m%dT%H%M%SZ", signed_at);
  if (in.fail() || seconds <= 0) return std::nullopt;
  return signed_at + std::chrono::seconds(seconds);
}

void Files::remember(const Value& owner) {
  for (const Value& file : list(owner, "attachments")) {
    std::string url = text(file, "attachment_url");
    if (good_until(url)) addresses_.put(number(file, "id"), std::move(url));
  }
}

/// By the service's clock, which is the one that the address was signed by.
std::optional<std::string> Files::remembered(const Blob& blob) {
  const std::string* url = addresses_.find(id_in(blob.id));
  if (!url) return std::nullopt;
  const auto good = good_until(*url);
  if (!good || *good < api_.now() + api_.account().ahead + margin) return std::nullopt;
  return *url;
}

/// The ticket, or the conversation of it, that a locator names.
awaitable<std::optional<Value>> Files::owner_of(const Value* locator, int page, bool& more) {
  const TicketId ticket{number(*locator, "ticket"), truth(*locator, "archived")};
  more = false;
  if (text(*locator, "owner") == "ticket") co_return co_await api_.ticket(ticket, false);
  std::optional<ListPage> listed = co_await api_.conversations(ticket, page);
  if (!listed) co_return std::nullopt;
  more = listed->more;
  for (Value& conversation : listed->rows)
    if (number(conversation, "id") == number(*locator, "conversation")) co_return std::move(conversation);
  co_return std::nullopt;
}

awaitable<std::string> Files::ask(Blob blob) {
  const Value& locator = blob.locator;
  const std::string picture = blob.id.starts_with("inline:") ? blob.id.substr(7) : "";
  // Conversations that were removed meanwhile have moved the others to earlier pages.
  const int told = std::max<int>(1, static_cast<int>(number(locator, "page")));
  std::vector<int> pages{told};
  for (int page = 1; page < told; ++page) pages.push_back(page);
  for (const int page : pages) {
    bool more = false;
    std::optional<Value> owner = co_await owner_of(&locator, page, more);
    if (!owner) continue;
    remember(*owner);
    for (const Value& file : list(*owner, "attachments"))
      if (text(file, "id") == blob.id) co_return text(file, "attachment_url");
    const char* const html = text(locator, "owner") == "ticket" ? "description" : "body";
    for (const ShownPicture& shown : pictures_in(text(*owner, html)))
      if (const auto kept = kept_picture(shown.address, api_.site()); kept && kept->own_host && kept->id == picture)
        co_return kept->address;
  }
  throw Error(
      ErrorKind::not_found, "file_missing",
      fmt::format("ticket {}: the file \"{}\" ({}) is no longer there", text(locator, "ticket"), blob.name, blob.id))
      .with_advice(
          "it was removed in Freshdesk while the ticket was being moved; retry the ticket to take it as it is now");
}

awaitable<PictureFile> Files::look_at(std::string address) {
  PictureFile file;
  const bool of_helpdesk = http::parse_url(address).host == http::parse_url(api_.site()).host;
  std::optional<Error> trouble;
  int status = 0;
  try {
    http::StreamedResponse answer = co_await api_.first_byte(std::move(address));
    file.media_type = std::string(answer.headers.get("Content-Type"));
    // "bytes 0-0/3492", or the whole where the keeper knows no parts.
    const std::string_view range = answer.headers.get("Content-Range");
    const std::int64_t size =
        answer.status == 206 ? id_in(range.substr(range.find('/') + 1)) : id_in(answer.headers.get("Content-Length"));
    if (size >= 0) file.size = static_cast<std::uint64_t>(size);
    if (answer.status == 206) co_await answer.body->read(1024);
  } catch (const http::StatusError& error) {
    trouble = error;
    status = error.status();
  } catch (const Error& error) {
    trouble = error;
  }
  if (!trouble) co_return file;
  const ErrorKind kind = trouble->kind();
  if (kind == ErrorKind::cancelled || kind == ErrorKind::internal || (kind == ErrorKind::throttled && of_helpdesk))
    throw *trouble;
  if (status == 416)
    file.size = 0;  // an empty file has no first byte
  else if (status != 0 && !trouble->retryable())
    file.gone = true;
  else
    file.trouble = trouble->what();
  co_return file;
}

awaitable<std::unique_ptr<ByteStream>> Files::open(Blob blob) {
  if (text(blob.locator, "owner") == "text") {
    std::string bytes;
    base64_decode(text(blob.locator, "base64"), bytes);
    co_return std::make_unique<MemoryStream>(std::move(bytes));
  }
  std::optional<std::string> address = remembered(blob);
  // The address of a picture in a text is its own permission, and does not expire.
  if (!address && member(blob.locator, "address")) address = text(blob.locator, "address");
  int asked = 0;
  const std::string what = fmt::format("ticket {}: the file \"{}\"", text(blob.locator, "ticket"), blob.name);
  while (true) {
    if (!address) {
      address = co_await ask(blob);
      ++asked;
    }
    std::optional<http::StatusError> refused;
    http::StreamedResponse answer;
    try {
      answer = co_await api_.download(*address);
    } catch (const http::StatusError& error) {
      refused = error;
    }
    if (!refused) {
      if (!blob.size) co_return std::move(answer.body);
      co_return std::make_unique<CountedStream>(std::move(answer.body), what, *blob.size);
    }
    if (refused->retryable()) throw *refused;
    if (asked == 2)
      throw Error(ErrorKind::invalid, "file_refused",
                  fmt::format("{} cannot be fetched: its address is refused with status {}", what, refused->status()))
          .with_advice("open the file in Freshdesk: it may be held back (a virus, a purge) or be gone");
    address.reset();
  }
}

}  // namespace migrate::freshdesk

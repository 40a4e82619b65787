#include "files.hpp"

#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
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

/// A stream of which the first bytes have been looked at.
class BegunStream final : public ByteStream {
 public:
  BegunStream(std::string start, std::unique_ptr<ByteStream> rest)
      : start_(std::move(start)), rest_(std::move(rest)), ended_(start_.empty()) {}
  awaitable<std::string> read(std::size_t limit) override {
    std::string part = start_.substr(0, limit);
    start_.erase(0, part.size());
    if (part.empty() && !ended_) part = co_await rest_->read(limit);
    co_return part;
  }

 private:
  std::string start_;
  std::unique_ptr<ByteStream> rest_;
  bool ended_;
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
  if (text(*locator, "owner") == "ticket") {
    ShownTicket shown = co_await api_.ticket(ticket, false);
    co_return std::move(shown.ticket);
  }
  ListPage listed = co_await api_.conversations(ticket, page);
  more = listed.more;
  for (Value& conversation : listed.rows)
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

/// One of two looks at the pictures of a ticket. `silences`: after how many pictures without an answer a host is not
/// asked for the others. Returns those that may be there another time.
awaitable<std::vector<KeptPicture>> Files::look_over(std::vector<KeptPicture> pictures, int silences,
                                                     std::map<std::string, PictureFile>& files) {
  std::vector<KeptPicture> troubled;
  std::map<std::string, int> silent;  // hosts, and for how many pictures
  std::string last_words;
  for (KeptPicture& picture : pictures) {
    const std::string host = http::parse_url(picture.address).host;
    PictureFile& file = files[picture.id];
    const auto unheard = silent.find(host);
    // Anybody can write any number of names into a mail that lead nowhere.
    const bool too_many = silent.size() >= most_silent_hosts && unheard == silent.end() && keepers_[host].answers == 0;
    if (too_many || (unheard != silent.end() && unheard->second >= silences)) {
      file = PictureFile();
      file.trouble = "it was not asked for, since no answer came for others: " + last_words;
      file.silent = file.passing = true;
    } else {
      file = co_await look_at_one(picture.address);
      if (!file.passing) known_ = picture.address;
      Keeper& keeper = keepers_[host];
      keeper.silent = file.silent;
      if (file.silent)
        ++silent[host], last_words = file.trouble;
      else
        silent.erase(host);
      if (!file.passing) ++keeper.answers, keeper.unreachable = false;
    }
    if (file.passing) troubled.push_back(std::move(picture));
  }
  co_return troubled;
}

/// A name that is not resolved for some seconds must not cost a ticket its pictures: what may pass is waited for once,
/// and for a host that is known to be unreachable, or whose errors have lasted, not again until it answers.
awaitable<std::map<std::string, PictureFile>> Files::look_at(std::vector<KeptPicture> pictures) {
  std::map<std::string, PictureFile> files;
  std::vector<KeptPicture> troubled = co_await look_over(std::move(pictures), 1, files);
  std::map<std::string, std::uint64_t> answers;  // until now
  bool wait = false;
  std::set<std::string> ailing;  // hosts that answer, with errors: of those a picture may be the cause as well
  for (const KeptPicture& picture : troubled) {
    const std::string host = http::parse_url(picture.address).host;
    const Keeper& keeper = keepers_[host];
    answers[host] = keeper.answers;
    if (!files.at(picture.id).silent) ailing.insert(host);
    wait = wait || (files.at(picture.id).silent ? !keeper.unreachable : keeper.waits_in_vain < most_waits_in_vain);
  }
  if (wait) {
    co_await api_.services().clock->sleep(until_next_look);
    std::vector<KeptPicture> first = std::exchange(troubled, {});
    troubled = co_await look_over(std::move(first), 2, files);
    std::set<std::string> still;
    for (const KeptPicture& picture : troubled) still.insert(http::parse_url(picture.address).host);
    for (const std::string& host : ailing)
      keepers_[host].waits_in_vain = still.count(host) ? keepers_[host].waits_in_vain + 1 : 0;
  }
  for (const KeptPicture& picture : troubled) {
    const std::string host = http::parse_url(picture.address).host;
    const PictureFile& file = files.at(picture.id);
    // Answers for others tell that it is this picture's own trouble.
    if (!file.silent || keepers_[host].answers != answers[host]) continue;
    if (!keepers_[host].unreachable) co_await ask_others(host);
    const auto was_there = [](const auto& keeper) { return keeper.second.answers > 0 && keeper.second.silent; };
    const auto lost = std::find_if(keepers_.begin(), keepers_.end(), was_there);
    if (lost != keepers_.end())
      throw Error(
          ErrorKind::transient, "files_unreachable",
          fmt::format("the picture {} cannot be fetched from {}, and {} has answered before and does not now: {}",
                      picture.id, host, lost->first, file.trouble));
  }
  co_return files;
}

/// Whether this host alone does not answer, or nobody: throws where the helpdesk does not, notes what has kept a
/// picture before and does not answer now. One asks for all who wait.
awaitable<void> Files::ask_others(std::string silent_host) {
  const std::chrono::milliseconds a_second(1000);
  while (asking_) co_await api_.services().clock->sleep(a_second);
  if (keepers_[silent_host].unreachable) co_return;
  struct Asking {
    explicit Asking(bool& held) : flag(held) { flag = true; }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    ~Asking() { flag = false; }
    bool& flag;
  };
  const Asking asking(asking_);
  co_await api_.newest_ticket(Shelf::desk);
  if (!known_.empty()) {
    const std::string host = http::parse_url(known_).host;
    const PictureFile file = co_await look_at_one(known_);
    keepers_[host].silent = file.silent;
  }
  keepers_[silent_host].unreachable = true;
}

awaitable<PictureFile> Files::look_at_one(std::string address) {
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
    const std::string start = co_await answer.body->read(1024);
    if (is_no_picture(file.media_type, start)) {
      status = answer.status;
      throw Error(ErrorKind::transient, "not_the_picture",
                  fmt::format("its address answers {} with a page or a message in its place", status));
    }
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
  if (!file.trouble.empty()) file.size.reset(), file.media_type.clear();
  // A quota that is closed for longer than a look has patience for is not open again a minute later.
  file.passing = kind == ErrorKind::transient;
  file.silent = file.passing && status == 0;
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
      std::unique_ptr<ByteStream> body = std::move(answer.body);
      // What is listed may well be a page; what a text shows is a picture.
      if (blob.id.starts_with("inline:")) {
        std::string start = co_await body->read(1024);
        if (is_no_picture(answer.headers.get("Content-Type"), start))
          throw Error(ErrorKind::transient, "not_the_picture",
                      fmt::format("{}: its address answers with a page or a message in its place", what))
              .with_advice("open the ticket in Freshdesk: where the picture is shown, run `migrate retry`");
        body = std::make_unique<BegunStream>(std::move(start), std::move(body));
      }
      if (!blob.size) co_return std::move(body);
      co_return std::make_unique<CountedStream>(std::move(body), what, *blob.size);
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

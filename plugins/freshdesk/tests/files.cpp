// The bytes of files, from addresses that expire.
#include "files.hpp"

#include <algorithm>

#include "lab.hpp"

using namespace lab;

namespace {

/// Size and digest of a file, read in small pieces; or the cause of the error.
awaitable<std::string> digest_of(Source& source, Blob blob, std::size_t piece = 1000) {
  std::optional<Error> trouble;
  try {
    std::unique_ptr<ByteStream> stream = co_await source.open(std::move(blob));
    Sha256 digest;
    std::size_t size = 0;
    while (true) {
      const std::string bytes = co_await stream->read(piece);
      if (bytes.empty()) break;
      if (bytes.size() > piece) co_return "too much at once";
      size += bytes.size();
      digest.update(bytes);
    }
    co_return fmt::format("{} {}", size, digest.finish());
  } catch (const Error& error) {
    trouble = error;
  }
  co_return trouble->cause;
}

/// What the stand-in holds, by blob id: "size digest", or "lost".
std::map<std::string, std::string> files_of(const Lab& lab) {
  std::map<std::string, std::string> files;
  const auto add = [&](const Value& file, bool listed) {
    const std::string id = (listed ? "" : "inline:") + text(file, "id");
    files[id] = truth(file, "lost") ? "lost" : fmt::format("{} {}", text(file, "size"), text(file, "sha256"));
  };
  const auto add_all = [&](const Value& owner) {
    for (const Value& file : list(owner, "attachments")) add(file, true);
    for (const Value& file : list(owner, "inline_images"))
      if (!truth(file, "listed") && !truth(file, "vanished")) add(file, false);
  };
  for (const auto& [id, ticket] : lab.truth_of({"active"})) {
    add_all(ticket);
    for (const Value& said : list(ticket, "conversations")) add_all(said);
  }
  return files;
}

}  // namespace

TEST_CASE("every file arrives byte for byte: listed, shown by a token, shown by an old address") {
  Lab lab(120);
  const auto expected = files_of(lab);
  const auto records = lab.read_all();
  std::map<std::string, std::string> found;
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    for (const Record& record : records)
      for (const Blob& blob : record.blobs) {
        if (text(blob.locator, "owner") == "text") continue;
        CHECK_MESSAGE(!found.count(blob.id), blob.id << " is named twice");
        found[blob.id] = co_await digest_of(*source, blob);
      }
  });
  CHECK(found.size() == expected.size());
  CHECK(found == expected);
}

TEST_CASE("a picture whose address stands behind cid: arrives as any other, and is known by the address in the text") {
  Lab lab(120, with(generous(), "cid_every", 2));
  const auto expected = files_of(lab);
  std::map<std::string, std::string> found;
  int shown = 0, listed = 0;
  const auto records = lab.read_all();
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    for (const Record& record : records) {
      for (const Warning& warning : record.warnings) CHECK(warning.message.find("cid:https") == std::string::npos);
      for (const InlineImage& image : Item(record.data).images) {
        if (!image.address.starts_with("cid:https://")) continue;
        ++shown;
        listed += !image.blob.starts_with("inline:");
        const auto same = [&](const Blob& blob) { return blob.id == image.blob; };
        CHECK(std::any_of(record.blobs.begin(), record.blobs.end(), same));
      }
      for (Blob blob : record.blobs) {
        if (text(blob.locator, "owner") == "text") continue;
        found[blob.id] = co_await digest_of(*source, blob);
        if (!member(blob.locator, "address")) continue;
        CHECK(blob.size);
        // As when the address in the locator is refused: the text is asked again.
        blob.locator.as_object().erase("address");
        const std::string asked = co_await digest_of(*source, blob);
        CHECK(asked == found[blob.id]);
      }
    }
  });
  CHECK(found == expected);
  CHECK(shown > listed + 3);
  CHECK(listed > 3);
}

TEST_CASE("the size of a picture that is not listed is known from its first byte") {
  Lab lab(120);
  std::map<std::string, std::uint64_t> sizes;
  const auto add = [&](const Value& owner) {
    for (const Value& file : list(owner, "inline_images"))
      if (!truth(file, "listed") && !truth(file, "vanished"))
        sizes["inline:" + text(file, "id")] = static_cast<std::uint64_t>(number(file, "size"));
  };
  for (const auto& [id, ticket] : lab.truth_of({"active"})) {
    add(ticket);
    for (const Value& said : list(ticket, "conversations")) add(said);
  }
  int parts = 0;
  lab.watch = [&](const Value& exchange) { parts += number(exchange, "status") == 206; };
  std::size_t checked = 0;
  for (const Record& record : lab.read_all())
    for (const Blob& blob : record.blobs)
      if (const auto found = sizes.find(blob.id); found != sizes.end()) {
        CHECK(blob.size == found->second);
        ++checked;
      }
  CHECK(checked == sizes.size());
  CHECK(parts > 5);
}

TEST_CASE("addresses that have expired are asked for anew") {
  Lab lab(60, with(generous(), "url_seconds", 40));
  const auto expected = files_of(lab);
  int views = 0, refusals = 0;
  lab.watch = [&](const Value& exchange) {
    const std::string url = text(exchange, "url");
    views += url.find("/api/v2/tickets/") != std::string::npos;
    refusals += number(exchange, "status") == 403;
  };
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    const std::vector<Partition> partitions = co_await source->partitions();
    Cursor cursor;
    const std::vector<Record> records = co_await Lab::read(*source, partitions.front(), cursor, 20);
    views = 0;
    int opened = 0;
    for (const Record& record : records)
      for (const Blob& blob : record.blobs) {
        if (blob.id.starts_with("inline:")) continue;
        const std::chrono::seconds long_enough(60);
        co_await lab.services.clock->sleep(long_enough);
        const std::string digest = co_await digest_of(*source, blob);
        CHECK(digest == expected.at(blob.id));
        ++opened;
      }
    CHECK(opened > 5);
    CHECK(views == opened);
    CHECK(refusals == 0);
  });
}

TEST_CASE("an address that expires unexpectedly is asked for once more, and no more than once") {
  Lab lab(60);
  const auto records = lab.read_all();
  const auto with_file = std::find_if(records.begin(), records.end(), [](const Record& record) {
    return !record.blobs.empty() && !record.blobs.front().id.starts_with("inline:");
  });
  REQUIRE(with_file != records.end());
  const auto expected = files_of(lab);
  const auto outcome = [&](int refused) {
    testing::FaultPlan plan;
    testing::Fault fault;
    fault.path = "attachments/production";
    fault.status = 403;
    fault.body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    for (int i = 1; i <= refused; ++i) {
      fault.nth = static_cast<std::uint64_t>(i);
      plan.faults.push_back(fault);
    }
    lab.host->set_faults(plan);
    return lab.run([&]() -> awaitable<std::string> {
      const std::shared_ptr<Source> source = lab.source();
      co_return co_await digest_of(*source, with_file->blobs.front());
    });
  };
  CHECK(outcome(1) == expected.at(with_file->blobs.front().id));
  CHECK(outcome(2) == "file_refused");
}

TEST_CASE("what cannot be had fails the ticket with a cause, not the run") {
  Lab lab(60, with(generous(), "lost_file_every", 3));
  const auto expected = files_of(lab);
  const auto records = lab.read_all();
  int lost = 0;
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    for (const Record& record : records)
      for (const Blob& blob : record.blobs) {
        if (text(blob.locator, "owner") == "text") continue;
        const std::string digest = co_await digest_of(*source, blob);
        const bool is_lost = expected.at(blob.id) == "lost";
        CHECK(digest == (is_lost ? "file_refused" : expected.at(blob.id)));
        lost += is_lost;
      }
    // Taken away since the ticket was read.
    Blob gone;
    gone.id = "4711";
    gone.locator = Object{{"owner", "ticket"}, {"ticket", std::stoll(records.front().ref.id)}};
    CHECK(co_await digest_of(*source, gone) == "file_missing");
  });
  CHECK(lost > 0);
}

TEST_CASE("a picture that cannot be fetched is told of, and its ticket arrives without it") {
  constexpr const char* elsewhere = "https://broken.freshdesk.com";
  const auto answering = [](http::Response response) { return [response](const http::Request&) { return response; }; };
  http::Response moved(302), busy(429);
  moved.headers.set("Location", "http://plain.freshdesk.com/x.png");
  busy.headers.set("Retry-After", "7200");
  struct Case {
    const char* name;
    std::function<http::Response(const http::Request&)> answer;  ///< none: nobody is there
    std::string cause;
  };
  for (const Case& each : {Case{"no such host", nullptr, "picture_unreachable"},
                           Case{"a redirect to http", answering(moved), "picture_unreachable"},
                           Case{"broken for good", answering(http::Response(500)), "picture_unreachable"},
                           Case{"throttled for hours", answering(busy), "picture_unreachable"},
                           Case{"gone", answering(http::Response(404)), "picture_missing"}}) {
    CAPTURE(each.name);
    Lab lab(20);
    const std::string shown = "<img src=\"" + std::string(elsewhere) + "/inline/attachment?token=a.eyJpZCI6NDN9.b\">";
    const std::string victim = lab.truth_of({"active"}).begin()->first;
    lab.rewrite = [&](const http::Request& request, http::Response& response) {
      if (request.path() != "/api/v2/tickets/" + victim) return;
      Value ticket = response.json();
      ticket.as_object()["description"] = text(ticket, "description") + shown;
      response.body = boost::json::serialize(ticket);
    };
    if (each.answer)
      lab.transport->serve(elsewhere, [&](const http::Request& request) -> awaitable<http::Answer> {
        co_return http::Answer{each.answer(request)};
      });
    const auto begin = lab.services.clock->now();
    const auto records = lab.read_all();
    CHECK(lab.services.clock->now() - begin < std::chrono::minutes(3));
    CHECK(records.size() == lab.truth_of({"active"}).size());
    int told = 0;
    for (const Record& record : records)
      for (const Warning& warning : record.warnings) {
        if (warning.cause != each.cause || record.ref.id != victim) continue;
        ++told;
        CHECK(Item(record.data).description.text.ends_with(shown));
      }
    CHECK(told == 1);
  }
}

TEST_CASE("a run that is throttled by the helpdesk itself while it looks at a picture goes on later with the picture") {
  Lab lab(60);
  lab.rewrite = [&](const http::Request& request, http::Response& response) {
    if (request.path() != "/inline/attachment") return;
    response = http::Response(429);
    response.headers.set("Retry-After", "7200");
  };
  std::string kind;
  try {
    lab.read_all();
  } catch (const Error& error) {
    kind = to_string(error.kind());
  }
  CHECK(kind == "throttled");
}

TEST_CASE("a file of another size than announced is an error, not a file") {
  Lab lab(60);
  const auto records = lab.read_all();
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    int tried = 0;
    for (const Record& record : records)
      for (Blob blob : record.blobs) {
        if (!blob.size || *blob.size < 2 || tried > 4 || text(blob.locator, "owner") == "text") continue;
        ++tried;
        for (const int off : {-1, 1}) {
          Blob wrong = blob;
          *wrong.size += static_cast<std::uint64_t>(static_cast<std::int64_t>(off));
          CHECK(co_await digest_of(*source, wrong) == "file_size");
        }
      }
    CHECK(tried > 0);
  });
}

TEST_CASE("credentials never go to the store of files, and downloads take nothing from the quota") {
  Lab lab(60);
  lab.keep_exchanges = true;
  const auto records = lab.read_all();
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    for (const Record& record : records)
      for (const Blob& blob : record.blobs) co_await digest_of(*source, blob);
  });
  int downloads = 0;
  for (const Value& exchange : lab.exchanges) {
    if (text(exchange, "url").find("/api/v2/") != std::string::npos) continue;
    ++downloads;
    CHECK_FALSE(member(*member(exchange, "request_headers"), "Authorization"));
  }
  CHECK(downloads > 10);
}

TEST_CASE("how long an address is good it says itself") {
  using freshdesk::good_until;
  const auto at = [](std::int64_t seconds) {
    return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
  };
  CHECK(good_until("https://x.test/a?X-Amz-Date=20240131T090000Z&X-Amz-Expires=300") == at(1'706'691'900));
  CHECK(good_until("https://x.test/a?Expires=1706691900&Signature=x") == at(1'706'691'900));
  CHECK_FALSE(good_until("https://x.test/a?X-Amz-Date=nonsense&X-Amz-Expires=300"));
  CHECK_FALSE(good_until("https://x.test/a.png"));
  CHECK_FALSE(good_until(""));
}

TEST_CASE("a picture that is in its address needs nobody to be asked") {
  Lab lab(1);
  Blob blob;
  blob.id = "inline:x";
  blob.size = 4;
  blob.locator = Object{{"owner", "text"}, {"base64", "AAECAw=="}};
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    const std::string digest = co_await digest_of(*source, blob, 3);
    CHECK(digest == fmt::format("4 {}", sha256(std::string("\0\1\2\3", 4))));
  });
}

TEST_CASE("a page that answers when a picture is fetched is not taken for it; a page that is attached arrives") {
  Lab lab(60);
  const auto expected = files_of(lab);
  const auto records = lab.read_all();
  std::string body;
  lab.rewrite = [&](const http::Request&, http::Response& response) {
    if (!response.ok() || response.headers.get("Content-Type").starts_with("application/json")) return;
    if (body.empty()) response.headers.set("Content-Type", "text/html");
    if (!body.empty()) response.body = body;
  };
  int pictures = 0, attached = 0;
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();
    for (const Record& record : records)
      for (Blob blob : record.blobs) {
        if (text(blob.locator, "owner") == "text") continue;
        const bool picture = blob.id.starts_with("inline:");
        body.clear();
        const std::string found = co_await digest_of(*source, blob);
        CHECK(found == (picture ? "not_the_picture" : expected.at(blob.id)));
        ++(picture ? pictures : attached);
        if (!picture) continue;
        body = "<html><head><title>Maintenance</title></head></html>";
        blob.size.reset();
        const std::string begun = co_await digest_of(*source, blob);
        CHECK(begun == "not_the_picture");
      }
  });
  CHECK(pictures > 5);
  CHECK(attached > 5);
}

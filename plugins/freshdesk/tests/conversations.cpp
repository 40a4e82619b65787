// Threads of several pages: each conversation once, whatever happens between two pages.
#include <boost/json/parse.hpp>

#include <algorithm>

#include "lab.hpp"

using namespace lab;

namespace {

constexpr std::size_t page_size = 100;

/// One ticket has 230 conversations, others a few.
struct Thread : Lab {
  Thread() : Lab(3, with(generous(), "long_thread", 230)) {
    for (const auto& [id, ticket] : truth_of({"active"}))
      if (list(ticket, "conversations").size() == 230) {
        ticket_id = id;
        for (const Value& said : list(ticket, "conversations")) ids.push_back(text(said, "id"));
      }
    path = "/api/v2/tickets/" + ticket_id + "/conversations";
  }

  /// Lets the test decide what the list holds: `change` is called with it before each page is cut from it.
  void serve(std::function<void(Array& all, int requests)> change) {
    rewrite = [this](const http::Request& request, http::Response& response) {
      if (request.path() != path) return;
      const Value page = response.json();
      for (const Value& said : page.as_array()) all.push_back(said);
    };
    read_record();
    // What was read is complete, once; passes after the first have read it again.
    all.erase(all.begin() + 230, all.end());
    rewrite = [this, change](const http::Request& request, http::Response& response) {
      if (request.path() != path) return;
      change(all, ++requests);
      const auto first = (static_cast<std::size_t>(std::stoi(*request.query("page"))) - 1) * page_size;
      Array page;
      for (std::size_t i = first; i < std::min(all.size(), first + page_size); ++i) page.push_back(all[i]);
      response.body = boost::json::serialize(page);
      response.headers.remove("Link");
      if (first + page_size < all.size()) response.headers.set("Link", "<https://next>; rel=\"next\"");
    };
  }

  Record read_record() {
    for (Record& record : read_all())
      if (record.ref.id == ticket_id) return std::move(record);
    FAIL("the ticket is missing");
    return Record();
  }

  static std::vector<std::string> comments(const Record& record) {
    std::vector<std::string> ids;
    for (const Comment& comment : Item(record.data).comments) ids.push_back(comment.id);
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  std::string ticket_id, path;
  std::vector<std::string> ids;
  Array all;
  int requests = 0;
};

std::vector<std::string> sorted(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

auto times_told(const Record& record) {
  return std::count_if(record.warnings.begin(), record.warnings.end(),
                       [](const Warning& warning) { return warning.cause == "conversations_changing"; });
}

}  // namespace

TEST_CASE("all pages of a long thread are read, each conversation once") {
  Thread lab;
  REQUIRE(lab.ids.size() == 230);
  int asked = 0;
  lab.watch = [&](const Value& exchange) { asked += text(exchange, "url").find(lab.path) != std::string::npos; };
  const Record record = lab.read_record();
  CHECK(Thread::comments(record) == sorted(lab.ids));
  CHECK(asked == 6);
}

TEST_CASE("a conversation that is deleted between two pages does not hide another one") {
  Thread lab;
  lab.serve([](Array& all, int requests) {
    if (requests == 2) all.erase(all.begin());
  });
  const Record record = lab.read_record();
  CHECK(Thread::comments(record) == sorted({lab.ids.begin() + 1, lab.ids.end()}));
  CHECK(lab.requests == 9);
  CHECK(times_told(record) == 0);
}

TEST_CASE("a thread that never rests comes with all that was seen of it, and says so") {
  Thread lab;
  lab.serve([](Array& all, int requests) {
    if (requests % 3 == 2) all.erase(all.begin());
  });
  const Record record = lab.read_record();
  CHECK(Thread::comments(record) == sorted(lab.ids));
  CHECK(lab.requests == 15);
  CHECK(times_told(record) == 1);
}

TEST_CASE("files of conversations on later pages are found there when their addresses have expired") {
  Thread lab;
  const Record record = lab.read_record();
  std::set<int> pages;
  lab.run([&]() -> awaitable<void> {
    const std::shared_ptr<Source> source = lab.source();  // knows no address yet
    for (const Blob& blob : record.blobs) {
      if (text(blob.locator, "owner") != "conversation" || blob.id.starts_with("inline:")) continue;
      Blob asked = blob;
      std::unique_ptr<ByteStream> stream = co_await source->open(std::move(asked));
      std::size_t size = 0;
      while (true) {
        const std::string bytes = co_await stream->read(65536);
        size += bytes.size();
        if (bytes.empty()) break;
      }
      CHECK(size == blob.size);
      pages.insert(static_cast<int>(number(blob.locator, "page")));
    }
  });
  CHECK(pages == std::set<int>{1, 2, 3});
}

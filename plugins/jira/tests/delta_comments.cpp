// Comments in delta runs that nobody has edited at the source and that say something else by now; what the source has
// no more.
#include "delta.hpp"

using namespace jira_world;

namespace {

constexpr World::Way ways[] = {World::Way::documents, World::Way::markup, World::Way::data_center};

void rename_authors(Delta& delta) {
  delta.data()["comments"].as_array()[0].as_object()["author"].as_object()["name"] = "Chen Wei-Lin";
  delta.data()["comments"].as_array()[1].as_object()["author"].as_object()["name"] = "Customer One-Smith";
}

std::string difference(World& world) {
  const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
  return proof.status == Status::done ? std::string() : World::complaint(proof);
}

std::string long_words(int paragraphs) {
  std::string html;
  for (int i = 0; i < paragraphs; ++i) html += fmt::format("<p>{} {}</p>", i, std::string(300, 'a'));
  return html;
}

}  // namespace

TEST_CASE("comments follow the name of their author, and are left alone otherwise") {
  for (const World::Way way : ways) {
    INFO("way " << static_cast<int>(way));
    Delta delta(way);
    const auto writes = delta.world.host->counters().writes;
    delta.data()["title"] = "Another title";
    delta.run("2");
    CHECK(delta.world.host->counters().writes == writes + 1);
    rename_authors(delta);
    delta.run("3");
    CHECK(delta.world.host->counters().writes == writes + 3);
    CHECK(difference(delta.world) == "");
    CHECK(delta.issue().at("comments").as_array().size() == 2);
    CHECK(delta.world.counter("attachmentsOrphaned") == 0);
  }
}

TEST_CASE("long comments follow the name of their author where they were cut or parted, and only then") {
  for (const World::Way way : ways) {
    for (const bool hidden : {false, true}) {
      INFO("way " << static_cast<int>(way) << std::string(hidden ? ", hidden" : ""));
      World world(way);
      world.config.text_limit = 2000;
      const char* const more =
          R"(,"comments":[{{"id":"1","created":"2024-01-01T00:00:00Z","author":{{"name":"Lea"}},"internal":{},
              "body":{{"$richText":{{"format":"html","text":"{}"}}}}}}])";
      Record& record = plain_ticket(world, 1, fmt::format(fmt::runtime(more), hidden, long_words(12)));
      REQUIRE(world.run().status == Status::done);
      const auto writes = world.host->counters().writes;
      record.data.as_object()["title"] = "Another title";
      record.version = "2";
      REQUIRE(world.run(Mode::incremental).status == Status::done);
      CHECK(world.host->counters().writes == writes + 1);
      record.data.as_object()["comments"].as_array()[0].as_object()["author"].as_object()["name"] = "Mia";
      record.version = "3";
      REQUIRE(world.run(Mode::incremental).status == Status::done);
      CHECK(difference(world) == "");
      CHECK(print(world.issue_of("1").at("comments")).find("Lea") == std::string::npos);
    }
  }
}

TEST_CASE("a comment that a person has edited stays without a word, when the source says nothing new") {
  for (const int which : {0, 1}) {
    Delta delta;
    const Value comment = delta.issue().at("comments").at(static_cast<std::size_t>(which));
    Value change(object("body", delta.world.body_of("Hers")));
    if (!comment.at("visibility").is_null()) change.as_object()["visibility"] = comment.at("visibility");
    delta.world.as(World::ana, "PUT", "/issue/" + delta.key + "/comment/" + std::string(comment.at("id").as_string()),
                   change);
    rename_authors(delta);
    const Report report = delta.run("2");
    CHECK(warned(report, "changed_on_both_sides") == 0);
    CHECK(print(delta.issue().at("comments").at(static_cast<std::size_t>(which))).find("Hers") != std::string::npos);
  }
}

TEST_CASE("a delta run over renamed authors that dies leaves what an undisturbed one does") {
  CHECK(dies_anywhere(rename_authors) > 3);
}

TEST_CASE("comments, time entries and files that the source has no more stay, and are told") {
  for (const World::Way way : ways) {
    INFO("way " << static_cast<int>(way));
    Delta delta(way);
    const Value before = delta.issue();
    delta.data()["comments"] = Array();
    delta.data()["worklogs"] = Array();
    delta.world.source->records[81].blobs.pop_back();
    // What people have added is theirs.
    delta.world.as(World::ana, "POST", "/issue/" + delta.key + "/comment", object("body", delta.world.body_of("Hers")));
    delta.world.upload_as(World::ana, delta.key, "plan--1.txt", "hers");
    const Report report = delta.run("2");
    CHECK(warned(report, "gone_at_source") == 4);
    const Value after = delta.issue();
    CHECK(after.at("comments").as_array().size() == before.at("comments").as_array().size() + 1);
    CHECK(print(after.at("worklogs")) == print(before.at("worklogs")));
    CHECK(after.at("attachments").as_array().size() == before.at("attachments").as_array().size() + 1);
  }
}

// Texts that are longer than Jira takes, in runs that are cut short and in runs that come later.
#include "migrate/digest.hpp"
#include "shard.hpp"
#include "text.hpp"
#include "tickets.hpp"

using namespace jira_world;

namespace {

/// Where it goes on beyond any limit: `end`.
std::string story(const std::string& end, int lines = 900) {
  std::string html;
  for (int i = 0; i < lines; ++i) html += fmt::format("<p>line <b>{}</b> of it</p>", i);
  return html + "<p>" + end + "</p>";
}

Value rich(const std::string& html) {
  Object text = object("format", "html");
  text.emplace("text", html);
  return Value(object("$richText", std::move(text)));
}

void long_ticket(World& world, const std::string& html) {
  Object comment = object("id", "1");
  comment.emplace("created", "2024-01-01T00:00:00Z");
  comment.emplace("body", rich(html));
  Object& data = plain_ticket(world, 1).data.as_object();
  data["description"] = rich(html);
  data["comments"] = Array{comment};
}

/// The files of an issue, by what they hold the whole of.
std::map<std::string, std::string> files(const World& world) {
  std::map<std::string, std::string> found;
  const Value issue = world.issue_of("1");
  for (const Value& file : issue.at("attachments").as_array()) {
    const std::string name(file.at("name").as_string());
    const std::string what = name.substr(0, name.find("--"));
    CHECK_FALSE(found.count(what));
    found[what] = std::string(file.at("sha256").as_string());
    const Value& text =
        what == "description" ? issue.at("fields").at("description") : issue.at("comments").at(0).at("body");
    std::string said = print(text);
    std::erase(said, '\\');
    INFO(said);
    CHECK(said.find(name) != std::string::npos);
  }
  return found;
}

void check_proof(World& world) {
  const Report proof = world.run(Mode::verify, VerifyLevel::comprehensive);
  INFO(World::complaint(proof));
  CHECK(proof.status == Status::done);
}

/// The document's JSON counts, which is several times its text: nothing but a refusal tells how much Jira takes.
constexpr const char* strict = R"({"text_limit_counts":"document"})";

}  // namespace

namespace {

/// A short text with a picture at its end.
void pictured_ticket(World& world, const std::string& html) {
  Record& record = plain_ticket(world, 1);
  Object& data = record.data.as_object();
  data["description"] = rich(html);
  data["images"] = Array{parsed(R"({"address":"https://x.test/1","blob":"shot"})")};
  Object comment = object("id", "1");
  comment.emplace("created", "2024-01-01T00:00:00Z");
  comment.emplace("body", rich(html));
  data["comments"] = Array{comment};
  world.source->attach(record, "shot", "shot.png", "image/png", "\x89PNG a picture");
}

/// Both of its texts are this now.
void rewritten(World& world, const std::string& html) {
  Record& record = world.source->records[1];
  record.version = "2";
  Object& data = record.data.as_object();
  data["description"] = rich(html);
  Object& comment = data["comments"].as_array()[0].as_object();
  comment["body"] = rich(html);
  comment["updated"] = "2024-02-01T00:00:00Z";
}

std::size_t pictures(const World& world) {
  std::size_t count = 0;
  const Value issue = world.issue_of("1");
  for (const Value& file : issue.at("attachments").as_array())
    count += std::string_view(file.at("name").as_string()).starts_with("shot");
  return count;
}

const std::string picture = "<p><img src='https://x.test/1'></p>";

}  // namespace

TEST_CASE("a picture behind the place where a text is cut is shown behind the note, and stays") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    INFO("way " << static_cast<int>(way));
    World world(way);
    pictured_ticket(world, "<p>It beeps</p>" + picture);
    REQUIRE(world.run().status == Status::done);
    REQUIRE(pictures(world) == 1);
    rewritten(world, story("the end", 3000) + picture);
    const Report report = world.run(Mode::incremental);
    INFO(World::complaint(report));
    REQUIRE(report.status == Status::done);
    CHECK(pictures(world) == 1);
    CHECK(world.counter("attachmentsOrphaned") == 0);
    const std::string text = print(world.issue_of("1").at("fields").at("description"));
    CHECK(text.find("goes on in the attachment") != std::string::npos);
    CHECK(text.find(way == World::Way::data_center ? "!shot--shot.png" : "\"media\"") != std::string::npos);
    check_proof(world);
  }
}

TEST_CASE("a picture that the text shows no longer stays among the files, whenever a run dies") {
  for (const World::Way way : {World::Way::documents, World::Way::markup}) {
    INFO("way " << static_cast<int>(way));
    const auto made = [](World& world) {
      pictured_ticket(world, "<p>It beeps</p>" + picture);
      REQUIRE(world.run().status == Status::done);
      rewritten(world, "<p>It hums</p>");
      world.death = Death();
    };
    World undisturbed(way);
    made(undisturbed);
    REQUIRE(undisturbed.run(Mode::incremental).status == Status::done);
    CHECK(pictures(undisturbed) == 1);
    CHECK(undisturbed.counter("attachmentsOrphaned") == 1);
    const int points = undisturbed.death.passed;
    check_proof(undisturbed);
    const std::string expected = print(undisturbed.masked());
    for (int at = 1; at <= points; ++at) {
      if (!testing_support::in_shard(at)) continue;
      World world(way);
      made(world);
      world.death.at = at;
      RunOptions options;
      options.mode = Mode::incremental;
      REQUIRE_FALSE(world.try_run(options));
      world.revive();
      const Report report = world.run(options);
      INFO("died at point " << at << "; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      REQUIRE(print(world.masked()) == expected);
    }
  }
}

TEST_CASE("a text that was shortened is whole after a run that died at any point") {
  const std::string html = story("the end");
  World counter(World::Way::documents, strict);
  long_ticket(counter, html);
  REQUIRE(counter.run().status == Status::done);
  REQUIRE(files(counter).size() == 2);
  const std::string expected = print(counter.masked());
  for (int at = 1; at <= counter.death.passed; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world(World::Way::documents, strict);
    long_ticket(world, html);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run());
    world.revive();
    const Report report = world.run();
    INFO("died at point " << at << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    REQUIRE(files(world) == files(counter));
    REQUIRE(print(world.masked()) == expected);
  }
}

TEST_CASE("a text that was shortened is whole after an answer that was lost, and stays as it is in a delta run") {
  const std::string html = story("the end");
  for (const char* path : {"/issue$", "/comment$", "/attachments$"}) {
    for (std::uint64_t nth = 1; nth <= 6; ++nth) {
      if (!testing_support::in_shard(static_cast<long long>(nth))) continue;
      World world(World::Way::documents, strict);
      long_ticket(world, html);
      testing::FaultPlan plan;
      testing::Fault fault;
      fault.kind = testing::Fault::Kind::drop_after;
      fault.method = "POST";
      fault.path = path;
      fault.nth = nth;
      plan.faults.push_back(fault);
      world.host->set_faults(plan);
      const Report report = world.run();
      INFO(path << " " << nth << "; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      CHECK(files(world).size() == 2);
      check_proof(world);
      const auto writes = world.host->counters().writes;
      world.source->records[1].data.as_object()["comments"].as_array()[0].as_object()["updated"] =
          "2024-01-01T00:00:00Z";
      world.source->records[1].version = "2";
      const Report again = world.run(Mode::incremental);
      INFO(World::complaint(again));
      CHECK(again.status == Status::done);
      CHECK(world.host->counters().writes == writes);
    }
  }
}

TEST_CASE("a delta run shortens as a first run does") {
  World world(World::Way::documents, strict);
  long_ticket(world, "<p>short</p>");
  REQUIRE(world.run().status == Status::done);
  for (const char* end : {"the end", "another end"}) {
    Object& data = world.source->records[1].data.as_object();
    data["description"] = rich(story(end));
    Object& comment = data["comments"].as_array()[0].as_object();
    comment["body"] = rich(story(end));
    comment["updated"] = "2024-02-01T00:00:00Z";
    world.source->records[1].version = end;
    const Report report = world.run(Mode::incremental);
    INFO(end << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    const std::map<std::string, std::string> found = files(world);
    REQUIRE(found.size() == 2);
    for (const auto& file : found) CHECK(file.second == sha256(story(end)));
    check_proof(world);
  }
}

TEST_CASE("a change beyond the cut arrives: the file is another one, and the old one goes") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    World world(way);
    world.config.text_limit = 3000;
    long_ticket(world, "<p>short</p>");
    REQUIRE(world.run().status == Status::done);
    CHECK(files(world).empty());
    const auto change = [&](World& to, const std::string& html, const std::string& version) {
      Record& record = to.source->records[1];
      Object& data = record.data.as_object();
      data["description"] = rich(html);
      Object& comment = data["comments"].as_array()[0].as_object();
      comment["body"] = rich(html);
      comment["updated"] = "2024-02-01T00:00:00Z";
      record.version = version;
    };
    // Grown past the limit, changed at its end, back again, and short again.
    int version = 1;
    for (const std::string end : {"the end", "another end", "the end", ""}) {
      const std::string html = end.empty() ? "<p>short again</p>" : story(end, 400);
      change(world, html, std::to_string(++version));
      const Report report = world.run(Mode::incremental);
      INFO("version " << version << "; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      const std::map<std::string, std::string> found = files(world);
      REQUIRE(found.size() == (end.empty() ? 0 : 2));
      for (const auto& file : found) CHECK(file.second == sha256(html));
      check_proof(world);
    }
    // A file of somebody else's stays, whatever its name; so does one that their text names.
    change(world, story("the end", 400), "8");
    REQUIRE(world.run(Mode::incremental).status == Status::done);
    const std::string key = world.key_of("1");
    world.upload_as(World::ana, key, "description--original.html", "hers");
    change(world, story("a new end", 400), "9");
    REQUIRE(world.run(Mode::incremental).status == Status::done);
    CHECK(world.issue_of("1").at("attachments").as_array().size() == 3);
  }
}

TEST_CASE("a delta run over long texts that dies at any point leaves what an undisturbed one does") {
  const auto changed = [](World& world) {
    world.config.text_limit = 3000;
    long_ticket(world, story("the end", 400));
    REQUIRE(world.run().status == Status::done);
    Object& data = world.source->records[1].data.as_object();
    data["description"] = rich(story("another end", 400));
    Object& comment = data["comments"].as_array()[0].as_object();
    comment["body"] = rich(story("another end", 400));
    comment["updated"] = "2024-02-01T00:00:00Z";
    world.source->records[1].version = "2";
    world.death = Death();
  };
  World undisturbed;
  changed(undisturbed);
  REQUIRE(undisturbed.run(Mode::incremental).status == Status::done);
  const std::string expected = print(undisturbed.masked());
  RunOptions options;
  options.mode = Mode::incremental;
  for (int at = 1; at <= undisturbed.death.passed; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world;
    changed(world);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run(options));
    const std::string point = world.death.points.back();
    world.revive();
    const Report report = world.run(options);
    INFO("died at point " << at << ": " << point << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    REQUIRE(print(world.masked()) == expected);
  }
}

TEST_CASE("a comment that alone was shortened is left as it is where nothing has changed") {
  World world(World::Way::documents, strict);
  long_ticket(world, story("the end"));
  Object& data = world.source->records[1].data.as_object();
  data["description"] = "short";
  data["comments"].as_array()[0].as_object()["updated"] = "2024-01-02T00:00:00Z";
  REQUIRE(world.run().status == Status::done);
  REQUIRE(files(world).size() == 1);
  const auto writes = world.host->counters().writes;
  const std::string before = print(world.jira->state());
  world.keep_exchanges();
  world.source->records[1].version = "2";
  const Report again = world.run(Mode::incremental);
  INFO(World::complaint(again));
  CHECK(again.status == Status::done);
  CHECK(world.host->counters().writes == writes);
  CHECK(print(world.jira->state()) == before);
  for (const Value& exchange : world.exchanges) CHECK(exchange.at("status") != Value(400));
}

TEST_CASE("further fields that take more room than their panel has stand in the text, and are cut with it") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    for (const int rows : {20, 150, 900}) {
      World world(way);
      Object& data = plain_ticket(world, 1).data.as_object();
      data["description"] = rich("<p>what it is about</p>");
      Object further;
      for (int i = 0; i < rows; ++i) further[fmt::format("field{}", i)] = fmt::format("value {} of the fields", i);
      data["custom"] = further;
      const Report report = world.run();
      INFO(rows << " rows; " << World::complaint(report));
      REQUIRE(report.status == Status::done);
      const Value issue = world.issue_of("1");
      const std::string shown = print(issue.at("fields").at("description"));
      CHECK(shown.find("what it is about") != std::string::npos);
      const bool cut = !issue.at("attachments").as_array().empty();
      CHECK(cut == (rows == 900));
      CHECK((shown.find(fmt::format("value {} of the fields", rows - 1)) != std::string::npos) == !cut);
      if (cut) CHECK(files(world).count("description") == 1);
      check_proof(world);
    }
  }
}

namespace {

/// A note for staff that takes several comments.
void staff_ticket(World& world, const std::string& html) {
  world.config.text_limit = 3000;
  Object comment = object("id", "1");
  comment.emplace("created", "2024-01-01T00:00:00Z");
  comment.emplace("body", rich(html));
  comment.emplace("internal", true);
  Object& data = plain_ticket(world, 1).data.as_object();
  data["comments"] = Array{comment};
}

/// The note's comments, none of which others may see; each line of it stands in one of them, in order.
std::size_t check_note(const World& world, const std::string& end, int lines) {
  const Value issue = world.issue_of("1");
  CHECK(issue.at("attachments").as_array().empty());
  std::string all;
  for (const Value& comment : issue.at("comments").as_array()) {
    CHECK((comment.at("internal") == true || !comment.at("visibility").is_null()));
    all += canonical(comment.at("body"), comment.at("body").is_string() ? Markup::wiki : Markup::document) + "\n";
  }
  std::erase(all, '*');
  std::size_t at = 0;
  for (int i = 0; i < lines; ++i) {
    const std::size_t from = at;
    at = all.find(fmt::format("{} of it", i), at);
    if (at == std::string::npos) FAIL_CHECK("line " << i << " is missing behind " << from << " of " << all);
    if (at == std::string::npos) break;
  }
  CHECK(all.find(end) != std::string::npos);
  return issue.at("comments").as_array().size();
}

/// The note as the source has it now.
void note_changed(World& world, const std::string& html, const std::string& version) {
  Record& record = world.source->records[1];
  Object& comment = record.data.as_object()["comments"].as_array()[0].as_object();
  comment["body"] = rich(html);
  comment["internal"] = true;
  comment["updated"] = "2024-02-01T00:00:00Z";
  record.version = version;
}

/// A run over what `prepare` leaves dies at each point, and the next one goes on.
void dies_anywhere(const char* settings, Mode mode, const std::function<void(World&)>& prepare, int lines) {
  RunOptions options;
  options.mode = mode;
  World undisturbed(World::Way::documents, settings);
  prepare(undisturbed);
  REQUIRE(undisturbed.run(options).status == Status::done);
  check_note(undisturbed, "the end", lines);
  const int points = undisturbed.death.passed;
  check_proof(undisturbed);
  const std::string expected = print(undisturbed.masked());
  for (int at = 1; at <= points; ++at) {
    if (!testing_support::in_shard(at)) continue;
    World world(World::Way::documents, settings);
    prepare(world);
    world.death.at = at;
    REQUIRE_FALSE(world.try_run(options));
    world.revive();
    const Report report = world.run(options);
    INFO("died at point " << at << "; " << World::complaint(report));
    REQUIRE(report.status == Status::done);
    REQUIRE(print(world.masked()) == expected);
  }
}

}  // namespace

TEST_CASE("a note for staff that is too long becomes several, and nothing of it a file") {
  for (const World::Way way : {World::Way::documents, World::Way::markup, World::Way::data_center}) {
    for (const char* project : {"OPS", "SUP"}) {
      INFO("way " << static_cast<int>(way) << ", project " << std::string(project));
      World world(way, "{}", project);
      staff_ticket(world, story("the end", 400));
      REQUIRE(world.run().status == Status::done);
      CHECK(check_note(world, "the end", 400) > 2);
      check_proof(world);
      // It grows, shrinks, and is what it was.
      int version = 1;
      for (const int lines : {700, 100, 2, 400}) {
        note_changed(world, story("the end", lines), std::to_string(++version));
        const Report report = world.run(Mode::incremental);
        INFO(lines << " lines; " << World::complaint(report));
        REQUIRE(report.status == Status::done);
        CHECK((check_note(world, "the end", lines) == 1) == (lines <= 100));
        check_proof(world);
        if (way == World::Way::markup) continue;  // Jira rewrites it
        const std::string before = print(world.jira->state().at("issues"));
        world.source->records[1].version += "again";
        REQUIRE(world.run(Mode::incremental).status == Status::done);
        CHECK(print(world.jira->state().at("issues")) == before);
      }
    }
  }
}

TEST_CASE("a note for staff that Jira finds too long is whole after a run that died at any point") {
  const auto prepare = [](World& world) {
    staff_ticket(world, story("the end", 300));
    world.config.text_limit = 30'000;
    world.death = Death();
  };
  dies_anywhere(strict, Mode::full, prepare, 300);
}

TEST_CASE("a note for staff that has grown is whole after a delta run that died at any point") {
  const auto prepare = [](World& world) {
    staff_ticket(world, story("the beginning", 150));
    REQUIRE(world.run().status == Status::done);
    note_changed(world, story("the end", 250), "2");
    world.death = Death();
  };
  dies_anywhere("{}", Mode::incremental, prepare, 250);
}

TEST_CASE("a comment that the source has made internal leaves no file of its text behind") {
  const auto prepare = [](World& world) {
    world.config.text_limit = 3000;
    long_ticket(world, "short");
    Object& comment = world.source->records[1].data.as_object()["comments"].as_array()[0].as_object();
    comment["body"] = rich(story("the end", 200));
    REQUIRE(world.run().status == Status::done);
    REQUIRE(files(world).size() == 1);
    note_changed(world, story("the end", 200), "2");
    comment["updated"] = "2024-01-01T00:00:00Z";
    world.death = Death();
  };
  dies_anywhere("{}", Mode::incremental, prepare, 200);
}

TEST_CASE("what a person has written into one part of a note stays, and the others do") {
  World world;
  staff_ticket(world, story("the end", 200));
  REQUIRE(world.run().status == Status::done);
  const Value issue = world.issue_of("1");
  const Value second = issue.at("comments").at(1);
  Value body = object("body", world.body_of("Hers"));
  body.as_object()["visibility"] = second.at("visibility");
  world.as(World::ana, "PUT",
           fmt::format("/issue/{}/comment/{}", world.key_of("1"), std::string(second.at("id").as_string())), body);
  const std::string before = print(world.issue_of("1").at("comments"));
  note_changed(world, story("another end", 300), "2");
  const Report report = world.run(Mode::incremental);
  INFO(World::complaint(report));
  REQUIRE(report.status == Status::done);
  CHECK(print(world.issue_of("1").at("comments")) == before);
}

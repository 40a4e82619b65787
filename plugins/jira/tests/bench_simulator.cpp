// What the stand-in costs: time of a create and of searches, memory of many issues. bench_jira_simulator [ISSUES]
#define DOCTEST_CONFIG_IMPLEMENT
#include <malloc.h>

#include <cstdlib>
#include <ctime>

#include "site.hpp"

using namespace jira_tests;

namespace {

double cpu() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

template <class Work>
void measure(const char* what, int times, Work work) {
  const double from = cpu();
  for (int i = 0; i < times; ++i) work(i);
  fmt::print("{:<44} {:>10.1f} us\n", what, (cpu() - from) / times * 1e6);
}

}  // namespace

int main(int count, char** arguments) {
  doctest::Context context;
  context.setAsDefaultForAssertsOutOfTestCases();
  context.setAssertHandler([](const doctest::AssertData& assertion) {
    if (assertion.m_failed) std::abort();
  });
  const int issues = count > 1 ? std::atoi(arguments[1]) : 50'000;
  Site site;
  const std::string external = site.field("External ID");
  std::string lorem;
  while (lorem.size() < 900) lorem += "The printer on the second floor beeps when the lamp is lit. ";
  const std::size_t before = mallinfo2().uordblks;
  std::string key;
  const auto create = [&](int i) {
    key = site.create(fmt::format("Ticket {}", i),
                      {{"description", document({paragraph(lorem), paragraph("second")})},
                       {"labels", {"run-1", fmt::format("fd-{}", i), "migration-incomplete"}},
                       {external, fmt::format("freshdesk:acme:{}", i)}});
  };
  measure("client and stand-in: a create", issues, create);
  site.wait(60'000);
  measure("client and stand-in: a search by label", 1000, [&](int i) { site.found(fmt::format("labels = fd-{}", i)); });
  fmt::print("{:<44} {:>10.0f} bytes\n", "memory of an issue",
             static_cast<double>(mallinfo2().uordblks - before) / issues);
  measure("client and stand-in: a look at a key", 1000, [&](int) { site.fields(key); });
  measure("client and stand-in: an edit", 1000, [&](int i) {
    site.put("/issue/" + key, Object{{"fields", {{"summary", fmt::format("edit {}", i)}}}});
  });
  measure("a search by a text field", 20,
          [&](int i) { site.found(fmt::format("\"External ID\" ~ \"\\\"freshdesk:acme:{}\\\"\"", i)); });
  std::string jql = "{\"jql\":\"labels = run-1 ORDER BY created ASC\",\"fields\":[\"key\"],\"maxResults\":100}";
  measure("a page of 100 of all issues", 100, [&](int) { site.post("/search/jql", parsed(jql)); });
}

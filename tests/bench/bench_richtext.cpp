// What rich text costs a document: bench_richtext [DOCUMENTS [ROUNDS]]
//
// Documents as Azure DevOps has them (divisions, marks, lists, tables, code, images, mentions), made from a seed. The
// ways take turns, round by round; printed are the medians of this thread's processor time.
#include <gumbo.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <ctime>
#include <functional>

#include "migrate/richtext/text.hpp"
#include "richtext_kit.hpp"
#include "richtext_random.hpp"

using namespace migrate;
using richtext_tests::Dice;

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string words(Dice& dice, std::size_t count) {
  static constexpr const char* known[] = {"the",  "printer", "beeps",       "after", "login",    "user",    "cannot",
                                          "open", "report",  "&amp;",       "twice", "in",       "version", "4.2",
                                          "on",   "Windows", "z\u00fcrich", "when",  "pressing", "save"};
  std::string all;
  while (count-- > 0) all += std::string(dice.pick(known)) + " ";
  return all;
}

/// About 4.4 KB, as the work items that peers were measured with.
std::string description(std::uint64_t seed) {
  Dice dice(seed);
  std::string html;
  while (html.size() < 4200) {
    switch (dice.below(8)) {
      case 0:
        html += "<div><b>" + words(dice, 3) + "</b><br></div><ul>";
        for (std::size_t item = 0; item < 4; ++item)
          html += "<li><span style=\"font-size:10.5pt;color:#1f497d\">" + words(dice, 8) + "</span></li>";
        html += "</ul>";
        break;
      case 1:
        html += "<table><tbody>";
        for (std::size_t row = 0; row < 4; ++row)
          html +=
              "<tr><td>" + words(dice, 3) + "</td><td>" + words(dice, 3) + "</td><td>" + words(dice, 2) + "</td></tr>";
        html += "</tbody></table>";
        break;
      case 2:
        html += "<pre><code>" + words(dice, 20) + "\n" + words(dice, 10) + "</code></pre>";
        break;
      case 3:
        html +=
            "<div><img src=\"https://dev.azure.com/acme/9f/_apis/wit/attachments/0f1e?fileName=image.png\" "
            "alt=Image></div>";
        break;
      case 4:
        html +=
            "<div><a href=\"#\" data-vss-mention=\"version:2.0,1d2c3b4a\">@Lea N</a>&nbsp;" + words(dice, 9) + "</div>";
        break;
      default:
        html += "<div>" + words(dice, 18) + "<i>" + words(dice, 2) + "</i> <a href=\"https://x.test/a?b=1&amp;c=2\">" +
                words(dice, 2) + "</a>" + words(dice, 12) + "</div>";
    }
  }
  return html;
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t documents = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 500;
  const std::size_t rounds = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 5;
  std::vector<std::string> html, markdown;
  std::vector<richtext::Node> trees;
  std::vector<Value> adf;
  std::size_t bytes = 0, sum = 0;
  for (std::size_t seed = 1; seed <= documents; ++seed) {
    html.push_back(description(seed));
    bytes += html.back().size();
    trees.push_back(richtext::parse_html(html.back()).document);
    markdown.push_back(richtext::print_markdown(trees.back()).text);
    adf.push_back(richtext::print_adf(trees.back()).document);
  }
  struct Way {
    const char* name;
    std::function<std::size_t(std::size_t)> run;
    std::vector<double> seconds = {};
  };
  std::vector<Way> ways = {
      {"Gumbo, parse alone",
       [&](std::size_t at) {
         GumboOutput* output = gumbo_parse_with_options(&kGumboDefaultOptions, html[at].data(), html[at].size());
         const std::size_t children = output->root->v.element.children.length;
         gumbo_destroy_output(&kGumboDefaultOptions, output);
         return children;
       }},
      {"HTML in", [&](std::size_t at) { return richtext::parse_html(html[at]).document.children.size(); }},
      {"Markdown in", [&](std::size_t at) { return richtext::parse_markdown(markdown[at]).document.children.size(); }},
      {"ADF in", [&](std::size_t at) { return richtext::parse_adf(adf[at]).document.children.size(); }},
      {"Markdown out", [&](std::size_t at) { return richtext::print_markdown(trees[at]).text.size(); }},
      {"ADF out", [&](std::size_t at) { return richtext::print_adf(trees[at]).document.get_object().size(); }},
      {"HTML out", [&](std::size_t at) { return richtext::print_html(trees[at]).text.size(); }},
      {"wiki markup out", [&](std::size_t at) { return richtext::print_wiki(trees[at]).text.size(); }},
      {"text for comparison", [&](std::size_t at) { return richtext::canonical_text(trees[at]).size(); }},
      {"HTML to Markdown",
       [&](std::size_t at) { return richtext::print_markdown(richtext::parse_html(html[at]).document).text.size(); }},
      {"HTML to ADF, as text",
       [&](std::size_t at) {
         return boost::json::serialize(richtext::print_adf(richtext::parse_html(html[at]).document).document).size();
       }},
  };
  for (std::size_t round = 0; round < rounds; ++round) {
    for (Way& way : ways) {
      const double start = cpu_seconds();
      for (std::size_t at = 0; at < documents; ++at) sum += way.run(at);
      way.seconds.push_back(cpu_seconds() - start);
    }
  }
  std::printf("%zu documents of %zu bytes, medians of %zu rounds (%zu)\n", documents, bytes / documents, rounds,
              sum % 10);
  for (Way& way : ways) {
    std::sort(way.seconds.begin(), way.seconds.end());
    std::printf("| %s | %.0f documents/s |\n", way.name, static_cast<double>(documents) / way.seconds[rounds / 2]);
  }
}

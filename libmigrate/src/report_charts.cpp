#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report_parts.hpp"
#include "report_text.hpp"

MIGRATE_BEGIN
namespace reporting {

namespace {

constexpr double label_width = 190, bar_width = 560, value_width = 150, row_height = 30;
constexpr double chart_width = label_width + bar_width + value_width;

std::string open_svg(const std::string& title, std::size_t rows) {
  return fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{2}\"><title>{2}</title>\n", chart_width,
      static_cast<double>(rows) * row_height + 6, escape_html(title));
}

std::string label_at(std::size_t row, const std::string& label) {
  return fmt::format("<text class=\"label\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", label_width - 10,
                     static_cast<double>(row) * row_height + 20, escape_html(shortened(label, 26)));
}

std::string value_at(std::size_t row, double x, const std::string& text) {
  return fmt::format("<text class=\"value\" x=\"{:.1f}\" y=\"{}\">{}</text>\n", x,
                     static_cast<double>(row) * row_height + 20, text);
}

std::string box(std::size_t row, double x, double width, std::string_view colour, const std::string& hint) {
  return fmt::format(
      "<rect class=\"{}\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\"><title>{}</title></rect>\n",
      colour, x, static_cast<double>(row) * row_height + 5, width, row_height - 9, escape_html(hint));
}

}  // namespace

std::string outcome_chart(const Report& report) {
  std::string svg = open_svg("What became of the records of each type", report.types.size());
  std::size_t row = 0;
  for (const auto& [type, c] : report.types) {
    const std::array<std::pair<std::string_view, std::uint64_t>, 4> shares{
        {{"written", c.written}, {"skipped", c.skipped}, {"dropped", c.dropped}, {"failed", c.failed}}};
    const std::uint64_t whole = std::max<std::uint64_t>(c.written + c.skipped + c.dropped + c.failed, 1);
    svg += label_at(row, type);
    double x = label_width;
    for (const auto& [name, count] : shares) {
      if (count == 0) continue;
      // One failure of a million stays visible.
      const double width = std::max(2.0, bar_width * static_cast<double>(count) / static_cast<double>(whole));
      svg += box(row, x, width, name, fmt::format("{}: {} {}", type, count_text(count), name));
      x += width;
    }
    svg += value_at(row, std::min(x, label_width + bar_width) + 8, percent_text(arrived(report, type), c.read));
    ++row;
  }
  return svg + "</svg>\n";
}

std::string bar_chart(const std::string& title, const std::vector<Bar>& bars, const std::string& colour) {
  std::uint64_t longest = 1;
  for (const Bar& bar : bars) longest = std::max(longest, bar.value);
  std::string svg = open_svg(title, bars.size());
  for (std::size_t row = 0; row < bars.size(); ++row) {
    const double width =
        std::max(2.0, bar_width * static_cast<double>(bars[row].value) / static_cast<double>(longest));
    svg += label_at(row, bars[row].label);
    svg += box(row, label_width, width, colour, fmt::format("{}: {}", bars[row].label, count_text(bars[row].value)));
    svg += value_at(row, label_width + width + 8, count_text(bars[row].value));
  }
  return svg + "</svg>\n";
}

}  // namespace reporting
MIGRATE_END

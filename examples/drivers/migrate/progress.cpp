#include "progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <iostream>
#include <mutex>

namespace migrate::program {

namespace {

using Steady = std::chrono::steady_clock;

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar_of(double share, std::size_t width) {
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width) + 0.5);
  std::string bar;
  for (std::size_t i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
  return bar;
}

void draw_bar(const Progress& progress) {
  std::string line = one_line(progress);
  const std::size_t room = terminal_width() - 1;
  if (progress.expected && *progress.expected > 0 && room > line.size() + 12) {
    const double share = static_cast<double>(progress.done) / static_cast<double>(*progress.expected);
    line = bar_of(share, std::min<std::size_t>(30, room - line.size() - 2)) + "  " + line;
  } else if (line.size() > room) {
    line.resize(room);
  }
  std::cerr << "\r\033[K" << line << std::flush;
}

void print_json(const Progress& progress) {
  const Counters total = progress.total();
  const Object object{{"event", "progress"},
                      {"phase", progress.phase ? Value(to_string(*progress.phase)) : Value()},
                      {"done", progress.done},
                      {"expected", progress.expected ? Value(*progress.expected) : Value()},
                      {"rate", progress.rate},
                      {"eta_seconds", progress.eta ? Value(static_cast<std::int64_t>(progress.eta->count())) : Value()},
                      {"elapsed_ms", static_cast<std::int64_t>(progress.elapsed.count())},
                      {"written", total.written},
                      {"failed", total.failed}};
  std::cout << boost::json::serialize(object) << std::endl;
}

void show(const RunRecorder& recorder, ProgressStyle style, const std::stop_token& ended) {
  const std::chrono::seconds interval = style == ProgressStyle::plain ? std::chrono::seconds(3) : std::chrono::seconds(1);
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  std::optional<Phase> phase;
  Steady::time_point shown = Steady::now();
  while (!ended.stop_requested()) {
    wake.wait_for(lock, ended, std::chrono::milliseconds(200), [] { return false; });
    const Progress progress = recorder.progress();
    if (progress.status != "running") continue;
    if (style == ProgressStyle::bar) {
      draw_bar(progress);
      continue;
    }
    if (phase == progress.phase && Steady::now() - shown < interval) continue;
    phase = progress.phase;
    shown = Steady::now();
    if (style == ProgressStyle::json) {
      print_json(progress);
    } else {
      std::cerr << one_line(progress) << std::endl;
    }
  }
  if (style == ProgressStyle::bar) std::cerr << "\r\033[K" << std::flush;
}

}  // namespace

ProgressStyle progress_style_from(const std::string& word) {
  if (word == "auto") return ::isatty(STDERR_FILENO) == 1 ? ProgressStyle::bar : ProgressStyle::plain;
  if (word == "bar") return ProgressStyle::bar;
  if (word == "plain") return ProgressStyle::plain;
  if (word == "json") return ProgressStyle::json;
  if (word == "none") return ProgressStyle::none;
  throw Error(ErrorKind::invalid, "usage", fmt::format("--progress {}: there is no such style", word))
      .with_advice("It is one of auto, bar, plain, json and none.");
}

ProgressDisplay::ProgressDisplay(const RunRecorder& recorder, ProgressStyle style) {
  if (style == ProgressStyle::none) return;
  thread_ = std::jthread([&recorder, style](const std::stop_token& ended) { show(recorder, style, ended); });
}

ProgressDisplay::~ProgressDisplay() = default;

}  // namespace migrate::program

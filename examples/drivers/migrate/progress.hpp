// What a person or a program sees while a run goes on.
#pragma once

#include <string>
#include <thread>

#include "migrate/working_directory.hpp"

namespace migrate::program {

/// bar: one line that is redrawn; plain: a line every few seconds and at each phase; json: one object a second and at
/// each phase, on stdout. bar and plain write to stderr.
enum class ProgressStyle { bar, plain, json, none };
/// From `auto|bar|plain|json|none`; auto is a bar on a terminal and plain elsewhere. Throws Error(invalid).
ProgressStyle progress_style_from(const std::string& word);

/// Draws from a thread of its own until it is destroyed.
class ProgressDisplay {
 public:
  /// `recorder` outlives the display.
  ProgressDisplay(const RunRecorder& recorder, ProgressStyle style);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace migrate::program

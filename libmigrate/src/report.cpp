#include "migrate/report.hpp"

#include <array>
#include <utility>

MIGRATE_BEGIN

namespace {
constexpr std::array<std::pair<Phase, std::string_view>, 8> phase_names{{{Phase::pre_validation, "pre_validation"},
                                                                        {Phase::extraction, "extraction"},
                                                                        {Phase::transformation, "transformation"},
                                                                        {Phase::import, "import"},
                                                                        {Phase::linking, "linking"},
                                                                        {Phase::verification, "verification"},
                                                                        {Phase::post_migration, "post_migration"},
                                                                        {Phase::rollback, "rollback"}}};
}  // namespace

std::string_view to_string(Phase phase) noexcept {
  for (const auto& [value, name] : phase_names) {
    if (value == phase) return name;
  }
  return "import";
}

std::optional<Phase> phase_from(std::string_view name) noexcept {
  for (const auto& [value, known] : phase_names) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::string_view to_string(Status status) noexcept {
  switch (status) {
    case Status::done: return "done";
    case Status::done_with_failures: return "done_with_failures";
    case Status::differences: return "differences";
    case Status::stopped: return "stopped";
    case Status::broken_off: return "broken_off";
    case Status::preflight_failed: return "preflight_failed";
  }
  return "broken_off";
}

Counters& Counters::operator+=(const Counters& other) {
  read += other.read;
  transformed += other.transformed;
  written += other.written;
  skipped += other.skipped;
  dropped += other.dropped;
  failed += other.failed;
  linked += other.linked;
  verified += other.verified;
  removed += other.removed;
  files += other.files;
  files_written += other.files_written;
  return *this;
}

Counters Report::total() const {
  Counters sum;
  for (const auto& [type, counters] : types) sum += counters;
  return sum;
}

Observer::~Observer() = default;
void Observer::on_start(const Report&, std::optional<std::uint64_t>) {}
void Observer::on_phase(Phase) {}
void Observer::on_phase_done(Phase, const Report&) {}
void Observer::on_progress(const Report&) {}
void Observer::on_failure(const Failure&) {}
void Observer::on_retry(const RecordRef&, int, std::chrono::milliseconds, const Error&) {}

MIGRATE_END

// The machine's clock may be set while a run lasts.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <chrono>

#include "migrate/services.hpp"

#include <doctest/doctest.h>

namespace {
std::chrono::seconds set_by{0};
}

/// In place of the system's, for everything in this program: the machine's time as somebody has set it.
extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (clock == CLOCK_REALTIME) time->tv_sec += set_by.count();
  return result;
}

using namespace migrate;

TEST_CASE("a machine's clock that is set while a run lasts moves no time of the run") {
  const std::shared_ptr<Clock> clock = Clock::system();
  const auto wall = [] { return std::chrono::system_clock::now(); };
  const auto start = clock->now();
  CHECK(wall() - start < std::chrono::minutes(1));
  CHECK(start - wall() < std::chrono::minutes(1));
  for (const int hours : {-6, 6}) {
    set_by = std::chrono::hours(hours);
    // The machine's time is another one now.
    CHECK(std::chrono::abs(wall() - start) > std::chrono::hours(5));
    CHECK(clock->now() >= start);
    CHECK(clock->now() - start < std::chrono::hours(1));
  }
  // Whoever begins now goes by what the machine says now.
  CHECK(Clock::system()->now() - start > std::chrono::hours(5));
  set_by = std::chrono::seconds(0);
}

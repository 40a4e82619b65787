// Ctrl+C, twice.
#pragma once

#include <stop_token>
#include <thread>

namespace migrate::program {

/// SIGINT, SIGTERM and SIGHUP ask `stop` to stop; a second one ends the process with 130 at once, which is as safe as a
/// crash. One that the process was started to ignore stays ignored.
/// Made before any other thread of the program, because threads inherit that the signals are not delivered to them.
class SignalWatch {
 public:
  explicit SignalWatch(std::stop_source stop);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  std::jthread watcher_;
};

/// For a child process between fork and exec: signals as they were before the watch.
void restore_signals();

}  // namespace migrate::program

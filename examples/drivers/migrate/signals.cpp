#include "signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <string_view>

#include "commands.hpp"

namespace migrate::program {

namespace {

/// Sent to the watcher's thread alone, when it has nothing to watch for any more.
constexpr int wake_up = SIGUSR1;

/// What the program was started to ignore (by nohup, or by a script's "&") it goes on ignoring.
sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction inherited {};
    if (::sigaction(each, nullptr, &inherited) != 0 || inherited.sa_handler != SIG_IGN) sigaddset(&set, each);
  }
  return set;
}

void say(std::string_view text) {
  // Nobody needs to know that this could not be said.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

void watch(const std::stop_token& ended, std::stop_source stop) {
  sigset_t set = watched_signals();
  sigaddset(&set, wake_up);
  while (!ended.stop_requested()) {
    const int received = ::sigwaitinfo(&set, nullptr);
    if (received < 0 || received == wake_up) continue;
    if (stop.stop_requested()) {
      say("\nLeaving at once; the state is saved as it is, and the next run goes on from there.\n");
      ::_exit(exit_interrupted);
    }
    say("\nStopping: what is in flight is finished or taken back, then the state is saved. Once more leaves at once.\n");
    stop.request_stop();
  }
}

}  // namespace

SignalWatch::SignalWatch(std::stop_source stop) {
  const sigset_t set = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // Blocked in the watcher from its first moment, and nowhere else.
  sigset_t own;
  sigset_t before;
  sigemptyset(&own);
  sigaddset(&own, wake_up);
  ::pthread_sigmask(SIG_BLOCK, &own, &before);
  watcher_ = std::jthread([stop = std::move(stop)](const std::stop_token& ended) { watch(ended, stop); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SignalWatch::~SignalWatch() {
  watcher_.request_stop();
  ::pthread_kill(watcher_.native_handle(), wake_up);
  watcher_.join();
  restore_signals();
}

void restore_signals() {
  const sigset_t set = watched_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace migrate::program

#include "simulator/quota.hpp"

#include <algorithm>

namespace migrate::freshdesk::simulation {

Quota::Verdict Quota::take(Seconds now, std::int64_t credits, LimitedList list) {
  const Seconds window = now - now % minute;
  if (window != window_) {
    window_ = window;
    used_ = 0;
    listed_.fill(0);
  }
  std::int64_t& listed = listed_[static_cast<std::size_t>(list)];
  Verdict verdict;
  verdict.refused = used_ >= limits_.account || (list != LimitedList::none && listed >= limits_.list);
  if (!verdict.refused) {
    ++listed;
    verdict.used = credits;
    used_ += credits;
  } else {
    verdict.retry_after = window + minute - now;
    verdict.used = 1;
    used_ += 1;
  }
  verdict.remaining = std::max<std::int64_t>(0, limits_.account - used_);
  return verdict;
}

}  // namespace migrate::freshdesk::simulation

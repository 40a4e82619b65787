// Where the memory of batches comes from: blocks of batches that have ended.
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include "migrate/record.hpp"

MIGRATE_BEGIN

namespace {

/// Keeps what is given back, up to a limit. A batch's blocks are large enough for the allocator to ask the system for
/// each and to return each: page by page handed out and cleared, a quarter of the time a copy of a table took.
class BlockPool final : public boost::json::memory_resource {
 public:
  ~BlockPool() override = default;

 private:
  // What three batches of some ten thousand rows need; what is given back beyond it goes to the system.
  static constexpr std::size_t most_kept = std::size_t{32} << 20;
  // Boost.JSON 1.81 gives a block back with another size than it has asked for: the block itself knows.
  static constexpr std::size_t header = alignof(std::max_align_t);

  void* do_allocate(std::size_t bytes, std::size_t) override {
    const std::size_t size = bytes + header;
    {
      const std::scoped_lock lock(mutex_);
      const auto found = free_.find(size);
      if (found != free_.end() && !found->second.empty()) {
        void* block = found->second.back();
        found->second.pop_back();
        kept_ -= size;
        return static_cast<unsigned char*>(block) + header;
      }
    }
    void* block = ::operator new(size);
    *static_cast<std::size_t*>(block) = size;
    return static_cast<unsigned char*>(block) + header;
  }

  void do_deallocate(void* memory, std::size_t, std::size_t) override {
    void* block = static_cast<unsigned char*>(memory) - header;
    const std::size_t size = *static_cast<std::size_t*>(block);
    {
      const std::scoped_lock lock(mutex_);
      if (kept_ + size <= most_kept) {
        free_[size].push_back(block);
        kept_ += size;
        return;
      }
    }
    ::operator delete(block);
  }

  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
  std::size_t kept_ = 0;
};

// Never destroyed: an arena may be the last thing that a program lets go of.
BlockPool& pool() {
  static auto* const instance = new BlockPool;
  return *instance;
}

}  // namespace

std::shared_ptr<boost::json::monotonic_resource> make_arena(std::size_t first_block) {
  return std::make_shared<boost::json::monotonic_resource>(first_block, boost::json::storage_ptr(&pool()));
}

MIGRATE_END

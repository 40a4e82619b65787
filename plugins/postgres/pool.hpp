// Connections of one connector: each piece of work borrows one and gives it back.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "connection.hpp"

namespace migrate::postgres {

class Pool {
 public:
  Pool(std::string dsn, Services services) : dsn_(std::move(dsn)), services_(std::move(services)) {}

  class Lease {
   public:
    Lease(std::shared_ptr<Pool> pool, std::unique_ptr<Connection> connection)
        : pool_(std::move(pool)), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) noexcept = default;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    std::shared_ptr<Pool> pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// Connects lazily: nothing here blocks for long.
  static Lease borrow(const std::shared_ptr<Pool>& pool) {
    const std::scoped_lock lock(pool->mutex_);
    if (pool->idle_.empty()) return {pool, std::make_unique<Connection>(pool->dsn_, pool->services_)};
    Lease lease(pool, std::move(pool->idle_.back()));
    pool->idle_.pop_back();
    return lease;
  }

 private:
  void give_back(std::unique_ptr<Connection> connection) {
    // Whatever is half done on it dies with it.
    if (!connection->usable() || connection->in_transaction()) return;
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(connection));
  }

  std::string dsn_;
  Services services_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace migrate::postgres

// Reads tickets: the lists of the desk, of deleted ones and of spam in the order of their changes, archived ones id by
// id. Deleted tickets and spam come behind the desk, archived ones behind them: a ticket that is moved there while the
// run lasts is met in its new place.
//
// What a ticket costs of the account's requests a minute (see README.md): 5 for a hundred rows of the list with
// requester and stats, 1 for the ticket itself, which the list shows without its files, 1 for each hundred
// conversations, 1 for the time entries. Asking for the ticket with its conversations embedded
// would cost 2 as well, and once more for each ticket that has more than ten.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api.hpp"
#include "config.hpp"
#include "directory.hpp"
#include "files.hpp"
#include "item.hpp"
#include "migrate/services.hpp"
#include "migrate/source.hpp"
#include "window.hpp"

namespace migrate::freshdesk {

class FreshdeskSource final : public Source {
 public:
  FreshdeskSource(const SourceConfig& config, const Services& services);

  SourceTraits traits() const override;
  awaitable<std::vector<Check>> check() override;
  awaitable<std::vector<Partition>> partitions() override;
  awaitable<RecordBatch> read(const Partition& partition, Cursor from, std::size_t limit) override;
  awaitable<RecordBatch> fetch(std::vector<RecordRef> refs) override;
  awaitable<std::unique_ptr<ByteStream>> open(Blob blob) override;

 private:
  /// A page of a list, and what of it lies behind the limit of a read, for the read that goes on there: listing it
  /// again would cost as much as the whole page. One a partition; whoever reads from elsewhere lists anew.
  struct Listed {
    ListPage page;
    ListedPage rows;
    Second asked{};
    int number = 0;
    std::string cursor;  ///< where the rest is good
  };
  /// A ticket on its way: `gone` when it was removed between the list and now, or was never there.
  struct Gathered {
    std::int64_t id = 0;
    TicketParts parts;
    Shelf shelf = Shelf::desk;
    bool waiting = true;  ///< to be gathered
    bool gone = false;
    bool unshown = false;          ///< no address of its own shows it: a list may
    bool exists = false;           ///< there is such a ticket, though it may not be read
    std::optional<Error> trouble;  ///< it cannot be read
  };
  /// Ids that are tried for archived tickets. `open`: behind `through` more may follow.
  struct ArchivedRange {
    std::int64_t first = 1, through = 0;
    bool open = false;
  };

  awaitable<RecordBatch> read_list(std::string partition, Shelf shelf, Cursor from, std::size_t limit);
  awaitable<RecordBatch> read_archived(ArchivedRange range, Cursor from, std::size_t limit);
  void tell_end_of_archive(const ArchivedRange& range, std::int64_t last) const;
  awaitable<Listed> list_page(Shelf shelf, const Window& window);
  static void keep_rest(Listed& listed, std::size_t through, const Window& window);
  std::optional<Listed> take_rest(const std::string& partition, const Cursor& from);

  awaitable<std::vector<Record>> records_of(std::vector<Gathered>& tickets);
  awaitable<void> gather_waiting(std::vector<Gathered>& tickets);
  awaitable<void> gather_or_note(Gathered& ticket);
  awaitable<void> gather(Gathered& ticket);
  awaitable<void> view(Gathered& ticket);
  awaitable<int> list_conversations(Gathered& ticket, std::vector<TicketParts::Said>& said);
  awaitable<void> doubt_missing(Gathered& ticket, const char* what, int status);
  awaitable<void> gather_conversations(Gathered& ticket);
  void note_unoffered(Gathered& ticket);
  awaitable<void> gather_times(Gathered& ticket);
  awaitable<void> gather_ratings(Gathered& ticket);
  awaitable<void> gather_prime(Gathered& ticket);
  awaitable<void> gather_pictures(Gathered& ticket);
  awaitable<void> fetch_one(Gathered& ticket);
  awaitable<std::optional<Value>> fetch_archived(std::int64_t id);
  awaitable<void> find_in_lists(std::vector<Gathered>& tickets);

  SourceConfig config_;
  Services services_;
  Api api_;
  Directory directory_;
  Files files_;
  std::map<std::string, Listed> rests_;
  bool rows_have_files_ = true;  ///< the lists of some accounts show a ticket's attachments; most do not
  bool ratings_refused_ = false, hidden_told_ = false;
  bool empty_times_seen_ = false;  ///< a ticket without time entries was answered with an empty list
  std::optional<std::int64_t> newest_;
};

/// What check() finds, each with what to do about it. See source.hpp.
awaitable<std::vector<Check>> checks_of(Api& api, const SourceConfig& config);

std::shared_ptr<Source> make_source(SourceConfig config, const Services& services);

}  // namespace migrate::freshdesk

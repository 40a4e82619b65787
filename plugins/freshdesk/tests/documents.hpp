// The documents and recordings of the service that lie beside the repository, if they do.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "migrate/record.hpp"
#include "temporary_folder.hpp"
#include "vendor_documents.hpp"

/// Without them the test is skipped.
class Documents {
 public:
  Documents() : folder_(vendor_documents("specs/freshdesk/freshdesk.observed.json")) {}
  const std::filesystem::path& folder() const { return folder_; }

  /// Fails the test when an exchange is not as the documents say; returns what was found.
  std::string check(const std::vector<migrate::Value>& exchanges) const {
    checkable_documents("tools/check_payload.py");
    const TemporaryFolder temporary;
    const std::filesystem::path log = temporary.path / "exchanges.jsonl", report = temporary.path / "report.txt";
    {
      std::ofstream out(log);
      for (const migrate::Value& exchange : exchanges) out << boost::json::serialize(exchange) << "\n";
    }
    const std::string command = fmt::format(
        "python3 -B '{0}/tools/check_payload.py' exchange '{0}/specs/freshdesk/freshdesk.observed.json' '{1}' "
        "--base '^/api/v2' --overlay '{2}/plugins/freshdesk/tests/vendor_overlay.json' >'{3}' 2>&1",
        folder_.string(), log.string(), MIGRATE_SOURCE_DIR, report.string());
    const int result = std::system(command.c_str());
    const std::string found = content(report);
    INFO(found);
    CHECK(result == 0);
    return found;
  }

 private:
  std::filesystem::path folder_;
};

// How numbers, times and foreign text are shown in reports and in the status file.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "migrate/record.hpp"
#include "migrate/report.hpp"

MIGRATE_BEGIN
namespace reporting {

/// "2024-01-31T20:00:00.123Z"; empty for the epoch, which stands for "never".
std::string iso_time(std::chrono::system_clock::time_point time);
/// "850 ms", "12.3 s", "4 min 05 s", "2 h 03 min".
std::string duration_text(std::chrono::milliseconds duration);
/// "1,234,567".
std::string count_text(std::uint64_t count);
/// "99.8 %"; never 100 % when something is missing. "–" of nothing.
std::string percent_text(std::uint64_t part, std::uint64_t whole);
/// Records a second; 0 when no time has passed.
double rate_of(std::uint64_t records, std::chrono::milliseconds elapsed);

bool is_utf8(std::string_view text);
/// With U+FFFD in place of every byte that is not part of a character: files of reports are UTF-8 whatever the data is.
std::string clean_utf8(std::string_view text);
/// At most `limit` bytes, cut between characters, with an ellipsis when something was cut.
std::string shortened(std::string_view text, std::size_t limit);
std::string escape_html(std::string_view text);
/// For a cell of a table.
std::string escape_markdown(std::string_view text);
/// Appends the JSON of a text or value. For lists of millions: plain ASCII and integers take no detour.
void append_json(std::string& out, std::string_view text);
void append_json(std::string& out, const Value& value);
/// Strings as they are, everything else as JSON.
std::string plain_text(const Value& value);

/// "1,000 of 15,230 records compared, 0 differences": how far what was found tells about the rest.
std::string verification_text(const Report::Verification& verification);
/// "3 cleaned up by the run, 0 removed with migrate orphans": half-made items that are gone from the target; empty
/// where the run was about no such items.
std::string orphans_text(const Report& report);
/// "6 of 8 arrived (75.0 %)"; empty where there are none.
std::string attachments_text(const Report& report);
/// Which records the run was about, e.g. "only tickets"; empty: all.
std::string chosen_text(const Report& report);
/// "34 of 34 records arrived (100 %), …", or what there is to say instead.
std::string arrival_text(const Report& report);
/// "3 would be created, 1 changed, …".
std::string preview_text(const Report::Preview& preview);
/// "17 items removed, …".
std::string undone_text(const UndoResult& rollback);
/// Of a dry run: nothing has arrived, and nothing is to be retried.
bool is_rehearsal(const Report& report);
/// What a person reads first of a run.
std::string headline(const Report& report);
/// Records that a person has left out, of one type or (empty) of all. They count as skipped, and have not arrived.
std::uint64_t left_out(const Report& report, const std::string& type = std::string());
/// Records that are on the target: written, or equal to what was there.
std::uint64_t arrived(const Report& report, const std::string& type = std::string());
/// Whether `migrate retry` has something to do: not after a rehearsal, nor when all was taken back.
bool can_be_retried(const Report& report);
/// What has become of the records that warnings are of.
std::string about_warnings(const Report& report);
std::string retry_command(const std::string& arguments, const std::string& cause);

}  // namespace reporting
MIGRATE_END

// The names by which the migration finds its own work in Jira again: labels, properties, files, keys of issues.
//
// Pure functions of what never changes between runs, so that every attempt looks for the same name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "migrate/record.hpp"

namespace migrate::jira {

/// Entity property of issues, comments and worklogs: {"key": Step::key() of the step that made it, …}.
inline constexpr std::string_view property_key = "migration";
/// Label of issues that are not complete yet.
inline constexpr std::string_view incomplete_label = "migration-incomplete";
/// Label of issues whose item the source has no more.
inline constexpr std::string_view gone_label = "gone-at-source";
/// Step of a first run: the issue's move into its status.
inline constexpr const char* first_move = "status";
/// Step of a delta run: the issue's move into the status that the source says now.
inline constexpr const char* move_step = "status:delta";
/// Longest label that Jira takes, in characters.
inline constexpr std::size_t label_limit = 255;

/// The key of the record's step "create", from the key of any step of the record.
std::string create_key(const std::string& step_key);
/// The same from what it is made of.
std::string create_key(const std::string& migration, const RecordRef& record);
/// The key of its step "adopt", from the same.
std::string adopt_key(const std::string& step_key);
/// "migrated-81-3f9a01bc77d2": unique by its end, for people by its middle. `key` is that of the step "create".
std::string marker_label(const std::string& prefix, const std::string& key);
/// "migrated-freshdesk-to-jira": on every issue of the migration.
std::string migration_label(const std::string& prefix, const std::string& migration);
/// A label as Jira takes it: no blanks, not too long. Empty when nothing is left.
std::string as_label(std::string_view text);

/// Of an issue's web link to its source: there is one of it, however often it is set. 255 characters at most.
std::string source_link_id(const std::string& migration, const RecordRef& record);

/// "comment:5001". What may not stand in the name of a step is written "%XX".
std::string step_name(std::string_view what, std::string_view id);
/// "comment:5001"; of a comment that takes several of Jira's: "comment:5001:part-2" for the next one. `part` begins
/// with 0.
std::string comment_step(const std::string& id, std::size_t part);
/// "log--9001.txt": unique within the item by the blob's id, fit for wiki markup and file systems.
std::string file_name(const Blob& blob);
/// The id in the name of a step: what step_name() was given.
std::string id_of_step(const std::string& name);
/// Whether file_name() gives a blob of this id such a name.
bool is_file_of(const std::string& file_name, const std::string& blob_id);
/// Of a multipart body: the same for the same step.
std::string boundary(const std::string& step_key);

/// Without regard to the case of ASCII letters, as people type names.
bool same_name(std::string_view a, std::string_view b) noexcept;

/// "SUP-24" is number 24 of project SUP; nothing for other texts.
std::optional<std::int64_t> number_of(std::string_view issue_key);

/// "2024-01-31T09:00:00Z" as "2024-01-31 09:00 UTC", as people read it; other texts as they are.
std::string readable_time(const std::string& time);
/// As Jira writes and reads it: "2024-01-31T09:00:00.000+0000". Nothing when it is no time in UTC.
std::optional<std::string> jira_time(const std::string& time);
/// Jira's own time stamps, with any offset. Nothing when it is none.
std::optional<std::int64_t> seconds_of(std::string_view time);

}  // namespace migrate::jira

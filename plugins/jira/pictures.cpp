// Pictures that a text shows no longer. Jira's Cloud deletes an attachment when the last text that shows it is written
// without it: what the source still has of them is brought once more.
#include <algorithm>
#include <iterator>
#include <set>

#include "json.hpp"
#include "names.hpp"
#include "sink.hpp"

namespace migrate::jira {

namespace {

/// What a document shows, by its ids at the media service.
void collect_media(const Value& node, std::set<std::string>& found) {
  if (text_at(node, {"type"}).starts_with("media"))
    if (std::string id = text_at(node, {"attrs", "id"}); !id.empty()) found.insert(std::move(id));
  for (const Value& child : list_at(node, {"content"})) collect_media(child, found);
}

/// What the first document shows and the second one does not.
std::set<std::string> lost_media(const Value& before, const Value& after) {
  std::set<std::string> shown, kept, lost;
  collect_media(before, shown);
  collect_media(after, kept);
  std::set_difference(shown.begin(), shown.end(), kept.begin(), kept.end(), std::inserter(lost, lost.end()));
  return lost;
}

/// Markup shows files by their names.
bool names(const Value& text, const std::string& file) {
  if (!text.is_string()) return false;
  std::string said(text.get_string());
  std::erase(said, '\\');
  return said.find(file) != std::string::npos;
}

}  // namespace

/// The files of an issue, as it was found, that somebody else has attached.
std::vector<const Value*> JiraSink::files_of_others(const Job& job) const {
  std::vector<const Value*> files;
  for (const Value& file : list_at(job.issue, {"fields", "attachment"}))
    if (by_others(file, "author")) files.push_back(&file);
  return files;
}

/// Whether a text of an issue that was there before shows files of people's that the next one leaves out: they would go
/// along with it, and nobody could bring them back.
awaitable<bool> JiraSink::drops_files_of_others(const Job& job, Value before, Value after) {
  if (!api_.cloud()) co_return false;
  const bool wiki = markup() == Markup::wiki;
  const std::set<std::string> lost = wiki ? std::set<std::string>() : lost_media(before, after);
  if (!wiki && lost.empty()) co_return false;
  for (const Value* file : files_of_others(job)) {
    if (wiki) {
      const std::string name = text_at(*file, {"filename"});
      if (names(before, name) && !names(after, name)) co_return true;
      continue;
    }
    std::string id = text_at(*file, {"id"});
    const std::string media = co_await api_.media_id(std::move(id));
    if (lost.count(media)) co_return true;
  }
  co_return false;
}

/// Before a text is written: files of the record that may go with what it shows no longer. That is announced, so that a
/// death between loses none, and a rollback still knows of those that did not go.
awaitable<void> JiraSink::release_pictures(Job& job, Value before, Value after, Released& released) {
  if (!api_.cloud()) co_return;
  const bool wiki = markup() == Markup::wiki;
  if (!wiki && lost_media(before, after).empty()) co_return;
  for (const Blob* blob : job.draft.files) {
    if (!job.files.count(blob->id) || std::find(released.begin(), released.end(), blob) != released.end()) continue;
    const std::string file = file_name(*blob);
    // Which file a document has shown is not asked: those that are still there are found again.
    const bool shown = !wiki || (names(before, file) && !names(after, file));
    if (!shown) continue;
    Step step = co_await job.operation.begin(step_name("blob", blob->id));
    co_await step.announce_removal();
    released.push_back(blob);
  }
}

/// After it was written.
awaitable<void> JiraSink::regain_pictures(Job& job, Released released) {
  if (released.empty()) co_return;
  job.attachments.reset();
  job.resumed = true;
  for (const Blob* blob : released) {
    const auto before = job.files.find(blob->id);
    const std::string id = before == job.files.end() ? std::string() : before->second;
    job.files.erase(blob->id);
    co_await move_file(job, blob);
    const auto now = job.files.find(blob->id);
    if (now == job.files.end() || now->second != id) job.media.erase(blob->id);
  }
}

}  // namespace migrate::jira

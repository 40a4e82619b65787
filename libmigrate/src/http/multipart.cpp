#include <fmt/format.h>

#include <algorithm>

#include "http/text.hpp"
#include "migrate/http/message.hpp"

MIGRATE_BEGIN
namespace http {

namespace {

/// As browsers write names: UTF-8, with the three characters that would end the field escaped.
std::string quoted_parameter(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') {
      out += "%22";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else if (c != '\0') {
      out += c;
    }
  }
  return out + '"';
}

std::string head_of(const Part& part, const std::string& boundary) {
  std::string head = "--" + boundary + "\r\nContent-Disposition: form-data; name=" + quoted_parameter(part.name);
  if (!part.file_name.empty()) head += "; filename=" + quoted_parameter(part.file_name);
  if (!part.media_type.empty()) {
    // Through the rules of header fields: a media type comes from a source's record, too.
    Headers checked;
    checked.add("Content-Type", part.media_type);
    head += "\r\nContent-Type: " + part.media_type;
  }
  return head + "\r\n\r\n";
}

/// Texts and streams one after another.
class Chain final : public ByteStream {
 public:
  struct Link {
    std::string text;
    std::shared_ptr<ByteStream> stream;
  };
  explicit Chain(std::vector<Link> links) : links_(std::move(links)) {}

  awaitable<std::string> read(std::size_t limit) override {
    while (at_ < links_.size()) {
      Link& link = links_[at_];
      if (link.stream) {
        std::string bytes = co_await link.stream->read(limit);
        if (!bytes.empty()) co_return bytes;
      } else if (offset_ < link.text.size()) {
        std::string bytes = link.text.substr(offset_, limit);
        offset_ += bytes.size();
        co_return bytes;
      }
      link = Link();
      offset_ = 0;
      ++at_;
    }
    co_return std::string();
  }

 private:
  std::vector<Link> links_;
  std::size_t at_ = 0, offset_ = 0;
};

void check_boundary(const std::string& boundary, const std::vector<Part>& parts) {
  bool proper = is_token(boundary) && boundary.size() <= 70;
  for (const Part& part : parts) proper = proper && part.body.find(boundary) == std::string::npos;
  if (proper) return;
  throw Error(ErrorKind::invalid, "multipart_boundary",
              fmt::format("\"{}\" cannot part this request's body: it is no token of at most 70 characters, or "
                          "occurs in the body itself.",
                          shortened(boundary, 80)));
}

}  // namespace

void set_multipart(Request& request, std::vector<Part> parts, std::string boundary) {
  check_boundary(boundary, parts);
  request.headers.set("Content-Type", "multipart/form-data; boundary=" + boundary);
  std::string tail = "--" + boundary + "--\r\n";
  if (std::none_of(parts.begin(), parts.end(), [](const Part& part) { return part.stream != nullptr; })) {
    std::string body;
    for (const Part& part : parts) {
      body += head_of(part, boundary);
      body += part.body;
      body += "\r\n";
    }
    request.body = std::move(body) + tail;
    return;
  }
  std::vector<Chain::Link> links;
  std::optional<std::uint64_t> size = tail.size();
  for (Part& part : parts) {
    std::string head = head_of(part, boundary);
    if (size && (!part.stream || part.size)) {
      *size += head.size() + (part.stream ? *part.size : part.body.size()) + 2;
    } else {
      size.reset();
    }
    links.push_back({std::move(head), nullptr});
    links.push_back({std::move(part.body), std::move(part.stream)});
    links.push_back({"\r\n", nullptr});
  }
  links.push_back({std::move(tail), nullptr});
  request.stream = std::make_shared<Chain>(std::move(links));
  request.stream_size = size;
}

}  // namespace http
MIGRATE_END

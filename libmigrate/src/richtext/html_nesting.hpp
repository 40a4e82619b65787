// How deep elements stand within each other, by HTML's rules for what closes what, without making a tree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/abi.hpp"

MIGRATE_BEGIN
namespace richtext {

/// The stack of Gumbo's open elements, from above: where what a tag closes depends on more than is known here, it
/// closes nothing, and what may have been closed counts until what it stands in is. Left out is only what Gumbo repeats
/// in each paragraph, which its memory bounds.
class HtmlNesting {
 public:
  /// Names in small letters. `self_closed`: "/" before ">", which counts inside of a drawing (SVG, MathML).
  void start(std::string_view name, bool self_closed);
  void end(std::string_view name);
  /// Formatting that a block has cut off counts: it is opened again behind the block, unless a cell ended there.
  std::size_t depth() const noexcept { return open_.size() + all_unclosed_; }
  /// Of a tag, in steps: Gumbo walks along the open elements for most of them.
  std::size_t cost_of(std::string_view name) const;
  /// Whether what stands in such an element is no markup.
  bool is_raw(std::string_view name) const;

 private:
  enum class Kind : std::uint8_t;
  struct Named;
  struct Open {
    std::string name;
    Kind kind;
    bool doubtful = false;  ///< it may have been closed
  };
  /// Of each kind of formatting, how much was not closed by its own tag, which still belongs to it.
  using Unclosed = std::array<std::uint32_t, 14>;

  static Kind kind_of(std::string_view name);
  static bool is_special(const Open& open) noexcept;
  static bool is_formatting(Kind kind) noexcept;
  static bool bounds_scope(const Open& open) noexcept;
  static bool bounds_formatting(Kind kind) noexcept;
  static bool is_closed_unsaid(const Open& open) noexcept;
  static std::size_t formatting_number(std::string_view name);

  bool in_drawing() const noexcept;
  bool is_point(std::string_view name) const;
  /// The innermost open element that `wanted` takes, none behind one that `stops` takes.
  template <class Wanted, class Stops>
  std::size_t find(Wanted wanted, Stops stops) const;
  void close_from(std::size_t at);
  /// Closes from the innermost that `wanted` takes on, or doubts what that may be.
  template <class Wanted, class Stops>
  void close(Wanted wanted, Stops stops);
  void doubt_from(std::size_t at);
  void close_paragraph();
  void push(std::string_view name, Kind kind);
  void start_in_drawing(std::string_view name, bool self_closed);
  void start_item(std::string_view name, Kind kind);
  void start_table(std::string_view name);
  void start_table_part(std::string_view name, Kind kind);
  void start_ruby_part(std::string_view name);
  void end_formatting(std::string_view name);
  void end_form();
  bool end_in_drawing(std::string_view name);
  void doubt_formatting();

  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::vector<Open> open_;
  Unclosed unclosed_{};
  std::size_t all_unclosed_ = 0;
  std::vector<Unclosed> around_;  ///< the same outside of each open element that bounds formatting
  std::size_t selects_ = 0;
  bool unsure_ = false;  ///< what is open is not known any more: nothing is taken for closed
};

}  // namespace richtext
MIGRATE_END

#include "machine.hpp"

extern "C" {
#include <jq.h>
}

#include "migrate/config_spec.hpp"
#include "value.hpp"

namespace migrate::jq {
namespace {

std::string text_of(jv value) {
  std::string text(jv_string_value(value), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(value))));
  jv_free(value);
  return text;
}

/// What jq's compiler says, one message a line.
void note(void* messages, jv message) {
  auto& text = *static_cast<std::string*>(messages);
  jv formatted = jq_format_error(message);
  if (!text.empty()) text += '\n';
  text += jv_get_kind(formatted) == JV_KIND_STRING ? text_of(formatted) : std::string("unknown error");
}

void ignore(void*, jv message) { jv_free(message); }

/// There is no other input than the record.
jv no_input(jq_state*, void*) { return jv_invalid(); }

/// The message of `error(…)`: a text, or any other value as JSON.
std::string message_of(jv thrown) {
  jv message = jv_invalid_get_msg(thrown);
  if (jv_get_kind(message) == JV_KIND_STRING) return text_of(message);
  return text_of(jv_dump_string(message, 0));
}

Error failed(const std::string& message) {
  return Error(ErrorKind::invalid, "jq_error", "jq: " + message)
      .with_advice("make the program take this record, for example with `?`, `//` or `try … catch`");
}

}  // namespace

void Machine::Free::operator()(jq_state* state) const noexcept { jq_teardown(&state); }

Machine::Machine(std::string program, const std::map<std::string, Value>& arguments) : program_(std::move(program)) {
  Object named;
  for (const auto& [name, value] : arguments) named[name] = detached(value);
  arguments_ = std::move(named);
  idle_.push_back(compiled());
}

Machine::~Machine() = default;

Machine::State Machine::compiled() const {
  State state(jq_init());
  if (!state) throw Error(ErrorKind::internal, "jq did not start: out of memory");
  std::string messages;
  jv arguments = to_jq(arguments_);
  jq_set_error_cb(state.get(), &note, &messages);
  int good = jq_compile_args(state.get(), program_.c_str(), arguments);
  // The callback must not outlive `messages`; at run time errors come as values.
  jq_set_error_cb(state.get(), &ignore, nullptr);
  jq_set_input_cb(state.get(), &no_input, nullptr);
  jq_set_debug_cb(state.get(), &ignore, nullptr);
  if (good == 0) throw ConfigError("program", messages.empty() ? "does not compile" : messages);
  return state;
}

Machine::State Machine::borrow() const {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      State state = std::move(idle_.back());
      idle_.pop_back();
      return state;
    }
  }
  return compiled();
}

std::vector<Value> Machine::run(const Value& input, const boost::json::storage_ptr& storage) const {
  State state = borrow();
  std::vector<Value> results;
  jq_start(state.get(), to_jq(input), 0);
  jv result = jq_next(state.get());
  for (; jv_is_valid(result); result = jq_next(state.get())) results.push_back(from_jq(result, storage));
  bool halted = jq_halted(state.get()) != 0;
  bool thrown = jv_invalid_has_msg(jv_copy(result)) != 0;
  std::string message = thrown ? message_of(result) : std::string();
  if (!thrown) jv_free(result);
  // A state that has halted stays so: it is not put back.
  if (halted) throw failed("`halt` ends a program; use `empty` to drop a record and `error` to fail it");
  {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(state));
  }
  if (thrown) throw failed(message);
  return results;
}

}  // namespace migrate::jq
